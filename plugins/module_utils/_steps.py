# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a campaign by name: their options, and how a module makes them from what it was given."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._errors import ConfigurationError
from ._libraries import require
from ._module import read_file, read_optional
from .mdm.drivers import driver_for
from .mdm.wifi_profile import checked_wifi_profile

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from .apple.school import SchoolClient
    from .campaign.ledger import Ledger
    from .mdm.protocol import DeviceStep, MdmDriver

__all__ = [
    "APP_OPTIONS",
    "COURSE_OPTIONS",
    "LICENCE_OPTIONS",
    "RELEASE_OPTIONS",
    "SCHOOL_OPTIONS",
    "UNASSIGN_OPTIONS",
    "WIPE_OPTIONS",
    "absent_steps",
    "open_steps",
    "school_client",
    "step_notices",
    "wanted_steps",
]

SCHOOL_OPTIONS: dict[str, Any] = {
    "client_id": {"type": "str", "required": True},
    "key_id": {"type": "str", "required": True, "no_log": False},
    "private_key": {"type": "str", "no_log": True},
    "private_key_path": {"type": "path", "no_log": False},
    "api_url": {"type": "str"},
    "token_url": {"type": "str", "default": "https://account.apple.com/auth/oauth2/token", "no_log": False},
    "cache_path": {"type": "path", "default": "~/.cache/nendo.apple_mdm"},
    "reads_per_minute": {"type": "int", "default": 20},
    "writes_per_hour": {"type": "int", "default": 10},
    "ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 30},
}
APP_OPTIONS: dict[str, Any] = {
    "apps": {"type": "list", "elements": "str", "default": []},
    "all_managed": {"type": "bool", "default": False},
}
WIPE_OPTIONS: dict[str, Any] = {
    "wifi_profile_path": {"type": "path"},
    "preserve_data_plan": {"type": "bool"},
    "end_setup": {"type": "bool", "default": True},
}
LICENCE_OPTIONS: dict[str, Any] = {
    "content_token": {"type": "str", "no_log": True},
    "content_token_path": {"type": "path", "no_log": False},
    "mdm_id": {"type": "str"},
    "apps_and_books_url": {"type": "str", "default": "https://vpp.itunes.apple.com/mdm/v2"},
    "ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 30},
}
ACTIVITY_OPTIONS: dict[str, Any] = {
    "asm": {"type": "dict", "required": True, "options": SCHOOL_OPTIONS},
    "devices_per_activity": {"type": "int", "default": 1000},
}
UNASSIGN_OPTIONS: dict[str, Any] = {**ACTIVITY_OPTIONS, "server_name": {"type": "str", "required": True}}
RELEASE_OPTIONS: dict[str, Any] = {**ACTIVITY_OPTIONS, "confirm_release": {"type": "str"}}
COURSE_OPTIONS: dict[str, Any] = {
    **APP_OPTIONS,
    **WIPE_OPTIONS,
    **LICENCE_OPTIONS,
    **UNASSIGN_OPTIONS,
    "asm": {**UNASSIGN_OPTIONS["asm"], "required": False},
    "server_name": {"type": "str"},
    "outcome": {"type": "str", "required": True, "choices": ["donate", "reassign"]},
    "release": {"type": "bool", "default": False},
}


@contextlib.contextmanager
def open_steps(module: AnsibleModule, ledger: Ledger, names: Sequence[str]) -> Iterator[list[DeviceStep]]:
    """The steps, as the module's options have them, with their connections until the end of the with block. Those of the MDM
    server share theirs."""
    with contextlib.ExitStack() as opened:

        @functools.cache
        def driver() -> MdmDriver:
            require("requests")
            return opened.enter_context(contextlib.closing(driver_for(module.params["mdm"])))

        def is_at_apple(name: str) -> bool:
            """Licences are the server's where it takes them back itself."""
            asked = name == "licences" and module.params.get("mdm")
            return name in AT_APPLE and not (asked and driver().takes_back_licences)

        yield [
            opened.enter_context(AT_APPLE[name](module))
            if is_at_apple(name)
            else _of_the_server(driver(), module, ledger, name)
            for name in names
        ]


def _of_the_server(driver: MdmDriver, module: AnsibleModule, ledger: Ledger, name: str) -> DeviceStep:
    from .campaign.notebook import Notebook

    params = module.params
    step = driver.step(name, Notebook(ledger, params["campaign"], params["tenant"]), _options(name, params))
    if step is None:
        raise ConfigurationError(
            f"{params['tenant']}: the driver {driver.name} cannot do the step {name} with these options. Nothing was sent."
        )
    return step


def _options(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    if name == "collect":
        return {"outcome": params.get("outcome")}
    if name == "apps":
        return {"wanted": params["apps"], "all_managed": params["all_managed"]}
    if name == "wipe":
        more = {"preserve_data_plan": params["preserve_data_plan"], "end_setup": params["end_setup"]}
        return {"wifi_profile": _wifi_profile(params["wifi_profile_path"]), **more}
    return {}


def _wifi_profile(path: str | None) -> bytes | None:
    profile = read_optional(path)
    return profile if path is None or profile is None else checked_wifi_profile(profile, path)


@contextlib.contextmanager
def _licences(module: AnsibleModule) -> Iterator[DeviceStep]:
    require("requests")
    from .apple.apps_and_books import AppsAndBooksClient
    from .campaign.licences import LicencesStep
    from .credentials.content_token import parse_content_token

    params = module.params
    if not params["content_token"] and not params["content_token_path"]:
        raise ConfigurationError(
            "The MDM server takes no licences back itself, so content_token or content_token_path is needed. Nothing was sent."
        )
    token = parse_content_token((params["content_token"] or "").encode() or read_file(params["content_token_path"]))
    module.no_log_values.add(token.bearer)
    client = AppsAndBooksClient(
        token.bearer, base_url=params["apps_and_books_url"], ca_path=params["ca_path"], timeout=params["timeout"]
    )
    with contextlib.closing(client):
        yield LicencesStep(client, mdm_id=params["mdm_id"])


@contextlib.contextmanager
def _unassign(module: AnsibleModule) -> Iterator[DeviceStep]:
    require("requests", "jwt", "cryptography")
    from .campaign.unassign import UnassignStep

    params = module.params
    with contextlib.closing(school_client(params["asm"])) as client:
        yield UnassignStep(client, params["server_name"], limit=params["devices_per_activity"])


@contextlib.contextmanager
def _release(module: AnsibleModule) -> Iterator[DeviceStep]:
    require("requests", "jwt", "cryptography")
    from .campaign.release import ReleaseStep

    params = module.params
    wanted = f"release-{params['campaign']}"
    if not module.check_mode and params["confirm_release"] != wanted:
        raise ConfigurationError(
            f"Released devices leave the organisation for good, and confirm_release is not {wanted}. Nothing was sent."
        )
    with contextlib.closing(school_client(params["asm"])) as client:
        yield ReleaseStep(client, limit=params["devices_per_activity"])


def school_client(options: Mapping[str, Any]) -> SchoolClient:
    """For the option asm."""
    from .apple.school import SchoolClient
    from .apple.school_account import ApiAccount, SharedState

    if bool(options["private_key"]) == bool(options["private_key_path"]):
        raise ConfigurationError("The option asm needs private_key or private_key_path, one of them. Nothing was sent.")
    key = (options["private_key"] or "").encode() or read_file(options["private_key_path"])
    account = ApiAccount(options["client_id"], options["key_id"], key)
    limits = {"reads": options["reads_per_minute"], "writes": options["writes_per_hour"]}
    return SchoolClient(
        account,
        SharedState(options["cache_path"], account, limits),
        api_url=options["api_url"],
        token_url=options["token_url"],
        ca_path=options["ca_path"],
        timeout=options["timeout"],
    )


def wanted_steps(params: Mapping[str, Any]) -> list[str]:
    """Of a campaign with these options. Devices are released only where that is asked for."""
    from .campaign.model import STEPS

    return [step for step in STEPS[params["outcome"]] if step != "release" or params["release"]]


def absent_steps(params: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Those of them that no device goes through, and why: the server has nothing of the kind, or the inventory tells not how."""
    driver = driver_for(params["mdm"])
    try:
        absent, by_apple = dict(driver.absent), not driver.takes_back_licences
    finally:
        driver.close()
    if by_apple and not params["content_token"] and not params["content_token_path"]:
        absent["licences"] = {
            "en": "No content token is given, so the licences of Apps and Books stay with the devices.",
            "ja": "コンテンツトークンの指定がないため、アプリとブックのライセンスは解除されません。",
        }
    if not params["asm"]:
        kept = {
            "en": "No API account at Apple is given, so the devices stay assigned to the MDM server there.",
            "ja": "Apple の API アカウントの指定がないため、Apple 側の割り当ては解除されません。",
        }
        absent |= {"unassign": kept, "release": kept}
    return {step: absent[step] for step in wanted_steps(params) if step in absent}


def step_notices(params: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Of the steps of a campaign with these options, what people have to know before them."""
    with contextlib.closing(driver_for(params["mdm"])) as driver:
        return {step: driver.notices[step] for step in wanted_steps(params) if step in driver.notices}


Opener = Callable[["AnsibleModule"], contextlib.AbstractContextManager["DeviceStep"]]
AT_APPLE: Mapping[str, Opener] = {"licences": _licences, "unassign": _unassign, "release": _release}
