# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nendo-events as a process of its own: what it is told is in the ledger when it answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import plistlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver import event_of, exact_time

LEDGER_KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
COLLECTIONS = Path(sys.modules[open_ledger.__module__].__file__ or "").parents[6]
KEY = b"a key that both know"
RECEIVER = "ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver"


def authenticate(serial: str = "C02X0001", at: str = "2027-03-20T08:00:00Z") -> dict[str, Any]:
    payload = plistlib.dumps({"MessageType": "Authenticate", "UDID": "UDID-1", "SerialNumber": serial})
    about = {"udid": "UDID-1", "enrollment_id": "UDID-1", "raw_payload": base64.b64encode(payload).decode()}
    return {"topic": "mdm.Authenticate", "created_at": at, "checkin_event": about}


def answer(uuid: str, status: str = "Acknowledged") -> dict[str, Any]:
    payload = plistlib.dumps({"UDID": "UDID-1", "CommandUUID": uuid, "Status": status})
    about = {"enrollment_id": "UDID-1", "status": status, "command_uuid": uuid}
    about["raw_payload"] = base64.b64encode(payload).decode()
    return {"topic": "mdm.Connect", "created_at": "2027-03-20T08:00:01Z", "acknowledge_event": about}


Tell = Callable[..., requests.Response]


@pytest.fixture
def receiver(location: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    command = [sys.executable, "-m", RECEIVER, "--listen", "127.0.0.1:0", "--hmac-key-file", str(tmp_path / "key")]
    process = subprocess.Popen(
        [*command, "--ledger", location],
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def tell(receiver: subprocess.Popen[str]) -> Tell:
    assert receiver.stdout
    address = re.search(r"listens at (\S+)", receiver.stdout.readline())
    assert address

    def post(event: Any, key: bytes = KEY) -> requests.Response:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        signature = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
        return requests.post(f"http://{address[1]}/", data=body, headers={"X-Hmac-Signature": signature}, timeout=10)

    return post


def test_what_is_told_is_kept_once(tell: Tell, location: str) -> None:
    for event in (answer("A"), authenticate(), answer("A")):
        assert tell(event).status_code == 200
    enrolled, answered = open_ledger(location).events()
    assert (enrolled.topic, enrolled.serial, enrolled.enrollment_id) == ("mdm.Authenticate", "C02X0001", "UDID-1")
    assert (answered.command_uuid, answered.status, answered.serial) == ("A", "Acknowledged", None)
    assert plistlib.loads(answered.payload)["CommandUUID"] == "A"


def test_what_was_answered_survives_the_process(tell: Tell, receiver: subprocess.Popen[str], location: str) -> None:
    assert tell(answer("A")).status_code == 200
    receiver.send_signal(signal.SIGKILL)
    receiver.wait()
    assert [event.command_uuid for event in open_ledger(location).events()] == ["A"]


def test_many_at_once(tell: Tell, location: str) -> None:
    names = [f"command-{number}" for number in range(60)]
    with ThreadPoolExecutor(12) as pool:
        assert {reply.status_code for reply in pool.map(tell, map(answer, names))} == {200}
    assert sorted(event.command_uuid or "" for event in open_ledger(location).events()) == sorted(names)


@pytest.mark.parametrize(
    ("event", "key", "status"),
    [
        pytest.param(answer("A"), b"another key", 401, id="key"),
        pytest.param(b"<html>", KEY, 400, id="no JSON"),
        pytest.param(b"[]", KEY, 400, id="no event"),
        pytest.param({"topic": "x", "acknowledge_event": {"enrollment_id": "U"}}, KEY, 400, id="no time"),
        pytest.param(
            {**answer("A"), "acknowledge_event": {"enrollment_id": "U", "raw_payload": "%"}}, KEY, 400, id="base64"
        ),
    ],
)
def test_what_is_refused_is_not_kept(tell: Tell, location: str, event: Any, key: bytes, status: int) -> None:
    assert tell(event, key).status_code == status
    assert open_ledger(location).events() == []


def test_what_tells_nothing_is_taken_and_not_kept(tell: Tell, location: str) -> None:
    assert tell({"topic": "mdm.Connect", "created_at": "2027-03-20T08:00:00Z"}).status_code == 200
    assert tell(answer("", "Idle")).status_code == 200
    assert open_ledger(location).events() == []


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("2027-03-20T17:00:00.12+09:00", "2027-03-20T08:00:00.120000Z"),
        ("2027-03-20T08:00:00Z", "2027-03-20T08:00:00.000000Z"),
        ("2027-03-20T08:00:00.123456789Z", "2027-03-20T08:00:00.123456Z"),
    ],
)
def test_times_can_be_compared_as_text(told: str, kept: str) -> None:
    assert exact_time(told) == kept


def test_secrets_are_kept_encrypted_and_out_of_the_events(location: str) -> None:
    payload = {"UDID": "UDID-1", "MessageType": "TokenUpdate", "UnlockToken": b"unlock-me", "Token": b"push-token"}
    about = {"enrollment_id": "UDID-1", "raw_payload": base64.b64encode(plistlib.dumps(payload)).decode()}
    told = {"topic": "mdm.TokenUpdate", "created_at": "2027-03-20T08:00:00Z", "checkin_event": about}
    found = event_of(json.dumps(told).encode())
    assert found and found[1] == {"UnlockToken": b"unlock-me"}
    assert plistlib.loads(found[0].payload) == {**payload, "UnlockToken": True, "Token": True}
    ledger = open_ledger(location, LEDGER_KEY)
    ledger.receive(*found)
    assert ledger.secret("", "UDID-1", "UnlockToken") == b"unlock-me"


def test_it_ends_when_it_is_told_to(receiver: subprocess.Popen[str], tell: Tell) -> None:
    assert tell(answer("A")).status_code == 200
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(timeout=20) == 0
