// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that a probe can be put on, so that the kernel has events rtd3:* without the
 * driver. Each line of standard input is one event.
 *
 * usage: fakedriver; suspend DEVICE STATE NS, resume DEVICE STATE CAUSE NS PRESENT,
 * wake DEVICE CAUSE, with the numbers that the driver has for those
 */
#include <stdio.h>
#include <string.h>

#define PROBED	static __attribute__((noinline, noipa, used)) void

PROBED at_suspend(const char *device, unsigned int power, unsigned long long ns)
{
	__asm__ volatile("" : : "r"(device), "r"(power), "r"(ns));
}

PROBED at_resume(const char *device, unsigned int power, unsigned int cause,
		 unsigned long long ns, unsigned int present)
{
	__asm__ volatile("" : : "r"(device), "r"(power), "r"(cause), "r"(ns), "r"(present));
}

PROBED at_wake(const char *device, unsigned int cause)
{
	__asm__ volatile("" : : "r"(device), "r"(cause));
}

int main(void)
{
	char line[256], event[16], device[32];
	unsigned long long a, b, c, d;
	int nr;

	while (fgets(line, sizeof(line), stdin)) {
		nr = sscanf(line, "%15s %31s %llu %llu %llu %llu", event, device, &a, &b, &c, &d);
		if (nr == 4 && !strcmp(event, "suspend"))
			at_suspend(device, a, b);
		else if (nr == 6 && !strcmp(event, "resume"))
			at_resume(device, a, b, c, d);
		else if (nr == 3 && !strcmp(event, "wake"))
			at_wake(device, a);
		else
			return 2;
		puts("done");
		fflush(stdout);
	}

	return 0;
}
