# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the panel's JavaScript asks for when it opens a screen: the words, the behaviour and the data. No writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cryptography import x509
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..clomo_state import MANAGED
from ..state import Clomo, Tenant
from ..world import PanelSession, World, moment
from . import devices, logbook, people
from .customers import PREFIX
from .entry import signed_in_only
from .shown import shown_time
from .texts import words

ALERT_DAYS = 90
CONTRACT = 50
IN_HOUSE = {"id": "in-house", "name": "Attendance", "platform": "in_house"}
ANDROID = {"id": "android", "name": "Notes for Android", "platform": "android"}


def expiries(clomo: Clomo) -> dict[str, list[tuple[str, str]]]:
    """By the name of the label: what each token is called, and its end."""
    return {
        "push_certificate": [("", clomo.push.not_after)] if clomo.push else [],
        "service_tokens": [(one.name, one.not_after) for one in clomo.service_tokens.values()],
        "server_token": [("", clomo.ade.access_token_expiry)] if clomo.ade else [],
    }


def alert(text: dict[str, str], label: str, days: int) -> str | None:
    if days < 0:
        return text["alert_expired"].format(what=text[label])
    return text["alert_expiring"].format(what=text[label], days=days) if days < ALERT_DAYS else None


def home(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    text = words(tenant.switches)
    managed = sum(one.state == MANAGED for one in clomo.records.values())
    ends, alerts = {}, []
    for label, found in expiries(clomo).items():
        ends[label] = [" ".join([*filter(None, [name]), shown_time(tenant, end)]) for name, end in found]
        alerts += [alert(text, label, (moment(end) - world.now()).days) for _name, end in found]
    return {
        "managed": f"{managed}/{max(CONTRACT, len(clomo.tablets))}",
        "alerts": [one for one in alerts if one],
        **ends,
    }


def subject_line(certificate: str) -> str:
    subject = x509.load_pem_x509_certificate(certificate.encode()).subject
    return "".join(f"/{part.rfc4514_attribute_name}={str(part.value)}" for part in subject)


def ios_basic(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    return {
        "subject": subject_line(clomo.push.certificate) if clomo.push else "",
        "server_token_expiry": shown_time(tenant, clomo.ade.access_token_expiry) if clomo.ade else "",
    }


def opened_service_settings(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    """Whoever opens the screen anew loses what was registered and not saved."""
    session.registered.clear()
    return service_settings(world, tenant, clomo, session)


def service_settings(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    tokens = clomo.service_tokens | session.registered
    return {
        "organizations": [
            {
                "id": organization,
                "name": organization or words(tenant.switches)["all_organizations"],
                "token": tokens[organization].name if organization in tokens else "",
                "not_after": shown_time(tenant, tokens[organization].not_after) if organization in tokens else "",
            }
            for organization in ("", *clomo.organizations)
        ]
    }


def wizard(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    return {
        "step": clomo.wizard.step if clomo.wizard else None,
        "apple_account": clomo.apple_account,
        "portal": f"{world.url}/pushcert/",
    }


def apps(tenant: Tenant, clomo: Clomo) -> list[dict[str, Any]]:
    bought = [
        {
            "id": asset["adamId"],
            "name": f"App {asset['adamId']}",
            "platform": "iOS",
            "licences": clomo.licences.get(asset["adamId"], 0),
        }
        for asset in tenant.locations[0].assets
    ]
    text = words(tenant.switches)
    return [{**one, "platform": text.get(one["platform"], one["platform"])} for one in (IN_HOUSE, *bought, ANDROID)]


def applications(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    return {"rows": apps(tenant, clomo)}


def nothing(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    return {}


SCREENS: dict[str, Callable[[World, Tenant, Clomo, PanelSession], dict[str, Any]]] = {
    "home": home,
    "devices": devices.devices,
    "users": people.users,
    "applications": applications,
    "reports": nothing,
    "settings": nothing,
    "ios_basic": ios_basic,
    "service_settings": opened_service_settings,
    "empty": nothing,
    "wizard": wizard,
    "wizard_form": wizard,
    "wizard_csr": wizard,
    "wizard_portal": wizard,
    "wizard_certificate": wizard,
    "wizard_done": wizard,
}


async def screen(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    show, switches = SCREENS.get(request.path_params["name"]), tenant.switches
    if show is None:
        return JSONResponse({}, 404)
    return JSONResponse(
        {
            "texts": words(switches),
            "account": clomo.account,
            "doubled": switches.clomo_doubled_labels,
            "delay": switches.clomo_delay_ms,
            "grid_delay": switches.clomo_grid_delay_ms,
            "unknown_dialog": switches.clomo_unknown_dialog_at == request.path_params["name"],
            "data": show(world, tenant, clomo, session),
        }
    )


async def report_page(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """The newest first."""
    query = request.query_params
    lines, pages = logbook.page(clomo, int(query.get("page", "1")), query.get("search", "").strip())
    rows = [{"at": shown_time(tenant, line.at), "target": line.target, "log": line.text} for line in lines]
    return JSONResponse({"rows": rows, "pages": pages})


async def job(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    found = world.memory.panel_jobs.get(request.path_params["id"])
    if found is None:
        return JSONResponse({}, 404)
    return JSONResponse({"done": found.done_at <= time.time(), "succeeded": found.succeeded})


def routes() -> list[Route]:
    panel = f"{PREFIX}/panel/{{domain}}"
    return [
        Route(f"{panel}/data/{{name}}", signed_in_only(screen)),
        Route(f"{panel}/jobs/{{id}}", signed_in_only(job)),
        Route(f"{panel}/rows/reports", signed_in_only(report_page)),
    ]
