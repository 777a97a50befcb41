# SPDX-License-Identifier: GPL-2.0-only
"""What the IOMMU was told while a port had no power, from QEMU's own trace."""

import re

EVENTS = ["-trace", "vtd_inv_desc", "-trace", "pci_cfg_write"]

# Power Controller Control in Slot Control, at 0x6c of a port: see acpi/ports.asl.
SWITCH = re.compile(r"pci_cfg_write \S+ (\S+) @0x6c <- 0x([0-9a-f]+)")
POWER_OFF = 1 << 10
DEVICE = re.compile(r"vtd_inv_desc .* type device high 0x\w+ low 0x([0-9a-f]+)")


def slot(name):
    """Bus, device and function of a name as QEMU or the kernel writes it, or None."""
    numbers = re.findall(r"[0-9a-f]+", name)
    return tuple(int(x, 16) for x in numbers) if len(numbers) == 3 else None


def invalidations(path, port, bdf):
    """How many a device's TLB was sent in all, and without power."""
    bus, dev, fn = slot(bdf)
    total = dark = 0
    off = False
    with open(path, encoding="latin1") as f:
        for line in f:
            if match := SWITCH.search(line):
                if slot(match[1]) == slot(port):
                    off = bool(int(match[2], 16) & POWER_OFF)
            elif match := DEVICE.search(line):
                if int(match[1], 16) >> 32 & 0xffff == bus << 8 | dev << 3 | fn:
                    total += 1
                    dark += off
    return f"total={total} off={dark}"
