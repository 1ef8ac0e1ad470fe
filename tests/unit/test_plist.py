# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Property lists are read as plistlib, Python's own, reads them."""

from __future__ import annotations

import plistlib
from datetime import datetime
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._plist import read_plist
from hypothesis import given
from hypothesis import strategies as some

WORDS = some.text(some.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=8)
PLAIN = (
    WORDS
    | some.booleans()
    | some.integers(-(2**63), 2**64 - 1)
    | some.floats(allow_nan=False)
    | some.binary(max_size=90)
    | some.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda each: each.replace(microsecond=0))
)
VALUES = some.recursive(
    PLAIN, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)


@given(VALUES, some.sampled_from([plistlib.FMT_XML, plistlib.FMT_BINARY]))
def test_every_value_comes_back(value: Any, kind: plistlib.PlistFormat) -> None:
    assert read_plist(plistlib.dumps(value, fmt=kind)) == value


@pytest.mark.parametrize(
    "text",
    [
        "<dict><key/><string/></dict>",
        "<dict>\n\t<key>A</key>\n\t<integer>0x1F</integer><!-- told --><key>B</key><data>\n\tYWJj\n\tZGVm\n\t</data></dict>",
        "<string>a &amp; b &lt; c\n d </string>",
        "<array><real>1</real><integer> -7 </integer></array>",
    ],
)
def test_what_other_programs_write_is_read(text: str) -> None:
    data = f'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">{text}</plist>'.encode()
    assert read_plist(data) == plistlib.loads(data)


BOMB = "<!DOCTYPE plist [<!ENTITY a0 'haha'>" + "".join(
    f"<!ENTITY a{number} '{f'&a{number - 1};' * 20}'>" for number in range(1, 8)
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<plist/>",
        "<plist><dict><string>A</string><string>B</string></dict></plist>",
        "<plist><dict><key>A</key></dict></plist>",
        "<plist><integer>seven</integer></plist>",
        "<plist><data>a</data></plist>",
        "<plist><html>A</html></plist>",
        "<plist><string>A</string>",
        "bplist00",
        f"<plist>{'<array>' * 5000}{'</array>' * 5000}</plist>",
        f"{BOMB}]><plist><string>&a7;</string></plist>",
    ],
)
def test_what_is_no_property_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_plist(text.encode())
