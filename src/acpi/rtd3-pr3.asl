/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * _PR3 for a virtual root port and for the device below it, so that the guest
 * itself turns off what it does not use: the guest's kernel calls the device's
 * _OFF when that is in D3hot, the port's when everything below it is, and each
 * one's _ON before it uses it again. Drivers look for _PR3 in either place
 * (NVIDIA's, below a hypervisor, at the device). All of them ring the doorbell that
 * rtd3_vfio_pci puts into the config space of a device with rtd3/virtual_pr3
 * set: a vendor-specific capability of 16 bytes,
 *
 *   +4  "RTD3"
 *   +8  request, 0 (power on) or 3 (power off)
 *   +9  status, bits 1:0 are the state that a request has put it in
 *
 * For a device without this capability _ON and _OFF do nothing, and what has been
 * turned on or off by the one is not by the other.
 *
 * To use it, with the device behind a port of its own at slot 4 of QEMU's q35:
 *
 *   echo 1 >/sys/bus/pci/devices/0000:01:00.0/rtd3/virtual_pr3
 *   iasl -p rtd3-pr3 rtd3-pr3.asl
 *   qemu-system-x86_64 -machine q35 -acpitable file=rtd3-pr3.aml \
 *     -smbios type=0,date=01/01/2024 \
 *     -device pcie-root-port,id=gpu,addr=4.0,chassis=4,slot=4,hotplug=off,x-speed=5 \
 *     -device vfio-pci,host=01:00.0,bus=gpu,addr=0.0 ...
 *
 * For another slot change the port's name below: S and slot * 8 + function in
 * two hex digits (iasl's -D takes no values). For slot 5:
 *
 *   sed 's/S20$/S28/' rtd3-pr3.asl >slot5.asl
 *
 * A Linux guest wants a BIOS of 2015 or later and a port without hot-plug before
 * it lets a port sleep; QEMU's ports have no PM capability, for which the guest
 * starts them with d3cold_allowed 0: write 1 to it in the guest's sysfs.
 */
#define PORT \_SB.PCI0.S20

DefinitionBlock ("", "SSDT", 2, "RTD3", "VIRTPR3", 0x00000001)
{
    External (PORT, DeviceObj)

    Scope (PORT)
    {
        External (S00, DeviceObj)

        Scope (S00)
        {
            // RDBY(offset): a byte of the device's config space
            Method (RDBY, 1, Serialized)
            {
                OperationRegion (CFGR, PCI_Config, Arg0, 1)
                Field (CFGR, ByteAcc, NoLock, Preserve) { CFGB, 8 }
                Return (CFGB)
            }

            // WRBY(offset, value)
            Method (WRBY, 2, Serialized)
            {
                OperationRegion (CFGR, PCI_Config, Arg0, 1)
                Field (CFGR, ByteAcc, NoLock, Preserve) { CFGB, 8 }
                CFGB = Arg1
            }

            // OURS(offset): whether a vendor-specific capability is the doorbell
            Method (OURS, 1, Serialized)
            {
                Return (RDBY (Arg0 + 2) >= 0x10 &&
                        RDBY (Arg0 + 4) == 0x52 &&
                        RDBY (Arg0 + 5) == 0x54 &&
                        RDBY (Arg0 + 6) == 0x44 &&
                        RDBY (Arg0 + 7) == 0x33)
            }

            // FIND(id): offset of a capability, of id 9 only the doorbell, or 0
            Method (FIND, 1, Serialized)
            {
                Local0 = (RDBY (0x34) & 0xFC)
                // No list is longer, even if it is all ones or a loop.
                Local1 = 48
                While (Local0 >= 0x40 && Local1 > 0)
                {
                    If (RDBY (Local0) == Arg0)
                    {
                        If (Arg0 != 9)
                        {
                            Return (Local0)
                        }
                        If (OURS (Local0))
                        {
                            Return (Local0)
                        }
                    }
                    Local0 = (RDBY (Local0 + 1) & 0xFC)
                    Local1--
                }
                Return (Zero)
            }

            Method (TSTA, 0, Serialized)
            {
                Local0 = FIND (9)
                If (Local0)
                {
                    Return ((RDBY (Local0 + 9) & 3) != 3)
                }
                Return (One)
            }

            Method (TOFF, 0, Serialized)
            {
                Local0 = FIND (9)
                If (Local0)
                {
                    WRBY (Local0 + 8, 3)
                }
            }

            Method (TON, 0, Serialized)
            {
                Local0 = FIND (9)
                If (Local0)
                {
                    WRBY (Local0 + 8, 0)
                    // The device comes back in D0, and the guest's kernel has no
                    // reason to write so; but QEMU from 10.0 on keeps the BARs
                    // away from the guest until somebody writes D0 to PMCSR.
                    Local1 = FIND (1)
                    If (Local1)
                    {
                        WRBY (Local1 + 4, RDBY (Local1 + 4) & 0xFC)
                    }
                }
            }

            PowerResource (RTDD, 0, 0)
            {
                Method (_STA, 0, Serialized) { Return (^^TSTA ()) }
                Method (_ON, 0, Serialized) { ^^TON () }
                Method (_OFF, 0, Serialized) { ^^TOFF () }
            }
            Name (_PR0, Package () { RTDD })
            Name (_PR3, Package () { RTDD })
        }

        PowerResource (RTD3, 0, 0)
        {
            Method (_STA, 0, Serialized) { Return (^^S00.TSTA ()) }
            Method (_ON, 0, Serialized) { ^^S00.TON () }
            Method (_OFF, 0, Serialized) { ^^S00.TOFF () }
        }
        Name (_PR0, Package () { RTD3 })
        Name (_PR3, Package () { RTD3 })
    }
}
