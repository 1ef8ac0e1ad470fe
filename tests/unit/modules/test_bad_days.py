# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bad days that must end well: a clear error or a clean continuation, and nothing lost."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import open_store
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import CREDENTIALS, School
from ansible_collections.nendo.apple_mdm.tests.unit.orders.killing import run_in_child, with_little_disk

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
Make = Callable[..., School]
PUSH, SERVER, CONTENT = CREDENTIALS
UPLOADS = {PUSH: "/pushcert$", SERVER: "/tokenpki/"}
TRIES = 3


def codes(result: dict[str, Any]) -> list[str]:
    return [each["code"] for each in result["order"]["refused"]]


def uploads(at: School, credential: str) -> list[str]:
    return [write for write in at.writes(UPLOADS[credential]) if write.startswith("PUT")]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("credential", "option"),
    [pytest.param(PUSH, "api_key", id="NanoMDM"), pytest.param(SERVER, "dep_api_key", id="NanoDEP")],
)
def test_wrong_password_to_the_mdm(school: Make, credential: str, option: str, check: bool) -> None:
    at = school()
    at.mdm[option] = "not the key"
    for act in (at.prepare, at.complete):
        failed = act(credential, check)
        assert failed["failed"]
        assert "Access refused by 127.0.0.1" in failed["msg"] and "HTTP 401" in failed["msg"]
        assert "not the key" not in str({**failed, "invocation": None})
    assert at.orders() == set()


@pytest.mark.parametrize("credential", [PUSH, SERVER])
def test_wrong_address_of_the_mdm(school: Make, credential: str) -> None:
    at = school()
    at.mdm |= {"path_prefix": "/api/v9", "dep_path_prefix": "/api/v9"}
    failed = at.prepare(credential)
    assert failed["failed"]
    assert "at this address (HTTP 404)" in failed["msg"]
    assert at.orders() == set()


@pytest.mark.parametrize("credential", [PUSH, SERVER])
def test_mdm_down(school: Make, credential: str, waits: list[float]) -> None:
    at = school()
    at.with_file(credential)
    up = at.server()
    at.mdm |= {"url": "http://127.0.0.1:9", "dep_url": "http://127.0.0.1:9"}
    kept = at.contents()
    failed = at.complete(credential)
    assert failed["failed"]
    assert "the connection was refused" in failed["msg"]
    assert waits == [1.0, 2.0]
    assert {file for file in at.contents() if not file.endswith(".lock")} == {
        file for file in kept if not file.endswith(".lock")
    }
    at.mdm = up
    assert at.complete(credential)["order"]["state"] == "proven"


def test_the_other_credentials_are_told_while_one_server_is_down(school: Make) -> None:
    at = school()
    at.mdm["url"] = "http://127.0.0.1:9"
    told = at.info()
    assert told[PUSH]["code"] == "error" and "connection was refused" in told[PUSH]["error"]
    assert told[SERVER]["code"] == told[CONTENT]["code"] == "due"


@pytest.mark.parametrize("credential", [PUSH, SERVER])
def test_mdm_slow(school: Make, world: World, credential: str) -> None:
    at = school()
    at.mdm["timeout"] = 1
    at.with_file(credential)
    world.fault(UPLOADS[credential], "PUT", when="after", hang=True)
    failed = at.complete(credential)
    assert failed["failed"]
    assert "nothing within 1 seconds" in failed["msg"] and "running again is safe" in failed["msg"]
    assert at.complete(credential)["order"]["state"] == "proven"
    assert len(uploads(at, credential)) == 1


@pytest.mark.parametrize("credential", [PUSH, SERVER])
def test_mdm_answering_500_after_it_stored(school: Make, world: World, credential: str) -> None:
    at = school()
    at.with_file(credential)
    world.fault(UPLOADS[credential], "PUT", when="after", status=500, body="storage: disk is on fire")
    failed = at.complete(credential)
    assert failed["failed"]
    assert "HTTP 500" in failed["msg"] or "disk is on fire" in failed["msg"]
    done = at.complete(credential)
    assert (done["order"]["state"], done["order"]["verified_by"]) == ("proven", "server")
    assert len(uploads(at, credential)) == 1


@pytest.mark.parametrize(
    ("credential", "readable", "uploaded"),
    [pytest.param(PUSH, True, TRIES), pytest.param(PUSH, False, TRIES + 1), pytest.param(SERVER, True, TRIES)],
)
def test_upload_succeeded_but_the_answer_was_lost(
    school: Make, world: World, credential: str, readable: bool, uploaded: int
) -> None:
    at = school(pushcert_readable=readable)
    at.with_file(credential)
    world.fault(UPLOADS[credential], "PUT", when="after", reset=True, times=TRIES)
    failed = at.complete(credential)
    assert failed["failed"]
    assert "running again is safe" in failed["msg"]
    done = at.complete(credential)
    assert done["order"]["state"] == "proven"
    assert len(uploads(at, credential)) == uploaded


def test_public_key_was_made_but_the_answer_was_lost(school: Make, world: World) -> None:
    at = school()
    world.fault("/tokenpki/", "GET", when="after", reset=True)
    assert at.prepare(SERVER)["failed"]
    at.with_file(SERVER)
    assert at.complete(SERVER)["order"]["state"] == "proven"


@pytest.mark.parametrize("step", ["prepare", "complete"])
@pytest.mark.parametrize("credential", [PUSH, CONTENT])
def test_disk_full_while_writing_the_order(school: Make, credential: str, step: str) -> None:
    at = school()
    if step == "complete":
        at.with_file(credential)
    act = at.prepare if step == "prepare" else at.complete
    at.server()
    read, write = os.pipe()

    def full() -> None:
        os.write(write, act(credential)["msg"].encode())

    assert with_little_disk(100, full) == 0
    os.close(write)
    with open(read, encoding="utf-8") as pipe:
        said = pipe.read()
    assert "is full" in said or "cannot be written" in said
    assert "Nothing is lost" in said or "untouched" in said
    if step == "prepare":
        at.with_file(credential)
    assert at.complete(credential)["order"]["state"] == "proven"


def test_two_runs_at_once_on_one_tenant_one_ends_with_a_sentence(school: Make) -> None:
    at = school()
    order = at.with_file(CONTENT)
    kept = at.contents()
    with open_store(at.store).lock(at.tenant.name, CONTENT, timeout=0):
        failed = at.complete(CONTENT)
        assert at.complete(CONTENT, check=True)["order"]["state"] == "proven"
    assert failed["failed"]
    assert "Another run works on school" in failed["msg"]
    assert at.journal(order) and {k: v for k, v in at.contents().items() if "lock" not in k} == {
        k: v for k, v in kept.items() if "lock" not in k
    }


def test_two_runs_at_once_on_one_tenant_one_waits(school: Make) -> None:
    at = school()
    order = at.with_file(PUSH)
    children = [started(lambda: at.complete(PUSH, lock_timeout=30)["changed"]) for _run in range(3)]
    assert [ended(child) for child in children] == [0, 0, 0]
    assert [event["act"] for event in at.journal(order)][-3:] == ["received", "uploaded", "proven"]
    assert uploads(at, PUSH) == ["PUT pushcert"]


def started(act: Callable[[], object]) -> int:
    """A process that runs it, and ends with 0 if it went well."""
    pid = os.fork()
    if pid == 0:
        os._exit(run_in_child(act))
    return pid


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("days", [2, -2])
def test_clock_two_days_off_for_the_server_token(school: Make, world: World, days: int) -> None:
    at = school()
    order = at.with_file(SERVER)
    world.clock(days=days)
    told = at.complete(SERVER)
    said = str(told.get("msg") or told["awaiting"])
    assert re.search(r"clock|NTP", said)
    world.clock()
    done = at.complete(SERVER)
    assert (done["order"]["id"], done["order"]["state"]) == (order["id"], "proven")
    assert len(uploads(at, SERVER)) == 1


def test_clock_two_days_behind_for_the_push_certificate(school: Make, world: World) -> None:
    at = school()
    prepared = at.prepare(PUSH)
    world.clock(days=2)
    at.drop(prepared["order"], at.fetched(PUSH, prepared))
    refused = at.complete(PUSH)
    assert codes(refused) == ["not_yet_valid"]
    assert "clock" in refused["order"]["refused"][0]["reason"]["en"]
    assert "時計" in "".join(
        refused["order"]["refused"][0]["reason"]["ja"] + refused["order"]["refused"][0]["cure"]["ja"]
    )


def test_clock_two_days_ahead_for_the_push_certificate(school: Make, world: World) -> None:
    at = school()
    prepared = at.prepare(PUSH)
    world.clock(days=-2)
    at.drop(prepared["order"], at.fetched(PUSH, prepared))
    assert at.complete(PUSH)["order"]["state"] == "proven"


@pytest.mark.parametrize("credential", [SERVER, CONTENT])
def test_token_revoked_is_seen_by_asking_apple(school: Make, credential: str) -> None:
    at = school(server_token_days_left=200, content_token_days_left=200)
    at.tenant.revoke_server_token()
    at.tenant.revoke_content_token()
    assert at.info()[credential]["error"] is None
    told = at.info(check_apple=True)[credential]
    assert told["due"]
    assert "revoked" in str(told["error"] or told["reason"])


@pytest.mark.parametrize("credential", [SERVER, CONTENT])
def test_token_revoked_is_renewed_before_its_time(school: Make, credential: str) -> None:
    at = school(server_token_days_left=200, content_token_days_left=200)
    at.tenant.revoke_server_token()
    at.tenant.revoke_content_token()
    kept = at.contents()
    predicted = [at.prepare(credential, True, check_apple=True), at.complete(credential, True, check_apple=True)]
    assert at.contents() == kept
    assert all(each["order"]["state"] == "handed_off" for each in predicted)
    assert predicted[1]["failed"] and "revoked" in predicted[1]["msg"]
    prepared = at.prepare(credential, check_apple=True)
    assert prepared["code"] == "refused"
    failed = at.complete(credential, check_apple=True)
    assert failed["failed"] and "revoked" in failed["msg"]
    at.drop(prepared["order"], at.fetched(credential, prepared))
    assert at.complete(credential, check_apple=True)["order"]["state"] == "proven"
    assert not at.info(check_apple=True)[credential]["due"]


def test_token_revoked_by_a_newer_download_before_the_upload(school: Make) -> None:
    """The older of two downloads is in the inbox: Apple refuses it, the order waits, the newer one ends it."""
    at = school()
    prepared = at.prepare(SERVER)
    older = at.fetched(SERVER, prepared)
    newer = at.fetched(SERVER, prepared)
    at.drop(prepared["order"], older, "older.p7m")
    refused = at.complete(SERVER)
    assert (refused["pending"], codes(refused)) == (True, ["refused_by_apple"])
    assert refused["failed"]
    assert "replaced" in refused["msg"]
    waiting = at.complete(SERVER)
    assert (waiting["failed"], waiting["changed"], waiting["order"]["state"]) == (True, False, "handed_off")
    assert at.info()[SERVER]["due"] and "replaced" in at.info()[SERVER]["error"]
    assert at.prepare(SERVER)["order"]["state"] == "handed_off"
    at.drop(prepared["order"], newer, "newer.p7m")
    done = at.complete(SERVER)
    assert (done["order"]["id"], done["order"]["state"]) == (prepared["order"]["id"], "proven")
    assert at.info(check_apple=True)[SERVER]["error"] is None


def test_content_token_revoked_by_a_newer_download(school: Make) -> None:
    at = school()
    order = at.handed_off(CONTENT)
    older, newer = at.tenant.content_token_download(), at.tenant.content_token_download()
    at.drop(order, older, "a.vpptoken")
    refused = at.complete(CONTENT)
    assert (refused["pending"], codes(refused)) == (True, ["refused_by_apple"])
    at.drop(order, newer, "b.vpptoken")
    assert at.complete(CONTENT)["order"]["state"] == "proven"


@pytest.mark.parametrize("refused_at", ["session", "data"])
def test_terms_not_signed(school: Make, refused_at: Any) -> None:
    at = school()
    at.with_file(SERVER)
    at.tenant.terms_signed(False, refused_at)
    pending = at.complete(SERVER)
    assert (pending["pending"], pending["order"]["state"]) == (True, "uploaded")
    assert "terms" in pending["awaiting"]["en"] and "規約" in pending["awaiting"]["ja"]
    assert not at.complete(SERVER)["changed"]
    at.tenant.terms_signed(True)
    done = at.complete(SERVER)
    assert done["order"]["state"] == "proven"
    assert len(uploads(at, SERVER)) == 1


def in_a_moment() -> str:
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [pytest.param(lambda: "7", 7, 7, id="in seconds"), pytest.param(in_a_moment, 15, 31, id="as a date")],
)
@pytest.mark.parametrize(
    ("credential", "path"), [(PUSH, "/pushcert$"), (SERVER, "/tokens/"), (CONTENT, "client/config")]
)
def test_429_with_retry_after(
    school: Make,
    world: World,
    waits: list[float],
    credential: str,
    path: str,
    header: Callable[[], str],
    least: float,
    most: float,
) -> None:
    at = school()
    at.with_file(credential)
    world.fault(path, "GET", status=429, headers={"Retry-After": header()})
    assert at.complete(credential)["order"]["state"] == "proven"
    assert len(waits) == 1 and least <= waits[0] <= most


def test_429_again_and_again(school: Make, world: World, waits: list[float]) -> None:
    at = school()
    at.with_file(CONTENT)
    world.fault("client/config", status=429, times=TRIES, headers={"Retry-After": "600"})
    failed = at.complete(CONTENT)
    assert failed["failed"]
    assert "Run again in some minutes" in failed["msg"]
    assert waits == [60.0, 60.0]
    assert at.complete(CONTENT)["order"]["state"] == "proven"


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_person_renewed_on_the_portal_but_never_dropped_the_file(school: Make, credential: str) -> None:
    at = school()
    prepared = at.prepare(credential)
    at.fetched(credential, prepared)
    pending = at.complete(credential)
    assert (pending.get("failed"), pending["pending"], pending["days_left"]) == (None, True, 20)
    for check in (True, False):
        late = at.complete(credential, check, fail_below_days=21)
        assert late["failed"]
        for word in (
            "school: ",
            credential.split("_")[1],
            "in 20 days",
            prepared["order"]["place"],
            "instructions",
            "手順書",
        ):
            assert word in late["msg"]
        assert re.search(r"\d{4}-\d\d-\d\d", late["msg"])
        assert late["order"]["state"] == "handed_off"


def test_person_created_a_new_certificate_instead(school: Make) -> None:
    at = school()
    prepared = at.prepare(PUSH)
    created = at.tenant.portal_create(at.request(PUSH, prepared))
    at.drop(prepared["order"], created, "created.pem")
    refused = at.complete(PUSH)
    assert (refused["pending"], codes(refused)) == (True, ["created_not_renewed"])
    assert at.tenant.push_topic in refused["order"]["refused"][0]["cure"]["en"]
    assert uploads(at, PUSH) == []
    at.drop(prepared["order"], at.fetched(PUSH, prepared), "renewed.pem")
    done = at.complete(PUSH)
    assert (done["order"]["state"], done["order"]["in_use"]["identity"]) == ("proven", at.tenant.push_topic)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_expired_yesterday(school: Make, credential: str) -> None:
    at = school(push_days_left=-2, server_token_days_left=-2, content_token_days_left=-2)
    assert at.info()[credential]["code"] == "expired"
    late: dict[str, Any] = {"fail_below_days": -9} if credential == CONTENT else {}
    prepared = at.prepare(credential, **late)
    assert prepared["order"]["state"] == "handed_off"
    failed = at.complete(credential)
    assert failed["failed"]
    assert "It expired on" in failed["msg"]
    at.drop(prepared["order"], at.fetched(credential, prepared))
    done = at.complete(credential)
    assert done["order"]["state"] == "proven"
    assert at.info()[credential]["code"] == "not_due"


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_renewed_elsewhere(school: Make, credential: str) -> None:
    at = school()
    order = at.handed_off(credential)
    elsewhere = School(at.tenant, at.folder, str(at.folder / "elsewhere"))
    elsewhere.with_file(credential)
    assert elsewhere.complete(credential)["order"]["state"] == "proven"
    told = at.complete(credential)
    assert (told["order"]["id"], told["order"]["state"], told["pending"]) == (order["id"], "void", False)
    assert told["order"]["void_reason"]["code"] == "renewed_elsewhere"
    assert told["changed"]
    assert not at.complete(credential)["changed"]


def test_renewed_elsewhere_while_our_file_lay_ready(school: Make, world: World) -> None:
    """Ours was taken but never reached the server; what is in use now is not ours and is not called ours."""
    at = school()
    order = at.with_file(PUSH)
    world.fault("/pushcert$", "PUT", status=500)
    assert at.complete(PUSH)["failed"]
    assert at.journal(order)[-1]["state"] == "received"
    elsewhere = School(at.tenant, at.folder, str(at.folder / "elsewhere"))
    world.clock(hours=-1)
    elsewhere.with_file(PUSH)
    world.clock()
    assert elsewhere.complete(PUSH)["order"]["state"] == "proven"
    told = at.complete(PUSH)
    assert (told["order"]["state"], told["pending"]) == ("void", False)
    assert len(uploads(at, PUSH)) == 2


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("days_left", "said"), [(-3, "expired"), (400, "becomes valid only")])
def test_vendor_certificate_is_of_no_use(school: Make, check: bool, days_left: int, said: str) -> None:
    at = school(vendor_days_left=days_left)
    failed = at.prepare(PUSH, check)
    assert failed["failed"]
    assert "vendor" in failed["msg"] and said in failed["msg"]
    assert failed["verdict"]["cure"]["ja"]
    assert not any("upload_this" in file for file in at.contents())


def test_one_of_our_own_claims_does_not_stop_us(school: Make) -> None:
    at = school(mdm_info={"id": "our-mdm", "name": "Ours"})
    at.mdm["mdm_id"] = "our-mdm"
    at.with_file(CONTENT)
    assert at.complete(CONTENT)["order"]["state"] == "proven"
    assert Path(at.server()["content_token_path"]).exists()


def test_another_server_claims_the_location_between_upload_and_proof(school: Make, world: World) -> None:
    at = school()
    order = at.with_file(CONTENT)
    world.fault("/assets", status=500, body="busy")
    assert at.complete(CONTENT)["failed"]
    assert at.journal(order)[-1]["state"] == "uploaded"
    at.tenant.claim_location("other-mdm", "Other MDM")
    told = at.complete(CONTENT)
    assert "other-mdm" in str(told.get("msg") or told["order"]["refused"])
    at.mdm["mdm_id"] = "other-mdm"
    done = at.complete(CONTENT)
    assert (done["order"]["id"], done["order"]["state"]) == (order["id"], "proven")
