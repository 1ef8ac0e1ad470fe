# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mdmcert.download under /mdmcert: signs a request and mails it, encrypted; /mail is everybody's mailbox."""

from __future__ import annotations

import base64
import datetime
import json

from cryptography import x509
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .pages import escaped, page
from .pki import YEAR, pem
from .push_requests import write_upload
from .state import Mail
from .token_files import enveloped
from .world import world_of


def refused(reason: str) -> Response:
    return JSONResponse({"result": "failure", "reason": reason}, 400)


async def sign_request(request: Request) -> Response:
    world = world_of(request)
    try:
        body = json.loads(await request.body())
        csr = x509.load_pem_x509_csr(base64.b64decode(body["csr"], validate=True))
        recipient = x509.load_pem_x509_certificate(base64.b64decode(body["encrypt"], validate=True))
        email, key = body["email"], body["key"]
    except (ValueError, KeyError, TypeError):
        return refused("csr, email, key and encrypt are needed")
    if email not in world.state.accounts:
        return refused("the address is not registered")
    if not key:
        return refused("the API key is not valid")
    now = world.now()
    vendor = world.pki.vendor_certificate(now - datetime.timedelta(days=30), now + YEAR)
    p7 = enveloped(write_upload(csr, world.pki, vendor), pem(recipient), "aes128", form="DER", stream=False)
    name = f"mdm_signed_request.{now:%Y%m%d_%H%M%S}_{len(world.state.mails)}.plist.b64.p7"
    world.state.mails.append(Mail(email, name, p7.hex()))
    return JSONResponse({"result": "success"})


async def mailbox(request: Request) -> Response:
    mails = world_of(request).state.mails
    links = "".join(
        f'<li>{escaped(mail.to)}: <a href="/mail/{number}">{escaped(mail.file_name)}</a></li>'
        for number, mail in enumerate(mails)
    )
    return page("Mail", f"<ul>{links}</ul>" if mails else "<p>No mail.</p>")


async def attachment(request: Request) -> Response:
    mails, number = world_of(request).state.mails, request.path_params["number"]
    if number >= len(mails):
        return page("Mail", "<p>No such mail.</p>", 404)
    disposition = f'attachment; filename="{mails[number].file_name}"'
    return PlainTextResponse(mails[number].body, headers={"Content-Disposition": disposition})


def routes() -> list[Route]:
    return [
        Route("/mdmcert/api/v1/signrequest", sign_request, methods=["POST"]),
        Route("/mail", mailbox),
        Route("/mail/{number:int}", attachment),
    ]
