# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The token pages of Apple School and Business Manager under /business, as web pages."""

from __future__ import annotations

import datetime
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .pages import button, escaped, menu, opener, page, popup, refusal, table
from .pki import YEAR, pem
from .signin import Page, sign_in_routes, signed_in_only
from .state import Account, ContentToken, IssuedServerToken, Location, OAuthTokens, ServerEntry, Tenant
from .token_files import content_token_text, server_token_file
from .world import World, iso, token, world_of

PREFIX = "/business"
HOME = f"{PREFIX}/"
PREFERENCES = f"{PREFIX}/preferences"
BILLING = f"{PREFIX}/billing"
RESERVED = ("Unassigned", "Reassigned")
WORDS = {
    # English: Japanese
    "Preferences": "環境設定",
    "Sign out": "サインアウト",
    "MDM Servers": "MDM サーバ",
    "MDM Server": "MDM サーバ",
    "Organization": "組織",
    "Name": "名前",
    "Add MDM Server": "MDM サーバを追加",
    "Payments and Billing": "お支払いと請求",
    "Content Tokens": "コンテンツトークン",
    "Location": "場所",
    "Download": "ダウンロード",
    "Download MDM Server Token": "MDM サーバトークンをダウンロード",
    "Cancel": "キャンセル",
    "Public key": "公開鍵",
    "Upload Public Key": "公開鍵をアップロード",
    "A public key is stored.": "公開鍵は登録済みです。",
    "There is no public key yet.": "公開鍵はまだありません。",
    "Your existing token stops working.": "現在のトークンは使えなくなります。",
}


def entries(world: World, account: Account) -> list[tuple[Tenant, ServerEntry]]:
    return [(tenant, entry) for tenant in world.tenants_of(account) for entry in tenant.servers]


def places(world: World, account: Account) -> list[tuple[Tenant, Location]]:
    return [(tenant, place) for tenant in world.tenants_of(account) for place in tenant.locations]


def entry_of(request: Request, account: Account) -> tuple[Tenant, ServerEntry] | None:
    wanted = request.path_params["server_uuid"]
    return next((pair for pair in entries(world_of(request), account) if pair[1].server_uuid == wanted), None)


def unknown() -> Response:
    return refusal("Not found", "This organization has no such entry.", HOME, 404)


def japanese(world: World, account: Account) -> bool:
    return any(tenant.switches.portal_language == "Japanese" for tenant in world.tenants_of(account))


def said(world: World, account: Account, text: str) -> str:
    return WORDS[text] if japanese(world, account) else text


def shown(world: World, account: Account, title: str, body: str) -> Response:
    """A page under the account menu."""
    items = {said(world, account, "Preferences"): PREFERENCES, said(world, account, "Sign out"): f"{PREFIX}/signout"}
    lang = "ja" if japanese(world, account) else "en"
    return page(title, f"<nav>{menu(account.name, items)}</nav>{body}", lang=lang)


def doubled(world: World, account: Account) -> int:
    """How often each server and each location stands in its list."""
    return 2 if any(tenant.switches.portal_doubled_rows for tenant in world.tenants_of(account)) else 1


async def start(request: Request, account: Account) -> Response:
    world = world_of(request)
    if any(tenant.switches.portal_get_started for tenant in world.tenants_of(account)):
        return page("Get Started", "<p>This account belongs to no organization yet.</p>")
    organizations = "".join(f"<p>{escaped(tenant.organization)}</p>" for tenant in world.tenants_of(account))
    return shown(world, account, "School Manager", organizations)


async def preferences(request: Request, account: Account) -> Response:
    world = world_of(request)
    words = {text: escaped(said(world, account, text)) for text in WORDS}
    servers = [
        [f'<a href="{PREFIX}/servers/{entry.server_uuid}">{escaped(entry.name)}</a>', escaped(tenant.organization)]
        for tenant, entry in entries(world, account) * doubled(world, account)
    ]
    add = (
        f'<form method="post" action="{PREFIX}/servers"><label>{words["Name"]} <input name="name"></label>'
        f"<button>{words['Add MDM Server']}</button></form>"
    )
    return shown(
        world,
        account,
        said(world, account, "Preferences"),
        f'<p><a href="{BILLING}">{words["Payments and Billing"]}</a></p><h2>{words["MDM Servers"]}</h2>'
        f"{table([words['MDM Server'], words['Organization']], servers)}{add}",
    )


async def billing(request: Request, account: Account) -> Response:
    world = world_of(request)
    words = {text: said(world, account, text) for text in WORDS}
    tokens = [
        [
            escaped(place.name),
            escaped(tenant.organization),
            button(words["Download"], f"{PREFIX}/content_tokens/{place.u_id}"),
        ]
        for tenant, place in places(world, account) * doubled(world, account)
    ]
    return shown(
        world,
        account,
        words["Payments and Billing"],
        f"<h2>{escaped(words['Content Tokens'])}</h2>{table([words['Location'], words['Organization'], ''], tokens)}",
    )


async def add_server(request: Request, account: Account) -> Response:
    world, name = world_of(request), str((await request.form()).get("name", "")).strip()
    owned = world.tenants_of(account)
    if not owned or not name or name in RESERVED:
        return refusal("Add MDM Server", "This name cannot be used.", HOME)
    entry = new_entry(name)
    owned[0].servers.append(entry)
    return RedirectResponse(f"{PREFIX}/servers/{entry.server_uuid}", status_code=303)


def new_entry(name: str, consumer_key: str | None = None) -> ServerEntry:
    return ServerEntry(name, token(32).upper(), consumer_key or f"CK_{token(64)}", f"CS_{token(40)}")


async def server(request: Request, account: Account) -> Response:
    pair = entry_of(request, account)
    if pair is None:
        return unknown()
    _tenant, entry = pair
    world, here = world_of(request), f"{PREFIX}/servers/{entry.server_uuid}"
    words = {text: said(world, account, text) for text in WORDS}
    download = words["Download MDM Server Token"]
    stored = words["A public key is stored." if entry.public_key else "There is no public key yet."]
    sure = f"<p>{escaped(words['Your existing token stops working.'])}</p>{button(download, f'{here}/token')}"
    return shown(
        world,
        account,
        entry.name,
        f'<form method="post" action="{here}/public_key" enctype="multipart/form-data">'
        f'<label>{escaped(words["Public key"])} <input type="file" name="file"></label>'
        f"<button>{escaped(words['Upload Public Key'])}</button></form><p>{escaped(stored)}</p>"
        f"<p>{opener('download', download)}</p>{popup('download', entry.name, sure, words['Cancel'])}",
    )


async def public_key(request: Request, account: Account) -> Response:
    pair = entry_of(request, account)
    if pair is None:
        return unknown()
    tenant, entry = pair
    here, file = f"{PREFIX}/servers/{entry.server_uuid}", (await request.form()).get("file")
    if not isinstance(file, UploadFile):
        return refusal("Upload failed", "No file was chosen.", here)
    data = await file.read()
    try:
        load = x509.load_pem_x509_certificate if b"-----BEGIN" in data else x509.load_der_x509_certificate
        certificate = load(data)
    except ValueError:
        return refusal("Upload failed", "The file is not a certificate (.pem or .der).", here)
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        return refusal("Upload failed", "The key is not RSA with 2048 bits or more.", here)
    entry.public_key = pem(certificate)
    if tenant.switches.server_key_upload_revokes_older:
        revoke_server_tokens(entry)
    return page(entry.name, f'<p>The public key was stored.</p><p><a href="{here}">Continue</a></p>')


def revoke_server_tokens(entry: ServerEntry) -> None:
    for issued in entry.issued:
        issued.revoked = True


def issue_server_token(entry: ServerEntry, expiry: str) -> OAuthTokens:
    """New access token and secret; the consumer stays the entry's."""
    tokens = OAuthTokens(entry.consumer_key, entry.consumer_secret, f"AT_{token(48)}", f"AS_{token(40)}", expiry)
    entry.issued.append(IssuedServerToken(tokens))
    return tokens


async def server_token(request: Request, account: Account) -> Response:
    world, pair = world_of(request), entry_of(request, account)
    if pair is None:
        return unknown()
    tenant, entry = pair
    if not entry.public_key:
        return refusal("Download Server Token", "Upload a public key first.", f"{PREFIX}/servers/{entry.server_uuid}")
    if tenant.switches.server_token_download_revokes_older:
        revoke_server_tokens(entry)
    tokens = issue_server_token(entry, iso(world.now() + YEAR))
    data = server_token_file(tokens, entry.public_key, tenant.switches.p7m_cipher, stream=tenant.switches.p7m_stream)
    name = f"{entry.name}_Token_{world.now().strftime('%Y-%m-%dT%H-%M-%SZ')}_smime.p7m"
    return download(data, name, "application/pkcs7-mime")


def issue_content_token(location: Location, world: World, organization: str, days: float) -> ContentToken:
    end, inner = world.now() + datetime.timedelta(days=days), token(64)
    issued = ContentToken(content_token_text(inner, end, organization), inner, iso(end))
    location.tokens.append(issued)
    return issued


async def content_token(request: Request, account: Account) -> Response:
    world = world_of(request)
    wanted = request.path_params["u_id"]
    pair = next((pair for pair in places(world, account) if pair[1].u_id == wanted), None)
    if pair is None:
        return unknown()
    tenant, location = pair
    if tenant.switches.content_token_download_revokes_older:
        for older in location.tokens:
            older.revoked = True
    issued = issue_content_token(location, world, tenant.organization, 365)
    return download(issued.text.encode(), f"sToken_for_{location.name}.vpptoken", "application/octet-stream")


def download(data: bytes, name: str, media_type: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(data, media_type=media_type, headers={"Content-Disposition": disposition})


def routes() -> list[Route]:
    def guarded(path: str, show: Page, *methods: str) -> Route:
        return Route(f"{PREFIX}{path}", signed_in_only(PREFIX, show), methods=list(methods or ("GET",)))

    return [
        *sign_in_routes(PREFIX, HOME),
        guarded("", start),
        guarded("/", start),
        guarded("/preferences", preferences),
        guarded("/billing", billing),
        guarded("/servers", add_server, "POST"),
        guarded("/servers/{server_uuid}", server),
        guarded("/servers/{server_uuid}/public_key", public_key, "POST"),
        guarded("/servers/{server_uuid}/token", server_token, "POST"),
        guarded("/content_tokens/{u_id}", content_token, "POST"),
    ]
