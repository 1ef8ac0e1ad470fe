# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A line of the bench's table, and what a command costs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cost", "Row", "cost"]


@dataclass(frozen=True)
class Row:
    """must: the limit, in words. kept: whether what was measured is within it."""

    work: str
    measured: str
    must: str
    kept: bool


@dataclass(frozen=True)
class Cost:
    """mebibytes: resident, of the biggest of the command's processes."""

    seconds: float
    mebibytes: int


def cost(command: Sequence[str], log: Path) -> Cost:
    """Of a command that has to end well."""
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{log.read_text()[-3000:]}")
    return Cost(time.monotonic() - began, used.ru_maxrss // 1024)
