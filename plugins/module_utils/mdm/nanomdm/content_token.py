# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content token: a file that the inventory names, proved with Apple's Apps and Books service."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._errors import AccessRefused, ConfigurationError, CredentialError, OtherOwner, ServiceError
from ..._time import to_iso
from ...credentials.content_token import ContentToken, parse_content_token
from ..protocol import Ability, InUse
from .answers import moment

if TYPE_CHECKING:
    from ...apple.apps_and_books import AppsAndBooksClient

__all__ = ["ContentTokenPort"]


class ContentTokenPort:
    abilities = frozenset({Ability.READ, Ability.UPLOAD, Ability.EXAMINE, Ability.CHECK, Ability.CHECK_ANYTIME})

    def __init__(self, options: Mapping[str, Any]) -> None:
        if options["claim_content_token"] and not options.get("mdm_id"):
            raise ConfigurationError("claim_content_token needs mdm_id: the name under which the location is claimed.")
        self._path = Path(options["content_token_path"]).expanduser()
        self._options = options

    def assumed(self) -> InUse | None:
        return None

    def read(self, identity: str | None) -> InUse | None:
        """The organisation is the identity here; the location's uId only Apple tells."""
        token = self._stored()
        return _in_use(token) if token else None

    def request(self) -> bytes:
        raise ServiceError("A content token needs no request; a person downloads it.")

    def examine(self, received: bytes, private_key: bytes | None, known: InUse | None) -> Mapping[str, Any]:
        """Same location, same expiry, and no other MDM server in charge, all by asking Apple with the new token."""
        token = parse_content_token(received)
        with self._service(token) as service:
            config = service.client_config()
        uid, known_uid = config.get("uId"), self._known_uid(token, known)
        if known_uid and uid != known_uid:
            raise OtherOwner(
                f"This content token is of another location ({config.get('locationName') or uid}) than the one in use."
                " It was not stored. Download the token of the location that this tenant uses.",
                uid=uid,
                uid_in_use=known_uid,
            )
        _agree(token, config, self._options["apps_and_books_url"])
        if not self._options["claim_content_token"]:
            self._refuse_foreign(config)
        return _facts(token, config)

    def upload(self, received: bytes, private_key: bytes | None) -> InUse:
        """Into the file; then, only where the inventory asks for it, the claim at Apple."""
        token = parse_content_token(received)
        _write_secret(self._path, token.bearer.encode() + b"\n")
        if not self._options["claim_content_token"]:
            return _in_use(token)
        with self._service(token) as service:
            config = service.client_config()
            if self._owner(config) != self._options["mdm_id"]:
                service.claim(self._mdm_info())
        return _in_use(token, config)

    def check(self) -> Mapping[str, Any]:
        """The location as Apple tells it, and the first page of its assets."""
        token = self._stored()
        if token is None:
            raise ConfigurationError(f"There is no content token in {self._path} to check.")
        with self._service(token) as service:
            config = service.client_config()
            self._refuse_foreign(config)
            assets = service.assets_page().get("assets") or []
            self._refuse_foreign(service.location)
        return {**_facts(token, config), "assets_seen": len(assets)}

    def _stored(self) -> ContentToken | None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(f"content_token_path {self._path} cannot be read: {error.strerror}.") from error
        try:
            return parse_content_token(data)
        except CredentialError as error:
            raise CredentialError(f"{self._path}: {error}", **error.details) from error

    @contextmanager
    def _service(self, token: ContentToken) -> Iterator[AppsAndBooksClient]:
        from ...apple.apps_and_books import AppsAndBooksClient

        client = AppsAndBooksClient(
            token.bearer,
            base_url=self._options["apps_and_books_url"],
            ca_path=self._options.get("apple_ca_path"),
            timeout=self._options["timeout"],
        )
        try:
            yield client
        finally:
            client.close()

    def _known_uid(self, token: ContentToken, known: InUse | None) -> str | None:
        """From the last order; if there was none, from Apple with the token in use, as long as that still works."""
        if known and known.facts.get("uid"):
            return str(known.facts["uid"])
        stored = self._stored()
        if stored is None or stored.fingerprint_sha256 == token.fingerprint_sha256:
            return None
        try:
            with self._service(stored) as service:
                return service.client_config().get("uId")
        except AccessRefused:
            return None

    def _owner(self, answer: Mapping[str, Any]) -> str | None:
        return (answer.get("mdmInfo") or {}).get("id")

    def _refuse_foreign(self, answer: Mapping[str, Any]) -> None:
        owner = self._owner(answer)
        if owner is None or owner == self._options.get("mdm_id"):
            return
        name = (answer.get("mdmInfo") or {}).get("name") or "no name"
        raise OtherOwner(
            f"Another MDM server manages this location of Apps and Books: {owner} ({name}). Two at once take licences"
            " from each other, so we stop; nothing was changed. If that is this tenant's own server, write its id into"
            " mdm_id. If the location is to be taken over, set mdm_id to an id of yours and claim_content_token: true.",
            owner=owner,
        )

    def _mdm_info(self) -> dict[str, str]:
        mdm_id = self._options["mdm_id"]
        return {"id": mdm_id, "name": self._options.get("mdm_name") or mdm_id, "metadata": "nendo.apple_mdm"}


def _in_use(token: ContentToken, config: Mapping[str, Any] | None = None) -> InUse:
    return InUse(token.organization, token.not_after.replace(microsecond=0), facts=_facts(token, config or {}))


def _facts(token: ContentToken, config: Mapping[str, Any]) -> dict[str, Any]:
    told = {"uid": "uId", "location_name": "locationName", "country": "countryISO2ACode"}
    return {
        "organization": token.organization,
        "fingerprint_sha256": token.fingerprint_sha256,
        **{name: config[key] for name, key in told.items() if config.get(key)},
    }


def _agree(token: ContentToken, config: Mapping[str, Any], url: str) -> None:
    told = config.get("tokenExpirationDate")
    if told is None:
        return
    not_after = moment(told, url)
    if abs(not_after - token.not_after) > timedelta(days=1):
        raise ServiceError(
            f"The file says that the content token is valid until {to_iso(token.not_after)}, Apple says"
            f" {to_iso(not_after)}. It was not stored. Download the token again."
        )


def _write_secret(path: Path, data: bytes) -> None:
    """Whole or not at all, mode 0600, durable when this returns. A link keeps pointing at its file."""
    path = path.resolve()
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)  # what a killed run left
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise ConfigurationError(
            f"The content token cannot be written to {path}: {error.strerror}. The file before is untouched. Make the"
            " folder and room for it, and run again; the order goes on where it was."
        ) from error
