// SPDX-License-Identifier: GPL-2.0-only
/* Parts of rtd3ctl: parsers on texts that are right, wrong, and made up. As TAP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "boot.h"
#include "cfg.h"
#include "dev.h"
#include "hist.h"
#include "key.h"
#include "mask.h"
#include "remedy.h"
#include "rule.h"
#include "snap.h"
#include "tape.h"

#define ROUNDS		20000
#define FUZZ_TEXT	512

static int nr, failed;

static void check(bool good, const char *what)
{
	nr++;
	failed += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", nr, what);
}

/* The same numbers in each run, so that a failure comes again. */
static unsigned int fuzz_next(void)
{
	static unsigned int state = 2463534242u;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;

	return state;
}

/* A text with some of it changed, left out, doubled. */
static void fuzz_change(const char *from, char *to)
{
	static const char odd[] = "\"=,{}: \\\n#0f.";
	size_t len = 0, rounds = fuzz_next() % 4;

	for (; *from && len < FUZZ_TEXT - 2; from++) {
		switch (fuzz_next() % 64 < rounds ? fuzz_next() % 4 : 4) {
		case 0:
			break;
		case 1:
			to[len++] = odd[fuzz_next() % (sizeof(odd) - 1)];
			break;
		case 2:
			to[len++] = *from;
			to[len++] = *from;
			break;
		case 3:
			to[len++] = fuzz_next() % 255 + 1;
			break;
		default:
			to[len++] = *from;
		}
	}
	to[len] = '\0';
}

static void test_bdf(void)
{
	static const char * const wrong[] = {
		"", ":", ".", "0", "01:00", "01:00.", "01:00.8", "01:20.0", "001:00.0", "01:000.0",
		"01:00.00", "g1:00.0", "0000:01:00.0 ", " 01:00.0", "0000::01:00.0", "01:00.0:",
		"1:0000:01:00.0", "01.00.0", "-1:00.0", "+1:00.0", "0x1:00.0",
		"00000000000000001:01:00.0",
	};
	char bdf[DEV_BDF], again[DEV_BDF], text[FUZZ_TEXT];
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (!dev_parse_bdf(wrong[i], bdf)) {
			printf("# '%s' was taken for %s\n", wrong[i], bdf);
			good = false;
		}
	check(good, "what is no address is none");
	check(!dev_parse_bdf("1:0.0", bdf) && !strcmp(bdf, "0000:01:00.0"), "a short address");
	check(!dev_parse_bdf("AB:1F.7", bdf) && !strcmp(bdf, "0000:ab:1f.7"), "capital letters");
	check(!dev_parse_bdf("10000:e1:00.0", bdf) && !strcmp(bdf, "10000:e1:00.0"),
	      "a domain of five digits");

	good = true;
	for (i = 0; i < ROUNDS; i++) {
		fuzz_change("0000:01:00.0", text);
		if (!dev_parse_bdf(text, bdf))
			good = good && !dev_parse_bdf(bdf, again) && !strcmp(bdf, again);
	}
	check(good, "an address that was made up is none, or stays itself");
}

static void test_keys(void)
{
	static const char * const right[] = {
		"policy=off", "policy=d3cold", "fallback=none", "mmio=wake", "settle_ms=0",
		"wake_timeout_ms=60000", "virtual_pr3=yes", "power_cycle_on_close=0",
	};
	static const char * const wrong[] = {
		"", "=", "policy", "policy=", "policy=D3cold", "policy=d3cold ", "fallback=d3hot",
		"wake_timeout_ms=99", "wake_timeout_ms=60001", "wake_timeout_ms=1e3",
		"settle_ms=-1", "settle_ms=99999999999999999999", "virtual_pr3=2", "health=ok",
		"policy =off", "rtd3/policy=off",
	};
	char value[KEY_VALUE], again[KEY_VALUE], text[FUZZ_TEXT];
	const struct key *key;
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(right) / sizeof(*right); i++)
		if (key_parse(right[i], &key, value)) {
			printf("# %s\n", right[i]);
			good = false;
		}
	check(good, "settings that are right");
	good = true;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (!key_parse(wrong[i], &key, value)) {
			printf("# %s\n", wrong[i]);
			good = false;
		}
	check(good, "settings that are wrong");

	good = true;
	for (i = 0; i < ROUNDS; i++) {
		fuzz_change(right[i % (sizeof(right) / sizeof(*right))], text);
		if (!key_parse(text, &key, value))
			good = good && !key_check(key, value, again) && !strcmp(value, again);
	}
	check(good, "a setting that was made up is none, or a value that the kernel takes");
}

/* A bind rule of each setting, as the file has it. */
static void rules_fill(struct rules *rules)
{
	struct dev dev = { .bdf = "0000:01:00.0", .vendor = 0x10de, .device = 0x2684 };
	const struct key *key;

	memset(rules, 0, sizeof(*rules));
	for (key = keys; key->name; key++)
		rules_set(rules, &dev, key->name, key->kind == KEY_WORD ? key->words[0] :
			  key->kind == KEY_BOOL ? "1" : "1000");
	rules_set(rules, &dev, RULE_LEARNT, "d3hot");
}

static void test_rules(void)
{
	static const char foreign[] = "# mine\nKERNEL==\"sda\", RUN+=\"x\"\n\nodd \\\n";
	struct rules rules, again;
	char *text, *second;
	bool good = true;
	size_t i;

	rules_fill(&rules);
	text = rules_print(&rules);
	rules_parse(&again, text);
	for (i = 0; i < again.nr; i++)
		if (again.rule[i].raw) {
			printf("# not understood: %s\n", again.rule[i].raw);
			good = false;
		}
	check(good && again.nr == rules.nr, "what was written is read");
	second = rules_print(&again);
	check(!strcmp(text, second), "and written the same again");
	check(!strcmp(rules_get(&again, "0000:01:00.0", "settle_ms") ?: "", "1000"),
	      "a value comes back");
	/* policy=off was first: what was learnt must not make it deeper. */
	check(strstr(text, "ENV{RTD3_LEARNT}=\"d3hot\", ATTR{rtd3/policy}=\"off\""),
	      "what was learnt allows no more than the policy");
	check(!rules_forget(&again, "0000:02:00.0", NULL),
	      "nothing of another device is forgotten");
	check(rules_forget(&again, "0000:01:00.0", "settle_ms") == 1 &&
	      !rules_get(&again, "0000:01:00.0", "settle_ms"), "a setting is forgotten");
	check(rules_forget(&again, "0000:01:00.0", NULL) == rules.nr - 1 && !again.nr, "and all");
	free(text);
	free(second);
	rules_free(&rules);
	rules_free(&again);

	rules_parse(&rules, foreign);
	text = rules_print(&rules);
	check(!strcmp(text, foreign), "lines of others stay as they are");
	free(text);
	rules_free(&rules);
}

static char *rules_again(const char *text)
{
	struct rules rules;
	char *out;

	rules_parse(&rules, text);
	out = rules_print(&rules);
	rules_free(&rules);

	return out;
}

static void test_rules_fuzz(void)
{
	char *line, *text, *once, *twice, changed[FUZZ_TEXT], *save;
	struct rules rules;
	bool stable = true;
	size_t i;

	rules_fill(&rules);
	text = rules_print(&rules);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		for (i = 0; i < ROUNDS / 10; i++) {
			fuzz_change(line, changed);
			once = rules_again(changed);
			twice = rules_again(once);
			if (strcmp(once, twice) && stable)
				printf("# %s# %s", once, twice);
			stable = stable && !strcmp(once, twice);
			free(once);
			free(twice);
		}
	}
	check(stable, "a file that was made up is the same after it was read and written twice");
	free(text);
	rules_free(&rules);
}

/* Whatever the file says: bound twice is bound once, and unbound is as it was before. */
static void test_boot_fuzz(void)
{
	static const char file[] =
		"# mine\n01:00.* # both\n10de:*\n0000:01:00.0 10de:2684\n\t\n"
		"0000:01:00.0 10de:2684";
	const struct dev dev = { .bdf = "0000:01:00.0", .vendor = 0x10de, .device = 0x2684 };
	char text[FUZZ_TEXT], *bound;
	bool once = true, same = true;
	size_t i, len;

	for (i = 0; i < ROUNDS; i++) {
		fuzz_change(file, text);
		boot_names(text, strcspn(text, "\n"), &dev);
		boot_names(text, strlen(text), &dev);
		boot_remove(text, &dev);
		len = strlen(text);
		bound = strdup(text);
		once = once && boot_add(&bound, &dev) == 1 && !boot_add(&bound, &dev);
		same = same && boot_remove(bound, &dev) && !strncmp(bound, text, len) &&
		       !strcmp(bound + len, len && text[len - 1] != '\n' ? "\n" : "");
		free(bound);
	}
	check(once, "a device that is bound at boot has one line");
	check(same, "and without it the file is what it was");
}

static void test_config(void)
{
	unsigned char space[CFG_SIZE] = { };
	struct cfg cfg;
	size_t i, k;

	space[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	space[PCI_CAPABILITY_LIST] = 0x40;
	space[0x40] = PCI_CAP_ID_PM;
	space[0x41] = 0x50;
	space[0x43] = PCI_PM_CAP_PME_D3cold >> 8;
	space[0x50] = PCI_CAP_ID_EXP;
	space[0x52] = PCI_EXP_TYPE_ROOT_PORT << 4;
	space[0x53] = PCI_EXP_FLAGS_SLOT >> 8;
	space[0x50 + PCI_EXP_SLTCAP] = PCI_EXP_SLTCAP_HPC;
	space[0x100] = PCI_EXT_CAP_ID_ATS;
	cfg_parse(space, sizeof(space), &cfg);
	check(cfg.pm && cfg.pme_d3cold && cfg_is_port(&cfg) && cfg.hotplug && cfg.ats,
	      "capabilities are found");
	cfg_parse(space, PCI_CFG_SPACE_SIZE, &cfg);
	check(cfg.pm && !cfg.ats, "none beyond what was read");
	cfg_parse(space, 64, &cfg);
	check(!cfg.pm && !cfg.pcie, "and none of 64 bytes");
	space[0x41] = 0x40;
	cfg_parse(space, sizeof(space), &cfg);
	check(cfg.pm && !cfg.pcie, "a list that goes in a circle ends");

	for (i = 0; i < ROUNDS / 10; i++) {
		for (k = 0; k < sizeof(space); k++)
			space[k] = fuzz_next();
		space[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
		cfg_parse(space, sizeof(space), &cfg);
	}
	check(cfg.type < 16, "any other bytes do no harm");
}

static void test_blockers(void)
{
	struct rtd3_blocker list[RTD3_BLOCKER_NR];
	struct snap *snap = calloc(1, sizeof(*snap));
	char text[RTD3_BLOCKER_NR * 256], changed[FUZZ_TEXT], command[512];
	bool good = true;
	size_t i;

	for (i = 0; i < RTD3_BLOCKER_NR; i++) {
		list[i].id = i;
		list[i].device = "0000:01:00.0";
		remedy_command(&list[i], command, sizeof(command));
		if (!remedy_means(i) || strchr(command, '@') || !remedy_advice(i) ||
		    strchr(remedy_advice(i), '\n')) {
			printf("# %s\n", rtd3_blocker_texts[i].token);
			good = false;
		}
	}
	check(good, "each reason has a meaning and advice, each command names its device");

	rtd3_blockers_print(list, RTD3_BLOCKER_NR, text, sizeof(text));
	check(!snap_parse(snap, text) && snap->nr == RTD3_BLOCKER_NR, "each reason is read back");
	good = snap->nr == RTD3_BLOCKER_NR;
	for (i = 0; good && i < snap->nr; i++)
		good = snap->list[i].id == i && !strcmp(snap->list[i].device, "0000:01:00.0");
	check(good, "as what it is");
	snprintf(text, sizeof(text), "%s",
		 "some-day 0000:01:00.0\nno-pr3 0000:01:00.0\n");
	check(snap_parse(snap, text) == 1 && snap->nr == 1, "one of a newer driver is counted");
	for (i = 0; i < ROUNDS; i++) {
		fuzz_change("no-pr3 0000:01:00.0: words\nats 0000:01:00.0: more\n", changed);
		snap_parse(snap, changed);
		good = good && snap->nr <= RTD3_BLOCKERS_MAX;
	}
	check(good, "texts that were made up do no harm");
	free(snap);
}

static void test_mask(void)
{
	char text[] = "root=UUID=0a1b2c3d-1111-2222-3333-444455556666 mac 52:54:00:12:34:56 "
		      "serial S0123456789abcdef 0123456789abcdef at 0000:01:00.0 on box box2";
	char changed[FUZZ_TEXT];
	bool good = true;
	size_t len, i;

	len = strlen(text);
	mask_text(text);
	mask_word(text, "box");
	check(strlen(text) == len && !strstr(text, "0a1b2c3d") && !strstr(text, "444455556666") &&
	      !strstr(text, "52:54") && !strstr(text, "0123456789abcdef") &&
	      !strstr(text, " box ") && strstr(text, "box2"), "names of things are masked");
	check(strstr(text, "at 0000:01:00.0 on"), "addresses of PCI are not");
	for (i = 0; i < ROUNDS; i++) {
		fuzz_change("a 52:54:00:12:34:56 0a1b2c3d-1111-2222-3333-444455556666 b", changed);
		len = strlen(changed);
		mask_text(changed);
		good = good && strlen(changed) == len;
	}
	check(good, "no text changes its length");
}

static const char tape_lines[] =
	"{\"time\":1000,\"event\":\"begin\",\"version\":1,\"clock\":\"boot\",\"wall\":5000}\n"
	"{\"time\":1000,\"event\":\"present\",\"device\":\"0000:01:00.0\",\"state\":\"D0\"}\n"
	"{\"time\":2000,\"event\":\"suspend\",\"device\":\"0000:01:00.0\",\"state\":\"D3hot\"}\n"
	"{\"time\":9000,\"event\":\"resume\",\"device\":\"0000:01:00.0\",\"state\":\"D3cold\","
	"\"cause\":\"unclaimed\",\"latency_us\":1,\"present\":true}\n"
	"{\"time\":9100,\"event\":\"wake\",\"device\":\"0000:01:00.0\",\"cause\":\"ioctl\"}\n"
	"{\"time\":10000,\"event\":\"suspend\",\"device\":\"0000:01:00.0\",\"state\":\"D3hot\"}\n"
	"{\"time\":11000,\"event\":\"present\",\"device\":\"0000:01:00.0\",\"state\":\"D3cold\"}\n"
	"{\"time\":11000,\"event\":\"end\",\"lost\":3}\n";

static int tape_parse(struct tape *tape, const char *text, size_t len)
{
	FILE *in = fmemopen((void *)text, len, "r");
	int ret = tape_read(tape, in);

	fclose(in);

	return ret;
}

/* Whatever was read: times in order, without gaps, inside of the recording. */
static bool tape_is_sound(const struct tape *tape)
{
	const struct tape_dev *dev;
	size_t i, k;

	if (tape->from > tape->to || tape->nr > TAPE_DEVICES)
		return false;
	for (i = 0; i < tape->nr; i++) {
		dev = &tape->dev[i];
		for (k = 0; k < dev->nr_bands; k++)
			if (dev->band[k].from > dev->band[k].to ||
			    dev->band[k].from < tape->from || dev->band[k].to > tape->to ||
			    (k && dev->band[k].from != dev->band[k - 1].to))
				return false;
		for (k = 0; k < dev->nr_wakes; k++)
			if (dev->wake[k].time < tape->from || dev->wake[k].time > tape->to)
				return false;
	}

	return true;
}

static void test_tape(void)
{
	static const char mixed[] = "garbage\n[1]\n{\"time\":1}\n{\"time\":-1,\"event\":\"x\"}\n"
		"{\"time\":1e3,\"event\":\"begin\"}\n{\"time\":7,\"event\":\"suspend\","
		"\"device\":\"nobody\"}\n{\"time\":9,\"event\":\"later\",\"device\":\"01:00.0\"}\n"
		"\n{\"time\":99,\"event\":\"resu";
	const struct tape_dev *dev;
	struct tape tape;
	size_t len;
	bool good;

	good = !tape_parse(&tape, tape_lines, strlen(tape_lines)) && tape.nr == 1 &&
	       tape_is_sound(&tape);
	dev = tape.dev;
	check(good && !tape.skipped && tape.lost == 3 && tape.wall == 4000 && tape.version == 1,
	      "a recording is read");
	check(good && tape_time_in(dev, TAPE_D0) == 3000 && tape_time_in(dev, TAPE_D3HOT) == 0 &&
	      tape_time_in(dev, TAPE_D3COLD) == 7000,
	      "a sleep is as deep as its end says, the last one as the device is then");
	check(good && dev->nr_wakes == 1 && !strcmp(dev->wake[0].cause, "ioctl") &&
	      dev->wake[0].time == 8000, "a wake began before it was told, and gets its cause");
	tape_free(&tape);
	check(!tape_parse(&tape, mixed, strlen(mixed)) && tape.skipped == 7 && tape.nr == 1 &&
	      tape_is_sound(&tape), "lines that are no events are skipped and counted");
	tape_free(&tape);
	good = true;
	for (len = 1; len < strlen(tape_lines); len++) {
		good = good && !tape_parse(&tape, tape_lines, len) && tape.skipped <= 1 &&
		       tape_is_sound(&tape);
		tape_free(&tape);
	}
	check(good, "a recording that is cut off is read up to there");
}

/* Each line changed, and in any order. */
static void tape_shuffle(char *text, size_t size)
{
	char line[FUZZ_TEXT], changed[FUZZ_TEXT];
	size_t at, len, used = 0, i;

	for (i = 0; i < 12; i++) {
		for (at = fuzz_next() % strlen(tape_lines); at && tape_lines[at - 1] != '\n'; at--)
			;
		len = strcspn(tape_lines + at, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)len, tape_lines + at);
		fuzz_change(line, changed);
		used += snprintf(text + used, size - used, "%s\n", changed);
	}
}

static void test_tape_fuzz(void)
{
	char text[13 * FUZZ_TEXT];
	struct tape tape;
	bool good = true;
	size_t i, read = 0;

	for (i = 0; i < ROUNDS / 4; i++) {
		tape_shuffle(text, sizeof(text));
		good = good && !tape_parse(&tape, text, strlen(text)) && tape_is_sound(&tape);
		read += tape.nr;
		tape_free(&tape);
	}
	check(good && read, "recordings that were made up have bands without gaps");
}

static void test_hist(void)
{
	struct hist hist = { };
	char *text = NULL;
	size_t size, i;
	FILE *out;

	check(hist_percentile(&hist, 50) == -1, "nothing was measured: there is no percentile");
	for (i = 100; i; i--)
		hist_add(&hist, i * 100);
	hist_sort(&hist);
	check(hist_percentile(&hist, 50) == 5000 && hist_percentile(&hist, 99) == 9900 &&
	      hist_percentile(&hist, 100) == 10000 && hist_percentile(&hist, 1) == 100,
	      "percentiles are times that were seen");
	out = open_memstream(&text, &size);
	hist_print(&hist, out, "");
	fclose(out);
	check(strstr(text, " 5 ms to   10 ms     50 ###") &&
	      strstr(text, "10 ms to   20 ms      1 #\n"),
	      "a histogram counts each once");
	free(text);
	hist_add(&hist, -5);
	hist_add(&hist, 0x7fffffffffffffffLL);
	hist_sort(&hist);
	out = fopen("/dev/null", "w");
	hist_print(&hist, out, "");
	fclose(out);
	check(hist.nr == 102 && !hist.us[0], "times that cannot be do no harm");
	hist_free(&hist);
}

int main(void)
{
	test_bdf();
	test_keys();
	test_rules();
	test_rules_fuzz();
	test_boot_fuzz();
	test_config();
	test_blockers();
	test_mask();
	test_tape();
	test_tape_fuzz();
	test_hist();
	printf("1..%d\n", nr);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
