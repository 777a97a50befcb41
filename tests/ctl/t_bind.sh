# SPDX-License-Identifier: GPL-2.0-only
# bind and unbind, with something in place of the kernel that goes by the same rules.
# shellcheck shell=bash

kernel_starts()
{
	mkdir -p "$T/sys/bus/pci/drivers/rtd3_vfio_pci"
	for bdf in "$gpu" "$audio"; do
		[ -e "${dirs[$bdf]}/rtd3" ] || rtd3_files "${dirs[$bdf]}/.rtd3" D0
	done
	coproc KERNEL { exec "$O/fakekernel" "$T"; }
	read -r _ <&"${KERNEL[0]}"
	kernel_in=${KERNEL[1]}
	# shellcheck disable=SC2153 # coproc sets it
	kernel_pid=$KERNEL_PID
}

kernel_stops()
{
	exec {kernel_in}>&-
	wait "$kernel_pid"
}

driver_of()
{
	basename "$(readlink "${dirs[$1]}/driver" || echo none)"
}

override_of()
{
	tr -d '\n' <"${dirs[$1]}/driver_override"
}

both()
{
	echo "$(driver_of "$gpu") $(driver_of "$audio")"
}

# lines: that --persist writes
lines()
{
	for bdf in "$gpu" "$audio"; do
		echo "$bdf $(cut -c3- "${dirs[$bdf]}/vendor"):$(cut -c3- "${dirs[$bdf]}/device")"
	done
}

# named: what is bound at boot, as rtd3-bind reads it
named()
{
	for bdf in "$gpu" "$audio"; do
		echo >>"${dirs[$bdf]}/vendor"
		echo >>"${dirs[$bdf]}/device"
	done
	sed "s,=/sys,=$T/sys,; s,=/etc,=$T/etc," "$top/src/early/rtd3-bind" | sh -s
}

for card in plain switch; do
	tree
	if [ $card = plain ]; then
		plain_card nouveau
		pr3 0000:00:01.0
	else
		switch_card
	fi
	was=$(both)
	put "${dirs[$audio]}/driver_override" snd_hda_intel
	kernel_starts
	run bind --dry-run "$gpu"
	is "$card card: a dry run succeeds" "$status" 0
	has "and says what would be done with the audio function" "^$audio would go from snd_hda_intel"
	is "and does nothing" "$(both)" "$was"
	run bind "$gpu"
	is "$card card: bind succeeds" "$status" 0
	is "both functions are bound" "$(both)" "rtd3_vfio_pci rtd3_vfio_pci"
	is "by driver_override" "$(override_of "$gpu")" rtd3_vfio_pci
	is "no bridge is" "$(driver_of 0000:00:01.0)" pcieport
	run bind "$gpu"
	is "$card card: again" "$status" 0
	is "nothing is done" "$(grep -c 'is bound already' <<<"$out")" 2
	run unbind "$audio"
	is "$card card: unbind by the other function succeeds" "$status" 0
	is "the drivers are back" "$(both)" "$was"
	is "driver_override, too" "$(override_of "$audio")" snd_hda_intel
	is "and where there was none is none" "$(override_of "$gpu")" ""
	run unbind "$gpu"
	is "$card card: again" "$status" 0
	is "nothing is done" "$(grep -c 'is not bound to' <<<"$out")" 2
	is "nothing is left in /run" "$(ls "$T/run/rtd3ctl/override")" ""
	run bind --only --force "$gpu"
	is "--only binds one" "$(driver_of "$gpu") $(driver_of "$audio")" "rtd3_vfio_pci snd_hda_intel"
	put "${dirs[$gpu]}/driver_override" vfio-pci
	run bind --only --force "$gpu"
	is "an override that somebody changed is written again" "$(override_of "$gpu")" rtd3_vfio_pci
	run unbind --only "$gpu"
	is "what was there before is still known" "$(driver_of "$gpu")" "${was% *}"

	run bind --persist "$gpu"
	is "--persist with nobody who binds at boot" "$status $(both)" "1 $was"
	is "says in one line what to do" "$(grep -cE ': apt-get install .*make early-' <<<"$err")" 1
	is "and writes nothing" "$(ls "$T/etc")" ""
	kept=$T/etc/rtd3/bind
	put "$T/usr/lib/udev/rtd3-bind"
	run bind --persist "$gpu"
	is "--persist binds, too" "$status $(both)" "0 rtd3_vfio_pci rtd3_vfio_pci"
	has "and says what to run" '"dracut --force"'
	is "both functions have a line" "$(sort "$kept")" "$(lines)"
	is "which rtd3-bind understands" "$(named)" "$gpu"$'\n'"$audio"
	before=$(stat -c %i "$kept")
	run bind --persist "$gpu"
	is "a second time there is nothing to write" "$status $(stat -c %i "$kept")" "0 $before"
	hasnot "and nothing to run" 'dracut|initramfs'
	put "$T/usr/sbin/update-initramfs"
	printf '#  mine \n\n\t7f:00.0\n%s\n7f:01.* # x' "$(lines)" >"$kept"
	run unbind --persist "$audio"
	is "unbind --persist takes them out" "$status $(both)" "0 $was"
	has "and says what to run" '"update-initramfs -u"'
	printf '#  mine \n\n\t7f:00.0\n7f:01.* # x' | cmp -s - "$kept"
	is "and nothing else" $? 0
	run bind --persist "$gpu"
	is "a line without an end gets one" "$(sed -n '4,$p' "$kept" | sort)" \
		"$(lines)"$'\n''7f:01.* # x'
	run unbind --persist "$gpu"
	before=$(stat -c %i "$kept")
	run unbind --persist "$gpu"
	is "nothing to take out, nothing to write" "$status $(stat -c %i "$kept")" "0 $before"

	put "$T/sys/bus/pci/drivers/rtd3_vfio_pci/refuse"
	run bind "$gpu"
	is "$card card: the driver does not take it" "$status" 1
	is "all is as it was" "$(both) $(override_of "$gpu")" "$was "
	rm "$T/sys/bus/pci/drivers/rtd3_vfio_pci/refuse"
	kernel_stops
	plain_names
done

# Lines of the admin's: rtd3ctl reads them as rtd3-bind does, and lets them be.
tree
plain_card nouveau
kernel_starts
put "$T/usr/lib/udev/rtd3-bind"
while read -r line; do
	put "$T/etc/rtd3/bind" "# mine"$'\n'"$line"
	run unbind --only --persist "$gpu"
	want=0
	! named | grep -qx "$gpu" || want=1
	is "'$line': $want" "$status $(grep -c 'line 2 of .*: change it by' <<<"$err")" "$want $want"
	is "it stays" "$(tail -n 1 "$T/etc/rtd3/bind")" "$line"
done <<'EOT'
01:00.*
01:00.1
10de:2684
10de:*
10DE:2684
0000:01:00.0 10de:2684 # comment
0000:01:00.0  10de:2684
0000:01:00.0 10de:2685
0000:01:00.? 10de:[!3]* *:*
0000:0000:01:00.0
#01:00.0
* # all
*.1
EOT
printf 'a\0b' >"$T/etc/rtd3/bind"
run unbind --persist "$gpu"
is "a file that is no text is left alone" "$status $(wc -c <"$T/etc/rtd3/bind")" "1 3"
kernel_stops

# Refusals: nothing is touched.
tree
plain_card nouveau
pr3 0000:00:01.0
kernel_starts
was=$(both)
# refused TEXT REGULAR-EXPRESSION WORD...
refused()
{
	local text=$1 why=$2

	shift 2
	run "$@"
	is "refused: $text" "$status" 4
	out=$err
	has "with the reason" "$why.*--force"
	is "nothing is touched" "$(both) $(override_of "$gpu")" "$was (null)"
}

put "${dirs[$gpu]}/boot_vga" 1
mkdir -p "${dirs[$gpu]}/graphics/fb0"
mkdir -p "$T/sys/class/graphics/fb0"
ln -s "${dirs[$gpu]}" "$T/sys/class/graphics/fb0/device"
refused "the console is on it" "console is on it" bind "$gpu"
refused "also by another function" "$gpu: the host's console" bind "$audio"
rm "$T/sys/class/graphics/fb0/device"
refused "a frame buffer of the firmware" "console is on it" bind "$gpu"
device 0000:00:02.0 - 8086 4680 030000 i915
ln -s "${dirs[0000:00:02.0]}" "$T/sys/class/graphics/fb0/device"
run bind -n "$gpu"
is "the console on another card is no reason" "$status" 0
rm -r "$T/sys/class/graphics/fb0"

mkdir -p "${dirs[$gpu]}/drm/card1" "$T/proc/77/fd"
put "$T/proc/77/comm" Xorg
ln -s /dev/dri/card1 "$T/proc/77/fd/5"
refused "somebody draws on it" 'Xorg\[77\] has /dev/dri/card1 open' bind "$gpu"
ln -sfn /dev/dri/card10 "$T/proc/77/fd/5"
run bind -n "$gpu"
is "who draws on another card is no reason" "$status" 0
mkdir -p "${dirs[$audio]}/sound/card2/pcmC2D3p"
ln -sfn /dev/snd/pcmC2D3p "$T/proc/77/fd/5"
refused "somebody plays on it" "$audio: Xorg\[77\] has /dev/snd/pcmC2D3p open" bind "$gpu"
rm -r "$T/proc/77"

mkdir -p "${dirs[$gpu]}/host0/block/sdx/sdx1" "$T/sys/class/block"
ln -s "${dirs[$gpu]}/host0/block/sdx/sdx1" "$T/sys/class/block/sdx1"
put "$T/proc/mounts" $'/dev/sda1 / ext4 rw 0 0\n/dev/sdx1 /mnt ext4 rw 0 0\n'
refused "a file system is mounted from it" '/dev/sdx1 is mounted' bind "$gpu"
put "$T/proc/mounts" $'/dev/sda1 / ext4 rw 0 0\n/dev/sdx12 /mnt ext4 rw 0 0\n'
run bind -n "$gpu"
is "one from another device is no reason" "$status" 0

refused "the other function is not bound together with it" "snd_hda_intel has $audio" \
	bind --only "$gpu"
put "${dirs[$audio]}/net/eth7/operstate" up
refused "it is a network interface that is up" "$audio: network interface eth7 is up" bind "$gpu"
put "${dirs[$audio]}/net/eth7/operstate" down
run bind -n "$gpu"
is "one that is down is no reason" "$status" 0
device 0000:00:03.0 - 8086 1234 020000 e1000e
group 9 0000:00:03.0
ln -s "${dirs[0000:00:03.0]}" "$T/sys/kernel/iommu_groups/7/devices/0000:00:03.0"
refused "another driver is in its IOMMU group" 'e1000e has 0000:00:03.0' bind "$gpu"
run bind --force "$gpu"
is "--force binds all the same" "$status $(both)" "0 rtd3_vfio_pci rtd3_vfio_pci"
is "and says why it should not" "$(grep -c '(forced)' <<<"$err")" 2

was=$(both)
put "$T/proc/88/comm" qemu-system-x86
mkdir -p "$T/proc/88/fd"
ln -s /dev/vfio/7 "$T/proc/88/fd/9"
run unbind "$gpu"
is "refused: unbind while a VM has it" "$status" 4
is "nothing is touched" "$(both)" "$was"
ln -sfn /dev/vfio/devices/vfio3 "$T/proc/88/fd/9"
mkdir -p "${dirs[$audio]}/vfio-dev/vfio3"
run unbind "$gpu"
is "also by iommufd" "$status" 4
rm -r "$T/proc/88"
run unbind "$gpu"
is "and when it is closed they are back" "$(both)" "nouveau snd_hda_intel"
rm "${dirs[$gpu]}/iommu_group"
run bind "$gpu"
is "refused: no IOMMU group" "$status" 4
kernel_stops

# wake
tree
plain_card
ours "$gpu" D3cold
run wake "$gpu"
is "wake succeeds" "$status" 0
is "and lets it sleep again" "$(<"${dirs[$gpu]}/power/control")" auto
put "${dirs[$gpu]}/power/control" on
run wake "$gpu"
is "one that is to stay awake stays so" "$(<"${dirs[$gpu]}/power/control")" on
put "${dirs[$gpu]}/power/control" auto
"$ctl" --root "$T" wake "$gpu" --hold 60 >"$work/wake" &
pid=$!
for _ in {1..100}; do
	[ -s "$work/wake" ] && break
	sleep 0.05
done
is "while it is held it is awake" "$(<"${dirs[$gpu]}/power/control")" on
kill "$pid"
wait "$pid"
is "a signal ends that" "$? $(<"${dirs[$gpu]}/power/control")" "0 auto"
run wake "$gpu" --no-wait
is "--no-wait succeeds" "$status" 0
put "${dirs[$gpu]}/rtd3/health" failed
run wake "$gpu"
is "one that does not work is no success" "$status" 1
run wake "$audio"
is "nor one of another driver" "$status" 3
