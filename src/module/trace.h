/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints rtd3:*, for perf and trace-cmd. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rtd3

#if !defined(RTD3_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RTD3_TRACE_H

#include <linux/pci.h>
#include <linux/tracepoint.h>

#include <linux/rtd3_vfio_pci.h>

#include "blockers.h"
#include "ready.h"

#define rtd3_show_power(power)						\
	__print_symbolic(power,						\
			 { RTD3_POWER_D0, "D0" },			\
			 { RTD3_POWER_D3HOT, "D3hot" },			\
			 { RTD3_POWER_D3COLD, "D3cold" })

#define rtd3_show_cause(cause)						\
	__print_symbolic(cause,						\
			 { RTD3_WAKE_NONE, "unclaimed" },		\
			 { RTD3_WAKE_OPEN, "open" },			\
			 { RTD3_WAKE_EXIT, "exit" },			\
			 { RTD3_WAKE_CONFIG, "config" },		\
			 { RTD3_WAKE_BAR, "bar" },			\
			 { RTD3_WAKE_IOCTL, "ioctl" },			\
			 { RTD3_WAKE_RESET, "reset" },			\
			 { RTD3_WAKE_CLOSE, "close" },			\
			 { RTD3_WAKE_HOST, "host" })

/* The user has entered low power. */
TRACE_EVENT(rtd3_entry,
	TP_PROTO(struct pci_dev *pdev, enum rtd3_depth limit, bool wakeup),
	TP_ARGS(pdev, limit, wakeup),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(u32, limit)
		__field(bool, wakeup)
	),
	TP_fast_assign(
		rtd3_assign_str(device, pci_name(pdev));
		__entry->limit = limit;
		__entry->wakeup = wakeup;
	),
	TP_printk("%s limit=%s wakeup=%d", __get_str(device),
		  rtd3_show_power(__entry->limit), __entry->wakeup)
);

/* The user has asked to leave it. */
TRACE_EVENT(rtd3_exit,
	TP_PROTO(struct pci_dev *pdev, bool engaged),
	TP_ARGS(pdev, engaged),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(bool, engaged)
	),
	TP_fast_assign(
		rtd3_assign_str(device, pci_name(pdev));
		__entry->engaged = engaged;
	),
	TP_printk("%s engaged=%d", __get_str(device), __entry->engaged)
);

/* Suspended; the port may still take it from D3hot to D3cold. */
TRACE_EVENT(rtd3_suspend,
	TP_PROTO(struct pci_dev *pdev, enum rtd3_depth power, u64 ns),
	TP_ARGS(pdev, power, ns),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(u32, power)
		__field(u64, ns)
	),
	TP_fast_assign(
		rtd3_assign_str(device, pci_name(pdev));
		__entry->power = power;
		__entry->ns = ns;
	),
	TP_printk("%s state=%s latency_us=%llu", __get_str(device),
		  rtd3_show_power(__entry->power), __entry->ns / 1000)
);

/* Resumed from the state; the cause of a wake for an ioctl comes later. */
TRACE_EVENT(rtd3_resume,
	TP_PROTO(struct pci_dev *pdev, enum rtd3_depth power, u32 cause, u64 ns,
		 bool present),
	TP_ARGS(pdev, power, cause, ns, present),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(u32, power)
		__field(u32, cause)
		__field(u64, ns)
		__field(bool, present)
	),
	TP_fast_assign(
		rtd3_assign_str(device, pci_name(pdev));
		__entry->power = power;
		__entry->cause = cause;
		__entry->ns = ns;
		__entry->present = present;
	),
	TP_printk("%s state=%s cause=%s latency_us=%llu present=%d",
		  __get_str(device), rtd3_show_power(__entry->power),
		  rtd3_show_cause(__entry->cause), __entry->ns / 1000,
		  __entry->present)
);

/* A wake that the resume could not name has found its owner. */
TRACE_EVENT(rtd3_wake,
	TP_PROTO(struct pci_dev *pdev, u32 cause),
	TP_ARGS(pdev, cause),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(u32, cause)
	),
	TP_fast_assign(
		rtd3_assign_str(device, pci_name(pdev));
		__entry->cause = cause;
	),
	TP_printk("%s cause=%s", __get_str(device),
		  rtd3_show_cause(__entry->cause))
);

#define rtd3_show_rule(rule)						\
	__print_symbolic(rule,						\
			 { RTD3_READY_BY_TIME, "time" },		\
			 { RTD3_READY_BY_REPORT, "report" },		\
			 { RTD3_READY_AT_ONCE, "immediate" },		\
			 { RTD3_READY_BY_MESSAGE, "message" },		\
			 { RTD3_READY_NEVER, "no-link" })

/* Nobody asks a device before this; why not earlier, see ready.c. */
TRACE_EVENT(rtd3_ask,
	TP_PROTO(struct pci_dev *pdev, u32 rule, u64 ns),
	TP_ARGS(pdev, rule, ns),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(u32, rule)
		__field(u64, ns)
	),
	TP_fast_assign(
		rtd3_assign_str(device, pci_name(pdev));
		__entry->rule = rule;
		__entry->ns = ns;
	),
	TP_printk("%s rule=%s waited_us=%llu", __get_str(device),
		  rtd3_show_rule(__entry->rule), __entry->ns / 1000)
);

/* A device was waited for. */
TRACE_EVENT(rtd3_ready,
	TP_PROTO(struct pci_dev *pdev, bool answers, u64 ns),
	TP_ARGS(pdev, answers, ns),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__field(bool, answers)
		__field(u64, ns)
	),
	TP_fast_assign(
		rtd3_assign_str(device, pci_name(pdev));
		__entry->answers = answers;
		__entry->ns = ns;
	),
	TP_printk("%s answers=%d waited_us=%llu", __get_str(device),
		  __entry->answers, __entry->ns / 1000)
);

/* A recovery step, see recovery.c. */
TRACE_EVENT(rtd3_recover,
	TP_PROTO(struct pci_dev *pdev, const char *step, bool good),
	TP_ARGS(pdev, step, good),
	TP_STRUCT__entry(
		__string(device, pci_name(pdev))
		__string(step, step)
		__field(bool, good)
	),
	TP_fast_assign(
		rtd3_assign_str(device, pci_name(pdev));
		rtd3_assign_str(step, step);
		__entry->good = good;
	),
	TP_printk("%s step=%s good=%d", __get_str(device), __get_str(step),
		  __entry->good)
);

#endif /* RTD3_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
