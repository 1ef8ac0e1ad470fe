#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fetch the file of an order from Apple's portal, where a person only signs in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: portal_assist
short_description: Fetch an order's file from Apple's portal while a person only signs in
version_added: "0.1.0"
description:
  - Opens Apple's portal in a browser on this machine and waits until the person has signed in, second factor included.
    Then it does what the order's instructions ask for, judges the downloaded file against the order, and puts it into
    the order's inbox, where the next run takes it.
  - It never sees, stores or types an Apple password, and keeps no session.
  - For a push certificate it presses Renew only in the one row whose UID is the order's. If there is none, or more than
    one, or if the portal says Get Started, it presses nothing.
  - Does nothing if no order of O(credential) waits for a file.
author: nendo.apple_mdm contributors (@nendo-mdm)
attributes:
  check_mode:
    support: full
    description: Tells which order would be served; opens no browser.
  diff_mode:
    support: none
    description: What changes is a file in an inbox.
  idempotent:
    support: full
    description: A file that fits and lies in the inbox already is not fetched again.
extends_documentation_fragment:
  - nendo.apple_mdm._store
options:
  tenant:
    description: The tenant's name, under which its orders are kept.
    type: str
    required: true
  credential:
    description: The credential whose order is served.
    type: str
    choices: [push_certificate, server_token, content_token]
    required: true
  server_name:
    description: The MDM server's name in the portal. If absent, that of the order.
    type: str
  location:
    description: The location's name in the portal, for a content token. If absent, that of the order.
    type: str
  organization:
    description: The organisation that a content token must name. If absent, that of the token in use.
    type: str
  browser_path:
    description: The Chromium, Chrome or Edge to use. If absent, the first that is found.
    type: path
  headless:
    description: Works without a window. Nobody can sign in then; for tests.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for something to show.
    type: int
    default: 30
  sign_in_timeout:
    description: Seconds to wait until the person has signed in.
    type: int
    default: 600
requirements:
  - playwright
  - cryptography
  - asn1crypto
  - Chromium, Google Chrome or Microsoft Edge
seealso:
  - module: nendo.apple_mdm.apns_csr
  - module: nendo.apple_mdm.ade_public_key
  - module: nendo.apple_mdm.vpp_token
"""

EXAMPLES = r"""
- name: The renewed push certificate is in the order's inbox
  nendo.apple_mdm.portal_assist:
    tenant: "{{ inventory_hostname }}"
    order_store: /srv/apple_mdm/orders
    credential: push_certificate
"""

RETURN = r"""
order:
  description: The id of the order that was served; V(null) if none waits for a file.
  type: str
  returned: success
  sample: push_certificate-2026-11-23
path:
  description: The file in the inbox; V(null) if none was fetched.
  type: str
  returned: success
  sample: /srv/apple_mdm/orders/example_school/push_certificate-2026-11-23/inbox/MDM_certificate.pem
facts:
  description: What the file says, without secrets.
  type: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._libraries import require
from ..module_utils._module import STORE_OPTIONS, guard, store_for
from ..module_utils.portals.errand import Served, serve

ARGUMENT_SPEC = {
    **STORE_OPTIONS,
    "tenant": {"type": "str", "required": True},
    "credential": {
        "type": "str",
        "required": True,
        "choices": ["push_certificate", "server_token", "content_token"],
    },
    "server_name": {"type": "str"},
    "location": {"type": "str"},
    "organization": {"type": "str"},
    "browser_path": {"type": "path"},
    "headless": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 30},
    "sign_in_timeout": {"type": "int", "default": 600},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    with guard(module):
        require("playwright", "cryptography", "asn1crypto")
        served: Served = serve(module.params, store_for(module), check_mode=module.check_mode)
        module.exit_json(changed=served.changed, order=served.order, path=served.path, facts=served.facts)


if __name__ == "__main__":
    main()
