# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The embedded NanoDEP under /t/TENANT/nanodep: token exchange, tokens, config, names, and the proxy to the ADE service."""

from __future__ import annotations

import datetime
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import anyio.to_thread
from cryptography.hazmat.primitives import serialization
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .ade import SESSION_HEADER
from .nano_http import basic, compact_json, plain, tabbed_json, version
from .pki import new_rsa_key, pem, self_signed
from .state import DepName, KeyPair, OAuthTokens, Tenant
from .state import plain as as_json
from .world import World

BASE = "/t/{tenant}/nanodep"
PASSED_HEADERS = ("user-agent", "content-type", "x-server-protocol-version")
TOKEN_FIELDS = ("consumer_key", "consumer_secret", "access_token", "access_secret", "access_token_expiry")


class Refused(Exception):
    """The text of a 500 answer's error."""


def name_of(tenant: Tenant, request: Request) -> DepName:
    """As stored, or empty; what is not written back leaves no trace."""
    return tenant.nanodep.names.get(request.path_params["name"], DepName())


def keep(tenant: Tenant, request: Request, name: DepName) -> None:
    tenant.nanodep.names[request.path_params["name"]] = name


def missing(what: str, request: Request) -> Response:
    key = f"{what}.{request.path_params['name']}"
    return compact_json({"error": f"resource not found: txn rolled back: getting {key}: key not found: {key}"}, 500)


async def token_pki(world: World, tenant: Tenant, request: Request) -> Response:
    if request.method == "GET":
        return await staged(world, tenant, request)
    if request.method == "PUT":
        return await exchanged(world, tenant, request)
    return plain("Method Not Allowed", 405)


async def staged(world: World, tenant: Tenant, request: Request) -> Response:
    """A read that is a write: the staging pair is replaced at every call."""
    days = request.query_params.get("validity_days") or "1"
    if not days.lstrip("-").isdigit():
        return plain("Bad Request", 400)
    key = await anyio.to_thread.run_sync(new_rsa_key)
    common_name, now = request.query_params.get("cn") or "depserver", world.now()
    start, end = now - datetime.timedelta(minutes=10), now + datetime.timedelta(days=int(days))
    certificate = pem(self_signed(common_name, key, start, end))
    private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    name = name_of(tenant, request)
    name.staging = KeyPair(certificate, private_key)
    keep(tenant, request, name)
    disposition = f'attachment; filename="{request.path_params["name"]}.pem"'
    headers = {"Content-Type": "application/x-pem-file", "Content-Disposition": disposition}
    return Response(certificate, headers=headers)


def decrypted(p7m: bytes, pair: KeyPair) -> OAuthTokens:
    with tempfile.TemporaryDirectory() as folder:
        recipient, key = Path(folder, "recipient.pem"), Path(folder, "key.pem")
        recipient.write_text(pair.certificate)
        key.write_text(pair.private_key)
        command = ["openssl", "smime", "-decrypt", "-recip", str(recipient), "-inkey", str(key)]
        done = subprocess.run(command, input=p7m, capture_output=True, check=False)
    if done.returncode:
        raise Refused("pkcs7: no enveloped recipient for provided certificate")
    _head, _gap, body = done.stdout.replace(b"\r\n", b"\n").partition(b"\n\n")
    text = b"".join(line for line in body.split(b"\n") if not line.startswith(b"-----"))
    try:
        return tokens_from(json.loads(text))
    except ValueError as error:
        raise Refused(str(error)) from None


def tokens_from(data: Any) -> OAuthTokens:
    if not isinstance(data, dict):
        raise ValueError("json: cannot unmarshal into Go value of type client.OAuth1Tokens")
    return OAuthTokens(*(str(data.get(field) or "") for field in TOKEN_FIELDS))


async def exchanged(world: World, tenant: Tenant, request: Request) -> Response:
    name = name_of(tenant, request)
    if name.staging is None:
        return missing("cert_staging", request)
    try:
        tokens = await anyio.to_thread.run_sync(decrypted, await request.body(), name.staging)
    except Refused as error:
        return compact_json({"error": str(error)}, 500)
    name.current = name.staging  # before the consumer key is compared, as NanoDEP does
    return stored(tenant, request, name, tokens)


def stored(tenant: Tenant, request: Request, name: DepName, tokens: OAuthTokens) -> Response:
    if not all((tokens.consumer_key, tokens.consumer_secret, tokens.access_token, tokens.access_secret)):
        return plain("Bad Request", 400)
    force = request.query_params.get("force") == "1"
    if not force and name.tokens is not None and name.tokens.consumer_key != tokens.consumer_key:
        return compact_json({"error": "mismatched consumer key"}, 500)
    name.tokens = tokens
    keep(tenant, request, name)
    return compact_json(as_json(tokens))


async def tokens(world: World, tenant: Tenant, request: Request) -> Response:
    name = name_of(tenant, request)
    if request.method == "GET":
        return compact_json(as_json(name.tokens)) if name.tokens else missing("consumer_key", request)
    if request.method != "PUT":
        return plain("Method Not Allowed", 405)
    try:
        given = tokens_from(json.loads(await request.body()))
    except ValueError as error:
        return compact_json({"error": str(error)}, 500)
    return stored(tenant, request, name, given)


async def config(world: World, tenant: Tenant, request: Request) -> Response:
    name = name_of(tenant, request)
    if request.method == "GET":
        return compact_json({"base_url": name.base_url} if name.base_url else None)
    if request.method != "PUT":
        return plain("Method Not Allowed", 405)
    try:
        base_url = json.loads(await request.body()).get("base_url")
    except (ValueError, AttributeError) as error:
        return compact_json({"error": str(error)}, 500)
    if not base_url:
        return compact_json({"error": "empty base URL"}, 500)
    name.base_url = base_url
    keep(tenant, request, name)
    return compact_json({"base_url": base_url})


async def dep_names(world: World, tenant: Tenant, request: Request) -> Response:
    if request.method != "GET":
        return plain("Method Not Allowed", 405)
    wanted = request.query_params.getlist("dep_name")
    known = sorted(key for key, name in tenant.nanodep.names.items() if name.tokens)
    chosen = [key for key in known if not wanted or key in wanted]
    try:
        start = int(request.query_params.get("offset") or 0)
        limit = int(request.query_params.get("limit") or len(chosen))
    except ValueError as error:
        return tabbed_json({"error": str(error)}, 400)
    return tabbed_json({"dep_names": chosen[start : start + limit] or None})


async def proxy(world: World, tenant: Tenant, request: Request) -> Response:
    """Over HTTP to the ADE service, with a session of its own per name."""
    name = tenant.nanodep.names.get(request.path_params["name"])
    if name is None or name.tokens is None:
        return Response(status_code=502)
    headers = {key: request.headers[key] for key in PASSED_HEADERS if key in request.headers}
    headers.setdefault("x-server-protocol-version", "7")
    query = f"?{request.url.query}" if request.url.query else ""
    call = (request.method, f"/{request.path_params['path']}{query}", headers, await request.body())
    session_name = (tenant.name, request.path_params["name"])
    return await anyio.to_thread.run_sync(forwarded, world, name, session_name, call)


def forwarded(
    world: World, name: DepName, session_name: tuple[str, str], call: tuple[str, str, dict[str, str], bytes]
) -> Response:
    import requests

    method, path, headers, body = call
    sessions, base = world.memory.proxy_sessions, name.base_url or world.url
    base = "/".join(base.split("/")[:3])
    response = None
    try:
        if session_name in sessions:
            headers[SESSION_HEADER] = sessions[session_name]
            response = requests.request(method, base + path, headers=headers, data=body, timeout=30)
        if (
            response is None
            or response.status_code == 401
            or (response.status_code == 403 and "FORBIDDEN" in response.text)
        ):
            opened = open_session(base, name, headers)
            if opened.status_code != 200:
                return Response(opened.content, 502)
            headers[SESSION_HEADER] = opened.json()["auth_session_token"]
            response = requests.request(method, base + path, headers=headers, data=body, timeout=30)
    except requests.RequestException:
        return Response(status_code=502)
    sessions[session_name] = response.headers.get(SESSION_HEADER, headers[SESSION_HEADER])
    kept = {key: response.headers[key] for key in ("Content-Type", "Retry-After") if key in response.headers}
    return Response(response.content, response.status_code, kept)


def open_session(base: str, name: DepName, headers: dict[str, str]) -> Any:
    from requests_oauthlib import OAuth1Session

    assert name.tokens is not None
    values = as_json(name.tokens)
    with OAuth1Session(
        values["consumer_key"],
        values["consumer_secret"],
        values["access_token"],
        values["access_secret"],
        realm="ADM",
    ) as session:
        passed = {key: value for key, value in headers.items() if key in PASSED_HEADERS}
        return session.get(f"{base}/session", headers=passed, timeout=30)


def routes() -> list[Route]:
    def key(tenant: Tenant) -> str:
        return tenant.nanodep.api_key

    shown = {
        "/v1/tokenpki/{name}": token_pki,
        "/v1/tokens/{name}": tokens,
        "/v1/config/{name}": config,
        "/v1/dep_names": dep_names,
        "/proxy/{name}/{path:path}": proxy,
    }
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    guarded = [
        Route(BASE + path, basic("depserver", "depserver", key, show), methods=every) for path, show in shown.items()
    ]
    return [Route(f"{BASE}/version", version), *guarded]
