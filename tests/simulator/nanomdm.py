# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The embedded MDM server: NanoMDM's admin API under /t/TENANT/nanomdm, the same as NanoHUB has it under /t/TENANT/nanohub.

A tenant whose push certificate is not readable answers as v0.9.0 does, the others as later builds.
"""

from __future__ import annotations

import plistlib
import re
import time
import uuid
from typing import Any
from xml.parsers.expat import ExpatError

from cryptography import x509
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import mdm_service
from .nano_http import basic, plain, tabbed_json, version
from .pki import key_pem, pem, private_key
from .state import NanoMdm, PushPair, Tenant
from .world import World, iso, moment

BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\r?\n(.*?)-----END \1-----", re.DOTALL)
EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Refused(Exception):
    """The text of the answer's error."""


def read_pair(body: bytes) -> tuple[x509.Certificate, str]:
    """The last certificate of the body and its key as PEM. Raises Refused."""
    certificate, key = None, None
    for match in BLOCK.finditer(body.replace(b"----------", b"-----\n-----")):
        kind, block = match.group(1).decode(), match.group(0) + b"\n"
        if kind == "CERTIFICATE":
            certificate = block
        elif kind == "ENCRYPTED PRIVATE KEY" or b"Proc-Type: 4,ENCRYPTED" in block:
            raise Refused("private key PEM appears to be encrypted")
        elif kind.endswith("PRIVATE KEY"):
            key = block
        else:
            raise Refused(f'unrecognized PEM type: "{kind}"')
    if certificate is None:
        raise Refused("tls: failed to find any PEM data in certificate input")
    if key is None:
        raise Refused("tls: failed to find any PEM data in key input")
    try:
        parsed, private = x509.load_pem_x509_certificate(certificate), private_key(key)
    except (ValueError, TypeError) as error:
        raise Refused(f"x509: {error}") from None
    if parsed.public_key() != private.public_key():
        raise Refused("tls: private key does not match public key")
    return parsed, key_pem(private)


def topic_of(certificate: x509.Certificate) -> str:
    ids = certificate.subject.get_attributes_for_oid(NameOID.USER_ID)
    if not ids:
        raise Refused("no APNs Topic found")
    topic = str(ids[0].value)
    if not topic.startswith("com.apple.mgmt"):
        raise Refused(f'invalid APNs Topic: "{topic}"')
    return topic


def store(server: NanoMdm, certificate: x509.Certificate, private_key: str) -> tuple[str, PushPair]:
    """A certificate of another topic goes beside the one in use."""
    topic = topic_of(certificate)
    server.pairs[topic] = PushPair(pem(certificate), private_key, iso(certificate.not_valid_after_utc))
    return topic, server.pairs[topic]


async def push_certificate(world: World, tenant: Tenant, request: Request) -> Response:
    server = tenant.nanomdm
    if server.readable and request.method == "GET":
        return stored_push_certificate(server, request.query_params.get("topic", ""))
    if server.readable and request.method not in ("PUT", "POST"):
        return plain("Method Not Allowed", 405)
    try:
        topic, pair = store(server, *read_pair(await request.body()))
    except Refused as error:
        return tabbed_json({"error": str(error)}, 400)
    return tabbed_json({"not_after": pair.not_after, "topic": topic})


def stored_push_certificate(server: NanoMdm, topic: str) -> Response:
    if not topic:
        return tabbed_json({"error": "missing topic"}, 400)
    if topic not in server.pairs:
        return tabbed_json({"error": f"push certificate not found: {topic}"}, 500)
    return tabbed_json({"not_after": server.pairs[topic].not_after, "topic": topic})


def push(world: World, tenant: Tenant, ids: list[str]) -> dict[str, dict[str, str]]:
    """A device of this world is on its way when the answer comes; of other ids only the answer is simulated."""
    results = {}
    for each in ids:
        enrollment = tenant.nanomdm.enrollments.get(each)
        pair = tenant.nanomdm.pairs.get(enrollment.topic) if enrollment else None
        if enrollment is None:
            results[each] = {"push_error": "push data missing for id"}
        elif pair is None or moment(pair.not_after) < world.now():
            results[each] = {"push_error": "no usable push certificate for topic"}
        elif not enrollment.enrolled:
            why = f"push HTTP status: 410: APNs push error: Unregistered: timestamp {int(time.time() * 1000)}"
            results[each] = {"push_error": why}
        else:
            results[each] = {"push_result": str(uuid.uuid4()).upper()}
            if each in tenant.managed:
                world.fleet.wake(tenant, tenant.managed[each])
    return results


def result_status(results: dict[str, dict[str, str]]) -> int:
    failed = sum("push_error" in result for result in results.values())
    if not failed:
        return 200
    return 500 if failed == len(results) else 207


async def pushes(world: World, tenant: Tenant, request: Request) -> Response:
    results = push(world, tenant, request.path_params["ids"].split(","))
    return tabbed_json({"status": results}, result_status(results))


async def enqueue(world: World, tenant: Tenant, request: Request) -> Response:
    """A failed push answers 500 or 207 although the command is queued."""
    ids, no_push = request.path_params["ids"].split(","), bool(request.query_params.get("nopush"))
    body = await request.body()
    try:
        command = plistlib.loads(body, fmt=plistlib.FMT_XML)
        facts: dict[str, Any] = {
            "command_uuid": command["CommandUUID"],
            "request_type": command["Command"]["RequestType"],
        }
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, ExpatError) as error:
        return tabbed_json({"command_error": f"decoding command: {error}"}, 500)
    facts = ({"no_push": True} if no_push else {}) | facts
    if facts["command_uuid"] in tenant.nanomdm.commands:
        return tabbed_json({"command_error": f"command already exists: {facts['command_uuid']}"} | facts, 500)
    mdm_service.enqueue(tenant.nanomdm, ids, facts["command_uuid"], body)
    if no_push:
        return tabbed_json(facts)
    results = push(world, tenant, ids)
    return tabbed_json({"status": results} | facts, result_status(results))


def routes() -> list[Route]:
    def key(tenant: Tenant) -> str:
        return tenant.nanomdm.api_key

    servers = [("/t/{tenant}/nanomdm", "/v1", "nanomdm", "nanomdm")]
    servers += [("/t/{tenant}/nanohub", "/api/v1/nanomdm", "nanohub", "NanoHUB API")]
    found = []
    for base, prefix, user, realm in servers:
        found.append(Route(f"{base}/version", version))
        for path, show in (("/pushcert", push_certificate), ("/push/{ids}", pushes), ("/enqueue/{ids}", enqueue)):
            found.append(Route(f"{base}{prefix}{path}", basic(user, realm, key, show), methods=EVERY_METHOD))
    return found
