# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The far sides that these tests share: for each process of pytest one simulated world, one real PostgreSQL, and one of
each real nano server."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.nendo.apple_mdm.tests import postgres
from ansible_collections.nendo.apple_mdm.tests.browser import browser_or_skip, one_chromium
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import Post, Site, nano_site, post_office
from ansible_collections.nendo.apple_mdm.tests.integration.schools import EmbeddedSchool, RealSchool, School
from ansible_collections.nendo.apple_mdm.tests.integration.servers import Real, Server, moved_in, real_servers
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World, start


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Each test makes tenants of its own in it, with names that no other test uses."""
    with start() as running:
        yield running


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Real]]:
    with real_servers(tmp_path_factory.mktemp("ca")) as started:
        yield started


@pytest.fixture
def serve(world: World, real: Callable[[str], Real], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Each call: a server of a kind of servers.NANO or CLOMO, with a tenant as wished."""
    serving: list[Server] = []

    def moved(kind: str, **wishes: Any) -> Server:
        serving.append(moved_in(kind, world, real, tmp_path, **wishes))
        return serving[-1]

    yield moved
    for server in serving:
        server.close()
    world.no_faults()


@pytest.fixture(scope="module")
def chromium() -> Iterator[None]:
    """One for all tests of a module: Playwright's programs start once. It ends with the module, since asyncio has its thread."""
    browser_or_skip()
    with one_chromium():
        yield


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with nano_site(tmp_path) as started:
        yield started


@pytest.fixture(scope="session")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with post_office(tmp_path_factory.mktemp("post")) as running:
        yield running


@pytest.fixture
def embedded_school(world: World, post: Post, tmp_path: Path) -> Iterator[Callable[..., EmbeddedSchool]]:
    """Each call: a school of so many devices at the embedded NanoMDM; more wishes as in tenants.Wish."""

    def make(devices: int = 1, **wishes: Any) -> EmbeddedSchool:
        tenant = world.tenant(f"school-{uuid.uuid4().hex[:8]}", devices=devices, managed=True, **wishes)
        return EmbeddedSchool(tenant, post, tmp_path)

    yield make
    world.no_faults()


@pytest.fixture(params=["embedded", "NanoMDM"])
def school(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Callable[..., School]:
    """Each call: a school of so many devices, at the embedded NanoMDM and, in another test, at the real one."""
    if request.param == "embedded":
        made: Callable[..., School] = request.getfixturevalue("embedded_school")
        return made
    site: Site = request.getfixturevalue("site")

    def make(devices: int = 1) -> School:
        real = RealSchool(site, world.tenant(f"school-{uuid.uuid4().hex[:8]}", devices=0), tmp_path)
        real.enrol(devices)
        return real

    return make


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    reason = postgres.missing()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true asks for it")
    if reason:
        pytest.skip(reason)
    with postgres.postgres_server() as url:
        yield url


@pytest.fixture
def new_database(postgres_url: str) -> Callable[[], str]:
    """Each call: the URL of an empty schema of the server, which is as good as a database of its own."""
    import psycopg

    def make() -> str:
        schema = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return f"{postgres_url}?options={quote(f'-csearch_path={schema}', safe='')}"

    return make
