// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "ctl.h"
#include "power.h"
#include "rig.h"
#include "root.h"
#include "tap.h"

/* Of what it said, what is shown when it was not the right thing: the end. */
#define SHOWN	600

static char said[65536];

static void show(void)
{
	size_t len = strlen(said);

	diag("%s", said + (len > SHOWN ? len - SHOWN : 0));
}

/** __ctl() - rtd3ctl with a verb and up to three arguments; its exit status */
int __ctl(const char *verb, const char *a, const char *b, const char *c)
{
	const char *const argv[] = { "rtd3ctl", verb, a, b, c, NULL };

	return root_run(said, sizeof(said), argv);
}

/** ctl() - the same, as a TAP result: it ends with this status */
void ctl(int want, const char *verb, const char *a, const char *b, const char *c)
{
	int ret = __ctl(verb, a, b, c);

	if (!check_eq(ret, want, "rtd3ctl %s%s%s%s%s%s%s", verb, a ? " " : "", a ? a : "",
		      b ? " " : "", b ? b : "", c ? " " : "", c ? c : ""))
		show();
}

/** ctl_said() - TAP result: a text is in what the last one printed */
void ctl_said(const char *text, const char *when)
{
	if (!check(strstr(said, text), "%s: says '%s'", when, text))
		show();
}

/** ctl_warnings() - for whoever reads the results: what doctor has against the machine */
void ctl_warnings(void)
{
	for (const char *line = said; *line; line += strcspn(line, "\n") + !!strchr(line, '\n'))
		if (!strncmp(line, "warn", 4) || !strncmp(line, "fail", 4))
			diag("%.*s", (int)strcspn(line, "\n"), line);
}

/** ctl_drivers() - TAP result for each function under test: its driver */
void ctl_drivers(const char *want, const char *when)
{
	for (int i = 0; i < rig.nr_fns; i++)
		check_str(pci_driver(&rig.fn[i]), want, "%s: driver of %s", when, rig.fn[i].name);
}

/** ctl_asleep() - TAP result: power is cut, and all functions under test say so */
void ctl_asleep(struct power *p, const char *when)
{
	for (int i = 0; i < rig.nr_fns; i++)
		pci_wait(&rig.fn[i], "rtd3/state", "D3cold", ASLEEP_TIMEOUT_MS);
	check_asleep(&rig.fn[0], p, when);
}
