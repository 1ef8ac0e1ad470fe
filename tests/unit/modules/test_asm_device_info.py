# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import asm_device_info
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module
from ansible_collections.nendo.apple_mdm.tests.unit.modules.test_asm_unassign import asm


@pytest.mark.parametrize(("devices", "calls"), [(3, 8), (40, 5)])
def test_what_apple_knows_by_the_fewest_calls(world: World, tmp_path: Path, devices: int, calls: int) -> None:
    tenant = world.tenant("school", devices=devices)
    world.forget_requests()
    options: dict[str, Any] = {"devices": [*tenant.serials, "unknown00001"], "asm": asm(tenant, tmp_path)}
    told = [run_module(asm_device_info, check, **options) for check in (True, False)]
    assert told[0]["devices"] == told[1]["devices"]
    known, unknown = told[0]["devices"][0], told[0]["devices"][-1]
    assert (known["device"], known["known"], known["server_name"]) == (tenant.serials[0], True, tenant.server_name)
    assert known["attributes"]["status"] == "ASSIGNED"
    assert unknown == {"device": "UNKNOWN00001", "known": False, "server_name": None, "attributes": {}}
    assert len(world.requests("school", "/api-school/")) <= 2 * calls
