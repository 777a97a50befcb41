// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of an e1000e over a D3cold cycle. Causes are raised by software: ICS sets them, IMS
 * lets them through, IVAR gives them to MSI-X vectors.
 */
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define ICR		0x00c0
#define ICS		0x00c8
#define IMS		0x00d0
#define IMC		0x00d8
#define IVAR		0x00e4
/* One that nothing but ICS raises here; a link change would come by itself. */
#define CAUSE_RXDMT0	(1u << 4)
#define CAUSE_RXQ0	(1u << 20)
#define CAUSE_TXQ0	(1u << 22)
/* Receive queue 0 to vector 0, transmit queue 0 to vector 1; 8 marks an entry as valid. */
#define IVAR_VALUE	0x00000908u

#define ARRIVE_MS	3000
#define QUIET_MS	300
#define SETTLE_MS	50

#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define MSI		VFIO_PCI_MSI_IRQ_INDEX
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX

static void reg(struct vfio_dev *d, unsigned int off, uint32_t val)
{
	vfio_write(d, VFIO_PCI_BAR0_REGION_INDEX, off, val, 4);
}

static void ack(struct vfio_dev *d)
{
	reg(d, ICR, ~0u);
}

/*
 * Interrupts are at least 128 us apart, and a throttled one comes late. QEMU 7.2
 * dies of an assertion when its timer finds the device in another mode (e1000e_core.c).
 */
static void settle(const int *efd, int n)
{
	sleep_ms(SETTLE_MS);
	for (int i = 0; i < n; i++)
		vfio_eventfd_count(efd[i], 0);
}

static void arm(struct vfio_dev *d)
{
	reg(d, IMC, ~0u);
	ack(d);
	reg(d, IVAR, IVAR_VALUE);
	reg(d, IMS, CAUSE_RXDMT0 | CAUSE_RXQ0 | CAUSE_TXQ0);
}

static void raise_cause(struct vfio_dev *d, uint32_t cause)
{
	reg(d, ICS, cause);
}

static void check_arrives(struct vfio_dev *d, int efd, uint32_t cause, const char *when)
{
	uint64_t n;

	vfio_eventfd_count(efd, 0);
	raise_cause(d, cause);
	/* With MSI the chip may send again what is not acknowledged. */
	n = vfio_eventfd_count(efd, ARRIVE_MS);
	check(n > 0, "%s: eventfd is signalled", when);
	if (n > 1)
		diag("%s: %llu times", when, (unsigned long long)n);
	ack(d);
}

static void cycle(struct vfio_dev *d, const int *efd, int n, const char *when)
{
	struct power p = power_get(1);

	settle(efd, n);
	vfio_entry(d);
	wait_asleep(d->pf, &p);
	sleep_ms(QUIET_MS);
	for (int i = 0; i < n; i++)
		check_eq(vfio_eventfd_count(efd[i], 0), 0, "%s: eventfd %d in D3cold", when, i);
	vfio_exit(d);
	check_woken(d->pf, &p, when);
	for (int i = 0; i < n; i++)
		check_eq(vfio_eventfd_count(efd[i], QUIET_MS), 0, "%s: eventfd %d after EXIT",
			 when, i);
}

static void test_msix(struct vfio_dev *d)
{
	int efd[2] = { vfio_eventfd(), vfio_eventfd() };

	check_err(__vfio_irq_trigger(d, MSIX, 2, efd), 0, "MSI-X: SET_IRQS");
	arm(d);
	check_arrives(d, efd[0], CAUSE_RXQ0, "MSI-X vector 0 before");
	check_arrives(d, efd[1], CAUSE_TXQ0, "MSI-X vector 1 before");
	for (int i = 0; i < 3; i++) {
		cycle(d, efd, 2, "MSI-X");
		arm(d);
		check_arrives(d, efd[0], CAUSE_RXQ0, "MSI-X vector 0 after");
		check_arrives(d, efd[1], CAUSE_TXQ0, "MSI-X vector 1 after");
	}
	settle(efd, 2);
	check_err(__vfio_irq_disable(d, MSIX), 0, "MSI-X: off");
	close(efd[0]);
	close(efd[1]);
}

static void test_msi(struct vfio_dev *d)
{
	int efd = vfio_eventfd();

	check_err(__vfio_irq_trigger(d, MSI, 1, &efd), 0, "MSI: SET_IRQS");
	arm(d);
	check_arrives(d, efd, CAUSE_RXDMT0, "MSI before");
	for (int i = 0; i < 3; i++) {
		cycle(d, &efd, 1, "MSI");
		arm(d);
		check_arrives(d, efd, CAUSE_RXDMT0, "MSI after");
	}
	settle(&efd, 1);
	check_err(__vfio_irq_disable(d, MSI), 0, "MSI: off");
	close(efd);
}

static void unmask(struct vfio_dev *d, const char *when)
{
	check_err(__vfio_irq_action(d, INTX, VFIO_IRQ_SET_ACTION_UNMASK), 0, "%s: unmask", when);
}

static void check_intx(struct vfio_dev *d, int efd, const char *when)
{
	arm(d);
	check_arrives(d, efd, CAUSE_RXDMT0, when);
	/* vfio masks INTx at each interrupt. */
	raise_cause(d, CAUSE_RXDMT0);
	check_eq(vfio_eventfd_count(efd, QUIET_MS), 0, "%s: masked by itself", when);
	ack(d);
	unmask(d, when);
	check_arrives(d, efd, CAUSE_RXDMT0, when);
	unmask(d, when);
}

static void test_intx(struct vfio_dev *d)
{
	int efd = vfio_eventfd();

	check_err(__vfio_irq_trigger(d, INTX, 1, &efd), 0, "INTx: SET_IRQS");
	check_intx(d, efd, "INTx before");
	cycle(d, &efd, 1, "INTx");
	check_eq(power_cfg(d->pf, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE, 0,
		 "INTx after: DisINTx from outside");
	check_intx(d, efd, "INTx after");

	/* Pending and not acknowledged: the power cycle takes the cause away, not the mask. */
	raise_cause(d, CAUSE_RXDMT0);
	check_eq(vfio_eventfd_count(efd, ARRIVE_MS), 1, "INTx pending: eventfd");
	cycle(d, &efd, 1, "INTx pending");
	arm(d);
	raise_cause(d, CAUSE_RXDMT0);
	check_eq(vfio_eventfd_count(efd, QUIET_MS), 0, "INTx pending: still masked after");
	ack(d);
	unmask(d, "INTx pending");
	check_intx(d, efd, "INTx pending, after");

	check_err(__vfio_irq_action(d, INTX, VFIO_IRQ_SET_ACTION_MASK), 0, "INTx: user masks");
	cycle(d, &efd, 1, "INTx user-masked");
	arm(d);
	raise_cause(d, CAUSE_RXDMT0);
	check_eq(vfio_eventfd_count(efd, QUIET_MS), 0, "INTx user-masked: eventfd after EXIT");
	check_eq(power_cfg(d->pf, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE,
		 PCI_COMMAND_INTX_DISABLE, "INTx user-masked: DisINTx from outside");
	unmask(d, "INTx user-masked");
	check_eq(vfio_eventfd_count(efd, ARRIVE_MS), 1, "INTx user-masked: pending one arrives");
	ack(d);
	unmask(d, "INTx user-masked");
	check_intx(d, efd, "INTx user-masked, after");
	settle(&efd, 1);
	check_err(__vfio_irq_disable(d, INTX), 0, "INTx: off");
	close(efd);
}

RIG_TEST(irq, "INTx, MSI and MSI-X over a D3cold cycle")
{
	const struct pci_fn *pf = NULL;
	struct vfio_dev d;

	for (int i = 0; i < rig.nr_fns; i++)
		if (!strcmp(dut_of(&rig.fn[i])->name, "e1000e"))
			pf = &rig.fn[i];
	if (!pf)
		die("an e1000e below the port");
	rig_load();
	rig_bind_all();
	vfio_open(&d, pf);
	check_known(&d, "open");
	test_intx(&d);
	test_msi(&d);
	test_msix(&d);
	/* Back to INTx: nothing of the other two is left. */
	test_intx(&d);
	vfio_close(&d);
}
