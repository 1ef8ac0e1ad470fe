# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whole modules against the simulator: nobody sleeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._http import HttpClient
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.ade import AdeClient
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.apps_and_books import AppsAndBooksClient
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School


@pytest.fixture
def run() -> Callable[..., dict[str, Any]]:
    """run(module, check=False, **params): the printed result."""
    return run_module


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that HTTP clients would have slept before trying again."""
    slept: list[float] = []
    for client in (HttpClient, AppsAndBooksClient, AdeClient):
        defaults: dict[str, Any] = vars(client)["__init__"].__kwdefaults__
        monkeypatch.setitem(defaults, "sleep", slept.append)
    return slept


@pytest.fixture
def school(world: World, tmp_path: Path) -> Callable[..., School]:
    """school(**wishes): a tenant with all three credentials in the renewal window, if not wished otherwise."""

    def make(name: str = "school", store: str | None = None, **wishes: Any) -> School:
        due = {"push_days_left": 20, "server_token_days_left": 20, "content_token_days_left": 20}
        tenant = world.tenant(name, **{**due, **wishes})
        return School(tenant, tmp_path, store or str(tmp_path / "orders"))

    return make


@pytest.fixture(params=["folder", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The location of an order store that does not exist yet."""
    if request.param == "sqlite":
        pytest.importorskip("sqlalchemy")
        return f"sqlite:///{tmp_path}/orders.db"
    return str(tmp_path / "orders")
