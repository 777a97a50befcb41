# SPDX-License-Identifier: GPL-2.0-only
# set: what is written, kept, learnt and forgotten.
# shellcheck shell=bash

rules()
{
	cat "$T/etc/udev/rules.d/79-rtd3.rules" 2>/dev/null
}

attr()
{
	cat "${dirs[$gpu]}/$1"
}

tree
plain_card
ours "$gpu" D3cold
run set "$gpu" policy=d3hot settle_ms=0500 virtual_pr3=yes autosuspend_delay_ms=5000
is "settings are written" "$status" 0
is "a word" "$(attr rtd3/policy)" d3hot
is "a number" "$(attr rtd3/settle_ms)" 500
is "a boolean" "$(attr rtd3/virtual_pr3)" 1
is "the autosuspend delay" "$(attr power/autosuspend_delay_ms)" 5000
is "nothing is kept without --persist" "$(rules)" ""
run set "$gpu" policy=off settle_ms=60001
is "one value that is wrong: nothing is done" "$status" 2
is "not even what is right" "$(attr rtd3/policy)" d3hot
run set "$gpu"
has "set lists values" '^policy +d3hot '
run set "$gpu" -j
json "and as JSON" 'd["settings"]["settle_ms"] == {"value": "500"}'

# Each file of rtd3/ that can be written is a setting, but what is done and not set.
source=$(sed -nE -e 's/^RTD3_ATTR_(RW|MS|BOOL|WORD)\((\w+),?.*/\2/p' \
	-e 's/^RTD3_ATTR\((\w+), 0644,.*/\1/p' "$top/src/module/sysfs.c" | sort)
run set --help
known=$(sed -nE 's/^  (\w+)=\.\.\..*/\1/p' <<<"$out" | grep -vx autosuspend_delay_ms | sort)
is "each file that can be written is a setting" "$known" "$source"

put "$T/etc/udev/rules.d/79-rtd3.rules" $'# mine\nKERNEL=="x", RUN+="y"\n'
run set "$gpu" policy=d3cold mmio=wake --persist
is "settings are kept" "$status" 0
run set "$gpu" mmio=sigbus -p
line="ACTION==\"add|bind\", SUBSYSTEM==\"pci\", KERNEL==\"$gpu\", "
line+='ATTR{vendor}=="0x10de", ATTR{device}=="0x2684", DRIVER=="rtd3_vfio_pci", '
is "one line each, the newest value, and those that were there" "$(rules)" "# mine
KERNEL==\"x\", RUN+=\"y\"
${line}ATTR{rtd3/policy}=\"d3cold\"
${line}ATTR{rtd3/mmio}=\"sigbus\""
run set "$gpu" -j
json "set shows what is kept" 'd["settings"]["mmio"]["kept"] == "sigbus"'
driver "$gpu" vfio-pci
run set "$gpu" policy=d3hot
is "a device of another driver is not set" "$status" 3
run set "$gpu" policy=d3hot --persist
is "but can be kept for later" "$status" 0
out=$(rules)
has "as it is" 'ATTR\{rtd3/policy\}="d3hot"'
driver "$gpu" rtd3_vfio_pci

# What the fallback has learnt.
put "${dirs[$gpu]}/rtd3/fallback" none
before=$(rules)
run set "$gpu" --remember
is "nothing learnt, nothing kept" "$(rules)" "$before"
put "${dirs[$gpu]}/rtd3/fallback" off
run set "$gpu" --remember
out=$(rules)
has "what was learnt is kept, as the policy" \
	'ENV\{RTD3_LEARNT\}="off", ATTR\{rtd3/policy\}="off"$'
put "${dirs[$gpu]}/rtd3/fallback" none
run set "$gpu" --remember
out=$(rules)
has "a reboot does not lift it" 'ENV\{RTD3_LEARNT\}="off"'
put "${dirs[$gpu]}/rtd3/fallback" d3hot
run set "$gpu" --remember
out=$(rules)
has "nor does a lesson that is milder" 'ENV\{RTD3_LEARNT\}="off"'
put "${dirs[$gpu]}/rtd3/policy" off
run set "$gpu" fallback=none --persist
is "fallback=none --persist lifts it" "$status" 0
is "in the driver" "$(attr rtd3/fallback)" none
is "with the policy that is kept" "$(attr rtd3/policy)" d3hot
out=$(rules)
hasnot "and in the file" 'RTD3_LEARNT'
hasnot "where it is no rule" 'rtd3/fallback'

# udev reads the rules at once where it runs, and is no condition.
mkdir -p "$T/usr/bin"
cat >"$T/usr/bin/udevadm" <<EOT
#!/bin/sh
echo "\$* \$(grep -c settle_ms $T/etc/udev/rules.d/79-rtd3.rules)" >>$T/told
EOT
chmod +x "$T/usr/bin/udevadm"
run set "$gpu" settle_ms=1 --persist
is "no udev that runs: settings are kept" "$status" 0
is "and nobody is told" "$(cat "$T/told" 2>&1)" "cat: $T/told: No such file or directory"
put "$T/run/udev/control"
run set "$gpu" settle_ms=2 --persist
is "udev is told when the rule is there" "$(cat "$T/told")" "control --reload 1"
run set "$gpu" settle_ms=3
is "and not of what is not kept" "$(cat "$T/told")" "control --reload 1"
run set "$gpu" --forget settle_ms
is "but of what is forgotten" "$(tail -n 1 "$T/told")" "control --reload 0"
put "${dirs[$gpu]}/rtd3/fallback" d3hot
run set "$gpu" --remember
put "${dirs[$gpu]}/rtd3/fallback" none
is "and learnt" "$(wc -l <"$T/told")" 3
run set "$gpu" --forget learnt
printf '#!/bin/sh\nexit 1\n' >"$T/usr/bin/udevadm"
run set "$gpu" settle_ms=4 --persist
is "one that fails is no error: it looks by itself, too" "$status$err" 0
run set "$gpu" --forget settle_ms
printf '#!/bin/sh\nsleep 1000\n' >"$T/usr/bin/udevadm"
run set "$gpu" settle_ms=4 --persist
is "nor is one that hangs" "$status$err" 0
rm "$T/usr/bin/udevadm"
run set "$gpu" --forget settle_ms
is "nor none" "$status$err" 0

# As udev does it for each function: nothing gets lost.
ours "$audio" D3cold
mkdir -p "$T/run/rtd3ctl"
exec {lock}>"$T/run/rtd3ctl/rules"
flock "$lock"
"$ctl" --root="$T" set "$audio" reset_delay_ms=1 --persist {lock}>&- &
sleep 1
is "who comes second waits for the file" "$(rules | grep -c reset_delay_ms)" 0
rules | sed 's/d3hot/off/' >"$work/rules"
cp "$work/rules" "$T/etc/udev/rules.d/79-rtd3.rules"
exec {lock}>&-
wait
out=$(rules)
has "and then writes its own" 'rtd3/reset_delay_ms.="1"'
has "beside what the first has written" 'rtd3/policy.="off"'
run set "$gpu" policy=d3hot --persist
run set "$audio" --forget
run set "$gpu" --forget mmio
is "one setting is forgotten" "$status" 0
out=$(rules)
hasnot "that one" 'rtd3/mmio'
has "and no other" 'rtd3/policy'
rm "$T/sys/bus/pci/devices/$gpu"
run set "$gpu" --forget
is "all of a device that is gone are forgotten" "$status" 0
is "and the file has the others' lines" "$(rules)" '# mine
KERNEL=="x", RUN+="y"'
before=$(stat -c %i "$T/etc/udev/rules.d/79-rtd3.rules")
run set "$gpu" --forget
is "a second time there is nothing to write" \
	"$(stat -c %i "$T/etc/udev/rules.d/79-rtd3.rules") $status" "$before 0"
printf 'a\0b' >"$T/etc/udev/rules.d/79-rtd3.rules"
run set "$gpu" --forget
is "a file that is no text is left alone" "$status" 1
