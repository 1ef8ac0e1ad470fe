# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What credentials_info returned for many tenants, as a table for people and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.nendo.apple_mdm.plugins.module_utils._table import table

HEADINGS = ("tenant", "credential", "not after", "days", "verdict", "order")
NAMES = {"push_certificate": "push certificate", "server_token": "server token", "content_token": "content token"}
FAILED = "not read"


def credentials_report(tenants: Sequence[str], hostvars: Mapping[str, Any]) -> dict[str, Any]:
    """tenants: host names; hostvars: where each host's credentials_report_state is. The soonest expiry comes first."""
    states = {str(tenant): hostvars[tenant].get("credentials_report_state") or {} for tenant in tenants}
    entries = [{"tenant": tenant, **plain} for tenant, state in states.items() for plain in _credentials(state)]
    entries.sort(key=lambda entry: (entry["not_after"] or "", entry["tenant"], entry["credential"]))
    return {"table": table(HEADINGS, [_row(entry) for entry in entries]), "tenants": entries}


def credentials_in_danger(state: Mapping[str, Any], tenant: str, fail_below_days: int) -> list[str]:
    """One sentence for each credential that could not be read or has fewer than fail_below_days days left."""
    return [
        _danger(entry, tenant)
        for entry in _credentials(state)
        if entry["error"] or entry["days_left"] is None or entry["days_left"] < int(fail_below_days)
    ]


def renewal_failures(failures: Mapping[str, str], state: Mapping[str, Any], tenant: str) -> list[str]:
    """failures: what each failed credential's role said. One sentence each: whose, which, until when, what, what next."""
    ends = {
        entry["credential"]: f"valid until {_day(entry['not_after'])}"
        for entry in _credentials(state)
        if entry["not_after"]
    }
    return [
        f"{tenant}: {NAMES[credential]}, {ends.get(credential, 'end of validity not known')}:"
        f" {message.removeprefix(f'{tenant}: ')} Nothing is lost: the next run goes on from there."
        for credential, message in failures.items()
    ]


def _credentials(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "credentials" in state:
        return [dict(entry) for entry in state["credentials"]]
    error = str(state.get("msg") or "the tenant could not be reached")
    nothing = dict.fromkeys(("identity", "not_after", "days_left", "renew", "reason", "order"))
    return [{"credential": "all", **nothing, "code": "error", "error": error}]


def _danger(entry: Mapping[str, Any], tenant: str) -> str:
    name = NAMES.get(entry["credential"], "credentials")
    if entry["error"]:
        return f"{tenant}: {name}: {entry['error']}"
    return f"{tenant}: {name}: {entry['reason']['en']} / {entry['reason']['ja']}"


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    order = entry["order"]
    return (
        entry["tenant"],
        NAMES.get(entry["credential"], "all three"),
        _day(entry["not_after"]),
        "?" if entry["days_left"] is None else str(entry["days_left"]),
        FAILED if entry["error"] else entry["code"].replace("_", " "),
        f"{order['id']} {order['state']}" if order else "",
    )


def _day(moment: str | None) -> str:
    return (moment or "?")[:10]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "credentials_report": credentials_report,
            "credentials_in_danger": credentials_in_danger,
            "renewal_failures": renewal_failures,
        }
