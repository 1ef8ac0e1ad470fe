# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A campaign's words: its steps, the states of a device in a step, and which state may follow which."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = [
    "OPEN",
    "SETTLED",
    "STEPS",
    "TRANSITIONS",
    "Change",
    "Event",
    "Record",
    "State",
    "comes_first",
    "command_id",
    "is_leaving",
    "may_have_changed",
    "standing",
]

NOTHING: Mapping[str, Any] = MappingProxyType({})
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "nendo.apple_mdm")


class State(str, Enum):
    PLANNED = "planned"
    INTENDED = "intended"  # the intention is stored; the request may have left
    SENT = "sent"  # the far side has taken the request
    PENDING = "pending"  # looked for, and not yet carried out
    IN_DOUBT = "in_doubt"  # whether the request arrived is not known: a crash, or an answer that was lost
    DONE = "done"  # by evidence
    FAILED = "failed"
    SKIPPED = "skipped"  # with the reason


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.INTENDED, State.DONE, State.FAILED, State.SKIPPED}),
    State.INTENDED: frozenset({State.SENT, State.DONE, State.FAILED, State.SKIPPED, State.IN_DOUBT, State.PLANNED}),
    State.SENT: frozenset({State.PENDING, State.DONE, State.FAILED, State.PLANNED}),
    State.PENDING: frozenset({State.PENDING, State.DONE, State.FAILED, State.PLANNED}),  # itself: with another reason
    State.IN_DOUBT: frozenset({State.SENT, State.PENDING, State.DONE, State.FAILED, State.PLANNED}),
    State.FAILED: frozenset({State.PLANNED, State.DONE}),
    State.SKIPPED: frozenset({State.PLANNED}),
    State.DONE: frozenset(),
}
OPEN = frozenset({State.SENT, State.PENDING, State.IN_DOUBT})

STEPS: Mapping[str, tuple[str, ...]] = {
    "donate": ("collect", "profiles", "apps", "licences", "delete", "unassign", "release", "users", "organizations"),
    "reassign": ("collect", "wipe", "users", "organizations"),
}
NEVER_WITHOUT: Mapping[str, tuple[str, ...]] = {
    "delete": ("profiles", "apps", "licences"),
    "release": ("unassign",),
    "users": ("unassign", "wipe"),
}
ON_THE_DEVICE = ("profiles", "apps", "delete", "wipe")
SETTLED = frozenset({State.DONE, State.SKIPPED})
UNSENT = frozenset({State.PLANNED, State.FAILED, State.SKIPPED})


def comes_first(step: str, states: Mapping[str, State]) -> str | None:
    """The step that a device has to be through before this one: an earlier one that was begun and is not settled, or one
    without which this is never done. states: of the device's steps that were begun."""
    steps = STEPS["reassign" if "wipe" in (step, *states) else "donate"]
    for earlier in steps[: steps.index(step)]:
        needed = earlier in states or earlier in NEVER_WITHOUT.get(step, ())
        if needed and states.get(earlier) not in SETTLED:
            return earlier
    return None


def standing(outcome: str, states: Mapping[str, State]) -> tuple[str, str | None]:
    """done, failed or pending, and the step that stands in the way. states: of the device's steps that were begun.

    A step that was never begun is still to come, but for release, which is only done where it is asked for."""
    steps = [step for step in STEPS[outcome] if step in states or step != "release"]
    left = [step for step in steps if states.get(step) not in SETTLED]
    failed = [step for step in left if states.get(step) is State.FAILED]
    if failed:
        return "failed", failed[0]
    return ("pending", left[0]) if left else ("done", None)


def is_leaving(states: Mapping[str, State]) -> bool:
    """Whether a device that is given away has steps to come."""
    return "wipe" not in states and standing("donate", states)[0] == "pending"


def may_have_changed(states: Mapping[str, State]) -> bool:
    """Whether what was collected of a device has to be asked anew: nothing has gone on from it yet, or something failed."""
    acted = [states[step] for step in ON_THE_DEVICE if step in states]
    return State.FAILED in acted or UNSENT.issuperset(acted)


@functools.cache
def command_id(campaign: str, device: str, step: str, failures: int = 0) -> str:
    """The same for ever; another one only after a failure that is proven, when the earlier command is dead."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join((campaign, device, step, str(failures)))))


class Record(NamedTuple):
    """A device in a step. attempts: how often a request was intended. failures: how often it was proven to have failed.

    reason: why, or what is awaited, by language. Times: UTC, ISO 8601."""

    campaign: str
    tenant: str
    device: str
    step: str
    state: State
    attempts: int = 0
    failures: int = 0
    repeatable: bool = True
    evidence: Mapping[str, Any] = NOTHING
    reason: Mapping[str, str] | None = None
    intended_at: str | None = None
    settled_at: str | None = None

    @property
    def command_id(self) -> str:
        return command_id(self.campaign, self.device, self.step, self.failures)


class Change(NamedTuple):
    """What became of a record."""

    record: Record
    state: State
    evidence: Mapping[str, Any] = NOTHING
    reason: Mapping[str, str] | None = None
    repeatable: bool = True


class Event(NamedTuple):
    """What an MDM server told of a device. payload: the device's own message, a plist. status: of an answer; of a
    TokenUpdate "first" if it is its enrolment's first, and "awaiting" if the device stands in Setup Assistant. Times: UTC, ISO 8601.

    number: the ledger's, greater than those of all that were stored before; 0 before it is stored."""

    topic: str
    created_at: str
    enrollment_id: str
    payload: bytes
    serial: str | None = None
    command_uuid: str | None = None
    status: str | None = None
    number: int = 0
