# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the steps profiles, apps and delete remove from a device, and how its own list shows that it is gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Removal", "apps", "delete", "profiles"]

UNINSTALLED = "ManagedButUninstalled"
NO_MDM_PROFILE = {
    "en": "The device did not show which of its profiles holds the enrolment, so it is not known which may be removed. Look at it"
    " again (mdm_device_info); if that stays, remove them by hand.",
    "ja": "デバイスのどの構成プロファイルが MDM 登録のものか判別できないため、削除対象を決められません。情報を収集し直し"
    " (mdm_device_info)、それでも判別できない場合は手動で削除してください。",
}
NO_APPS = {
    "en": "The device did not tell which apps are managed. Look at it again (mdm_device_info).",
    "ja": "デバイスが管理対象アプリの一覧を返しませんでした。情報を収集し直してください (mdm_device_info)。",
}


@dataclass(frozen=True)
class Removal:
    """step: its name. targets: identifiers, by what was collected of a device; None where that does not tell, and not_told
    says so. listing: the command that lists what is there, and still_there what its answer names."""

    step: str
    request_type: str
    targets: Callable[[Mapping[str, Any]], list[str] | None]
    not_told: Mapping[str, str]
    listing: Mapping[str, Any]
    still_there: Callable[[Mapping[str, Any]], Collection[str]]


def profiles() -> Removal:
    """All that the server may remove but its own: what it installed, and on a supervised device every profile."""

    def targets(facts: Mapping[str, Any]) -> list[str] | None:
        mine = [each for each in facts["profiles"] if each["managed"] or facts["supervised"]]
        others = sorted(each["identifier"] for each in mine if not each["mdm"])
        return others if _of_the_enrolment(facts) else None

    return Removal("profiles", "RemoveProfile", targets, NO_MDM_PROFILE, {"RequestType": "ProfileList"}, _profiles_in)


def delete() -> Removal:
    """The MDM profile, by which the enrolment ends: NanoMDM has no record of a device that could be deleted."""
    listing = {"RequestType": "ProfileList"}
    return Removal("delete", "RemoveProfile", _of_the_enrolment, NO_MDM_PROFILE, listing, _profiles_in)


def apps(wanted: Collection[str], all_managed: bool) -> Removal:
    """Of the managed apps those wanted, or all: an app that is not managed belongs to the user."""

    def targets(facts: Mapping[str, Any]) -> list[str] | None:
        managed: list[str] | None = facts["managed_apps"]
        return None if managed is None else [each for each in managed if all_managed or each in wanted]

    listing = {"RequestType": "ManagedApplicationList"}
    return Removal("apps", "RemoveApplication", targets, NO_APPS, listing, _apps_in)


def _of_the_enrolment(facts: Mapping[str, Any]) -> list[str] | None:
    return [each["identifier"] for each in facts["profiles"] if each["mdm"]] or None


def _profiles_in(message: Mapping[str, Any]) -> Collection[str]:
    return {str(each.get("PayloadIdentifier")) for each in message["ProfileList"]}


def _apps_in(message: Mapping[str, Any]) -> Collection[str]:
    listed: Mapping[str, Mapping[str, Any]] = message["ManagedApplicationList"]
    return {identifier for identifier, told in listed.items() if told.get("Status") != UNINSTALLED}
