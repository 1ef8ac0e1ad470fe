# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What no program can beat: the calls that a donated year group takes at the least, made by one who knows everything before.

It keeps no ledger, asks nothing twice, knows how long Apple takes, and looks once whether it is done. It stands beside the
graduation in the bench, and shares no code with it.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import plistlib
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant

__all__ = ["Perfect"]

CONNECTIONS = 16
IDS_A_CALL, SERIALS_A_CALL = 100, 1000
QUESTIONS: tuple[dict[str, Any], ...] = (
    {"RequestType": "DeviceInformation", "Queries": ["UDID", "SerialNumber", "OSVersion", "IsSupervised"]},
    {"RequestType": "CertificateList"},
    {"RequestType": "ProfileList"},
    {"RequestType": "InstalledApplicationList", "Items": ["Identifier", "Name"]},
    {"RequestType": "ManagedApplicationList"},
    {"RequestType": "ActivationLockBypassCode"},
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Perfect:
    """devices: UDID by serial number. event_seconds, activity_seconds: how long Apple takes."""

    tenant: Tenant
    devices: dict[str, str]
    assets: Sequence[dict[str, str]]
    event_seconds: float
    activity_seconds: float
    calls: int = 0
    _waiting: set[tuple[str, str]] = field(default_factory=set)
    _idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=asyncio.Queue)

    def run(self) -> float:
        """The seconds that it took."""
        return asyncio.run(self._run())

    async def _run(self) -> float:
        server = await asyncio.start_server(self._take_events, "127.0.0.1", 0, backlog=4096)
        self.tenant.webhook(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", "")
        for _connection in range(CONNECTIONS):
            address = urlsplit(self.tenant.url)
            self._idle.put_nowait(await asyncio.open_connection(address.hostname, address.port))
        began = time.monotonic()
        for commands in (
            QUESTIONS,
            ({"RequestType": "RemoveProfile", "Identifier": "com.example.wifi"},),
            ({"RequestType": "RemoveApplication", "Identifier": "com.example.agent"},),
        ):
            await self._order(commands)
        await self._take_licences()
        await self._order(({"RequestType": "RemoveProfile", "Identifier": "com.example.mdm"},))
        await self._unassign()
        took = time.monotonic() - began
        server.close()
        return took

    # Devices

    async def _order(self, commands: Sequence[dict[str, Any]]) -> None:
        """Each command to all devices; ends when all have answered."""
        parcels = []
        for command in commands:
            for ids in _parts(list(self.devices.values()), IDS_A_CALL):
                name = str(uuid.uuid4())
                self._waiting.update((name, each) for each in ids)
                parcels.append((name, ids, command))
        credentials = base64.b64encode(f"nanomdm:{self.tenant.api_key}".encode()).decode()
        path = urlsplit(self.tenant.url).path
        await asyncio.gather(
            *(
                self._call(
                    "PUT",
                    f"{path}/v1/enqueue/{','.join(ids)}",
                    plistlib.dumps({"CommandUUID": name, "Command": command}),
                    f"Authorization: Basic {credentials}",
                )
                for name, ids, command in parcels
            )
        )
        while self._waiting:
            await asyncio.sleep(0.01)

    async def _take_events(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                told = json.loads(await reader.readexactly(length)).get("acknowledge_event") or {}
                if told.get("status") == "Acknowledged":
                    self._waiting.discard((told["command_uuid"], told["udid"]))
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    # Apple

    async def _take_licences(self) -> None:
        path, bearer = (
            urlsplit(self.tenant.apps_and_books_url).path,
            f"Authorization: Bearer {self.tenant.content_token}",
        )
        for serials in _parts(list(self.devices), SERIALS_A_CALL):
            body = {"assets": list(self.assets), "serialNumbers": serials}
            await self._call("POST", f"{path}/assets/disassociate", json.dumps(body).encode(), bearer)
        await asyncio.sleep(self.event_seconds)
        left = json.loads(await self._call("GET", f"{path}/assignments", b"", bearer))
        assert left["assignments"] == [], "the licences are not back"

    async def _unassign(self) -> None:
        path, bearer = urlsplit(self.tenant.school_url).path, f"Authorization: Bearer {await self._token()}"
        server = next(iter(set(self.tenant.assigned.values()) - {""}))
        for serials in _parts(list(self.devices), SERIALS_A_CALL):
            relations = {
                "mdmServer": {"data": {"type": "mdmServers", "id": server}},
                "devices": {"data": [{"type": "orgDevices", "id": serial} for serial in serials]},
            }
            kind = {"activityType": "UNASSIGN_DEVICES"}
            body = {"data": {"type": "orgDeviceActivities", "attributes": kind, "relationships": relations}}
            await self._call("POST", f"{path}/orgDeviceActivities", json.dumps(body).encode(), bearer)
        await asyncio.sleep(self.activity_seconds)
        left = await self._call("GET", f"{path}/mdmServers/{server}/relationships/devices?limit=1000", b"", bearer)
        assert json.loads(left)["data"] == [], "the devices are not unassigned"

    async def _token(self) -> str:
        now, client = int(time.time()), self.tenant.school_client_id
        audience = "https://account.apple.com/auth/oauth2/v2/token"
        claims = {"iss": client, "sub": client, "aud": audience, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 600}
        form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(
                claims, _pkcs8(self.tenant.school_private_key), "ES256", {"kid": self.tenant.school_key_id}
            ),
            "scope": "school.api",
        }
        path = urlsplit(self.tenant.school_token_url).path
        answer = await self._call("POST", path, urlencode(form).encode(), "", "application/x-www-form-urlencoded")
        return str(json.loads(answer)["access_token"])

    # HTTP

    async def _call(self, method: str, path: str, body: bytes, header: str, kind: str = "application/json") -> bytes:
        reader, writer = await self._idle.get()
        self.calls += 1
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Type: {kind}\r\n"
        head += f"Content-Length: {len(body)}\r\n{header}\r\n\r\n" if header else f"Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        told = await reader.readuntil(b"\r\n\r\n")
        length = int(told.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        assert told.split()[1] in (b"200", b"201"), (told, answer[:200])
        self._idle.put_nowait((reader, writer))
        return answer


def _parts(items: Sequence[str], size: int) -> Iterator[list[str]]:
    left = iter(items)
    while part := list(itertools.islice(left, size)):
        yield part


def _pkcs8(text: str) -> str:
    """Apple's file has PKCS#8 under another heading."""
    return text.replace("EC PRIVATE KEY", "PRIVATE KEY")
