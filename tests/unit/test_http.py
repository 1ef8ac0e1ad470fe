# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP client: what it repeats, what it refuses, what its errors say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    ConfigurationError,
    ServiceError,
    Unreachable,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils._http import HttpClient
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import DROPPED, Answer, FarSide, as_json


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide(as_json({"fine": True})) as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(far_side: FarSide, waits: list[float]) -> Iterator[HttpClient]:
    client = HttpClient(far_side.url, auth=("me", "s3cret"), timeout=5, sleep=waits.append)
    yield client
    client.close()


def test_an_answer_is_returned(far_side: FarSide, client: HttpClient) -> None:
    answer = client.request("PUT", "/v1/x", params={"topic": "a b"}, data=b"body")
    assert (answer.status, answer.json()) == (200, {"fine": True})
    assert (far_side.asked[0].method, far_side.asked[0].path) == ("PUT", "/v1/x?topic=a+b")
    assert far_side.asked[0].body == b"body"
    assert far_side.asked[0].headers["Authorization"].startswith("Basic ")
    assert far_side.asked[0].headers["User-Agent"].startswith("nendo.apple_mdm")


@pytest.mark.parametrize(
    "trouble",
    [DROPPED, *(Answer(status) for status in (429, 502, 503, 504))],
    ids=["reset", "429", "502", "503", "504"],
)
def test_an_idempotent_call_is_repeated(
    far_side: FarSide, client: HttpClient, waits: list[float], trouble: Answer
) -> None:
    far_side.answers = [trouble, trouble, as_json({"fine": True})]
    assert client.request("GET", "/", idempotent=True).json() == {"fine": True}
    assert waits == [1, 2]


@pytest.mark.parametrize("trouble", [DROPPED, Answer(429), Answer(503)], ids=["reset", "429", "503"])
def test_other_calls_are_sent_once(far_side: FarSide, client: HttpClient, waits: list[float], trouble: Answer) -> None:
    far_side.answers = [trouble]
    with pytest.raises(ServiceError):
        client.request("PUT", "/")
    assert (len(far_side.asked), waits) == (1, [])


def test_tries_are_bounded(far_side: FarSide, client: HttpClient, waits: list[float]) -> None:
    far_side.answers = [Answer(503)]
    with pytest.raises(ServiceError) as caught:
        client.request("GET", "/", idempotent=True)
    assert (len(far_side.asked), caught.value.status) == (3, 503)


def test_a_server_error_is_not_repeated(far_side: FarSide, client: HttpClient) -> None:
    far_side.answers = [Answer(500)]
    with pytest.raises(ServiceError):
        client.request("GET", "/", idempotent=True)
    assert len(far_side.asked) == 1


def test_what_is_expected_is_not_repeated(far_side: FarSide, client: HttpClient) -> None:
    far_side.answers = [Answer(502)]
    assert client.request("GET", "/", idempotent=True, expect=(200, 502)).status == 502
    assert len(far_side.asked) == 1


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        pytest.param("7", 7, 7, id="seconds"),
        pytest.param("0", 1, 1, id="too short"),
        pytest.param("86400", 60, 60, id="too long"),
        pytest.param("date+20", 15, 20, id="date"),
        pytest.param("date-20", 1, 1, id="date gone by"),
        pytest.param("date+9999", 60, 60, id="date far off"),
        pytest.param("soon", 1, 1, id="neither"),
    ],
)
def test_retry_after(
    far_side: FarSide, client: HttpClient, waits: list[float], header: str, low: float, high: float
) -> None:
    value = formatdate(time.time() + int(header[4:]), usegmt=True) if header.startswith("date") else header
    far_side.answers = [Answer(429, headers={"Retry-After": value}), as_json({})]
    client.request("GET", "/", idempotent=True)
    assert len(waits) == 1 and low <= waits[0] <= high


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_has_its_own_class(far_side: FarSide, client: HttpClient, status: int) -> None:
    far_side.answers = [Answer(status, b"no")]
    with pytest.raises(AccessRefused) as caught:
        client.request("GET", "/v1/x")
    assert caught.value.details == {"method": "GET", "request_path": "/v1/x", "status": status, "body": "no"}


def test_errors_hold_no_secret_and_little_body(far_side: FarSide, client: HttpClient) -> None:
    far_side.answers = [Answer(500, b"key s3cret of https://me:pw@host/ " + b"x" * 9999)]
    with pytest.raises(ServiceError) as caught:
        client.request("GET", "/")
    told = str(caught.value) + str(caught.value.details)
    assert "s3cret" not in told and "me:pw" not in told and "https://host/" in told
    assert len(caught.value.details["body"]) <= 4096


def test_a_bearer_token_is_a_secret(far_side: FarSide) -> None:
    far_side.answers = [Answer(500, b"unknown token abc123")]
    with pytest.raises(ServiceError) as caught:
        HttpClient(far_side.url, headers={"Authorization": "Bearer abc123"}).request("GET", "/")
    assert "abc123" not in str(caught.value) + str(caught.value.details)


def test_redirects_are_not_followed(far_side: FarSide, client: HttpClient) -> None:
    far_side.answers = [Answer(302, headers={"Location": "https://elsewhere.example/"}), as_json({})]
    with pytest.raises(ServiceError, match=r"elsewhere\.example.*not followed"):
        client.request("GET", "/")
    assert len(far_side.asked) == 1


def test_a_time_out_says_what_is_safe(far_side: FarSide) -> None:
    far_side.hold.clear()
    client = HttpClient(far_side.url, timeout=0.2)
    with pytest.raises(Unreachable, match=r"nothing within 0\.2 seconds.*Nothing was changed there"):
        client.request("GET", "/", idempotent=True)
    with pytest.raises(Unreachable, match=r"not known; the next run looks first"):
        client.request("PUT", "/")


def test_a_refused_connection(far_side: FarSide) -> None:
    url = far_side.url
    far_side.__exit__(None, None, None)
    waits: list[float] = []
    with pytest.raises(Unreachable, match="connection was refused"):
        HttpClient(url, sleep=waits.append).request("GET", "/", idempotent=True)
    assert waits == [1, 2]


def test_what_is_not_json(far_side: FarSide, client: HttpClient) -> None:
    far_side.answers = [Answer(200, b"<html>sign in, s3cret</html>", {"Content-Type": "text/html"})]
    with pytest.raises(ServiceError, match="text/html") as caught:
        client.request("GET", "/").json()
    assert "s3cret" not in str(caught.value) + str(caught.value.details)


@pytest.mark.parametrize(
    "url",
    [
        "http://mdm.example.com",
        "https://user:pw@mdm.example.com",
        "mdm.example.com",
        "user:pw@mdm.example.com",
        "ftp://127.0.0.1",
        "https://",
        "https://mdm.example.com:port",
        "https://mdm.example.com/?x=1",
        "http://127.0.0.1.example.com",
    ],
)
def test_addresses_that_cannot_work(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpClient(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://[::1]:1/", "http://localhost", "https://mdm.example.com/a/"]
)
def test_addresses_that_can(url: str) -> None:
    assert HttpClient(url).base_url == url.rstrip("/")


def test_a_missing_ca_file() -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        HttpClient("https://mdm.example.com", ca_path="/nowhere/ca.pem")


@pytest.mark.parametrize("given", [{"auth": ("me", "key")}, {"headers": {"Authorization": "Bearer abc"}}, {}])
def test_no_netrc(far_side: FarSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    HttpClient(far_side.url, **given).request("GET", "/")
    sent = far_side.asked[0].headers["Authorization"]
    assert sent == {"auth": "Basic bWU6a2V5", "headers": "Bearer abc"}.get(next(iter(given), ""))


def test_loopback_needs_no_proxy(far_side: FarSide, client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert client.request("GET", "/").status == 200


def test_other_hosts_go_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="proxy"):
        HttpClient("https://mdm.invalid").request("GET", "/", idempotent=True)


@pytest.mark.parametrize("ahead", [-7200, 0, 172800])
def test_the_clocks_are_compared(far_side: FarSide, client: HttpClient, ahead: int) -> None:
    assert client.clock_skew is None
    far_side.date = formatdate(time.time() + ahead, usegmt=True)
    client.request("GET", "/")
    assert client.clock_skew == pytest.approx(ahead, abs=3)
