# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tenant of the simulated world with the inventory that its administrator wrote, and the modules run on it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.nendo.apple_mdm.plugins.modules import (
    ade_public_key,
    ade_token,
    apns_cert_upload,
    apns_csr,
    credentials_info,
    vpp_token,
)
from ansible_collections.nendo.apple_mdm.tests.inventory import server_options
from ansible_collections.nendo.apple_mdm.tests.person import DOWNLOADS, fetch
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

__all__ = ["CREDENTIALS", "STORE_KEY", "Result", "School", "contents", "keeps_its_promise"]

Result = dict[str, Any]
Act = Callable[..., Result]

CREDENTIALS = ("push_certificate", "server_token", "content_token")
STORE_KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
COMPLETING: Mapping[str, tuple[ModuleType, str]] = {
    "push_certificate": (apns_cert_upload, "certificate"),
    "server_token": (ade_token, "token"),
    "content_token": (vpp_token, "token"),
}


@dataclass
class School:
    """store: the order store's location; the files of the inventory lie in folder. mdm: what differs there."""

    tenant: Tenant
    folder: Path
    store: str
    mdm: dict[str, Any] = field(default_factory=dict)

    def server(self) -> dict[str, Any]:
        return {**server_options(self.tenant, self.folder / "inventory"), **self.mdm}

    def run(self, module: ModuleType, check: bool = False, **params: Any) -> Result:
        """With the options that every module has, waiting for nothing."""
        common = {"tenant": self.tenant.name, "mdm": self.server(), "order_store": self.store, "actor": "tester"}
        common |= {"order_store_key": STORE_KEY} if "://" in self.store else {}
        return run_module(module, check, **{**common, "lock_timeout": 0, "read_back_timeout": 0, **params})

    def prepare(self, credential: str, check: bool = False, **params: Any) -> Result:
        if credential == "push_certificate":
            return self.run(apns_csr, check, **{**self.signing(), **params})
        if credential == "server_token":
            return self.run(ade_public_key, check, server_name=self.tenant.server_name, **params)
        return self.run(vpp_token, check, **params)

    def complete(self, credential: str, check: bool = False, **params: Any) -> Result:
        module, noun = COMPLETING[credential]
        renamed = {name.replace("file_", f"{noun}_"): value for name, value in params.items()}
        return self.run(module, check, **renamed)

    def info(self, **params: Any) -> dict[str, Result]:
        told = self.run(credentials_info, **params)["credentials"]
        return {each["credential"]: each for each in told}

    def signing(self) -> dict[str, Any]:
        return {
            "apple_account": self.tenant.apple_account,
            "portal_url": self.tenant.portal_url,
            "vendor_certificate_path": self.tenant.vendor_certificate,
            "vendor_privatekey_path": self.tenant.vendor_private_key,
            "vendor_chain_path": self.tenant.vendor_chain,
        }

    def request(self, credential: str, prepared: Result) -> bytes:
        """What the person has to upload."""
        return (prepared.get("request_content") or prepared.get("public_key_content") or "").encode()

    def fetched(self, credential: str, prepared: Result | None = None) -> bytes:
        """The right file for the order, as the person downloads it after a prepare."""
        prepared = prepared or self.prepare(credential)
        return fetch(self.tenant, credential, self.request(credential, prepared))

    def drop(self, order: Mapping[str, Any], data: bytes, name: str | None = None) -> Path:
        """Into the order's inbox."""
        path = Path(order["inbox"]) / (name or DOWNLOADS[order["credential"]])
        path.write_bytes(data)
        return path

    def handed_off(self, credential: str, **params: Any) -> Result:
        """The order, waiting for its file."""
        order: Result = self.prepare(credential, **params)["order"]
        assert order["state"] == "handed_off"
        return order

    def with_file(self, credential: str, **params: Any) -> Result:
        """The order, its right file in the inbox."""
        prepared = self.prepare(credential, **params)
        self.drop(prepared["order"], self.fetched(credential, prepared))
        order: Result = prepared["order"]
        return order

    def contents(self) -> dict[str, bytes]:
        """Everything in the order store."""
        return contents(Path(self.store.partition(":///")[2] or self.store))

    def orders(self) -> set[str]:
        """The folders of orders, or the database with its file; locks of runs gone by are no orders."""
        return {str(Path(file).parent) for file in self.contents() if not file.endswith(".lock")}

    def journal(self, order: Mapping[str, Any]) -> list[Result]:
        return [json.loads(line) for line in (Path(order["place"]) / "journal.jsonl").read_text().splitlines()]

    def writes(self, path_regex: str = "") -> list[str]:
        """Method and last part of the path of each write that the world saw of this tenant's servers."""
        writes = self.tenant.world.writes(path_regex=path_regex)
        return [f"{each['method']} {each['path'].split('/v1/')[-1]}" for each in writes if "/t/" in each["path"]]


def contents(place: Path) -> dict[str, bytes]:
    """Every file at or below the place; empty where there is nothing."""
    files = [place] if place.is_file() else sorted(place.rglob("*"))
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def keeps_its_promise(school: School, act: Act, *, changed: bool, unknown: tuple[str, ...] = ()) -> Result:
    """The act in check mode, for real and once more: no write in check mode, the result as predicted, then no change.

    unknown: the documented places of the result that check mode leaves null. Returns the real result."""
    before, world = school.contents(), school.tenant.world
    school.server()
    in_use = contents(school.folder / "inventory")
    world.forget_requests()
    predicted = act(check=True)
    assert world.writes() == []
    assert (school.contents(), contents(school.folder / "inventory")) == (before, in_use)
    assert [place for place in ("instructions", *unknown) if at(predicted, place) is not None] == []
    done = act()
    again = act()
    assert (predicted["changed"], done["changed"], again["changed"]) == (changed, changed, False)
    assert without(predicted, unknown) == without(done, unknown)
    return done


def without(result: Result, unknown: tuple[str, ...]) -> Result:
    """A copy with null in these places, instructions among them."""
    nulled = copy.deepcopy(result)
    for place in ("instructions", *unknown):
        way, _dot, last = place.rpartition(".")
        at(nulled, way)[last] = None
    return nulled


def at(result: Result, place: str) -> Any:
    """What stands at a place such as order.in_use.not_after."""
    found: Any = result
    for step in place.split(".") if place else []:
        found = found[step]
    return found
