# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MDM commands by NanoMDM's enqueue: one command for many devices where it is the same for all of them.

Whether a command is in the queue is told by command_error, not by the status: a push that failed answers 500, too. A
CommandUUID that the server knows is refused, which makes sending again harmless.
"""

from __future__ import annotations

import plistlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..._errors import AccessRefused, ServiceError
from ..._http import HttpClient
from ..._portions import portions

__all__ = ["AT_ONCE", "Commands", "Parcel", "Queued", "derived", "packed"]

IDS_AT_ONCE = 100  # they stand in the address, of which proxies take 4 to 8 kB
THREADS = 16
AT_ONCE = THREADS * IDS_AT_ONCE  # devices to which a command goes at the same time
ANSWERS = (200, 207, 500)
GONE = "push HTTP status: 410"  # APNs of a token whose enrolment the device no longer has


def derived(*names: str) -> str:
    """A CommandUUID that is the same for the same names."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\0".join(("nendo.apple_mdm", *names))))


@dataclass(frozen=True)
class Parcel:
    """One command for the enrolments of these ids."""

    command_uuid: str
    ids: Sequence[str]
    command: Mapping[str, Any]


@dataclass(frozen=True)
class Queued:
    """What the server made of a parcel. queued: None where no answer came. why: its words where it is not. known: the
    CommandUUID was there before. refused: where access was. gone: ids whose devices have no such enrolment any more."""

    queued: bool | None
    why: str = ""
    known: bool = False
    refused: AccessRefused | None = None
    gone: frozenset[str] = field(default_factory=frozenset)


def packed(ids: Sequence[str], command: Mapping[str, Any], *names: str) -> Iterator[Parcel]:
    """The command to all of the ids, in parcels that the server takes. names: tell this sending from others."""
    for part in portions(ids, IDS_AT_ONCE):
        yield Parcel(derived(*names, command["RequestType"], *part), part, command)


class Commands:
    def __init__(self, client: HttpClient, path_prefix: str) -> None:
        self._client = client
        self._prefix = path_prefix

    def ask(self, parcels: Sequence[Parcel]) -> None:
        """Questions, which may be repeated. ServiceError where one was not taken."""
        kinds = {parcel.command_uuid: parcel.command["RequestType"] for parcel in parcels}
        for answers in self._sent(_turns(parcels), lambda parcel, push: self._enqueue(parcel, push, idempotent=True)):
            for name, told in answers.items():
                if not told.queued:
                    raise ServiceError(f"The MDM server did not take the query {kinds[name]}: {told.why}.")

    def order(self, parcels: Sequence[Parcel]) -> dict[str, Queued]:
        """By CommandUUID, each sent once. The first goes ahead: where it is refused access, that is raised, and where it
        gets no answer, the others are not sent."""
        answers: dict[str, Queued] = {}
        for told in self._sent([*([parcel] for parcel in parcels[:1]), *_turns(parcels[1:])], self._once):
            answers |= told
            first = answers[parcels[0].command_uuid]
            if first.refused:
                raise first.refused
            if first.queued is None:
                not_sent = Queued(False, f"Not sent, since another got no answer: {first.why}")
                return {parcel.command_uuid: not_sent for parcel in parcels} | answers
        return answers

    def wake(self, ids: Sequence[str]) -> set[str]:
        """Devices are pushed to take what waits for them. Those that have no such enrolment any more."""
        with ThreadPoolExecutor(THREADS) as pool:
            return {each for gone in pool.map(self._push, portions(ids, IDS_AT_ONCE)) for each in gone}

    def _sent(
        self, turns: Sequence[Sequence[Parcel]], send: Callable[[Parcel, bool], Queued]
    ) -> Iterator[dict[str, Queued]]:
        """The parcels of a turn at the same time, each device being pushed with its last."""
        with ThreadPoolExecutor(THREADS) as pool:
            for number, turn in enumerate(turns):
                later = {each for others in turns[number + 1 :] for parcel in others for each in parcel.ids}
                pushes = [not later.issuperset(parcel.ids) for parcel in turn]
                names = [parcel.command_uuid for parcel in turn]
                yield dict(zip(names, pool.map(send, turn, pushes), strict=True))

    def _once(self, parcel: Parcel, push: bool) -> Queued:
        try:
            return self._enqueue(parcel, push, idempotent=False)
        except AccessRefused as error:
            return Queued(False, str(error), refused=error)
        except ServiceError as error:
            return Queued(False, str(error)) if 400 <= (error.status or 0) < 500 else Queued(None, str(error))

    def _enqueue(self, parcel: Parcel, push: bool, *, idempotent: bool) -> Queued:
        body = plistlib.dumps({"CommandUUID": parcel.command_uuid, "Command": dict(parcel.command)})
        path = f"{self._prefix}/enqueue/{','.join(parcel.ids)}"
        params = None if push else {"nopush": "1"}
        answer = self._client.request("PUT", path, params=params, data=body, idempotent=idempotent, expect=ANSWERS)
        return _read(answer.json())

    def _push(self, ids: Sequence[str]) -> frozenset[str]:
        answer = self._client.request("GET", f"{self._prefix}/push/{','.join(ids)}", idempotent=True, expect=ANSWERS)
        return _read(answer.json()).gone


def _turns(parcels: Sequence[Parcel]) -> list[list[Parcel]]:
    """No two parcels of a turn are for the same device: NanoMDM's queues lose commands that come at the same time."""
    turns: list[tuple[set[str], list[Parcel]]] = []
    for parcel in parcels:
        busy, turn = next((each for each in turns if each[0].isdisjoint(parcel.ids)), (set[str](), []))
        if not turn:
            turns.append((busy, turn))
        busy.update(parcel.ids)
        turn.append(parcel)
    return [turn for _busy, turn in turns]


def _read(answer: Mapping[str, Any]) -> Queued:
    """NanoMDM does not tell which id an error of the queue belongs to, so that is a doubt for all."""
    status: Mapping[str, Mapping[str, Any]] = answer.get("status") or {}
    gone = frozenset(each for each, told in status.items() if str(told.get("push_error")).startswith(GONE))
    if refused := str(answer.get("command_error") or ""):
        known = "already exists" in refused
        return Queued(known, refused, known)
    if left_out := next((told["command_error"] for told in status.values() if told.get("command_error")), None):
        return Queued(None, str(left_out), gone=gone)
    return Queued(True, gone=gone)
