#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Open or continue the order of a push certificate: key, request, instructions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apns_csr
short_description: Make the request that renews the MDM push certificate, and hand it to a person
version_added: "0.1.0"
description:
  - Looks at the push certificate in use. If it expires within O(renew_before_days) days, opens an order, makes a
    private key and the vendor-signed request for Apple's push certificate portal, and writes the instructions for the
    person who signs in there. An order that is open already is continued with the same key and the same request.
  - The private key is stored in the order (mode 0600, in a database encrypted) before anything leaves the machine.
  - The request is signed by your own MDM vendor certificate, or by the MDM server where its driver can, or by
    L(mdmcert.download,https://mdmcert.download), which answers by e-mail and is meant for tests and development.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes
  - nendo.apple_mdm._attributes.group
  - nendo.apple_mdm._store
  - nendo.apple_mdm._tenant
options:
  common_name:
    description: Common name in the request. Apple does not carry it into the certificate. Defaults to O(tenant).
    type: str
  email:
    description: E-mail address in the request, best that of the Apple Account. Defaults to O(apple_account).
    type: str
  country:
    description: Country in the request, two letters.
    type: str
    default: JP
  privatekey_passphrase:
    description: Encrypts the private key in the order. M(nendo.apple_mdm.apns_cert_upload) then needs it as well.
    type: str
  vendor_certificate_path:
    description: Your MDM vendor (MDM CSR) certificate, PEM.
    type: path
  vendor_privatekey_path:
    description: The vendor certificate's private key, PEM.
    type: path
  vendor_privatekey_passphrase:
    description: Passphrase of the vendor's private key.
    type: str
  vendor_chain_path:
    description: Apple's WWDR intermediate and Apple's root certificate, PEM, in this order.
    type: path
  mdmcert_email:
    description: Address registered with mdmcert.download. The signed request is sent there; its attachment goes into
      the order's inbox.
    type: str
  mdmcert_api_key:
    description: The API key of the client program at mdmcert.download.
    type: str
  mdmcert_url:
    description: Where the signing service is.
    type: str
    default: https://mdmcert.download
  apple_account:
    description: The Apple Account that owns the certificate's row in the portal. The instructions name it; without it
      they say how to find out and that nobody may guess.
    type: str
  portal_url:
    description: Apple's push certificate portal.
    type: str
    default: https://identity.apple.com/pushcert
requirements:
  - requests
  - cryptography
  - jinja2
  - asn1crypto (only for O(mdmcert_email))
seealso:
  - module: nendo.apple_mdm.apns_cert_upload
  - module: nendo.apple_mdm.apns_cert_info
  - name: Setting up push notifications for your MDM customers
    description: Apple's description of the request.
    link: https://developer.apple.com/documentation/devicemanagement/setting-up-push-notifications-for-your-mdm-customers
"""

EXAMPLES = r"""
- name: The push certificate's request is in a person's hands
  nendo.apple_mdm.apns_csr:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
    order_store: /srv/apple_mdm/orders
    vendor_certificate_path: /etc/apple_mdm/vendor.pem
    vendor_privatekey_path: /etc/apple_mdm/vendor.key
    vendor_chain_path: /etc/apple_mdm/apple-chain.pem
    apple_account: "{{ apple_mdm_apple_account }}"
  register: request

- name: The same, signed by mdmcert.download
  nendo.apple_mdm.apns_csr:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
    order_store: /srv/apple_mdm/orders
    mdmcert_email: "{{ mdmcert_email }}"
    mdmcert_api_key: "{{ mdmcert_api_key }}"
"""

RETURN = r"""
request_content:
  description: What has to be uploaded in Apple's portal, as text. Not a secret. V(null) in check mode.
  type: str
  returned: when the order has its request
  sample: PD94bWwgdmVyc2lvbj0iMS4wIiBlbmNvZGluZz0iVVRGLTgiPz4K
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

from ..module_utils._module import TENANT_OPTIONS, desk_for, outcome_result, read_optional
from ..module_utils.orders.push_certificate import PushCertificateKind, Signing

ARGUMENT_SPEC = {
    **TENANT_OPTIONS,
    "common_name": {"type": "str"},
    "email": {"type": "str"},
    "country": {"type": "str", "default": "JP"},
    "privatekey_passphrase": {"type": "str", "no_log": True},
    "vendor_certificate_path": {"type": "path"},
    "vendor_privatekey_path": {"type": "path"},
    "vendor_privatekey_passphrase": {"type": "str", "no_log": True},
    "vendor_chain_path": {"type": "path"},
    "mdmcert_email": {"type": "str"},
    "mdmcert_api_key": {"type": "str", "no_log": True},
    "mdmcert_url": {"type": "str", "default": "https://mdmcert.download"},
    "apple_account": {"type": "str"},
    "portal_url": {"type": "str", "default": "https://identity.apple.com/pushcert"},
}


def kind_of(params: dict) -> PushCertificateKind:
    return PushCertificateKind(
        passphrase=params["privatekey_passphrase"] or None,
        common_name=params["common_name"] or params["tenant"],
        email=params["email"] or params["apple_account"] or "",
        country=params["country"],
        apple_account=params["apple_account"] or None,
        portal_url=params["portal_url"],
        signing=Signing(
            vendor_certificate=read_optional(params["vendor_certificate_path"]),
            vendor_private_key=read_optional(params["vendor_privatekey_path"]),
            vendor_passphrase=params["vendor_privatekey_passphrase"] or None,
            vendor_chain=read_optional(params["vendor_chain_path"]),
            mdmcert_email=params["mdmcert_email"] or None,
            mdmcert_api_key=params["mdmcert_api_key"] or None,
            mdmcert_url=params["mdmcert_url"],
            ca_path=params["mdm"]["apple_ca_path"],
        ),
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_together=[
            ["vendor_certificate_path", "vendor_privatekey_path", "vendor_chain_path"],
            ["mdmcert_email", "mdmcert_api_key"],
        ],
        mutually_exclusive=[["vendor_certificate_path", "mdmcert_email"]],
        supports_check_mode=True,
    )
    delivery = ("asn1crypto",) if module.params["mdmcert_email"] else ()
    with desk_for(module, "cryptography", "jinja2", *delivery) as desk:
        kind = kind_of(module.params)
        outcome = desk.run(kind).prepare()
        result = outcome_result(outcome, desk)
        if outcome.after:
            result["request_content"] = kind.request_text(outcome.after, desk.store)
        module.exit_json(**result)


if __name__ == "__main__":
    main()
