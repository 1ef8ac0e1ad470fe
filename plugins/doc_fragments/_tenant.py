# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that name a tenant, its MDM server and its orders."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  tenant:
    description: The tenant's name, under which its orders are kept. The inventory's host name serves well.
    type: str
    required: true
  renew_before_days:
    description: The renewal window. A credential is due when it expires within this many days.
    type: int
    default: 30
  check_apple:
    description: Also ask Apple whether the token in use is still accepted. A token that Apple refuses is renewed before
      its time, since it is dead already, and new terms that wait for a signature are told. Costs a request or two to
      Apple for each token.
    type: bool
    default: false
  actor:
    description: Who runs it, for the order's journal. Defaults to the operating system's user. In AWX give
      C(awx_user_name).
    type: str
  lock_timeout:
    description: Seconds to wait for another run that works on the same order.
    type: int
    default: 60
  read_back_timeout:
    description: Seconds to wait until the MDM server shows an uploaded credential. After that the order stays pending.
    type: int
    default: 60
  mdm:
    description: The tenant's MDM server. Which suboptions are needed is told on the driver's page. A credential whose
      suboptions are absent is left alone.
    type: dict
    required: true
    suboptions:
      driver:
        description: The kind of server. V(nanomdm) is NanoMDM or NanoHUB, with NanoDEP for the server token.
        type: str
        choices: [nanomdm]
        default: nanomdm
      url:
        description: NanoMDM's address, for the push certificate.
        type: str
      username:
        description: User of NanoMDM's API. V(nanohub) for NanoHUB.
        type: str
        default: nanomdm
      api_key:
        description: NanoMDM's API key.
        type: str
      path_prefix:
        description: Path of NanoMDM's API. V(/api/v1/nanomdm) for NanoHUB.
        type: str
        default: /v1
      push_topic:
        description: Topic (subject UID) of the push certificate in use. NanoMDM tells the expiry only to those who know it.
        type: str
      push_certificate_path:
        description: The push certificate in use, PEM, without its key. Needed for NanoMDM v0.9.0, which cannot tell it,
          until the first order is proven.
        type: path
      dep_url:
        description: NanoDEP's address, for the server token.
        type: str
      dep_username:
        description: User of NanoDEP's API.
        type: str
        default: depserver
      dep_api_key:
        description: NanoDEP's API key.
        type: str
      dep_name:
        description: The name under which NanoDEP keeps this tenant's server token.
        type: str
      dep_path_prefix:
        description: Path before NanoDEP's C(/v1), if a proxy adds one.
        type: str
        default: ""
      content_token_path:
        description: The file that holds the tenant's content token (mode 0600), since NanoMDM keeps none.
        type: path
      apps_and_books_url:
        description: Apple's Apps and Books service.
        type: str
        default: https://vpp.itunes.apple.com/mdm/v2
      mdm_id:
        description: The id under which this tenant's MDM server has claimed the location in Apps and Books. Another id
          found there stops the renewal.
        type: str
      mdm_name:
        description: The name for a claim, shown to others. Defaults to O(mdm.mdm_id).
        type: str
      claim_content_token:
        description: Claim the location for O(mdm.mdm_id) after the upload, from whatever server has claimed it before.
        type: bool
        default: false
      probe_apns:
        description: Try a new push certificate at APNs before it is uploaded, with a notification to a device that does
          not exist. Never in check mode.
        type: bool
        default: false
      apns_url:
        description: Apple's push service.
        type: str
        default: https://api.push.apple.com
      ca_path:
        description: CA certificates (PEM) to verify the MDM server with, in place of the system's.
        type: path
      apple_ca_path:
        description: CA certificates (PEM) to verify Apple's services with, in place of the system's, for a proxy that
          inspects TLS.
        type: path
      timeout:
        description: Seconds to wait for an answer.
        type: int
        default: 30
"""

    # With its type, because ansible-test's yamllint takes a plain assignment for text.
    OPTIONAL: str = DOCUMENTATION.replace("    required: true\n", "")
