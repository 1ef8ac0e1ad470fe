# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Import/Export: devices and users as CSV files, and users out of one, 全更新 included, which deletes everybody else."""

from __future__ import annotations

import csv
import io
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..clomo_state import PanelUser, Record
from ..state import Clomo, Tenant
from ..world import PanelSession, World
from .acts import file_in
from .belonging import remove
from .customers import PREFIX
from .devices import ade_facts, named, organization_text, owner_text, state_text
from .entry import signed_in_only
from .logbook import acted, administrator
from .shown import refused, shown_time
from .stock import add_user
from .texts import words

ENCODINGS = {"Shift-JIS": "cp932", "UTF-8": "utf-8-sig"}
USER_COLUMNS = ("氏名", "フリガナ", "所属組織", "役職", "メールアドレス", "社員コード", "UPN", "住所の区分")


def device_columns(tenant: Tenant, clomo: Clomo, record: Record) -> dict[str, str]:
    return {
        "シリアル番号": record.serial,
        "デバイス名": record.name,
        "所有者": owner_text(clomo, record),
        "組織": organization_text(tenant, clomo, record.organization),
        "OS バージョン": record.os_version,
        "タグ": ",".join(record.tags),
        "メモ": record.memo,
        "状態": state_text(tenant, record),
        "最終通信日時": shown_time(tenant, record.last_contact),
    }


def more_columns(tenant: Tenant, record: Record) -> dict[str, str]:
    """By the switch."""
    if tenant.switches.clomo_export_columns != "all":
        return {}
    text = words(tenant.switches)
    yes_no = {True: text["yes"], False: text["no"]}
    return {
        text["supervised"]: yes_no[record.supervised],
        text["lost_mode_state"]: yes_no[record.lost_mode],
        text["activation_lock"]: yes_no[record.activation_lock],
        text["work_smart_sets"]: record.work_smart,
        text["ade_devices"]: " ".join(fact for _caption, fact in ade_facts(tenant, record, text)),
    }


def ordered(tenant: Tenant, columns: dict[str, str]) -> dict[str, str]:
    """By the switch."""
    if tenant.switches.clomo_export_order == "owner":
        return {"デバイス種別": "iPad", "所有者": columns["所有者"], **dict(reversed(columns.items()))}
    return columns


def device_rows(tenant: Tenant, clomo: Clomo, kind: str) -> list[dict[str, str]]:
    found = []
    for record in clomo.records.values():
        columns = ordered(tenant, device_columns(tenant, clomo, record) | more_columns(tenant, record))
        more: list[dict[str, str]] = [{}]
        if kind == "certificates":
            more = [
                {"コモンネーム": name, "UPN": "", "更新日時": columns["最終通信日時"]} for name in record.certificates
            ]
        if kind == "apps":
            apps = [named(clomo, "apps", one) for one in record.apps]
            more = [{"アプリケーション名": one["name"], "識別子": one["id"]} for one in apps]
        found += [columns | one for one in more]
    return found


def user_rows(tenant: Tenant, clomo: Clomo) -> list[dict[str, str]]:
    return [
        dict.fromkeys(USER_COLUMNS, "")
        | {
            "氏名": one.name,
            "所属組織": organization_text(tenant, clomo, one.organization),
            "メールアドレス": one.mail,
        }
        for one in clomo.users.values()
    ]


async def export(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    kind = request.path_params["kind"]
    rows = user_rows(tenant, clomo) if kind == "users" else device_rows(tenant, clomo, kind)
    columns = list(rows[0]) if rows else list(USER_COLUMNS)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    name = f"{'users' if kind == 'users' else 'devices'}_{world.now():%Y%m%d%H%M%S}.csv"
    encoding = ENCODINGS.get(request.query_params.get("encoding", ""), "cp932")
    return Response(
        out.getvalue().encode(encoding, errors="replace"),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def read(data: bytes | None, encoding: str) -> list[dict[str, Any]] | None:
    """None where it is no CSV of users."""
    try:
        reader = csv.DictReader(io.StringIO((data or b"").decode(ENCODINGS.get(encoding, "cp932"))))
        return list(reader) if "メールアドレス" in (reader.fieldnames or ()) else None
    except (UnicodeDecodeError, csv.Error):
        return None


async def import_users(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    form = await request.form()
    rows = read(await file_in(form), str(form.get("encoding")))
    replace, keep = form.get("method") == "replace", form.get("keep") == "yes"
    mails, by = [one["メールアドレス"] for one in rows or ()], administrator(tenant, clomo)
    told = {} if rows is not None else {"refused": "bad_csv"}
    acted(world, clomo, "import_users", [], by, replace=replace, keep=keep, mails=mails, **told)
    if rows is None:
        return refused(tenant, "bad_csv")
    known = {one.mail: one for one in clomo.users.values()}
    for columns in rows:
        mail = columns["メールアドレス"]
        user = known.get(mail) or add_user(clomo, PanelUser(clomo.number(), "", mail))
        user.name = columns.get("氏名") or ""
        place = columns.get("所属組織")
        user.organization = next((one.number for one in clomo.tree.values() if one.name == place), "")
    if replace:
        gone = {one.number for mail, one in known.items() if mail not in mails and not (keep and one.role)}
        remove(world, tenant, clomo, gone)
    return JSONResponse({})


def routes() -> list[Route]:
    panel = f"{PREFIX}/panel/{{domain}}"
    return [
        Route(f"{panel}/export/{{kind}}", signed_in_only(export)),
        Route(f"{panel}/people/import", signed_in_only(import_users), methods=["POST"]),
    ]
