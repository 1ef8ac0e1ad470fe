# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands to NanoMDM: how its answers are read, and that no two are for the same device at the same time."""

from __future__ import annotations

import plistlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import AccessRefused, ServiceError
from ansible_collections.nendo.apple_mdm.plugins.module_utils._http import HttpClient, Response
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.commands import Commands, Parcel, packed
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import DROPPED, Answer, FarSide, as_json

LEFT = {"push_error": "push HTTP status: 410: APNs push error: Unregistered: timestamp 1700000000000"}
OTHER = {"push_error": "push HTTP status: 400: APNs push error: BadDeviceToken"}
TAKEN = {"status": {"A": {"push_result": "1"}}, "command_uuid": "u", "request_type": "ProfileList"}


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide(as_json(TAKEN)) as running:
        yield running


@pytest.fixture
def commands(far_side: FarSide) -> Iterator[Commands]:
    client = HttpClient(far_side.url, auth=("nanomdm", "key"), timeout=5, sleep=lambda _seconds: None)
    yield Commands(client, "/v1")
    client.close()


def parcel(name: str, *ids: str) -> Parcel:
    return Parcel(name, ids or ("A",), {"RequestType": "RemoveProfile", "Identifier": name})


@pytest.mark.parametrize(
    ("answer", "queued", "known", "gone"),
    [
        pytest.param(as_json(TAKEN), True, False, set(), id="taken"),
        pytest.param(as_json({"status": {"A": LEFT, "B": OTHER}}, 500), True, False, {"A"}, id="one left"),
        pytest.param(as_json({"status": {"A": {"push_result": "1", **LEFT}}}, 207), True, False, {"A"}, id="v0.9.0"),
        pytest.param(as_json({"push_error": "no certificate"}, 500), True, False, set(), id="no push"),
        pytest.param(as_json({"command_error": "command already exists: u"}, 500), True, True, set(), id="known"),
        pytest.param(as_json({"command_error": "disk full"}, 500), False, False, set(), id="not taken"),
        pytest.param(as_json({"status": {"u": {"command_error": "x"}}}, 207), None, False, set(), id="for one of them"),
        pytest.param(Answer(500, b"panic"), None, False, set(), id="no words of NanoMDM's"),
        pytest.param(Answer(502, b""), None, False, set(), id="a proxy"),
        pytest.param(Answer(413, b""), False, False, set(), id="a proxy that did not let it through"),
        pytest.param(DROPPED, None, False, set(), id="no answer"),
    ],
)
def test_what_became_of_a_command(
    far_side: FarSide, commands: Commands, answer: Answer, queued: bool | None, known: bool, gone: set[str]
) -> None:
    far_side.answers = [answer]
    told = commands.order([parcel("u", "A", "B")])["u"]
    assert (told.queued, told.known, set(told.gone)) == (queued, known, gone)
    (asked,) = far_side.asked
    assert (asked.method, asked.path) == ("PUT", "/v1/enqueue/A,B")
    sent = plistlib.loads(asked.body)
    assert sent == {"CommandUUID": "u", "Command": {"RequestType": "RemoveProfile", "Identifier": "u"}}


def test_the_first_that_is_refused_access_is_the_last(far_side: FarSide, commands: Commands) -> None:
    far_side.answers = [Answer(401)]
    with pytest.raises(AccessRefused):
        commands.order([parcel("u"), parcel("v")])
    assert len(far_side.asked) == 1


def test_where_the_first_gets_no_answer_the_others_are_not_sent(far_side: FarSide, commands: Commands) -> None:
    far_side.answers = [DROPPED]
    told = commands.order([parcel("u"), parcel("v", "B")])
    assert (told["u"].queued, told["v"].queued) == (None, False) and "another got no answer" in told["v"].why
    assert len(far_side.asked) == 1


def test_a_question_is_repeated_and_the_server_knows_it_then(far_side: FarSide, commands: Commands) -> None:
    known = as_json({"command_error": "command already exists: u"}, 500)
    far_side.answers = [Answer(503), known]
    commands.ask([parcel("u")])
    assert len(far_side.asked) == 2
    far_side.answers = [as_json({"command_error": "disk full"}, 500)]
    with pytest.raises(ServiceError, match="RemoveProfile: disk full"):
        commands.ask([parcel("u")])


def test_a_device_is_pushed_with_its_last_command(far_side: FarSide, commands: Commands) -> None:
    """While it answers one, NanoMDM may lose the next."""
    commands.order([parcel("u", "A", "B"), parcel("v", "B"), parcel("w", "A", "C")])
    pushed = {plistlib.loads(each.body)["CommandUUID"]: "nopush" not in each.path for each in far_side.asked}
    assert pushed == {"u": False, "v": True, "w": True}


def test_who_is_gone_is_told_by_a_push_alone(far_side: FarSide, commands: Commands) -> None:
    far_side.answers = [as_json({"status": {"A": LEFT, "B": {"push_result": "1"}}}, 207)]
    assert commands.wake(["A", "B"]) == {"A"} and commands.wake([]) == set()
    assert [(asked.method, asked.path) for asked in far_side.asked] == [("GET", "/v1/push/A,B")]


class Slow:
    """Instead of an HTTP client: notes which devices are served at the same time."""

    def __init__(self) -> None:
        self.at_once: Counter[str] = Counter()
        self.most, self.calls, self._lock, self._now = 0, 0, threading.Lock(), 0
        self.clashes: list[str] = []

    def request(self, _method: str, path: str, **_more: Any) -> Response:
        ids = path.rsplit("/", 1)[1].split(",")
        with self._lock:
            self.clashes += [each for each in ids if self.at_once[each]]
            self.at_once.update(ids)
            self.calls, self._now = self.calls + 1, self._now + 1
            self.most = max(self.most, self._now)
        time.sleep(0.01)
        with self._lock:
            self.at_once.subtract(ids)
            self._now -= 1
        return Response(200, {}, b"{}", "")


@pytest.mark.parametrize("act", ["ask", "order"])
def test_many_at_once_but_never_two_for_the_same_device(act: str) -> None:
    """NanoMDM's key-value storage loses commands that come at the same time for the same device."""
    client: Any = Slow()
    ids = [f"UDID-{number}" for number in range(950)]
    parcels = [each for name in "abcdef" for each in packed(ids, {"RequestType": name}, name)]
    parcels += packed(ids[50:250:3], {"RequestType": "x"}, "x")
    getattr(Commands(client, "/v1"), act)(parcels)
    assert (client.calls, client.clashes) == (61, []) and client.most > 5
