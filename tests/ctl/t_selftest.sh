# SPDX-License-Identifier: GPL-2.0-only
# selftest, with something in place of the device that sleeps, wakes and fails on demand.
# shellcheck shell=bash

# card_sleeps FAULT AT VICTIM: a tree with a card asleep
card_sleeps()
{
	local bdf

	tree
	plain_card
	pr3 0000:00:01.0
	for bdf in "$gpu" "$audio"; do
		ours "$bdf" D3cold
		put "${dirs[$bdf]}/power/runtime_usage" 0
	done
	put "${dirs[$audio]}/power/autosuspend_delay_ms" 4000
	put "$T/proc/slabinfo" $'slabinfo - version: 2.1\n# name\nkmalloc-64 100 128 64 64 1\n'
	coproc DEVICE { exec "$O/fakedevice" "$T" "$1" "$2" "$3" "$gpu" "$audio"; }
	read -r _ <&"${DEVICE[0]}"
	device_in=${DEVICE[1]}
	# shellcheck disable=SC2153 # coproc sets it
	device_pid=$DEVICE_PID
}

card_goes()
{
	exec {device_in}>&-
	wait "$device_pid"
}

delays()
{
	echo "$(<"${dirs[$gpu]}/power/autosuspend_delay_ms") $(<"${dirs[$audio]}/power/autosuspend_delay_ms")"
}

card_sleeps none 0 "$gpu"
run selftest "$gpu" --cycles 3
is "three good cycles: selftest succeeds" "$status" 0
has "each is told, with how long it will take" '^cycle 2 of 3: good, woke in [0-9]+ ms, .* to go$'
is "there are three" "$(grep -c '^cycle [1-3] of 3: good' <<<"$out")" 3
has "the verdict" '^pass: 3 power cycles'
has "how long half of the resumes took, and the longest" 'half of them in 2.0 ms, 99% in 3.0 ms, the longest 3.0 ms'
has "a histogram" '^ +1 ms to +2 ms +1 #+$'
has "usage counts" '^Usage counts: as before'
has "slabs" '^Slabs of the whole kernel: \+0 KiB'
is "the delays are what they were" "$(delays)" "1000 4000"
run selftest 01:00.1 -c 4 --json
is "by the other function, as JSON" "$status" 0
json "it has a verdict and its cycles" \
	'd["selftest"]["verdict"] == "pass" and d["selftest"]["cycles_good"] == 4 and
	 d["selftest"]["address"] == "'"$audio"'" and "problem" not in d["selftest"]'
# The device says that its n-th resume takes n ms: three came before these.
json "percentiles and bars of what the device said" \
	'[d["selftest"]["resume"][k] for k in ("count", "p50_us", "p99_us", "max_us")] ==
	 [4, 5000, 7000, 7000] and
	 [(b["from_us"], b["to_us"], b["count"]) for b in d["selftest"]["resume"]["histogram"]] ==
	 [(2000, 5000, 1), (5000, 10000, 3)]'
json "a wake takes as long as the device needs" '2000 <= d["selftest"]["wake"]["p50_us"] < 1000000'
json "usage counts of all, the port without one" \
	'[(m["address"], m.get("usage_after")) for m in d["selftest"]["power_set"]] ==
	 [("'"$audio"'", 0), ("0000:00:01.0", None), ("'"$gpu"'", 0)]'
json "nobody else woke it" 'd["selftest"]["other_wakes"] == 0'
card_goes

# bad FAULT VICTIM ID GOOD [TIMEOUT]: the second wake is bad; so many cycles are good
bad()
{
	card_sleeps "$1" 2 "$2"
	run selftest "$gpu" --cycles 3 --timeout "${5:-30}" --json
	is "$1 of $2: selftest fails" "$status" 1
	json "with the reason and the device" \
		'd["selftest"]["verdict"] == "fail" and d["selftest"]["problem"]["device"] == "'"$2"'" and
		 d["selftest"]["problem"]["id"] == "'"$3"'"'
	json "after as many cycles as were good" 'd["selftest"]["cycles_good"] == '"$4"
	is "the delays are what they were" "$(delays)" "1000 4000"
	card_goes
}

for bdf in "$gpu" "$audio"; do
	bad ids "$bdf" wrong-ids 1
	bad failed "$bdf" health 1
	bad not-cut "$bdf" power-not-cut 1
	bad usage "$bdf" usage 3
done
bad silent "$gpu" wrong-ids 1
bad counts-failure "$audio" failures 1
bad uncounted "$audio" not-counted 1
bad hot "$gpu" not-cold 1
bad stuck "$gpu" not-awake 1
bad insomnia "$gpu" no-sleep 2 5

card_sleeps not-cut 1 "$gpu"
run selftest "$gpu"
is "a power that is not cut: selftest fails as text, too" "$status" 1
has "and says so" "^fail: after 0 good power cycles: power-not-cut: $gpu: its power was not cut"
card_goes

# Somebody else wakes it, too: no fault, but said.
card_sleeps twice 2 "$gpu"
run selftest "$gpu" --cycles 2 --json
is "a device that somebody else wakes, too, passes" "$status" 0
json "and that is counted" 'd["selftest"]["other_wakes"] == 1'
card_goes

# signalled SIGNAL: sent in the middle
signalled()
{
	local pid line

	card_sleeps none 0 "$gpu"
	words=(selftest "$gpu" --cycles 1000)
	exec {said}< <(exec "$ctl" --root="$T" "${words[@]}" 2>&1)
	pid=$!
	read -r line <&"$said"
	is "$1: the test runs" "${line%%:*}" "cycle 1 of 1000"
	is "with shorter delays" "$(delays)" "100 100"
	kill "-$1" "$pid"
	out=$(cat <&"$said")
	exec {said}<&-
	status=0
	wait "$pid" || status=$?
	is "$1: it ends, and not well" "$status" 1
	has "and says how far it came" '^interrupted: after [1-9][0-9]* good power cycles of 1000$'
	is "$1: the delays are what they were" "$(delays)" "1000 4000"
	card_goes
}
signalled INT
signalled TERM
signalled HUP

# Refusals: nothing is woken, and no delay is changed.
# no_test STATUS TEXT REGULAR-EXPRESSION
no_test()
{
	run selftest "$gpu"
	is "refused: $2" "$status" "$1"
	out=$err
	has "with a remedy" "$3"
	is "and one line" "$(wc -l <<<"$err")" 1
	is "nothing is changed" "$(delays)" "1000 1000"
}

tree
plain_card
pr3 0000:00:01.0
no_test 3 "another driver has it" "rtd3ctl bind $gpu"
ours "$gpu" D3cold
no_test 4 "another driver has the other function" "$audio loses power.* rtd3ctl bind $audio"
ours "$audio" D3cold
put "${dirs[$audio]}/rtd3/policy" d3hot
no_test 4 "the other function may not lose power" "rtd3ctl set $audio policy=d3cold"
put "${dirs[$audio]}/rtd3/policy" d3cold
put "${dirs[$gpu]}/rtd3/health" degraded
no_test 4 "it does not work as it should" "health of $gpu is degraded: rtd3ctl status"
put "${dirs[$gpu]}/rtd3/health" ok
put "${dirs[$gpu]}/rtd3/blockers" "in-use $gpu"
no_test 4 "it is open" "in-use $gpu: "
put "${dirs[$gpu]}/rtd3/blockers" "control-on $gpu"
no_test 4 "something else keeps it awake" "control-on .*echo auto > /sys/bus/pci/devices/$gpu/power/control"
put "${dirs[$gpu]}/rtd3/blockers" "some-day $gpu"
no_test 4 "the driver has a reason that is not known" "update"
put "${dirs[$gpu]}/rtd3/blockers"
mkdir -p "$T/proc/77/fd"
put "$T/proc/77/comm" qemu
ln -s /dev/vfio/7 "$T/proc/77/fd/5"
no_test 4 "a process has its group open" 'qemu\[77\] has /dev/vfio/7 open'
rm -r "$T/proc/77"
mkdir -p "$T/run/rtd3ctl"
exec {held}>"$T/run/rtd3ctl/lock"
flock "$held"
no_test 4 "another rtd3ctl is at work" "wait for it"
exec {held}>&-
