# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every MDM driver offers: one port a credential, one step a kind of work on devices, each saying what it can do.

A driver knows its server and nothing of Ansible, windows, orders or retries of policy. It returns plain data and
raises the errors of _errors. What a port cannot do it leaves out of its abilities; callers ask before they call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

__all__ = ["Ability", "ConsoleStep", "CredentialPort", "DeviceStep", "Evidence", "Found", "InUse", "Item", "MdmDriver"]


class Ability(str, Enum):
    """What a port can do with its credential."""

    READ = "read"  # tell what is in use now
    REQUEST = "request"  # make the file that goes to Apple (a CSR signed by the vendor, a public key)
    UPLOAD = "upload"  # take what Apple gave back
    EXAMINE = "examine"  # ask Apple about a received file before it is uploaded
    CHECK = "check"  # prove with Apple that the credential in use works
    CHECK_ANYTIME = "check_anytime"  # CHECK writes nothing, so that it also serves reports and dry runs


@dataclass(frozen=True)
class InUse:
    """A credential as the far side tells it. No secrets.

    identity: what must stay the same at a renewal: the push topic; the consumer key of a server token; the uId of a
    content token's location, or its organisation where the uId is not known.
    """

    identity: str
    not_after: datetime
    serial: str | None = None  # push certificate: upper-case hex; None where the server does not tell
    facts: Mapping[str, Any] = field(default_factory=dict)  # more plain data for people: organisation, server_uuid, …


class CredentialPort(Protocol):
    """One credential of one tenant on one MDM server."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """May ask the server once (a version that cannot read back): no write, remembered."""

    def read(self, identity: str | None) -> InUse | None:
        """What is in use; None where there is none. identity: the known one, for servers that must be given it."""

    def assumed(self) -> InUse | None:
        """What the inventory says is in use, for a server that does not tell it and has no order yet. No network."""

    def request(self) -> bytes:
        """The file for Apple, made by the server. A WRITE: it may replace the server's key pair. Once an order."""

    def examine(self, received: bytes, private_key: bytes | None, known: InUse | None) -> Mapping[str, Any]:
        """What Apple says of a received file, before the upload: plain facts. Raises OtherOwner, AccessRefused. No write.

        private_key: as for upload. known: the credential in use before the order, to compare identities."""

    def upload(self, received: bytes, private_key: bytes | None) -> InUse:
        """Store it on the server; what the server's answer tells. Sending the same file again must do no harm.

        private_key: unencrypted PEM, for a push certificate whose key is ours."""

    def check(self) -> Mapping[str, Any]:
        """Ask Apple with the credential in use; plain facts. Raises AccessRefused, TermsNotSigned, OtherOwner."""


class Found(str, Enum):
    """What the far side shows of one device's request."""

    DONE = "done"
    PENDING = "pending"  # it is there and not yet carried out
    FAILED = "failed"  # it was refused or failed, so what was asked for has not happened
    NOT_ARRIVED = "not_arrived"  # proven: the far side never got it
    UNKNOWN = "unknown"  # nothing tells
    SKIPPED = "skipped"  # not needed for this device, or not possible on this server


@dataclass(frozen=True)
class Evidence:
    """reason: why, or what is awaited, by language. repeatable: whether a failure may be tried again by another run."""

    found: Found
    reason: Mapping[str, str] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = True


class Item(NamedTuple):
    """One device's share of a step. command_id: the UUID that every request for it is known by or derived from.

    attempt: how many requests were intended, this one included. facts: as the step collect kept them. evidence: the
    baseline of the last intention, and the facts of what this step was answered and has seen since.
    intended_at: UTC, ISO 8601; None before the first request."""

    device: str
    command_id: str
    facts: Mapping[str, Any] = MappingProxyType({})
    evidence: Mapping[str, Any] = MappingProxyType({})
    intended_at: str | None = None
    attempt: int = 0


class DeviceStep(Protocol):
    """One step of a campaign on one far side. A step decides nothing about repeating; it asks, sends and looks.

    name: as in campaign/model.py. limit: devices a call of send. preflight_limit: devices a call of preflight; what reads a
    list takes all at once. looks_free: evidence writes nothing anywhere, so that
    it also serves dry runs. lasting: what is done stays done; else every run does it anew, as what only asks.
    needs_facts: preflight, baselines and send are given what the step collect kept. poll: seconds between two looks that
    the far side bears."""

    name: str
    limit: int
    preflight_limit: int
    looks_free: bool
    lasting: bool
    needs_facts: bool
    poll: float

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """The devices to which nothing may be sent, and why: DONE, SKIPPED, FAILED, or PENDING where something has to
        happen first. No write."""

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        """By device, what of now the evidence will be compared with, and what its commands will be known by. It is stored
        with the intention, before anything is sent."""

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """The requests, for at most limit devices. A device that is not in the answer is in doubt; NOT_ARRIVED without a reason:
        nothing was sent to it, and it comes again at once.

        Raises only where one request was for all: a ConfigurationError or a status of 400 to 499 means that nothing was
        taken, any other error leaves all in doubt."""

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """What the far side shows now. Questions to devices are looks; what changes something is not. No item has facts."""


@runtime_checkable
class ConsoleStep(Protocol):
    """A step on a server without an API, whose console is worked as an administrator does."""

    def clicks(self, facts: Mapping[str, Any]) -> list[str]:
        """What would be pressed for a device, by the words on the screen. facts: as the step collect kept them, or none."""


class MdmDriver(Protocol):
    """One tenant's MDM server. push_certificate, server_token, content_token: a port, or None.

    takes_back_licences: whether it has a step licences of its own, which goes before Apple's API."""

    name: str
    takes_back_licences: bool

    @property
    def push_certificate(self) -> CredentialPort | None:
        """The APNs certificate's port."""

    @property
    def server_token(self) -> CredentialPort | None:
        """The ADE server token's port."""

    @property
    def content_token(self) -> CredentialPort | None:
        """The port of the content token of Apps and Books."""

    def step(self, name: str, notebook: Any, options: Mapping[str, Any]) -> DeviceStep | None:
        """A step on devices; None for what this server cannot do with its options. A server that has nothing of the kind gives
        a step that skips every device with the reason. notebook: as campaign/notebook.py. options: of collect the outcome of
        its devices, if they have one; else as the step's module has them."""

    @property
    def absent(self) -> Mapping[str, Mapping[str, str]]:
        """The steps that skip every device, and why, by language."""

    @property
    def notices(self) -> Mapping[str, Mapping[str, str]]:
        """By step, what people have to know before it since no step can see it, by language."""

    def close(self) -> None:
        """Give back the connections."""
