# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs gates, one for each core at a time: output to .work/log/NAME.log, one line each, the end of what failed; then where
the time went, and a closing line."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from lay import lay
from work import CI, CORES, ROOT, VENV, WORK, environment

LIMIT_SECONDS = 4500
SHOWN_LINES = 60
SLOWEST = 20
SLOW_LINE = re.compile(r"^([\d.]+)s (?:setup|call|teardown) +(\S.*)$")
CLOSING_LINE = re.compile(r"^=+ .*\d+ (?:passed|failed|errors?|skipped).* in [\d.]+s.* =+$")
COUNTED_AS = {
    "passed": "passed",
    "xfailed": "passed",
    "failed": "failed",
    "error": "failed",
    "errors": "failed",
    "skipped": "skipped",
}

Commands = Callable[[Path], Iterator[Sequence[str]]]


class Absent(Exception):
    """What a gate needs is not on this machine: it is skipped, but fails on CI."""


@dataclass(frozen=True)
class Gate:
    """One check: the commands to run one after the other in a fresh copy of the collection.

    home: what installs the collection in its home, as molecule and ansible-lint do, needs one of its own."""

    name: str
    commands: Commands
    venv: Path = VENV
    home: str = "common"
    variables: dict[str, str] = field(default_factory=dict)
    counts_tests: bool = False


@dataclass(frozen=True)
class Outcome:
    """counts: of tests, by passed, failed and skipped. slowest: seconds of each, and their names."""

    name: str
    seconds: float
    counts: Counter[str]
    slowest: dict[str, float] = field(default_factory=dict)


def run_gates(*stages: Iterable[Gate]) -> int:
    """Runs the stages one after the other and returns the exit status."""
    begun, outcomes = time.monotonic(), list[Outcome]()
    for stage in stages:
        with ThreadPoolExecutor(CORES) as pool:
            outcomes += pool.map(_run, stage)
    print("\n".join(_times(outcomes, time.monotonic() - begun)))
    total = sum((outcome.counts for outcome in outcomes), Counter[str]())
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


def _times(outcomes: Sequence[Outcome], whole: float) -> Iterator[str]:
    """The seconds of each part and of the slowest tests."""
    every = [(seconds, name) for outcome in outcomes for name, seconds in outcome.slowest.items()]
    if slowest := sorted(every, reverse=True)[:SLOWEST]:
        yield f"\nThe {len(slowest)} slowest tests, in seconds:"
        yield from (f"{seconds:7.1f}  {name}" for seconds, name in slowest)
    yield f"\nThe parts, up to {CORES} at once, in seconds:"
    for outcome in sorted(outcomes, key=lambda each: each.seconds, reverse=True):
        yield f"{outcome.seconds:7.0f}  {outcome.name}"
    yield f"{whole:7.0f}  all\n"


def _run(gate: Gate) -> Outcome:
    log = WORK / "log" / f"{gate.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        try:
            passed = _run_commands(gate, output)
        except Absent as absent:
            print(f"{'FAIL' if CI else 'skip'}  {gate.name}: {absent}", flush=True)
            return Outcome(gate.name, 0, Counter(["failed" if CI else "skipped"]))
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    closing = [line for line in lines if CLOSING_LINE.match(line)] if gate.counts_tests else []
    counts = _count(closing) if closing else Counter()
    if not closing or (not passed and not counts["failed"]):
        counts["passed" if passed else "failed"] += 1
    seconds = time.monotonic() - begun
    report = [f"{'ok  ' if passed else 'FAIL'}  {gate.name} ({seconds:.0f} s)"]
    report += closing if passed else ["", *lines[-SHOWN_LINES:], "", f"All of it: {log.relative_to(ROOT)}", ""]
    print("\n".join(report), flush=True)
    return Outcome(gate.name, seconds, counts, _slowest(lines))


def _slowest(lines: Iterable[str]) -> dict[str, float]:
    """Seconds by test, as pytest's --durations tells them: set-up, call and teardown together."""
    slowest: defaultdict[str, float] = defaultdict(float)
    for told in filter(None, map(SLOW_LINE.match, lines)):
        slowest[told[2]] += float(told[1])
    return slowest


def _run_commands(gate: Gate, output: TextIO) -> bool:
    tree, collection = lay(gate.name)
    variables = environment(gate.venv, tree, gate.home) | gate.variables
    # Without the first, ansible-test asks the git of our clone for files, which ignores .work.
    variables |= {"ANSIBLE_TEST_CONTENT_ROOT": str(collection), "NO_COLOR": "1"}
    for command in gate.commands(collection):
        print(f"$ {shlex.join(command)}", file=output, flush=True)
        if not _run_one(command, collection, variables, output):
            return False
    return True


def _run_one(command: Sequence[str], folder: Path, variables: dict[str, str], output: TextIO) -> bool:
    """Whether the command ended well and in time; what it started is ended with it."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(LIMIT_SECONDS) == 0
    except subprocess.TimeoutExpired:
        print(f"Stopped: not done after {LIMIT_SECONDS} s.", file=output)
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _count(closing_lines: Iterable[str]) -> Counter[str]:
    """The tests that pytest's closing lines tell of."""
    counts: Counter[str] = Counter()
    for line in closing_lines:
        for number, word in re.findall(r"(\d+) (\w+)", line.split(" in ")[0]):
            if word in COUNTED_AS:
                counts[COUNTED_AS[word]] += int(number)
    return counts
