#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ask devices what they are and have, and keep it for a campaign."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mdm_device_info
short_description: Ask devices what they are and have, and keep it for a campaign
version_added: "0.1.0"
description:
  - Asks each device for its system, supervision, profiles, apps, lost mode, signs of the Activation Lock, battery and lines, in
    one call for many devices, and keeps the answers in the ledger, where the steps of the campaign look.
  - The Activation Lock's bypass code is asked for as well, and kept by nendo-events, encrypted.
  - Every run asks anew, until a later step of the campaign has gone on from what was answered. A device that does not answer
    within O(wait_timeout) is pending.
  - The enrolment that a campaign sees first is the one that it means. A device that enrols anew after that may have another
    user. It fails, is not asked any more, and the later steps leave it alone.
  - For MDM servers of the NanoMDM family, with nendo-events running.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.info
  - nendo.apple_mdm._campaign
  - nendo.apple_mdm._campaign.devices
  - nendo.apple_mdm._campaign.step
  - nendo.apple_mdm._mdm
requirements:
  - requests
  - SQLAlchemy
  - cryptography
seealso:
  - module: nendo.apple_mdm.mdm_device_wipe
  - module: nendo.apple_mdm.asm_device_info
"""

EXAMPLES = r"""
- name: What the devices of the year group are is known
  nendo.apple_mdm.mdm_device_info:
    campaign: graduation-2027
    tenant: sakura_school
    ledger: /srv/apple_mdm/ledger.db
    ledger_key: "{{ vault_ledger_key }}"
    devices_path: /srv/apple_mdm/grade6_2027.txt
    mdm: "{{ apple_mdm_server }}"
  register: asked
"""

RETURN = r"""
campaign:
  description: The campaign's id.
  type: str
  returned: success
  sample: graduation-2027
tenant:
  description: The tenant.
  type: str
  returned: success
  sample: sakura_school
step:
  description: The step.
  type: str
  returned: success
  sample: collect
summary:
  description: How many devices are in which state.
  type: dict
  returned: success
  contains:
    done:
      description: Proven.
      type: int
      returned: success
      sample: 118
    pending:
      description: Asked for, or something has to happen first; run again.
      type: int
      returned: success
      sample: 2
    failed:
      description: See RV(failures).
      type: int
      returned: success
      sample: 0
    in_doubt:
      description: Whether the request arrived is not known. It is not sent again before that is settled by evidence.
      type: int
      returned: success
      sample: 0
    skipped:
      description: Not needed.
      type: int
      returned: success
      sample: 0
    to_do:
      description: Nothing was sent yet. In a dry run, what would be sent.
      type: int
      returned: success
      sample: 0
to_do:
  description: In a dry run, the first 500 devices to which something would be sent.
  type: list
  elements: str
  returned: success
failures:
  description: The first 500 devices that failed. They do not fail the module.
  type: list
  elements: dict
  returned: success
  contains:
    device:
      description: The serial number.
      type: str
      returned: success
      sample: DMPXK0ABCDEF
    state:
      description: V(failed).
      type: str
      returned: success
      sample: failed
    reason:
      description: Why, in English (C(en)) and Japanese (C(ja)).
      type: dict
      returned: success
pending:
  description: The first 500 devices that wait, in the shape of RV(failures); the reason is what is awaited, or V(null).
  type: list
  elements: dict
  returned: success
records_path:
  description: The file with all records; V(null) if O(records_path) is absent, and in a dry run.
  type: str
  returned: success
devices:
  description: What the first 500 devices that have ever answered are; all of them are in RV(records_path).
  type: list
  elements: dict
  returned: success
  sample: [{device: C02XK0ABCDEF, os_version: "18.4", supervised: true, lost_mode: false, find_my: false, battery: 0.8}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._campaign import ONE_OF_DEVICES, STEP_OPTIONS, run_step
from ..module_utils._module import MDM_ONLY_OPTIONS

ARGUMENT_SPEC = {**STEP_OPTIONS, **MDM_ONLY_OPTIONS}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES],
        required_one_of=[ONE_OF_DEVICES],
        supports_check_mode=True,
    )
    run_step(module, "collect", asks_only=True)


if __name__ == "__main__":
    main()
