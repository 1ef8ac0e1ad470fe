# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wrong files in the right box, right files in the wrong box: told in both languages, nothing lost, the order goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.person import DOWNLOADS
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import CREDENTIALS, Result, School

Make = Callable[..., School]
PUSH, SERVER, CONTENT = CREDENTIALS
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
WRONG = {
    "empty.pem": (b"", "empty"),
    "page.pem": (PAGE, "html_page"),
    "archive.zip": (b"PK\x03\x04rest of it", "zip_archive"),
    "late.crdownload": (b"half", None),
}
CROSSED = {
    (PUSH, SERVER): "is_server_token",
    (PUSH, CONTENT): "is_content_token",
    (SERVER, PUSH): "is_push_certificate",
    (SERVER, CONTENT): "is_content_token",
    (CONTENT, PUSH): "is_push_certificate",
    (CONTENT, SERVER): "is_server_token",
}


def told(result: Result) -> dict[str, str]:
    return {each["file"]: each["code"] for each in result["order"]["refused"]}


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_wrong_files_in_the_inbox_with_the_right_one_among_them(school: Make, credential: str) -> None:
    at = school()
    prepared = at.prepare(credential)
    right = at.fetched(credential, prepared)
    dropped = [at.drop(prepared["order"], data, name) for name, (data, _code) in WRONG.items()]
    pending = at.complete(credential)
    assert told(pending) == {name: code for name, (_data, code) in WRONG.items() if code}
    assert len(pending["warnings"]) == len(told(pending))
    assert not at.complete(credential)["changed"]
    dropped.append(at.drop(prepared["order"], right, "m_right"))
    done = at.complete(credential)
    assert (done["order"]["id"], done["order"]["state"]) == (prepared["order"]["id"], "proven")
    assert all(path.exists() for path in dropped)
    assert not at.complete(credential)["changed"]


@pytest.mark.parametrize("by", ["path", "content"])
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_wrong_file_given_by_hand_is_an_error_and_the_order_goes_on(school: Make, credential: str, by: str) -> None:
    at = school()
    prepared = at.prepare(credential)
    wrong = at.folder / "download"
    wrong.write_bytes(PAGE)
    given: dict[str, Any] = {"file_path": str(wrong)} if by == "path" else {"file_content": PAGE.decode()}
    for check in (True, False):
        failed = at.complete(credential, check, **given)
        assert failed["failed"]
        verdict = failed["verdict"]
        assert verdict["code"] == "html_page"
        for part in ("reason", "cure"):
            for language in ("en", "ja"):
                assert verdict[part][language] in failed["msg"]
    assert wrong.exists()
    done = at.complete(credential, file_content=at.fetched(credential, prepared).decode())
    assert (done["order"]["id"], done["order"]["state"]) == (prepared["order"]["id"], "proven")


@pytest.mark.parametrize("given", [{"file_path": "/nowhere/certificate.pem"}, {"file_path": "/"}])
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_file_that_cannot_be_read_is_told(school: Make, credential: str, given: dict[str, Any]) -> None:
    at = school()
    at.handed_off(credential)
    failed = at.complete(credential, **given)
    assert failed["failed"]
    assert "cannot be read" in failed["msg"] and "Nothing was changed" in failed["msg"]


def test_all_crossings_of_the_three_boxes(school: Make) -> None:
    at = school()
    prepared = {credential: at.prepare(credential) for credential in CREDENTIALS}
    files = {credential: at.fetched(credential, prepared[credential]) for credential in CREDENTIALS}
    for box in CREDENTIALS:
        for credential in CREDENTIALS:
            if credential != box:
                at.drop(prepared[box]["order"], files[credential], DOWNLOADS[credential])
        assert told(at.complete(box)) == {
            DOWNLOADS[credential]: CROSSED[box, credential] for credential in CREDENTIALS if credential != box
        }
    for box in CREDENTIALS:
        at.drop(prepared[box]["order"], files[box])
        assert at.complete(box)["order"]["state"] == "proven"
    assert len(at.writes("PUT|pushcert|tokenpki")) == 3


@pytest.mark.parametrize("credential", [PUSH, SERVER])
def test_the_orders_own_request_is_not_what_came_back(school: Make, credential: str) -> None:
    at = school()
    prepared = at.prepare(credential)
    at.drop(prepared["order"], at.request(credential, prepared), "request")
    code = {PUSH: "is_upload_file", SERVER: "is_ade_public_key"}[credential]
    assert told(at.complete(credential)) == {"request": code}


def test_the_certificate_of_another_orders_request(school: Make) -> None:
    at = school()
    lost = at.prepare(PUSH)
    theirs = at.fetched(PUSH, lost)
    other = School(at.tenant, at.folder, str(at.folder / "new_orders"))
    order = other.handed_off(PUSH)
    other.drop(order, theirs)
    refused = other.complete(PUSH)
    assert list(told(refused).values()) == ["key_mismatch"]
    assert other.writes("pushcert") == []


def test_another_schools_files(school: Make) -> None:
    at, other = school(), school("other")
    for credential, code in [
        (PUSH, "created_not_renewed"),
        (SERVER, "other_recipient"),
        (CONTENT, "other_organization"),
    ]:
        at.drop(at.handed_off(credential), other.fetched(credential))
        assert list(told(at.complete(credential)).values()) == [code]
    assert at.writes("/t/school/.*(pushcert|PUT)") == []
