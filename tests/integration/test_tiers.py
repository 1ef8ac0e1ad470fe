# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/testing.md tells what `make test` and `make sweep` run: it is compared with the marks in the code and with the gates."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the table below the heading, without its head."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def cases(marks: str) -> Counter[str]:
    """How many cases of each test have these marks, as file::test."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", marks, "tests"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return Counter(re.sub(r"\[.*", "", line).rpartition("/")[2] for line in told.splitlines() if "::" in line)


def test_each_test_of_the_sweep_is_told() -> None:
    sweep, test = cases("sweep"), cases("not sweep")
    told = {re.sub("[`]", "", row[1]): bool(row[2]) for row in rows("Tests that the sweep runs, or runs in more cases")}
    assert told == {name: name in test for name in sweep}


def test_each_part_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    tiers = importlib.import_module("gates").TIERS
    told = [[set(re.findall(r"`([^`]+)`", cell)) for cell in row[1:]] for row in rows("Parts")]
    in_test, in_sweep = (set().union(*column) for column in zip(*told, strict=True))
    assert in_test == {gate.name for gate in tiers["test"]}
    assert in_sweep == {gate.name for gate in tiers["sweep"]}
