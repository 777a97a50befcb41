// SPDX-License-Identifier: GPL-2.0-only
/*
 * __assign_str() takes the field alone. Not in 6.1, in 6.12; upstream commit
 * "tracing/treewide: Remove second parameter of __assign_str()". Turned into a
 * string, the macro is expanded without being compiled.
 */
#include <linux/compiler.h>
#include <linux/stringify.h>
#include <trace/stages/stage6_event_callback.h>

static const char probe[] __maybe_unused = __stringify(__assign_str(field));
