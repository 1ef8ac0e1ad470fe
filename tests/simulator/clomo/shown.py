# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the panel shows a moment, and how it says no."""

from __future__ import annotations

import datetime

from starlette.responses import JSONResponse, Response

from ..state import Tenant
from ..world import moment
from .texts import words


def shown_time(tenant: Tenant, text: str) -> str:
    """A moment in the administrator's time zone."""
    zone = datetime.timezone(datetime.timedelta(hours=tenant.switches.clomo_time_zone_hours))
    pattern = "%Y/%m/%d" if tenant.switches.clomo_dates_only else "%Y/%m/%d %H:%M:%S"
    return moment(text).astimezone(zone).strftime(pattern)


def refused(tenant: Tenant, name: str) -> Response:
    """In a dialog, with status 200."""
    return JSONResponse({"error": words(tenant.switches)[name]})
