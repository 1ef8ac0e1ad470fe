# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The password in an order store's URL shows in no result, whatever becomes of the run."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import credentials_info, orders_export
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

STORE = "postgresql+psycopg://orders:geh%2Feim%40nis@127.0.0.1:1/orders"


@pytest.mark.parametrize("module", [orders_export, credentials_info])
def test_the_store_s_password_is_hidden(module: ModuleType, tmp_path: Path) -> None:
    params = {"path": str(tmp_path)} if module is orders_export else {"tenant": "school", "mdm": {"driver": "nanomdm"}}
    result = json.dumps(run_module(module, order_store=STORE, order_store_key=None, **params))
    assert "orders" in result
    assert "geh%2Feim%40nis" not in result
    assert "geh/eim@nis" not in result
