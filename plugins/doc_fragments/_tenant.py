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
      Apple for each token. Left out where the server can only ask Apple by changing something, as CLOMO PANEL.
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
        description: The kind of server. V(nanomdm) is NanoMDM or NanoHUB, with NanoDEP for the server token. V(clomo) is
          CLOMO PANEL, worked in a browser since it has no API.
        type: str
        choices: [clomo, nanomdm]
        default: nanomdm
      url:
        description: NanoMDM's address, for the push certificate. With V(clomo) the panel's address, C(https://clomo.com) if
          absent.
        type: str
      username:
        description: User of NanoMDM's API, C(nanomdm) if absent, C(nanohub) for NanoHUB. With V(clomo) the account that
          signs in to the panel, best one of its own with the language Japanese.
        type: str
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
        description: Seconds to wait for an answer, or for something to show in the panel.
        type: int
        default: 30
      domain:
        description: The customer's domain (利用ドメイン) at CLOMO PANEL.
        type: str
      password:
        description: The password of O(mdm.username) at CLOMO PANEL.
        type: str
      totp_secret:
        description: The secret of the one-time codes, base32, where the account signs in to CLOMO PANEL with such codes.
        type: str
      contact_name:
        description: Who stands in the push certificate's request that CLOMO PANEL makes, in Latin letters.
        type: str
      contact_email:
        description: The e-mail address in that request, best that of the Apple Account.
        type: str
      country:
        description: The country in that request, two letters.
        type: str
        default: JP
      apple_account:
        description: The Apple Account that CLOMO PANEL notes beside the push certificate. If absent, what stands there stays.
        type: str
      vpp_organization:
        description: The organisation in CLOMO PANEL whose content token is renewed. V(全社) is that of the whole company.
        type: str
        default: 全社
      licence_check_app:
        description: The name of an iOS app in CLOMO PANEL that is not in-house. Its licences are fetched from Apple to prove a
          renewed content token. If absent, the new expiry is the proof.
        type: str
      time_zone:
        description: The time zone of O(mdm.username) in CLOMO PANEL, in which it shows its dates.
        type: str
        default: Asia/Tokyo
      labels:
        description: Texts of this tenant's CLOMO PANEL that differ from those the driver knows, by the keys that the
          driver's page lists.
        type: dict
      browser_path:
        description: The Chromium, Chrome or Edge to use. If absent, the first that is found, C(chromium-headless-shell)
          before others where O(mdm.headless) is true.
        type: path
      session_path:
        description: The file that keeps the panel's session between runs, mode 0600. If absent, one below C(~/.cache).
        type: path
      headless:
        description: Whether the browser works without a window.
        type: bool
        default: true
      command_pace_seconds:
        description: At CLOMO PANEL, the least time from one command to devices to the next.
        type: float
        default: 0.0
      evidence_path:
        description: A folder that takes pictures of what was pressed for devices in CLOMO PANEL, one folder a run, readable for its
          owner only. They show names of people. If absent, none are taken.
        type: path
"""

    # With its type, because ansible-test's yamllint takes a plain assignment for text.
    OPTIONAL: str = DOCUMENTATION.replace("    required: true\n", "")
