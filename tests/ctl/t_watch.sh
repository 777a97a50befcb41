# SPDX-License-Identifier: GPL-2.0-only
# watch: one frame, and a terminal that is as before, whatever ends it.
# shellcheck shell=bash

tree
run watch --once
is "no device: watch --once succeeds" "$status" 0
has "and says what to do" 'rtd3ctl bind'
plain_card
pr3 0000:00:01.0
ours "$gpu" D3cold
ours "$audio" D0
trap_file "${dirs[$gpu]}/driver_override"
run watch --once
is "watch opens no file that wakes or waits" "$status" 0
has "state, bar, share of D3cold, wakes, health, last wake" \
	"^$gpu  D3cold   #{15}={3}\.{2}  75% +7  ok +host lspci\[1234\] "
has "of each device" "^$audio  D0 "
hasnot "and no other" '0000:00:01.0'
hasnot "nothing but text where there is no terminal" $'\033'
run watch --once "$audio"
hasnot "of those that are named" "$gpu"
run watch "$gpu"
is "without a terminal it is refused" "$status" 2

# on_terminal COLUMNS WHAT: WHAT ends it: a letter, or the name of a signal
on_terminal()
{
	words=(watch "on a terminal of $1 columns, ended by $2")
	out=$(TERM=xterm timeout 60 python3 - "$ctl" "$T" "${dirs[$gpu]}/rtd3" "$1" "$2" <<'EOP'
import fcntl, json, os, pty, re, select, signal, struct, subprocess, sys, termios, time
ctl, tree, rtd3, columns, what = sys.argv[1:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 12, int(columns), 0, 0))
before = termios.tcgetattr(slave)
env = dict(os.environ)
env.pop("NO_COLOR", None)
child = subprocess.Popen([ctl, "--root=" + tree, "watch"], stdin=slave, stdout=slave,
                         stderr=slave, env=env, start_new_session=True)
text = b""
def until(pattern):
    global text
    end = time.time() + 25
    while time.time() < end and not re.search(pattern, text):
        if select.select([master], [], [], 0.1)[0]:
            text += os.read(master, 65536)
    return bool(re.search(pattern, text))
first = until(rb"(?s)0000:01:00\.1.*\x1b\[J")
during = termios.tcgetattr(slave)
def put(name, value):
    open(rtd3 + "/.new", "w").write(value)
    os.rename(rtd3 + "/.new", rtd3 + "/" + name)
put("last_wake", "host nvidia-smi[77]")
put("stats/resumes", str(int(open(rtd3 + "/stats/resumes").read()) + 1))
wake = until(rb"\d\d:\d\d:\d\d  0000:01:00\.0 +host nvidia-smi\[77\]")
if len(what) == 1:
    os.write(master, b"x")
    time.sleep(0.2)
    alive = child.poll() is None
    os.write(master, what.encode())
else:
    alive = child.poll() is None
    child.send_signal(getattr(signal, "SIG" + what))
status = child.wait(20)
until(rb"\x1b\[\?1049l")
lines = [re.sub(rb"\x1b\[[?0-9;]*[a-zA-Z]", b"", l).strip(b"\r") for l in text.split(b"\n")]
print(json.dumps(dict(first=first, wake=wake, alive=alive, status=status,
    hidden=not during[3] & termios.ECHO, same=termios.tcgetattr(slave) == before,
    entered=text.startswith(b"\x1b[?1049h"), left=text.endswith(b"\x1b[?25h\x1b[?1049l"),
    colours=b"\x1b[32m" in text, width=max(map(len, lines)))))
EOP
	) 2>&1
	json "$2: it shows devices, and a wake when it comes" 'd["first"] and d["wake"] and d["alive"]'
	json "$2: on a screen of its own, without echo, in colours" \
		'd["entered"] and d["hidden"] and d["colours"]'
	json "$2: it ends well, and the terminal is as before" \
		'd["status"] == 0 and d["left"] and d["same"]'
	json "$2: no line is longer than the terminal" '0 < d["width"] < '"$1"
}
on_terminal 120 q
on_terminal 80 INT
on_terminal 60 TERM
on_terminal 100 HUP
