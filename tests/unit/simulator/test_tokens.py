# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The token pages, the ADE service and Apps and Books."""

from __future__ import annotations

import base64
import datetime
import http.server
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from requests_oauthlib import OAuth1Session


@pytest.fixture
def key_pair(openssl: Callable[..., bytes], tmp_path: Path) -> bytes:
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "t.key", "-subj", "/CN=us", "-out", "t.pem")
    return (tmp_path / "t.pem").read_bytes()


def opened(openssl: Callable[..., bytes], p7m: bytes) -> dict[str, Any]:
    """The token values of a .p7m."""
    text = openssl("smime", "-decrypt", "-recip", "t.pem", "-inkey", "t.key", data=p7m).replace(b"\r\n", b"\n")
    head, _gap, body = text.partition(b"\n\n")
    assert head.startswith(b"Content-Type: text/plain;charset=UTF-8")
    lines = body.strip().split(b"\n")
    assert (lines[0], lines[-1]) == (b"-----BEGIN MESSAGE-----", b"-----END MESSAGE-----")
    assert len(lines) > 4
    return json.loads(b"".join(lines[1:-1]))


def session(tenant: Tenant, tokens: dict[str, Any]) -> requests.Response:
    names = ("consumer_key", "consumer_secret", "access_token", "access_secret")
    with OAuth1Session(*(tokens[name] for name in names), realm="ADM") as oauth:
        return oauth.get(f"{tenant.ade_url}/session", timeout=10)


def test_server_token_opens_with_our_key_and_kills_the_older(
    tenant: Tenant, key_pair: bytes, openssl: Callable[..., bytes]
) -> None:
    assert session(tenant, tenant.server_token_values).status_code == 200
    new = opened(openssl, tenant.server_token(key_pair))
    assert new["consumer_key"] == tenant.consumer_key
    assert new["access_token_expiry"].endswith("Z")
    assert session(tenant, new).status_code == 200
    refused = session(tenant, tenant.server_token_values)
    assert (refused.status_code, refused.text) == (401, "token_rejected")


@pytest.mark.parametrize(("cipher", "stream"), [("aes128", True), ("aes256", False), ("des3", True)])
def test_server_token_file_in_its_forms(
    tenant: Tenant, key_pair: bytes, openssl: Callable[..., bytes], cipher: str, stream: bool
) -> None:
    tenant.switch(p7m_cipher=cipher, p7m_stream=stream)
    p7m = tenant.server_token(key_pair)
    assert p7m.startswith(b"Content-Type: application/pkcs7-mime")
    indefinite = base64.b64decode(b"".join(p7m.split(b"\r\n\r\n")[1].split()))[1] == 0x80
    assert indefinite is stream
    assert opened(openssl, p7m)["consumer_key"] == tenant.consumer_key


def test_session_is_judged_as_oauth(world: World, tenant: Tenant) -> None:
    tokens = tenant.server_token_values
    wrong = session(tenant, tokens | {"access_secret": "AS_wrong"})
    assert (wrong.status_code, wrong.text) == (401, "signature_invalid")
    assert session(tenant, tokens | {"consumer_key": "CK_other"}).text == "consumer_key_unknown"
    assert requests.get(f"{tenant.ade_url}/session", timeout=10).status_code == 400

    header = session(tenant, tokens).request.headers["Authorization"]
    again = requests.get(f"{tenant.ade_url}/session", headers={"Authorization": header}, timeout=10)
    assert (again.status_code, again.text) == (401, "nonce_used")

    world.clock(days=2)
    assert session(tenant, tokens).text == "timestamp_refused"


def test_account_needs_a_session_that_expires_and_rotates(world: World, tenant: Tenant) -> None:
    def account(name: str | None) -> requests.Response:
        headers = {"X-ADM-Auth-Session": name, "X-Server-Protocol-Version": "7"} if name else {}
        return requests.get(f"{tenant.ade_url}/account", headers=headers, timeout=10)

    first = session(tenant, tenant.server_token_values).json()["auth_session_token"]
    assert account(first).json()["server_uuid"] == tenant.server_uuid
    assert account(first).json()["org_type"] == "edu"
    assert (account(None).status_code, account("x").text) == (401, "FORBIDDEN")

    tenant.switch(ade_rotate_sessions=True)
    second = account(first).headers["X-ADM-Auth-Session"]
    assert (account(first).status_code, account(second).status_code) == (403, 200)
    tenant.switch(ade_rotate_sessions=False)
    third = session(tenant, tenant.server_token_values).json()["auth_session_token"]
    world.clock(hours=1)
    assert (account(third).status_code, account(third).text) == (401, "UNAUTHORIZED")


def test_terms_and_user_switches_with_bare_or_quoted_words(tenant: Tenant) -> None:
    tenant.terms_signed(False, at="session")
    assert session(tenant, tenant.server_token_values).text == "T_C_NOT_SIGNED"
    tenant.switch(ade_quoted_errors=True)
    assert session(tenant, tenant.server_token_values).text == '"T_C_NOT_SIGNED"'
    tenant.terms_signed(True)
    tenant.switch(ade_user_deleted=True)
    assert session(tenant, tenant.server_token_values).status_code == 403
    tenant.switch(ade_user_deleted=False)
    tenant.revoke_server_token()
    assert session(tenant, tenant.server_token_values).text == '"token_rejected"'


def vpp(tenant: Tenant, path: str, bearer: str | None = None, method: str = "GET", **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {bearer or tenant.content_token}"}
    return requests.request(method, f"{tenant.apps_and_books_url}/{path}", headers=headers, timeout=10, **more)


def test_content_token_file_is_its_own_bearer_and_revokes_the_older(world: World, tenant: Tenant) -> None:
    text = tenant.content_token_download().decode()
    fields = json.loads(base64.b64decode(text))
    assert set(fields) == {"token", "expDate", "orgName"}
    assert datetime.datetime.strptime(fields["expDate"], "%Y-%m-%dT%H:%M:%S%z") > world.now()
    assert vpp(tenant, "client/config", text).json()["uId"] == tenant.u_id
    assert vpp(tenant, "client/config", fields["token"]).json()["errorNumber"] == 9622
    assert vpp(tenant, "client/config").json()["errorNumber"] == 9625


def test_apps_and_books_errors(world: World, tenant: Tenant) -> None:
    service = requests.get(f"{tenant.apps_and_books_url}/service/config", timeout=10).json()
    assert service["urls"]["clientConfig"] == f"{tenant.apps_and_books_url}/client/config"
    bare = requests.get(f"{tenant.apps_and_books_url}/client/config", timeout=10)
    assert (bare.status_code, bare.json()["errorNumber"]) == (401, 9601)
    assert vpp(tenant, "client/config", "a b").json()["errorNumber"] == 9722
    assert vpp(tenant, "client/config", method="DELETE").status_code == 405
    assert vpp(tenant, "client/config", method="POST", data="{}").json()["errorNumber"] == 9727
    assert vpp(tenant, "client/config", method="POST", json={"mdmInfo": {"id": "1"}}).json()["errorNumber"] == 9723
    late = world.tenant("late", content_token_days_left=-1)
    late.switch(vpp_errors_as_200=True)
    expired = vpp(late, "client/config")
    assert (expired.status_code, expired.json()["errorNumber"]) == (200, 9621)
    tenant.switch(vpp_max_per_second=0)
    assert vpp(tenant, "client/config").status_code == 429


def test_claim_is_overwritten_and_told_in_every_reply(world: World) -> None:
    tenant = world.tenant("claimed", mdm_info={"id": "theirs", "name": "Their MDM"})
    assert vpp(tenant, "assets").json()["mdmInfo"]["id"] == "theirs"
    ours = {"id": "ours", "name": "Our MDM", "metadata": ""}
    assert vpp(tenant, "client/config", method="POST", json={"mdmInfo": ours}).json()["mdmInfo"] == ours
    assert "mdmInfo" not in vpp(world.tenant("free"), "client/config").json()


def test_assets_come_in_pages(world: World) -> None:
    tenant = world.tenant("rich", assets=5)
    tenant.switch(vpp_page_size=2)
    pages = [vpp(tenant, "assets", params={"pageIndex": index}).json() for index in range(3)]
    assert [page["size"] for page in pages] == [2, 2, 1]
    assert [page.get("nextPageIndex") for page in pages] == [1, 2, None]
    assert vpp(tenant, "assets", params={"pageIndex": 3}).json()["errorNumber"] == 9650


def test_notification_url_is_called_before_it_is_stored(tenant: Tenant) -> None:
    seen = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.headers["Authorization"], body["notificationType"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    wanted = {"notificationUrl": "http://127.0.0.1:9/n", "notificationAuthToken": "s", "notificationTypes": []}
    assert vpp(tenant, "client/config", method="POST", json=wanted).json()["errorNumber"] == 9728
    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.handle_request, daemon=True).start()
        wanted["notificationUrl"] = f"http://127.0.0.1:{receiver.server_port}/n"
        told = vpp(tenant, "client/config", method="POST", json=wanted).json()
    assert told["notificationUrl"] == wanted["notificationUrl"]
    assert seen == [("Bearer s", "TEST_NOTIFICATION")]
