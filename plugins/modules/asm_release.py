#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Release devices from the organisation in Apple Business, for good."""

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_release
short_description: Release devices from the organisation in Apple Business, for good
version_added: "0.1.0"
description:
  - The devices leave the organisation and nobody can bring them back by the API. To end the management of devices,
    M(nendo.apple_mdm.asm_unassign) is enough, and that can be undone.
  - Apple School Manager's API has no such call, so an account of it is refused.
  - Only a device is released that was unassigned in the same campaign. Done is a device that the organisation does not have any
    more.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.step
  - nendo.apple_mdm._attributes.campaign_group
  - nendo.apple_mdm._campaign
  - nendo.apple_mdm._campaign.devices
  - nendo.apple_mdm._campaign.step
  - nendo.apple_mdm._campaign.guards
  - nendo.apple_mdm._asm
options:
  confirm_release:
    description: Has to be C(release-) and O(campaign), else nothing but a dry run is done. It comes on top of O(confirm).
    type: str
  devices_per_activity:
    description: Devices of one activity. Apple documents no limit.
    type: int
    default: 1000
requirements:
  - requests
  - PyJWT
  - SQLAlchemy
  - cryptography
seealso:
  - module: nendo.apple_mdm.asm_unassign
  - name: Apple, Create an OrgDeviceActivity
    description: The call that does it.
    link: https://developer.apple.com/documentation/applebusinessapi/create-an-orgdeviceactivity
"""

EXAMPLES = r"""
- name: The devices that were sold are released
  nendo.apple_mdm.asm_release:
    campaign: graduation-2027
    confirm: graduation-2027
    tenant: sakura_school
    ledger: /srv/apple_mdm/ledger.db
    devices_path: /srv/apple_mdm/grade6_2027.txt
    max_devices: 150
    confirm_release: release-graduation-2027
    asm:
      client_id: "{{ asm_client_id }}"
      key_id: "{{ asm_key_id }}"
      private_key: "{{ vault_asm_private_key }}"
  register: released
  failed_when: released.failures | length > 0
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
  sample: release
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
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._campaign import GUARD_OPTIONS, ONE_OF_DEVICES, STEP_OPTIONS, run_step
from ..module_utils._steps import RELEASE_OPTIONS

ARGUMENT_SPEC = {**STEP_OPTIONS, **GUARD_OPTIONS, **RELEASE_OPTIONS}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES],
        required_one_of=[ONE_OF_DEVICES],
        supports_check_mode=True,
    )
    run_step(module, "release")


if __name__ == "__main__":
    main()
