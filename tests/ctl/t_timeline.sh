# SPDX-License-Identifier: GPL-2.0-only
# timeline: pictures of recordings that are whole, cut off, large, and none.
# shellcheck shell=bash

# night DEVICES WAKES: a recording of two hours
night()
{
	python3 - "$1" "$2" <<'EOP'
import json, sys
devices, wakes = map(int, sys.argv[1:])
N, begin, span = 10 ** 9, 500 * 10 ** 9, 7200 * 10 ** 9
def say(time, event, **more):
    print(json.dumps(dict(time=time, event=event, **more)))
say(begin, "begin", version=1, clock="boot", wall=1795707965 * N)
for i in range(devices):
    say(begin, "present", device="0000:%02x:00.0" % (i + 1), state="D3cold", health="ok",
        name="Card %d of a maker with a long name & <signs>" % i)
for k in range(wakes):
    time = begin + span * (k + 1) // (wakes + 1)
    for i in range(devices):
        bdf = "0000:%02x:00.0" % (i + 1)
        say(time, "resume", device=bdf, state="D3cold", cause="host", latency_us=400,
            present=True, task="lspci")
        say(time + span // (4 * wakes), "suspend", device=bdf, state="D3hot")
for i in range(devices):
    say(begin + span, "present", device="0000:%02x:00.0" % (i + 1), state="D3cold")
say(begin + span, "end", lost=0)
EOP
}

tree
# shellcheck disable=SC2034 # it is run()'s
export TZ=UTC
for devices in 1 8; do
	night $devices 5 >"$work/night.jsonl"
	run timeline "$work/night.jsonl"
	is "$devices: an SVG beside the recording" "$status" 0
	has "its name is told, and that all was understood" "night.svg: $devices device.*, 0 lines not"
	have=$(python3 -c 'import sys, xml.etree.ElementTree as t; print(t.parse(sys.argv[1]).getroot().tag)' \
		"$work/night.svg" 2>&1)
	is "$devices: it is well formed" "$have" '{http://www.w3.org/2000/svg}svg'
	run timeline "$work/night.jsonl" -o "$work/night.png"
	is "$devices: a PNG" "$status $(head -c 8 "$work/night.png" | od -An -tx1 | tr -d ' ')" \
		"0 89504e470d0a1a0a"
	is "$devices: no other file is left" "$(find "$work" -name '*.new')" ""
done

# drawn SED-SCRIPT: the picture of a recording that was changed so
drawn()
{
	sed "$1" "$work/night.jsonl" >"$work/changed.jsonl"
	"$ctl" timeline "$work/changed.jsonl" -o "$work/changed.svg" >"$work/said" 2>&1
	cat "$work/changed.svg"
}

drawn 's/,,/,/' >"$work/host.svg"
out=$(drawn 's/"cause": "host"/"cause": "unclaimed"/' | cmp - "$work/host.svg" 2>&1)
is "a wake that nobody claims was the host's, and its task's" "$out" ""
out=$(drawn 's/"cause": "host"/"cause": "unclaimed"/; s/"lspci"/"kworker\/0:0-pm"/' |
	cmp - "$work/host.svg" 2>&1)
has "in a work item it came with the port" differ

# colours FILE: the share of each colour in a row of dots through the band, in percent
colours()
{
	python3 - "$1" <<'EOP'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
at, idat = 8, b""
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    body = data[at + 8:at + 8 + size]
    if kind == b"IHDR":
        width, height, depth, colour = struct.unpack(">IIBB", body[:10])
    if kind == b"IDAT":
        idat += body
    at += size + 12
raw, row, n = zlib.decompress(idat), None, 3 if colour == 2 else 4
prev, rows = bytearray(width * n), []
for y in range(height):
    f, line = raw[y * (width * n + 1)], bytearray(raw[y * (width * n + 1) + 1:(y + 1) * (width * n + 1)])
    for x in range(width * n):
        a, b, c = line[x - n] if x >= n else 0, prev[x], prev[x - n] if x >= n else 0
        p = a + b - c
        best = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        line[x] = (line[x] + [0, a, b, (a + b) // 2, best][f]) & 255
    rows.append(line)
    prev = line
# Just above the foot of the first band, where all states are.
line = rows[2 * (92 + 58 + 40) - 6]
dots = [tuple(line[x * n:x * n + 3]) for x in range(2 * 36, width - 2 * 36)]
near = lambda c, d: max(abs(i - k) for i, k in zip(c, d)) < 3
for name, c in (("D0", (230, 159, 0)), ("D3cold", (0, 114, 178)), ("D3hot", (86, 180, 233))):
    print("%s=%d" % (name, round(100 * sum(near(c, d) for d in dots) / len(dots))), end=" ")
EOP
}
night 1 5 >"$work/night.jsonl"
run timeline "$work/night.jsonl" -o "$work/night.png"
is "the picture shows how long it was in which state" "$(colours "$work/night.png")" \
	"D0=25 D3cold=75 D3hot=0 "
night 1 30000 >"$work/long.jsonl"
run timeline "$work/long.jsonl" -o "$work/long.svg"
is "30000 wakes can be drawn" "$status" 0
is "in no more marks than there is room for" \
	"$(($(wc -c <"$work/long.svg") < 2000000))" 1

head -c 900 "$work/night.jsonl" >"$work/cut.jsonl"
echo garbage >>"$work/cut.jsonl"
run timeline "$work/cut.jsonl" -o "$work/cut.png"
is "a recording that is cut off is drawn" "$status" 0
has "and what was skipped is counted" '1 line not understood'
run timeline - -o "$work/in.svg" <"$work/night.jsonl"
is "standard input is a recording, too" "$status" 0
for text in '' 'garbage' '{"time":1,"event":"begin","version":1}'; do
	echo "$text" >"$work/none.jsonl"
	run timeline "$work/none.jsonl"
	is "no recording: '$text' is refused" "$status $([ -e "$work/none.svg" ] || echo none)" "1 none"
done
sed 's/"version": 1/"version": 2/' "$work/night.jsonl" >"$work/newer.jsonl"
run timeline "$work/newer.jsonl"
is "a recording of a newer rtd3ctl is refused" "$status" 1
run timeline "$work/night.jsonl" -o /no/such/folder/x.png
is "a picture that cannot be written is refused" "$status" 1
out=$err
has "with a remedy" 'does its folder exist'
