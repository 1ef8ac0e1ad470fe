#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Take the new content token of Apps and Books, judge it, store it, prove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vpp_token
short_description: Renew the Apps and Books (VPP) content token, and prove it
version_added: "0.1.0"
description:
  - Looks at the content token in use. If it expires within O(renew_before_days) days, opens an order and writes the
    instructions for the person who downloads the new token.
  - Takes the C(.vpptoken) from the order's inbox, or from O(token_path) or O(token_content), judges it, asks Apps and
    Books whether it is the same location and not claimed by another MDM server, puts it where the driver keeps it
    (NanoMDM keeps none, so the file of the suboption O(mdm.content_token_path), mode 0600), and proves it with Apple.
  - A token that is given when none is due is taken too, through an order of its own.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes
  - nendo.apple_mdm._attributes.group
  - nendo.apple_mdm._store
  - nendo.apple_mdm._tenant
  - nendo.apple_mdm._receive
  - nendo.apple_mdm._portal
options:
  organization:
    description: The organisation that the token must name. Defaults to that of the token in use. Set it after the
      organisation was renamed at Apple.
    type: str
  token_path:
    description: The content token as downloaded, instead of the order's inbox. A wrong file is then an error.
    type: path
  token_content:
    description: The content token's text, for surveys. An empty string counts as not given.
    type: str
requirements:
  - requests
  - jinja2
seealso:
  - module: nendo.apple_mdm.vpp_token_info
  - name: Manage content tokens
    description: Apple's description of the download.
    link: https://support.apple.com/guide/business/manage-content-tokens-axme0f8659ec
"""

EXAMPLES = r"""
- name: The content token is renewed as far as it will go
  nendo.apple_mdm.vpp_token:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
    order_store: /srv/apple_mdm/orders
    portal: school

- name: The content token from an AWX survey is in its place
  nendo.apple_mdm.vpp_token:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
    order_store: "{{ apple_mdm_order_store }}"
    order_store_key: "{{ apple_mdm_order_store_key }}"
    token_content: "{{ survey_content_token }}"
"""

RETURN = r"""
renew:
  description: Whether the credential in use has to be renewed.
  type: bool
  returned: success
  sample: true
code:
  description: Why, as a word. V(missing), V(expired), V(due) or V(not_due).
  type: str
  returned: success
  sample: due
reason:
  description: The same as a sentence.
  type: dict
  returned: success
  contains:
    en:
      description: English.
      type: str
      returned: success
      sample: "It expires on 13 December 2026, in 20 days: inside the renewal window of 30 days."
    ja:
      description: Japanese.
      type: str
      returned: success
      sample: 2026年12月13日に有効期限が切れます(残り20日)。
days_left:
  description: Whole days that the credential in use was still valid when the module looked; V(null) if none is known.
  type: int
  returned: success
  sample: 20
pending:
  description: Whether an order is open and waits for somebody or something.
  type: bool
  returned: success
  sample: true
awaiting:
  description: What it waits for, one sentence in each language; V(null) if nothing is awaited.
  type: dict
  returned: success
  contains:
    en:
      description: English.
      type: str
      returned: success
      sample: A person has to fetch the new file from Apple's portal, as the order's instructions say.
    ja:
      description: Japanese.
      type: str
      returned: success
      sample: 担当者が手順書に従って、Apple のポータルから新しいファイルを受け取る必要があります。
instructions:
  description: The page for the person, while the order is in the person's hands. Its path, or its text where orders live
    in a database. Else V(null), as in check mode.
  type: dict
  returned: success
  contains:
    en:
      description: English.
      type: str
      returned: success
      sample: /srv/apple_mdm/orders/example_school/push_certificate-2026-11-23/instructions.en.html
    ja:
      description: Japanese.
      type: str
      returned: success
      sample: /srv/apple_mdm/orders/example_school/push_certificate-2026-11-23/instructions.ja.html
order:
  description: The order worked on; V(null) if none is open and none is due.
  type: dict
  returned: success
  contains:
    id:
      description: The order's name, unique for the tenant.
      type: str
      returned: success
      sample: push_certificate-2026-11-23
    tenant:
      description: The tenant.
      type: str
      returned: success
      sample: example_school
    credential:
      description: V(push_certificate), V(server_token) or V(content_token).
      type: str
      returned: success
      sample: push_certificate
    state:
      description: V(open), V(requested), V(handed_off), V(received), V(uploaded), V(proven) or V(void).
      type: str
      returned: success
      sample: handed_off
    place:
      description: Where the order is, its folder, or the database with the order's id.
      type: str
      returned: success
      sample: /srv/apple_mdm/orders/example_school/push_certificate-2026-11-23
    inbox:
      description: The folder that takes the file from Apple; V(null) where orders live in a database.
      type: str
      returned: success
      sample: /srv/apple_mdm/orders/example_school/push_certificate-2026-11-23/inbox
    in_use_before:
      description: The credential in use when the order was opened, as RV(order.in_use).
      type: dict
      returned: success
    in_use:
      description: The new credential once the order is proven; before that V(null).
      type: dict
      returned: success
      contains:
        identity:
          description: What stays the same at a renewal, the topic, the consumer key, or the organisation.
          type: str
          returned: success
          sample: com.apple.mgmt.External.e0bd1eac-1f17-4c8e-8a63-dd17d3dd35d9
        serial:
          description: Serial number in upper-case hex, of a push certificate.
          type: str
          returned: success
          sample: 734DF9C0BB2703FD
        not_after:
          description: End of validity. V(null) in check mode where only the server can know it.
          type: str
          returned: success
          sample: "2027-11-23T04:05:06Z"
    verified_by:
      description: What proved the order, V(server) for a read-back, V(upload_answer) where the server cannot be read.
      type: str
      returned: success
      sample: server
    refused:
      description: Files that were refused, each with RV(order.refused[].code) and the sentences.
      type: list
      elements: dict
      returned: success
      contains:
        file:
          description: The file's name.
          type: str
          returned: success
          sample: certificate.pem
        code:
          description: The verdict's stable code; the documentation has the table of all.
          type: str
          returned: success
          sample: other_topic
        reason:
          description: What is wrong with it, in English (C(en)) and Japanese (C(ja)).
          type: dict
          returned: success
        cure:
          description: What to do, in English (C(en)) and Japanese (C(ja)).
          type: dict
          returned: success
    void_reason:
      description: Why the order was given up, with C(code) and C(what); else V(null).
      type: dict
      returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._module import (
    PORTAL_OPTIONS,
    RECEIVE_OPTIONS,
    TENANT_OPTIONS,
    desk_for,
    exit_completed,
    given_file,
)
from ..module_utils.orders.content_token import ContentTokenKind, is_in_use

ARGUMENT_SPEC = {
    **TENANT_OPTIONS,
    **RECEIVE_OPTIONS,
    **PORTAL_OPTIONS,
    "organization": {"type": "str"},
    "token_path": {"type": "path"},
    "token_content": {"type": "str", "no_log": True},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, mutually_exclusive=[["token_path", "token_content"]], supports_check_mode=True
    )
    with desk_for(module, "jinja2") as desk:
        params = module.params
        kind = ContentTokenKind(
            params["organization"] or None,
            params["apple_account"] or None,
            params["portal"],
            params["portal_url"] or None,
        )
        given = given_file(module, "token")
        run = desk.run(kind)
        forced = bool(given) and not is_in_use(given[0].data, desk.port("content_token"))
        prepared = run.prepare(unasked=given[0] if forced else None)
        completed = run.complete(given, wait=params["handoff_wait"], forced=forced)
        exit_completed(module, completed.since(prepared), desk)


if __name__ == "__main__":
    main()
