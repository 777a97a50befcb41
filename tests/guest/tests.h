/* SPDX-License-Identifier: GPL-2.0-only */
/* How a test makes itself known: no list has to name it. */
#ifndef RIGTEST_TESTS_H
#define RIGTEST_TESTS_H

/**
 * struct rig_test - a test that can be asked for by name
 * @id: its name, with _ for each -
 * @what: what it shows
 * @run: runs it, in a child of init
 * @next: another one
 */
struct rig_test {
	const char *id;
	const char *what;
	void (*run)(void);
	struct rig_test *next;
};

void rig_test_register(struct rig_test *t);

/**
 * RIG_TEST() - define a test
 * @name: as in tests/rig/matrix, with _ for each -
 * @text: what it shows, as a string
 */
#define RIG_TEST(name, text)						\
static void rig_run_##name(void);					\
static __attribute__((constructor)) void rig_add_##name(void)		\
{									\
	static struct rig_test test = { #name, text, rig_run_##name, NULL };	\
									\
	rig_test_register(&test);					\
}									\
static void rig_run_##name(void)

#endif
