# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the embedded NanoMDM does with what devices and administrators tell it: enrollments and queues, no network."""

from __future__ import annotations

import functools
import plistlib
from typing import Any

from .command_queue import Queue
from .state import Command, Enrollment, NanoMdm

NOT_NOW = "NotNow"


def enqueue(server: NanoMdm, ids: list[str], command_uuid: str, raw: bytes) -> None:
    """Ids that nobody knows get a queue, too."""
    each_once = dict.fromkeys(ids)
    server.commands[command_uuid] = Command(raw.decode("latin-1"), len(each_once))
    for each in each_once:
        server.queues.setdefault(each, Queue()).add(command_uuid)


def next_command(server: NanoMdm, enrollment_id: str, skip_not_now: bool) -> str | None:
    """The UUID of the first command in the queue; after a NotNow, of the first that was not put off."""
    queue = server.queues.get(enrollment_id, Queue())
    return next((each for each in queue if not (skip_not_now and each in queue.put_off)), None)


def given(server: NanoMdm, command_uuid: str) -> dict[str, Any]:
    command = server.commands[command_uuid]
    assert command is not None
    return parsed(command.raw)


@functools.lru_cache(maxsize=256)
def parsed(raw: str) -> dict[str, Any]:
    """Shared by the devices that were given the same command: not to be changed."""
    return plistlib.loads(raw.encode("latin-1"), fmt=plistlib.FMT_XML)


def report(server: NanoMdm, enrollment_id: str, command_uuid: str, status: str, *, faulty: bool) -> None:
    """faulty: as in Queue.remove. The text of a command is kept then, since it may be offered again."""
    queue = server.queues[enrollment_id]
    if status == NOT_NOW:
        queue.put_off[command_uuid] = None
        return
    queue.remove(command_uuid, faulty=faulty)
    if not queue.first:
        del server.queues[enrollment_id]
    if not faulty:
        _waits_no_longer(server, command_uuid)


def _waits_no_longer(server: NanoMdm, command_uuid: str) -> None:
    """The text goes with the last who waits; that the UUID was used is never forgotten."""
    command = server.commands[command_uuid]
    assert command is not None
    command.left -= 1
    if not command.left:
        server.commands[command_uuid] = None


def check_in(server: NanoMdm, enrollment_id: str, message: dict[str, Any]) -> Enrollment:
    """The enrollment as the message leaves it."""
    enrollment = server.enrollments.setdefault(enrollment_id, Enrollment("", message["Topic"], tally=0))
    kind = message["MessageType"]
    if kind == "Authenticate":
        for command_uuid in server.queues.pop(enrollment_id, Queue()):
            _waits_no_longer(server, command_uuid)
        enrollment.enabled, enrollment.tally, enrollment.pushed = False, 0, False
    elif kind == "TokenUpdate":
        server.ids_of_tokens.pop(enrollment.token, None)
        enrollment.token, enrollment.topic = message["Token"].hex(), message["Topic"]
        server.ids_of_tokens[enrollment.token] = enrollment_id
        enrollment.enabled = enrollment.enrolled = True
        enrollment.tally += 1
    elif kind == "CheckOut":
        enrollment.enabled = False
    return enrollment
