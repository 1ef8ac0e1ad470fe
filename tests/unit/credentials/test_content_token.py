# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import CredentialError
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import from_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.content_token import (
    __file__ as content_token_file,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.content_token import (
    judge_content_token,
    parse_content_token,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.renewal import judge_renewal
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import EXPIRY, NOW, content_token

END = from_iso(EXPIRY)
PRINT = hashlib.sha256(content_token()).hexdigest()


def lines(text: bytes, width: int) -> bytes:
    return b"\r\n".join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda text: text, id="as downloaded"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="bom"),
        pytest.param(lambda text: lines(text, 64) + b"\r\n", id="lines"),
        pytest.param(lambda text: b"  " + text[:20] + b" \t " + text[20:] + b"\n\n", id="blanks"),
        pytest.param(lambda text: text.rstrip(b"="), id="padding lost"),
    ],
)
def test_the_bearer_is_the_whole_text_on_one_line(wrap: Any) -> None:
    token = parse_content_token(wrap(content_token()))
    assert token.bearer.encode() == content_token()
    assert (token.organization, token.not_after, token.fingerprint_sha256) == ("Example School", END, PRINT)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-11-08T22:33:22+0000", "2030-11-08T22:33:22Z"),
        ("2030-11-08T22:33:22Z", "2030-11-08T22:33:22Z"),
        ("2030-11-08T22:33:22+00:00", "2030-11-08T22:33:22Z"),
        ("2030-11-08T22:33:22-0700", "2030-11-09T05:33:22Z"),
        ("2030-11-08T22:33:22", "2030-11-08T22:33:22Z"),
    ],
)
def test_expiry_dates(text: str, moment: str) -> None:
    assert parse_content_token(content_token(expDate=text)).not_after == from_iso(moment)


WRONG: dict[str, Any] = {
    "another school's": (content_token(), {"organization": "Other School"}, "other_organization"),
    "the one in use": (content_token(), {"fingerprint_in_use": PRINT}, "same_as_in_use"),
    "the one in use, by its expiry": (content_token(), {"not_after_in_use": END}, "same_as_in_use"),
    "older": (content_token(), {"not_after_in_use": END + timedelta(seconds=1)}, "older_than_in_use"),
    "expired": (content_token(), {"now": END}, "expired"),
    "no expiry": (content_token(expDate=None), {}, "expiry_missing"),
    "odd expiry": (content_token(expDate="soon"), {}, "expiry_unreadable"),
    "expiry before time": (content_token(expDate="0001-01-01T00:00:00+1400"), {}, "expiry_unreadable"),
    "expiry is a number": (content_token(expDate=5), {}, "expiry_unreadable"),
    "no token": (content_token(token=None), {}, "incomplete_content_token"),
    "token is a list": (content_token(token=["a"]), {}, "incomplete_content_token"),
}


@pytest.mark.parametrize(("data", "known", "code"), WRONG.values(), ids=WRONG.keys())
def test_wrong_tokens(data: bytes, known: dict[str, Any], code: str) -> None:
    found = judge_content_token(data, **{"now": NOW, **known})
    assert (found.accepted, found.code) == (False, code)
    assert "?" not in found.reason.en + found.reason.ja + found.cure.en + found.cure.ja


def test_renewed() -> None:
    found = judge_content_token(
        content_token(orgName="サンプル中学校"),
        now=NOW,
        organization="ｻﾝﾌﾟﾙ 中学校",
        fingerprint_in_use=PRINT,
        not_after_in_use=END - timedelta(days=360),
    )
    assert found.accepted
    assert found.facts["organization"] == "サンプル中学校"
    assert found.facts["not_after"] == EXPIRY


def test_secrets_are_not_shown() -> None:
    token = parse_content_token(content_token())
    inner = json.loads(base64.b64decode(content_token()))["token"]
    shown = repr(token) + repr(judge_content_token(content_token(), now=NOW))
    with pytest.raises(CredentialError) as caught:
        parse_content_token(content_token(expDate="soon"))
    shown += str(caught.value) + repr(caught.value.details)
    assert token.bearer not in shown and inner not in shown


def test_names_from_the_file_are_fit_to_be_shown() -> None:
    found = judge_content_token(content_token(orgName="A\ud800\x1b[31m\n" + "x" * 5000), now=NOW, organization="B")
    json.dumps(found.as_dict(), ensure_ascii=False).encode("utf-8")
    assert len(found.facts["organization"]) <= 200 and "\x1b" not in found.reason.en


@pytest.mark.parametrize(
    ("left", "renew", "code", "days_left"),
    [
        pytest.param(timedelta(days=365), False, "not_due", 365, id="new"),
        pytest.param(timedelta(days=30, seconds=1), False, "not_due", 30, id="a second before the window"),
        pytest.param(timedelta(days=30), True, "due", 30, id="the window opens"),
        pytest.param(timedelta(hours=23), True, "due", 0, id="the last day"),
        pytest.param(timedelta(0), True, "expired", 0, id="this second"),
        pytest.param(timedelta(days=-1), True, "expired", -1, id="yesterday"),
        pytest.param(None, True, "missing", None, id="nothing known"),
    ],
)
def test_renewal(left: timedelta | None, renew: bool, code: str, days_left: int | None) -> None:
    found = judge_renewal(None if left is None else NOW + left, now=NOW, renew_before_days=30).as_dict()
    assert (found["renew"], found["code"], found["days_left"]) == (renew, code, days_left)
    assert found["reason"]["en"] and found["reason"]["ja"]


def test_people_read_the_date_of_their_own_clock() -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    end = from_iso("2026-12-31T20:00:00Z")
    assert "2027-01-01" in judge_renewal(end, now=tokyo, renew_before_days=30).reason.ja
    assert "2026-12-31" in judge_renewal(end, now=NOW, renew_before_days=30).reason.en


def test_the_daily_path_is_light() -> None:
    """Neither a third-party library nor the table of sentences is loaded to read an expiry."""
    program = (
        f"import sys; sys.path.insert(0, {str(Path(content_token_file).parents[6])!r})\n"
        "from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials import content_token, renewal\n"
        "print(content_token.parse_content_token(sys.stdin.buffer.read()).not_after)\n"
        "loaded = {name.rsplit('.', 1)[-1] for name in sys.modules}\n"
        "assert not loaded & {'cryptography', 'asn1crypto', 'reasons', 'files', 'plistlib'}, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", program], input=content_token(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
