/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * _PR3 for the rig's two root ports, 00:04.0 and 00:05.0 of QEMU's q35.
 *
 * QEMU's port is switched by Power Controller Control (bit 10) of the Slot
 * Control register, 0x18 into the PCI Express capability, which QEMU puts at
 * 0x54. Setting it takes the power from the devices below: their config space
 * reads as ones, and they are reset when it comes back.
 *
 * With -D MODEL the first port is switched by QEMU's device rig-power instead, at
 * I/O port 0x4f0 (see tests/rig/qemu-model). With -D EPR3, too, its power resource
 * belongs to the function below it, and not to the port. With -D SHARED the second
 * port has the same one: only when both let go of it is power cut, to the first.
 *
 * Each _ON and _OFF writes a byte to I/O port 0x4e2 (isa-debugcon), so that the
 * host can count them: N and F for the first port, n and f for the second.
 */
DefinitionBlock ("", "SSDT", 2, "RTD3", "PORTS", 0x00000001)
{
    External (\_SB.PCI0.S20, DeviceObj)
    External (\_SB.PCI0.S20.S00, DeviceObj)
    External (\_SB.PCI0.S28, DeviceObj)

    Scope (\_SB)
    {
        OperationRegion (RLOG, SystemIO, 0x4E2, 1)
        Field (RLOG, ByteAcc, NoLock, Preserve) { LOGB, 8 }
    }

#ifdef MODEL
#ifdef EPR3
    Scope (\_SB.PCI0.S20.S00)
#else
    Scope (\_SB.PCI0.S20)
#endif
    {
        OperationRegion (RPWR, SystemIO, 0x4F0, 1)
        Field (RPWR, ByteAcc, NoLock, WriteAsZeros) { SWCH, 8 }

        PowerResource (PWRR, 0, 0)
        {
            Method (_STA, 0, Serialized) { Return (SWCH & One) }
            Method (_ON, 0, Serialized) { LOGB = 0x4E SWCH = One }
            Method (_OFF, 0, Serialized) { LOGB = 0x46 SWCH = Zero }
        }
        Name (_PR0, Package () { PWRR })
        Name (_PR3, Package () { PWRR })
    }
#else
    Scope (\_SB.PCI0.S20)
    {
        OperationRegion (SLOT, PCI_Config, 0x6C, 2)
        Field (SLOT, WordAcc, NoLock, Preserve) { , 10, PCCB, 1 }

        PowerResource (PWRR, 0, 0)
        {
            Method (_STA, 0, Serialized) { Return (PCCB == Zero) }
            Method (_ON, 0, Serialized) { LOGB = 0x4E PCCB = Zero }
            Method (_OFF, 0, Serialized) { LOGB = 0x46 PCCB = One }
        }
        Name (_PR0, Package () { PWRR })
        Name (_PR3, Package () { PWRR })
    }
#endif

#ifdef SHARED
    Scope (\_SB.PCI0.S28)
    {
        Name (_PR0, Package () { \_SB.PCI0.S20.PWRR })
        Name (_PR3, Package () { \_SB.PCI0.S20.PWRR })
    }
#else
    Scope (\_SB.PCI0.S28)
    {
        OperationRegion (SLOT, PCI_Config, 0x6C, 2)
        Field (SLOT, WordAcc, NoLock, Preserve) { , 10, PCCB, 1 }

        PowerResource (PWRR, 0, 0)
        {
            Method (_STA, 0, Serialized) { Return (PCCB == Zero) }
            Method (_ON, 0, Serialized) { LOGB = 0x6E PCCB = Zero }
            Method (_OFF, 0, Serialized) { LOGB = 0x66 PCCB = One }
        }
        Name (_PR0, Package () { PWRR })
        Name (_PR3, Package () { PWRR })
    }
#endif
}
