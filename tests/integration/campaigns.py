# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A whole campaign as the play does it, in one child process, and the judge who compares its ledger with the world."""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import Unreachable
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign import licences, unassign
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import STEPS, Record, State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm import collect, driver, removal, wipe
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Evidence, Found, Item
from ansible_collections.nendo.apple_mdm.plugins.modules import (
    asm_unassign,
    campaign_plan,
    campaign_run,
    mdm_app_remove,
    mdm_device_delete,
    mdm_device_info,
    mdm_device_wipe,
    mdm_organization_delete,
    mdm_profile_remove,
    mdm_user_delete,
    vpp_license_revoke,
)
from ansible_collections.nendo.apple_mdm.tests.integration.dying import Call, Countdown, Ended, run_modules
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import LEDGER_KEY, Post
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.simulator.wifi import WIFI_PROFILE

__all__ = [
    "BY_STEP",
    "OUTCOMES",
    "STEP_OF",
    "Campaign",
    "Facts",
    "Look",
    "embedded_campaign",
    "embedded_tenant",
    "quick",
    "users_at_the_server",
]

OUTCOMES = ("donate", "reassign")
ENDS = (mdm_user_delete, mdm_organization_delete)
BY_STEP = {
    "donate": (
        *(campaign_plan, mdm_device_info, mdm_profile_remove, mdm_app_remove, vpp_license_revoke),
        *(mdm_device_delete, asm_unassign, *ENDS),
    ),
    "reassign": (campaign_plan, mdm_device_info, mdm_device_wipe, *ENDS),
}
STEP_OF = {
    mdm_device_info: "collect",
    mdm_profile_remove: "profiles",
    mdm_app_remove: "apps",
    vpp_license_revoke: "licences",
    mdm_device_delete: "delete",
    asm_unassign: "unassign",
    mdm_device_wipe: "wipe",
}
MDM, WIFI = "com.example.mdm", "com.example.wifi"
AGENT, KEYNOTE, GAME = "com.example.agent", "com.apple.Keynote", "com.example.game"
LICENCES = 2  # of each device
Facts = dict[str, Any]
Look = Callable[[Tenant], list[Facts]]  # every device as it is now, as in devices.Device

# What the world shows of a device when the step is done
SHOWN: Mapping[str, Callable[[Facts], bool]] = {
    "collect": lambda told: True,
    "profiles": lambda told: WIFI not in told["profiles"],
    "apps": lambda told: told["apps"] == [GAME],
    "licences": lambda told: told["licences"] == 0,
    "delete": lambda told: not told["enrolled"],
    "unassign": lambda told: not told["assigned"],
    "wipe": lambda told: told["enrolled"] and told["enrolments"] > 1 and not told["awaiting"],
    "users": lambda told: told["users_deleted"] == 1,
    "organizations": lambda told: True,
}
# What the world shows of a device in the end: nothing happened twice
ONCE: Mapping[str, Facts] = {
    "donate": {
        "erased": 0,
        "unenrolled": 1,
        "enrolments": 1,
        "enrolled": False,
        "licences": 0,
        "assigned": "",
        "removed_profiles": [WIFI, MDM],
        "removed_apps": [AGENT, KEYNOTE],
        "apps": [GAME],
        "users_deleted": 1,
    },
    "reassign": {
        "erased": 1,
        "unenrolled": 0,
        "enrolments": 2,
        "enrolled": True,
        "licences": LICENCES,
        "assigned": "here",
        "removed_profiles": [],
        "removed_apps": [],
        "awaiting": False,
        "users_deleted": 1,
    },
}


@dataclass(frozen=True)
class Campaign:
    """tenant: the organisation at Apple's services. mdm: the option of the modules. settle: until the devices have done what
    there is for them to do. limit: devices of an activity. runs: so many may be needed if nothing disturbs them."""

    outcome: str
    tenant: Tenant
    mdm: Facts
    ledger: str
    folder: Path
    devices: Sequence[str]
    look: Look
    settle: Callable[[], None]
    limit: int = 1000
    wait_timeout: int = 10
    runs: int = 3
    name: str = field(default_factory=lambda: f"graduation-{uuid.uuid4().hex[:8]}")

    # Running it

    def run(self, countdown: Countdown | None = None) -> Ended:
        """As the play does."""
        return run_modules(self.calls(), countdown or Countdown(0))

    def calls(self) -> list[Call]:
        return self._calls(campaign_plan, campaign_run)

    def calls_by_step(self) -> list[Call]:
        """The same with a module a step."""
        return self._calls(*BY_STEP[self.outcome])

    def _calls(self, *modules: Any) -> list[Call]:
        return [(module, self._options(module)) for module in modules]

    def finish(self) -> None:
        """Runs until every device is through."""
        for _run in range(self.runs):
            ended = self.run()
            failures = [result["msg"] for result in ended.results if result.get("failed")]
            assert not failures
            self.settle()
            if not self.left:
                return
        raise AssertionError(f"not through after {self.runs} more runs: {self.left}")

    def _options(self, module: Any) -> Facts:
        common: Facts = {"campaign": self.name, "tenant": "school", "devices": list(self.devices)}
        common |= {"ledger": self.ledger, "ledger_key": LEDGER_KEY}
        steps = common if module is campaign_plan else {**common, "wait_timeout": self.wait_timeout}
        if module is mdm_device_info:
            return steps | {"mdm": self.mdm}
        steps = steps | {"confirm": self.name, "max_devices": 1000}
        course: Facts = {
            "outcome": self.outcome,
            "mdm": self.mdm,
            "all_managed": True,
            "wifi_profile_path": str(self._wifi()),
            **self._licences(),
            **self._apple(),
        }
        mine: dict[Any, Facts] = {
            mdm_app_remove: {"mdm": self.mdm, "all_managed": True},
            mdm_device_wipe: {"mdm": self.mdm, "wifi_profile_path": str(self._wifi())},
            vpp_license_revoke: self._licences(),
            asm_unassign: self._apple(),
            campaign_plan: course,
            campaign_run: course,
        }
        return steps | mine.get(module, {"mdm": self.mdm})

    def _wifi(self) -> Path:
        path = self.folder / "wifi.mobileconfig"
        path.write_bytes(WIFI_PROFILE)
        return path

    def _licences(self) -> Facts:
        return {"content_token": self.tenant.content_token, "apps_and_books_url": self.tenant.apps_and_books_url}

    def _apple(self) -> Facts:
        asm = {
            "client_id": self.tenant.school_client_id,
            "key_id": self.tenant.school_key_id,
            "private_key": self.tenant.school_private_key,
            "api_url": self.tenant.school_url,
            "token_url": self.tenant.school_token_url,
            "cache_path": str(self.folder / f"cache-{self.tenant.name}"),
            "reads_per_minute": 0,
            "writes_per_hour": 0,
        }
        return {"asm": asm, "server_name": self.tenant.server_name, "devices_per_activity": self.limit}

    # What the ledger says

    @property
    def records(self) -> list[Record]:
        return open_ledger(self.ledger).records(self.name)

    @property
    def left(self) -> dict[tuple[str, str], str]:
        """By device and step, the state of what is not settled."""
        states = {(record.device, record.step): record.state for record in self.records}
        steps = [step for step in STEPS[self.outcome] if step != "release"]
        every = {(device, step): states.get((device, step)) for device in self.devices for step in steps}
        return {place: str(state) for place, state in every.items() if state not in (State.DONE, State.SKIPPED)}

    # What the world shows

    def world(self) -> dict[str, Facts]:
        """Every device of the tenant, with what Apple's services have of it and how often its user was deleted."""
        devices, assigned = self.look(self.tenant), self.tenant.assigned
        licensed = Counter(serial for _adam_id, _pricing, serial in self.tenant.licences)
        deleted = Counter(
            serial
            for entry in self.tenant.world.writes(self.tenant.name, "/users/")
            for serial in entry["path"].rsplit("/", 1)[1].split(",")
        )
        return {
            told["serial"]: {
                **told,
                "removed_apps": sorted(told["removed_apps"], reverse=True),
                "licences": licensed[told["serial"]],
                "assigned": "here" if assigned[told["serial"]] else "",
                "users_deleted": deleted[told["serial"]],
            }
            for told in devices
        }

    def world_of(self, fact: str) -> list[Any]:
        """The fact of each device that takes part."""
        world = self.world()
        return [world[device][fact] for device in self.devices]

    def agrees(self, devices: Sequence[str] | None = None) -> None:
        """What the ledger says is done of these devices or all, the world shows, at any time."""
        devices = self.devices if devices is None else devices
        done = [record for record in self.records if record.state is State.DONE and record.device in devices]
        world = self.world()
        wrong = [(record.device, record.step) for record in done if not SHOWN[record.step](world[record.device])]
        assert not wrong, f"the ledger says done, and the world does not show it: {wrong}"

    def judge(self, before: Mapping[str, Facts], *, devices: Sequence[str] | None = None, users: bool = True) -> None:
        """In the end everything has happened once to these devices, or to all that take part, and nothing to any other.

        before: the world before the first run."""
        world = self.world()
        once = {name: told for name, told in ONCE[self.outcome].items() if users or name != "users_deleted"}
        for device in self.devices if devices is None else devices:
            told = world[device]
            assert {name: told[name] for name in once} == once, device
        bystanders = {device: told for device, told in world.items() if device not in self.devices}
        assert bystanders == {device: before[device] for device in bystanders}, "devices that do not take part"
        self.agrees(devices)

    def sent(self) -> int:
        """How many requests for a change have come to the far side."""
        return len(self.tenant.world.writes(self.tenant.name))


def embedded_tenant(world: World, post: Post, devices: int) -> Tenant:
    """At the embedded NanoMDM, with devices that are awake and answer at once."""
    tenant = world.tenant(f"graduates-{uuid.uuid4().hex[:8]}", devices=devices, managed=True, licences=LICENCES)
    tenant.switch(device_wakes_ms=0, device_returns_ms=0, vpp_max_per_second=1000)
    tenant.webhook(post.url, post.key)
    tenant.enrol_all()
    tenant.settled()
    return tenant


def embedded_campaign(
    world: World, post: Post, folder: Path, outcome: str, devices: int, others: int, *, limit: int
) -> Campaign:
    """others: devices of the same tenant that do not take part."""
    tenant = embedded_tenant(world, post, devices + others)
    mdm = {"url": tenant.url, "api_key": tenant.api_key}
    taking_part = tenant.serials[:devices]
    return Campaign(
        outcome, tenant, mdm, post.ledger_path, folder, taking_part, Tenant.managed, tenant.settled, limit=limit
    )


# A server that keeps users


class UsersStep:
    """The step users of a server that has some: a deletion is a request in the world's log. Whoever deletes a user before the
    world shows the device as done is found out at once."""

    name = "users"
    preflight_limit = 1000
    looks_free = True
    lasting = True
    needs_facts = False
    poll = 0.05

    def __init__(self, campaign: Campaign, limit: int) -> None:
        self._campaign = campaign
        self.limit = limit
        self._url = f"{campaign.tenant.url}/users/"

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        return {}

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        return {item.device: {} for item in items}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        world = self._campaign.world()
        last = "unassign" if self._campaign.outcome == "donate" else "wipe"
        early = [
            (item.device, step)
            for item in items
            for step in STEPS[self._campaign.outcome][: STEPS[self._campaign.outcome].index(last) + 1]
            if not SHOWN[step](world[item.device])
        ]
        assert not early, f"users would be deleted too early: {early}"
        try:
            with requests.Session() as session:
                session.delete(self._url + ",".join(item.device for item in items), timeout=30)
        except requests.ConnectionError:
            raise Unreachable("no answer") from None
        return {item.device: Evidence(Found.PENDING) for item in items}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        world = self._campaign.world()
        return {
            item.device: Evidence(Found.DONE if world[item.device]["users_deleted"] else Found.NOT_ARRIVED)
            for item in items
        }


def _reconnected(tenant: Tenant) -> Tenant:
    """With a connection of its own: the child that is about to come would share the other one with its parent."""
    world = copy.copy(tenant.world)
    world._session = requests.Session()
    return Tenant(**{**vars(tenant), "world": world})


@contextmanager
def users_at_the_server(campaign: Campaign, limit: int) -> Iterator[None]:
    """limit: users of one deletion."""
    step = driver.NanoMdmDriver.step
    absent = {name: reason for name, reason in driver.ABSENT.items() if name != "users"}

    def stepped(self: driver.NanoMdmDriver, name: str, notebook: Any, options: Mapping[str, Any]) -> Any:
        return UsersStep(reconnected, limit) if name == "users" else step(self, name, notebook, options)

    reconnected = replace(campaign, tenant=_reconnected(campaign.tenant))

    with (
        mock.patch.object(driver.NanoMdmDriver, "step", stepped),
        mock.patch.object(driver.NanoMdmDriver, "absent", absent),
    ):
        yield


@contextmanager
def quick(limit: int | None = None) -> Iterator[None]:
    """Every look comes soon after the one before, and Apple's ten minutes are over at once, as are the fifteen between two
    looks at a device that is gone. limit: so many devices a call."""
    steps = (collect.CollectStep, removal.RemovalStep, wipe.WipeStep, unassign.UnassignStep, licences.LicencesStep)
    with ExitStack() as patched:
        for step in steps:
            patched.enter_context(mock.patch.object(step, "poll", 0.05))
        patched.enter_context(mock.patch.object(wipe, "ASK_AGAIN", timedelta(seconds=1)))
        patched.enter_context(mock.patch.object(removal, "GONE_FOR", timedelta(0)))
        for module in (unassign, licences):
            patched.enter_context(mock.patch.object(module, "LAG", timedelta(0)))
        for step in (collect.CollectStep, removal.RemovalStep, wipe.WipeStep) if limit else ():
            patched.enter_context(mock.patch.object(step, "limit", limit))
        yield
