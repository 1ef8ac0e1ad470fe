# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A campaign's devices without a server: what was sent is a list, what is heard is put into the ledger, time goes by."""

from __future__ import annotations

import plistlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import to_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.course import take_through
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import Change, Event, Record, State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.notebook import Notebook
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.runner import StepRun
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.commands import Parcel, Queued
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import DeviceStep

CAMPAIGN, TENANT, DEVICE, ID = "graduation-2027", "school", "C02XK0AB0001", "UDID-1"
MDM = {"identifier": "com.example.mdm", "managed": True, "mdm": True}
WIFI = {"identifier": "com.example.wifi", "managed": True, "mdm": False}
OWN = {"identifier": "com.example.own", "managed": False, "mdm": False}
NO_CERTIFICATES: dict[str, Any] = {  # answers to CertificateList that cannot be read
    "no property list": b"nonsense",
    "a number": {"CertificateList": 7},
    "no data": {"CertificateList": [{"Data": "text", "IsIdentity": True}]},
}


@dataclass
class Sent:
    """Commands that go nowhere. answer: what the server makes of each. gone: ids that no push reaches."""

    answer: Callable[[Parcel], Queued] = lambda parcel: Queued(True)
    orders: list[Parcel] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def ask(self, parcels: Sequence[Parcel]) -> None:
        self.orders += parcels

    def order(self, parcels: Sequence[Parcel]) -> dict[str, Queued]:
        self.orders += parcels
        return {parcel.command_uuid: self.answer(parcel) for parcel in parcels}

    def wake(self, ids: Sequence[str]) -> set[str]:
        self.woken += ids
        return self.gone.intersection(ids)

    def last(self, request_type: str) -> str:
        """The CommandUUID of the newest of the kind."""
        return self.uuids(request_type)[-1]

    def uuids(self, request_type: str) -> list[str]:
        return [each.command_uuid for each in self.orders if each.command["RequestType"] == request_type]


@dataclass
class Story:
    """make: the step of one run, by the commands, the notebook and the clock."""

    ledger: Ledger
    make: Callable[[Any, Notebook, Callable[[], datetime]], DeviceStep]
    now: datetime
    sent: Sent = field(default_factory=Sent)

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)

    def run(self) -> Record:
        """The device as one run of the step leaves it."""
        step = self.make(self.sent, Notebook(self.ledger, CAMPAIGN, TENANT), lambda: self.now)
        run = StepRun(self.ledger, step, CAMPAIGN, TENANT, check_mode=False, wait_timeout=0, clock=lambda: self.now)
        return take_through([run], [DEVICE])[0].records[DEVICE]

    def state(self) -> State:
        return self.run().state

    # What devices and the server tell

    def enrols(self, *, awaiting: bool = False, first: bool = True, authenticate: bool = True) -> str:
        """When it began."""
        began = self.now
        if authenticate:
            self.tell("mdm.Authenticate", serial=DEVICE)
        self.passes(milliseconds=5)
        words = [*(["first"] if first else []), *(["awaiting"] if awaiting else [])]
        self.tell("mdm.TokenUpdate", {"AwaitingConfiguration": awaiting}, status=" ".join(words) or None)
        self.passes(milliseconds=5)
        return to_exact(began)

    def hears(self, command_uuid: str, status: str = "Acknowledged", **message: Any) -> None:
        self.says(command_uuid, {"Status": status, **message}, status)

    def says(self, command_uuid: str, message: dict[str, Any] | bytes, status: str = "Acknowledged") -> None:
        """bytes: what it says instead of a property list."""
        self.tell("mdm.Connect", message, command_uuid=command_uuid, status=status)

    def tell(self, topic: str, message: dict[str, Any] | bytes | None = None, **about: Any) -> None:
        payload = message if isinstance(message, bytes) else plistlib.dumps(message or {})
        self.ledger.receive([(Event(topic, to_exact(self.now), ID, payload, **about), {})])

    def settled(self, step: str) -> None:
        """The device is through an earlier step."""
        self.ledger.plan(CAMPAIGN, TENANT, step, [DEVICE])
        records = self.ledger.records(CAMPAIGN, step=step)
        self.ledger.settle([Change(record, State.DONE) for record in records], self.now)

    def collected(self, enrolled_at: str, **facts: Any) -> None:
        usual = {"profiles": [MDM, WIFI], "managed_apps": ["com.example.agent"], "supervised": True, "ethernet": True}
        usual |= {
            "os_version": "18.4",
            "enrollment_id": ID,
            "enrolled_at": enrolled_at,
            "first_enrolled_at": enrolled_at,
            "last_answer_at": enrolled_at,
        }
        self.ledger.keep_facts(CAMPAIGN, TENANT, {DEVICE: {**usual, **facts}})


def to_exact(moment: datetime) -> str:
    return f"{to_iso(moment.replace(microsecond=0))[:19]}.{moment.microsecond:06d}Z"
