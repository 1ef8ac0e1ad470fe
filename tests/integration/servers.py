# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers that the conformance tests drive, each with a tenant of its own: simulated ones and real ones."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_request import (
    make_csr,
    make_private_key,
    sign_push_request,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.server_token import (
    make_server_token_key_pair,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import driver_for
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import CredentialPort, MdmDriver
from ansible_collections.nendo.apple_mdm.tests.browser import browser_or_skip
from ansible_collections.nendo.apple_mdm.tests.integration import nano_servers
from ansible_collections.nendo.apple_mdm.tests.inventory import server_options
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World

__all__ = ["CLOMO", "CREDENTIALS", "NANO", "Real", "Server", "moved_in", "put", "real_servers", "renewal"]

CREDENTIALS = ("push_certificate", "server_token", "content_token")
NANO = ("embedded, tells", "embedded, does not tell", "NanoMDM v0.9.0", "NanoHUB v0.2.0")
CLOMO = "CLOMO PANEL"

EMBEDDED_OPTIONS = ("url", "api_key", "dep_url", "dep_api_key", "dep_name")
CLOMO_OPTIONS = {"licence_check_app": "App 1000000001", "timeout": 8}


@dataclass
class Server:
    """A tenant on one kind of server."""

    tenant: Tenant
    options: dict[str, Any]
    tells: bool  # the push certificate in use
    identities: dict[str, str]  # what read tells of each credential in use
    wrong_access: dict[str, dict[str, Any]]  # options with a wrong password; none where the server asks for none
    nowhere: dict[str, dict[str, Any]]  # options with an address where nothing answers
    drivers: list[MdmDriver] = field(default_factory=list)

    def driver(self, **options: Any) -> MdmDriver:
        self.drivers.append(driver_for({**self.options, **options}))
        return self.drivers[-1]

    def port(self, credential: str, **options: Any) -> CredentialPort:
        return there(getattr(self.driver(**options), credential))

    def push(self, **options: Any) -> CredentialPort:
        return self.port("push_certificate", **options)

    def server_token(self, **options: Any) -> CredentialPort:
        return self.port("server_token", **options)

    def content_token(self, **options: Any) -> CredentialPort:
        return self.port("content_token", **options)

    def close(self) -> None:
        for driver in self.drivers:
            driver.close()
        self.drivers.clear()


def there(port: CredentialPort | None) -> CredentialPort:
    assert port is not None
    return port


@dataclass(frozen=True)
class Real:
    """A real NanoMDM or NanoHUB with a real NanoDEP."""

    url: str
    username: str
    path_prefix: str
    dep_url: str

    def options(self, tenant: Tenant, world: World) -> dict[str, Any]:
        """The tenant moves in: its own DEP name, what is in use stored by plain requests."""
        name = f"{tenant.name} 学校"
        options = {
            "url": self.url,
            "username": self.username,
            "api_key": nano_servers.API_KEY,
            "path_prefix": self.path_prefix,
            "dep_url": self.dep_url,
            "dep_api_key": nano_servers.API_KEY,
            "dep_name": name,
        }
        user, key = (self.username, nano_servers.API_KEY), nano_servers.API_KEY
        if tenant.push_certificate_pem:
            pair = (tenant.push_certificate_pem + tenant.push_private_key_pem).encode()
            put(f"{self.url}{self.path_prefix}/pushcert", user, data=pair)
        put(f"{self.dep_url}/v1/config/{name}", ("depserver", key), json={"base_url": world.url})
        if tenant.server_token_values:
            put(f"{self.dep_url}/v1/tokens/{name}", ("depserver", key), json=tenant.server_token_values)
        return options


def put(url: str, auth: tuple[str, str], **body: Any) -> None:
    requests.put(url, auth=auth, timeout=30, **body).raise_for_status()


@contextmanager
def real_servers(folder: Path) -> Iterator[Callable[[str], Real]]:
    """Starts what a test asks for, once."""
    ca = folder / "ca.pem"
    ca.write_bytes(make_server_token_key_pair("CA of no devices")[0])
    with ExitStack() as stack:
        urls: dict[str, str] = {}

        def started(name: str) -> Real:
            starters = {"nanomdm": lambda: nano_servers.nanomdm(ca), "nanohub": lambda: nano_servers.nanohub(ca)}
            starters["nanodep"] = nano_servers.nanodep
            for each in (name, "nanodep"):
                if each not in urls:
                    urls[each] = stack.enter_context(starters[each]())
            prefix = {"nanomdm": "/v1", "nanohub": "/api/v1/nanomdm"}[name]
            return Real(urls[name], name, prefix, urls["nanodep"])

        yield started


def moved_in(kind: str, world: World, real: Callable[[str], Real], folder: Path, **wishes: Any) -> Server:
    """A new tenant on a server of that kind. wishes: as World.tenant takes them."""
    name = f"school-{uuid.uuid4().hex[:8]}"
    if kind == CLOMO:
        browser_or_skip()
        return on_clomo(world.tenant(name, mdm="clomo", **wishes), folder)
    tells = kind == "embedded, tells"
    running = None if kind.startswith("embedded") else real("nanohub" if "HUB" in kind else "nanomdm")
    tenant = world.tenant(name, pushcert_readable=tells, **wishes)
    options = running.options(tenant, world) if running else {key: vars(tenant)[key] for key in EMBEDDED_OPTIONS}
    return on_nano(tenant, options, tells, folder)


def on_nano(tenant: Tenant, options: dict[str, Any], tells: bool, folder: Path) -> Server:
    path = folder / "content.vpptoken"
    if tenant.content_token:
        path.write_text(tenant.content_token)
    topic = tenant.push_topic or "com.apple.mgmt.External.nobody"
    options |= {"push_topic": topic, "content_token_path": str(path), "mdm_id": "ours", "timeout": 10}
    options |= {"apps_and_books_url": tenant.apps_and_books_url}
    nowhere = f"http://127.0.0.1:{nano_servers.free_port()}"
    return Server(
        tenant,
        options,
        tells,
        identities=dict(zip(CREDENTIALS, (topic, tenant.consumer_key, tenant.organization), strict=True)),
        wrong_access={"push_certificate": {"api_key": "wrong"}, "server_token": {"dep_api_key": "wrong"}},
        nowhere={
            "push_certificate": {"url": nowhere},
            "server_token": {"dep_url": nowhere},
            "content_token": {"apps_and_books_url": nowhere},
        },
    )


def on_clomo(tenant: Tenant, folder: Path) -> Server:
    signed_out = {"session_path": str(folder / "another-session.json")}
    wrong = {"password": "wrong-password", **signed_out}
    nowhere = {"url": f"http://127.0.0.1:{nano_servers.free_port()}/clomo", **signed_out}
    return Server(
        tenant,
        {**server_options(tenant, folder), **CLOMO_OPTIONS},
        tells=True,
        identities=dict(zip(CREDENTIALS, (tenant.push_topic, tenant.clomo_domain, "全社"), strict=True)),
        wrong_access=dict.fromkeys(CREDENTIALS, wrong),
        nowhere=dict.fromkeys(CREDENTIALS, nowhere),
    )


def renewal(tenant: Tenant, renew: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    """A new certificate with its key, by way of the portal; the request is ours."""
    key = make_private_key(None)
    csr = make_csr(key, None, common_name=tenant.name, email="it@school.example", country="JP")
    upload_file = sign_push_request(
        csr,
        vendor_certificate=Path(tenant.vendor_certificate).read_bytes(),
        vendor_private_key=Path(tenant.vendor_private_key).read_bytes(),
        vendor_passphrase=None,
        chain=Path(tenant.vendor_chain).read_bytes(),
        now=datetime.now(timezone.utc),
    )
    return renew(upload_file), key
