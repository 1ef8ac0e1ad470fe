# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attributes of this collection's modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Runs without writing anything, anywhere, and predicts what the run would return.
  diff_mode:
    support: full
    description: Returns what would change, or has changed, in the order's state. Never a secret.
  idempotent:
    support: full
    description: A second run with nothing new to do changes nothing.
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: This action does not modify state.
  diff_mode:
    support: N/A
    description: This action does not modify state.
  idempotent:
    support: full
    description: This action does not modify state.
"""

    GROUP = r"""
options: {}
attributes:
  action_group:
    version_added: "0.1.0"
    support: full
    membership:
      - nendo.apple_mdm.mdm
    description: Use C(group/nendo.apple_mdm.mdm) in C(module_defaults) to set the tenant's options once for all modules.
"""

    STEP = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Sends nothing and writes nothing into the ledger; tells the devices to which something would be sent.
  diff_mode:
    support: none
    description: The change is the devices' records; the summary counts them.
  idempotent:
    support: full
    description: What is done is never asked for again. What failed is tried again by the next run.
"""

    CAMPAIGN_GROUP = r"""
options: {}
attributes:
  action_group:
    version_added: "0.1.0"
    support: full
    membership:
      - nendo.apple_mdm.campaign
    description: Use C(group/nendo.apple_mdm.campaign) in C(module_defaults) to set a campaign's options once for all steps.
"""
