#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Take the renewed push certificate, judge it, upload it, prove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apns_cert_upload
short_description: Put the renewed MDM push certificate on the MDM server, and prove it
version_added: "0.1.0"
description:
  - Takes the certificate that came back from Apple's portal for the order that M(nendo.apple_mdm.apns_csr) opened,
    judges it against the order (same topic, the order's own key, newer than the one in use, and more), uploads it
    with its key and reads it back. Only then the order is proven.
  - The file is taken from the order's inbox, whatever its name, or from O(certificate_path) or O(certificate_content).
    Wrong files stay where they are, with the reason and the cure told; another certificate is never uploaded.
  - Where the MDM server cannot tell which certificate it uses (NanoMDM v0.9.0), its answer to the upload is the proof,
    and RV(order.verified_by) says so.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes
  - nendo.apple_mdm._attributes.group
  - nendo.apple_mdm._store
  - nendo.apple_mdm._tenant
  - nendo.apple_mdm._receive
options:
  certificate_path:
    description: The certificate as downloaded, instead of the order's inbox. A wrong file is then an error.
    type: path
  certificate_content:
    description: The certificate's text, for surveys. An empty string counts as not given.
    type: str
  privatekey_passphrase:
    description: Passphrase of the order's private key, if M(nendo.apple_mdm.apns_csr) was given one.
    type: str
requirements:
  - requests
  - cryptography
  - jinja2
  - httpx[http2] (only for the probe of the suboption O(mdm.probe_apns))
seealso:
  - module: nendo.apple_mdm.apns_csr
  - module: nendo.apple_mdm.apns_cert_info
"""

EXAMPLES = r"""
- name: The certificate from the order's inbox is on the server and proven
  nendo.apple_mdm.apns_cert_upload:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
    order_store: /srv/apple_mdm/orders
  register: renewal

- name: The certificate from an AWX survey is on the server and proven
  nendo.apple_mdm.apns_cert_upload:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
    order_store: "{{ apple_mdm_order_store }}"
    order_store_key: "{{ apple_mdm_order_store_key }}"
    certificate_content: "{{ survey_push_certificate }}"
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

from ..module_utils._module import RECEIVE_OPTIONS, TENANT_OPTIONS, desk_for, exit_completed, given_file
from ..module_utils.orders.push_certificate import PushCertificateKind

ARGUMENT_SPEC = {
    **TENANT_OPTIONS,
    **RECEIVE_OPTIONS,
    "certificate_path": {"type": "path"},
    "certificate_content": {"type": "str", "no_log": True},  # people paste keys and tokens here by mistake
    "privatekey_passphrase": {"type": "str", "no_log": True},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=[["certificate_path", "certificate_content"]],
        supports_check_mode=True,
    )
    probe = ("httpx", "h2") if module.params["mdm"]["probe_apns"] else ()
    with desk_for(module, "cryptography", "jinja2", *probe) as desk:
        kind = PushCertificateKind(passphrase=module.params["privatekey_passphrase"] or None)
        given = given_file(module, "certificate")
        outcome = desk.run(kind).complete(given, wait=module.params["handoff_wait"])
        exit_completed(module, outcome, desk)


if __name__ == "__main__":
    main()
