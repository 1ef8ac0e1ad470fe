# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An API account of Apple School Manager or Apple Business: its key, and what all processes that use it share.

Apple limits reads, writes and tokens by account, so one small file (mode 0600, locked) keeps the access token and the
times of the last calls for every process on this host. Source: Apple, "Implementing OAuth for the Apple School Manager and
Apple Business API".
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

try:
    import jwt
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
except ImportError:
    pass

from .._disk import disk_trouble, make_folder
from .._errors import ConfigurationError, ServiceError

__all__ = ["AUDIENCE", "ApiAccount", "SharedState"]

AUDIENCE = "https://account.apple.com/auth/oauth2/v2/token"
ASSERTION_SECONDS = 600
EARLY_SECONDS = 300  # a token is renewed so long before its end
READ, WRITE = "reads", "writes"
PERIODS = {READ: 60, WRITE: 3600}


@dataclass(frozen=True)
class ApiAccount:
    """private_key: PEM, as Apple's page gave it once. Pasted ids lose the white space around them."""

    client_id: str
    key_id: str
    private_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("client_id", "key_id"):
            object.__setattr__(self, name, getattr(self, name).strip())
        if not re.fullmatch(r"(SCHOOL|BUSINESS)API\.[0-9A-Za-z-]+", self.client_id):
            raise ConfigurationError(
                "The client_id of the API account is not of the form SCHOOLAPI.… or BUSINESSAPI.…. Nothing was sent. Copy"
                " it from Apple School Manager or Apple Business: your name, Preferences (Settings), API."
            )
        if not re.fullmatch(r"[0-9A-Za-z-]+", self.key_id):
            raise ConfigurationError(
                "The key_id of the API account is not one. Copy it from the page of the API account."
            )
        self._check_key()

    @property
    def product(self) -> str:
        """school or business"""
        return self.client_id.partition("API.")[0].lower()

    def assertion(self, now: float) -> str:
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": AUDIENCE, "jti": str(uuid.uuid4())}
        times = {"iat": int(now), "exp": int(now) + ASSERTION_SECONDS}
        return jwt.encode({**claims, **times}, self._read_key(), algorithm="ES256", headers={"kid": self.key_id})

    def _read_key(self) -> Any:
        """Apple's file has the heading of the older form over the content of the newer one, so both are tried."""
        try:
            return load_pem_private_key(self.private_key, None)
        except ValueError:
            return load_pem_private_key(self.private_key.replace(b"EC PRIVATE KEY", b"PRIVATE KEY"), None)

    def _check_key(self) -> None:
        try:
            key = self._read_key()
        except (ValueError, TypeError):
            raise ConfigurationError(
                "The private key of the API account cannot be read: it has to be the unencrypted .pem that Apple's page gave"
                " when the key was made. Nothing was sent. If it is lost, make a new key there; Apple keeps no copy."
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise ConfigurationError(
                "The private key of the API account is of another kind: Apple's is an elliptic curve key (P-256). Nothing"
                " was sent. Give the .pem that the page of the API account gave."
            )


class SharedState:
    """limits: calls in a period of PERIODS; 0 for none. clock: seconds since the epoch."""

    def __init__(
        self,
        folder: str,
        account: ApiAccount,
        limits: dict[str, int],
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        name = hashlib.sha256(account.client_id.encode()).hexdigest()[:16]
        self._path = os.path.join(os.path.expanduser(folder), f"asm-{name}.json")
        self._limits = limits
        self._clock = clock
        self._sleep = sleep

    def token(self, fetch: Callable[[], tuple[str, int]], *, refused: str | None = None) -> str:
        """The access token of all processes; a new one where it ends soon, or is the one that was refused."""
        with self._locked() as state:
            ends = state.get("token_ends", 0)
            if ends - EARLY_SECONDS < self._clock() or state["token"] == refused:
                token, seconds = fetch()
                state.update(token=token, token_ends=self._clock() + seconds)
            return str(state["token"])

    def wait_for_turn(self, kind: str) -> None:
        """kind: reads or writes. Returns when one more is allowed, and counts it."""
        while wait := self._wait(kind):
            self._sleep(wait)

    def _wait(self, kind: str) -> float:
        limit, period = self._limits[kind], PERIODS[kind]
        if not limit:
            return 0
        with self._locked() as state:
            now = self._clock()
            recent = [at for at in state.get(kind, []) if 0 <= now - at < period]
            if len(recent) < limit:
                state[kind] = [*recent, now]
                return 0
            return float(max(recent[-limit] + period - now, 0.01))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        with disk_trouble(self._path, ServiceError):
            make_folder(os.path.dirname(self._path))
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "r+", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            os.fchmod(stream.fileno(), 0o600)
            state = _read(stream.read())
            before = dict(state)
            yield state
            if state != before:
                stream.seek(0)
                stream.truncate()
                json.dump(state, stream)


def _read(text: str) -> dict[str, Any]:
    try:
        state = json.loads(text)
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}
