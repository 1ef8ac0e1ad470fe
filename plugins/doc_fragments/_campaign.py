# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of a campaign: its ledger, its devices, and the guards of a step."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  campaign:
    description: The campaign's id, such as V(graduation-2027). What was done is known by it, for ever.
    type: str
    required: true
  ledger:
    description:
      - Where is kept what campaigns intended, did and proved. An absolute path of a SQLite file on the host where the module
        runs, or the URL of a database, V(postgresql+psycopg://user:password@host/name), for AWX.
      - An older copy of a SQLite ledger that was put back is refused, by the file beside it whose name ends in C(.witness).
    type: str
    required: true
  ledger_key:
    description:
      - Encrypts what the ledger keeps of devices that is secret. A Fernet key, 32 random bytes in URL-safe base64. Keep it in
        a vault.
    type: str
"""

    DEVICES = r"""
options:
  devices:
    description: Serial numbers. Give this or O(devices_path).
    type: list
    elements: str
  devices_path:
    description: A file with a serial number at the beginning of each line. For many devices.
    type: path
"""

    STEP = r"""
options:
  tenant:
    description: The tenant to which all the devices belong.
    type: str
    required: true
  wait_timeout:
    description: Seconds to wait for evidence. What has not come by then is pending, and the next run goes on.
    type: int
    default: 600
  wait_sleep:
    description: Seconds between two looks. If absent, as often as the far side of the step bears.
    type: int
  records_path:
    description: A file, mode 0600, that receives every device's record, one line of JSON each. Not written in a dry run.
    type: path
"""

    GUARDS = r"""
options:
  confirm:
    description: Has to be the same as O(campaign), else nothing but a dry run is done.
    type: str
  max_devices:
    description: More devices than this are refused.
    type: int
    default: 100
"""

    COURSE = r"""
options:
  outcome:
    description: V(donate) for devices that are given away, V(reassign) for devices that are erased and enrol again.
    type: str
    choices: [donate, reassign]
    required: true
  apps:
    description: As in M(nendo.apple_mdm.mdm_app_remove).
    type: list
    elements: str
    default: []
  all_managed:
    description: As in M(nendo.apple_mdm.mdm_app_remove).
    type: bool
    default: false
  wifi_profile_path:
    description: As in M(nendo.apple_mdm.mdm_device_wipe).
    type: path
  preserve_data_plan:
    description: As in M(nendo.apple_mdm.mdm_device_wipe).
    type: bool
  end_setup:
    description: As in M(nendo.apple_mdm.mdm_device_wipe).
    type: bool
    default: true
  content_token:
    description: As in M(nendo.apple_mdm.vpp_license_revoke). If neither this nor O(content_token_path) is given, no licences are
      taken back.
    type: str
  content_token_path:
    description: As in M(nendo.apple_mdm.vpp_license_revoke).
    type: path
  mdm_id:
    description: As in M(nendo.apple_mdm.vpp_license_revoke).
    type: str
  apps_and_books_url:
    description: As in M(nendo.apple_mdm.vpp_license_revoke).
    type: str
    default: https://vpp.itunes.apple.com/mdm/v2
  ca_path:
    description: As in M(nendo.apple_mdm.vpp_license_revoke).
    type: path
  timeout:
    description: As in M(nendo.apple_mdm.vpp_license_revoke).
    type: int
    default: 30
  asm:
    description: As in M(nendo.apple_mdm.asm_unassign). If absent, the devices stay assigned at Apple.
    type: dict
    suboptions:
      client_id:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: str
        required: true
      key_id:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: str
        required: true
      private_key:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: str
      private_key_path:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: path
      api_url:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: str
      token_url:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: str
        default: https://account.apple.com/auth/oauth2/token
      cache_path:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: path
        default: ~/.cache/nendo.apple_mdm
      reads_per_minute:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: int
        default: 20
      writes_per_hour:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: int
        default: 10
      ca_path:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: path
      timeout:
        description: As in M(nendo.apple_mdm.asm_unassign).
        type: int
        default: 30
  server_name:
    description: As in M(nendo.apple_mdm.asm_unassign); needed with O(asm) where devices are given away.
    type: str
  devices_per_activity:
    description: As in M(nendo.apple_mdm.asm_unassign).
    type: int
    default: 1000
  release:
    description: Whether devices that are given away are also released, by M(nendo.apple_mdm.asm_release).
    type: bool
    default: false
"""
