// SPDX-License-Identifier: GPL-2.0-only
/* How long something took, many times: percentiles, and a histogram as text. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "hist.h"
#include "out.h"

#define HIST_BAR	40
#define HIST_MAX	1000000000000LL	/* eleven days: what is longer is no wake */

int hist_add(struct hist *hist, long long us)
{
	size_t room = hist->room ? 2 * hist->room : 16;
	long long *more;

	if (hist->nr == hist->room) {
		more = realloc(hist->us, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		hist->us = more;
		hist->room = room;
	}
	hist->us[hist->nr++] = us < 0 ? 0 : us < HIST_MAX ? us : HIST_MAX;

	return 0;
}

static int hist_compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

void hist_sort(struct hist *hist)
{
	if (hist->nr)
		qsort(hist->us, hist->nr, sizeof(*hist->us), hist_compare);
}

/**
 * hist_percentile - so long did it take at most, for so many of a hundred
 * @hist: sorted
 * @percent: 1 to 100; 100 is the longest
 *
 * The nearest rank, so that it is always a time that was seen.
 *
 * Return: microseconds, -1 if there is none.
 */
long long hist_percentile(const struct hist *hist, unsigned int percent)
{
	size_t rank = (hist->nr * percent + 99) / 100;

	if (!hist->nr)
		return -1;

	return hist->us[rank ? rank - 1 : 0];
}

/* Bounds of bars: 1, 2, 5, 10, ... of a unit: each bar is about as wide as the others. */
static long long hist_next_bound(long long bound)
{
	long long decade = 1;

	while (decade <= LLONG_MAX / 100 && bound >= 10 * decade)
		decade *= 10;
	if (bound < 2 * decade)
		return 2 * decade;

	return bound < 5 * decade ? 5 * decade : 10 * decade;
}

static long long hist_first_bound(const struct hist *hist)
{
	long long bound = 1, next;

	for (next = 2; hist->nr && next <= hist->us[0]; next = hist_next_bound(bound))
		bound = next;

	return bound;
}

static void hist_label(long long us, char *buf, size_t size)
{
	if (us < 1000)
		snprintf(buf, size, "%lld us", us);
	else if (us < 1000000)
		snprintf(buf, size, "%lld ms", us / 1000);
	else
		snprintf(buf, size, "%lld s", us / 1000000);
}

static size_t hist_count_below(const struct hist *hist, size_t from, long long bound)
{
	size_t nr = 0;

	while (from + nr < hist->nr && hist->us[from + nr] < bound)
		nr++;

	return nr;
}

/**
 * hist_print - a histogram as text
 * @hist: sorted
 * @out: where to
 * @indent: before each line
 */
void hist_print(const struct hist *hist, FILE *out, const char *indent)
{
	long long bound = hist_first_bound(hist), next;
	char from[32], to[32];
	size_t at = 0, nr, i;

	for (; at < hist->nr; bound = next, at += nr) {
		next = hist_next_bound(bound);
		nr = hist_count_below(hist, at, next);
		hist_label(bound, from, sizeof(from));
		hist_label(next, to, sizeof(to));
		fprintf(out, "%s%7s to %7s %6zu ", indent, from, to, nr);
		/* Also the only one of many is seen. */
		for (i = 0; i < (nr * HIST_BAR + hist->nr - 1) / hist->nr; i++)
			fputc('#', out);
		fputc('\n', out);
	}
}

/**
 * hist_json - percentiles and bars
 * @hist: sorted
 *
 * Return: an object that the caller puts somewhere or frees.
 */
struct json_object *hist_json(const struct hist *hist)
{
	struct json_object *json = json_object_new_object(), *bars = json_object_new_array(), *bar;
	long long bound = hist_first_bound(hist), next;
	size_t at = 0, nr;

	out_put_number(json, "count", hist->nr);
	if (hist->nr) {
		out_put_number(json, "p50_us", hist_percentile(hist, 50));
		out_put_number(json, "p99_us", hist_percentile(hist, 99));
		out_put_number(json, "max_us", hist_percentile(hist, 100));
	}
	for (; at < hist->nr; bound = next, at += nr) {
		next = hist_next_bound(bound);
		nr = hist_count_below(hist, at, next);
		bar = json_object_new_object();
		out_put_number(bar, "from_us", bound);
		out_put_number(bar, "to_us", next);
		out_put_number(bar, "count", nr);
		json_object_array_add(bars, bar);
	}
	json_object_object_add(json, "histogram", bars);

	return json;
}

void hist_free(struct hist *hist)
{
	free(hist->us);
	hist->us = NULL;
	hist->nr = 0;
	hist->room = 0;
}
