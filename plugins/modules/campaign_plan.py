#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Enter devices into a campaign, and tell what will be done with them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: campaign_plan
short_description: Enter devices into a campaign, and tell what will be done with them
version_added: "0.1.0"
description:
  - Comes before M(nendo.apple_mdm.campaign_run) and before all steps of a campaign. Enters each device with its outcome, so that
    no step of another outcome is ever done with it in this campaign, and tells which steps it goes through and which are left out,
    and why.
  - In a dry run nothing is written, and every step looks at every device, so that RV(plan) tells what would be done and what
    would stop it.
  - Sends nothing to a device.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.step
  - nendo.apple_mdm._campaign
  - nendo.apple_mdm._campaign.devices
  - nendo.apple_mdm._campaign.guards
  - nendo.apple_mdm._campaign.course
  - nendo.apple_mdm._mdm
options:
  tenant:
    description: The tenant to which all the devices belong.
    type: str
    required: true
  roster_path:
    description:
      - A CSV file with the columns serial, student and class (or シリアル番号, 氏名, 組), in UTF-8 or Shift-JIS. A device that is not
        in it, or in it twice, or with another class or pupil than expected, is left out and named in RV(left_out).
    type: path
  roster_class:
    description: The class that the roster has to have for all the devices.
    type: str
requirements:
  - requests
  - SQLAlchemy
  - cryptography
  - asn1crypto (only for a signed Wi-Fi profile)
seealso:
  - module: nendo.apple_mdm.campaign_run
  - module: nendo.apple_mdm.campaign_info
"""

EXAMPLES = r"""
- name: The graduates' devices are entered, or in a dry run the plan is known
  nendo.apple_mdm.campaign_plan:
    campaign: graduation-2027
    confirm: graduation-2027
    tenant: sakura_school
    outcome: donate
    ledger: /srv/apple_mdm/ledger.db
    devices_path: /srv/apple_mdm/grade6_2027.txt
    max_devices: 150
    roster_path: /srv/apple_mdm/roster.csv
    mdm: "{{ apple_mdm_server }}"
    apps: [com.example.agent]
    content_token_path: /srv/apple_mdm/sakura.vpptoken
    server_name: Sakura MDM
    asm:
      client_id: "{{ asm_client_id }}"
      key_id: "{{ asm_key_id }}"
      private_key: "{{ vault_asm_private_key }}"
  register: planned
"""

RETURN = r"""
devices:
  description: How many devices take part.
  type: int
  returned: success
  sample: 118
steps:
  description: The steps that they go through, in this order.
  type: list
  elements: str
  returned: success
  sample: [collect, profiles, apps, licences, delete, unassign]
absent:
  description: By step, why it is left out for all of them, in English (C(en)) and Japanese (C(ja)).
  type: dict
  returned: success
notices:
  description: By step, what has to be known before it since no step can see it, in English (C(en)) and Japanese (C(ja)).
  type: dict
  returned: success
left_out:
  description: The devices that the roster does not agree with, each with C(device) and C(reason). Nothing is done with them.
  type: list
  elements: dict
  returned: success
plan:
  description: In a dry run, the first 500 devices, those that something will stop first.
  type: list
  elements: dict
  returned: success
  contains:
    device:
      description: The serial number.
      type: str
      returned: success
      sample: DMPXK0ABCDEF
    owner:
      description: The pupil, as the roster or the MDM server has it; V(null) where neither does.
      type: str
      returned: success
    outcome:
      description: The outcome.
      type: str
      returned: success
      sample: donate
    steps:
      description: The steps that are left to do.
      type: list
      elements: str
      returned: success
    stopped_by:
      description: What will stop it, in English (C(en)) and Japanese (C(ja)), with the step; V(null) where nothing is known.
      type: dict
      returned: success
clicks:
  description: In a dry run, what would be pressed in the console of an MDM server that has no API (CLOMO PANEL), by what was
    collected. Devices for which it is the same stand together.
  type: list
  elements: dict
  returned: success
  contains:
    step:
      description: The step.
      type: str
      returned: success
      sample: delete
    labels:
      description: What is pressed, chosen, ticked or typed, in this order, by the words on the screen.
      type: list
      elements: str
      returned: success
    devices:
      description: The first 500 of the devices.
      type: list
      elements: str
      returned: success
summary:
  description: In a dry run, by step, how many devices it is left to do for (C(to_do)) and how many something will stop (C(stopped)).
  type: dict
  returned: success
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._campaign import (
    CAMPAIGN_OPTIONS,
    DEVICES_OPTIONS,
    GUARD_OPTIONS,
    ONE_OF_DEVICES,
    SHOWN,
    check_confirmed,
    given_devices,
    ledger_for,
)
from ..module_utils._module import MDM_ONLY_OPTIONS, guard, read_optional
from ..module_utils._steps import COURSE_OPTIONS, absent_steps, open_steps, step_notices, wanted_steps

if TYPE_CHECKING:
    from ..module_utils.campaign.ledger import Ledger
    from ..module_utils.campaign.roster import Entry

ARGUMENT_SPEC = {
    **CAMPAIGN_OPTIONS,
    **DEVICES_OPTIONS,
    **GUARD_OPTIONS,
    **MDM_ONLY_OPTIONS,
    **COURSE_OPTIONS,
    "tenant": {"type": "str", "required": True},
    "roster_path": {"type": "path"},
    "roster_class": {"type": "str"},
}
Reasons = Mapping[str, Mapping[str, str]]


def entries(params: Mapping[str, Any]) -> Mapping[str, Sequence[Entry]] | None:
    """The roster, if there is one."""
    from ..module_utils.campaign.roster import read_roster

    data = read_optional(params["roster_path"])
    return None if data is None else read_roster(data, params["roster_path"])


def foreseen(module: AnsibleModule, ledger: Ledger, devices: Sequence[str], steps: Sequence[str]) -> dict[str, Any]:
    """What is left to do for each device, and what will stop it."""
    from ..module_utils.campaign.course import take_through
    from ..module_utils.campaign.model import SETTLED
    from ..module_utils.campaign.runner import StepRun
    from ..module_utils.mdm.protocol import ConsoleStep

    params = module.params
    to_do: dict[str, list[str]] = {device: [] for device in devices}
    stopped: dict[str, dict[str, str]] = {}
    summary, clicks = {}, []
    facts = ledger.facts(params["campaign"], devices)
    for name in steps:
        with open_steps(module, ledger, [name]) as (step,):
            run = StepRun(ledger, step, params["campaign"], params["tenant"], True, 0)
            told = take_through([run], devices)[0]
            labels = {device: step.clicks(facts.get(device, {})) for device in devices if isinstance(step, ConsoleStep)}
        hindered = {device: record.reason for device, record in told.records.items() if record.state.value == "failed"}
        hindered |= {device: reason for device, reason in told.waiting.items() if "first" not in reason}
        for device, record in told.records.items():
            if record.state not in SETTLED:
                to_do[device].append(name)
        for device, reason in hindered.items():
            stopped.setdefault(device, {"step": name, **(reason or {})})
        left = [device for device, record in told.records.items() if record.state not in SETTLED]
        summary[name] = {"to_do": len(left), "stopped": len(hindered)}
        clicks += alike(
            name, {device: labels[device] for device in left if device in labels and device not in hindered}
        )
    return {"to_do": to_do, "stopped": stopped, "summary": summary, "clicks": clicks}


def alike(step: str, labels: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Devices for which the same would be pressed."""
    found: dict[tuple[str, ...], list[str]] = {}
    for device, pressed in labels.items():
        found.setdefault(tuple(pressed), []).append(device)
    return [{"step": step, "labels": list(pressed), "devices": mine[:SHOWN]} for pressed, mine in found.items()]


def plan(
    devices: Sequence[str], outcome: str, told: Mapping[str, Any], owners: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Those that something stops come first."""
    order = sorted(devices, key=lambda device: (device not in told["stopped"], device))
    return [
        {
            "device": device,
            "owner": owners.get(device),
            "outcome": outcome,
            "steps": told["to_do"][device],
            "stopped_by": told["stopped"].get(device),
        }
        for device in order[:SHOWN]
    ]


def planned(module: AnsibleModule, ledger: Ledger) -> dict[str, Any]:
    from ..module_utils.campaign.roster import disagreements

    params, check = module.params, module.check_mode
    devices = given_devices(params)
    check_confirmed(params, devices, check)
    ledger.check_newest()
    absent = absent_steps(params)
    roster = entries(params)
    owners = ledger.owners(params["campaign"], devices)
    left_out = {} if roster is None else disagreements(devices, roster, group=params["roster_class"], owners=owners)
    owners |= {device: roster[device][0].student for device in devices if roster and device in roster}
    taking = [device for device in devices if device not in left_out]
    entry = (params["campaign"], params["tenant"], params["outcome"], taking)
    new = ledger.not_entered(*entry)
    steps = [step for step in wanted_steps(params) if step not in absent]
    told: dict[str, Any] = {"to_do": {}, "stopped": {}, "summary": {}, "clicks": []}
    if check:
        told = foreseen(module, ledger, taking, steps)
    else:
        ledger.enter(*entry)
        for step, reason in absent.items():
            ledger.skip(params["campaign"], params["tenant"], step, taking, reason)
    return {
        "changed": bool(new),
        "devices": len(taking),
        "steps": steps,
        "absent": absent,
        "notices": step_notices(params),
        "left_out": [{"device": device, "reason": reason} for device, reason in sorted(left_out.items())],
        "plan": plan(taking if check else [], params["outcome"], told, owners),
        "clicks": told["clicks"],
        "summary": told["summary"],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES, ("content_token", "content_token_path")],
        required_one_of=[ONE_OF_DEVICES],
        supports_check_mode=True,
    )
    with guard(module), ledger_for(module) as ledger:
        module.exit_json(**planned(module, ledger))


if __name__ == "__main__":
    main()
