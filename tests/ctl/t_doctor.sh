# SPDX-License-Identifier: GPL-2.0-only
# doctor: what it finds on hosts that are right and wrong.
# shellcheck shell=bash

tree
plain_card nouveau
pr3 0000:00:01.0
run doctor --json
is "a good host, nothing bound yet: warnings only" "$status" 6
json "nothing fails" 'ids("fail") == []'
json "the audio function's driver is in the way" '"sibling-other-driver" in ids("warn", "'"$gpu"'")'
json "to bind the set cures it" \
	'[c["command"] for c in d["checks"] if c["id"] == "depth"] == ["rtd3ctl bind '"$gpu"'"]'
json "the counts are right" \
	'all(d["summary"][s] == len(ids(s)) for s in ("pass", "warn", "fail", "unknown"))'
json "each check has an id, a status and a text" \
	'all(c["id"] and c["text"] and c["status"] in ("pass", "warn", "fail", "unknown")
	     for c in d["checks"])'
before=$out
run doctor
has "as text the same: verdict" '^warn +depth: it can reach D3cold once'
has "and the power set as a tree" "^    \+-$audio  snd_hda_intel"
is "with the same number of checks" \
	"$(grep -cE '^(pass|warn|fail|unknown) ' <<<"$out")" \
	"$(grep -c '"status"' <<<"$before")"
run doctor "$audio" -j
json "of one device only" '[e["address"] for e in d["devices"]] == ["'"$audio"'"]'

tree
plain_card
run doctor -j
is "without _PR3: something fails" "$status" 1
json "and it is that" '"pr3" in ids("fail") and "no-pr3" in ids("fail", "'"$gpu"'")'

tree
plain_card
pr3 0000:00:01.0
mkdir -p "${dirs[0000:00:01.0]}/0000:00:01.0:pcie00"{1,4}
put "${dirs[0000:00:01.0]}/power/control" on
put "$T/sys/firmware/acpi/tables/DSDT" 'xxxHotPlugSupportInD4xxx'
run doctor -j
json "a hot-plug slot that the kernel keeps awake" \
	'"port-hotplug" in ids("fail", "'"$gpu"'") and "hot-plug" in ids("warn", "'"$gpu"'")'
run doctor
has "the firmware does not say that it may sleep" 'HotPlugSupportInD3: it does so nowhere'
put "$T/sys/firmware/acpi/tables/SSDT1" $'xxx\1HotPlugSupportInD3xxx'
put "${dirs[0000:00:01.0]}/power/control" auto
run doctor -j
json "one that it lets sleep" '"port-hotplug" not in ids("fail", "'"$gpu"'")'
rmdir "${dirs[0000:00:01.0]}/0000:00:01.0:pcie001"
run doctor -j
json "one whose PME the firmware keeps" '"port-no-native-pme" in ids("fail", "'"$gpu"'")'
mkdir "${dirs[0000:00:01.0]}/0000:00:01.0:pcie001"
run doctor
has "where the firmware says so" 'HotPlugSupportInD3: it does so for some slot'

tree
plain_card
pr3 0000:00:01.0
put "$T/proc/cmdline" 'pcie_port_pm=off'
run doctor -j
json "pcie_port_pm=off" '"pcie-port-pm" in ids("fail") and "port-no-d3" in ids("fail", "'"$gpu"'")'
put "$T/proc/cmdline" ''
put "$T/sys/class/dmi/id/bios_date" 12/31/2012
put "${dirs[0000:00:01.0]}/power/control" on
run doctor -j
json "old firmware" '"firmware-year" in ids("fail") and "port-old-firmware" in ids("fail", "'"$gpu"'")'
put "$T/sys/class/dmi/id/bios_date" 04/01/2023
put "$T/sys/module/vfio_pci/parameters/disable_idle_d3" Y
run doctor -j
json "disable_idle_d3 on a kernel where it counts for all" \
	'"disable-idle-d3" in ids("fail") and "disable-idle-d3" in ids("fail", "'"$gpu"'")'
put "$T/proc/sys/kernel/osrelease" 7.3.4
run doctor -j
json "and on one where it does not" '"disable-idle-d3" in ids("warn") and
	"disable-idle-d3" not in ids("fail")'
put "$T/proc/sys/kernel/osrelease" 5.15.0
run doctor -j
json "a kernel that is too old" '"kernel" in ids("fail")'
put "$T/proc/sys/kernel/osrelease" 6.12.0-test
rm "$T/sys/module/vfio_pci/parameters/disable_idle_d3"
put "$T/etc/modprobe.d/gpu.conf" $'options vfio-pci disable_idle_d3=1 ids=8086:1,10DE:2684\n'
run doctor -j
json "modprobe.d is read: the parameter, and the device's ids" \
	'"disable-idle-d3" in ids("fail") and "early-binding" in ids("warn", "'"$gpu"'")'
rm "$T/etc/modprobe.d/gpu.conf"
put "$T/etc/initramfs-tools/modules" $'# vfio-pci\n'
run doctor -j
json "a comment loads nothing early" '"initramfs" in ids("pass")'
put "$T/etc/initramfs-tools/modules" $'vfio-pci\n'
run doctor -j
json "vfio-pci in the initramfs" '"initramfs" in ids("warn")'
mkdir -p "$T/etc/pve"
run doctor -j
json "Proxmox and its vfio-pci" '"proxmox" in ids("warn")'
put "$T/proc/4321/comm" nvidia-smi
run doctor -j
json "a monitor that wakes devices" '[c for c in d["checks"] if c["id"] == "monitor" and
	"nvidia-smi[4321]" in c["text"] and c["status"] == "warn"]'
rm -r "$T/sys/kernel/iommu_groups"
rm "${dirs[$gpu]}/iommu_group"
run doctor -j
json "no IOMMU" '"iommu" in ids("fail") and "iommu-group" in ids("fail", "'"$gpu"'")'
rm -r "$T/sys/module/rtd3_vfio_pci" "$T/sys/module/vfio_pci_core"
run doctor -j
json "no module, and no vfio" \
	'{"module-installed", "module-loaded", "headers"} <= set(ids("warn")) and
	 "vfio" in ids("fail")'
mkdir -p "$T/sys/firmware/efi/efivars"
printf '\6\0\0\0\1' >"$T/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
run doctor -j
json "Secure Boot wants a signature" '"module-signed" in ids("warn")'

# What the driver has seen.
tree
plain_card
pr3 0000:00:01.0
ours "$gpu" D3cold
ours "$audio" D3cold
asleep 0000:00:01.0
put "${dirs[$gpu]}/rtd3/health" failed
put "${dirs[$gpu]}/rtd3/health_reason" link-down
run doctor -j
json "a device that failed" '[c for c in d["checks"] if c["id"] == "health" and
	c["status"] == "fail" and "link-down" in c["text"]]'
json "who woke it" '[c for c in d["checks"] if c["id"] == "wakes" and
	"lspci[1234]" in c["text"]]'
json "and one that can reach D3cold" '"depth" in ids("pass", "'"$audio"'")'

# A report, with nothing in it that is nobody's business.
printf '\n52:54:00:12:34:56 S3Z9NB0K123456' >>"${dirs[$gpu]}/rtd3/last_wake"
put "${dirs[$gpu]}/rtd3/last_wake" 'host secrethost-52:54:00:12:34:56-S3Z9NB0K123456[1]'
put "$T/sys/class/dmi/id/board_name" 'PRIME S3Z9NB0K123456'
run doctor --report "$work/report"
has "the report is written beside the output" 'No device was woken'
is "it says to look at it" "$(grep -c 'look at it before you send it' <<<"$err")" 1
report=$(<"$work/report")
out=$report
has "it has the checks" '"id":"health"'
hasnot "and no serial, address, UUID, host name" \
	'S3Z9NB0K123456|52:54:00|0a1b2c3d|secrethost|BOOT_IMAGE'
has "but PCI addresses" "$gpu"

# A file that never answers: ten seconds, here one.
trap_file "${dirs[$audio]}/power/control"
start=$SECONDS
run doctor -j --seconds 1
json "what hangs is left alone" '"time" in ids("unknown") and "kernel" in ids("pass")'
is "in time" $((SECONDS - start < 5)) 1
