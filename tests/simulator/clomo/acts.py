# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the panel does when somebody presses a button: the wizard, the tokens, the two refreshes. Each is a write."""

from __future__ import annotations

import base64
import binascii
import json
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio.to_thread
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..ade import consumer
from ..apps_and_books import owner_of
from ..pki import key_pem, new_rsa_key, pem, private_key, topic_in
from ..push_requests import write_upload
from ..state import Clomo, OAuthTokens, PushPair, ReportLine, ServiceToken, Tenant, Wizard
from ..world import PanelJob, PanelSession, World, iso, moment, token
from .customers import PREFIX, TAGS
from .devices import in_ade
from .entry import signed_in_only
from .screens import ios_basic, service_settings
from .shown import refused
from .texts import words

MAIL = re.compile(r"[^@\s]+@[^@\s]+")
ASCII_NAME = re.compile(r"[A-Za-z0-9]+( [A-Za-z0-9]+)+")
COUNTRY = re.compile(r"[A-Z]{2}")
MESSAGE = re.compile(r"-----BEGIN MESSAGE-----(.*)-----END MESSAGE-----", re.DOTALL)


async def file_in(form: FormData) -> bytes | None:
    file = form.get("file")
    return await file.read() or None if isinstance(file, UploadFile) else None


async def begin(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """A new key: certificates for older requests fit no longer."""
    key = await anyio.to_thread.run_sync(new_rsa_key)
    clomo.wizard = Wizard(key_pem(key))
    return JSONResponse({})


async def person(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """The form: who asks. The request is made and signed by the vendor."""
    form = await request.form()
    mail, name, country = (str(form.get(field, "")) for field in ("person_mail", "person_name", "country"))
    fits = MAIL.fullmatch(mail) and ASCII_NAME.fullmatch(name) and COUNTRY.fullmatch(country)
    if clomo.wizard is None or not fits:
        return refused(tenant, "form_error")
    parts = {NameOID.COMMON_NAME: name, NameOID.EMAIL_ADDRESS: mail, NameOID.COUNTRY_NAME: country}
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items()])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = csr.sign(private_key(clomo.wizard.private_key.encode()), hashes.SHA256())
    vendor = x509.load_pem_x509_certificate((Path(tenant.vendor_folder) / "vendor.pem").read_bytes())
    clomo.wizard.upload_file = write_upload(signed, world.pki, vendor).decode()
    clomo.wizard.step = "csr"
    return JSONResponse({})


async def csr(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    if clomo.wizard is None or not clomo.wizard.upload_file:
        return Response(status_code=404)
    disposition = {"Content-Disposition": f'attachment; filename="csr_{clomo.domain}_signed.plist"'}
    return Response(clomo.wizard.upload_file, media_type="application/octet-stream", headers=disposition)


async def csr_taken(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    if clomo.wizard:
        clomo.wizard.step = "certificate"
    return JSONResponse({})


def read_certificate(data: bytes | None, wizard: Wizard | None) -> x509.Certificate | None:
    """None where it is no push certificate or not for the wizard's key."""
    try:
        certificate = x509.load_pem_x509_certificate(data or b"")
    except ValueError:
        return None
    if wizard is None or certificate.public_key() != private_key(wizard.private_key.encode()).public_key():
        return None
    return certificate if topic_in(pem(certificate)) else None


async def certificate(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """Stored at once, except one of another topic, which has to be confirmed."""
    form = await request.form()
    data = await file_in(form)
    if data is None or not str(form.get("apple_account", "")).strip():
        return refused(tenant, "form_error")
    found = read_certificate(data, clomo.wizard)
    if found is None or clomo.wizard is None or tenant.switches.clomo_input_error:
        return refused(tenant, "input_error")
    other = clomo.push is not None and topic_in(clomo.push.certificate) != topic_in(pem(found))
    if (other or tenant.switches.clomo_wrong_certificate) and form.get("confirmed") != "yes":
        return JSONResponse({"confirm": True})
    clomo.push = PushPair(pem(found), clomo.wizard.private_key, iso(found.not_valid_after_utc))
    clomo.apple_account = str(form["apple_account"]).strip()
    return JSONResponse({})


def read_server_token(data: bytes, clomo: Clomo) -> OAuthTokens | None:
    """The values of a .p7m that is for the panel's key."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pair.pem").write_text(clomo.key_pair.certificate + clomo.key_pair.private_key)
        (folder / "token.p7m").write_bytes(data)
        command = ["openssl", "smime", "-decrypt", "-in", "token.p7m", "-recip", "pair.pem"]
        opened = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    inner = MESSAGE.search(opened.stdout.decode(errors="replace"))
    try:
        return OAuthTokens(**json.loads("".join(inner.group(1).split()))) if inner else None
    except (TypeError, ValueError):
        return None


async def save_ios(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    data = await file_in(await request.form())
    if data is not None:
        tokens = await anyio.to_thread.run_sync(read_server_token, data, clomo)
        if tokens is None:
            return refused(tenant, "bad_server_token")
        clomo.ade = tokens
    return JSONResponse(ios_basic(world, tenant, clomo, session))


def read_service_token(data: bytes, world: World) -> ServiceToken | None:
    """A .vpptoken; its name is that of the location, where the location is known."""
    text = "".join(data.decode(errors="replace").split())
    try:
        fields = json.loads(base64.b64decode(text, validate=True))
        not_after, organization = iso(moment(fields["expDate"])), str(fields["orgName"])
    except (binascii.Error, ValueError, TypeError, KeyError):
        return None
    owner = owner_of(world, text)
    return ServiceToken(owner[1].name if owner else organization, text, not_after)


async def register(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """Kept by the session until the settings are saved."""
    form = await request.form()
    data, organization = await file_in(form), str(form.get("organization", ""))
    if data is None:
        return refused(tenant, "no_file")
    found = read_service_token(data, world)
    if found is None or organization not in ("", *clomo.organizations):
        return refused(tenant, "bad_service_token")
    session.registered[organization] = found
    return JSONResponse(service_settings(world, tenant, clomo, session))


async def save_service(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    clomo.service_tokens |= session.registered
    session.registered.clear()
    return JSONResponse(service_settings(world, tenant, clomo, session))


def start_job(world: World, tenant: Tenant, clomo: Clomo, succeeded: bool, log: str) -> Response:
    """The line appears in Reports when the job is done; the case of its tag varies."""
    done_at, name = time.time() + tenant.switches.clomo_job_ms / 1000, token()
    text = log.replace("{tag}", TAGS[len(clomo.reports) % len(TAGS)])
    clomo.reports.append(ReportLine(iso(world.now()), text, done_at))
    world.memory.panel_jobs[name] = PanelJob(done_at, succeeded)
    return JSONResponse({"job": name})


def server_token_works(world: World, tenant: Tenant, tokens: OAuthTokens | None) -> bool:
    owner = consumer(world, tokens.consumer_key, tokens.access_token) if tokens else None
    if tokens is None or owner is None or owner[2].revoked or moment(tokens.access_token_expiry) < world.now():
        return False
    switches = owner[0].switches
    return not (switches.terms_refused_at or switches.ade_user_deleted or switches.ade_access_denied)


async def refresh_devices(
    request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession
) -> Response:
    text = words(tenant.switches)
    works = server_token_works(world, tenant, clomo.ade)
    log = text["log_devices"].replace("{count}", str(len(tenant.devices))) if works else text["log_devices_failed"]
    if works:
        clomo.learning = True
        resume(world, tenant, clomo)
    return start_job(world, tenant, clomo, works, log)


def resume(world: World, tenant: Tenant, clomo: Clomo) -> None:
    if clomo.learning:
        world.fleet.later(tenant, tenant.switches.clomo_job_ms, lambda: learn_ade(world, tenant, clomo))


def learn_ade(world: World, tenant: Tenant, clomo: Clomo) -> None:
    clomo.learning = False
    for record in clomo.records.values():
        record.ade = in_ade(tenant, record.serial)
    world.save()


def licence_count(world: World, clomo: Clomo, app: str) -> int | None:
    """By the first service token that works and whose location has the app."""
    for kept in clomo.service_tokens.values():
        owner = owner_of(world, kept.text)
        if owner is None or owner[2].revoked or moment(kept.not_after) < world.now():
            continue
        for asset in owner[1].assets:
            if asset["adamId"] == app:
                return int(asset["totalCount"])
    return None


async def refresh_licences(
    request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession
) -> Response:
    text, app = words(tenant.switches), request.path_params["app"]
    count = licence_count(world, clomo, app)
    facts: dict[str, Any] = {"{name}": f"App {app}", "{count}": str(count)}
    log = text["log_licences_failed" if count is None else "log_licences"]
    for place, value in facts.items():
        log = log.replace(place, value)
    if count is not None:
        clomo.licences[app] = count
    return start_job(world, tenant, clomo, count is not None, log)


def routes() -> list[Route]:
    panel = f"{PREFIX}/panel/{{domain}}"
    writes = {
        "wizard/begin": begin,
        "wizard/person": person,
        "wizard/csr_taken": csr_taken,
        "wizard/certificate": certificate,
        "settings/ios_basic": save_ios,
        "settings/ade_devices": refresh_devices,
        "settings/service_token": register,
        "settings/service_settings": save_service,
        "applications/{app}/licences": refresh_licences,
    }
    return [
        Route(f"{panel}/wizard/csr", signed_in_only(csr)),
        *(Route(f"{panel}/{path}", signed_in_only(act), methods=["POST"]) for path, act in writes.items()),
    ]
