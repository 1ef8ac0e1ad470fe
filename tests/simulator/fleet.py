# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The managed devices at work: a push wakes one, it connects and takes its queue, and the webhook hears of all of it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import heapq
import plistlib
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import mdm_service
from .devices import Device
from .state import Tenant
from .webhooks import Event, Webhooks

if TYPE_CHECKING:
    from .world import World

SLICE_SECONDS = 0.005  # so long the world's services wait for the devices
MOST_EVENTS_WAITING = 500


@dataclass(slots=True)
class Visit:
    """A device's connection to the server, or one that is about to come. command_uuid: what it was given and works at."""

    tenant: Tenant
    device: Device
    command_uuid: str = ""


class Fleet:
    def __init__(self, world: World) -> None:
        self._world = world
        self._news = asyncio.Event()
        self._number = 0
        self._last_told = 0
        self.released = asyncio.Event()
        self.released.set()
        self.webhooks = Webhooks(self.released)
        self.forget()

    def forget(self) -> None:
        self._due: list[tuple[float, int, str, Callable[[], None]]] = []
        self._waiting: Counter[str] = Counter()
        self._visits: dict[str, Visit] = {}
        self.webhooks.forget()

    def forget_tenant(self, tenant: Tenant) -> None:
        """Its devices are about to do nothing."""
        self._due = [due for due in self._due if due[2] != tenant.name]
        heapq.heapify(self._due)
        self._waiting[tenant.name] = 0
        self._visits = {udid: visit for udid, visit in self._visits.items() if visit.tenant is not tenant}

    def hold(self) -> None:
        """No device does anything and no event goes out until release()."""
        self.released.clear()

    def release(self) -> None:
        self.released.set()

    def busy(self, tenant: Tenant) -> bool:
        """Whether a device has something to do or an event is under way."""
        return bool(self._waiting[tenant.name] or self.webhooks.under_way(tenant.name))

    # What befalls devices

    def wake(self, tenant: Tenant, device: Device) -> None:
        """A push; one that is off gets it later."""
        tenant.nanomdm.enrollments[device.udid].pushed = True
        self._goes_on(tenant, device)

    def changed(self, tenant: Tenant, device: Device) -> None:
        """It may have been switched on, or be free for what it put off."""
        queue = tenant.nanomdm.queues.get(device.udid)
        if queue and queue.put_off and not device.not_now:
            tenant.nanomdm.enrollments[device.udid].pushed = True
        self._goes_on(tenant, device)

    def enrols(self, tenant: Tenant, device: Device, awaiting: bool = False) -> None:
        self._visits.pop(device.udid, None)
        for message in device.enrolling(awaiting):
            self._check_in(tenant, device, message)

    def tell_enrolments(self, tenant: Tenant) -> None:
        """The check-ins of each device's present enrolment, told as if they happened now."""
        for device in tenant.managed.values():
            if device.enrolled:
                self.later(tenant, 0, functools.partial(self._tell_enrolment, tenant, device))

    def resume(self, tenant: Tenant) -> None:
        """After a start of the world: what devices were about to do."""
        for device in tenant.managed.values():
            self._goes_on(tenant, device)

    def _goes_on(self, tenant: Tenant, device: Device) -> None:
        if device.off:
            return
        if device.returning:
            self.later(tenant, tenant.switches.device_returns_ms, lambda: self._return(tenant, device))
        elif device.enrolled and tenant.nanomdm.enrollments[device.udid].pushed and device.udid not in self._visits:
            visit = self._visits[device.udid] = Visit(tenant, device)
            self.later(tenant, tenant.switches.device_wakes_ms, lambda: self._step(visit))

    # What devices do

    def _step(self, visit: Visit) -> None:
        """The device asks for work or answers, and is given the next command or none."""
        tenant, device = visit.tenant, visit.device
        if self._visits.get(device.udid) is not visit:
            return
        if device.off:
            del self._visits[device.udid]
            return
        status = self._answer(visit) if visit.command_uuid else self._ask(visit)
        if not device.enrolled:
            self._left(tenant, device)
            return
        command_uuid = mdm_service.next_command(tenant.nanomdm, device.udid, status == mdm_service.NOT_NOW)
        if command_uuid is None:
            del self._visits[device.udid]
            tenant.nanomdm.enrollments[device.udid].pushed = False
            return
        visit.command_uuid = command_uuid
        self.later(tenant, tenant.switches.device_answer_ms, lambda: self._step(visit))

    def _ask(self, visit: Visit) -> str:
        self._tell_connect(visit.tenant, visit.device, {"UDID": visit.device.udid, "Status": "Idle"})
        return "Idle"

    def _answer(self, visit: Visit) -> str:
        tenant, device = visit.tenant, visit.device
        response = device.answer(mdm_service.given(tenant.nanomdm, visit.command_uuid))
        faulty = tenant.switches.nanomdm_faulty_queue
        mdm_service.report(tenant.nanomdm, device.udid, visit.command_uuid, response["Status"], faulty=faulty)
        self._tell_connect(tenant, device, response)
        return str(response["Status"])

    def _left(self, tenant: Tenant, device: Device) -> None:
        """It was erased, or its MDM profile was removed: APNs knows the token no longer."""
        del self._visits[device.udid]
        enrollment = tenant.nanomdm.enrollments[device.udid]
        enrollment.enrolled = enrollment.pushed = False
        if farewell := device.farewell():
            self._check_in(tenant, device, farewell)
        self._goes_on(tenant, device)

    def _return(self, tenant: Tenant, device: Device) -> None:
        if device.returning and not device.off:
            self.enrols(tenant, device, awaiting=device.awaits)

    # What the server tells

    def _check_in(self, tenant: Tenant, device: Device, message: dict[str, Any]) -> None:
        tally = mdm_service.check_in(tenant.nanomdm, device.udid, message).tally
        self._tell_check_in(tenant, device, message, tally)

    def _tell_enrolment(self, tenant: Tenant, device: Device) -> None:
        for message in device.enrolment():
            self._tell_check_in(tenant, device, message, 1)

    def _tell_check_in(self, tenant: Tenant, device: Device, message: dict[str, Any], tally: int) -> None:
        kind = message["MessageType"]
        self._tell(
            tenant,
            device,
            message,
            f"mdm.{kind}",
            f"{kind}/{device.serial}/{device.enrolments}",
            tally=tally if kind == "TokenUpdate" else None,
        )

    def _tell_connect(self, tenant: Tenant, device: Device, message: dict[str, Any]) -> None:
        status, command_uuid = message["Status"], message.get("CommandUUID")
        label = f"{status}/{device.serial}/{command_uuid}"
        idle = command_uuid is None
        self._tell(tenant, device, message, "mdm.Connect", label, idle=idle, status=status, command_uuid=command_uuid)

    def _tell(
        self, tenant: Tenant, device: Device, message: dict[str, Any], topic: str, label: str, **about: Any
    ) -> None:
        self._world.save()
        if tenant.nanomdm.webhook_url:
            event = Event(
                topic, device.udid, plistlib.dumps(message), self._created_at(), uuid.uuid4().hex[:16], label, **about
            )
            self.webhooks.tell(tenant.name, tenant.nanomdm, tenant.switches, event)

    def _created_at(self) -> str:
        """By the world's clock, as Go writes it: without trailing zeros. No two events have the same."""
        now = time.time_ns() + int(self._world.state.clock_offset * 1e9)
        self._last_told = now = max(now, self._last_told + 1000)
        seconds, rest = divmod(now, 10**9)
        second = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        return f"{second.isoformat()[:19]}.{rest:09d}".rstrip("0").rstrip(".") + "Z"

    # The order of it all

    def later(self, tenant: Tenant, milliseconds: float, act: Callable[[], None]) -> None:
        """The act, after so many milliseconds of the real clock, unless the world stops before."""
        self._number += 1
        self._waiting[tenant.name] += 1
        heapq.heappush(self._due, (time.monotonic() + milliseconds / 1000, self._number, tenant.name, act))
        self._news.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.webhooks.run())
            group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            seconds = self._due[0][0] - time.monotonic() if self._due else None
            if seconds is None or seconds > 0:
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._news.wait()
            await self.released.wait()
            self._do_what_is_due(time.monotonic())
            await asyncio.sleep(0 if self.webhooks.waiting < MOST_EVENTS_WAITING else 0.002)

    def _do_what_is_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now and self.webhooks.waiting < MOST_EVENTS_WAITING:
            _due, _number, tenant, act = heapq.heappop(self._due)
            waiting = self._waiting
            try:
                act()
            except Exception:
                traceback.print_exc()
            waiting[tenant] -= 1
            if time.monotonic() - now > SLICE_SECONDS:
                return
