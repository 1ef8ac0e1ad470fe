#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Write a database's orders out as folders."""

from __future__ import annotations

DOCUMENTATION = r"""
module: orders_export
short_description: Write the orders of a database out as folders
version_added: "0.1.0"
description:
  - Writes every order of every tenant in an order store that is a database as a folder of the same shape as the folder
    store has, for archives and auditors. Adds what is missing and deletes nothing.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes
  - nendo.apple_mdm._store
options:
  path:
    description: The folder that receives the orders, an absolute path.
    type: path
    required: true
  include_secrets:
    description: Also write private keys and tokens, decrypted, with mode 0600.
    type: bool
    default: false
requirements:
  - SQLAlchemy
  - psycopg[binary] (for PostgreSQL)
  - cryptography
"""

EXAMPLES = r"""
- name: All orders are in the archive
  nendo.apple_mdm.orders_export:
    order_store: "{{ apple_mdm_order_store }}"
    order_store_key: "{{ apple_mdm_order_store_key }}"
    path: /srv/apple_mdm/archive
"""

RETURN = r"""
orders:
  description: The folders that were written, or would be in check mode.
  type: list
  elements: str
  returned: success
  sample: [/srv/apple_mdm/archive/example_school/push_certificate-2026-11-23]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._module import STORE_OPTIONS, guard, store_for
from ..module_utils.orders.store import export_orders

ARGUMENT_SPEC = {
    **STORE_OPTIONS,
    "path": {"type": "path", "required": True},
    "include_secrets": {"type": "bool", "default": False, "no_log": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    with guard(module):
        orders = export_orders(
            store_for(module),
            params["path"],
            write=not module.check_mode,
            include_secrets=params["include_secrets"],
        )
        module.exit_json(changed=bool(orders), orders=orders, diff={"before": {}, "after": {"orders": orders}})


if __name__ == "__main__":
    main()
