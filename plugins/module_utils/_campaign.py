# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wiring that the modules of a campaign share: options, devices, the ledger, one run of a step, its result."""

from __future__ import annotations

import contextlib
import gc
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
from ._steps import absent_steps, open_steps, wanted_steps

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
    "run_course",
    "run_step",
    "stand",
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
UNREACHABLE = 100_000  # objects, after which the garbage collector looks; else that is a sixth of a run's work
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
    gc.set_threshold(UNREACHABLE)
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
        from .campaign.course import take_through

        devices = given_devices(params)
        if not asks_only:
            check_confirmed(params, devices, module.check_mode)
        with open_steps(module, ledger, [name]) as (step,):
            outcome = take_through([_step_run(module, ledger, step)], devices)[0]
        facts = ledger.facts(params["campaign"], devices) if asks_only else {}
        path = None if module.check_mode else _written([outcome], params, facts)
        result = _step_result(outcome, name, params, path)
        if asks_only:
            shown = [{"device": device, **facts[device]} for device in devices if device in facts]
            result = {**result, "changed": False, "devices": shown[:SHOWN]}
        module.exit_json(**result)


def run_course(module: AnsibleModule) -> None:
    """All steps of a campaign over the devices, and the module's end."""
    params = module.params
    with guard(module), ledger_for(module) as ledger:
        from .campaign.course import take_through

        devices = given_devices(params)
        check_confirmed(params, devices, module.check_mode)
        absent = absent_steps(params)
        names = [name for name in wanted_steps(params) if name not in absent]
        with open_steps(module, ledger, names) as steps:
            outcomes = take_through([_step_run(module, ledger, step) for step in steps], devices)
        path = None if module.check_mode else _written(outcomes, params, {})
        told = [{"step": name, "summary": _counts(outcome)} for name, outcome in zip(names, outcomes, strict=True)]
        changed = any(outcome.changed for step, outcome in zip(steps, outcomes, strict=True) if step.lasting)
        about = {"campaign": params["campaign"], "tenant": params["tenant"], "records_path": path}
        where = stand(ledger, params["campaign"], devices)
        where["failures"] = where["failures"][:SHOWN]
        module.exit_json(changed=changed, steps=told, **about, **where)


def _step_run(module: AnsibleModule, ledger: Ledger, step: DeviceStep) -> StepRun:
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


def _step_result(outcome: Outcome, step: str, params: Mapping[str, Any], path: str | None) -> dict[str, Any]:
    records = [outcome.records[device] for device in sorted(outcome.records)]
    to_send = set(outcome.to_send)
    waiting = [record for record in records if record.state.value in OPEN_STATES or _not_sent(record, outcome)]
    return {
        "changed": outcome.changed,
        "campaign": params["campaign"],
        "tenant": params["tenant"],
        "step": step,
        "summary": _counts(outcome),
        "to_do": [record.device for record in records if record.device in to_send][:SHOWN],
        "failures": [_view(record) for record in records if record.state.value == "failed"][:SHOWN],
        "pending": [_view(record, outcome.waiting.get(record.device)) for record in waiting][:SHOWN],
        "records_path": path,
    }


def stand(ledger: Ledger, campaign: str, devices: Sequence[str]) -> dict[str, Any]:
    """Where each device stands, and why it does not come further."""
    from .campaign.model import standing

    entered, states = ledger.entered(campaign, devices), ledger.states(campaign, devices)
    where = {device: standing(entered[device], states.get(device, {})) for device in devices if device in entered}
    found: dict[str, list[dict[str, Any]]] = {"failed": [], "pending": []}
    for kind, told in found.items():
        at = {device: step for device, (state, step) in where.items() if state == kind}
        records = {(each.device, each.step): each for each in ledger.records(campaign, devices=list(at))}
        for device, step in sorted(at.items()):
            record = records.get((device, step or ""))
            reason = record and (record.reason or OPEN_REASONS.get(record.state.value))
            told.append({"device": device, "step": step, "reason": reason})
    counts = {state: sum(told[0] == state for told in where.values()) for state in ("done", "pending", "failed")}
    counts["unknown"] = len(devices) - len(where)
    return {"devices": counts, "failures": found["failed"], "pending": found["pending"][:SHOWN]}


def _not_sent(record: Record, outcome: Outcome) -> bool:
    """Something has to happen first, or the far side did not take it."""
    return record.device in outcome.waiting or (record.state.value == "planned" and record.reason is not None)


def _counts(outcome: Outcome) -> dict[str, int]:
    counts = dict.fromkeys(("done", "pending", "failed", "in_doubt", "skipped", "to_do"), 0)
    for record in outcome.records.values():
        counts[_counted(record, outcome.waiting)] += 1
    return counts


def _counted(record: Record, waiting: Mapping[str, Any]) -> str:
    state = record.state.value
    if state in ("intended", "sent") or record.device in waiting:
        return "pending"
    return "to_do" if state == "planned" else state


def _view(record: Record, waits_for: Mapping[str, str] | None = None) -> dict[str, Any]:
    reason = waits_for or record.reason or OPEN_REASONS.get(record.state.value)
    return {"device": record.device, "state": record.state.value, "reason": reason}


def _written(outcomes: Sequence[Outcome], params: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
    """Every record as a line of JSON, mode 0600, with the device's facts where those were asked for."""
    path: str | None = params["records_path"]
    if path is None:
        return None
    with disk_trouble(path, LedgerError):
        make_folder(os.path.dirname(os.path.abspath(path)))
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
        ) as file:
            for outcome in outcomes:
                file.writelines(_lines(outcome, facts))
    return path


def _lines(outcome: Outcome, facts: Mapping[str, Any]) -> Iterator[str]:
    for device in sorted(outcome.records):
        record = outcome.records[device]
        line = {**_view(record, outcome.waiting.get(device)), "step": record.step, "evidence": dict(record.evidence)}
        line |= {"attempts": record.attempts, **({"facts": facts[device]} if device in facts else {})}
        yield json.dumps(line, ensure_ascii=False) + "\n"
