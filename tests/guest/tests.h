/* SPDX-License-Identifier: GPL-2.0-only */
/* The tests, one function each; the table is in main.c. */
#ifndef RIGTEST_TESTS_H
#define RIGTEST_TESTS_H

void test_bind(void);
void test_idle(void);
void test_guest(void);
void test_holders(void);
void test_shadow(void);
void test_guestfault(void);
void test_bench(void);
void test_lowpower(void);
void test_wakeup(void);
void test_mmap(void);
void test_close(void);
void test_reset(void);
void test_irq(void);
void test_race(void);
void test_twofn(void);
void test_churn(void);
void test_sriov(void);
void test_policy(void);
void test_power(void);
void test_info(void);
void test_blockers(void);
void test_fuzz(void);
void test_flip(void);
void test_trace(void);
void test_params(void);
void test_uevent(void);
void test_faults(void);
void test_ladder(void);
void test_gone(void);
void test_health(void);
void test_smoke(void);
void test_demo(void);
void test_model(void);
void test_libvirt(void);
void test_mmio(void);
void test_mmio_maps(void);
void test_mmio_race(void);
void test_pr3(void);
void test_hostile(void);
void test_nested(void);
void test_nested_long(void);
void test_inner(void);

#endif
