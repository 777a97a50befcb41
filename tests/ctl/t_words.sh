# SPDX-License-Identifier: GPL-2.0-only
# Command lines that are wrong: each has its exit status, and one line with a remedy.
# shellcheck shell=bash

tree
plain_card
ours "$gpu" D3cold

# wrong STATUS WORD...
wrong()
{
	local want=$1 good=0

	shift
	run "$@"
	[ "$status" = "$want" ] || good=1
	[ -z "$out" ] || good=1
	[ "$(wc -l <<<"$err")" = 1 ] || good=1
	[[ $err == "rtd3ctl: "* ]] || good=1
	# What to do, or what there is.
	[[ $err == *[:,?]\ * ]] || good=1
	result $good "'$*' is refused with status $want, in one line"
}

wrong 2
wrong 2 frobnicate
wrong 2 --frobnicate
wrong 2 --root
for verb in doctor list status bind unbind set wake selftest watch record timeline metrics; do
	run "$verb" --help
	is "$verb --help succeeds" "$status" 0
	has "and shows how it is called" "^Usage: rtd3ctl $verb "
	wrong 2 "$verb" --frobnicate
	wrong 2 "$verb" -X
done
for verb in doctor status bind unbind set wake selftest; do
	wrong 2 "$verb" 01:00
	wrong 2 "$verb" ''
	wrong 2 "$verb" "$gpu; reboot"
	wrong 3 "$verb" 0000:7f:00.0
done
for verb in status bind unbind set wake selftest; do
	wrong 2 "$verb"
done
for verb in doctor status wake selftest; do
	wrong 2 "$verb" "$gpu" "$audio"
done
wrong 2 list "$gpu"
wrong 2 metrics "$gpu"
wrong 2 metrics --output
wrong 1 metrics --output "$work/no/such/folder/x"
wrong 2 bind 0000:00:01.0
wrong 2 unbind 0000:00:01.0
wrong 2 set "$gpu" policy
wrong 2 set "$gpu" policy=deep
wrong 2 set "$gpu" fallback=d3hot
wrong 2 set "$gpu" settle_ms=1h
wrong 2 set "$gpu" health=ok
wrong 2 set "$gpu" --persist
wrong 2 set "$gpu" --forget health
wrong 2 set "$gpu" --forget --persist
wrong 2 set "$gpu" policy=off policy=off policy=off policy=off policy=off policy=off policy=off \
	policy=off policy=off policy=off policy=off policy=off policy=off policy=off policy=off \
	policy=off policy=off
wrong 3 set "$audio" policy=off
wrong 2 wake "$gpu" --hold
wrong 2 wake "$gpu" --hold -1
wrong 2 wake "$gpu" --hold 3601
wrong 2 wake "$gpu" --hold 1s
wrong 3 wake "$audio"
for number in 0 -1 x 1x 100001 99999999999999999999; do
	wrong 2 selftest "$gpu" --cycles "$number"
	wrong 2 selftest "$gpu" --timeout "$number"
	wrong 2 selftest "$gpu" --meter true --measure "$number"
done
wrong 2 selftest "$gpu" --cycles
wrong 2 selftest "$gpu" --meter
wrong 2 selftest "$gpu" --measure 5
for number in 0 -1 x 1x 31536001 99999999999999999999; do
	wrong 2 record --seconds "$number"
done
wrong 2 watch
wrong 2 watch 01:00
wrong 3 watch 0000:7f:00.0
wrong 3 watch "$audio" --once
wrong 2 timeline
wrong 2 timeline a b
wrong 2 timeline -
wrong 2 timeline "$work/x.jsonl" --output picture.gif
wrong 2 timeline "$work/x.svg"
wrong 1 timeline "$work/no-such-recording"
wrong 2 record 01:00
wrong 3 record 0000:7f:00.0
wrong 3 record "$audio"
wrong 3 selftest "$audio"

# Who may not write is told so.
if [ "$(id -u)" != 0 ]; then
	chmod a-w "${dirs[$gpu]}/rtd3/policy" "${dirs[$gpu]}/power/control"
	wrong 5 set "$gpu" policy=off
	wrong 5 wake "$gpu"
	put "$T/usr/lib/udev/rtd3-bind"
	chmod a-w "$T/run"
	wrong 5 bind --persist --force "$gpu"
	chmod u+w "$T/run"
	put "$T/etc/rtd3/bind" "$audio 10de:22ba"
	chmod a-w "$T/etc/rtd3"
	run unbind --only --persist "$audio"
	is "who may not write what is bound at boot is told so" "$status" 5
	chmod u+w "$T/etc/rtd3"
fi
# A root that is longer than any path.
long=$(printf 'x%.0s' {1..5000})
# shellcheck disable=SC2034 # run() has it
T=/$long
run list
is "a root that is too long has no devices" "$status" 0

run --version
is "--version" "$out" "rtd3ctl $(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$top/dkms.conf")"
run --help
for verb in doctor list status bind unbind set wake selftest watch record timeline metrics; do
	has "--help names $verb" "^  $verb +"
done
