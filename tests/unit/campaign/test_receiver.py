# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nendo-events as a process of its own: what it is told is in the ledger when it answers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.client
import itertools
import json
import os
import plistlib
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast

import pytest
import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import LedgerError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger, open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import Event
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver import AT_ONCE, Store
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import NOW

sa = pytest.importorskip("sqlalchemy")

LEDGER_KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
COLLECTIONS = Path(sys.modules[open_ledger.__module__].__file__ or "").parents[6]
KEY = b"a key that both know"
RECEIVER = "ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver"


def authenticate(serial: str = "C02X0001", at: str = "2027-03-20T08:00:00Z") -> dict[str, Any]:
    payload = plistlib.dumps({"MessageType": "Authenticate", "UDID": "UDID-1", "SerialNumber": serial})
    about = {"udid": "UDID-1", "enrollment_id": "UDID-1", "raw_payload": base64.b64encode(payload).decode()}
    return {"topic": "mdm.Authenticate", "created_at": at, "checkin_event": about}


def answer(uuid: str, status: str = "Acknowledged", **more: Any) -> dict[str, Any]:
    payload = plistlib.dumps({"UDID": "UDID-1", "CommandUUID": uuid, "Status": status, **more})
    about = {"enrollment_id": "UDID-1", "status": status, "command_uuid": uuid}
    about["raw_payload"] = base64.b64encode(payload).decode()
    return {"topic": "mdm.Connect", "created_at": "2027-03-20T08:00:01Z", "acknowledge_event": about}


def signed(event: Any, key: bytes = KEY) -> tuple[bytes, dict[str, str]]:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return body, {"X-Hmac-Signature": base64.b64encode(hmac.digest(key, body, hashlib.sha256)).decode()}


class Running:
    """A receiver that listens."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        found = re.search(r"listens at (\S+):(\d+)", process.stdout.readline())
        assert found
        self.address = (found[1], int(found[2]))

    def tell(self, event: Any, key: bytes = KEY) -> int:
        body, headers = signed(event, key)
        return requests.post("http://{}:{}/".format(*self.address), data=body, headers=headers, timeout=30).status_code

    def raw(self, data: bytes) -> socket.socket:
        connection = socket.create_connection(self.address, timeout=30)
        connection.sendall(data)
        return connection


Start = Callable[[], Running]


@pytest.fixture
def start(location: str, tmp_path: Path) -> Iterator[Start]:
    """Each call: another receiver for the same ledger."""
    (tmp_path / "key").write_bytes(KEY + b"\n")
    (tmp_path / "ledger-key").write_text(LEDGER_KEY)
    keys = ["--hmac-key-file", str(tmp_path / "key"), "--ledger-key-file", str(tmp_path / "ledger-key")]
    processes: list[subprocess.Popen[str]] = []

    def start_one() -> Running:
        with (tmp_path / "complaints").open("a") as complaints:
            process = subprocess.Popen(
                [sys.executable, "-m", RECEIVER, "--listen", "127.0.0.1:0", *keys, "--ledger", location],
                env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
        processes.append(process)
        return Running(process)

    yield start_one
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def receiver(start: Start) -> Running:
    return start()


def told_of(location: str) -> list[str]:
    return sorted(event.command_uuid or "" for event in open_ledger(location).events.find())


def test_what_is_told_is_kept_once(receiver: Running, location: str) -> None:
    for event in (answer("A"), authenticate(), answer("A")):
        assert receiver.tell(event) == 200
    enrolled, answered = open_ledger(location).events.find()
    assert (enrolled.topic, enrolled.serial, enrolled.enrollment_id) == ("mdm.Authenticate", "C02X0001", "UDID-1")
    assert (answered.command_uuid, answered.status, answered.serial) == ("A", "Acknowledged", None)
    assert plistlib.loads(answered.payload)["CommandUUID"] == "A"


def test_secrets_are_kept_encrypted_and_out_of_the_events(receiver: Running, location: str) -> None:
    assert receiver.tell(answer("A", ActivationLockBypassCode="AAAAA-BBBBB")) == 200
    (event,) = open_ledger(location).events.find()
    assert b"AAAAA-BBBBB" not in event.payload
    assert open_ledger(location, LEDGER_KEY).secret("", "UDID-1", "ActivationLockBypassCode") == b"AAAAA-BBBBB"


def test_what_tells_nothing_is_taken_and_not_kept(receiver: Running, location: str) -> None:
    assert receiver.tell({"topic": "mdm.Connect", "created_at": "2027-03-20T08:00:00Z"}) == 200
    assert receiver.tell(answer("", "Idle")) == 200
    assert open_ledger(location).events.find() == []


def test_what_is_refused_spoils_nothing_of_what_comes_with_it(receiver: Running, location: str) -> None:
    names = [f"command-{number}" for number in range(60)]
    bad: list[tuple[Any, bytes, int]] = [
        (answer("A"), b"another key", 401),
        (b"<html>", KEY, 400),
        (b"[]", KEY, 400),
        ({**answer("A"), "topic": "\0"}, KEY, 400),
        ({**answer("A"), "topic": "\ud800"}, KEY, 400),
        (answer("x" * 3000), KEY, 400),
    ]
    sent = [(answer(name), KEY, 200) for name in names] + bad * 10
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(receiver.tell, *zip(*((event, key) for event, key, _status in sent), strict=True)))
    assert statuses == [status for _event, _key, status in sent]
    assert told_of(location) == sorted(names)


def test_a_connection_is_used_again(receiver: Running, location: str) -> None:
    connection = http.client.HTTPConnection(*receiver.address, timeout=30)
    statuses, used = [], set()
    for event in (answer("A"), b"<html>", answer("B")):
        connection.request("POST", "/", *signed(event))
        used.add(connection.sock)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    assert (statuses, len(used)) == ([200, 400, 200], 1)
    assert told_of(location) == ["A", "B"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, id="no length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", 411, id="no number"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413, id="long"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 405, id="GET"),
        pytest.param(b"POST / HTTP/1.1\r\nX: " + b"x" * 100_000, 431, id="headers"),
        pytest.param(b"hello\r\n\r\n", 405, id="no HTTP"),
    ],
)
@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
def test_what_is_no_request_for_it_is_refused_and_ends_the_connection(
    receiver: Running, head: bytes, status: int
) -> None:
    with receiver.raw(head) as connection, connection.makefile("rb") as said:
        assert said.readline().startswith(f"HTTP/1.1 {status} ".encode())
        with contextlib.suppress(ConnectionResetError):
            assert b"\r\nConnection: close\r\n" in said.read()
    assert receiver.tell(answer("A")) == 200


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
def test_a_client_may_ask_before_it_sends_the_body(receiver: Running) -> None:
    body, headers = signed(answer("A"))
    lines = [f"{name}: {value}" for name, value in {**headers, "Content-Length": len(body)}.items()]
    head = "\r\n".join(["POST / HTTP/1.1", *lines, "Expect: 100-continue", "", ""])
    with receiver.raw(head.encode()) as connection, connection.makefile("rb") as said:
        assert (said.readline(), said.readline()) == (b"HTTP/1.1 100 Continue\r\n", b"\r\n")
        connection.sendall(body)
        assert said.readline() == b"HTTP/1.1 200 OK\r\n"


def raw_request(event: Any, key: bytes = KEY) -> bytes:
    body, headers = signed(event, key)
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": len(body)}.items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body


def test_requests_that_come_together_are_answered_in_turn(receiver: Running, location: str) -> None:
    """Some are kept and some not, and the client sends nothing more after the last."""
    idle = [raw_request(answer("", "Idle"))] * 2000
    requests = [raw_request(answer("A")), *idle, raw_request(answer("B"), b"another key"), raw_request(answer("C"))]
    with receiver.raw(b"") as connection, connection.makefile("rb") as said:
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(connection.sendall, b"".join(requests))
            statuses = [_next_status(said) for _request in requests[:-1]]
            sent.result()
        connection.shutdown(socket.SHUT_WR)
        statuses.append(_next_status(said))
        assert said.read() == b""
    assert statuses == [200] * 2001 + [401, 200]
    assert told_of(location) == ["A", "C"]


def _next_status(said: IO[bytes]) -> int:
    status, length = int(said.readline().split()[1]), 0
    while (line := said.readline()) != b"\r\n":
        if line.startswith(b"Content-Length:"):
            length = int(line.partition(b":")[2])
    said.read(length)
    return status


def test_a_request_in_pieces_is_one(receiver: Running, location: str) -> None:
    with receiver.raw(b"") as connection, connection.makefile("rb") as said:
        for byte in raw_request(answer("A")):
            connection.sendall(bytes([byte]))
        assert said.readline() == b"HTTP/1.1 200 OK\r\n"
    assert told_of(location) == ["A"]


# Its end


def test_what_was_answered_survives_a_kill_in_the_middle(receiver: Running, location: str) -> None:
    numbers, answered, enough = itertools.count(), [], threading.Event()

    def tell_until_it_is_dead() -> None:
        with contextlib.suppress(requests.ConnectionError):
            while receiver.tell(answer(name := f"command-{next(numbers)}")) == 200:
                answered.append(name)
                if len(answered) > 200:
                    enough.set()

    with ThreadPoolExecutor(16) as pool:
        senders = [pool.submit(tell_until_it_is_dead) for _sender in range(16)]
        assert enough.wait(60)
        receiver.process.send_signal(signal.SIGKILL)
    assert [sender.exception() for sender in senders] == [None] * 16
    assert set(answered) <= set(told_of(location))


def test_it_ends_when_it_is_told_to_and_finishes_what_it_has_taken(receiver: Running, location: str) -> None:
    body, headers = signed(answer("A"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": len(body)}.items())
    with receiver.raw(b"") as idle, receiver.raw(f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body[:9]) as half_told:
        assert receiver.tell(answer("B")) == 200
        receiver.process.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b"", "who has sent nothing is not waited for"
        half_told.sendall(body[9:])
        with half_told.makefile("rb") as said:
            assert said.read().startswith(b"HTTP/1.1 200 OK\r\n")
    assert receiver.process.wait(timeout=20) == 0
    assert told_of(location) == ["A", "B"]


# The ledger under it


def test_several_receivers_and_runs_share_a_ledger(start: Start, location: str) -> None:
    """Each event is read once, by numbers, while runs read and write a great deal."""
    receivers, ledger = [start(), start()], open_ledger(location)
    devices = [f"C02{number:05d}" for number in range(1000)]
    names = [f"command-{number}" for number in range(200)]
    seen: list[Event] = []
    with ThreadPoolExecutor(14) as pool:
        told = [pool.submit(receivers[number % 2].tell, answer(name)) for number, name in enumerate(names)]
        runs = [pool.submit(_run, location, f"campaign-{number}", devices) for number in range(2)]
        at_last = False
        while not at_last:
            at_last = all(future.done() for future in told)
            seen += ledger.events.find(after=max((event.number for event in seen), default=0))
        assert [future.result() for future in told] == [200] * len(names)
        assert [future.result() for future in runs] == [len(devices)] * 2
    assert sorted(event.command_uuid or "" for event in seen) == sorted(names)


def _run(location: str, campaign: str, devices: Sequence[str]) -> int:
    ledger = open_ledger(location)
    ledger.plan(campaign, "school", "wipe", devices)
    ledger.intend(campaign, "wipe", {device: {} for device in devices}, NOW)
    intended = [record for record in ledger.records(campaign) if record.state.value == "intended"]
    ledger.close()
    return len(intended)


@pytest.mark.parametrize("location", ["postgres"], indirect=True)
def test_a_connection_that_postgres_ended_is_made_anew(receiver: Running, location: str) -> None:
    assert receiver.tell(answer("A")) == 200
    clients = "pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with open_ledger(location)._database.engine.begin() as connection:
        assert connection.scalars(sa.text(f"SELECT pg_terminate_backend(pid) FROM {clients}")).all() == [True]
    assert receiver.tell(answer("B")) == 200


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
def test_a_ledger_that_is_put_in_the_place_of_another_is_used(receiver: Running, location: str) -> None:
    assert receiver.tell(answer("A")) == 200
    Path(location).rename(f"{location}.old")
    open_ledger(location).plan("campaign", "school", "wipe", ["C02X"])
    assert receiver.tell(answer("B")) == 200
    assert told_of(location) == ["B"]


# Groups


class SlowLedger:
    """Stores when it is let, and not where a name is bad."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.stores = threading.Event()
        self.let = threading.Event()

    def receive(self, told: Sequence[tuple[Event, Mapping[str, bytes]]]) -> None:
        self.groups.append([event.topic for event, _secrets in told])
        self.stores.set()
        assert self.let.wait(30)
        if "bad" in self.groups[-1]:
            raise LedgerError("The disk is full.")
        if "fault" in self.groups[-1]:
            raise RuntimeError


def keep_all(*topics: str) -> tuple[list[list[str]], list[str]]:
    """The groups, and what was said to each: the first is being stored when the others come."""
    ledger = SlowLedger()

    async def keep() -> list[str]:
        store = Store(cast(Ledger, ledger))
        storing = asyncio.create_task(store.run())
        kept = [store.keep((Event(topic, "", "", b""), {})) for topic in topics[:1]]
        await asyncio.to_thread(ledger.stores.wait, 30)
        kept += [store.keep((Event(topic, "", "", b""), {})) for topic in topics[1:]]
        await asyncio.sleep(0)
        ledger.let.set()
        said = list(await asyncio.gather(*kept))
        storing.cancel()
        return said

    return ledger.groups, asyncio.run(keep())


def test_what_comes_meanwhile_is_stored_together() -> None:
    others = [f"event-{number}" for number in range(AT_ONCE + 2)]
    groups, said = keep_all("first", *others)
    assert groups == [["first"], others[:AT_ONCE], others[AT_ONCE:]]
    assert set(said) == {""}


def test_what_fails_together_is_told_to_each_and_once_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    _groups, said = keep_all("first", "good", "bad", "good")
    assert said == ["", *["The disk is full."] * 3]
    assert capsys.readouterr().err == "nendo-events: answered 500 to 3: The disk is full.\n"


def test_a_fault_leaves_nobody_waiting_and_the_next_are_stored(capsys: pytest.CaptureFixture[str]) -> None:
    _groups, said = keep_all("fault", "good")
    assert said == ["it is at fault itself: RuntimeError", ""]
    assert capsys.readouterr().err.count("\n") == 1
