# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The embedded NanoMDM, NanoHUB and NanoDEP."""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World

COMMAND = plistlib.dumps({"CommandUUID": "u1", "Command": {"RequestType": "ProfileList"}})


def nano(tenant: Tenant, path: str, method: str = "GET", key: str | None = None, **more: Any) -> requests.Response:
    return requests.request(method, tenant.url + path, auth=("nanomdm", key or tenant.api_key), timeout=10, **more)


def dep(tenant: Tenant, path: str, method: str = "GET", **more: Any) -> requests.Response:
    return requests.request(method, tenant.dep_url + path, auth=("depserver", tenant.dep_api_key), timeout=10, **more)


def pair(tenant: Tenant) -> str:
    return tenant.push_certificate_pem + tenant.push_private_key_pem


@pytest.fixture
def key_pair(tenant: Tenant) -> bytes:
    return dep(tenant, f"/v1/tokenpki/{tenant.dep_name}").content


def test_push_certificate_is_stored_and_read_back_by_later_builds_only(world: World) -> None:
    later, v090 = world.tenant("later"), world.tenant("v090", pushcert_readable=False)
    for tenant in (later, v090):
        assert nano(tenant, "/v1/pushcert", key="x").headers["Www-Authenticate"] == 'Basic realm="nanomdm"'
        stored = nano(tenant, "/v1/pushcert", "PUT", data=pair(tenant))
        assert stored.json() == {"topic": tenant.push_topic, "not_after": tenant.push_not_after}
    read = nano(later, "/v1/pushcert", params={"topic": later.push_topic})
    assert (read.status_code, read.json()["not_after"]) == (200, later.push_not_after)
    assert [nano(later, path).status_code for path in ("/v1/pushcert", "/v1/pushcert?topic=x")] == [400, 500]
    assert nano(later, "/v1/pushcert", "DELETE").status_code == 405
    old = nano(v090, "/v1/pushcert", params={"topic": v090.push_topic})
    assert (old.status_code, "failed to find any PEM data" in old.json()["error"]) == (400, True)


def test_push_certificate_of_another_topic_goes_beside_the_old(world: World) -> None:
    one, two = world.tenant("one"), world.tenant("two")
    assert nano(one, "/v1/pushcert", "PUT", data=pair(two)).json()["topic"] == two.push_topic
    assert nano(one, "/v1/pushcert", params={"topic": one.push_topic}).status_code == 200


def test_bad_pairs_are_refused(tenant: Tenant, openssl: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "k").write_text(tenant.push_private_key_pem)
    encrypted = openssl("pkey", "-in", "k", "-aes128", "-passout", "pass:x").decode()
    other = openssl("genrsa", "2048").decode()
    answers = {
        "encrypted": tenant.push_certificate_pem + encrypted,
        "does not match": tenant.push_certificate_pem + other,
        "key input": tenant.push_certificate_pem,
        "certificate input": "hello",
    }
    for text, body in answers.items():
        refused = nano(tenant, "/v1/pushcert", "PUT", data=body)
        assert (refused.status_code, text in refused.json()["error"]) == (400, True)


def test_nanohub_has_the_same_under_its_prefix(tenant: Tenant) -> None:
    url = f"{tenant.nanohub_url}{tenant.nanohub_prefix}/pushcert"
    assert requests.put(url, data=pair(tenant), auth=("nanohub", tenant.api_key), timeout=10).status_code == 200
    assert requests.put(url, data=pair(tenant), auth=("nanomdm", tenant.api_key), timeout=10).status_code == 401


def test_command_is_queued_although_the_push_failed(tenant: Tenant) -> None:
    answer = nano(tenant, "/v1/enqueue/unknown", "PUT", data=COMMAND)
    assert (answer.status_code, answer.json()["command_uuid"]) == (500, "u1")
    assert "command_error" in nano(tenant, "/v1/enqueue/unknown?nopush=1", "PUT", data=COMMAND).json()
    assert nano(tenant, "/v1/push/ipad-1,unknown").status_code == 207
    assert nano(tenant, "/v1/push/ipad-1").status_code == 200


def test_token_exchange_and_the_proxy(tenant: Tenant, key_pair: bytes) -> None:
    name = tenant.dep_name
    assert dep(tenant, "/v1/dep_names").json() == {"dep_names": [name]}
    assert dep(tenant, f"/v1/tokens/{name}").json() == tenant.server_token_values
    p7m = tenant.server_token(key_pair)
    assert dep(tenant, f"/proxy/{name}/account").status_code == 502
    stored = dep(tenant, f"/v1/tokenpki/{name}", "PUT", data=p7m)
    assert stored.json()["consumer_key"] == tenant.consumer_key
    assert stored.json()["access_token"] != tenant.server_token_values["access_token"]
    assert dep(tenant, f"/proxy/{name}/account").json()["server_uuid"] == tenant.server_uuid
    assert len(dep(tenant, f"/proxy/{name}/server/devices", "POST", json={}).json()["devices"]) == 3


def test_the_proxy_tells_of_devices_what_ade_has(tenant: Tenant) -> None:
    path = f"/proxy/{tenant.dep_name}/devices"
    first, second, third = tenant.serials
    tenant.switch(ade_without_profile=[second], ade_failing=[third])
    told = dep(tenant, path, "POST", json={"devices": [*tenant.serials, "UNKNOWN00001"]}).json()["devices"]
    statuses = {serial: each["response_status"] for serial, each in told.items()}
    assert statuses == {first: "SUCCESS", second: "SUCCESS", third: "FAILED", "UNKNOWN00001": "NOT_ACCESSIBLE"}
    assert (told[first]["profile_status"], told[second]["profile_status"]) == ("assigned", "empty")
    assert told[first]["profile_uuid"] and "profile_uuid" not in told[second]
    refused = dep(tenant, path, "POST", json={"devices": []})
    assert (refused.status_code, refused.text) == (400, "DEVICE_ID_REQUIRED")


def test_second_call_of_token_pki_makes_the_token_undecryptable(tenant: Tenant, key_pair: bytes) -> None:
    p7m = tenant.server_token(key_pair)
    assert dep(tenant, f"/v1/tokenpki/{tenant.dep_name}").content != key_pair
    refused = dep(tenant, f"/v1/tokenpki/{tenant.dep_name}", "PUT", data=p7m)
    assert (refused.status_code, "error" in refused.json()) == (500, True)


def test_other_consumer_key_needs_force_and_promotes_the_keys_before_it_says_so(
    tenant: Tenant, key_pair: bytes
) -> None:
    tenant.new_server_entry("other")
    p7m = tenant.server_token(key_pair, entry="other")
    path = f"/v1/tokenpki/{tenant.dep_name}"
    assert dep(tenant, path, "PUT", data=p7m).json() == {"error": "mismatched consumer key"}
    assert dep(tenant, f"/v1/tokens/{tenant.dep_name}").json() == tenant.server_token_values
    assert dep(tenant, f"{path}?force=1", "PUT", data=p7m).status_code == 200


def test_unknown_names_answer_as_nanodep_does(tenant: Tenant) -> None:
    assert dep(tenant, "/v1/tokens/none").status_code == 500
    assert dep(tenant, "/v1/config/none").json() is None
    assert dep(tenant, "/v1/tokenpki/none", "PUT", data=b"x").status_code == 500
    assert dep(tenant, "/v1/tokens/none", "PUT", json={"consumer_key": "x"}).status_code == 400
    assert dep(tenant, "/v1/tokens/none", "DELETE").status_code == 405
    assert dep(tenant, "/v1/dep_names", params={"dep_name": "none"}).json() == {"dep_names": None}
    assert dep(tenant, "/proxy/none/account").status_code == 502
