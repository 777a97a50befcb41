// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of src/module/blockers.c, as TAP.
 *
 * ideal() is a snapshot that nothing stands against. A case breaks it in one
 * way, and fix() does what the remedy of a reason says: with both, single
 * reasons, combinations and random snapshots are tested by the same rules. The
 * function deepest() is a second opinion: it says how deep a device can sleep
 * without naming reasons.
 *
 * support.c has ideal(), reasons.c has fix_all() and the cases, t_search.c has
 * deepest().
 */
#include "blockers_test.h"

int main(void)
{
	unsigned int i;

	test_texts();
	test_none();
	for (i = 0; i < nr_reasons; i++)
		test_alone(&reasons[i]);
	test_own_pr3();
	test_no_port();
	test_explained();
	test_pairs();
	test_all_at_once();
	test_many_siblings();
	test_short_list();
	test_print();
	test_exhaustive();
	test_random();

	return finish();
}
