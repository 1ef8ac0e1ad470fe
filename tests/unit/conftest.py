# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The far sides that the tests share, one of each for a process of pytest.

They start before the first test, not in fixtures: ansible-test runs each test in a fork of its own, and each fork would
start them anew."""

from __future__ import annotations

import contextlib
import os
import uuid
from urllib.parse import quote

import pytest
from ansible_collections.nendo.apple_mdm.tests import postgres
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World, start

# School has asserts of its own, which pytest explains only if it hears of them before anybody imports them.
pytest.register_assert_rewrite("ansible_collections.nendo.apple_mdm.tests.unit.modules.school")

WORLD = pytest.StashKey[World]()
POSTGRES = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """ansible-test reads no settings of ours."""
    config.addinivalue_line("markers", "sweep: exhaustive, so `make sweep` runs it and `make test` does not")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts what the chosen tests need."""
    config = session.config
    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    running = contextlib.ExitStack()
    config.add_cleanup(running.close)
    if config.option.collectonly:
        return
    if "running_world" in names:
        config.stash[WORLD] = running.enter_context(start())
    if names & {"location", "place", "postgres_url"} and not postgres.missing():
        config.stash[POSTGRES] = running.enter_context(postgres.postgres_server())


@pytest.fixture(scope="session")
def running_world(request: pytest.FixtureRequest) -> World:
    return request.config.stash[WORLD]


@pytest.fixture
def world(running_world: World) -> World:
    running_world.reset()
    return running_world


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    if (reason := postgres.missing()) and os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true asks for it")
    if reason:
        pytest.skip(reason)
    return request.config.stash[POSTGRES]


@pytest.fixture
def postgres_place(postgres_url: str) -> str:
    """An empty schema of the server, for one test."""
    import psycopg

    schema = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{postgres_url}?options={quote(f'-csearch_path={schema}', safe='')}"
