#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Take the devices of a campaign through all their steps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: campaign_run
short_description: Take the devices of a campaign through all their steps, as far as they will go
version_added: "0.1.0"
description:
  - Does what the modules of the single steps do, in their order, with each device going on by itself. A device that does not answer
    holds up no other.
  - Nothing is asked for twice, in this run or any later one. Run it again until RV(devices.pending) is 0.
  - What Apple takes in one call for many devices waits until the others have answered or nothing has been heard of them for ten
    seconds.
  - M(nendo.apple_mdm.campaign_plan) has to come before it.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.step
  - nendo.apple_mdm._attributes.campaign_group
  - nendo.apple_mdm._campaign
  - nendo.apple_mdm._campaign.devices
  - nendo.apple_mdm._campaign.step
  - nendo.apple_mdm._campaign.guards
  - nendo.apple_mdm._campaign.course
  - nendo.apple_mdm._mdm
options:
  confirm_release:
    description: As in M(nendo.apple_mdm.asm_release).
    type: str
requirements:
  - requests
  - SQLAlchemy
  - cryptography
  - PyJWT (only with O(asm))
  - asn1crypto (only for a signed Wi-Fi profile)
seealso:
  - module: nendo.apple_mdm.campaign_plan
  - module: nendo.apple_mdm.campaign_info
"""

EXAMPLES = r"""
- name: The graduates' devices have left, as far as they will go today
  nendo.apple_mdm.campaign_run:
    campaign: graduation-2027
    confirm: graduation-2027
    tenant: sakura_school
    outcome: donate
    ledger: /srv/apple_mdm/ledger.db
    devices_path: /srv/apple_mdm/grade6_2027.txt
    max_devices: 150
    mdm: "{{ apple_mdm_server }}"
    apps: [com.example.agent]
    content_token_path: /srv/apple_mdm/sakura.vpptoken
    server_name: Sakura MDM
    asm:
      client_id: "{{ asm_client_id }}"
      key_id: "{{ asm_key_id }}"
      private_key: "{{ vault_asm_private_key }}"
  register: gone
  failed_when: gone.devices.failed > 0
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
steps:
  description: One entry a step, in their order.
  type: list
  elements: dict
  returned: success
  contains:
    step:
      description: The step.
      type: str
      returned: success
      sample: profiles
    summary:
      description: How many devices are in which state, as in M(nendo.apple_mdm.mdm_profile_remove).
      type: dict
      returned: success
      sample: {done: 118, pending: 2, failed: 0, in_doubt: 0, skipped: 0, to_do: 0}
devices:
  description: How far the devices have come.
  type: dict
  returned: success
  contains:
    done:
      description: Through all steps.
      type: int
      returned: success
      sample: 118
    pending:
      description: Still on their way; run again.
      type: int
      returned: success
      sample: 2
    failed:
      description: See RV(failures).
      type: int
      returned: success
      sample: 0
    unknown:
      description: Not entered by M(nendo.apple_mdm.campaign_plan).
      type: int
      returned: success
      sample: 0
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
    step:
      description: The step that it did not come through.
      type: str
      returned: success
      sample: profiles
    reason:
      description: Why, in English (C(en)) and Japanese (C(ja)); V(null) where nothing is known.
      type: dict
      returned: success
pending:
  description: The first 500 devices that are still on their way, in the shape of RV(failures); the reason is what is awaited.
  type: list
  elements: dict
  returned: success
records_path:
  description: The file with all records; V(null) if O(records_path) is absent, and in a dry run.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._campaign import GUARD_OPTIONS, ONE_OF_DEVICES, STEP_OPTIONS, run_course
from ..module_utils._module import MDM_ONLY_OPTIONS
from ..module_utils._steps import COURSE_OPTIONS, RELEASE_OPTIONS

ARGUMENT_SPEC = {
    **STEP_OPTIONS,
    **GUARD_OPTIONS,
    **MDM_ONLY_OPTIONS,
    **RELEASE_OPTIONS,
    **COURSE_OPTIONS,
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES, ("content_token", "content_token_path")],
        required_one_of=[ONE_OF_DEVICES],
        supports_check_mode=True,
    )
    run_course(module)


if __name__ == "__main__":
    main()
