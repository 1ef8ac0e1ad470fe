#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Remove from devices the configuration profiles that the MDM server may remove."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mdm_profile_remove
short_description: Remove the configuration profiles from devices that leave
version_added: "0.1.0"
description:
  - Removes every profile that the MDM server installed and, from a supervised device, those that somebody else did. One command goes
    to all devices that have the same profile.
  - The profile with the MDM enrolment stays until M(nendo.apple_mdm.mdm_device_delete). A device whose list does not show which
    one that is fails, and nothing is removed from it.
  - Done is a device that has acknowledged every removal, or whose own list shows that nothing is left.
  - M(nendo.apple_mdm.mdm_device_info) has to have looked at the device before in the same campaign. A device that has enrolled
    anew since then is left alone.
  - For MDM servers of the NanoMDM family, with nendo-events running.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.step
  - nendo.apple_mdm._attributes.campaign_group
  - nendo.apple_mdm._campaign
  - nendo.apple_mdm._campaign.devices
  - nendo.apple_mdm._campaign.step
  - nendo.apple_mdm._campaign.guards
  - nendo.apple_mdm._mdm
requirements:
  - requests
  - SQLAlchemy
  - cryptography
seealso:
  - module: nendo.apple_mdm.mdm_device_info
  - module: nendo.apple_mdm.mdm_app_remove
"""

EXAMPLES = r"""
- name: The school's profiles are off the graduates' devices
  nendo.apple_mdm.mdm_profile_remove:
    campaign: graduation-2027
    confirm: graduation-2027
    tenant: sakura_school
    ledger: /srv/apple_mdm/ledger.db
    devices_path: /srv/apple_mdm/grade6_2027.txt
    max_devices: 150
    mdm: "{{ apple_mdm_server }}"
  register: profiles
  failed_when: profiles.failures | length > 0
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
  sample: profiles
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
from ..module_utils._module import MDM_ONLY_OPTIONS

ARGUMENT_SPEC = {**STEP_OPTIONS, **GUARD_OPTIONS, **MDM_ONLY_OPTIONS}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES],
        required_one_of=[ONE_OF_DEVICES],
        supports_check_mode=True,
    )
    run_step(module, "profiles")


if __name__ == "__main__":
    main()
