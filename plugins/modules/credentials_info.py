#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tell the three credentials of a tenant: expiry, days left, identity, verdict."""

from __future__ import annotations

DOCUMENTATION = r"""
module: credentials_info
short_description: Tell when a tenant's three Apple credentials expire, and whether they are due
version_added: "0.1.0"
description:
  - Reads the push certificate, the ADE server token and the Apps and Books content token in use, and the orders under
    way, and says of each whether it has to be renewed and why. Writes nothing.
  - A credential that cannot be read does not hide the others. Its entry carries the RV(credentials[].error), and it
    counts as due.
  - Credentials that the option O(mdm) does not describe are left out.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.info
  - nendo.apple_mdm._attributes.group
  - nendo.apple_mdm._store
  - nendo.apple_mdm._tenant
requirements:
  - requests
  - cryptography (only if the push certificate in use is known from O(mdm.push_certificate_path) alone)
seealso:
  - module: nendo.apple_mdm.apns_cert_info
  - module: nendo.apple_mdm.ade_token_info
  - module: nendo.apple_mdm.vpp_token_info
"""

EXAMPLES = r"""
- name: Expiry and verdict of the three credentials are known
  nendo.apple_mdm.credentials_info:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
    order_store: /srv/apple_mdm/orders
  register: state

- name: What is due is shown
  ansible.builtin.debug:
    msg: "{{ state.due }}"
"""

RETURN = r"""
due:
  description: The credentials that need work, because they are in the renewal window, an order is open, or something
    is wrong with them.
  type: list
  elements: str
  returned: success
  sample: [push_certificate]
credentials:
  description: One entry a credential.
  type: list
  elements: dict
  returned: success
  contains:
    credential:
      description: V(push_certificate), V(server_token) or V(content_token).
      type: str
      returned: success
      sample: push_certificate
    identity:
      description: What stays the same at a renewal, the topic, the consumer key, or the organisation.
      type: str
      returned: success
      sample: com.apple.mgmt.External.e0bd1eac-1f17-4c8e-8a63-dd17d3dd35d9
    serial:
      description: Serial number in upper-case hex, of a push certificate whose server or order tells it.
      type: str
      returned: success
      sample: 734DF9C0BB2703FD
    not_after:
      description: End of validity.
      type: str
      returned: success
      sample: "2026-12-13T04:05:06Z"
    days_left:
      description: Whole days left; negative after the end.
      type: int
      returned: success
      sample: 20
    source:
      description: Who tells it. V(server), V(order) for the last proven order, V(file) for the inventory's file, V(none).
      type: str
      returned: success
      sample: server
    renew:
      description: Whether it has to be renewed.
      type: bool
      returned: success
      sample: true
    code:
      description: Why. V(missing), V(expired), V(due), V(not_due), V(refused) if Apple said so, or V(error).
      type: str
      returned: success
      sample: due
    reason:
      description: The same as a sentence, in English (C(en)) and Japanese (C(ja)).
      type: dict
      returned: success
    due:
      description: Whether work is to be done, because a renewal is due, an order is open or something is wrong.
      type: bool
      returned: success
      sample: true
    order:
      description: The order under way, in the shape that M(nendo.apple_mdm.apns_csr) returns; V(null) if none is.
      type: dict
      returned: success
    error:
      description: Why it could not be read; else V(null).
      type: str
      returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import AppleMdmError
from ..module_utils._module import TENANT_OPTIONS, Desk, desk_for
from ..module_utils._time import now_utc
from ..module_utils.orders.model import CREDENTIALS
from ..module_utils.orders.status import checked, status_view, unknown_view


def tell(desk: Desk, credential: str) -> dict:
    now = now_utc()
    try:
        status = desk.look(credential, now)
    except AppleMdmError as error:
        return unknown_view(credential, str(error))
    try:
        status = checked(status, desk.port(credential)) if desk.params["check_apple"] else status
    except AppleMdmError as error:
        return {**status_view(status, desk.store, now), "due": True, "error": str(error)}
    return status_view(status, desk.store, now)


def main() -> None:
    module = AnsibleModule(argument_spec=TENANT_OPTIONS, supports_check_mode=True)
    with desk_for(module) as desk:
        credentials = [tell(desk, credential) for credential in CREDENTIALS if getattr(desk.driver, credential)]
        module.exit_json(credentials=credentials, due=[each["credential"] for each in credentials if each["due"]])


if __name__ == "__main__":
    main()
