# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A far side that tests can make lose answers, fail late or wait, and runs of steps against it in no time."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import AppleMdmError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.course import take_through
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.runner import Outcome, StepRun
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Evidence, Found, Item
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import NOW

__all__ = ["CAMPAIGN", "DEVICES", "TENANT", "WHY", "FarSide", "Time", "run_step", "step_run"]

CAMPAIGN, TENANT = "graduation-2027", "school"
DEVICES = [f"C02{number:02d}" for number in range(6)]
WHY = {"en": "Because.", "ja": "理由。"}


@dataclass
class FarSide:
    """A step whose effects are lines in a file, so that they outlive the process that caused them.

    looks_needed: a device shows its effect after so many looks. answers, seen: what is told instead of the truth."""

    file: Path
    name: str = "wipe"
    limit: int = 4
    preflight_limit: int = 1000
    looks_free: bool = True
    lasting: bool = True
    needs_facts: bool = False
    poll: float = 3
    looks_needed: int = 0
    refused: Mapping[str, Evidence] = field(default_factory=dict)
    answers: Mapping[str, Evidence] = field(default_factory=dict)
    error: AppleMdmError | None = None
    effect_before_error: bool = False
    seen: Callable[[Item], Evidence | None] = lambda item: None
    calls: list[list[str]] = field(default_factory=list)
    looks: int = 0

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        return {item.device: self.refused[item.device] for item in items if item.device in self.refused}

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        return {item.device: {"attempt": item.attempt + 1} for item in items}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        self.calls.append([item.device for item in items])
        error, self.error = self.error, None
        if error and not self.effect_before_error:
            raise error
        told = {}
        for item in items:
            answer = self.answers.get(item.device, Evidence(Found.PENDING))
            if answer.found not in (Found.FAILED, Found.NOT_ARRIVED):
                self._take_effect(item)
            told[item.device] = answer
        if error:
            raise error
        return {device: answer for device, answer in told.items() if answer.found is not Found.UNKNOWN}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        self.looks += 1
        done = self.effects()
        told = {}
        for item in items:
            truth = (
                Evidence(Found.DONE, facts={"by": item.command_id})
                if done[item.device]
                else Evidence(Found.NOT_ARRIVED)
            )
            if done[item.device] and self.looks <= self.looks_needed:
                truth = Evidence(Found.PENDING, WHY)
            told[item.device] = self.seen(item) or truth
        return told

    def _take_effect(self, item: Item) -> None:
        with open(os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as stream:
            stream.write(json.dumps(item.device) + "\n")

    def effects(self) -> Counter[str]:
        return Counter(map(json.loads, self.file.read_text().splitlines() if self.file.exists() else []))


@dataclass
class Time:
    seconds: float = 0

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def run_step(
    ledger: Ledger,
    step: FarSide,
    *,
    check_mode: bool = False,
    devices: Sequence[str] = DEVICES,
    campaign: str = CAMPAIGN,
) -> Outcome:
    time = Time()
    return take_through([step_run(ledger, step, time, check_mode, campaign)], devices, sleep=time.sleep)[0]


def step_run(
    ledger: Ledger, step: FarSide, time: Time, check_mode: bool = False, campaign: str = CAMPAIGN, seconds: float = 10
) -> StepRun:
    return StepRun(ledger, step, campaign, TENANT, check_mode, seconds, None, time.clock, time.monotonic)
