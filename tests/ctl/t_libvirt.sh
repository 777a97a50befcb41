# SPDX-License-Identifier: GPL-2.0-only
# The hook for libvirt: which devices it wakes, and that nobody waits for it.
# shellcheck shell=bash

bin=$work/bin
mkdir -p "$bin"

# As installed, but that it looks at a tree.
hook_for_tree()
{
	sed "s,@SBIN@,$bin,; s,\"/sys/,\"$T/sys/," "$top/src/libvirt/hook" >"$bin/hook"
	chmod +x "$bin/hook"
	: >"$work/asked"
	: >"$work/log"
}

# program NAME: its commands are what is read
program()
{
	{ echo '#!/bin/sh'; cat; } >"$bin/$1"
	chmod +x "$bin/$1"
}

# asked LINES: what rtd3ctl has been told by now, or is within seconds
asked()
{
	local i

	for ((i = 0; i < 100; i++)); do
		[ "$(wc -l <"$work/asked")" -lt "$1" ] || break
		sleep 0.1
	done
	sort "$work/asked"
}

# hook XML OPERATION STAGE: with pipes for what it says, as libvirt has them
hook()
{
	words=(hook "${@:2}")
	status=0
	out=$(PATH=$bin:$PATH "$bin/hook" vm "$2" "$3" - <<<"$1" 2>"$work/err") || status=$?
	err=$(<"$work/err")
}

# As libvirt writes it, and as it could.
xml="<domain type='kvm' id='1'>
  <name>vm</name>
  <metadata><a:b xmlns:a='x'>&lt;source&gt;</a:b></metadata>
  <devices>
    <controller type='pci' index='1' model='pcie-root-port'>
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </controller>
    <interface type='network'>
      <source network='default'/>
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </interface>
    <hostdev mode='subsystem' type='usb'>
      <source>
        <vendor id='0x1234'/>
        <address bus='3' device='2'/>
      </source>
    </hostdev>
    <hostdev mode='subsystem' type='pci' managed='no'>
      <driver name='vfio'/>
      <source>
        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
      </source>
      <alias name='hostdev0'/>
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </hostdev>
    <hostdev mode=\"subsystem\" type=\"pci\"><source writeFiltering='no'
      ><address function=\"1\"
      slot=\"0\" bus=\"1\"/></source></hostdev>
    <interface type='hostdev' managed='yes'>
      <source>
        <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>
      </source>
    </interface>
    <hostdev mode='subsystem' type='pci'>
      <source>
        <address domain='0x0000' bus='\$(touch hooked)' slot='0x00' function='0x0'/>
        <address domain='0x0000' bus='0x7f' slot='0x00' function='0x0'/>
      </source>
    </hostdev>
  </devices>
</domain>"

program logger <<-END
	exec cat >>"$work/log"
END
program rtd3ctl <<-END
	echo "\$@" >>"$work/asked"
	exec "$ctl" --root="$work/tree" "\$@"
END

tree
ln -sfn "$T" "$work/tree"
plain_names
plain_card
port 0000:00:02.0 - 4
device 0000:02:00.0 0000:00:02.0 8086 1234 020000 vfio-pci
port 0000:00:03.0 - 4
device 0000:03:00.0 0000:00:03.0 10de 2684 030000 -
for device in "$gpu" "$audio" 0000:03:00.0; do
	ours "$device" D3cold
done
hook_for_tree
hook "$xml" prepare begin
is "the hook succeeds" "$status$out$err" 0
is "it wakes the domain's devices that are ours, and no others" "$(asked 2)" \
	"wake --hold=20 $gpu
wake --hold=20 $audio"
for ((i = 0; i < 100; i++)); do
	[ "$(<"${dirs[$gpu]}/power/control")" != on ] || break
	sleep 0.1
done
is "by rtd3ctl" "$(<"${dirs[$gpu]}/power/control")" on

hook_for_tree
for stage in 'start begin' 'started begin' 'stopped end' 'release end' 'migrate begin'; do
	# shellcheck disable=SC2086 # two words
	hook "$xml" $stage
	is "the hook succeeds with $stage" "$status$out$err" 0
done
for text in '' 'this is < no XML <source' "<source><address bus='0x01'/></source>"; do
	hook "$text" prepare begin
	is "the hook succeeds with no address" "$status$out$err" 0
done
# Nobody waits for a wake.
sleep 1
is "nothing else wakes any" "$(<"$work/asked")" ""

# Neither a wake that hangs nor one that fails is the domain's.
program rtd3ctl <<-END
	echo "\$@" >>"$work/asked"
	! mkdir "$work/hung" 2>/dev/null || exec sleep 60
	echo 'cannot wake it' >&2
	exit 1
END
start=$SECONDS
hook "$xml" prepare begin
is "a wake that hangs is not waited for" "$status $((SECONDS - start < 30))" "0 1"
asked 2 >/dev/null
for ((i = 0; i < 100; i++)); do
	[ ! -s "$work/log" ] || break
	sleep 0.1
done
is "what goes wrong is in the log" "$(<"$work/log")" "cannot wake it"

hook_for_tree
rm "$bin/rtd3ctl"
hook "$xml" prepare begin
is "without rtd3ctl a domain starts, too" "$status$out$err" 0
