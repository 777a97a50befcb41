# SPDX-License-Identifier: GPL-2.0-only
"""Judge the kernel log of a machine.

The log is cut into reports, each from its first line to its end, so that all of its
frames are seen. One that tests/rig/known-reports lists is the kernel's own if no frame
of it is the driver's.
"""

import fnmatch
import os
import re

import known_failures

KNOWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known-reports")

# A line that fails the run, whatever the tests said.
BAD = re.compile(
    r"\[ cut here \]|WARNING:|\bBUG\b|Oops|lockdep|KASAN|KCSAN|KFENCE|UBSAN|ODEBUG|"
    r"refcount|use-after-free|list_(?:add|del) corruption|"
    r"scheduling while atomic|sleeping function called|blocked for more than|"
    r"soft lockup|hard LOCKUP|rcu: INFO|rcu_\w+ detected|general protection|Call Trace|"
    r"Kernel panic|possible recursive locking|memory leak|kmemleak: \d+ new")
# What such a line may be instead: a feature that says that it is there.
BANNER = re.compile(
    r"RCU lockdep checking is enabled|Kernel memory leak detector initialized|"
    r"use CONFIG_KCSAN_STRICT")
# What the test programs say is on the console, too.
PROGRAM = re.compile(r"^\| ")
STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[CT]\d+\])? ?")
RULE = re.compile(r"^=+$")
OURS = re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+ \[rtd3_vfio_pci\]")
# How a report ends, by a word in it; one that has none of these ends with its task.
ENDS = (
    (re.compile(r"BUG: K[AC]SAN"), RULE),
    (re.compile(r"\[ cut here \]|Oops|unable to handle|general protection"),
     re.compile(r"---\[ end trace")),
    (re.compile(""), re.compile(r"^\s*</TASK>")),
)


class Report:
    """What the kernel says of one defect."""

    def __init__(self, lines):
        self.lines = lines
        self.ours = any(OURS.search(line) for line in lines)
        self.title = next(line for line in lines if BAD.search(line))
        self.end = next(end for word, end in ENDS if word.search(self.title))
        self.complete = False

    def add(self, line):
        """Its next line."""
        self.lines.append(line)
        self.ours |= bool(OURS.search(line))
        self.complete = bool(self.end.search(line))

    def text(self):
        """All of it."""
        return "\n".join(self.lines)

    def is_race(self):
        """Whether it is a data race, of which the kernel has many of its own."""
        return "BUG: KCSAN" in self.text()


def reports(log):
    """Cut a log, an iterable of lines, into reports."""
    found = []
    before = ""
    for raw in log:
        if PROGRAM.search(raw):
            continue
        line = STAMP.sub("", raw.rstrip())
        bad = BAD.search(line) and not BANNER.search(line)
        last = found[-1] if found else None
        within = last and not last.complete
        # One that has no end of its own must not hide the next one.
        if bad and (not within or RULE.search(before) or "cut here" in line):
            if within and RULE.search(before):
                last.lines.pop()
            found.append(Report([before, line] if RULE.search(before) else [line]))
        elif within:
            last.add(line)
        elif last and OURS.search(line):
            last.ours = True
        before = line
    return found


class Known:
    """A line of tests/rig/known-reports."""

    def __init__(self, line):
        self.row, self.suites, pattern = (word.strip() for word in line.split("|", 2))
        self.pattern = re.compile(pattern, re.DOTALL)

    def fits(self, report):
        """Whether that is it."""
        return not report.ours and bool(self.pattern.search(report.text()))


def known_reports(suite, path=KNOWN):
    """Those that a suite's kernel is known to raise."""
    with open(path, encoding="utf8") as f:
        lines = [line for line in f if line.strip() and not line.startswith("#")]
    suite = known_failures.SAME.get(suite, suite)
    return [known for known in map(Known, lines)
            if fnmatch.fnmatch(suite, known.suites)]


class Verdict:
    """On one log: bad reports, those that are the kernel's own, what is missing."""

    def __init__(self, log, known, row=""):
        found = reports(log)
        self.races = sum(r.is_race() and not r.ours for r in found)
        found = [r for r in found if r.ours or not r.is_race()]
        self.bad = [r for r in found if not any(k.fits(r) for k in known)]
        self.excused = [r for r in found if r not in self.bad]
        # The row that shows a known report has to go on showing it.
        self.shows = [k for k in known if k.row == row]
        self.missing = [k for k in self.shows
                        if not any(k.fits(r) for r in self.excused)]


def judge(path, suite, row):
    """The verdict on the log at that path, of a row of the matrix on a suite."""
    with open(path, encoding="utf8", errors="replace") as f:
        return Verdict(f, known_reports(suite), row)
