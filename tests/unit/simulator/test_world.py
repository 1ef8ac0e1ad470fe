# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults, the request log, the clock, restarts, and the pace."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import requests
from ansible_collections.nendo.apple_mdm.tests.simulator import client
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World


def put(tenant: Tenant) -> requests.Response:
    body = tenant.push_certificate_pem + tenant.push_private_key_pem
    return requests.put(f"{tenant.url}/v1/pushcert", data=body, auth=("nanomdm", tenant.api_key), timeout=5)


def stored(tenant: Tenant) -> bool:
    path = f"/v1/pushcert?topic={tenant.push_topic}"
    return requests.get(tenant.url + path, auth=("nanomdm", tenant.api_key), timeout=5).status_code == 200


@pytest.fixture
def empty(world: World) -> Tenant:
    """A tenant whose MDM server has lost its push certificate."""
    made = world.tenant("donor")
    tenant = world.tenant("empty", no_push_certificate=True)
    for name in ("push_certificate_pem", "push_private_key_pem", "push_topic"):
        setattr(tenant, name, getattr(made, name))
    return tenant


def test_fault_before_leaves_no_effect_and_after_does(world: World, empty: Tenant) -> None:
    world.fault("/v1/pushcert", method="PUT", status=500, body="oops", headers={"Retry-After": "7"})
    answer = put(empty)
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (500, "oops", "7")
    assert not stored(empty)
    world.fault("/v1/pushcert", method="PUT", status=500, when="after")
    assert put(empty).status_code == 500
    assert stored(empty)
    assert put(empty).status_code == 200


def test_lost_answers(world: World, empty: Tenant) -> None:
    world.fault("/v1/pushcert", method="PUT", reset=True, tenant="somebody else")
    world.fault("/v1/pushcert", method="PUT", reset=True, when="after")
    with pytest.raises(requests.ConnectionError):
        put(empty)
    assert stored(empty)
    assert [entry["status"] for entry in world.writes("empty")] == [None]


def test_slow_and_hanging(world: World, tenant: Tenant) -> None:
    world.fault("/version", delay=0.3)
    before = time.monotonic()
    assert requests.get(f"{tenant.url}/version", timeout=5).status_code == 200
    assert time.monotonic() - before > 0.3
    world.fault("/version", hang=True)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{tenant.url}/version", timeout=0.3)


def test_log_tells_whose_request_and_whether_it_writes(world: World, tenant: Tenant) -> None:
    other = world.tenant("other")
    auth = ("depserver", tenant.dep_api_key)
    stored(tenant)
    requests.get(f"{tenant.dep_url}/v1/tokens/school", auth=auth, timeout=5)
    requests.post(f"{tenant.dep_url}/proxy/school/server/devices", auth=auth, json={}, timeout=5)
    assert world.writes() == []
    requests.get(f"{tenant.dep_url}/v1/tokenpki/school?code=1", auth=auth, timeout=5)
    put(other)
    other.content_token_download()
    assert [(entry["path"], entry["query"]) for entry in world.writes("school")] == [
        ("/t/school/nanodep/v1/tokenpki/school", "code=-")
    ]
    assert [entry["method"] for entry in world.writes("other")] == ["PUT", "POST"]
    assert {entry["tenant"] for entry in world.requests(path_regex="^/account|^/session")} == {"school"}
    world.forget_requests()
    assert world.requests() == []


def test_clock_moves_and_ages_are_counted_from_it(world: World) -> None:
    world.clock(days=400)
    tenant = world.tenant("later", push_days_left=10)
    assert tenant.push_not_after.startswith((world.now() + timedelta(days=10, hours=1)).strftime("%Y-%m-%dT%H"))
    world.clock()
    assert world.now().year in (time.gmtime().tm_year, (time.gmtime(time.time() - 60)).tm_year)


def test_state_faults_and_log_survive_a_restart() -> None:
    with client.start() as world:
        tenant = world.tenant("kept", devices=1)
        url = world.url
        put(tenant)
        tenant.switch(ade_rotate_sessions=True)
        world.clock(days=2)
        world.fault("/v1/pushcert", status=503)
        before = world.now()
        world.restart()
        assert world.url == url
        (again,) = world.tenants()
        assert vars(again) == {**vars(tenant), "world": world, "switches": again.switches}
        assert again.switches["ade_rotate_sessions"] is True
        assert world.now() - before < timedelta(minutes=1)
        assert [entry["method"] for entry in world.requests("kept")] == ["PUT"]
        assert put(again).status_code == 503


def test_start_and_a_hundred_tenants_are_quick() -> None:
    before = time.monotonic()
    with client.start() as world:
        started = time.monotonic()
        tenants = world.tenants([{"name": f"school-{number:03}"} for number in range(100)])
        made = time.monotonic()
        assert len({tenant.push_topic for tenant in tenants}) == 100
        assert world.tenants()[99].name == "school-099"
    assert started - before < 10
    assert made - started < 5


def test_home_page_tells_where_to_sign_in(world: World, tenant: Tenant) -> None:
    page = requests.get(world.url, timeout=5).text
    assert all(text in page for text in (tenant.apple_account, tenant.password, tenant.api_key, "/pushcert/"))
    made = requests.post(world.url, data={"name": "clicked", "push_days_left": "5"}, timeout=5)
    assert (made.status_code, "/t/clicked/nanomdm" in made.text) == (200, True)
    assert requests.post(world.url, data={"name": "clicked"}, timeout=5).status_code == 400


def test_control_refuses_what_it_does_not_know(world: World, tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="no such switch: nonsense"):
        tenant.switch(nonsense=True)
    with pytest.raises(ValueError, match="already"):
        world.tenant("school")
    with pytest.raises(ValueError, match="unexpected keyword"):
        world.tenant("new", nonsense=1)
