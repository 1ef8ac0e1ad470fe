# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs gates, two at a time: output to .work/log/NAME.log, one line each, the end of what failed, a closing line."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from lay import lay
from work import CI, ROOT, VENV, WORK, environment

AT_ONCE = 2
LIMIT_SECONDS = 4500
SHOWN_LINES = 60
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


def run_gates(*stages: Iterable[Gate]) -> int:
    """Runs the stages one after the other and returns the exit status."""
    total: Counter[str] = Counter()
    for stage in stages:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for counts in pool.map(_run, stage):
                total += counts
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


def _run(gate: Gate) -> Counter[str]:
    log = WORK / "log" / f"{gate.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        try:
            passed = _run_commands(gate, output)
        except Absent as absent:
            print(f"{'FAIL' if CI else 'skip'}  {gate.name}: {absent}", flush=True)
            return Counter(["failed" if CI else "skipped"])
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    closing = [line for line in lines if CLOSING_LINE.match(line)] if gate.counts_tests else []
    counts = _count(closing) if closing else Counter()
    if not closing or (not passed and not counts["failed"]):
        counts["passed" if passed else "failed"] += 1
    report = [f"{'ok  ' if passed else 'FAIL'}  {gate.name} ({time.monotonic() - begun:.0f} s)"]
    report += closing if passed else ["", *lines[-SHOWN_LINES:], "", f"All of it: {log.relative_to(ROOT)}", ""]
    print("\n".join(report), flush=True)
    return counts


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
