/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_VERIFY_H
#define RTD3_VERIFY_H

#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

struct rtd3_device;

/* Nobody waits for a device any longer than until then: tasks are to be frozen. 0: no. */
extern ktime_t rtd3_freeze_by;

u32 rtd3_verify_read_id(struct pci_dev *pdev);
bool rtd3_verify_is_answer(u32 id);
bool rtd3_verify_answers(struct pci_dev *pdev);
bool rtd3_verify_slot_empty(struct pci_dev *pdev);
bool rtd3_verify_asks_retry(struct pci_dev *pdev);
enum rtd3_reason rtd3_verify_header(struct pci_dev *pdev, const u32 *header,
				    enum rtd3_reason *degraded);
bool rtd3_verify_poll(struct pci_dev *pdev, unsigned int timeout_ms);
enum rtd3_reason rtd3_verify_await(struct pci_dev *pdev, unsigned int timeout_ms);
bool rtd3_verify_in_d3(struct pci_dev *pdev);
enum rtd3_reason rtd3_verify_to_d0(struct pci_dev *pdev, unsigned int delay_us,
				   unsigned int timeout_ms, bool *late);
u16 rtd3_verify_link_width(struct rtd3_device *rdev);
u8 rtd3_verify_functions(struct pci_dev *pdev, u8 asked);
bool rtd3_verify_link_narrower(struct rtd3_device *rdev);
enum rtd3_reason rtd3_verify_link_and_functions(struct rtd3_device *rdev);

#endif /* RTD3_VERIFY_H */
