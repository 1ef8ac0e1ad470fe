#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tell the content token in use, or judge one in a file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpp_token_info
short_description: Tell the Apps and Books (VPP) content token in use, or what a token file is
version_added: "0.1.0"
description:
  - Without a file, tells the content token in use, its organisation and expiry, and whether a renewal is due.
  - With O(token_path) or O(token_content), judges the file as the successor of the one in use.
  - A file can be judged without any tenant; then nothing is compared with the one in use.
  - Never returns the token itself.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.info
  - nendo.apple_mdm._attributes.group
  - nendo.apple_mdm._store.optional
  - nendo.apple_mdm._tenant.optional
options:
  token_path:
    description: A token file to be judged.
    type: path
  token_content:
    description: The same as text.
    type: str
requirements:
  - requests
seealso:
  - module: nendo.apple_mdm.vpp_token
"""

EXAMPLES = r"""
- name: The content token in use is known, and that Apple accepts it
  nendo.apple_mdm.vpp_token_info:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
    order_store: /srv/apple_mdm/orders
    check_apple: true
"""

RETURN = r"""
tokens:
  description: One entry, the token in use; none without O(mdm).
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
      description: Why. V(missing), V(expired), V(due), V(not_due).
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
    apple:
      description: What Apple tells.
      type: dict
      returned: when O(check_apple=true)
verdicts:
  description: One entry for each file that was given.
  type: list
  elements: dict
  returned: success
  contains:
    accepted:
      description: Whether it could be taken.
      type: bool
      returned: success
      sample: false
    code:
      description: The verdict's stable code.
      type: str
      returned: success
      sample: other_topic
    reason:
      description: What the file is, in English (C(en)) and Japanese (C(ja)).
      type: dict
      returned: success
    cure:
      description: What to do, in English (C(en)) and Japanese (C(ja)).
      type: dict
      returned: success
    facts:
      description: What stands in the file, without secrets.
      type: dict
      returned: success
    warnings:
      description: What is odd but no reason to refuse.
      type: list
      elements: dict
      returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._module import FILE_OR_TENANT_OPTIONS, desk_if_given, given_file
from ..module_utils._time import now_utc
from ..module_utils.credentials.content_token import judge_content_token
from ..module_utils.orders.status import status_view

ARGUMENT_SPEC = {
    **FILE_OR_TENANT_OPTIONS,
    "token_path": {"type": "path"},
    "token_content": {"type": "str", "no_log": True},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, mutually_exclusive=[["token_path", "token_content"]], supports_check_mode=True
    )
    with desk_if_given(module) as desk:
        now = now_utc()
        status = desk.look("content_token", now) if desk else None
        in_use = status.in_use if status else None
        verdicts = [
            judge_content_token(
                file.data,
                now=now,
                organization=in_use.identity if in_use else None,
                fingerprint_in_use=in_use.facts.get("fingerprint_sha256") if in_use else None,
                not_after_in_use=in_use.not_after if in_use else None,
            ).as_dict()
            for file in given_file(module, "token")
        ]
        tokens = [status_view(status, desk.store, now)] if desk and status else []
        if desk and in_use and module.params["check_apple"]:
            tokens[0]["apple"] = dict(desk.port("content_token").check())
        module.exit_json(tokens=tokens, verdicts=verdicts)


if __name__ == "__main__":
    main()
