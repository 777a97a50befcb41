// SPDX-License-Identifier: GPL-2.0-only
/* The words that users read and write. They are stable. */

#include "types.h"

const char * const rtd3_power_names[RTD3_POWER_NR] = {
	[RTD3_POWER_D0] = "D0",
	[RTD3_POWER_D3HOT] = "D3hot",
	[RTD3_POWER_D3COLD] = "D3cold",
};

const char * const rtd3_policy_names[RTD3_POWER_NR] = {
	[RTD3_POWER_D0] = "off",
	[RTD3_POWER_D3HOT] = "d3hot",
	[RTD3_POWER_D3COLD] = "d3cold",
};

const char * const rtd3_promote_names[RTD3_PROMOTE_NR] = {
	[RTD3_PROMOTE_NEVER] = "never",
	[RTD3_PROMOTE_SAFE] = "safe",
	[RTD3_PROMOTE_ALWAYS] = "always",
};

const char * const rtd3_guest_names[RTD3_GUEST_NR] = {
	[RTD3_GUEST_D0] = "D0",
	[RTD3_GUEST_D1] = "D1",
	[RTD3_GUEST_D2] = "D2",
	[RTD3_GUEST_D3HOT] = "D3hot",
	[RTD3_GUEST_D3COLD] = "D3cold",
};

const char * const rtd3_bar_names[RTD3_BAR_NR] = {
	[RTD3_BAR_SIGBUS] = "sigbus",
	[RTD3_BAR_WAKE] = "wake",
};

const char * const rtd3_cause_names[RTD3_WAKE_NR] = {
	[RTD3_WAKE_NONE] = "none",
	[RTD3_WAKE_OPEN] = "open",
	[RTD3_WAKE_EXIT] = "exit",
	[RTD3_WAKE_CONFIG] = "config",
	[RTD3_WAKE_BAR] = "bar",
	[RTD3_WAKE_IOCTL] = "ioctl",
	[RTD3_WAKE_RESET] = "reset",
	[RTD3_WAKE_CLOSE] = "close",
	[RTD3_WAKE_HOST] = "host",
};

const char * const rtd3_health_names[RTD3_HEALTH_NR] = {
	[RTD3_HEALTH_OK] = "ok",
	[RTD3_HEALTH_DEGRADED] = "degraded",
	[RTD3_HEALTH_RECOVERING] = "recovering",
	[RTD3_HEALTH_FAILED] = "failed",
};

const char * const rtd3_reason_names[RTD3_REASON_NR] = {
	[RTD3_REASON_NONE] = "none",
	[RTD3_REASON_LINK_DOWN] = "link-down",
	[RTD3_REASON_ABSENT] = "no-answer",
	[RTD3_REASON_NOT_READY] = "not-ready",
	[RTD3_REASON_REPLACED] = "replaced",
	[RTD3_REASON_POWER_STATE] = "power-state",
	[RTD3_REASON_CONFIG] = "config-lost",
	[RTD3_REASON_LOST] = "power-lost",
	[RTD3_REASON_REMOVED] = "removed",
	[RTD3_REASON_LINK] = "link-slower",
	[RTD3_REASON_SIBLING] = "sibling-dead",
	[RTD3_REASON_NOT_CUT] = "power-not-cut",
	[RTD3_REASON_IDS] = "ids-lost",
	[RTD3_REASON_KNOWN_BAD] = "known-bad",
};

const char * const rtd3_ready_names[RTD3_READY_NR] = {
	[RTD3_READY_BY_TIME] = "time",
	[RTD3_READY_BY_REPORT] = "report",
	[RTD3_READY_AT_ONCE] = "immediate",
	[RTD3_READY_BY_MESSAGE] = "message",
	[RTD3_READY_NEVER] = "no-link",
};
