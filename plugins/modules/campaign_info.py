#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tell what the ledger knows of a campaign."""

from __future__ import annotations

DOCUMENTATION = r"""
module: campaign_info
short_description: Tell how far a campaign has come
version_added: "0.1.0"
description:
  - Reads the ledger alone, asks no server.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.info
  - nendo.apple_mdm._campaign
options:
  devices:
    description: Returns the records of these serial numbers as well.
    type: list
    elements: str
requirements:
  - SQLAlchemy
  - cryptography
seealso:
  - module: nendo.apple_mdm.asm_unassign
"""

EXAMPLES = r"""
- name: It is known how far the graduation has come
  nendo.apple_mdm.campaign_info:
    campaign: graduation-2027
    ledger: /srv/apple_mdm/ledger.db
  register: graduation
"""

RETURN = r"""
steps:
  description: One entry a step that was begun.
  type: list
  elements: dict
  returned: success
  contains:
    step:
      description: The step.
      type: str
      returned: success
      sample: unassign
    states:
      description: How many devices are in which state, by state.
      type: dict
      returned: success
      sample: {done: 118, pending: 2}
    devices:
      description: How many devices there are.
      type: int
      returned: success
      sample: 120
records:
  description: The records of O(devices), one entry a device and step.
  type: list
  elements: dict
  returned: success
  contains:
    device:
      description: The serial number.
      type: str
      returned: success
      sample: DMPXK0ABCDEF
    tenant:
      description: The tenant.
      type: str
      returned: success
      sample: sakura_school
    step:
      description: The step.
      type: str
      returned: success
      sample: unassign
    state:
      description: V(planned), V(intended), V(sent), V(pending), V(in_doubt), V(done), V(failed) or V(skipped).
      type: str
      returned: success
      sample: done
    reason:
      description: Why, or what is awaited, in English (C(en)) and Japanese (C(ja)); else V(null).
      type: dict
      returned: success
    evidence:
      description: What the far side showed.
      type: dict
      returned: success
    attempts:
      description: How often a request was intended.
      type: int
      returned: success
      sample: 1
    intended_at:
      description: When the last request was; V(null) if none was.
      type: str
      returned: success
      sample: "2027-03-20T08:00:00Z"
    settled_at:
      description: When the state was reached.
      type: str
      returned: success
      sample: "2027-03-20T08:00:12Z"
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._campaign import CAMPAIGN_OPTIONS, ledger_for
from ..module_utils._module import guard

if TYPE_CHECKING:
    from ..module_utils.campaign.model import Record

ARGUMENT_SPEC = {**CAMPAIGN_OPTIONS, "devices": {"type": "list", "elements": "str"}}
SHOWN = ("device", "tenant", "step", "reason", "attempts", "intended_at", "settled_at")


def view(record: Record) -> dict[str, Any]:
    shown = {name: getattr(record, name) for name in SHOWN}
    return {**shown, "state": record.state.value, "evidence": dict(record.evidence)}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    campaign = module.params["campaign"]
    with guard(module), ledger_for(module) as ledger:
        steps = [
            {"step": step, "states": states, "devices": sum(states.values())}
            for step, states in sorted(ledger.summary(campaign).items())
        ]
        devices = [device.strip().upper() for device in module.params["devices"] or []]
        records = ledger.records(campaign, devices=devices) if devices else []
        module.exit_json(changed=False, steps=steps, records=[view(record) for record in records])


if __name__ == "__main__":
    main()
