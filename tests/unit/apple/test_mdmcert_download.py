# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mdmcert.download client."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import AccessRefused, ServiceError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.mdmcert_download import sign_request
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import Answer, FarSide, as_json


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide(as_json({"result": "success"})) as server:
        yield server


def test_a_request(far_side: FarSide) -> None:
    sign_request(b"CSR", "it@school.example", "key1", b"CERT", url=far_side.url)
    asked = far_side.asked[0]
    body = json.loads(asked.body)
    assert (asked.method, asked.path) == ("POST", "/api/v1/signrequest")
    assert (b64decode(body["csr"]), b64decode(body["encrypt"])) == (b"CSR", b"CERT")
    assert (body["email"], body["key"]) == ("it@school.example", "key1")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (as_json({"result": "failure", "reason": "key1 unknown mail"}), AccessRefused, "unknown mail"),
        (as_json({"result": "failure", "reason": "not registered"}, 400), AccessRefused, "not registered"),
        (as_json({}), AccessRefused, "no reason"),
        (Answer(403, b"key1"), ServiceError, "not the JSON"),
        (Answer(503), ServiceError, "HTTP 503"),
    ],
)
def test_refusals(far_side: FarSide, answer: Answer, kind: type[ServiceError], words: str) -> None:
    far_side.answers = [answer]
    with pytest.raises(kind, match=words) as caught:
        sign_request(b"CSR", "it@school.example", "key1", b"CERT", url=far_side.url)
    assert "key1" not in str(caught.value) + str(caught.value.details)
    assert len(far_side.asked) == 1, "every call may send an e-mail"
