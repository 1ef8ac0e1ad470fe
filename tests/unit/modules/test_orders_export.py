# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""orders_export, whole: a database's orders as folders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import orders_export
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import STORE_KEY, School, contents

pytest.importorskip("sqlalchemy")
Make = Callable[..., School]


@pytest.mark.parametrize("secrets", [True, False])
def test_orders_become_folders(school: Make, tmp_path: Path, secrets: bool) -> None:
    at = school(store=f"sqlite:///{tmp_path}/orders.db")
    order = at.prepare("push_certificate")["order"]
    target = tmp_path / "export"
    options: dict[str, Any] = {
        "order_store": at.store,
        "order_store_key": STORE_KEY,
        "path": str(target),
        "include_secrets": secrets,
    }
    export = partial(run_module, orders_export, **options)
    predicted = export(check=True)
    assert not target.exists()
    done = export()
    kept = contents(target)
    again = export()
    assert (predicted["changed"], done["changed"], again["changed"]) == (True, True, False)
    assert predicted == done
    assert contents(target) == kept
    [folder] = done["orders"]
    assert folder.endswith(order["id"])
    assert any(name.endswith(".key") for name in kept) is secrets


def test_folders_are_not_exported(tmp_path: Path) -> None:
    failed = run_module(orders_export, order_store=str(tmp_path / "orders"), path=str(tmp_path / "export"))
    assert failed["failed"]
    assert "folders already" in failed["msg"]
