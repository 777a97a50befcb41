// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kmsg.h"
#include "nested.h"
#include "rig.h"
#include "tap.h"

#define SOCKET		"/tmp/inner"
#define CONSOLE		"/tmp/inner.console"
#define QEMU_LOG	"/tmp/inner.qemu"
#define QEMU_MS		60000
#define KVM_READY_MS	180000
#define TCG_READY_MS	900000
#define ANSWER_MS	120000
#define END_MS		60000
#define QEMU_END_MS	2000
#define LOG_LINES	30

/*
 * What is left out takes its time in TCG, above all in TCG within TCG. Without lastbus Linux looks
 * for host bridges on all of 256 buses: half of all exits from the inner guest.
 */
#define KERNEL_ARGS							\
	"console=ttyS0 loglevel=5 panic=-1 "				\
	"mitigations=off cryptomgr.notests rodata=off audit=0 "		\
	"ipv6.disable=1 pci=lastbus=2 tsc=reliable no_timer_check "	\
	"nokaslr rig.test=inner"

static char host_a[48], host_b[48];
static bool kvm;
/* The kernel log of this machine since the last QEMU was started. */
static int kernel_log = -1;

static const char *const qemu[] = {
	"/nested/lib/ld-linux-x86-64.so.2", "--library-path", "/nested/lib", "/nested/qemu",
	"-L", "/nested/firmware", "-nodefaults", "-no-user-config", "-display", "none",
	"-vga", "none", "-m", "192", "-machine", "q35,smm=off,hpet=off",
	"-accel", "kvm", "-accel", "tcg,thread=single", "-cpu", "max",
	"-smbios", "type=0,vendor=rtd3,version=1,date=01/01/2024",
	"-acpitable", "file=/nested/pr3.aml",
	"-kernel", "/nested/kernel", "-initrd", "/nested/initramfs",
	"-chardev", "file,id=con,path=" CONSOLE, "-serial", "chardev:con",
	"-chardev", "socket,id=chan,path=" SOCKET, "-serial", "chardev:chan",
	"-device", "pcie-root-port,id=a,bus=pcie.0,addr=4.0,chassis=4,slot=4,hotplug=off,x-speed=5",
	"-device", "pcie-root-port,id=b,bus=pcie.0,addr=5.0,chassis=5,slot=5,hotplug=off,x-speed=5",
	"-append", KERNEL_ARGS, "-device", host_a, "-device", host_b, NULL
};

static void exec_qemu(void)
{
	int fd = open(QEMU_LOG, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	setenv("QEMU_MODULE_DIR", "/nested/modules", 1);
	execv(qemu[0], (char *const *)qemu);
	_exit(127);
}

/**
 * inner_kvm() - whether the inner guest runs in KVM; loads it
 * @why: if not, the reason
 * @size: of @why
 *
 * Where the host runs this machine in TCG, its CPU has AMD's virtualization: the inner guest is
 * then only as slow as this machine. Without any, QEMU falls back to TCG within TCG.
 */
bool inner_kvm(char *why, size_t size)
{
	const char *const amd[] = { "modprobe", "-d", "/nested/kvm", "kvm_amd", NULL };
	const char *const intel[] = { "modprobe", "-d", "/nested/kvm", "kvm_intel", NULL };
	int log = kmsg_open();
	char last[100] = "";

	kvm = !rig_run(amd) || !rig_run(intel);
	if (!kvm)
		kmsg_count(log, "kvm", last, sizeof(last));
	snprintf(why, size, "no KVM in this machine (%s)", last);
	close(log);
	diag("the inner guest runs in %s", kvm ? "KVM" : "TCG");
	return kvm;
}

/* Whether its QEMU ends by itself, and well; it is gone in any case, and @how tells how. */
static bool ended_well(struct inner *g, long ms, char *how, size_t size)
{
	int status = -1;

	wait_child(g->pid, ms, &status);
	if (status == -1) {
		snprintf(how, size, "it runs on");
		inner_kill(g);
		return false;
	}
	if (WIFSIGNALED(status))
		snprintf(how, size, "it died of signal %d, %s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(how, size, "it ended with status %d", WEXITSTATUS(status));
	close(g->fd);
	g->pid = 0;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/*
 * Start QEMU and wait until it opens the control channel, which it does before all else; the guest
 * boots while this returns. A QEMU that does not is a fault of the rig's.
 */
static void start(struct inner *g)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	struct pollfd pfd[] = { { .events = POLLIN }, { .events = POLLIN } };
	uint64_t begin = now_us();
	char how[80];
	bool good;

	unlink(SOCKET);
	unlink(CONSOLE);
	snprintf(host_a, sizeof(host_a), "vfio-pci,host=%s,bus=a,addr=0.0", rig.fn[0].name);
	snprintf(host_b, sizeof(host_b), "vfio-pci,host=%s,bus=b,addr=0.0", rig.other.name);
	if (kernel_log >= 0)
		close(kernel_log);
	kernel_log = kmsg_open();
	pfd[0].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (pfd[0].fd < 0 || bind(pfd[0].fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(pfd[0].fd, 1))
		die("inner guest: socket: %s", strerror(errno));
	g->pid = fork();
	if (!g->pid)
		exec_qemu();
	pfd[1].fd = g->pid < 0 ? -1 : pidfd_open(g->pid, 0);
	if (pfd[1].fd < 0)
		die("inner guest: fork: %s", strerror(errno));
	/* One that ends is noticed, too. */
	poll(pfd, 2, QEMU_MS);
	good = pfd[0].revents & POLLIN;
	g->fd = good ? accept4(pfd[0].fd, NULL, NULL, SOCK_CLOEXEC) : -1;
	close(pfd[0].fd);
	close(pfd[1].fd);
	if (good)
		return;
	ended_well(g, QEMU_END_MS, how, sizeof(how));
	check(false, "QEMU of the inner guest starts: no channel in %ld ms, and %s",
	      since_ms(begin), how);
	inner_show_logs();
	exit(1);
}

/* The next answer of the inner guest, without its leading R. */
static bool next_answer(struct inner *g, char *reply, size_t size, long ms)
{
	uint64_t start = now_us();
	char line[256];
	size_t len = 0;
	long left;

	while ((left = ms - since_ms(start)) > 0) {
		struct pollfd pfd = { .fd = g->fd, .events = POLLIN };
		char c;

		if (poll(&pfd, 1, left) != 1 || read(g->fd, &c, 1) != 1)
			break;
		if (c == '\r')
			continue;
		if (c != '\n') {
			if (len + 1 < sizeof(line))
				line[len++] = c;
			continue;
		}
		line[len] = '\0';
		len = 0;
		if (!strncmp(line, "R ", 2)) {
			snprintf(reply, size, "%s", line + 2);
			return true;
		}
		diag("inner guest: %s", line);
	}
	snprintf(reply, size, "no answer");
	return false;
}

/* TAP result: it has booted and its drivers are bound; else its QEMU is gone. */
static bool check_ready(struct inner *g, const char *what)
{
	uint64_t begin = now_us();
	char reply[200], how[80];

	bool good = next_answer(g, reply, sizeof(reply), kvm ? KVM_READY_MS : TCG_READY_MS);

	if (check(good, "%s: %s after %ld ms", what, reply, since_ms(begin)))
		return true;
	ended_well(g, QEMU_END_MS, how, sizeof(how));
	diag("its QEMU: %s", how);
	inner_show_logs();
	return false;
}

/** inner_boot() - TAP result: it boots; @g is filled in */
bool inner_boot(struct inner *g)
{
	start(g);
	return check_ready(g, "the inner guest boots");
}

/** inner_reboots() - TAP result: it has booted once more */
bool inner_reboots(struct inner *g)
{
	return check_ready(g, "the inner guest boots again");
}

/**
 * inner_ask() - give the inner guest a command
 * @g: the guest
 * @reply: its answer
 * @size: of @reply
 * @fmt: the command
 *
 * Return: whether it has answered, and not with "bad".
 */
bool inner_ask(struct inner *g, char *reply, size_t size, const char *fmt, ...)
{
	char line[64];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	if (send(g->fd, line, len, MSG_NOSIGNAL) != len) {
		snprintf(reply, size, "gone");
		return false;
	}
	return next_answer(g, reply, size, ANSWER_MS) && strncmp(reply, "bad", 3);
}

/**
 * inner_state() - give a command that is answered by a state
 * @g: the guest
 * @s: filled in
 * @command: sleep, wake or state
 * @which: A or B
 */
bool inner_state(struct inner *g, struct inner_state *s, const char *command, char which)
{
	char reply[200];

	*s = (struct inner_state){};
	if (inner_ask(g, reply, sizeof(reply), "%s %c", command, which) &&
	    sscanf(reply, "%*[a-z]=%ld power=%15s status=%15s port=%15s port_status=%15s",
		   &s->value, s->power, s->status, s->port, s->port_status) == 5)
		return true;
	check(false, "inner guest: %s %c: %s", command, which, reply);
	return false;
}

/** inner_poweroff() - TAP result: the inner guest turns itself off */
void inner_poweroff(struct inner *g)
{
	bool heard = send(g->fd, "poweroff\n", 9, MSG_NOSIGNAL) == 9;
	char how[80];
	bool good = ended_well(g, heard ? END_MS : 0, how, sizeof(how));

	check(good, "the inner guest turns itself off: its QEMU: %s", how);
}

/** inner_kill() - kill -9 of its QEMU */
void inner_kill(struct inner *g)
{
	kill(g->pid, SIGKILL);
	waitpid(g->pid, NULL, 0);
	close(g->fd);
	g->pid = 0;
}

static void show_log(const char *path)
{
	char lines[LOG_LINES][200];
	unsigned int n = 0;
	FILE *f;

	f = fopen(path, "re");
	while (f && fgets(lines[n % LOG_LINES], sizeof(lines[0]), f))
		n++;
	if (f)
		fclose(f);
	for (unsigned int i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++)
		diag("%s: %s", path, lines[i % LOG_LINES]);
}

/* What this machine's kernel says of QEMU, whose process has the name of its loader. */
static void show_kernel_log(void)
{
	char line[200];

	while (kernel_log >= 0 && kmsg_next(kernel_log, line, sizeof(line)))
		if (strstr(line, "ld-linux") || strstr(line, "kvm"))
			diag("kernel: %s", line);
}

/** inner_show_logs() - the last lines of the inner guest's kernel and of its QEMU, and of ours */
void inner_show_logs(void)
{
	show_kernel_log();
	show_log(QEMU_LOG);
	show_log(CONSOLE);
}

/** check_inner_log() - TAP result: nothing bad in the inner guest's kernel log; shows QEMU's */
void check_inner_log(void)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "Call Trace", "Kernel panic", "inaccessible",
		"not responding", "Unable to change power state", "Tx Unit Hang",
	};
	char line[400];
	int found = 0;
	FILE *f;

	show_log(QEMU_LOG);
	f = fopen(CONSOLE, "re");
	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			if (strstr(line, bad[i])) {
				diag("inner guest: %s", line);
				found++;
			}
	if (f)
		fclose(f);
	check(f && !found, "the inner guest's kernel log is clean");
}
