# SPDX-License-Identifier: GPL-2.0-only
# Trees of files that look like sysfs, in $T, and results as TAP.
# shellcheck shell=bash

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests=0
failures=0
trees=0
declare -A dirs

# result STATUS TEXT [DETAILS]
result()
{
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $tests - $2"
	printf '%s\n' "${@:3}" "command: ${words[*]}" "status: $status" "out: $out" "err: $err" |
		sed 's/^/# /' | head -n 60
}

# skip TEXT REASON
skip()
{
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# is TEXT HAVE WANT
is()
{
	local good=0

	[ "$2" = "$3" ] || good=1
	result $good "$1" "have: $2" "want: $3"
}

# has TEXT REGULAR-EXPRESSION: in what was printed
has()
{
	local good=0

	grep -qE -- "$2" <<<"$out" || good=1
	result $good "$1" "want: $2"
}

hasnot()
{
	local good=0

	! grep -qE -- "$2" <<<"$out" || good=1
	result $good "$1" "do not want: $2"
}

# run WORD...: sets out, err, status. A report of a sanitizer, and a file that must not
# be opened (they are pipes without a writer), are never what is wanted.
run()
{
	words=("$@")
	status=0
	out=$(timeout 60 "$ctl" --root="$T" "$@" 2>"$work/err") || status=$?
	err=$(<"$work/err")
	case "$status" in
	99 | 12[4-9] | 1[3-9]?) result 1 "${words[*]} ends well" ;;
	esac
}

# json TEXT EXPRESSION: of what was printed, which is d; true is what is wanted
json()
{
	local good=0 said

	said=$(python3 -c '
import json, sys
d = json.load(sys.stdin)
def ids(status, device=None):
    return sorted(c["id"] for c in d["checks"] if c["status"] == status
                  and (device is None or c.get("device") == device))
sys.exit(0 if eval("(" + sys.argv[1] + ")") else "false")' "$2" <<<"$out" 2>&1) || good=1
	result $good "$1" "want: $2" "$said"
}

put()
{
	mkdir -p "$(dirname "$1")"
	printf '%s' "${2-}" >"$1"
}

# tree: an empty one, of a host that is right
tree()
{
	trees=$((trees + 1))
	T=$work/$trees
	dirs=()
	mkdir -p "$T"/sys/bus/pci/{devices,drivers,slots} "$T"/sys/kernel/iommu_groups \
		"$T"/sys/class/{graphics,block} "$T"/sys/firmware/acpi/tables "$T"/{dev,run,etc} \
		"$T"/sys/module/{vfio_pci_core,rtd3_vfio_pci/parameters}
	put "$T/sys/module/rtd3_vfio_pci/parameters/policy" d3cold
	put "$T/sys/class/dmi/id/bios_date" 04/01/2023
	put "$T/proc/cmdline" 'BOOT_IMAGE=/vmlinuz root=UUID=0a1b2c3d-1111-2222-3333-444455556666 quiet'
	put "$T/proc/cpuinfo" $'processor\t: 0\nflags\t\t: fpu vmx aes\n'
	put "$T/proc/mounts" '/dev/sda1 / ext4 rw 0 0'
	put "$T/proc/sys/kernel/osrelease" 6.12.0-test
	put "$T/proc/sys/kernel/hostname" secrethost
	put "$T/sys/bus/pci/drivers_probe"
}

# config FILE PM PME TYPE: PM and PME: 0 or 1; TYPE of PCI Express
config()
{
	python3 - "$@" <<'EOP'
import sys
path, pm, pme, kind = sys.argv[1], *map(int, sys.argv[2:])
c = bytearray(4096)
c[6] = 0x10
c[0x34] = 0x40 if pm else 0x50
c[0x40:0x44] = bytes([1, 0x50, 3, 0x80 if pme else 0])
c[0x50:0x54] = bytes([0x10, 0, kind << 4, 0])
open(path, "wb").write(c)
EOP
}

# trap_file FILE: who opens it waits for ever
trap_file()
{
	rm -f "$1"
	mkfifo "$1"
}

# device BDF PARENT VENDOR DEVICE CLASS DRIVER: PARENT and DRIVER may be -
device()
{
	local bdf=$1 parent=$2 dir

	if [ "$parent" = - ]; then
		dir=$T/sys/devices/pci0000:00/$bdf
	else
		dir=${dirs[$parent]}/$bdf
	fi
	dirs[$bdf]=$dir
	mkdir -p "$dir/power"
	ln -s "$dir" "$T/sys/bus/pci/devices/$bdf"
	put "$dir/vendor" "0x$3"
	put "$dir/device" "0x$4"
	put "$dir/class" "0x$5"
	put "$dir/subsystem_vendor" 0x1043
	put "$dir/subsystem_device" 0x8888
	put "$dir/d3cold_allowed" 1
	put "$dir/power_state" D0
	put "$dir/power/control" on
	put "$dir/power/runtime_status" active
	put "$dir/power/runtime_suspended_time" 0
	put "$dir/power/autosuspend_delay_ms" 1000
	put "$dir/driver_override" '(null)'
	[ "$6" = - ] || driver "$bdf" "$6"
	config "$dir/config" 1 1 0
	# To read these wakes a device.
	trap_file "$dir/vpd"
	trap_file "$dir/secondary_bus_number"
}

driver()
{
	local dir=${dirs[$1]}

	mkdir -p "$T/sys/bus/pci/drivers/$2"
	ln -sfn "$T/sys/bus/pci/drivers/$2" "$dir/driver"
	put "$dir/.default" "$2"
}

group()
{
	local number=$1 bdf

	shift
	mkdir -p "$T/sys/kernel/iommu_groups/$number/devices"
	for bdf; do
		ln -s "$T/sys/kernel/iommu_groups/$number" "${dirs[$bdf]}/iommu_group"
		ln -s "${dirs[$bdf]}" "$T/sys/kernel/iommu_groups/$number/devices/$bdf"
	done
}

# port BDF PARENT TYPE: a PCI Express port, its driver's
port()
{
	device "$1" "$2" 8086 a70d 060400 pcieport
	put "${dirs[$1]}/power/control" auto
	config "${dirs[$1]}/config" 1 1 "$3"
}

pr3()
{
	local node=$T/sys/devices/LNXSYSTM:00/$1

	mkdir -p "$node/power_resources_D3hot"
	ln -s "$node" "${dirs[$1]}/firmware_node"
}

# asleep BDF: what wakes it, and what waits for its lock, must not be opened
asleep()
{
	local name

	put "${dirs[$1]}/power/runtime_status" suspended
	put "${dirs[$1]}/power_state" D3cold
	trap_file "${dirs[$1]}/config"
	for name in {current,max}_link_{speed,width}; do
		trap_file "${dirs[$1]}/$name"
	done
}

# link BDF SPEED WIDTH MAX-SPEED MAX-WIDTH: of one end of a link, awake
link()
{
	put "${dirs[$1]}/current_link_speed" "$2 GT/s PCIe"
	put "${dirs[$1]}/current_link_width" "$3"
	put "${dirs[$1]}/max_link_speed" "$4 GT/s PCIe"
	put "${dirs[$1]}/max_link_width" "$5"
}

# ours BDF STATE: the driver has it
ours()
{
	local dir=${dirs[$1]}

	driver "$1" rtd3_vfio_pci
	put "$dir/driver_override" rtd3_vfio_pci
	put "$dir/power/control" auto
	rtd3_files "$dir/rtd3" "$2"
	[ "$2" = D0 ] || asleep "$1"
}

# rtd3_files FOLDER STATE
rtd3_files()
{
	local name

	mkdir -p "$1/stats"
	put "$1/state" "$2"
	put "$1/policy" d3cold
	put "$1/limit" d3cold
	put "$1/predicted" D3cold
	put "$1/blockers"
	put "$1/health" ok
	put "$1/health_reason" none
	put "$1/fallback" none
	put "$1/fallback_reason" none
	put "$1/last_state" D3cold
	put "$1/last_wake" 'host lspci[1234]'
	put "$1/promote" safe
	put "$1/guest_state" D0
	put "$1/mmio" sigbus
	put "$1/virtual_pr3" 0
	put "$1/settle_ms" 0
	put "$1/reset_delay_ms" 2100
	put "$1/wake_timeout_ms" 1000
	put "$1/power_cycle_on_close" 0
	put "$1/power_cycle_on_failure" 0
	for name in entries exits promotions recoveries power_cycles failures suspends resumes \
		wakes_{open,exit,config,bar,ioctl,reset,close,host} \
		{suspend,resume,resume_max,wake,wake_max,ready,verify}; do
		put "$1/stats/$name" 0
	done
	for name in suspend resume resume_max wake wake_max ready verify; do
		rm "$1/stats/$name"
		put "$1/stats/${name%_max}_latency${name#"${name%_max}"}_us" 1500
	done
	put "$1/stats/suspends" 8
	put "$1/stats/resumes" 7
	put "$1/stats/wakes_host" 5
	put "$1/stats/wakes_open" 2
	put "$1/stats/time_d0_ms" 10000
	put "$1/stats/time_d3hot_ms" 15000
	put "$1/stats/time_d3cold_ms" 75000
	put "$1/stats/state_ms" 3000
}

gpu=0000:01:00.0
audio=0000:01:00.1

# A card with two functions right below a root port.
plain_card()
{
	port 0000:00:01.0 - 4
	device "$gpu" 0000:00:01.0 10de 2684 030000 "${1:-nvidia}"
	device "$audio" 0000:00:01.0 10de 22ba 040300 "${2:-snd_hda_intel}"
	group 7 "$gpu" "$audio"
}

# A card with a switch on it, the power cut at the root port.
switch_card()
{
	gpu=0000:03:00.0
	audio=0000:03:00.1
	port 0000:00:01.0 - 4
	port 0000:01:00.0 0000:00:01.0 5
	port 0000:02:00.0 0000:01:00.0 6
	device "$gpu" 0000:02:00.0 1002 73bf 030000 amdgpu
	device "$audio" 0000:02:00.0 1002 ab28 040300 snd_hda_intel
	group 7 "$gpu"
	group 8 "$audio"
	pr3 0000:00:01.0
}

plain_names()
{
	gpu=0000:01:00.0
	audio=0000:01:00.1
}
