# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sorts devices by what their groups say of them, at a cost that grows with the groups and not with the devices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

SETTINGS = ("graduation_", "apple_mdm_", "server_token_")


def device_parts(
    devices: Sequence[str], groups: Mapping[str, Sequence[str]], hostvars: Any, folders: Iterable[str] = ()
) -> list[dict[str, Any]]:
    memberships: dict[str, list[str]] = {}
    for group, hosts in groups.items():
        for host in hosts:
            memberships.setdefault(host, []).append(group)
    apart = _with_own_variables(devices, hostvars, folders)
    alike: dict[tuple[str, ...], list[str]] = {}
    for device in devices:
        key = (device,) if device in apart else ("", *memberships.get(device, ()))
        alike.setdefault(key, []).append(device)
    parts: dict[str, dict[str, Any]] = {}
    for same in alike.values():
        settings = _settings(hostvars[same[0]])
        outcome = settings.get("graduation_outcome")
        if outcome:
            part = {"tenant": settings.get("graduation_tenant"), "outcome": outcome, "host": same[0], "devices": []}
            parts.setdefault(json.dumps(settings, sort_keys=True, default=str), part)["devices"] += same
    return list(parts.values())


def _settings(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: variables[name] for name in variables if name.startswith(SETTINGS)}


def _with_own_variables(devices: Sequence[str], hostvars: Any, folders: Iterable[str]) -> set[str]:
    """Those that an inventory gives variables, or that have a file in a folder host_vars; all where that cannot be told."""
    inventory = getattr(hostvars, "_inventory", None)
    if inventory is None:
        return set(devices)
    places, found = set(folders), set()
    for device in devices:
        own = inventory.get_host(device).vars
        places.add(str(own.get("inventory_dir") or ""))
        if set(own) - {"inventory_file", "inventory_dir", "ansible_facts"}:
            found.add(device)
    files = [path for place in places if place for path in Path(place, "host_vars").glob("*")]
    return (found | {path.name.partition(".")[0] for path in files} | {path.name for path in files}) & set(devices)


class FilterModule:
    """Ansible's way of finding it."""

    def filters(self) -> dict[str, Any]:
        return {"device_parts": device_parts}
