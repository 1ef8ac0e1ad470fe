#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Take the licences of Apps and Books back from devices."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpp_license_revoke
short_description: Take the device licences of Apps and Books back from devices
version_added: "0.1.0"
description:
  - Asks Apple to disassociate every licence that is assigned to the serial numbers, in the fewest calls, and reads the
    assignments back. Nothing left is the proof.
  - Where the tenant's MDM server takes licences back itself (CLOMO PANEL), O(mdm) is enough, and Apple is not asked.
  - Licences of users are left alone, and so is every device that is not listed.
  - Apple carries a change out later, and perhaps in part. What is left by then fails with Apple's number, or is pending.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.step
  - nendo.apple_mdm._attributes.campaign_group
  - nendo.apple_mdm._campaign
  - nendo.apple_mdm._campaign.devices
  - nendo.apple_mdm._campaign.step
  - nendo.apple_mdm._campaign.guards
  - nendo.apple_mdm._mdm.optional
options:
  content_token:
    description:
      - The content token of the location, the text of its C(.vpptoken) file. Give this or O(content_token_path), or O(mdm) of a
        server that takes licences back itself.
    type: str
  content_token_path:
    description: The content token's file.
    type: path
  mdm_id:
    description: If given, a location that another MDM server than this manages is refused.
    type: str
  apps_and_books_url:
    description: The service's address.
    type: str
    default: https://vpp.itunes.apple.com/mdm/v2
  ca_path:
    description: A CA bundle, if the address has a certificate of another CA.
    type: path
  timeout:
    description: Seconds that a call may take.
    type: int
    default: 30
requirements:
  - requests
  - SQLAlchemy
  - cryptography
seealso:
  - module: nendo.apple_mdm.vpp_token_info
  - module: nendo.apple_mdm.campaign_info
  - name: Apple, Disassociate assets
    description: The call that does it.
    link: https://developer.apple.com/documentation/devicemanagement/disassociate-assets
"""

EXAMPLES = r"""
- name: The graduates' devices have no licences
  nendo.apple_mdm.vpp_license_revoke:
    campaign: graduation-2027
    confirm: graduation-2027
    tenant: sakura_school
    ledger: /srv/apple_mdm/ledger.db
    devices_path: /srv/apple_mdm/grade6_2027.txt
    max_devices: 150
    content_token_path: /srv/apple_mdm/sakura.vpptoken
  register: licences
  failed_when: licences.failures | length > 0
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
  sample: licences
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
from ..module_utils._steps import LICENCE_OPTIONS

ONE_TOKEN = ("content_token", "content_token_path")
MDM = {"mdm": {**MDM_ONLY_OPTIONS["mdm"], "required": False}}
ARGUMENT_SPEC = {**STEP_OPTIONS, **GUARD_OPTIONS, **MDM, **LICENCE_OPTIONS}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES, ONE_TOKEN],
        required_one_of=[ONE_OF_DEVICES, (*ONE_TOKEN, "mdm")],
        supports_check_mode=True,
    )
    run_step(module, "licences")


if __name__ == "__main__":
    main()
