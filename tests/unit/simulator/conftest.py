# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One world for these tests, and what a customer and a vendor do with openssl."""

from __future__ import annotations

import base64
import os
import plistlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.clerk import Clerk, running_browser
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.warden import Warden, Wire

Openssl = Callable[..., bytes]


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.tenant("school", enrollments=["ipad-1"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Closed with its module: a process drives one at a time, and others' tests open their own."""
    try:
        with running_browser() as found:
            yield found
    except LookupError as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI=true asks for it")
        pytest.skip(str(reason))


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A window of its own, with its own cookies."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(8000)
    yield context.new_page()
    context.close()


@pytest.fixture
def panel_tenant(world: World) -> Tenant:
    return world.tenant("school", mdm="clomo", push_days_left=20, clomo_organizations=["North School"])


@pytest.fixture
def clerk(page: Any, panel_tenant: Tenant, tmp_path: Path) -> Clerk:
    return Clerk(page, panel_tenant, tmp_path)


@pytest.fixture
def school(world: World) -> Tenant:
    """Six pupils of two classes, with a device and two licences each."""
    classes = ["3年生/3年1組", "3年生/3年2組"]
    return world.tenant("school", mdm="clomo", devices=6, licences=2, clomo_classes=classes, clomo_administrators=2)


@pytest.fixture
def wire(school: Tenant) -> Wire:
    return Wire(school)


@pytest.fixture
def warden(page: Any, school: Tenant, tmp_path: Path) -> Warden:
    return Warden(Clerk(page, school, tmp_path))


@pytest.fixture
def openssl(tmp_path: Path) -> Openssl:
    """openssl in the test's folder; its standard output."""

    def run(*arguments: str, data: bytes = b"") -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=tmp_path, input=data, capture_output=True, check=True).stdout

    return run


@pytest.fixture
def upload_file(openssl: Openssl, tmp_path: Path) -> Callable[..., bytes]:
    """A vendor-signed request for a key that lies in push.key, one a test."""

    def make(tenant: Tenant, *, bits: int = 2048, chain: str | None = None, digest: str = "-sha256") -> bytes:
        if bits != 2048 or not (tmp_path / "push.key").exists():
            openssl("genrsa", "-out", "push.key", str(bits))
        openssl("req", "-new", "-key", "push.key", "-subj", "/CN=customer", "-outform", "DER", "-out", "csr.der")
        signature = openssl("dgst", digest, "-sign", tenant.vendor_private_key, "csr.der")
        der = openssl("req", "-inform", "DER", "-in", "csr.der", "-outform", "DER")
        plist = {
            "PushCertRequestCSR": base64.b64encode(der).decode(),
            "PushCertCertificateChain": chain
            or Path(tenant.vendor_certificate).read_text() + Path(tenant.vendor_chain).read_text(),
            "PushCertSignature": base64.b64encode(signature).decode(),
        }
        return base64.b64encode(plistlib.dumps(plist))

    return make
