# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which cases of a test run in which tier; docs/testing.md tells what the tiers promise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["first_in_test"]


def first_in_test(cases: Iterable[Any], number: int = 1) -> list[Any]:
    """The first cases for `make test`, all others for `make sweep` alone."""
    every = list(cases)
    return every[:number] + [_swept(case) for case in every[number:]]


def _swept(case: Any) -> Any:
    """A case of several arguments is a tuple."""
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.sweep)
