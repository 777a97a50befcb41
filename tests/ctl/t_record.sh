# SPDX-License-Identifier: GPL-2.0-only
# record: with events that the kernel makes of probes on a program, named as the driver's.
# shellcheck shell=bash

probe_dir=/sys/kernel/tracing

# In a mount namespace of its own: nobody else sees what is mounted here.
# probed COMMAND...: with events rtd3:*; status 77 if they cannot be made
probed()
{
	timeout 180 unshare -m bash -c '
		program=$1
		shift
		probe()
		{
			local at
			at=$(nm "$program" | awk -v name="at_$1" "\$3 == name { print \"0x\" \$1 }")
			echo "p:rtd3/rtd3_$1 $program:$at $2" >>uprobe_events
		}
		mount -t tracefs nodev '$probe_dir' && cd '$probe_dir' || exit 77
		[ ! -e events/rtd3 ] && [ -w uprobe_events ] || exit 77
		trap "cd '$probe_dir'; for name in suspend resume wake; do
			echo -:rtd3/rtd3_\$name >>uprobe_events; done" EXIT
		probe suspend "device=+0(%di):string power=%si:u32 ns=%dx:u64" &&
		probe resume "device=+0(%di):string power=%si:u32 cause=%dx:u32 ns=%cx:u64 present=%r8:u8" &&
		probe wake "device=+0(%di):string cause=%si:u32" || exit 77
		"$@"
		exit 0' bash "$O/fakedriver" "$@" 2>"$work/probe-err"
}

# What happens while record runs; the last suspend is another device's.
recorded()
{
	local recorder said

	"$ctl" --root="$T" record "$gpu" --output "$work/tape" 2>"$work/err" &
	recorder=$!
	until grep -q '"present"' "$work/tape" 2>/dev/null || ! kill -0 $recorder; do
		sleep 0.05
	done
	find $probe_dir/instances -mindepth 1 -maxdepth 1 -printf '%f\n' >"$work/during"
	{
		echo "suspend $gpu 1 4000000"
		echo "resume $gpu 2 8 412000000 1"
		echo "wake $gpu 5"
		echo "resume $gpu 2 0 1000 0"
		echo "suspend $audio 1 4000000"
		# Its name is asked for when the event is read.
		for _ in {1..100}; do
			[ "$(grep -c '"resume"' "$work/tape")" = 2 ] && break
			sleep 0.1
		done
	} | (
		# The driver has its name, even if it is gone before it is asked.
		printf 'host some task[%s]' "$BASHPID" >"$T/sys/bus/pci/devices/$gpu/rtd3/last_wake"
		exec "$O/fakedriver" >/dev/null
	)
	# Readers see each line at once.
	cp "$work/tape" "$work/early"
	kill -INT $recorder
	said=0
	wait $recorder || said=$?
	echo $said >"$work/said"
	find $probe_dir/instances -mindepth 1 -maxdepth 1 -printf '%f\n' >"$work/after"
	timeout 600 "$ctl" --root="$T" record | head -n 1 >"$work/head"
	timeout 600 "$ctl" --root="$T" record --seconds 1 >/dev/full 2>"$work/full"
	echo $? >>"$work/full"
}
export -f recorded

tree
plain_card
ours "$gpu" D3cold
ours "$audio" D3cold
rm -f "$work"/{tape,said}
words=(record "$gpu")
export ctl O T gpu audio work probe_dir
probe_status=77
if [ "$(id -u)" = 0 ] && [ "$(uname -m)" = x86_64 ]; then
	probe_status=0
	probed recorded || probe_status=$?
fi
if [ $probe_status = 77 ]; then
	skip "record writes what the kernel says" "needs root, x86_64, uprobes and no driver"
else
	out=$(cat "$work/tape")
	err=$(cat "$work/err" "$work/probe-err")
	is "record ends well with Ctrl-C" "$(<"$work/said")" 0
	is "it has an instance of its own" "$(grep -cE '^rtd3ctl-[0-9]+$' "$work/during")" 1
	is "which is gone in the end" "$(<"$work/after")" ""
	is "each line is written at once" "$(grep -c '"resume"' "$work/early")" 2
	out=$(python3 -c 'import json, sys; print(json.dumps([json.loads(l) for l in sys.stdin]))' <"$work/tape")
	json "the first line says what it is, with both clocks" \
		'd[0]["event"] == "begin" and d[0]["version"] == 1 and d[0]["clock"] == "boot" and
		 d[0]["wall"] > d[0]["time"] > 0'
	json "then the state of each device" \
		'(d[1]["event"], d[1]["device"], d[1]["state"], d[1]["health"]) ==
		 ("present", "'"$gpu"'", "D3cold", "ok")'
	json "a suspend, a resume with its cause, a wake that finds its owner" \
		'[(e["event"], e.get("state"), e.get("cause"), e.get("latency_us"), e.get("present"))
		  for e in d[2:6]] ==
		 [("suspend", "D3hot", None, 4000, None), ("resume", "D3cold", "host", 412000, True),
		  ("wake", None, "ioctl", None, None), ("resume", "D3cold", "unclaimed", 1, False)]'
	json "with the task that was at work" 'all(e["task"] == "some task" for e in d[2:6])'
	json "times rise" '[e["time"] for e in d] == sorted(e["time"] for e in d)'
	json "how it is in the end, and that nothing was lost" \
		'[e["event"] for e in d[6:]] == ["present", "end"] and d[-1]["lost"] == 0'
	json "nothing of a device that was not named" 'not any(e.get("device") == "'"$audio"'" for e in d)'
	is "a reader that goes ends it" "$(grep -c '"begin"' "$work/head")" 1
	is "a disk that is full is no success" "$(tail -n 1 "$work/full")" 1
	out=$(<"$work/full")
	has "and is said" 'is the disk full'
fi
