# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether tests that need a real browser can run here, and a page for those that bring their own HTML."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.browser import find_browser

__all__ = ["browser_or_skip", "missing"]


def missing() -> str | None:
    """Why there is no browser; None where there is one."""
    if find_spec("playwright") is None:
        return "Playwright is not installed"
    try:
        find_browser()
    except ConfigurationError as error:
        return str(error)
    return None


def browser_or_skip() -> None:
    reason = missing()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true asks for it")
    if reason:
        pytest.skip(reason)
