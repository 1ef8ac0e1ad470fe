#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Erase devices with Return to Service, each once, and see them come back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mdm_device_wipe
short_description: Erase devices with Return to Service, each once in a campaign
version_added: "0.1.0"
description:
  - Erases each device so that it sets itself up and enrols again without a touch, and with nothing of its user.
  - A device is erased once for ever in a campaign, whatever dies in between. Whether a lost request arrived is settled by
    evidence alone, never by sending again.
  - Done is a device that was seen to enrol again. An accepted command is not.
  - A device that answers a day later, and was neither heard to take the erase nor seen to enrol again, fails for good, since word
    of both may have been lost. Look at it.
  - M(nendo.apple_mdm.mdm_device_info) has to have looked at the device before in the same campaign. A device that has enrolled
    anew since then is left alone, since it may have another user.
  - Left alone, with the reason, are devices with a system before 17, in lost mode, with Find My or the Activation Lock on, with
    little battery, with a mobile line nobody has decided on, without a network after the erase, or not heard of for a day.
  - Where O(mdm.dep_url), O(mdm.dep_api_key) and O(mdm.dep_name) are given, Apple is asked whether each device is assigned to this
    MDM server and has an enrolment profile, without which it would not come back. Where they are not, nobody looks.
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
options:
  wifi_profile_path:
    description:
      - A configuration profile with the Wi-Fi network that the erased device joins. A network with a password, without a sign-in
        page, and in range where the device is erased. The device gets it with the command.
      - Any other file is refused before anything is sent, in check mode too. The profile may be signed, but not encrypted.
    type: path
  preserve_data_plan:
    description: Whether an eSIM stays. Has to be given for devices with a mobile line.
    type: bool
  end_setup:
    description:
      - Whether a device that waits in Setup Assistant after its return is told to go on (C(DeviceConfigured)). Set it to V(false)
        if something else of yours installs profiles and apps at that moment and tells the device itself.
    type: bool
    default: true
requirements:
  - requests
  - SQLAlchemy
  - cryptography
  - asn1crypto (only for a signed Wi-Fi profile)
seealso:
  - module: nendo.apple_mdm.mdm_device_info
  - module: nendo.apple_mdm.campaign_info
  - name: Apple, Returning a managed device to service
    description: What the device does.
    link: https://developer.apple.com/documentation/devicemanagement/returning-a-managed-device-to-service
"""

EXAMPLES = r"""
- name: The devices of the year group are erased and enrolled again
  nendo.apple_mdm.mdm_device_wipe:
    campaign: graduation-2027
    confirm: graduation-2027
    tenant: sakura_school
    ledger: /srv/apple_mdm/ledger.db
    ledger_key: "{{ vault_ledger_key }}"
    devices_path: /srv/apple_mdm/grade6_2027.txt
    max_devices: 150
    mdm: "{{ apple_mdm_server }}"
    wifi_profile_path: /srv/apple_mdm/setup-wifi.mobileconfig
    wait_timeout: 1800
  register: wiped
  failed_when: wiped.failures | length > 0
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
  sample: wipe
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
from ..module_utils._steps import WIPE_OPTIONS

ARGUMENT_SPEC = {**STEP_OPTIONS, **GUARD_OPTIONS, **MDM_ONLY_OPTIONS, **WIPE_OPTIONS}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES],
        required_one_of=[ONE_OF_DEVICES],
        supports_check_mode=True,
    )
    run_step(module, "wipe")


if __name__ == "__main__":
    main()
