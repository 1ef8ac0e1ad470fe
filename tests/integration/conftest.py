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
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import Site, nano_site
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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with nano_site(tmp_path) as started:
        yield started


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
