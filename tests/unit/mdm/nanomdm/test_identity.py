# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.identity import differs, identity_of

MINE, WIFI, CA = b"device identity", b"Wi-Fi identity", b"authority"


def told(*certificates: tuple[bytes, bool]) -> dict[str, Any]:
    return {"CertificateList": [{"CommonName": "x", "Data": data, "IsIdentity": own} for data, own in certificates]}


@pytest.mark.parametrize(
    ("message", "identity"),
    [
        pytest.param(told((WIFI, True), (CA, False), (MINE, True)), [MINE, WIFI], id="sorted, without authorities"),
        pytest.param(told((CA, False)), [], id="none"),
        pytest.param({"Status": "Error"}, [], id="not told"),
        pytest.param({"CertificateList": [{"IsIdentity": True}]}, [], id="without its data"),
    ],
)
def test_what_an_identity_is(message: dict[str, Any], identity: list[bytes]) -> None:
    hashes = sorted(hashlib.sha256(each).hexdigest() for each in identity)
    assert identity_of(message) == hashes


@pytest.mark.parametrize(
    ("first", "now", "is_another"),
    [
        pytest.param(["a"], ["a"], False, id="the same"),
        pytest.param(["a"], ["b"], True, id="enrolled anew"),
        pytest.param(["a", "wifi"], ["a"], False, id="a profile was removed"),
        pytest.param(["a"], ["a", "wifi"], False, id="a profile came"),
        pytest.param(["a", "shared"], ["b", "shared"], True, id="enrolled anew, with the same identity for its Wi-Fi"),
        pytest.param(["a", "wifi"], ["b"], True, id="enrolled anew, without its Wi-Fi"),
        pytest.param(None, ["b"], False, id="none known"),
        pytest.param(["a"], [], False, id="none told"),
    ],
)
def test_which_device_is_another(first: list[str] | None, now: list[str], is_another: bool) -> None:
    assert differs(first, now) is is_another
