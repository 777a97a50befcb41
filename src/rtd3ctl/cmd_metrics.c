// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtd3ctl metrics: numbers for Prometheus, in its own text format, not as OpenMetrics: the
 * textfile collector of node_exporter reads only that, and takes the counters of the other
 * for numbers without type and help.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "snap.h"
#include "sys.h"
#include "verb.h"

struct metrics_args {
	const char *output;
};

/* A family that is one file of rtd3/stats. */
struct metric {
	const char *name;
	const char *help;
	const char *file;
	long long unit;	/* what the file counts in one second; 0: it is a number */
	bool counter;
};

static const struct metric metrics[] = {
	{ "rtd3_suspends_total", "Times the device went to sleep", "suspends", 0, true },
	{ "rtd3_resumes_total", "Times the device woke up", "resumes", 0, true },
	{ "rtd3_failures_total", "Times the device did not work when it was woken", "failures",
	  0, true },
	{ "rtd3_recoveries_total", "Times the device came back after that", "recoveries", 0, true },
	{ "rtd3_power_cycles_total", "Power cycles in place of a reset", "power_cycles", 0, true },
	{ "rtd3_entries_total", "Low power entries of users", "entries", 0, true },
	{ "rtd3_promotions_total", "Low power entries for guests", "promotions", 0, true },
	{ "rtd3_resume_latency_seconds", "Duration of the last resume", "resume_latency_us",
	  1000000, false },
	{ "rtd3_resume_latency_max_seconds", "Duration of the longest resume",
	  "resume_latency_max_us", 1000000, false },
	{ "rtd3_wake_latency_seconds", "How long the last access waited for the device",
	  "wake_latency_us", 1000000, false },
	{ "rtd3_wake_latency_max_seconds", "How long any access waited for the device",
	  "wake_latency_max_us", 1000000, false },
	{ }
};

enum {
	METRICS_OUTPUT = 'o',
};

static const struct argp_option metrics_options[] = {
	{ .name = "output", .key = METRICS_OUTPUT, .arg = "FILE",
	  .doc = "Write FILE, which is there as a whole or not at all" },
	{ }
};

static error_t metrics_parse(int key, char *arg, struct argp_state *state)
{
	struct metrics_args *args = state->input;

	switch (key) {
	case METRICS_OUTPUT:
		args->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		return out_error(CTL_USAGE, "metrics are of all devices: leave out '%s'", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp metrics_argp = {
	.options = metrics_options,
	.parser = metrics_parse,
	.doc = "Print numbers of all devices of rtd3_vfio_pci as Prometheus reads them. For "
	       "node_exporter: --output /var/lib/prometheus/node-exporter/rtd3.prom from a timer. "
	       "No device is woken for this.",
};

/* A label's value: what would end it is escaped. */
static void metrics_escape(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(iscntrl((unsigned char)*text) ? ' ' : *text, out);
	}
}

static void metrics_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void metrics_value(FILE *out, long long value, long long unit)
{
	if (unit)
		fprintf(out, "%lld.%06lld\n", value / unit, value % unit * (1000000 / unit));
	else
		fprintf(out, "%lld\n", value);
}

static void metrics_file(FILE *out, const struct dev *dev, size_t nr, const struct metric *metric)
{
	char attr[64];
	long long value;
	size_t i;

	metrics_family(out, metric->name, metric->counter ? "counter" : "gauge", metric->help);
	sys_text(attr, sizeof(attr), "rtd3/stats/%s", metric->file);
	for (i = 0; i < nr; i++) {
		value = dev[i].ours ? dev_number(&dev[i], attr, -1) : -1;
		if (value < 0)
			continue;
		fprintf(out, "%s{device=\"%s\"} ", metric->name, dev[i].bdf);
		metrics_value(out, value, metric->unit);
	}
}

static void metrics_info(FILE *out, const struct dev *dev, size_t nr)
{
	size_t i;

	metrics_family(out, "rtd3_device_info", "gauge", "Devices of rtd3_vfio_pci");
	for (i = 0; i < nr; i++) {
		if (!dev[i].ours)
			continue;
		fprintf(out, "rtd3_device_info{device=\"%s\",ids=\"%04x:%04x\",name=\"",
			dev[i].bdf, dev[i].vendor, dev[i].device);
		metrics_escape(out, dev_name(&dev[i]));
		fputs("\"} 1\n", out);
	}
}

/* One of several words: 1 for that which it is, 0 for the others. */
static void metrics_words(FILE *out, const struct dev *dev, size_t nr, const char *name,
			  const char *help, const char *attr, const char * const *word,
			  size_t words)
{
	char value[DEV_WORD];
	size_t i, k;

	metrics_family(out, name, "gauge", help);
	for (i = 0; i < nr; i++) {
		if (!dev[i].ours || dev_attr(&dev[i], attr, value, sizeof(value)) <= 0)
			continue;
		for (k = 0; k < words; k++)
			fprintf(out, "%s{device=\"%s\",%s=\"%s\"} %d\n", name, dev[i].bdf,
				name + strlen("rtd3_"), word[k], !strcmp(word[k], value));
	}
}

static void metrics_times(FILE *out, const struct dev *dev, size_t nr)
{
	static const char * const files[RTD3_POWER_NR] = { "d0", "d3hot", "d3cold" };
	char attr[64];
	long long ms;
	size_t i;
	int k;

	metrics_family(out, "rtd3_time_seconds_total", "counter", "Time in each power state");
	for (i = 0; i < nr; i++) {
		for (k = 0; dev[i].ours && k < RTD3_POWER_NR; k++) {
			sys_text(attr, sizeof(attr), "rtd3/stats/time_%s_ms", files[k]);
			ms = dev_number(&dev[i], attr, -1);
			if (ms < 0)
				continue;
			fprintf(out, "rtd3_time_seconds_total{device=\"%s\",state=\"%s\"} ",
				dev[i].bdf, rtd3_power_names[k]);
			metrics_value(out, ms, 1000);
		}
	}
}

static void metrics_wakes(FILE *out, const struct dev *dev, size_t nr)
{
	char attr[64];
	long long value;
	size_t i;
	int k;

	metrics_family(out, "rtd3_wakes_total", "counter", "Wakes by who caused them");
	for (i = 0; i < nr; i++) {
		for (k = RTD3_WAKE_OPEN; dev[i].ours && k < RTD3_WAKE_NR; k++) {
			sys_text(attr, sizeof(attr), "rtd3/stats/wakes_%s", rtd3_cause_names[k]);
			value = dev_number(&dev[i], attr, -1);
			if (value >= 0)
				fprintf(out, "rtd3_wakes_total{device=\"%s\",cause=\"%s\"} %lld\n",
					dev[i].bdf, rtd3_cause_names[k], value);
		}
	}
}

static void metrics_blockers(FILE *out, const struct dev *dev, size_t nr)
{
	struct snap *snap = calloc(1, sizeof(*snap));
	char text[SYS_TEXT];
	size_t i, k;

	metrics_family(out, "rtd3_blocker", "gauge", "What stands against D3cold, and where");
	for (i = 0; snap && i < nr; i++) {
		if (!dev[i].ours || dev_attr(&dev[i], "rtd3/blockers", text, sizeof(text)) < 0)
			continue;
		snap_parse(snap, text);
		for (k = 0; k < snap->nr; k++)
			fprintf(out, "rtd3_blocker{device=\"%s\",id=\"%s\",at=\"%s\"} 1\n",
				dev[i].bdf, rtd3_blocker_texts[snap->list[k].id].token,
				snap->list[k].device);
	}
	free(snap);
}

static void metrics_print(FILE *out, const struct dev *dev, size_t nr)
{
	static const char * const states[] = { "unknown", "D0", "D1", "D2", "D3hot", "D3cold" };
	const struct metric *metric;

	metrics_info(out, dev, nr);
	metrics_words(out, dev, nr, "rtd3_state", "Power state now", "rtd3/state", states,
		      sizeof(states) / sizeof(*states));
	metrics_words(out, dev, nr, "rtd3_policy", "How deep the host lets it sleep",
		      "rtd3/policy", rtd3_policy_names, RTD3_POWER_NR);
	metrics_words(out, dev, nr, "rtd3_health", "Does it work", "rtd3/health",
		      rtd3_health_names, RTD3_HEALTH_NR);
	metrics_times(out, dev, nr);
	metrics_wakes(out, dev, nr);
	for (metric = metrics; metric->name; metric++)
		metrics_file(out, dev, nr, metric);
	metrics_blockers(out, dev, nr);
}

int cmd_metrics(int argc, char **argv)
{
	struct metrics_args args = { };
	char *text = NULL;
	struct dev *dev;
	size_t nr, size;
	FILE *out;
	int ret;

	ret = verb_parse(&metrics_argp, argc, argv, 0, NULL, &args);
	if (ret)
		return ret;
	out = dev_all(&dev, &nr) ? NULL : open_memstream(&text, &size);
	if (!out)
		return out_error(CTL_FAILED, "cannot list devices: is /sys mounted?");
	metrics_print(out, dev, nr);
	fclose(out);
	if (args.output)
		ret = sys_replace(args.output, text);
	else
		fputs(text, stdout);
	if (ret)
		ret = out_error(out_status(ret), "cannot write %s: %s: does its folder exist?",
				args.output, strerror(-ret));
	free(text);
	free(dev);

	return ret;
}
