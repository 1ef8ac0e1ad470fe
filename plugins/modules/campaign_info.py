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
  - With O(devices) it also tells where each of them stands.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.info
  - nendo.apple_mdm._campaign
options:
  devices:
    description: Also tells where these serial numbers stand.
    type: list
    elements: str
  with_records:
    description: Returns every record of O(devices) as well.
    type: bool
    default: false
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
devices:
  description: How many of O(devices) are done (C(done)), still on their way (C(pending)), failed (C(failed)), or in no campaign
    of this id (C(unknown)).
  type: dict
  returned: if O(devices) is given
  sample: {done: 118, pending: 2, failed: 0, unknown: 0}
failures:
  description: Those that failed.
  type: list
  elements: dict
  returned: if O(devices) is given
  contains:
    device:
      description: The serial number.
      type: str
      returned: success
      sample: DMPXK0ABCDEF
    step:
      description: The step that it did not come through.
      type: str
      returned: success
      sample: wipe
    reason:
      description: Why, or what is awaited, in English (C(en)) and Japanese (C(ja)); V(null) where nothing is known.
      type: dict
      returned: success
pending:
  description: The first 500 of those that are still on their way.
  type: list
  elements: dict
  returned: if O(devices) is given
  contains:
    device:
      description: The serial number.
      type: str
      returned: success
      sample: DMPXK0ABCDEF
    step:
      description: The step that it did not come through.
      type: str
      returned: success
      sample: wipe
    reason:
      description: Why, or what is awaited, in English (C(en)) and Japanese (C(ja)); V(null) where nothing is known.
      type: dict
      returned: success
records:
  description: The records of O(devices), one entry a device and step; empty without O(with_records).
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

from ..module_utils._campaign import CAMPAIGN_OPTIONS, ledger_for, stand
from ..module_utils._module import guard

if TYPE_CHECKING:
    from ..module_utils.campaign.model import Record

ARGUMENT_SPEC = {
    **CAMPAIGN_OPTIONS,
    "devices": {"type": "list", "elements": "str"},
    "with_records": {"type": "bool", "default": False},
}
FIELDS = ("device", "tenant", "step", "reason", "attempts", "intended_at", "settled_at")


def view(record: Record) -> dict[str, Any]:
    shown = {name: getattr(record, name) for name in FIELDS}
    return {**shown, "state": record.state.value, "evidence": dict(record.evidence)}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    campaign, given = module.params["campaign"], module.params["devices"]
    with guard(module), ledger_for(module) as ledger:
        steps = [
            {"step": step, "states": states, "devices": sum(states.values())}
            for step, states in sorted(ledger.summary(campaign).items())
        ]
        devices = list(dict.fromkeys(device.strip().upper() for device in given or []))
        records = ledger.records(campaign, devices=devices) if module.params["with_records"] else []
        result = stand(ledger, campaign, devices) if given is not None else {}
        module.exit_json(changed=False, steps=steps, records=[view(record) for record in records], **result)


if __name__ == "__main__":
    main()
