#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tell what Apple School Manager or Apple Business knows of devices."""

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_device_info
short_description: Tell what Apple School Manager or Apple Business knows of devices
version_added: "0.1.0"
description:
  - Reads each device's assignment and its data, by the fewest calls, since Apple allows few a minute.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.info
  - nendo.apple_mdm._campaign.devices
  - nendo.apple_mdm._asm
requirements:
  - requests
  - PyJWT
  - cryptography
seealso:
  - module: nendo.apple_mdm.asm_unassign
"""

EXAMPLES = r"""
- name: The assignments of two devices are known
  nendo.apple_mdm.asm_device_info:
    devices: [DMPXK0ABCDEF, DMPXK0ABCDEG]
    asm:
      client_id: "{{ asm_client_id }}"
      key_id: "{{ asm_key_id }}"
      private_key: "{{ vault_asm_private_key }}"
  register: at_apple
"""

RETURN = r"""
devices:
  description: One entry a device, in the order of O(devices).
  type: list
  elements: dict
  returned: success
  contains:
    device:
      description: The serial number.
      type: str
      returned: success
      sample: DMPXK0ABCDEF
    known:
      description: Whether the organisation has such a device.
      type: bool
      returned: success
      sample: true
    server_name:
      description: The device management service to which it is assigned; V(null) if to none.
      type: str
      returned: success
      sample: Sakura MDM
    attributes:
      description: What Apple tells of it, under Apple's names.
      type: dict
      returned: success
"""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._campaign import DEVICES_OPTIONS, ONE_OF_DEVICES, given_devices
from ..module_utils._libraries import require
from ..module_utils._module import guard
from ..module_utils._steps import SCHOOL_OPTIONS, school_client

if TYPE_CHECKING:
    from ..module_utils.apple.school import SchoolClient

ARGUMENT_SPEC = {**DEVICES_OPTIONS, "asm": {"type": "dict", "required": True, "options": SCHOOL_OPTIONS}}


def views(client: SchoolClient, devices: Sequence[str]) -> list[dict[str, Any]]:
    """One call a device and one more for each that is assigned, or every page where that is fewer."""
    servers = client.servers()
    pages = sum(int(server.get("deviceCount") or 0) // 1000 + 1 for server in servers)
    if pages < len(devices):
        known = {found["serialNumber"]: found for found in client.devices() if found["serialNumber"] in set(devices)}
        where = {serial: server["id"] for server in servers for serial in client.devices_of(server["id"])}
    else:
        known = {device: found for device in devices if (found := client.device(device)) is not None}
        assigned = [device for device, found in known.items() if found.get("status") == "ASSIGNED"]
        where = {device: client.assigned_server(device) or "" for device in assigned}
    names = {server["id"]: server.get("serverName") for server in servers}
    return [
        {
            "device": device,
            "known": device in known,
            "server_name": names.get(where.get(device, "")),
            "attributes": known.get(device, {}),
        }
        for device in devices
    ]


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[ONE_OF_DEVICES],
        required_one_of=[ONE_OF_DEVICES],
        supports_check_mode=True,
    )
    with guard(module):
        require("requests", "jwt", "cryptography")
        devices = given_devices(module.params)
        with contextlib.closing(school_client(module.params["asm"])) as client:
            module.exit_json(changed=False, devices=views(client, devices))


if __name__ == "__main__":
    main()
