# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The course of devices through steps: each device goes on by itself, and no step waits for devices that take long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from .runner import Board, Outcome, StepRun

__all__ = ["take_through"]


def take_through(
    runs: Sequence[StepRun], devices: Iterable[str], *, sleep: Callable[[float], None] = time.sleep
) -> list[Outcome]:
    """As far as the devices go now. runs: of one campaign, in the order of its steps. In check mode nothing is sent."""
    wanted = list(dict.fromkeys(devices))
    board = Board(runs[0].ledger.states(runs[0].campaign, wanted))
    for run in runs:
        run.begin(wanted, board)
    if runs[0].check_mode:
        return [run.predicted() for run in runs]
    while True:
        _give_turns(runs)
        looks = [run.next_look for run in runs if run.next_look is not None]
        if looks:
            pause = min(looks) - runs[0].monotonic()
            if pause > 0:
                sleep(pause)
        elif not any(run.consider_again() for run in runs):
            return [run.outcome() for run in runs]


def _give_turns(runs: Sequence[StepRun]) -> None:
    calm = over = True
    for run in runs:
        run.look()
        run.advance(calm=calm, over=over)
        calm, over = calm and run.is_calm, over and run.next_look is None
