#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Take devices from their MDM server in Apple School Manager or Apple Business."""

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_unassign
short_description: Unassign devices from their MDM server in Apple School Manager or Apple Business
version_added: "0.1.0"
description:
  - Asks Apple to unassign the devices, up to O(devices_per_activity) in one activity, and reads the assignments back.
  - Only devices that are assigned to O(server_name) are sent. One of another server is left alone and named; one that the
    organisation does not have fails, since Apple would take it without a word.
  - A device that is erased after this no longer enrols by itself. Unassign it only after it was deleted from the MDM server.
  - A device whose request may or may not have arrived is settled by its assignment alone.
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
  server_name:
    description: The device management service (MDM server) that the devices leave, by its name in Apple's portal.
    type: str
    required: true
  devices_per_activity:
    description: Devices of one activity. Apple documents no limit.
    type: int
    default: 1000
requirements:
  - requests
  - PyJWT
  - cryptography
  - SQLAlchemy
seealso:
  - module: nendo.apple_mdm.asm_device_info
  - module: nendo.apple_mdm.campaign_info
  - name: Apple, Create an OrgDeviceActivity
    description: The call that does it.
    link: https://developer.apple.com/documentation/appleschoolmanagerapi/create-an-orgdeviceactivity
"""

EXAMPLES = r"""
- name: The graduates' devices have left the MDM server
  nendo.apple_mdm.asm_unassign:
    campaign: graduation-2027
    confirm: graduation-2027
    tenant: sakura_school
    ledger: /srv/apple_mdm/ledger.db
    devices_path: /srv/apple_mdm/grade6_2027.txt
    max_devices: 150
    server_name: Sakura MDM
    asm:
      client_id: "{{ asm_client_id }}"
      key_id: "{{ asm_key_id }}"
      private_key: "{{ vault_asm_private_key }}"
  register: unassigned
  failed_when: unassigned.failures | length > 0
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
  sample: unassign
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
from ..module_utils._steps import UNASSIGN_OPTIONS

ARGUMENT_SPEC = {**STEP_OPTIONS, **GUARD_OPTIONS, **UNASSIGN_OPTIONS}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES],
        required_one_of=[ONE_OF_DEVICES],
        supports_check_mode=True,
    )
    run_step(module, "unassign")


if __name__ == "__main__":
    main()
