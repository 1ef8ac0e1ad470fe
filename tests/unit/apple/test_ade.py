# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The device enrolment client: its session, and what its refusals say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    ServiceError,
    TermsNotSigned,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.ade import AdeClient
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.ade_refusals import (
    ade_refusal,
    clock_warning,
    is_refusal,
    is_session_over,
)
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import Answer, FarSide, as_json

TOKEN: Any = SimpleNamespace(consumer_key="CK_1", consumer_secret="CS_1", access_token="AT_1", access_secret="AS_1")
SESSION = as_json({"auth_session_token": "one"})
SECOND = as_json({"auth_session_token": "two"})
ACCOUNT = as_json({"server_uuid": "U", "org_name": "A school"})


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide(Answer(500)) as server:
        yield server


@pytest.fixture
def client(far_side: FarSide) -> Iterator[AdeClient]:
    client = AdeClient(TOKEN, base_url=far_side.url, sleep=lambda _seconds: None)
    yield client
    client.close()


def asked(far_side: FarSide) -> list[tuple[str, str | None]]:
    return [(each.path, each.headers["X-ADM-Auth-Session"]) for each in far_side.asked]


def test_a_session_is_opened_once_and_rotates(far_side: FarSide, client: AdeClient) -> None:
    far_side.answers = [SESSION, as_json({}, X_ADM_Auth_Session="newer"), ACCOUNT, ACCOUNT]
    client.account()
    assert client.account()["org_name"] == "A school"
    client.account()
    assert asked(far_side) == [("/session", None), ("/account", "one"), ("/account", "newer"), ("/account", "newer")]


def test_the_sign_in_is_what_apple_wants(far_side: FarSide, client: AdeClient) -> None:
    far_side.answers = [SESSION, ACCOUNT]
    client.account()
    sign_in, account = (each.headers for each in far_side.asked)
    assert sign_in["Authorization"].startswith('OAuth realm="ADM"')
    assert "HMAC-SHA1" in sign_in["Authorization"] and "AS_1" not in sign_in["Authorization"]
    assert account["Authorization"] is None
    for headers in (sign_in, account):
        assert headers["User-Agent"] and headers["X-Server-Protocol-Version"] == "10"
        assert headers["Content-Type"] == "application/json;charset=UTF8"


@pytest.mark.parametrize("end", [Answer(401, b"UNAUTHORIZED"), Answer(403, b'"FORBIDDEN"')], ids=["401", "403"])
def test_an_ended_session_is_replaced_once(far_side: FarSide, client: AdeClient, end: Answer) -> None:
    far_side.answers = [SESSION, end, SECOND, ACCOUNT]
    assert client.account()["server_uuid"] == "U"
    assert asked(far_side)[-1] == ("/account", "two")


def test_no_loop_over_a_session_that_never_works(far_side: FarSide, client: AdeClient) -> None:
    far_side.answers = [SESSION, Answer(401), SECOND, Answer(401)]
    with pytest.raises(AccessRefused):
        client.account()
    assert len(far_side.asked) == 4


@pytest.mark.parametrize("refusal", [Answer(401, b"token_rejected"), Answer(403, b"FORBIDDEN")], ids=["401", "403"])
def test_a_refused_token_is_tried_once(far_side: FarSide, client: AdeClient, refusal: Answer) -> None:
    far_side.answers = [refusal]
    with pytest.raises(AccessRefused, match="new token"):
        client.account()
    assert len(far_side.asked) == 1


def test_unsigned_terms_open_no_new_session(far_side: FarSide, client: AdeClient) -> None:
    far_side.answers = [SESSION, Answer(403, b'"T_C_NOT_SIGNED"')]
    with pytest.raises(TermsNotSigned, match="accepts the terms"):
        client.account()
    assert len(far_side.asked) == 2


def test_a_wrong_clock_is_told(far_side: FarSide, client: AdeClient) -> None:
    far_side.date = formatdate(time.time() + 2 * 86400 + 60, usegmt=True)
    far_side.answers = [Answer(401, b"signature_invalid")]
    with pytest.raises(ServiceError, match="clocks are 2 days apart, ours behind"):
        client.account()


def test_a_sign_in_without_a_session(far_side: FarSide, client: AdeClient) -> None:
    far_side.answers = [as_json({})]
    with pytest.raises(ServiceError, match="no session token"):
        client.account()


@pytest.mark.parametrize(
    ("status", "body", "over"),
    [
        (401, "", True),
        (403, '"FORBIDDEN"', True),
        (403, "T_C_NOT_SIGNED", False),
        (403, "ACCESS_DENIED", False),
        (500, "FORBIDDEN", False),
    ],
)
def test_is_session_over(status: int, body: str, over: bool) -> None:
    assert is_session_over(status, body) is over


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        pytest.param(401, "token_rejected", AccessRefused, "replaced", id="replaced"),
        pytest.param(401, "oauth_problem=timestamp_refused", ServiceError, "clock", id="clock"),
        pytest.param(403, "FORBIDDEN", AccessRefused, "lost its role", id="downloader left"),
        pytest.param(403, "ACCESS_DENIED", AccessRefused, "rights", id="rights"),
        pytest.param(403, "T_C_NOT_SIGNED", TermsNotSigned, "terms", id="terms"),
    ],
)
def test_what_a_refusal_says(status: int, body: str, kind: type[ServiceError], words: str) -> None:
    error = ade_refusal(status, body, skew=None, details={"status": status})
    assert error.__class__ is kind and words in str(error) and error.status == status


@pytest.mark.parametrize(
    ("skew", "words"),
    [(None, None), (299, None), (-1200, "20 minutes apart, ours ahead"), (36000, "10 hours apart, ours behind")],
)
def test_clock_warning(skew: float | None, words: str | None) -> None:
    warning = clock_warning(skew)
    assert warning is None if words is None else words in str(warning)


@pytest.mark.parametrize(("body", "refusal"), [("token_rejected", True), ("T_C_NOT_SIGNED", True), ("<h1>503", False)])
def test_is_refusal(body: str, refusal: bool) -> None:
    assert is_refusal(body) is refusal
