# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""APNs: HTTP/2 over TLS with the push certificate as client certificate, on a port of its own."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from .pki import Pki, pem
from .state import Enrollment, PushRow, Tenant
from .world import World, iso

DEVICE = re.compile(r"/3/device/([0-9a-fA-F]+)$")
MAXIMUM_BODY = 4096
GOAWAY_NO_ERROR = 0


@dataclass
class Answer:
    status: int
    reason: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        return json.dumps({"reason": self.reason, **self.more}).encode() if self.reason else b""


@dataclass
class Call:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


def topic_of(certificate: x509.Certificate | None) -> str | None:
    ids = certificate.subject.get_attributes_for_oid(NameOID.USER_ID) if certificate else []
    return str(ids[0].value) if ids else None


def owner_of(world: World, topic: str | None) -> tuple[Tenant | None, PushRow | None]:
    """Whose certificate it is, by the portal's rows."""
    for account in world.state.accounts.values():
        for row in account.rows:
            if row.topic == topic:
                return next(iter(world.tenants_of(account)), None), row
    return None, None


def enrollment_of(world: World, push_token: str) -> Enrollment | None:
    for tenant in world.state.tenants.values():
        enrollment_id = tenant.nanomdm.ids_of_tokens.get(push_token.lower())
        if enrollment_id is not None:
            return tenant.nanomdm.enrollments[enrollment_id]
    return None


def judge(world: World, certificate: x509.Certificate | None, call: Call) -> Answer:
    topic = topic_of(certificate)
    tenant, row = owner_of(world, topic)
    device = DEVICE.match(call.headers[":path"])
    if device is None:
        return Answer(404, "BadPath")
    if call.headers[":method"] != "POST":
        return Answer(405, "MethodNotAllowed")
    if certificate is None:
        return Answer(403, "MissingProviderToken")
    if tenant is None or row is None or row.revoked or tenant.switches.apns_bad_certificate:
        return Answer(403, "BadCertificate")
    if call.headers.get("apns-topic", topic) != topic:
        return Answer(400, "BadTopic")
    if call.headers.get("apns-push-type", "mdm") != "mdm":
        return Answer(400, "InvalidPushType")
    if not call.body:
        return Answer(400, "PayloadEmpty")
    if len(call.body) > MAXIMUM_BODY:
        return Answer(413, "PayloadTooLarge")
    enrollment = enrollment_of(world, device.group(1))
    if enrollment is None:
        return Answer(400, "BadDeviceToken")
    if enrollment.topic != topic:
        return Answer(200) if tenant.switches.apns_other_topic_dropped else Answer(400, "DeviceTokenNotForTopic")
    if not enrollment.enrolled:
        return Answer(410, "Unregistered", {"timestamp": int(time.time() * 1000)})
    return Answer(200)


class Connection:
    """One client's connection; requests are answered one after another."""

    def __init__(self, world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.world, self.reader, self.writer = world, reader, writer
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.calls: dict[int, Call] = {}
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.certificate = x509.load_der_x509_certificate(der) if der else None

    async def serve(self) -> None:
        self.h2.initiate_connection()
        await self._flush()
        try:
            while data := await self.reader.read(65536):
                for event in self.h2.receive_data(data):
                    await self._take(event)
                await self._flush()
        except (ConnectionError, ProtocolError, ssl.SSLError):
            pass
        finally:
            self.writer.close()

    async def _take(self, event: object) -> None:
        if isinstance(event, RequestReceived):
            self.calls[event.stream_id] = Call(dict(event.headers))  # type: ignore[arg-type]
        elif isinstance(event, DataReceived) and event.stream_id in self.calls:
            self.calls[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamReset):
            self.calls.pop(event.stream_id, None)
        elif isinstance(event, StreamEnded):
            await self._answer(event.stream_id, self.calls.pop(event.stream_id))

    async def _answer(self, stream: int, call: Call) -> None:
        world, path, method = self.world, call.headers[":path"], call.headers[":method"]
        tenant, _certificate = owner_of(world, topic_of(self.certificate))
        device = DEVICE.match(path)
        entry: dict[str, Any] = {
            "at": iso(world.now()),
            "method": method,
            "path": path,
            "query": "",
            "status": None,
            "tenant": tenant.name if tenant else None,
            "write": device is not None and enrollment_of(world, device.group(1)) is not None,
        }
        world.log.append(entry)
        fault = world.take_fault(path, method, entry["tenant"])
        answer = judge(world, self.certificate, call)
        if fault:
            await asyncio.sleep(fault.delay)
            if fault.reset:
                self.writer.transport.abort()
            elif fault.status:
                answer = Answer(fault.status, fault.body)
        if not (fault and (fault.reset or fault.hang)):
            self._send(stream, call, answer, goaway=bool(tenant and tenant.switches.apns_goaway))
            entry["status"] = answer.status
        world.record(entry)

    def _send(self, stream: int, call: Call, answer: Answer, *, goaway: bool) -> None:
        if goaway and answer.reason:
            self.h2.close_connection(GOAWAY_NO_ERROR, additional_data=answer.body(), last_stream_id=stream)
            self.writer.write(self.h2.data_to_send())
            self.writer.close()
            return
        apns_id = call.headers.get("apns-id") or str(uuid.uuid4()).upper()
        self.h2.send_headers(
            stream, [(":status", str(answer.status)), ("apns-id", apns_id)], end_stream=not answer.reason
        )
        if answer.reason:
            self.h2.send_data(stream, answer.body(), end_stream=True)

    async def _flush(self) -> None:
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()


def server_context(pki: Pki) -> ssl.SSLContext:
    """A client certificate may be missing, but not be foreign, expired or early: the TLS library says so."""
    context = pki.tls()
    context.load_verify_locations(cadata=pem(pki.push_issuer.certificate) + pem(pki.root.certificate))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["h2"])
    return context


async def start(world: World, port: int) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Connection(world, reader, writer).serve()

    server = await asyncio.start_server(connected, "127.0.0.1", port, ssl=server_context(world.pki))
    port = server.sockets[0].getsockname()[1]
    world.apns = {"url": f"https://localhost:{port}", "ca": str(world.pki.path("tls_root").absolute())}
    return server
