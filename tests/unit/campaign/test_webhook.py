# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is taken from NanoMDM's webhook, and what is refused."""

from __future__ import annotations

import base64
import json
import plistlib
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.webhook import (
    Refused,
    event_of,
    exact_time,
    signed,
)


def told(payload: Mapping[str, Any] | bytes, **about: Any) -> bytes:
    raw = payload if isinstance(payload, bytes) else plistlib.dumps(payload)
    event = {"enrollment_id": "UDID-1", "raw_payload": base64.b64encode(raw).decode(), **about}
    topic, at = "mdm.Connect", "2027-03-20T08:00:00Z"
    return json.dumps({"topic": topic, "created_at": at, "acknowledge_event": event}).encode()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2027-03-20T17:00:00.12+09:00", "2027-03-20T08:00:00.120000Z"),
        ("2027-03-20T08:00:00Z", "2027-03-20T08:00:00.000000Z"),
        ("2027-03-20T08:00:00.123456789Z", "2027-03-20T08:00:00.123456Z"),
    ],
)
def test_times_can_be_compared_as_text(text: str, kept: str) -> None:
    assert exact_time(text) == kept


def test_a_message_stays_as_it_came() -> None:
    raw = plistlib.dumps({"InstalledApplicationList": [{"Name": "学習"}]}, sort_keys=False).replace(b"\t", b"  ")
    found = event_of(told(raw, command_uuid="A", status="Acknowledged"))
    assert found and (found[0].payload, found[0].command_uuid, found[0].status, found[1]) == (
        raw,
        "A",
        "Acknowledged",
        {},
    )


def test_secrets_are_taken_out_of_the_message() -> None:
    payload = {"UDID": "UDID-1", "MessageType": "TokenUpdate", "UnlockToken": b"unlock-me", "Token": b"push-token"}
    found = event_of(told(payload))
    assert found and found[1] == {"UnlockToken": b"unlock-me"}
    assert plistlib.loads(found[0].payload) == {**payload, "UnlockToken": True, "Token": True}
    found = event_of(told({"ActivationLockBypassCode": "AAAAA-BBBBB"}))
    assert found and found[1] == {"ActivationLockBypassCode": b"AAAAA-BBBBB"}
    assert b"AAAAA-BBBBB" not in found[0].payload


def test_what_may_hold_a_secret_and_cannot_be_read_is_dropped() -> None:
    for broken in (
        b"<plist><dict><key>UnlockToken</key>",
        b"bplist00UnlockToken",
        b"<plist><array>UnlockToken</array>",
    ):
        found = event_of(told(broken))
        assert found and (found[0].payload, found[1]) == (b"", {})


@pytest.mark.parametrize(
    ("about", "serial"), [({"SerialNumber": " c02x0001 "}, "C02X0001"), ({"Q": {"SerialNumber": "C02X"}}, None)]
)
def test_a_device_names_itself(about: Mapping[str, Any], serial: str | None) -> None:
    found = event_of(told(about))
    assert found and found[0].serial == serial


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff\xfe", id="bytes"),
        pytest.param(told({}).replace(b"created_at", b"created"), id="no time"),
        pytest.param(told({}).replace(b"2027-03-20T08:00:00Z", b"0001-01-01T00:00:00+09:00"), id="no such time"),
        pytest.param(told({}, raw_payload="%"), id="base64"),
        pytest.param(told({}, enrollment_id="U\0"), id="NUL"),
        pytest.param(told({}, enrollment_id=["U"]), id="no text"),
        pytest.param(told({}, command_uuid=7), id="a number"),
        pytest.param(told({}, command_uuid="\ud800"), id="half a character"),
        pytest.param(told({}, status="x" * 1001), id="long"),
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        event_of(body)
    assert refusal.value.status == 400


def test_a_signature_has_to_fit() -> None:
    signed(b"body", b"key", "UVquEztDXUAAlWcx9orlz164XU8NxqVG0r/NNZXsGuE=")
    signed(b"body", None, None)
    for other in (None, "", "UVquEztDXUAAlWcx9orlz164XU8NxqVG0r/NNZXsGuF=", "\xe9"):
        with pytest.raises(Refused, match="X-Hmac-Signature does not fit") as refusal:
            signed(b"body", b"key", other)
        assert refusal.value.status == 401


@pytest.mark.parametrize(
    ("tally", "awaiting", "status"),
    [(1, False, "first"), (2, False, None), (None, False, None), (1, True, "first awaiting"), (2, True, "awaiting")],
)
def test_what_a_token_update_is_besides_is_marked(tally: int | None, awaiting: bool, status: str | None) -> None:
    message = {"MessageType": "TokenUpdate", "Token": b"token", "AwaitingConfiguration": awaiting}
    found = event_of(told(message, token_update_tally=tally))
    assert found and found[0].status == status


def test_an_answer_keeps_its_status_whatever_is_in_it() -> None:
    message = plistlib.dumps({"Status": "Error", "Token": b"token", "AwaitingConfiguration": True})
    about = {
        "udid": "UDID-1",
        "status": "Error",
        "command_uuid": "ask",
        "raw_payload": base64.b64encode(message).decode(),
    }
    body = {"topic": "mdm.Connect", "created_at": "2027-03-20T09:00:00Z", "acknowledge_event": about}
    found = event_of(json.dumps(body).encode())
    assert found and found[0].status == "Error"
