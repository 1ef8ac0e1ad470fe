# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""RSA keys made before the first test: ansible-test runs each test in a fork of its own, which would make its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.tests.unit.credentials import makers

OWNERS = ("ade", "ca", "older", "other", "push", "root", "vendor", "wwdr")


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(item.path.parent == Path(__file__).parent for item in session.items):
        for owner in OWNERS:
            makers.key(owner)
