# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wiring that the modules of a campaign share: options, devices, the ledger, one run of a step, its result."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ._disk import disk_trouble, make_folder
from ._errors import ConfigurationError, LedgerError
from ._libraries import require
from ._module import guard, read_file
from ._steps import open_step

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from .campaign.ledger import Ledger
    from .campaign.model import Record
    from .campaign.runner import Outcome, StepRun
    from .mdm.protocol import DeviceStep

__all__ = [
    "CAMPAIGN_OPTIONS",
    "DEVICES_OPTIONS",
    "GUARD_OPTIONS",
    "ONE_OF_DEVICES",
    "OPEN_REASONS",
    "SHOWN",
    "STEP_OPTIONS",
    "check_confirmed",
    "given_devices",
    "ledger_for",
    "run_step",
    "step_result",
    "step_run",
]

CAMPAIGN_OPTIONS: dict[str, Any] = {
    "campaign": {"type": "str", "required": True},
    "ledger": {"type": "str", "required": True},
    "ledger_key": {"type": "str", "no_log": True},
}
DEVICES_OPTIONS: dict[str, Any] = {
    "devices": {"type": "list", "elements": "str"},
    "devices_path": {"type": "path"},
}
STEP_OPTIONS: dict[str, Any] = {
    **CAMPAIGN_OPTIONS,
    **DEVICES_OPTIONS,
    "tenant": {"type": "str", "required": True},
    "wait_timeout": {"type": "int", "default": 600},
    "wait_sleep": {"type": "int"},
    "records_path": {"type": "path"},
}
GUARD_OPTIONS: dict[str, Any] = {
    "confirm": {"type": "str"},
    "max_devices": {"type": "int", "default": 100},
}
ONE_OF_DEVICES = ("devices", "devices_path")
SHOWN = 500  # records in a result; AWX loses events that are longer
SERIAL = re.compile(r"[0-9A-Z]{4,20}")
OPEN_REASONS = {
    "in_doubt": {
        "en": "Whether the request arrived is not known. Nothing is sent again before that is settled. Run again.",
        "ja": "要求が届いたかどうか確認できていません。確認できるまで再送しません。もう一度実行してください。",
    },
    "intended": {
        "en": "Another run works on the device now. Let it end, then run again.",
        "ja": "別の処理がこのデバイスを扱っています。終了後にもう一度実行してください。",
    },
    "sent": {
        "en": "The request was taken and nothing has been seen of its effect yet. Run again.",
        "ja": "要求は受け付けられましたが、結果をまだ確認できていません。もう一度実行してください。",
    },
}
OPEN_STATES = ("intended", "sent", "pending", "in_doubt")


@contextlib.contextmanager
def ledger_for(module: AnsibleModule) -> Iterator[Ledger]:
    """The campaign's ledger. A password in its URL is hidden from every result, the invocation included."""
    from .campaign.ledger import open_ledger

    location = module.params["ledger"]
    require("sqlalchemy", "cryptography")
    if "://" in location:
        password = urlsplit(location).password
        module.no_log_values.update({password, unquote(password)} if password else ())
    ledger = open_ledger(location, module.params["ledger_key"])
    try:
        yield ledger
    finally:
        ledger.close()


def given_devices(params: Mapping[str, Any]) -> list[str]:
    """Serial numbers in upper case, each once. A file has one a line; what follows a comma or blank is not read."""
    given = params["devices"]
    if given is None:
        text = read_file(params["devices_path"]).decode("utf-8-sig", "replace")
        given = [re.split(r"[,\s]", line.strip(), maxsplit=1)[0] for line in text.splitlines()]
        given = [serial for serial in given if serial and not serial.startswith("#")]
    devices = list(dict.fromkeys(str(serial).strip().upper() for serial in given))
    if strange := [device for device in devices if not SERIAL.fullmatch(device)]:
        raise ConfigurationError(
            f"{', '.join(map(repr, strange[:5]))} {'are' if len(strange) > 1 else 'is'} no serial number. Nothing was sent."
            " Devices are named by the serial number that stands on their back and in their settings."
        )
    return devices


def run_step(module: AnsibleModule, name: str, *, asks_only: bool = False) -> None:
    """One step over the devices, and the module's end. Devices that failed or wait do not fail the module: the play does."""
    params = module.params
    with guard(module), ledger_for(module) as ledger:
        devices = given_devices(params)
        if not asks_only:
            check_confirmed(params, devices, module.check_mode)
        with open_step(module, ledger, name) as step:
            outcome = step_run(module, ledger, step).run(devices)
        facts = ledger.facts(params["campaign"], devices) if asks_only else {}
        path = None if module.check_mode else _written(outcome, params, facts)
        result = step_result(outcome, name, params, path)
        if asks_only:
            shown = [{"device": device, **facts[device]} for device in devices if device in facts]
            result = {**result, "changed": False, "devices": shown[:SHOWN]}
        module.exit_json(**result)


def step_run(module: AnsibleModule, ledger: Ledger, step: DeviceStep) -> StepRun:
    from .campaign.runner import StepRun

    params = module.params
    return StepRun(
        ledger=ledger,
        step=step,
        campaign=params["campaign"],
        tenant=params["tenant"],
        check_mode=module.check_mode,
        wait_timeout=params["wait_timeout"],
        poll=params["wait_sleep"],
    )


def check_confirmed(params: Mapping[str, Any], devices: Sequence[str], check_mode: bool) -> None:
    campaign = params["campaign"]
    if len(devices) > params["max_devices"]:
        raise ConfigurationError(
            f"{len(devices)} devices are more than max_devices ({params['max_devices']}). Nothing was sent. If that many are"
            " meant, raise max_devices."
        )
    if not check_mode and params["confirm"] != campaign:
        raise ConfigurationError(
            f"This changes {len(devices)} devices, and confirm is not {campaign}. Nothing was sent. Look at a dry run"
            f" (--check) first, then give confirm: {campaign}."
        )


def step_result(outcome: Outcome, step: str, params: Mapping[str, Any], path: str | None) -> dict[str, Any]:
    records = [outcome.records[device] for device in sorted(outcome.records)]
    to_send = set(outcome.to_send)
    counts = dict.fromkeys(("done", "pending", "failed", "in_doubt", "skipped", "to_do"), 0)
    for record in records:
        counts[_counted(record, outcome.waiting)] += 1
    waiting = [record for record in records if record.state.value in OPEN_STATES or _not_sent(record, outcome)]
    return {
        "changed": outcome.changed,
        "campaign": params["campaign"],
        "tenant": params["tenant"],
        "step": step,
        "summary": counts,
        "to_do": [record.device for record in records if record.device in to_send][:SHOWN],
        "failures": [_view(record) for record in records if record.state.value == "failed"][:SHOWN],
        "pending": [_view(record, outcome.waiting.get(record.device)) for record in waiting][:SHOWN],
        "records_path": path,
    }


def _not_sent(record: Record, outcome: Outcome) -> bool:
    """Something has to happen first, or the far side did not take it."""
    return record.device in outcome.waiting or (record.state.value == "planned" and record.reason is not None)


def _counted(record: Record, waiting: Mapping[str, Any]) -> str:
    state = record.state.value
    if state in ("intended", "sent") or record.device in waiting:
        return "pending"
    return "to_do" if state == "planned" else state


def _view(record: Record, waits_for: Mapping[str, str] | None = None) -> dict[str, Any]:
    reason = waits_for or record.reason or OPEN_REASONS.get(record.state.value)
    return {"device": record.device, "state": record.state.value, "reason": reason}


def _written(outcome: Outcome, params: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
    """Every record as a line of JSON, mode 0600, with the device's facts where those were asked for."""
    path: str | None = params["records_path"]
    if path is None:
        return None
    with disk_trouble(path, LedgerError):
        make_folder(os.path.dirname(os.path.abspath(path)))
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
        ) as file:
            for device in sorted(outcome.records):
                record = outcome.records[device]
                line = {
                    **_view(record, outcome.waiting.get(device)),
                    "step": record.step,
                    "evidence": dict(record.evidence),
                }
                more = {"attempts": record.attempts, **({"facts": facts[device]} if device in facts else {})}
                file.write(json.dumps({**line, **more}, ensure_ascii=False) + "\n")
    return path
