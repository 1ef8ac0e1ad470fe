#!/usr/bin/python
# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Walk CLOMO PANEL's renewal screens and tell which labels are as the driver knows them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: clomo_panel_check
short_description: Tell which labels of CLOMO PANEL are as the driver clomo knows them
version_added: "0.1.0"
description:
  - Signs in to the tenant's CLOMO PANEL in a browser, opens every screen that a renewal needs, and tells of each label
    whether it stands there as expected, and if not, what resembles it.
  - Presses nothing but the way to the screens, and fills in nothing. Wizards, messages and confirmations show only in a
    renewal, so they are listed as not checked.
  - Run it before the first renewal, and whenever CLOMO has changed its pages. The result holds no secrets and no names
    of people, and can be pasted into an issue.
author: nendo.apple_mdm contributors (@nendo-mdm)
extends_documentation_fragment:
  - nendo.apple_mdm._attributes.info
  - nendo.apple_mdm._mdm
requirements:
  - playwright
  - cryptography (only with O(mdm.totp_secret))
  - Chromium, Google Chrome or Microsoft Edge
seealso:
  - module: nendo.apple_mdm.credentials_info
"""

EXAMPLES = r"""
- name: The labels of the tenant's panel are known
  nendo.apple_mdm.clomo_panel_check:
    tenant: "{{ inventory_hostname }}"
    mdm: "{{ apple_mdm_server }}"
  register: panel
"""

RETURN = r"""
as_expected:
  description: Whether every label that was looked for is as expected.
  type: bool
  returned: success
  sample: true
labels:
  description: One entry a label that was looked for.
  type: list
  elements: dict
  returned: success
  contains:
    label:
      description: The key, for O(mdm.labels).
      type: str
      returned: success
      sample: ios.save
    screen:
      description: The screen.
      type: str
      returned: success
      sample: iOS/macOS 基本設定
    wanted:
      description: The texts that the driver accepts.
      type: list
      elements: str
      returned: success
      sample: [保存]
    state:
      description: V(as_expected), V(differs), or V(not_reached) where a label on the way differs.
      type: str
      returned: success
      sample: as_expected
    count:
      description: How often it stands there, of those that differ.
      type: int
      returned: success
      sample: 0
    seen:
      description: Texts on the screen that resemble it, of those that differ.
      type: list
      elements: str
      returned: success
      sample: [保存する]
differing:
  description: The same as sentences, of those that differ or were not reached.
  type: list
  elements: str
  returned: success
  sample: ["iOS/macOS 基本設定, ios.save: 「保存」 stands there 0 times; there is 「保存する」"]
not_checked:
  description: The keys of labels that show only in a renewal.
  type: list
  elements: str
  returned: success
  sample: [wizard.finish]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import ConfigurationError
from ..module_utils._libraries import require
from ..module_utils._module import MDM_ONLY_OPTIONS, guard
from ..module_utils.mdm.clomo.check import check_panel, sentence, unchecked
from ..module_utils.mdm.clomo.driver import ClomoDriver
from ..module_utils.mdm.drivers import driver_for

ARGUMENT_SPEC = MDM_ONLY_OPTIONS


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    with guard(module):
        require("playwright")
        driver = driver_for(module.params["mdm"])
        try:
            if not isinstance(driver, ClomoDriver):
                raise ConfigurationError(f"{module.params['tenant']} has no CLOMO PANEL: its driver is {driver.name}.")
            labels = check_panel(driver.panel)
            missed = unchecked(driver.panel, labels)
        finally:
            driver.close()
        differing = [sentence(entry) for entry in labels if entry["state"] != "as_expected"]
        module.exit_json(as_expected=not differing, labels=labels, differing=differing, not_checked=missed)


if __name__ == "__main__":
    main()
