# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content token's file, and what Apple says of the token in it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    ConfigurationError,
    CredentialError,
    OtherOwner,
    ServiceError,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import driver_for
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import CredentialPort, InUse
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import Answer, FarSide, as_json

END = datetime(2027, 11, 23, 4, 5, 6, tzinfo=timezone.utc)
OURS = {"id": "ours", "name": "Our server", "metadata": ""}
FOREIGN = {"id": "theirs", "name": "Their server", "metadata": ""}


def token(inner: str = "inner-token-of-this-year-0123456789", organization: str = "Chuo School") -> bytes:
    body = {"token": inner, "expDate": "2027-11-23T04:05:06+0000", "orgName": organization}
    return base64.b64encode(json.dumps(body).encode())


NEW, OLD = token(), token("inner-token-of-last-year-0123456789")


def config(uid: str = "7", mdm_info: dict[str, str] | None = None, **more: str) -> Answer:
    body = {"uId": uid, "locationName": "Chuo", "tokenExpirationDate": "2027-11-23T04:05:06Z", **more}
    return as_json({**body, "mdmInfo": mdm_info} if mdm_info else body)


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide(config()) as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "school.vpptoken"


def port(far_side: FarSide, path: Path, **options: Any) -> CredentialPort:
    found = driver_for(
        {"content_token_path": str(path), "apps_and_books_url": far_side.url, "mdm_id": "ours", **options}
    ).content_token
    assert found is not None
    return found


def test_reading_asks_nobody(far_side: FarSide, path: Path) -> None:
    assert port(far_side, path).read(None) is None
    path.write_bytes(b"\xef\xbb\xbf" + NEW + b"\r\n")
    in_use = port(far_side, path).read(None)
    assert in_use and (in_use.identity, in_use.not_after) == ("Chuo School", END)
    assert NEW.decode() not in repr(in_use)
    assert far_side.asked == []


def test_a_file_that_holds_something_else(far_side: FarSide, path: Path) -> None:
    path.write_bytes(b"<html>sign in</html>")
    with pytest.raises(CredentialError, match=str(path)):
        port(far_side, path).read(None)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        port(far_side, path).read(None)


def test_upload_writes_the_file_whole_and_for_us_alone(far_side: FarSide, path: Path) -> None:
    path.write_bytes(OLD)
    path.chmod(0o644)
    in_use = port(far_side, path).upload(b"\xef\xbb\xbf" + NEW[:40] + b"\r\n" + NEW[40:], None)
    assert path.read_bytes() == NEW + b"\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert in_use == port(far_side, path).read(None)
    assert far_side.asked == [], "no claim unless asked for"


def test_upload_through_a_link(far_side: FarSide, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "real"
    path.symlink_to(target)
    port(far_side, path).upload(NEW, None)
    assert path.is_symlink() and target.read_bytes() == NEW + b"\n"


def test_an_upload_that_fails_leaves_the_old_file(
    far_side: FarSide, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(OLD)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match=r"No space left.*untouched"):
        port(far_side, path).upload(NEW, None)
    assert path.read_bytes() == OLD
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_upload_without_its_folder(far_side: FarSide, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Make the folder"):
        port(far_side, tmp_path / "none" / "token").upload(NEW, None)


@pytest.mark.parametrize(
    ("mdm_info", "writes"),
    [pytest.param(None, 1, id="nobody's"), pytest.param(FOREIGN, 1, id="foreign"), pytest.param(OURS, 0, id="ours")],
)
def test_a_claim_only_where_needed(far_side: FarSide, path: Path, mdm_info: dict[str, str] | None, writes: int) -> None:
    far_side.answers = [config(mdm_info=mdm_info)]
    port(far_side, path, claim_content_token=True, mdm_name="Our server").upload(NEW, None)
    posted = [json.loads(each.body) for each in far_side.asked if each.method == "POST"]
    claim = {"mdmInfo": {"id": "ours", "name": "Our server", "metadata": "nendo.apple_mdm"}}
    assert posted == [claim] * writes


def test_examine_asks_with_the_new_token(far_side: FarSide, path: Path) -> None:
    facts = port(far_side, path).examine(NEW, None, None)
    assert facts["uid"] == "7" and facts["location_name"] == "Chuo"
    assert far_side.asked[0].headers["Authorization"] == f"Bearer {NEW.decode()}"
    assert not path.exists()


@pytest.mark.parametrize("known", [True, False], ids=["by the last order", "by the token in use"])
def test_another_location(far_side: FarSide, path: Path, known: bool) -> None:
    path.write_bytes(OLD)
    before = InUse("Chuo School", END, facts={"uid": "5"} if known else {})
    far_side.answers = [config("7"), config("5")]
    with pytest.raises(OtherOwner, match=r"another location \(Chuo\)"):
        port(far_side, path).examine(NEW, None, before)


def test_the_token_in_use_may_be_dead(far_side: FarSide, path: Path) -> None:
    path.write_bytes(OLD)
    far_side.answers = [config("7"), as_json({"errorNumber": 9625, "errorMessage": ""}, 401)]
    assert port(far_side, path).examine(NEW, None, None)["uid"] == "7"


def test_a_foreign_owner_stops_examine_and_check(far_side: FarSide, path: Path) -> None:
    path.write_bytes(NEW)
    far_side.answers = [config(mdm_info=FOREIGN)]
    for act in (lambda: port(far_side, path).examine(NEW, None, None), lambda: port(far_side, path).check()):
        with pytest.raises(OtherOwner, match=r"theirs \(Their server\).*claim_content_token"):
            act()
    with pytest.raises(OtherOwner):
        port(far_side, path, mdm_id=None).check()
    assert port(far_side, path, claim_content_token=True).examine(NEW, None, None)["uid"] == "7"


def test_expiries_that_disagree(far_side: FarSide, path: Path) -> None:
    far_side.answers = [config(tokenExpirationDate="2026-12-01T00:00:00Z")]
    with pytest.raises(ServiceError, match="Download the token again"):
        port(far_side, path).examine(NEW, None, None)


@pytest.mark.parametrize("status", [401, 200])
def test_a_revoked_token(far_side: FarSide, path: Path, status: int) -> None:
    path.write_bytes(NEW)
    far_side.answers = [as_json({"errorNumber": 9625, "errorMessage": ""}, status)]
    with pytest.raises(AccessRefused, match="revoked"):
        port(far_side, path).examine(NEW, None, None)
    with pytest.raises(AccessRefused, match="revoked"):
        port(far_side, path).check()


def test_check_reads_a_page_of_assets(far_side: FarSide, path: Path) -> None:
    path.write_bytes(NEW)
    far_side.answers = [config(mdm_info=OURS), as_json({"uId": "7", "assets": [{"adamId": "1"}], "nextPageIndex": 1})]
    facts = port(far_side, path).check()
    assert (facts["uid"], facts["assets_seen"]) == ("7", 1)
    assert [each.path for each in far_side.asked] == ["/client/config", "/assets"]


def test_check_without_a_file(far_side: FarSide, path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no content token"):
        port(far_side, path).check()
