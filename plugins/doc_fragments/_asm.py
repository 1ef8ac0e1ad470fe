# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of an API account of Apple School Manager or Apple Business."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  asm:
    description: The API account. An administrator makes it in Apple School Manager or Apple Business, Preferences, API.
    type: dict
    required: true
    suboptions:
      client_id:
        description: Begins with C(SCHOOLAPI.) or C(BUSINESSAPI.), which tells the product.
        type: str
        required: true
      key_id:
        description: The id of the private key.
        type: str
        required: true
      private_key:
        description: The private key as PEM, from a vault. Give this or O(asm.private_key_path).
        type: str
      private_key_path:
        description: The file with the private key as Apple gave it.
        type: path
      api_url:
        description: The API's address. If absent, Apple's for the product.
        type: str
      token_url:
        description: The address that gives access tokens.
        type: str
        default: https://account.apple.com/auth/oauth2/token
      cache_path:
        description:
          - A folder in which all runs on this host share the access token and the times of the last calls, mode 0600. It is
            written in a dry run, too, since Apple counts a dry run's calls as well.
        type: path
        default: ~/.cache/nendo.apple_mdm
      reads_per_minute:
        description: As many reads are made in a minute; V(0) for no limit. Apple publishes no figure; 20 was measured.
        type: int
        default: 20
      writes_per_hour:
        description: As many changes are asked for in an hour; V(0) for no limit. 10 was measured.
        type: int
        default: 10
      ca_path:
        description: A CA bundle, if the address has a certificate of another CA.
        type: path
      timeout:
        description: Seconds that a call may take.
        type: int
        default: 30
"""
