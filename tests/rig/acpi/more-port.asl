/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * _PR3 for one root port more, whose name stands where it says SLOT: as those of
 * ports.asl that QEMU switches, but nobody counts.
 */
DefinitionBlock ("", "SSDT", 2, "RTD3", "SLOT", 0x00000001)
{
    External (\_SB.PCI0.SLOT, DeviceObj)

    Scope (\_SB.PCI0.SLOT)
    {
        OperationRegion (SLCR, PCI_Config, 0x6C, 2)
        Field (SLCR, WordAcc, NoLock, Preserve) { , 10, PCCB, 1 }

        PowerResource (PWRR, 0, 0)
        {
            Method (_STA, 0, Serialized) { Return (PCCB == Zero) }
            Method (_ON, 0, Serialized) { PCCB = Zero }
            Method (_OFF, 0, Serialized) { PCCB = One }
        }
        Name (_PR0, Package () { PWRR })
        Name (_PR3, Package () { PWRR })
    }
}
