# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints how far a step of a campaign has come, or each if STEP is empty, until it is ended: progress.py CAMPAIGN STEP SECONDS.

The ledger is in NENDO_LEDGER, since others can read a process's arguments and its URL may have a password.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Mapping

from .ledger import open_ledger
from .model import STEPS

__all__ = ["line"]

DONE = ("done", "skipped")
OPEN = ("intended", "sent", "pending", "in_doubt")


def line(step: str, counts: Mapping[str, int], done_before: int, seconds: float) -> str:
    """counts: devices by state. done_before: how many were done when we began to look, so many seconds ago."""
    every, done = sum(counts.values()), sum(counts.get(state, 0) for state in DONE)
    pending, failed = sum(counts.get(state, 0) for state in OPEN), counts.get("failed", 0)
    new = done - done_before
    pace = f", {new / seconds * 60:.0f} a minute" if new > 0 else ""
    left = f", about {_time(pending / new * seconds)} left" if new > 0 and pending else ""
    return f"    {step}: {done} of {every} done, {pending} pending, {failed} failed{pace}{left}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def main() -> None:
    campaign, wanted, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ledger = open_ledger(os.environ["NENDO_LEDGER"])
    began, before = time.monotonic(), ledger.summary(campaign)
    told: dict[str, Mapping[str, int]] = dict(before)
    while True:
        time.sleep(seconds)
        passed, now = time.monotonic() - began, ledger.summary(campaign)
        for step in (wanted,) if wanted else dict.fromkeys(itertools.chain(*STEPS.values())):
            if now.get(step) and now[step] != told.get(step):
                done_before = sum(before.get(step, {}).get(state, 0) for state in DONE)
                sys.stdout.write(f"{line(step, now[step], done_before, passed)}\n")
        sys.stdout.flush()
        told = dict(now)


if __name__ == "__main__":
    main()
