# SPDX-License-Identifier: GPL-2.0-only
"""Judge the kernel log of a machine."""

import re

# A line of the kernel log that fails the run, whatever the tests said.
BAD_LOG = re.compile(
    r"WARNING:|\bBUG\b|Oops|lockdep|KASAN|KFENCE|UBSAN|refcount|use-after-free|"
    r"scheduling while atomic|sleeping function called|blocked for more than|"
    r"soft lockup|hard LOCKUP|rcu: INFO|general protection|Call Trace|"
    r"Kernel panic|possible recursive locking|memory leak")


def bad_lines(path):
    """What must not be in the log at that path."""
    with open(path, encoding="utf8", errors="replace") as f:
        return [line.strip() for line in f if BAD_LOG.search(line)]
