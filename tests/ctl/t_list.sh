# SPDX-License-Identifier: GPL-2.0-only
# list, status, metrics: what is shown, and that nothing is woken for it.
# shellcheck shell=bash

tree
run list
is "no device: list succeeds" "$status" 0
has "and says where the others are" '--all'
run list --json
json "and as JSON an empty list" 'd["version"] == 1 and d["devices"] == []'
run metrics
is "no device: metrics succeed" "$status" 0
hasnot "and have no values" '^[^#]'

tree
plain_card
pr3 0000:00:01.0
ours "$gpu" D3cold
ours "$audio" D3cold
asleep 0000:00:01.0
# What waits for the device's lock.
for bdf in "$gpu" "$audio" 0000:00:01.0; do
	trap_file "${dirs[$bdf]}/driver_override"
	trap_file "${dirs[$bdf]}/sriov_numvfs"
done
run list
is "devices that sleep: list opens no file that wakes or waits" "$status" 0
has "policy, state, how long, share of D3cold, last wake, health, name" \
	"^$gpu +rtd3_vfio_pci +d3cold +D3cold +3 s +75% +host lspci\[1234\] +ok +NVIDIA"
hasnot "the port is no display device" '0000:00:01.0'
run list --all
has "--all shows the port" '^0000:00:01.0 +pcieport'
run list -j
json "list --json has the devices, their state and counters" \
	'[e["address"] for e in d["devices"]] == ["'"$gpu"'", "'"$audio"'"] and
	 d["devices"][0]["state"] == "D3cold" and d["devices"][0]["stats"]["wakes_host"] == 5'
run status 01:00.0
is "status opens no file that wakes or waits, either" "$status" 0
has "state, and how long" 'state +D3cold, for 3 s$'
has "who woke it" 'last wake +host lspci\[1234\]'
has "wakes by cause" '; open 2; host 5'
has "the power set as a tree: the port" '^    0000:00:01.0 .*pcieport.*power is cut here'
has "and what is below it" "^      \+-$audio "
hasnot "nothing is said to be in the way" 'no-pr3|unknown'
run status "$gpu" --json
json "status --json: nothing stands against D3cold" \
	'd["device"]["predicted"] == "D3cold" and d["device"]["blockers"] == [] and
	 [m["address"] for m in d["device"]["power_set"]] == ["0000:00:01.0", "'"$gpu"'", "'"$audio"'"]'

printf '%s\n' "control-on $gpu" "sibling-active $audio" \
	>"${dirs[$gpu]}/rtd3/blockers"
put "${dirs[$gpu]}/rtd3/predicted" D0
run status "$gpu"
has "the driver's reasons are shown, with what they mean" "control-on $gpu: runtime power"
has "and a command" "echo auto > /sys/bus/pci/devices/$gpu/power/control"
has "of another function, too" "sibling-active $audio"
run status "$gpu" -j
json "and are in the JSON" \
	'[(b["id"], b["device"]) for b in d["device"]["blockers"]] ==
	 [("control-on", "'"$gpu"'"), ("sibling-active", "'"$audio"'")] and
	 d["device"]["predicted"] == "D0"'

# How long.
put "${dirs[$gpu]}/rtd3/stats/state_ms" 7980500
run list
has "how long it has been asleep" "^$gpu .* D3cold +2 h 13 min +"
run status "$gpu"
has "status, too" 'state +D3cold, for 2 h 13 min$'
run status "$gpu" -j
json "and JSON" 'd["device"]["state_ms"] == 7980500'
put "${dirs[$gpu]}/rtd3/state" D0
put "${dirs[$gpu]}/power/runtime_status" active
put "${dirs[$gpu]}/rtd3/stats/state_ms" 10000
run status "$gpu"
has "and how long it has been awake" 'state +D0, for 10 s$'
put "${dirs[$gpu]}/rtd3/state" D3hot
run status "$gpu"
has "of the guest's D3hot nothing is known" 'state +D3hot$'
put "${dirs[$gpu]}/rtd3/state" unknown
run list
has "nor of a device that does not work" "^$gpu .* unknown +- "
put "${dirs[$gpu]}/rtd3/state" D3cold
put "${dirs[$gpu]}/power/runtime_status" suspended
put "${dirs[$gpu]}/rtd3/stats/time_d3cold_ms" 75000

run metrics
is "metrics open no file that wakes" "$status" 0
has "time by state in seconds" "^rtd3_time_seconds_total\{device=\"$gpu\",state=\"D3cold\"\} 75\.000000$"
has "wakes by cause" "^rtd3_wakes_total\{device=\"$gpu\",cause=\"host\"\} 5$"
has "latency in seconds" "^rtd3_wake_latency_seconds\{device=\"$gpu\"\} 0\.001500$"
has "the state is one of all" "^rtd3_state\{device=\"$gpu\",state=\"D3cold\"\} 1$"
has "and none of the others" "^rtd3_state\{device=\"$gpu\",state=\"D0\"\} 0$"
has "reasons" "^rtd3_blocker\{device=\"$gpu\",id=\"sibling-active\",at=\"$audio\"\} 1$"
# Of each family one TYPE, before its samples, and of a kind that node_exporter knows.
bad=$(awk '/^# TYPE/ { if ($3 in type || $4 !~ /^(gauge|counter)$/) print; type[$3]; next }
	/^#/ { next }
	{ name = $1; sub(/\{.*/, "", name); if (!(name in type)) print }' <<<"$out")
is "each sample has a family, and its type" "$bad" ""
# tests/check fetches it; PROMTOOL: where it has to be.
promtool=${PROMTOOL:-$(command -v promtool)}
if [ "$promtool" ]; then
	is "promtool finds nothing wrong with them" \
		"$("$promtool" check metrics <<<"$out" 2>&1; echo $?)" 0
else
	skip "promtool finds nothing wrong with them" "promtool (Debian: prometheus) is not installed"
fi
metrics=$out
run metrics --output "$work/rtd3.prom"
is "metrics --output writes a file" "$status" 0
is "and prints nothing" "$out" ""
is "with all that is printed without" "$(<"$work/rtd3.prom")" "$metrics"

tree
switch_card
run status "$gpu"
has "behind a switch: the power port is the root port" '^    0000:00:01.0 .*power is cut here'
has "the functions are three levels below it" "^          \+-$gpu "
has "another driver has the audio function" "sibling-other-driver $audio"
run status "$gpu" -j
json "before it is bound, that is all" \
	'[b["id"] for b in d["device"]["blockers"]] == ["sibling-other-driver"] and
	 len(d["device"]["power_set"]) == 5 and d["device"]["unknown"] == []'
put "${dirs[0000:01:00.0]}/d3cold_allowed" 0
run status "$gpu" -j
json "a switch port that may not lose power is found" \
	'("port-d3cold-not-allowed", "0000:01:00.0") in
	 [(b["id"], b["device"]) for b in d["device"]["blockers"]]'
put "${dirs[0000:01:00.0]}/d3cold_allowed" 1
put "${dirs[$audio]}/power/wakeup" enabled
config "${dirs[$audio]}/config" 1 0 0
run status "$gpu" -j
json "a wakeup that D3cold would lose is found in configuration space" \
	'("sibling-wakeup-armed", "'"$audio"'") in
	 [(b["id"], b["device"]) for b in d["device"]["blockers"]]'
asleep "$audio"
run status "$gpu" -j
json "and is unknown if to look would wake the device" \
	'("'"$audio"'", "pme-d3cold") in [(u["device"], u["fact"]) for u in d["device"]["unknown"]]'
plain_names

# The link, of devices that are awake. Where it must not be looked at there is a trap.
tree
plain_card
link 0000:00:01.0 2.5 8 16.0 16
link "$gpu" 5.0 4 32.0 8
run status "$gpu"
has "the link now is what the port says, and what both ends can" \
	'^  link +x8 at 2\.5 GT/s; both ends can x8 at 16\.0 GT/s; slot of 0000:00:01\.0$'
run status "$gpu" -j
json "as JSON" 'd["device"]["link"] == {"port": "0000:00:01.0", "width": 8,
	"speed_mts": 2500, "max_width": 8, "max_speed_mts": 16000}'
ours "$gpu" D0
put "${dirs[$gpu]}/rtd3/predicted" D0
run status "$gpu"
has "a device of the driver that stays awake has it, too" '^  link +x8 at 2\.5 GT/s'
put "${dirs[0000:00:01.0]}/current_link_speed" Unknown
run status "$gpu" -j
json "what is not known is left out" '"link" not in d["device"]'
link 0000:00:01.0 2.5 8 16.0 16
run status "$gpu" -j
json "and back when it is" 'd["device"]["link"]["speed_mts"] == 2500'
for name in {current,max}_link_{speed,width}; do
	trap_file "${dirs[$gpu]}/$name"
done
put "${dirs[$gpu]}/rtd3/predicted" D3cold
run status "$gpu" -j
json "one that may soon sleep is not asked" '"link" not in d["device"]'
put "${dirs[$gpu]}/rtd3/predicted" D0
put "${dirs[$gpu]}/rtd3/state" D3hot
run status "$gpu" -j
json "nor one in its guest's D3hot" '"link" not in d["device"]'
driver "$gpu" vfio-pci
run status "$gpu" -j
json "nor one of another VFIO driver" '"link" not in d["device"]'
put "${dirs[$gpu]}/power/runtime_status" suspended
driver "$gpu" nvidia
run status "$gpu" -j
json "nor one that sleeps under its own" '"link" not in d["device"]'

tree
switch_card
link 0000:00:01.0 16.0 16 16.0 16
link 0000:01:00.0 16.0 16 32.0 16
run status "$gpu" -j
json "behind a switch it is the slot's, not the switch's own" \
	'd["device"]["link"]["port"] == "0000:00:01.0" and d["device"]["link"]["width"] == 16'
asleep 0000:01:00.0
run status "$gpu" -j
json "and is not asked of a switch that sleeps" '"link" not in d["device"]'
plain_names
