# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MDM commands by NanoMDM's enqueue: one for many devices where it only asks, one a device where it changes something.

Whether a command is in the queue is told by command_error, not by the status: a push that failed answers 500, too. A
CommandUUID that the server knows is refused, which makes sending again harmless.
"""

from __future__ import annotations

import plistlib
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..._errors import AccessRefused, ServiceError
from ..._http import HttpClient

__all__ = ["Commands", "Queued", "derived"]

IDS_AT_ONCE = 100
THREADS = 16


def derived(*names: str) -> str:
    """A CommandUUID that is the same for the same names."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\0".join(("nendo.apple_mdm", *names))))


@dataclass(frozen=True)
class Queued:
    """queued: None where no answer came. why: the server's words where it is not. refused: where access was."""

    queued: bool | None
    why: str = ""
    refused: AccessRefused | None = None


class Commands:
    def __init__(self, client: HttpClient, path_prefix: str) -> None:
        self._client = client
        self._path = f"{path_prefix}/enqueue"

    def ask(self, enrollment_ids: Sequence[str], name: str, command: Mapping[str, Any]) -> dict[str, str]:
        """A query to all of them; the CommandUUID for each enrolment. name: tells this asking from others."""
        asked = {}
        for first in range(0, len(enrollment_ids), IDS_AT_ONCE):
            ids = enrollment_ids[first : first + IDS_AT_ONCE]
            command_uuid = derived(name, command["RequestType"], *ids)
            told = self._enqueue(",".join(ids), command_uuid, command, idempotent=True)
            if not told.queued:
                raise ServiceError(f"The MDM server did not take the query {command['RequestType']}: {told.why}.")
            asked.update(dict.fromkeys(ids, command_uuid))
        return asked

    def order(self, commands: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, Queued]:
        """By enrolment: a CommandUUID and a command, each sent once. The first goes ahead: where it is refused access, that is
        raised, and where it gets no answer, the others are not sent."""
        first, *others = commands
        answers = {first: self._one(first, *commands[first])}
        if refused := answers[first].refused:
            raise refused
        if answers[first].queued is None:
            return answers | {
                each: Queued(False, f"Not sent, since another got no answer: {answers[first].why}") for each in others
            }
        with ThreadPoolExecutor(THREADS) as pool:
            return answers | dict(
                zip(others, pool.map(lambda each: self._one(each, *commands[each]), others), strict=True)
            )

    def _one(self, enrollment_id: str, command_uuid: str, command: Mapping[str, Any]) -> Queued:
        try:
            return self._enqueue(enrollment_id, command_uuid, command, idempotent=False)
        except AccessRefused as error:
            return Queued(False, str(error), error)
        except ServiceError as error:
            return Queued(False, str(error)) if 400 <= (error.status or 0) < 500 else Queued(None, str(error))

    def _enqueue(self, ids: str, command_uuid: str, command: Mapping[str, Any], *, idempotent: bool) -> Queued:
        body = plistlib.dumps({"CommandUUID": command_uuid, "Command": dict(command)})
        answer = self._client.request(
            "PUT", f"{self._path}/{ids}", data=body, idempotent=idempotent, expect=(200, 207, 500)
        ).json()
        refused = str(answer.get("command_error") or "")
        return Queued(not refused or "already exists" in refused, refused)
