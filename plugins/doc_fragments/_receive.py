# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options for taking back what a person fetched."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  handoff_wait:
    description: Seconds to watch the order's inbox for the file. With V(0) an order whose file is not there ends
      pending at once.
    type: int
    default: 0
  fail_below_days:
    description: Waiting for a person is not a failure until fewer than this many days are left; then it is.
    type: int
    default: 14
"""
