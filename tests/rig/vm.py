#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run one test program in a virtual machine and print its TAP.

The guest is a stock Debian kernel with an initramfs whose init is the test
program. It talks to this program over its second serial port, apart from the
console: verdicts go out, questions about what the hypervisor sees are answered
(see tests/guest/chan.h for the protocol). The kernel log is the first serial
port. Exit status: 0 all passed, 1 a test failed, 2 wrong usage, 3 QEMU did not
start, 4 the guest died before its init ran, 5 the time was up.
"""

import argparse
import glob
import lzma
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import cards
import coverage
import kernlog
import known_failures
import peer
import vtd

RIG = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(RIG))
CACHE = os.environ.get("RTD3_CACHE", os.path.join(TOP, ".cache"))
HOST_QEMU = "qemu-system-x86_64"

# Of each report that is printed; the log has all of it.
REPORT_LINES = 60
# What a debug kernel, several times slower than others, needs to be told.
# KASAN itself says who has allocated and freed an object.
DEBUG_APPEND = " no5lvl watchdog_thresh=60 slab_debug=FZP"
# How much longer a run may take there.
SLOW = 3
# What runs a machine. With icount its clock is what its CPU has executed: an
# instruction is a nanosecond, and where nobody has to do anything no time is lost.
ACCELS = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    "tcg": ["-accel", "tcg,thread=multi", "-cpu", "max"],
    "tcg-single": ["-accel", "tcg,thread=single", "-cpu", "max"],
    "icount": ["-accel", "tcg,thread=single", "-cpu", "max",
               "-icount", "shift=0,sleep=off"],
}
# What an NMI makes a machine do that came to a stop: it shows what each task, CPU
# and timer is at, and ends. (A sysrq wants a console that can be typed at.)
POST_MORTEM_APPEND = "unknown_nmi_panic panic_print=0x45"
POST_MORTEM_S = 60
# What tests/rig/rootfs ends with when what is asked for cannot be had: a failure,
# unless the caller of tests/check has said --allow-skips.
CANNOT = 77
ALLOW_SKIPS = "RTD3_ALLOW_SKIPS"


class RigError(Exception):
    """The run as such failed; the status says how."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Machine:
    """One QEMU process and the three ways to watch it."""

    def __init__(self, args, kernel, initrd, accel, work):
        self.work = work
        self.kernel = kernel
        self.acpi_log = os.path.join(work, "acpi.log")
        self.console = os.path.join(work, "console.log")
        self.model_log = os.path.join(work, "model.log")
        self.trace = os.path.join(work, "trace.log")
        self.deadline = time.monotonic() + args.timeout
        self.args = args
        self.buffer = b""
        self.unpressed = None
        listeners = {n: self._listen(n) for n in ("chan", "qtest", "qmp")}
        self.peers = [peer.Echo(work, port) for port in cards.PORTS if args.nested]
        cmd = self._command(args, kernel, initrd, accel)
        with open(os.path.join(work, "command"), "w", encoding="utf8") as f:
            f.write(" ".join(cmd) + "\n")
        with open(os.path.join(work, "qemu.log"), "wb") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                cmd, stdin=None if args.shell else subprocess.DEVNULL,
                stdout=sys.stderr if args.console else log, stderr=log)
        try:
            self.chan = self._accept(listeners["chan"])
            self.qtest = self._accept(listeners["qtest"])
            self.cables = peer.Cables(self._accept(listeners["qmp"]))
        except RigError:
            self.stop()
            raise
        except OSError as error:
            # It lived until it was talked to.
            self.stop()
            raise self._not_started() from error

    def _listen(self, name):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(os.path.join(self.work, name))
        sock.listen(1)
        sock.settimeout(0.2)
        return sock

    def _accept(self, listener):
        for _ in range(100):
            try:
                conn = listener.accept()[0]
                conn.settimeout(10)
                return conn
            except socket.timeout:
                if self.process.poll() is not None:
                    break
        raise self._not_started()

    def _not_started(self):
        with open(os.path.join(self.work, "qemu.log"), encoding="utf8",
                  errors="replace") as f:
            return RigError(3, "QEMU did not start: " + f.read().strip()[-500:])

    def _command(self, args, kernel, initrd, accel):
        iommu, append = cards.IOMMUS[args.iommu]
        if args.debug:
            append += DEBUG_APPEND
        cmd = [args.qemu, "-nodefaults", "-no-user-config", "-display", "none",
               "-vga", "none", "-no-reboot", "-m", str(args.memory),
               "-smp", str(args.smp),
               *ACCELS["tcg-single" if accel == "tcg" and args.smp == 1 else accel],
               # A kernel on a busy host can calibrate its TSC 50 times too slow against
               # the PIT; without one it is percents off and its clock becomes the HPET.
               "-machine", "q35,pit=off" +
               (",kernel-irqchip=split" if accel == "kvm" else ""),
               # A BIOS of 2014, QEMU's default, is too old for port D3.
               "-smbios", "type=0,vendor=rtd3,version=1,date=01/01/2024",
               *[arg for table in args.acpi for arg in ("-acpitable", "file=" + table)],
               "-kernel", kernel, "-initrd", initrd,
               "-append", "console=ttyS0 ignore_loglevel panic=-1 "
               # For initramfs-tools and dracut, see tests/rig/packaged.
               f"{'boot=rig init=/rigtest ' * bool(args.boot)}"
               # A busy host starves a machine while it counts ticks.
               f"no_timer_check {POST_MORTEM_APPEND} "
               f"{append} rig.test={args.test} rig.driver={args.driver} "
               f"rig.devs={args.devs} rig.iommu={args.iommu} "
               f"rig.model={args.power_model:d} rig.hotplug={args.hotplug:d} "
               f"rig.icount={accel == 'icount':d} "
               f"rig.gdb={args.gdb:d} {'nokaslr ' * args.gdb}"
               + args.append,
               "-chardev", f"stdio,id=con,signal=off,logfile={self.console}"
               if args.console else f"file,id=con,path={self.console}",
               "-serial", "chardev:con",
               "-chardev", f"socket,id=chan,path={self.work}/chan",
               "-serial", "chardev:chan",
               "-chardev", f"file,id=acpi,path={self.acpi_log}",
               "-device", "isa-debugcon,iobase=0x4e2,chardev=acpi",
               "-qtest", f"unix:{self.work}/qtest", "-qtest-log", "/dev/null",
               "-qmp", f"unix:{self.work}/qmp",
               *(["-gdb", f"unix:path={self.work}/gdb,server=on,wait=off"] * args.gdb),
               "-D", self.trace, *iommu]
        for port in [*cards.PORTS, *cards.more_ports(args)]:
            cmd += cards.port_options(args, port)
        for port, devices in cards.below_ports(args).items():
            cmd += [arg.format(port, work=self.work) for arg in cards.DEVICES[devices]]
        for tag, path, mode in self._shares(args):
            cmd += ["-fsdev", f"local,id={tag},security_model=none{mode},path={path}",
                    "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        if args.suite == "coverage":
            cmd += ["-chardev", f"file,id=counts,path={self.work}/counts",
                    "-device", "isa-debugcon,iobase=0x4e3,chardev=counts"]
        if args.power_model:
            _, properties, more = cards.VARIANTS[args.variant]
            cmd += ["-device",
                    f"rig-power,port=rp1,iobase=0x4f0,log={self.model_log}" +
                    properties, *more]
        return cmd

    @staticmethod
    def _shares(args):
        """Folders of this machine that the guest sees: tag, path, how."""
        if args.root:
            yield "root", args.root, ",readonly=on"
        if args.layer:
            boot = os.path.join(CACHE, f"deb-{args.suite}.boot")
            yield "layer", os.path.join(boot, "layer"), ",readonly=on"
            # What the guest leaves there is for people to look at.
            out = os.path.join(CACHE, "logs", f"{args.suite}-{args.row}")
            shutil.rmtree(out, ignore_errors=True)
            os.makedirs(out)
            yield "out", out, ""

    def power(self, port):
        """How often the hypervisor saw _ON and _OFF of a port."""
        _, on, off = cards.PORTS[port]
        with open(self.acpi_log, encoding="latin1") as f:
            log = f.read()
        return f"on={log.count(on)} off={log.count(off)}"

    def config(self, bdf, offset):
        """A config register as QEMU sees it, read through ECAM from outside."""
        bus, dev, fn = (int(x, 16) for x in re.split("[:.]", bdf))
        address = (0xb0000000 + (bus << 20) + (dev << 15) + (fn << 12) +
                   (int(offset, 16) & 0xffc))
        self.qtest.sendall(f"readl {address:#x}\n".encode())
        reply = b""
        while not reply.endswith(b"\n"):
            data = self.qtest.recv(256)
            if not data:
                raise RigError(3, "QEMU has gone")
            reply += data
        match = re.match(rb"OK 0x([0-9a-f]+)", reply)
        if not match:
            raise RigError(3, f"qtest answered {reply!r}")
        return f"{int(match[1], 16):08x}"

    def stop_for_gdb(self, sections):
        """The module is loaded: stop, and say how to look at it."""
        packed = (glob.glob(os.path.join(CACHE, f"module-{self.args.suite}", "*.ko")) or
                  glob.glob(os.path.join(CACHE, f"modules-{self.args.suite}", "**",
                                         "rtd3_vfio_pci.ko*"), recursive=True))[0]
        module = os.path.join(self.work, "rtd3_vfio_pci.ko")
        opener = lzma.open if packed.endswith(".xz") else open
        with opener(packed, "rb") as f, open(module, "wb") as out:
            shutil.copyfileobj(f, out)
        kernel = glob.glob(os.path.join(os.path.dirname(self.kernel), "vmlinux"))
        text, data, bss = sections
        self.cables.call("stop")
        print(f"# stopped, {self.args.driver} is loaded; in another terminal:\n"
              f"gdb {' '.join(kernel)} -ex 'target remote {self.work}/gdb'"
              f" -ex 'add-symbol-file {module} {text} -s .data {data} -s .bss {bss}'\n"
              "# set breakpoints (hbreak), then 'continue' runs the test", flush=True)
        return "ok"

    def power_button(self):
        """Press it once the guest, from now on, has come to suspend to idle."""
        self.unpressed = os.path.getsize(self.console)
        return "ok"

    def _press(self):
        with open(self.console, "rb") as log:
            log.seek(self.unpressed)
            if b"suspend-to-idle" in log.read():
                self.cables.call("system_powerdown")
                self.unpressed = None

    def answer(self, words):
        """Answer one question of the guest."""
        questions = {
            ("power", 1): lambda: self.power("rp1"),
            ("power2", 1): lambda: self.power("rp2"),
            ("cfg", 3): lambda: self.config(*words[1:]),
            ("invalidations", 2):
                lambda: vtd.invalidations(self.trace, "00:04.0", words[1]),
            ("link", 3): lambda: self.cables.link(words[1], words[2] == "on"),
            ("aer", 3): lambda: self.cables.error(*words[1:]),
            ("powerbutton", 1): self.power_button,
            ("gdb", 4): lambda: self.stop_for_gdb(words[1:]),
        }
        ask = questions.get((words[0], len(words))) if words else None
        return ask() if ask else "error: no such question"

    def lines(self):
        """Lines from the guest, until it ends."""
        try:
            yield from self._lines()
        except ConnectionError:
            pass  # QEMU has died: its exit status says how

    def _lines(self):
        while True:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise RigError(5, "the time is up")
            ready, _, _ = select.select([self.chan, *self.peers], [], [], min(
                left, 1 if self.unpressed is None else 0.1))
            if self.unpressed is not None:
                self._press()
            for echo in self.peers:
                if echo in ready:
                    echo.handle()
            if self.chan not in ready:
                if not ready and self.process.poll() is not None:
                    return
                continue
            data = self.chan.recv(65536)
            if not data:
                return
            self.buffer += data
            while b"\n" in self.buffer:
                line, self.buffer = self.buffer.split(b"\n", 1)
                text = line.decode("utf8", "replace").strip("\r")
                if text.startswith("Q "):
                    self.chan.sendall((self.answer(text.split()[1:]) +
                                       "\n").encode())
                else:
                    yield text

    def post_mortem(self):
        """Of a machine that came to a stop: what it is at, in its logs."""
        commands = ["info registers -a", "info pic"]
        commands += [f"info lapic {cpu}" for cpu in range(self.args.smp)]
        with open(os.path.join(self.work, "cpus.log"), "w", encoding="utf8") as log:
            try:
                # Twice, to tell a CPU that loops from one that waits.
                for command in commands * 2:
                    reply = self.cables.call("human-monitor-command",
                                             **{"command-line": command})
                    log.write(f"-- {command}\n{reply.get('return', reply)}\n")
                self.cables.call("inject-nmi")
                self.process.wait(POST_MORTEM_S)
            except (OSError, ValueError, subprocess.TimeoutExpired) as error:
                log.write(f"-- {error}\n")

    def stop(self):
        """End QEMU, one way or the other."""
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Tap:
    """Numbers what the guest says and prints it."""

    def __init__(self, out, known=()):
        self.count = self.failed = 0
        self.out = out
        self.known = known

    def say(self, text):
        """Print a line at once: somebody may be watching."""
        print(text, file=self.out, flush=True)

    def result(self, good, text):
        """One result."""
        self.count += 1
        known = None if good else known_failures.find(self.known, text)
        if known:
            text += f" # TODO issue {known.part}"
        self.failed += not good and not known
        self.say(f"{'ok' if good else 'not ok'} {self.count} - {text}")

    def judge_known(self):
        """A known failure that was not seen is no longer one."""
        unseen = [known for known in self.known if not known.seen]
        # What is said of one has its words, and is no instance of it.
        self.known = ()
        for known in unseen:
            self.result(False, f"the known failure of issue {known.part} is one: "
                        f"'{known.text}' has not failed; take it from the list")

    def line(self, text):
        """One line of the guest."""
        match = re.match(r"(not )?ok\b *-? *(.*)", text)
        if match:
            self.result(not match[1], match[2])
        elif text.startswith("D "):
            self.say("# " + text[2:])
        else:
            self.say(text if text.startswith("#") else "# " + text)


def run_guest(args, kernel, initrd, accel, tap):
    """Boot once; returns the status."""
    with tempfile.TemporaryDirectory(prefix="rtd3-vm-") as work:
        alive = done = False
        machine = Machine(args, kernel, initrd, accel, work)
        try:
            for text in machine.lines():
                alive = True
                if text == "DONE":
                    done = True
                else:
                    tap.line(text)
            machine.stop()
            if machine.process.returncode:
                tap.say(f"# QEMU ended with {machine.process.returncode}")
        except RigError as error:
            if error.status == 5:
                machine.post_mortem()
            machine.process.kill()
            machine.stop()
            if not alive and error.status == 5:
                error.status = 4
            tap.say(f"# {error}")
            save_log(args, machine)
            if error.status == 4:
                return 4
            tap.result(False, f"the run ends by itself: {error}")
            tap.judge_known()
            return error.status if tap.failed else 0
        if not alive:
            save_log(args, machine)
            return 4
        tap.result(done, "the guest ran to its end")
        judge_log(args, machine, tap)
        if args.suite == "coverage":
            coverage.keep(os.path.join(work, "counts"), CACHE)
        tap.judge_known()
        if tap.failed or args.keep:
            save_log(args, machine)
    return 1 if tap.failed else 0


def judge_log(args, machine, tap):
    """What the kernel itself says."""
    verdict = kernlog.judge(machine.console, args.suite, args.row)
    tap.result(not verdict.bad, "the kernel log is clean")
    for report in verdict.bad[:10]:
        for line in report.lines[:REPORT_LINES]:
            tap.say("# " + line)
    for report in verdict.excused:
        tap.say("# the kernel's own: " + report.title)
    for known in verdict.shows:
        tap.result(known not in verdict.missing,
                   f"the kernel's own report is raised: {known.pattern.pattern}")
    if verdict.races:
        tap.say(f"# data races of the kernel's own: {verdict.races}")


def save_log(args, machine):
    """Keep what helps to find out why."""
    logs = os.path.join(CACHE, "logs")
    os.makedirs(logs, exist_ok=True)
    path = os.path.join(logs, f"{args.suite}-{args.row}.log")
    with open(path, "w", encoding="utf8") as out:
        for part in ("command", "qemu.log", "acpi.log", "model.log", "cpus.log",
                     "console.log"):
            try:
                with open(os.path.join(machine.work, part), encoding="utf8",
                          errors="replace") as f:
                    out.write(f"==== {part}\n{f.read()}\n")
            except FileNotFoundError:
                pass
    print(f"# logs: {path}", flush=True)


def choose_accel(args, kernel, initrd):
    """KVM only where it has shown that it runs a guest at full speed."""
    if args.accel != "auto":
        return args.accel
    with open("/proc/sys/kernel/random/boot_id", encoding="utf8") as f:
        known = os.path.join(CACHE, "accel-" + f.read().strip())
    if os.path.exists(known):
        with open(known, encoding="utf8") as f:
            return f.read().strip()
    accel = "tcg"
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        probe = argparse.Namespace(**vars(args))
        probe.test, probe.timeout, probe.keep = "none", 15, False
        if args.boot:
            probe.timeout *= 4  # it has more to do
        with open(os.devnull, "w", encoding="utf8") as null:
            try:
                if run_guest(probe, kernel, initrd, "kvm", Tap(null)) == 0:
                    accel = "kvm"
            except RigError:
                pass
    print(f"# accelerator: {accel}", flush=True)
    with open(known + f".{os.getpid()}", "w", encoding="utf8") as f:
        f.write(accel)
    os.rename(known + f".{os.getpid()}", known)
    return accel


def parse():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--suite", default="trixie",
                        help="Debian suite that the kernel is from")
    parser.add_argument("--test", help="name of the test")
    parser.add_argument("--row", help="the row of the matrix that this is: names the "
                        "logs and the known failures (default: as the test)")
    parser.add_argument("--driver", default="rtd3_vfio_pci",
                        choices=("rtd3_vfio_pci", "vfio-pci"))
    parser.add_argument("--devs", default="nvme", choices=cards.DEVICES,
                        help="what sits below the root port")
    parser.add_argument("--iommu", default="intel", choices=cards.IOMMUS)
    parser.add_argument("--smp", default=1, type=int)
    parser.add_argument("--power-model", action="store_true",
                        help="power and link of port rp1 can be made to fail")
    parser.add_argument("--variant", default="", choices=cards.VARIANTS,
                        help="of that port")
    parser.add_argument("--hotplug", action="store_true",
                        help="port rp1 has a hot-plug slot")
    parser.add_argument("--sets", type=int, default=0, choices=range(2, 17),
                        metavar="2..16", help="so many ports, with --devs below each")
    parser.add_argument("--host-qemu", action="store_true",
                        help="run in the host's own QEMU")
    parser.add_argument("--root", help="share this flavour of tests/rig/rootfs")
    parser.add_argument("--layer", action="store_true",
                        help="share beside it what our packages have changed there")
    parser.add_argument("--boot", metavar="NAME",
                        help="boot this initramfs of tests/deb in place of the rig's")
    parser.add_argument("--memory", type=int, help="in MiB")
    parser.add_argument("--timeout", type=int,
                        help="seconds until the run is ended by force")
    parser.add_argument("--accel", default="auto",
                        choices=("auto", "tcg", "kvm", "icount"))
    parser.add_argument("--append", default="", help="more kernel parameters")
    parser.add_argument("--keep", action="store_true",
                        help="keep the logs of a good run, too")
    parser.add_argument("--console", action="store_true",
                        help="show the kernel log while it runs (standard error)")
    parser.add_argument("--shell", action="store_true",
                        help="a prompt in the machine, with the devices bound to the "
                        "driver, in place of a test")
    parser.add_argument("--gdb", action="store_true",
                        help="stop once the driver is loaded, and print the command "
                        "that attaches gdb to the machine")
    args = parser.parse_args()
    if args.shell:
        args.test, args.console, args.keep = "shell", True, True
    if not args.test:
        parser.error("which --test? or --shell")
    args.row = args.row or args.test
    args.nested = args.devs == "nested"
    args.debug = kernel_kind(args.suite) in ("kasan", "kcsan")
    args.memory = args.memory or (1536 if args.nested else
                                  1024 if args.debug else 512)
    args.timeout = args.timeout or (900 if args.nested or args.power_model else 180)
    args.timeout *= SLOW if args.debug else 1
    if args.shell or args.gdb:
        args.timeout = 24 * 3600
    return args


def kernel_kind(suite):
    """What tests/rig/suites says of the suite's kernel."""
    with open(os.path.join(RIG, "suites"), encoding="utf8") as f:
        for words in map(str.split, f):
            if words[0] == suite:
                return words[4]
    sys.exit(f"vm.py: no suite '{suite}', see tests/rig/suites")


def made(what, script, *words):
    """What a script of the rig makes; ends the run where it cannot."""
    done = subprocess.run([os.path.join(RIG, script), *words], check=False,
                          stdout=subprocess.PIPE, text=True)
    said = done.stdout.strip()
    if done.returncode == CANNOT and os.environ.get(ALLOW_SKIPS):
        print(f"1..0 # SKIP {said}")
        sys.exit(0)
    if done.returncode:
        print(f"not ok 1 - {what}: {said}\n1..1")
        sys.exit(2)
    return said


def main():
    """Prepare, run, judge."""
    args = parse()
    args.acpi = cards.acpi_tables(args, CACHE)
    args.qemu = HOST_QEMU if args.host_qemu else made("there is a QEMU", "qemu")
    if args.root:
        args.root = made("a root file system to share", "rootfs",
                         args.suite, args.root)
    pack = ["nested" if args.nested else "initramfs", args.suite]
    if args.boot:
        pack = ["packaged", args.suite, args.boot]
    prepared = subprocess.run([os.path.join(RIG, pack[0]), *pack[1:]],
                              check=False, stdout=subprocess.PIPE, text=True)
    if prepared.returncode:
        print(f"not ok 1 - there is something to boot for {args.suite}\n1..1")
        return 2
    kernel, initrd = prepared.stdout.split()
    tap = Tap(sys.stdout, known_failures.of(args.row, args.suite))
    if not args.boot:
        # tests/FAULTS.md and tests/BENCH.md name it.
        with open(os.path.join(CACHE, f"modules-{args.suite}.driver"),
                  encoding="utf8") as f:
            tap.say("# driver of " + f.read().strip())
    accel = choose_accel(args, kernel, initrd)
    try:
        status = run_guest(args, kernel, initrd, accel, tap)
        if status == 4:
            # Text patching under TCG on a busy host kills a boot now and then.
            tap.say("# the guest died before its init ran: once more")
            status = run_guest(args, kernel, initrd, accel, tap)
        if status == 4:
            tap.result(False, "the guest boots")
    except RigError as error:
        tap.result(False, str(error))
        status = error.status
    used = os.times()
    tap.say(f"# {used.children_user + used.children_system:.0f} s of CPU")
    print(f"1..{tap.count}")
    return status


if __name__ == "__main__":
    sys.exit(main())
