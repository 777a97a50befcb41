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

# A meter, which says other watts in each state, and notes them.
policies()
{
	echo "$(<"${dirs[$gpu]}/rtd3/policy") $(<"${dirs[$audio]}/rtd3/policy")"
}

# meter_reads [COMMAND]: writes a command that is one; COMMAND is run first, with n readings made
meter_reads()
{
	cat >"$T/meter" <<EOT
#!/bin/bash
state=\$(<${dirs[$gpu]}/rtd3/state)
n=\$(wc -l <$T/said)
${1-}
case \$state in
D0) watts=80.\$((n % 7)) ;;
D3hot) watts=\$((45 + n % 3)) ;;
*) watts=30.12\$((n % 5)) ;;
esac
echo "\$state \$watts" | tee -a $T/said | sed 's/.* //'
EOT
	chmod +x "$T/meter"
	: >"$T/said"
}

# measured STATE...: in these, and as the meter has said, but for the reading at the start
measured()
{
	json "watts are what the meter said, in: $*" '(lambda said, states, power: states ==
		[p["state"] for p in power if "samples" in p] and all(
			p["samples"] == len(w) > 1 and
			abs(p["average_mw"] - 1000 * sum(w) / len(w)) < 1 and
			abs(p["min_mw"] - 1000 * min(w)) < 1 and
			abs(p["max_mw"] - 1000 * max(w)) < 1 and
			abs(p["deviation_mw"] - 1000 * __import__("statistics").pstdev(w)) < 1
			for p in power if "samples" in p for w in [said[p["state"]]]))(
		{s: [float(line.split()[1]) for line in open("'"$T/said"'").readlines()[1:]
		     if line.split()[0] == s] for s in ("D0", "D3hot", "D3cold")},
		"'"$*"'".split(), d["selftest"]["power"])'
}

card_sleeps none 0 "$gpu"
meter_reads
run selftest "$gpu" --cycles 2 --meter "$T/meter" --measure 3 --json
is "with a meter, selftest succeeds" "$status" 0
measured D0 D3hot D3cold
json "the wakes for that are nobody else's" \
	'd["selftest"]["other_wakes"] == 0 and d["selftest"]["cycles_good"] == 2'
is "the delays are what they were" "$(delays)" "1000 4000"
is "and the policies" "$(policies)" "d3cold d3cold"
card_goes

card_sleeps no-hot 0 "$gpu"
meter_reads
run selftest "$gpu" --cycles 1 --timeout 5 --meter "$T/meter" --measure 3
is "a device that has no D3hot can be measured" "$status" 0
has "the others are" '^D0 +80\.[0-9]+ W on average of [0-9]+ readings, 80\.[0-9]+ to 80\.[0-9]+, deviation 0\.[0-9]+$'
has "and it is said of that one" '^D3hot +not measured: it is in D0 after 5 s, and not in D3hot$'
is "and the policies are what they were" "$(policies)" "d3cold d3cold"
card_goes

# Energy since some time: each reading finds a joule more, whenever it comes.
card_sleeps none 0 "$gpu"
energy=/sys/class/hwmon/hwmon3/energy1_input
mkdir -p "$T${energy%/*}"
mkfifo "$T$energy"
(
	joules=5
	while exec {out}>"$T$energy"; do
		rm "$T$energy"
		mkfifo "$T$energy"
		echo "${joules}000000" >&"$out"
		exec {out}>&-
		joules=$((joules + 1))
	done
) &
energy_pid=$!
run selftest "$gpu" --cycles 1 --meter "$energy" --measure 3 --json
is "energy: selftest succeeds" "$status" 0
json "watts by time are the joules of all readings" \
	'all(abs(p["average_mw"] * p["duration_ms"] / 1e6 - p["samples"]) < 0.02 * p["samples"]
	     for p in d["selftest"]["power"]) and len(d["selftest"]["power"]) == 3'
json "and no reading has less than none" \
	'all(0 < p["min_mw"] <= p["average_mw"] <= p["max_mw"] for p in d["selftest"]["power"])'
kill "$energy_pid"
wait "$energy_pid" 2>/dev/null
rm "$T$energy"
put "$T${energy%/*}/power1_average" $'52124000\n'
run selftest "$gpu" --cycles 1 --meter "${energy%/*}/power1_average" --measure 3
is "power: selftest succeeds" "$status" 0
has "microwatts are watts" '^D3cold 52\.12 W on average of [0-9]+ readings, 52\.12 to 52\.12, deviation 0\.00$'
card_goes

# Not as a wrong number, but as an error: somebody who wakes it, a meter that fails.
card_sleeps none 0 "$gpu"
meter_reads "[ \$n != 3 ] || cat ${dirs[$gpu]}/config ${dirs[$audio]}/config >$T/woken"
run selftest "$gpu" --cycles 1 --meter "$T/meter" --measure 4 --json
is "woken while it is measured: selftest fails" "$status" 1
json "with the reason" \
	'd["selftest"]["verdict"] == "fail" and d["selftest"]["problem"]["id"] == "woken" and
	 "host lspci[1234]" in d["selftest"]["problem"]["text"]'
measured
is "and the policies are what they were" "$(policies)" "d3cold d3cold"
meter_reads "[ \$n -lt 7 ] || exit 3"
run selftest "$gpu" --cycles 1 --meter "$T/meter" --measure 4 --json
is "a meter that fails in between: selftest fails" "$status" 1
json "with its status" 'd["selftest"]["problem"]["id"] == "meter" and
	"ends with status 3" in d["selftest"]["problem"]["text"]'
measured D3cold
is "and the policies are what they were" "$(policies)" "d3cold d3cold"
is "and the delays" "$(delays)" "1000 4000"

# no_meter STATUS TEXT METER REGULAR-EXPRESSION: told before anything is done
no_meter()
{
	run selftest "$gpu" --meter "$3"
	is "a meter $2: refused" "$status" "$1"
	out=$err
	has "a meter $2: it says so" "$4"
	is "in one line" "$(wc -l <<<"$err")" 1
}
no_meter 1 "that is not there" /sys/class/hwmon/hwmon9/power1_input \
	'cannot read /sys/class/hwmon/hwmon9/power1_input: No such file'
put "$T/sys/class/hwmon/hwmon3/power2_input" -5
no_meter 1 "that says no number" /sys/class/hwmon/hwmon3/power2_input "says '-5', which is no number"
put "$T/sys/class/hwmon/hwmon3/power2_input" 2000000000000
no_meter 1 "that says too much" /sys/class/hwmon/hwmon3/power2_input "2000000 watts, which is too much"
put "$T/sys/class/hwmon/hwmon3/temp1_input" 5000
no_meter 2 "that is a thermometer" /sys/class/hwmon/hwmon3/temp1_input 'no meter: name a file of hwmon'
no_meter 2 "without a name" '' 'no meter: name a file of hwmon'
no_meter 1 "that is no command" 'no-such-meter' "ends with status 127"
no_meter 1 "that fails" 'echo 5; exit 4' "ends with status 4"
no_meter 1 "that says nothing" true "prints '': it has to print watts"
no_meter 1 "that says two things" "printf '41\n42\n'" "prints '41': it has to print watts"
no_meter 1 "that says its unit" 'echo 41 W' "prints '41 W': it has to print watts"
no_meter 1 "that says nonsense" 'echo nan' "prints 'nan'"
is "nothing is changed" "$(delays)" "1000 4000"
card_goes

# A meter that hangs does not keep selftest from ending.
# meter_hangs CONDITION: it does where that fails; selftest is interrupted then
meter_hangs()
{
	rm -f "$T/hangs"
	meter_reads "$1 || { echo \$\$ >$T/hangs; exec sleep 1000; }"
	words=(selftest "$gpu" --cycles 1 --meter "$T/meter")
	exec {said}< <(exec "$ctl" --root="$T" "${words[@]}" 2>&1)
	pid=$!
	while [ ! -s "$T/hangs" ] && kill -0 "$pid" 2>/dev/null; do
		sleep 0.1
	done
	kill -INT "$pid"
	out=$(cat <&"$said")
	exec {said}<&-
	# Where nobody waits for it, what is left has no command line.
	is "Ctrl-C ends a meter that hangs" \
		"$(tr -d '\0' 2>/dev/null <"/proc/$(<"$T/hangs")/cmdline")" ""
	is "the policies are what they were" "$(policies)" "d3cold d3cold"
	is "and the delays" "$(delays)" "1000 4000"
}
card_sleeps none 0 "$gpu"
meter_hangs false
has "before anything is done" '^rtd3ctl: --meter: '
meter_hangs "[ \$n = 0 ]"
has "and at the end" '^interrupted: after 1 good power cycles of 1$'
card_goes

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
