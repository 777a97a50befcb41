// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtd3ctl doctor: can this machine do it? Before anything is installed, as any user, and
 * without waking a device.
 *
 * Another process looks, and this one shows what it says: a file of a driver that hangs
 * may never answer, and not even a signal ends that.
 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host.h"
#include "mask.h"
#include "out.h"
#include "stop.h"
#include "sys.h"
#include "verb.h"

#define DOCTOR_SECONDS	10
#define DOCTOR_TEXT_MAX	(8 << 20)

struct doctor_args {
	const char *bdf;
	const char *report;
	unsigned int seconds;
	bool json;
};

/**
 * struct doctor - what was found
 * @checks: array of results
 * @devices: array of devices with their power sets
 * @nr: how many results there are of each kind
 */
struct doctor {
	struct json_object *checks;
	struct json_object *devices;
	unsigned int nr[CHECK_NR];
};

enum {
	DOCTOR_SECONDS_KEY = 0x100,
};

static const struct argp_option doctor_options[] = {
	{ .name = "json", .key = 'j', .doc = "As JSON" },
	{ .name = "report", .key = 'r', .arg = "FILE",
	  .doc = "Write FILE for a bug report; serial numbers and the like are made unreadable" },
	{ .name = "seconds", .key = DOCTOR_SECONDS_KEY, .arg = "N", .flags = OPTION_HIDDEN,
	  .doc = "Wait no longer" },
	{ }
};

static error_t doctor_parse(int key, char *arg, struct argp_state *state)
{
	struct doctor_args *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case 'r':
		args->report = arg;
		return 0;
	case DOCTOR_SECONDS_KEY:
		args->seconds = atoi(arg);
		return 0;
	case ARGP_KEY_ARG:
		if (args->bdf)
			return out_error(CTL_USAGE,
					 "doctor takes one device, or none for all displays");
		args->bdf = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp doctor_argp = {
	.options = doctor_options,
	.parser = doctor_parse,
	.args_doc = "[DEVICE]",
	.doc = "Say whether this machine can cut the power of its display devices, or of DEVICE, "
	       "and what is to be done if not. Any user may ask; root sees more. No device is woken.",
};

static void doctor_look(FILE *out, const char *bdf)
{
	struct dev *dev;
	size_t nr, i, shown = 0;

	check_host(out);
	if (dev_all(&dev, &nr))
		return;
	for (i = 0; i < nr; i++) {
		if (bdf ? strcmp(bdf, dev[i].bdf) : !dev_is_display(&dev[i]) && !dev[i].ours)
			continue;
		check_device(out, &dev[i]);
		shown++;
	}
	if (!shown)
		check_say(out, "devices", NULL, CHECK_WARN, "rtd3ctl list --all",
			  "there is no display device: name another one, rtd3ctl doctor DEVICE");
	free(dev);
}

/* All that comes until the end, or until the time is over. */
static char *doctor_read(int fd, unsigned int seconds, bool *late)
{
	long long end = stop_now_us() / 1000 + seconds * 1000LL, left;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char *text = malloc(DOCTOR_TEXT_MAX);
	ssize_t len = 0, got = 1;

	*late = false;
	while (text && got > 0 && len < DOCTOR_TEXT_MAX - 1) {
		left = end - stop_now_us() / 1000;
		if (left <= 0 || poll(&poll_fd, 1, left) == 0) {
			*late = true;
			break;
		}
		got = read(fd, text + len, DOCTOR_TEXT_MAX - 1 - len);
		len += got > 0 ? got : 0;
	}
	if (text)
		text[len] = '\0';

	return text;
}

/* What another process says; NULL without memory. */
static char *doctor_ask(const struct doctor_args *args, bool *late)
{
	int fds[2], status = 0;
	char *text;
	pid_t pid;
	FILE *out;

	if (pipe(fds))
		return NULL;
	pid = fork();
	if (!pid) {
		close(fds[0]);
		out = fdopen(fds[1], "w");
		if (out)
			doctor_look(out, args->bdf);
		dev_names_free();
		exit(CTL_OK);
	}
	close(fds[1]);
	text = pid > 0 ? doctor_read(fds[0], args->seconds, late) : NULL;
	close(fds[0]);
	if (*late)
		kill(pid, SIGKILL);
	/* One that hangs in the kernel is not waited for. */
	if (pid > 0)
		waitpid(pid, &status, *late ? WNOHANG : 0);
	if (text && !*late && status)
		*late = true;

	return text;
}

static void doctor_count(struct doctor *doctor, struct json_object *check)
{
	const char *status = json_object_get_string(json_object_object_get(check, "status"));
	int i;

	for (i = 0; i < CHECK_NR; i++)
		doctor->nr[i] += status && !strcmp(status, check_names[i]);
}

static void doctor_add(struct doctor *doctor, const char *line)
{
	struct json_object *json = json_tokener_parse(line), *part;

	if (json_object_object_get_ex(json, "check", &part)) {
		doctor_count(doctor, part);
		json_object_array_add(doctor->checks, json_object_get(part));
	} else if (json_object_object_get_ex(json, "device", &part)) {
		json_object_array_add(doctor->devices, json_object_get(part));
	}
	json_object_put(json);
}

static void doctor_add_late(struct doctor *doctor, unsigned int seconds)
{
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return;
	check_say(out, "time", NULL, CHECK_UNKNOWN, NULL,
		  "it took more than %u seconds, or came to an end: a driver may hang, see dmesg; what comes after the last line was not looked at",
		  seconds);
	fclose(out);
	doctor_add(doctor, line);
	free(line);
}

static void doctor_fill(struct doctor *doctor, char *text)
{
	char *save, *line;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		doctor_add(doctor, line);
}

static const char *doctor_text(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static void doctor_show_check(struct json_object *check)
{
	static const enum out_colour colours[CHECK_NR] = {
		[CHECK_PASS] = OUT_GREEN,
		[CHECK_WARN] = OUT_YELLOW,
		[CHECK_FAIL] = OUT_RED,
		[CHECK_UNKNOWN] = OUT_BLUE,
	};
	const char *status = doctor_text(check, "status");
	int i;

	for (i = 0; i < CHECK_NR - 1 && strcmp(status, check_names[i]); i++)
		;
	printf("%s%-7s%s %s: %s\n", out_on(colours[i]), status, out_off(),
	       doctor_text(check, "id"), doctor_text(check, "text"));
	if (*doctor_text(check, "command"))
		printf("        # %s\n", doctor_text(check, "command"));
}

/* The checks of one device, or of the machine. */
static void doctor_show_checks(const struct doctor *doctor, const char *bdf)
{
	size_t i, nr = json_object_array_length(doctor->checks);
	struct json_object *check;

	for (i = 0; i < nr; i++) {
		check = json_object_array_get_idx(doctor->checks, i);
		if (!strcmp(doctor_text(check, "device"), bdf))
			doctor_show_check(check);
	}
}

static void doctor_show_set(struct json_object *device)
{
	struct json_object *set, *member;
	size_t i;

	printf("\n%s%s%s %s [%s]\n", out_on(OUT_BOLD), doctor_text(device, "address"), out_off(),
	       doctor_text(device, "name"), doctor_text(device, "ids"));
	if (!json_object_object_get_ex(device, "power_set", &set))
		return;
	for (i = 0; i < json_object_array_length(set); i++) {
		member = json_object_array_get_idx(set, i);
		printf("  %*s%s%s  %s, %s%s  %s\n",
		       json_object_get_int(json_object_object_get(member, "level")) * 2, "",
		       i ? "+-" : "", doctor_text(member, "address"),
		       *doctor_text(member, "driver") ? doctor_text(member, "driver") : "no driver",
		       doctor_text(member, "state"),
		       json_object_get_boolean(json_object_object_get(member, "pr3")) ?
		       ", _PR3" : "", doctor_text(member, "name"));
	}
}

static void doctor_show(const struct doctor *doctor)
{
	struct json_object *device;
	size_t i;

	doctor_show_checks(doctor, "");
	for (i = 0; i < json_object_array_length(doctor->devices); i++) {
		device = json_object_array_get_idx(doctor->devices, i);
		doctor_show_set(device);
		doctor_show_checks(doctor, doctor_text(device, "address"));
	}
	printf("\n%u pass, %u warn, %u fail, %u unknown. No device was woken for this.\n",
	       doctor->nr[CHECK_PASS], doctor->nr[CHECK_WARN], doctor->nr[CHECK_FAIL],
	       doctor->nr[CHECK_UNKNOWN]);
}

static struct json_object *doctor_json(const struct doctor *doctor)
{
	struct json_object *json = out_json(), *summary = json_object_new_object();
	int i;

	for (i = 0; i < CHECK_NR; i++)
		out_put_number(summary, check_names[i], doctor->nr[i]);
	json_object_object_add(json, "summary", summary);
	json_object_object_add(json, "checks", json_object_get(doctor->checks));
	json_object_object_add(json, "devices", json_object_get(doctor->devices));

	return json;
}

/* Of the kernel's command line only what is about PCI, power and VFIO. */
static void doctor_report_cmdline(FILE *out)
{
	static const char * const about[] = {
		"pci", "vfio", "iommu", "acpi", "rtd3", "nomodeset", "modprobe.blacklist",
		"module_blacklist", "video", "efifb", "nvidia", "amdgpu", "i915", "xe.",
	};
	char path[PATH_MAX], line[SYS_TEXT], *save, *word;
	size_t i;

	sys_path(path, "/proc/cmdline");
	sys_read(path, line, sizeof(line));
	fputs("command line:", out);
	for (word = strtok_r(line, "\n ", &save); word; word = strtok_r(NULL, "\n ", &save))
		for (i = 0; i < sizeof(about) / sizeof(*about); i++)
			if (strstr(word, about[i])) {
				fprintf(out, " %s", word);
				break;
			}
	putc('\n', out);
}

static void doctor_report_file(FILE *out, const char *what, const char *file)
{
	char path[PATH_MAX], text[SYS_TEXT];

	sys_path(path, "%s", file);
	if (sys_read(path, text, sizeof(text)) > 0)
		fprintf(out, "%s: %s\n", what, text);
}

static char *doctor_report_text(const struct doctor *doctor)
{
	struct json_object *json = doctor_json(doctor);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		fprintf(out, "rtd3ctl %s, Linux %s\n", RTD3CTL_VERSION, host_release());
		doctor_report_cmdline(out);
		doctor_report_file(out, "board", "/sys/class/dmi/id/board_vendor");
		doctor_report_file(out, "board", "/sys/class/dmi/id/board_name");
		doctor_report_file(out, "firmware", "/sys/class/dmi/id/bios_version");
		doctor_report_file(out, "firmware", "/sys/class/dmi/id/bios_date");
		fputs(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
						     JSON_C_TO_STRING_NOSLASHESCAPE), out);
		putc('\n', out);
		fclose(out);
	}
	json_object_put(json);

	return text;
}

static int doctor_report(const struct doctor *doctor, const char *file)
{
	char *text = doctor_report_text(doctor);
	char path[PATH_MAX], host[256];
	int ret;

	if (!text)
		return out_no_memory();
	sys_path(path, "/proc/sys/kernel/hostname");
	sys_read_word(path, host, sizeof(host));
	mask_text(text);
	mask_word(text, host);
	ret = sys_replace(file, text);
	free(text);
	if (ret)
		return out_error(out_status(ret), "cannot write %s: %s: does its folder exist?",
				 file, strerror(-ret));
	fprintf(stderr, "%s is written: look at it before you send it\n", file);

	return 0;
}

static int doctor_status(const struct doctor *doctor)
{
	if (doctor->nr[CHECK_FAIL])
		return CTL_FAILED;

	return doctor->nr[CHECK_WARN] || doctor->nr[CHECK_UNKNOWN] ? CTL_WARN : CTL_OK;
}

static int doctor_run(const struct doctor_args *args, char *text, bool late)
{
	struct doctor doctor = {
		.checks = json_object_new_array(),
		.devices = json_object_new_array(),
	};
	int ret = 0;

	doctor_fill(&doctor, text);
	if (late)
		doctor_add_late(&doctor, args->seconds);
	if (args->json)
		out_print_json(doctor_json(&doctor));
	else
		doctor_show(&doctor);
	if (args->report)
		ret = doctor_report(&doctor, args->report);
	if (!ret)
		ret = doctor_status(&doctor);
	json_object_put(doctor.checks);
	json_object_put(doctor.devices);

	return ret;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor_args args = { .seconds = DOCTOR_SECONDS };
	bool late = false;
	struct dev dev;
	char *text;
	int ret;

	ret = verb_parse(&doctor_argp, argc, argv, 0, NULL, &args);
	if (!ret && args.bdf)
		ret = verb_device(args.bdf, &dev);
	if (ret)
		return ret;
	if (args.bdf)
		args.bdf = dev.bdf;
	fflush(stdout);
	text = doctor_ask(&args, &late);
	if (!text)
		return out_error(CTL_FAILED, "cannot start a process: close something");
	ret = doctor_run(&args, text, late);
	free(text);

	return ret;
}
