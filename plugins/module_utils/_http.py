# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One HTTP client for every far side: a pooled session, bounded retries, errors of our own tree.

https only, or plain http on loopback. A request is repeated only where the caller says that repeating does no harm,
and only after a connection that failed, 429 and 502-504. Redirects are not followed. No ~/.netrc is read.
"""

from __future__ import annotations

import ipaddress
import json as jsonlib
import os
import re
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from ._errors import AccessRefused, ConfigurationError, ServiceError, Unreachable

try:
    import requests
    from urllib3.exceptions import HTTPError, InvalidHeader
    from urllib3.util.retry import Retry
except ImportError:
    pass

__all__ = ["HttpClient", "Response", "retry_after_seconds"]

USER_AGENT = "nendo.apple_mdm (Ansible collection)"
TRIES = 3
CONNECTIONS = 16
RETRIED = frozenset({429, 502, 503, 504})
BODY_LIMIT = 4096


@dataclass(frozen=True)
class Response:
    """An answer that the caller expected."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked: str  # method and address, for errors

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. The error does not show the body, which may hold secrets."""
        try:
            parsed = jsonlib.loads(self.body)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise ServiceError(
                f"The answer to {self.asked} is not the JSON that was expected ({len(self.body)} bytes of"
                f" {self.headers.get('Content-Type', 'unknown type')}). Another program may be answering at this"
                " address, such as a proxy's sign-in page: check the address.",
                status=self.status,
            )
        return parsed


class HttpClient:
    """auth: user and password for Basic; a request may bring its own instead. sleep and clock are for tests."""

    def __init__(
        self,
        base_url: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        ca_path: str | None = None,
        timeout: float = 30,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        session: requests.Session | None = None,
    ) -> None:
        self.base_url, self.host, self._direct = _checked(base_url)
        if ca_path and not os.path.exists(ca_path):
            raise ConfigurationError(f"The CA file {ca_path} does not exist on the host where the module runs.")
        self._auth = auth
        self._verify = ca_path or True
        self._timeout = timeout
        self._sleep = sleep
        self._clock = clock
        self._session = session or _pooled()
        self._session.auth = lambda request: request  # an auth of its own, or requests would look into ~/.netrc
        self._session.headers.update({"User-Agent": USER_AGENT, **(headers or {})})
        self._secrets = [secret for secret in (*_as_sent(auth), *_tokens(headers or {})) if secret]
        self.clock_skew: float | None = None

    def close(self) -> None:
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        idempotent: bool = False,
        expect: Collection[int] = (200,),
    ) -> Response:
        """The answer, its status being one of expect. A status in expect is never retried.

        clock_skew afterwards: seconds by which the far side's clock is ahead of ours, as far as it tells."""
        for wait in (*_waits(TRIES - 1 if idempotent else 0), None):
            try:
                answer = self._session.request(
                    method,
                    self.base_url + path,
                    params=params,
                    json=json,
                    data=data,
                    headers=headers,
                    auth=auth or self._auth,
                    timeout=self._timeout,
                    verify=self._verify,
                    allow_redirects=False,
                    proxies={"no_proxy": self._direct} if self._direct else None,
                )
            except (requests.RequestException, HTTPError) as error:
                if wait is None or not _worth_a_repeat(error):
                    raise self._unreachable(error, method, path) from error
                self._sleep(wait)
                continue
            self.clock_skew = _skew(answer.headers.get("Date"), self._clock())
            if answer.status_code in expect:
                return Response(answer.status_code, answer.headers, answer.content, f"{method} {self.host}{path}")
            if wait is None or answer.status_code not in RETRIED:
                break
            self._sleep(min(retry_after_seconds(answer.headers.get("Retry-After"), wait), 60.0))
        raise self._refusal(answer, method, path)

    def without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return re.sub(r"(?<=//)[^/@\s]+@", "", text)

    def _refusal(self, answer: requests.Response, method: str, path: str) -> ServiceError:
        body = self.without_secrets(answer.content[:BODY_LIMIT].decode("utf-8", "replace"))
        details = {"method": method, "request_path": path, "status": answer.status_code, "body": body}
        asked = f"{self.host} ({method} {path})"
        if answer.status_code in (401, 403):
            return AccessRefused(
                f"Access refused by {asked}: HTTP {answer.status_code}. Nothing was changed. Check the user name and"
                " the key or token that the inventory gives for this address.",
                **details,
            )
        if answer.is_redirect or 300 <= answer.status_code < 400:
            target = self.without_secrets(answer.headers.get("Location", "another address"))
            return ServiceError(
                f"{asked} sends us on to {target}; redirects are not followed, so that no key goes to another host."
                " Nothing was changed. Write the final address into the inventory.",
                **details,
            )
        if answer.status_code == 429:
            return ServiceError(f"{asked} asks for fewer requests (HTTP 429). Run again in some minutes.", **details)
        return ServiceError(f"{asked} answered HTTP {answer.status_code}: {_one_line(body)}", **details)

    def _unreachable(self, error: Exception, method: str, path: str) -> Unreachable:
        if method in ("GET", "HEAD"):
            safe = "Nothing was changed there."
        else:
            safe = "Whether it took effect is not known; the next run looks first, so running again is safe."
        return Unreachable(
            f"No answer from {self.host} to {method} {path}: {self.without_secrets(_why(error, self._timeout))} {safe}",
            method=method,
            request_path=path,
        )


def _pooled() -> requests.Session:
    """As many kept connections as anybody of ours has threads."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS))
    return session


def _checked(base_url: str) -> tuple[str, str, str | None]:
    """The address without a trailing slash, its host with the port, and the host that no proxy shall serve."""
    try:
        parts = urlsplit(base_url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigurationError("An address in the inventory cannot be read as a URL.") from None
    if parts.username or parts.password:
        raise ConfigurationError(f"The address of {name} has a user name or password in it; give these as options.")
    if parts.scheme not in ("http", "https") or not name or parts.query or parts.fragment:
        shown = re.sub(r"[^/]*@", "", base_url)
        raise ConfigurationError(f"{shown!r} is not an address of the form https://HOST[:PORT][/PATH].")
    loopback = _is_loopback(name)
    if parts.scheme == "http" and not loopback:
        raise ConfigurationError(f"{base_url} would send keys unprotected; use https (http is for loopback only).")
    return base_url.rstrip("/"), f"{name}:{port}" if port else name, name if loopback else None


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _tokens(headers: Mapping[str, str]) -> list[str]:
    return [value.rpartition(" ")[2] for name, value in headers.items() if name.lower() == "authorization"]


def _as_sent(auth: tuple[str, str] | None) -> tuple[str, ...]:
    """The password, and the text that carries it in the header."""
    return (auth[1], b64encode(":".join(auth).encode()).decode()) if auth else ()


def _waits(repeats: int) -> tuple[float, ...]:
    return tuple(float(2**number) for number in range(repeats))


def retry_after_seconds(header: str | None, otherwise: float) -> float:
    """Seconds to wait as the far side says, in either of the header's forms; at least one."""
    if header is None:
        return otherwise
    try:
        return max(Retry().parse_retry_after(header), 1.0)
    except (InvalidHeader, ValueError, OverflowError):
        return otherwise


def _skew(date: str | None, now: float) -> float | None:
    if not date:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _worth_a_repeat(error: Exception) -> bool:
    """A connection that failed; not what fails the same way again, and not an answer that takes too long."""
    broken = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    hopeless = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
    return isinstance(error, broken) and not isinstance(error, hopeless)


def _why(error: Exception, timeout: float) -> str:
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        detail = re.search(r"certificate verify failed: ([^(\"']+)", text)
        return (
            f"its TLS certificate was not accepted ({detail.group(1).strip() if detail else _one_line(text)}). If the"
            " server uses a CA of your own, name the CA's file in the inventory; if not, somebody else is answering."
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy of the environment (HTTPS_PROXY) did not let it through. Check the proxy."
    if isinstance(error, requests.Timeout):
        return f"nothing within {timeout:g} seconds. Check that the server is up and that the network lets us through."
    if "NameResolutionError" in text or "Failed to resolve" in text:
        return "the name is not known (DNS). Check the address in the inventory and the name server."
    if "Connection refused" in text or "NewConnectionError" in text:
        return "the connection was refused. Check that the server is up and that address and port are right."
    return f"the connection broke off ({_one_line(text)}). Check the server and the network."


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"
