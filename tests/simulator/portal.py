# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The push portal under /pushcert, as web pages: sign in, list, create, renew, download, revoke."""

from __future__ import annotations

import uuid

from cryptography import x509
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .pages import button, escaped, page, popup, refusal, table
from .pki import YEAR, pem
from .push_requests import Refused, read_upload
from .signin import Page, sign_in_routes, signed_in_only
from .state import Account, PushRow
from .world import World, token, world_of

PREFIX = "/pushcert"
HOME = f"{PREFIX}/list"


def newest(row: PushRow) -> x509.Certificate:
    return x509.load_pem_x509_certificate(row.issued[-1].encode())


def status(row: PushRow, world: World) -> str:
    if row.revoked:
        return "Revoked"
    return "Expired" if newest(row).not_valid_after_utc < world.now() else "Active"


def found(account: Account, row_id: str) -> PushRow | None:
    return next((row for row in account.rows if row.row_id == row_id), None)


def unknown() -> Response:
    return refusal("Certificate not found", "This account has no such certificate.", HOME, 404)


async def listed(request: Request, account: Account) -> Response:
    world = world_of(request)
    create = f'<p><a role="button" href="{PREFIX}/create">Create a Certificate</a></p>'
    out = f'<p><a href="{PREFIX}/signout">Sign out</a> {escaped(account.name)}</p>'
    if not account.rows:
        return page("Get Started", f"<p>There is no push certificate in this account yet.</p>{create}{out}")
    rows, popups = [], ""
    doubled = any(tenant.switches.portal_doubled_rows for tenant in world.tenants_of(account))
    for number, row in enumerate(account.rows * (2 if doubled else 1)):
        end = newest(row).not_valid_after_utc.strftime("%b %d, %Y")
        name = f"info-{number}"
        opens = f"document.getElementById('{name}').showModal();return false"
        popups += popup(name, "Certificate Info", table([], facts_of(row)), "Close")
        acts = [
            f'<a role="button" href="{PREFIX}/info/{row.row_id}" aria-label="Certificate Info" onclick="{opens}">i</a>'
        ]
        if not row.revoked:
            acts += [
                f'<a role="button" href="{PREFIX}/renew/{row.row_id}">Renew</a>',
                f'<a role="button" href="{PREFIX}/download/{row.row_id}">Download</a>',
                button("Revoke", f"{PREFIX}/revoke/{row.row_id}"),
            ]
        rows.append(["Mobile Device Management", escaped(row.vendor), end, status(row, world), " ".join(acts)])
    headings = ["Service", "Vendor", "Expiration Date", "Status", "Actions"]
    return page("Certificates for Third-Party Servers", create + table(headings, rows) + popups + out)


def facts_of(row: PushRow) -> list[list[str]]:
    """What the info mark shows, as HTML."""
    certificate = newest(row)
    facts = {
        "Subject DN": f"C=US, CN=APSP:{row.uuid}, UID={row.topic}",
        "Serial Number": f"{certificate.serial_number:x}",
        "Expiration Date": certificate.not_valid_after_utc.isoformat(),
        "Notes": row.notes,
    }
    return [[escaped(key), escaped(value)] for key, value in facts.items()]


async def info(request: Request, account: Account) -> Response:
    row = found(account, request.path_params["row_id"])
    return unknown() if row is None else page("Certificate Info", table([], facts_of(row)))


async def create(request: Request, account: Account) -> Response:
    if request.method == "GET":
        return page(
            "Terms of Use",
            f'<form method="post" action="{PREFIX}/create"><label><input type="checkbox" name="agreed" value="yes">'
            "I have read and agree to these terms.</label><button>Accept</button></form>",
        )
    if (await request.form()).get("agreed") != "yes":
        return refusal("Terms of Use", "The terms have to be accepted first.", f"{PREFIX}/create")
    return upload_form("Create a New Push Certificate", "")


async def renew(request: Request, account: Account) -> Response:
    row = found(account, request.path_params["row_id"])
    return unknown() if row is None or row.revoked else upload_form("Renew Push Certificate", row.row_id)


def upload_form(title: str, row_id: str) -> Response:
    return page(
        title,
        f'<form method="post" action="{PREFIX}/upload" enctype="multipart/form-data">'
        f'<input type="hidden" name="row" value="{escaped(row_id)}">'
        '<label>Notes <input name="notes"></label>'
        '<label>Vendor-Signed Certificate Signing Request <input type="file" name="file"></label>'
        "<button>Upload</button></form>",
    )


async def upload(request: Request, account: Account) -> Response:
    world, form = world_of(request), await request.form()
    row_id, file = str(form.get("row", "")), form.get("file")
    row = found(account, row_id)
    if row_id and (row is None or row.revoked):
        return unknown()
    if not isinstance(file, UploadFile):
        return refusal("Upload failed", "No file was chosen.", HOME)
    try:
        csr, vendor = read_upload(await file.read(), world.pki, world.now())
    except Refused as error:
        return refusal("Invalid Certificate Signing Request", str(error), HOME)
    row = issue(world, account, row, csr, vendor, str(form.get("notes", "")))
    return page(
        "Confirmation",
        "<p>You have successfully created a new push certificate with the following information:</p>"
        + table(
            [],
            [
                ["Service", "Mobile Device Management"],
                ["Vendor", escaped(row.vendor)],
                ["Expiration Date", newest(row).not_valid_after_utc.strftime("%b %d, %Y")],
            ],
        )
        + f'<p><a role="button" href="{PREFIX}/download/{row.row_id}">Download</a> '
        f'<a role="button" href="{HOME}">Manage Certificates</a></p>',
    )


def issue(
    world: World, account: Account, row: PushRow | None, csr: x509.CertificateSigningRequest, vendor: str, notes: str
) -> PushRow:
    """A certificate for a year from now; without a row a new one, hence a new topic."""
    if row is None:
        row = PushRow(token(12), str(uuid.uuid4()), vendor)
        account.rows.append(row)
    now = world.now()
    row.vendor, row.notes = vendor, notes or row.notes
    row.issued.append(pem(world.pki.push_certificate(row.uuid, csr.public_key(), now, now + YEAR)))
    return row


async def download(request: Request, account: Account) -> Response:
    row = found(account, request.path_params["row_id"])
    if row is None or row.revoked:
        return unknown()
    name = f"MDM_ {row.vendor}_Certificate.pem"
    return Response(
        row.issued[-1],
        media_type="application/x-pem-file",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def revoke(request: Request, account: Account) -> Response:
    row = found(account, request.path_params["row_id"])
    if row is None:
        return unknown()
    row.revoked = True
    return RedirectResponse(HOME, status_code=303)


def routes() -> list[Route]:
    def guarded(path: str, show: Page, *methods: str) -> Route:
        return Route(f"{PREFIX}{path}", signed_in_only(PREFIX, show), methods=list(methods or ("GET",)))

    return [
        *sign_in_routes(PREFIX, HOME),
        guarded("", listed),
        guarded("/", listed),
        guarded("/list", listed),
        guarded("/info/{row_id}", info),
        guarded("/create", create, "GET", "POST"),
        guarded("/renew/{row_id}", renew),
        guarded("/upload", upload, "POST"),
        guarded("/download/{row_id}", download),
        guarded("/revoke/{row_id}", revoke, "POST"),
    ]
