# SPDX-License-Identifier: GPL-2.0-only
"""What the machines are made of: cards, root ports, IOMMUs, the ACPI table."""

import os
import subprocess

import vtd

RIG = os.path.dirname(os.path.abspath(__file__))

# What can sit below the root port rp1; {} is the bus.
NVME = ["-blockdev", "driver=null-co,read-zeroes=on,size=67108864,node-name={0}disk",
        "-device", "nvme,bus={0},addr=0.0,serial=rig-{0},drive={0}disk"]
SWITCH = ["-device", "x3130-upstream,id={0}up,bus={0},addr=0.0"]


def e1000e(bus, addr):
    """A network chip, on its own or as a function."""
    return ["-netdev", "user,id={0}net,restrict=on", "-device",
            f"e1000e,bus={bus},addr={addr},netdev={{0}}net,mac=52:54:00:12:34:56"]


def downstream(nr):
    """A port of the switch; Linux lets none with a hot-plug slot sleep."""
    return ["-device",
            f"xio3130-downstream,id={{0}}d{nr},bus={{0}}up,addr={nr}.0,"
            f"chassis={10 + nr},slot={10 + nr},hotplug=off,"
            "power_controller_present=off"]


def gpu(bus, addr, ids, kind, more=""):
    """A function of ours (qemu-model/rig_gpu.c); @more of its properties."""
    vendor, device = ids.split(":")
    return ["-device",
            f"rig-gpu,bus={bus},addr={addr},vendor-id=0x{vendor},device-id=0x{device},"
            f"class={KINDS[kind]}{more}" + ",multifunction=on" * addr.endswith(".0")]


def card(more=""):
    """A card with four functions, as NVIDIA's that had a USB-C socket."""
    return (gpu("{0}", "0.0", "10de:1e87", "display", ",vram=256M" + more) +
            gpu("{0}", "0.1", "10de:10f8", "audio") +
            gpu("{0}", "0.2", "10de:1ad8", "usb") +
            gpu("{0}", "0.3", "10de:1ad9", "ucsi"))


KINDS = {"display": "0x300", "audio": "0x403", "usb": "0xc03", "ucsi": "0xc80"}
DEVICES = {
    "nvme": NVME,
    # As many functions as a device has without ARI.
    "eight": [arg for nr in range(8) for arg in (
        "-device",
        f"nvme,bus={{0}},addr=0.{nr},serial=rig-{{0}}-{nr},multifunction=on")],
    "sriov": NVME[:2] + [
        "-device", "nvme-subsys,id={0}sub",
        "-device", "nvme,bus={0},addr=0.0,serial=rig-{0},subsys={0}sub,"
        "max_ioqpairs=4,msix_qsize=4,sriov_max_vfs=1,sriov_vq_flexible=2,"
        "sriov_vi_flexible=1"],
    "e1000e": e1000e("{0}", "0.0"),
    "igb": ["-netdev", "user,id={0}net,restrict=on", "-device",
            "igb,bus={0},addr=0.0,netdev={0}net,mac=52:54:00:12:34:56"],
    "gpu": ["-device", "virtio-gpu-pci,bus={0},addr=0.0"],
    "gpu-ats": ["-device", "virtio-gpu-pci,bus={0},addr=0.0,ats=on"],
    # QEMU's network chips have AER, but no bits in Device Control to enable it.
    "gpu-aer": ["-device", "virtio-gpu-pci,id={0}f0,bus={0},addr=0.0,aer=on"],
    "two-aer": ["-device", "virtio-gpu-pci,id={0}f0,bus={0},addr=0.0,aer=on,"
                "multifunction=on"] + e1000e("{0}", "0.1"),
    "two": ["-device", "virtio-gpu-pci,bus={0},addr=0.0,multifunction=on"] +
           e1000e("{0}", "0.1"),
    "card": card(),
    "bmg": gpu("{0}", "0.0", "8086:e20b", "display", ",vram=256M"),
    # Its firmware takes its time; it answers too early, and hides its audio.
    "fw": card(",ready-ms=600,train-ms=3000,wedge-ms=4000,loses-ids=on,flr=on,"
               "no-soft-reset=off,ats=on,readiness-ms=100"),
    "early": gpu("{0}", "0.0", "10de:1e87", "display",
                 ",vram=256M,ready-ms=600,early=on") +
             gpu("{0}", "0.1", "10de:10f8", "audio", ",hidden=on"),
    # It can say when it is ready, see its REG_PROMISE.
    "ready": gpu("{0}", "0.0", "10de:1e87", "display", ",flr=on,readiness-ms=20") +
             gpu("{0}", "0.1", "10de:10f8", "audio", ",flr=on,readiness-ms=30"),
    # Cards with a switch on them: the least there is; AMD's, with two functions
    # behind it; Intel's, with two ports.
    "switch": SWITCH + downstream(0) + ["-device", "virtio-gpu-pci,bus={0}d0,addr=0.0"],
    "switch-aer": SWITCH + downstream(0) +
                  ["-device", "virtio-gpu-pci,id={0}f0,bus={0}d0,addr=0.0,aer=on"],
    "navi": SWITCH + downstream(0) +
            gpu("{0}d0", "0.0", "1002:73bf", "display", ",vram=256M") +
            gpu("{0}d0", "0.1", "1002:ab28", "audio"),
    "navi3": SWITCH + downstream(0) +
             gpu("{0}d0", "0.0", "1002:73bf", "display", ",vram=256M") +
             gpu("{0}d0", "0.1", "1002:ab28", "audio") +
             gpu("{0}d0", "0.2", "1002:73a6", "usb"),
    "arc": SWITCH + downstream(0) +
           gpu("{0}d0", "0.0", "8086:56a0", "display", ",vram=256M") +
           downstream(1) + gpu("{0}d1", "0.0", "8086:4f90", "audio"),
    # Below both ports, for a machine that runs a guest of its own (see nested).
    "nested": ["-netdev", "dgram,id={0}net,local.type=unix,local.path={work}/{0}.local,"
               "remote.type=unix,remote.path={work}/{0}.peer",
               "-device", "igb,bus={0},addr=0.0,netdev={0}net,mac=52:54:00:12:34:56"],
}
IOMMUS = {
    "intel": (["-device", "intel-iommu,intremap=on,caching-mode=on"],
              "intel_iommu=on"),
    # Devices have a cache of translations of their own, and QEMU tells what goes there.
    "intel-ats": (["-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on",
                   *vtd.EVENTS], "intel_iommu=on"),
    "amd": (["-device", "amd-iommu,intremap=on"], ""),
    "virtio": (["-device", "virtio-iommu-pci,addr=3.0"], ""),
}
# How the power model's port can differ, or what it is in: what ports.asl is compiled
# with, properties of rig-power, options of QEMU. ports.asl says what the first mean.
VARIANTS = {
    "": ([], "", []),
    "epr3": (["EPR3"], "", []),
    "shared": (["SHARED"], "", []),
    "nolink": ([], ",link-active=off", []),
    "inband": ([], ",inband-presence=on", []),
    "nopme": ([], ",native-pme=off", []),
    "skylake": ([], ",port-ids=0x19018086", []),
    "fast": ([], "", []),
    "nuc": ([], "", ["-smbios", "type=1,product=NUC13RNGi9"]),
}
# Root ports: QEMU id, slot, the bytes that its _ON and _OFF write to the log.
PORTS = {"rp1": (4, "N", "F"), "rp2": (5, "n", "f")}


def more_ports(args):
    """Ports beyond the two that every machine has, and the slot of each."""
    return {f"rp{nr}": nr + 3 for nr in range(3, args.sets + 1)}


def below_ports(args):
    """Each port, with the card that sits below it."""
    if args.sets:
        return dict.fromkeys([*PORTS, *more_ports(args)], args.devs)
    return {"rp1": args.devs, "rp2": "nested" if args.nested else "nvme"}


def port_options(args, port):
    """A root port's properties, and what else the machine needs for them."""
    slot = PORTS[port][0] if port in PORTS else more_ports(args)[port]
    # x-speed: stock QEMU has no model of link training, and Linux waits for
    # the link of a port that is faster than 5 GT/s to report itself.
    options = (f"pcie-root-port,id={port},bus=pcie.0,addr={slot:x}.0,"
               f"chassis={slot},slot={slot},x-speed=")
    if port != "rp1":
        return ["-device", options + "5,hotplug=off,power_controller_present=on"]
    # The power model has one.
    options += "16" if args.power_model and args.variant == "fast" else "5"
    hotplug = ",hotplug=" + ("on" if args.hotplug else "off")
    more = []
    if args.hotplug:
        # ACPI would take the slot from the kernel's own driver.
        more = ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
    if not args.power_model:
        return more + ["-device", options + hotplug + ",power_controller_present=on"]
    return more + ["-device",
                   options + hotplug + ",x-width=4,power_controller_present=off"]


def compiled(name, source, defines, cache):
    """Compile an ACPI table; returns its path."""
    table = os.path.join(cache, name + ".aml")
    # iasl takes everything behind the last dot for an extension.
    aml = os.path.join(cache, f"{name}-{os.getpid()}")
    subprocess.run(["iasl", "-p", aml, *(f"-D{d}" for d in defines), source],
                   check=True, capture_output=True)
    os.rename(aml + ".aml", table)
    return table


def acpi_tables(args, cache):
    """Compile the ACPI tables; returns their paths."""
    folder = os.path.join(RIG, "acpi")
    name = "model" + args.variant if args.power_model else "ports"
    defines = ["MODEL", *VARIANTS[args.variant][0]] if args.power_model else []
    tables = [compiled(name, os.path.join(folder, "ports.asl"), defines, cache)]
    with open(os.path.join(folder, "more-port.asl"), encoding="utf8") as f:
        text = f.read()
    for slot in more_ports(args).values():
        # iasl puts no macro into a path.
        source = os.path.join(cache, f"port{slot}-{os.getpid()}.asl")
        with open(source, "w", encoding="utf8") as f:
            f.write(text.replace("SLOT", f"S{slot * 8:02X}"))
        tables.append(compiled(f"port{slot}", source, [], cache))
        os.remove(source)
    return tables
