# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No secret in any result, with the invocation and the warnings, as Ansible shows them at -vvvv; nor in a journal."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import ade_token_info, apns_cert_info, vpp_token_info
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import (
    CREDENTIALS,
    STORE_KEY,
    Result,
    School,
    contents,
)

Make = Callable[..., School]
PUSH, SERVER, CONTENT = CREDENTIALS
PASSPHRASE = "correct horse battery"


def secrets_of(at: School) -> Iterator[str]:
    tenant = at.tenant.refresh()
    yield from (tenant.api_key, tenant.dep_api_key, tenant.password, PASSPHRASE, STORE_KEY)
    for token in (tenant.content_token, Path(at.server()["content_token_path"]).read_text().strip()):
        yield token
        yield json.loads(base64.b64decode(token))["token"]
    for name, value in tenant.server_token_values.items():
        if name in ("consumer_secret", "access_token", "access_secret"):
            yield value
    for file, data in contents(at.folder).items():
        if file.endswith(".key"):
            yield data.decode().split("\n")[3]
    yield Path(tenant.vendor_private_key).read_text().split("\n")[3]


def assert_silent(at: School, *results: Result) -> None:
    said = json.dumps(results, ensure_ascii=False)
    assert [secret for secret in secrets_of(at) if secret in said] == []


def test_a_whole_renewal_tells_no_secret(school: Make) -> None:
    at = school()
    results = [at.run(module, check_apple=True) for module in (ade_token_info, vpp_token_info)]
    results += [at.run(apns_cert_info), at.info(check_apple=True)]
    for credential in CREDENTIALS:
        locked: dict[str, Any] = {"privatekey_passphrase": PASSPHRASE} if credential == PUSH else {}
        results.append(at.prepare(credential, check=True, **locked))
        results.append(at.prepare(credential, **locked))
        given = at.fetched(credential, results[-1]).decode()
        results.append(at.complete(credential, check=True, file_content=given, **locked))
        results.append(at.complete(credential, file_content=given, **locked))
        assert results[-1]["order"]["state"] == "proven"
    assert_silent(at, *results)
    shown = [data.decode() for file, data in at.contents().items() if Path(file).name.startswith(("journal", "instr"))]
    assert shown
    assert_silent(at, {"shown": shown})


def test_a_database_tells_no_secret(school: Make, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    at = school(store=f"sqlite:///{tmp_path}/orders.db")
    results = [at.prepare(credential) for credential in CREDENTIALS]
    assert_silent(at, *results)


def test_the_databases_password_is_not_told(school: Make) -> None:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    at = school(store="postgresql+psycopg://orders:s3cr%2Ft-word@127.0.0.1:9/orders?connect_timeout=1")
    for result in (at.prepare(PUSH), at.run(apns_cert_info), at.prepare(SERVER, check=True)):
        assert result["failed"]
        assert "s3cr" not in json.dumps(result)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_secret_in_the_wrong_box_is_not_told(school: Make, credential: str) -> None:
    """A tired person pastes a private key, or the content token, into the survey's field of another file."""
    at = school()
    order = at.prepare(credential)["order"]
    key = Path(at.tenant.vendor_private_key).read_text()
    for pasted in (key, at.tenant.content_token):
        at.drop(order, pasted.encode(), "pasted")
        results = [at.complete(credential), at.complete(credential, file_content=pasted)]
        assert_silent(at, *results)


@pytest.mark.parametrize("status", [401, 500])
def test_a_server_that_tells_secrets_back_is_not_repeated(school: Make, world: World, status: int) -> None:
    at = school()
    key = base64.b64encode(f"nanomdm:{at.tenant.api_key}".encode()).decode()
    world.fault("/pushcert", status=status, body=f"refused {at.tenant.api_key} Basic {key}", times=9)
    failed = at.prepare(PUSH)
    assert failed["failed"]
    assert_silent(at, failed)
    assert key not in json.dumps(failed)
