# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The running world: its state, its clock, its keys, and what it forgets when it stops (sessions)."""

from __future__ import annotations

import asyncio
import datetime
import json
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from . import saving
from . import state as tree
from .fleet import Fleet
from .pki import Pki

UTC = datetime.timezone.utc
SAVED_EVERY = 0.2  # seconds at least, where something has changed
SAVING_SHARE = 50  # of the time, saving may take one part


def iso(moment: datetime.datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass
class AdeSession:
    tenant: str
    last_use: datetime.datetime


@dataclass
class SignIn:
    """A browser's sign-in; complete once the second factor was given."""

    account: str
    complete: bool = False


@dataclass
class PanelSession:
    """A browser at CLOMO PANEL; complete once the code was given. registered: service tokens that are not saved yet."""

    tenant: str
    complete: bool
    last_use: datetime.datetime
    registered: dict[str, tree.ServiceToken] = field(default_factory=dict)


@dataclass
class PanelJob:
    """Work that the panel tells of: done at a second of the real clock."""

    done_at: float
    succeeded: bool


@dataclass
class Memory:
    """What does not survive a restart."""

    ade_sessions: dict[str, AdeSession] = field(default_factory=dict)
    nonces: set[tuple[str, str, str]] = field(default_factory=set)
    sign_ins: dict[str, SignIn] = field(default_factory=dict)
    proxy_sessions: dict[tuple[str, str], str] = field(default_factory=dict)
    vpp_requests: dict[str, deque[float]] = field(default_factory=dict)
    api_tokens: dict[str, tuple[str, float]] = field(default_factory=dict)  # tenant, end by the real clock
    api_requests: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    panel_sessions: dict[str, PanelSession] = field(default_factory=dict)
    panel_jobs: dict[str, PanelJob] = field(default_factory=dict)
    copies: list[Any] = field(default_factory=list)  # as in copies.py
    panel_visits: set[tuple[str, str]] = field(default_factory=set)  # tenant, and number of a device that is at work


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.pki = Pki(folder / "pki")
        self.state = saving.load(folder)
        self.memory = Memory()
        self.fleet = Fleet(self)
        self._unsaved = False
        self._unwritten: list[dict[str, Any]] = []
        self.log_path = folder / "requests.jsonl"
        self.log: list[dict[str, Any]] = []
        if self.log_path.exists():
            self.log = [json.loads(line) for line in self.log_path.read_text().splitlines()]
        self.url = ""
        self.apns: dict[str, str] = {}
        self.proxy: dict[str, str] = {}

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(UTC) + datetime.timedelta(seconds=self.state.clock_offset)

    def save(self) -> None:
        """Something has changed: it is on disk in a moment, and when the world stops."""
        self._unsaved = True

    def write(self) -> None:
        """What has changed, to disk."""
        self._write_log()
        if self._unsaved:
            self._unsaved = False
            saving.save(self.folder, self.state)

    def _write_log(self) -> None:
        if self._unwritten:
            with self.log_path.open("a") as file:
                file.writelines(json.dumps(entry) + "\n" for entry in self._unwritten)
            self._unwritten.clear()

    async def run(self) -> None:
        """What goes on besides requests: the devices, and saving, which takes its time in a large world."""
        for tenant in self.state.tenants.values():
            self.fleet.resume(tenant)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.fleet.run())
            group.create_task(self._keep_saving())

    async def _keep_saving(self) -> None:
        due = 0.0
        while True:
            self._write_log()
            before = time.monotonic()
            if before >= due:
                self.write()
                due = before + SAVING_SHARE * (time.monotonic() - before)
            await asyncio.sleep(SAVED_EVERY)

    def reset(self) -> None:
        self.state = tree.State()
        self.memory = Memory()
        self.fleet.forget()
        self.forget_log()
        self.save()

    def forget_log(self) -> None:
        self.log.clear()
        self._unwritten.clear()
        self.log_path.unlink(missing_ok=True)

    def record(self, entry: dict[str, Any]) -> None:
        """Entries are in the list from their arrival; the file has them a moment after they were answered."""
        self._unwritten.append(entry)

    def signed_in(self, request: Request) -> tree.Account | None:
        sign_in = self.memory.sign_ins.get(request.cookies.get("session", ""))
        return self.state.accounts.get(sign_in.account) if sign_in and sign_in.complete else None

    def tenants_of(self, account: tree.Account) -> list[tree.Tenant]:
        return [tenant for tenant in self.state.tenants.values() if tenant.account == account.name]

    def tenant_of_panel(self, domain: str) -> tree.Tenant | None:
        return next((one for one in self.state.tenants.values() if one.clomo and one.clomo.domain == domain), None)

    def take_fault(self, path: str, method: str, tenant: str | None) -> tree.Fault | None:
        """The first scripted fault that matches, used up by one."""
        for fault in self.state.faults:
            if (
                fault.times > 0
                and re.search(fault.path, path)
                and fault.method in (None, method)
                and fault.tenant in (None, tenant)
            ):
                fault.times -= 1
                return fault
        return None


def world_of(request: Request) -> World:
    return request.app.state.world


def token(length: int = 32) -> str:
    return secrets.token_hex(length // 2)
