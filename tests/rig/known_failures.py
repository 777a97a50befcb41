# SPDX-License-Identifier: GPL-2.0-only
"""Defects that tests show, not mended yet, by name: tests/rig/known-failures."""

import dataclasses
import fnmatch
import os
import re

# Suites that are another one with something added.
SAME = {"coverage": "debug"}
LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known-failures")


@dataclasses.dataclass
class Known:
    """One line: results whose text matches may fail, and one of them has to."""

    text: str
    part: str
    seen: bool = False


def of(row, suite):
    """The known failures of a row on a suite."""
    found = []
    suite = SAME.get(suite, suite)
    with open(LIST, encoding="utf8") as f:
        for line in f:
            if line.startswith("#") or not line.strip():
                continue
            rows, suites, rest = line.strip().split("|", 2)
            text, part = rest.rsplit("|", 1)
            if fnmatch.fnmatch(row, rows) and fnmatch.fnmatch(suite, suites):
                found.append(Known(text, part))
    return found


def find(known, text):
    """The first one that a failed result is an instance of, or None."""
    found = [one for one in known if re.search(one.text, text)]
    for one in found:
        one.seen = True
    return found[0] if found else None
