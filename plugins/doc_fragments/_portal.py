# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options for the instructions that name Apple's portal."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  apple_account:
    description: The Apple Account that the instructions name.
    type: str
  portal:
    description: Apple School Manager or Apple Business Manager.
    type: str
    choices: [business, school]
    default: school
  portal_url:
    description: Another address of the portal than Apple's own.
    type: str
"""
