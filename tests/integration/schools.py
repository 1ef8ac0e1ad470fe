# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Devices of a campaign at an MDM server that tells nendo-events: the same acts for the embedded NanoMDM and the real one.

Devices take what waits for them only in settle(), so that a test says when."""

from __future__ import annotations

import dataclasses
import plistlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger
from ansible_collections.nendo.apple_mdm.plugins.modules import (
    asm_release,
    asm_unassign,
    campaign_info,
    mdm_app_remove,
    mdm_device_info,
    mdm_device_wipe,
    vpp_license_revoke,
)
from ansible_collections.nendo.apple_mdm.tests.integration import nano_servers
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import LEDGER_KEY, Post, Site
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant
from ansible_collections.nendo.apple_mdm.tests.simulator.device_http import Connected
from ansible_collections.nendo.apple_mdm.tests.simulator.devices import Device
from ansible_collections.nendo.apple_mdm.tests.simulator.wifi import WIFI_PROFILE
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

__all__ = ["EmbeddedSchool", "RealSchool", "School"]


class School:
    """tenant: the organisation at Apple's services."""

    ledger: Ledger
    ledger_path: str
    tenant: Tenant

    def __init__(self, mdm: dict[str, Any], folder: Path) -> None:
        self.campaign = f"graduation-{uuid.uuid4().hex[:8]}"
        self.mdm = mdm
        self.folder = folder
        self.wifi = folder / "wifi.mobileconfig"
        self.wifi.write_bytes(WIFI_PROFILE)
        self.away: set[str] = set()

    # Of each server

    @property
    def serials(self) -> list[str]:
        raise NotImplementedError

    def becomes(self, serial: str, **facts: Any) -> None:
        """Facts of a device, as in devices.Device."""
        raise NotImplementedError

    def told(self, serial: str) -> dict[str, Any]:
        """The device as it is, as in devices.Device; of profiles and apps the identifiers."""
        raise NotImplementedError

    def settle(self, *serials: str) -> None:
        """These devices, or all that are not away, do what there is for them to do, and the ledger has heard of it."""
        raise NotImplementedError

    def enrols_anew(self, serial: str) -> None:
        """It was set up for the next pupil."""
        raise NotImplementedError

    # What a campaign does

    def run(self, module: ModuleType, check: bool = False, **params: Any) -> dict[str, Any]:
        """params: those that are None are left out."""
        given = {**self.usual(module), **params}
        return run_module(module, check, **{name: value for name, value in given.items() if value is not None})

    def usual(self, module: ModuleType) -> dict[str, Any]:
        usual: dict[str, Any] = {
            "campaign": self.campaign,
            "tenant": "school",
            "ledger": self.ledger_path,
            "ledger_key": LEDGER_KEY,
            "devices": self.serials,
            "wait_timeout": 0,
        }
        usual |= {} if module is mdm_device_info else {"confirm": self.campaign, "max_devices": 2000}
        if module is vpp_license_revoke:
            tenant = self.tenant
            return usual | {"content_token": tenant.content_token, "apps_and_books_url": tenant.apps_and_books_url}
        if module in (asm_unassign, asm_release):
            return usual | {"asm": self.asm()} | self._more(module)
        return usual | {"mdm": self.mdm} | self._more(module)

    def _more(self, module: ModuleType) -> dict[str, Any]:
        own: dict[ModuleType, dict[str, Any]] = {
            mdm_app_remove: {"all_managed": True},
            mdm_device_wipe: {"wifi_profile_path": str(self.wifi)},
            asm_unassign: {"server_name": self.tenant.server_name},
            asm_release: {"confirm_release": f"release-{self.campaign}"},
        }
        return own.get(module, {})

    def asm(self) -> dict[str, Any]:
        return {
            "client_id": self.tenant.school_client_id,
            "key_id": self.tenant.school_key_id,
            "private_key": self.tenant.school_private_key,
            "api_url": self.tenant.school_url,
            "token_url": self.tenant.school_token_url,
            "cache_path": str(self.folder / "cache"),
            "reads_per_minute": 0,
            "writes_per_hour": 0,
        }

    def collected(self, **params: Any) -> dict[str, Any]:
        self.run(mdm_device_info, **params)
        self.settle()
        return self.run(mdm_device_info, **params)

    def done(self, module: ModuleType, **params: Any) -> dict[str, Any]:
        """The step is begun, the devices answer, and it is looked at again."""
        self.run(module, **params)
        self.settle()
        return self.run(module, **params)

    def each(self, fact: str) -> list[Any]:
        """The fact of every device."""
        return [self.told(serial)[fact] for serial in self.serials]

    def records(self, step: str) -> list[dict[str, Any]]:
        which: dict[str, Any] = {"campaign": self.campaign, "ledger": self.ledger_path, "devices": self.serials}
        records: list[dict[str, Any]] = run_module(campaign_info, with_records=True, **which)["records"]
        return [record for record in records if record["step"] == step]


class EmbeddedSchool(School):
    """Its devices are off but when they settle."""

    def __init__(self, tenant: Tenant, post: Post, folder: Path) -> None:
        super().__init__({"url": tenant.url, "api_key": tenant.api_key}, folder)
        self.tenant, self.ledger, self.ledger_path = tenant, post.ledger, post.ledger_path
        self._serials: list[str] = tenant.serials
        tenant.webhook(post.url, post.key)
        tenant.enrol_all()
        tenant.settled()
        tenant.device_set(off=True)

    @property
    def serials(self) -> list[str]:
        return self._serials

    def becomes(self, serial: str, **facts: Any) -> None:
        self.tenant.device_set([serial], **facts)

    def told(self, serial: str) -> dict[str, Any]:
        return self.tenant.managed([serial])[0]

    def each(self, fact: str) -> list[Any]:
        return [told[fact] for told in self.tenant.managed()]

    def settle(self, *serials: str) -> None:
        there = [serial for serial in serials or self.serials if serial not in self.away]
        self.tenant.device_set(there, off=False)
        self.tenant.settled()
        self.tenant.device_set(there, off=True)

    def enrols_anew(self, serial: str) -> None:
        self.tenant.device_enrols(serial)
        self.tenant.settled()
        self.tenant.device_set([serial], off=True)

    def leaves(self, serial: str) -> None:
        """Its MDM profile was removed by hand, or by another program than ours."""
        udid, name = self.told(serial)["udid"], str(uuid.uuid4())
        command = {"RequestType": "RemoveProfile", "Identifier": "com.example.mdm"}
        body = plistlib.dumps({"CommandUUID": name, "Command": command})
        auth = ("nanomdm", self.tenant.api_key)
        requests.put(f"{self.tenant.url}/v1/enqueue/{udid}", data=body, auth=auth, timeout=30).raise_for_status()
        self.settle(serial)

    @contextmanager
    def awake(self) -> Iterator[None]:
        """All devices take at once what comes."""
        self.tenant.device_set(off=False)
        yield
        self.tenant.settled()
        self.tenant.device_set(off=True)


class RealSchool(School):
    """Its devices connect when they settle: the real NanoMDM pushes to nobody here."""

    def __init__(self, site: Site, tenant: Tenant, folder: Path) -> None:
        super().__init__({"url": site.url, "api_key": nano_servers.API_KEY}, folder)
        self.site, self.tenant = site, tenant
        self.ledger, self.ledger_path = site.post.ledger, site.post.ledger_path
        self._connected: dict[str, Connected] = {}

    def enrol(self, number: int, **facts: Any) -> None:
        """With the serial numbers of the organisation's devices, if it has any."""
        for _device in range(number):
            known = self.tenant.serials or [f"C02XK0AB{each:04d}" for each in range(1000)]
            connected = self.site.device(known[len(self._connected)], **facts)
            self._connected[connected.device.serial] = connected
            connected.enrol()
        self._told_of_enrolments()

    @property
    def serials(self) -> list[str]:
        return list(self._connected)

    def device(self, serial: str) -> Device:
        return self._connected[serial].device

    def becomes(self, serial: str, **facts: Any) -> None:
        for name, value in facts.items():
            setattr(self.device(serial), name, value)

    def told(self, serial: str) -> dict[str, Any]:
        device = self.device(serial)
        facts = {each.name: getattr(device, each.name) for each in dataclasses.fields(device)}
        identifiers = {name: [each.identifier for each in facts[name]] for name in ("profiles", "apps")}
        lists = {name: list(facts[name]) for name in ("seen", "removed_profiles", "removed_apps")}
        return {**facts, **identifiers, **lists}

    def settle(self, *serials: str) -> None:
        there = [self._connected[serial] for serial in serials or self.serials if serial not in self.away]
        for connected in there:
            connected.connect()
        for connected in there:
            self.site.awaited(partial(self._has_heard, connected.device))
        self._told_of_enrolments()

    def enrols_anew(self, serial: str) -> None:
        connected = self._connected[serial]
        connected.device.handed_on()
        connected.enrol()
        self._told_of_enrolments()

    def _told_of_enrolments(self) -> None:
        for connected in self._connected.values():
            for topic in ("mdm.Authenticate", "mdm.TokenUpdate"):
                self.site.awaited(partial(self._has_heard_all, topic, connected.device))

    def _has_heard_all(self, topic: str, device: Device) -> bool:
        return len(self.ledger.events.find(enrollment_ids=[device.udid], topics=[topic])) == device.enrolments

    def _has_heard(self, device: Device) -> bool:
        events = self.ledger.events.find(enrollment_ids=[device.udid], topics=["mdm.Connect"])
        return {event.command_uuid for event in events}.issuperset(device.seen)
