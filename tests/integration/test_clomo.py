# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The driver clomo in a real browser against the simulated CLOMO PANEL: every path, every unhappy window, no secrets."""

from __future__ import annotations

import re
import stat
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AppleMdmError,
    ConfigurationError,
    FileRefused,
    OtherOwner,
    PanelError,
    RequestLost,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import from_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.driver import ClomoDriver
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.evidence import MASKED
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import driver_for
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import CredentialPort, InUse
from ansible_collections.nendo.apple_mdm.plugins.modules import clomo_panel_check
from ansible_collections.nendo.apple_mdm.tests.person import fetch
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.tiers import first_in_test
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School

DUE = {"push_days_left": 20, "server_token_days_left": 25, "content_token_days_left": 22}
APP = "App 1000000001"
VINTAGES = ("newer", "older", "dep")

pytestmark = pytest.mark.usefixtures("chromium")


@dataclass
class Customer:
    """A tenant on the panel, with a folder for its session and the evidence."""

    tenant: Tenant
    folder: Path
    drivers: list[ClomoDriver] = field(default_factory=list)

    def options(self, **options: Any) -> dict[str, Any]:
        return {
            "driver": "clomo",
            "url": self.tenant.clomo_url,
            "domain": self.tenant.clomo_domain,
            "username": self.tenant.clomo_account,
            "password": self.tenant.clomo_password,
            "totp_secret": self.tenant.clomo_totp_secret or None,
            "contact_name": "School Office",
            "contact_email": self.tenant.apple_account,
            "apple_account": self.tenant.apple_account,
            "licence_check_app": APP,
            "session_path": str(self.folder / "session.json"),
            "timeout": 8,
            **options,
        }

    def driver(self, **options: Any) -> ClomoDriver:
        driver = driver_for(self.options(**options))
        assert isinstance(driver, ClomoDriver)
        driver.panel.record = self.record
        self.drivers.append(driver)
        return driver

    def record(self, name: str, data: bytes) -> None:
        (self.folder / "evidence").mkdir(exist_ok=True)
        (self.folder / "evidence" / name).write_bytes(data)

    def evidence(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "evidence").glob("*"))

    def secrets(self) -> dict[str, bytes]:
        """What may stand in no file and no result. The session file is the exception that has to hold cookies."""
        tenant = self.tenant.refresh()
        secrets = {
            "password": tenant.clomo_password,
            "totp secret": tenant.clomo_totp_secret,
            "content token": tenant.content_token.strip()[:60],
            "server token": tenant.server_token_values["consumer_secret"],
        }
        session = self.folder / "session.json"
        for number, value in enumerate(
            re.findall(r'"value": ?"([^"]{8,})"', session.read_text() if session.exists() else "")
        ):
            secrets[f"cookie {number}"] = value
        return {name: value.encode() for name, value in secrets.items() if value}

    def writes(self) -> list[str]:
        return [
            entry["path"]
            for entry in self.tenant.world.writes(path_regex=f"/clomo/panel/{self.tenant.clomo_domain}/(?!login|code)")
        ]


@pytest.fixture
def customer(world: World, tmp_path: Path) -> Iterator[Callable[..., Customer]]:
    made: list[Customer] = []

    def make(switches: dict[str, Any] | None = None, **wishes: Any) -> Customer:
        name = f"school-{uuid.uuid4().hex[:8]}"
        tenant = world.tenant(name, mdm="clomo", **{**DUE, "clomo_totp": True, **wishes})
        if switches:
            tenant.switch(**switches)
        (tmp_path / name).mkdir()
        made.append(Customer(tenant, tmp_path / name))
        return made[-1]

    yield make
    for each in made:
        for driver in each.drivers:
            driver.close()


def read(port: CredentialPort) -> InUse:
    in_use = port.read(None)
    assert in_use is not None
    return in_use


def found_in(folder: Path, secrets: dict[str, bytes]) -> list[str]:
    """Where a secret stands in a file below the folder, traces unpacked."""
    found = []
    for path in folder.rglob("*"):
        if not path.is_file() or path.name.startswith("session.json"):
            continue
        parts = {str(path): path.read_bytes()}
        if path.suffix == ".zip":
            with zipfile.ZipFile(BytesIO(path.read_bytes())) as packed:
                parts = {f"{path}/{name}": packed.read(name) for name in packed.namelist()}
        found += [
            f"{name} in {part}" for part, data in parts.items() for name, secret in secrets.items() if secret in data
        ]
    return found


# What is in use


@pytest.mark.parametrize("vintage", first_in_test(VINTAGES))
def test_what_is_in_use_is_read(customer: Callable[..., Customer], vintage: str) -> None:
    school = customer({"clomo_vintage": vintage})
    driver = school.driver()
    push, server, content = (
        getattr(driver, name).read(None) for name in ("push_certificate", "server_token", "content_token")
    )
    assert (push.identity, push.not_after) == (school.tenant.push_topic, from_iso(school.tenant.push_not_after))
    assert server.not_after == from_iso(school.tenant.server_token_values["access_token_expiry"])
    assert server.identity == school.tenant.clomo_domain
    assert (content.identity, content.not_after) == ("全社", from_iso(school.tenant.content_token_not_after))
    assert content.facts["location_name"] == school.tenant.location, "HOME tells which token at Apple it is"
    assert school.writes() == [], "reading changes nothing"


def test_days_without_a_time(customer: Callable[..., Customer]) -> None:
    school = customer({"clomo_dates_only": True})
    in_use = read(school.driver().push_certificate)
    later = from_iso(school.tenant.push_not_after) - in_use.not_after
    assert 0 <= later.total_seconds() < in_use.facts["not_after_within"] == 86400


def test_the_session_is_used_again(customer: Callable[..., Customer], world: World) -> None:
    school = customer()
    school.driver().push_certificate.read(None)
    school.drivers[0].close()
    assert stat.S_IMODE((school.folder / "session.json").stat().st_mode) == 0o600
    school.driver(password="not needed now").push_certificate.read(None)


@pytest.mark.parametrize(
    ("credential", "screens"),
    [
        ("push_certificate", ["wizard", "wizard_certificate", "wizard_done", "ios_basic"]),
        ("server_token", ["ios_basic"]),
        ("content_token", ["service_settings"]),
    ],
)
def test_what_is_open_already_is_not_opened_again(
    customer: Callable[..., Customer], world: World, credential: str, screens: list[str]
) -> None:
    school = customer()
    request = school.driver().push_certificate.request() if credential == "push_certificate" else b""
    for driver in school.drivers:
        driver.close()
    received = fetch(school.tenant, credential, request)
    port: CredentialPort = getattr(school.driver(), credential)
    read(port)
    world.forget_requests()
    port.upload(received, None)
    opened = [entry["path"].rpartition("/data/")[2] for entry in world.requests(path_regex="/data/")]
    reading = ["home", "settings", "service_settings" if credential == "content_token" else "ios_basic"]
    assert opened == screens + reading, "those that the upload itself opens, and those of the reading back"


# Renewals


@pytest.mark.parametrize("vintage", first_in_test(VINTAGES))
def test_the_push_certificate_is_renewed(customer: Callable[..., Customer], vintage: str) -> None:
    school = customer({"clomo_vintage": vintage})
    driver = school.driver()
    certificate = school.tenant.portal_renew(driver.push_certificate.request())
    first = driver.push_certificate.upload(certificate, None)
    again = driver.push_certificate.upload(certificate, None)
    assert first == again and first.identity == school.tenant.push_topic
    assert first.not_after == from_iso(school.tenant.refresh().push_not_after)
    pictures = [name for name in school.evidence() if name.endswith(".png")]
    assert pictures[:6] == [
        "0001-settings-basic-before.png",
        "0002-wizard-begin.png",
        "0003-wizard-confirm.png",
        "0004-wizard-contact.png",
        "0005-wizard-request-downloaded.png",
        "0006-wizard-portal.png",
    ]
    assert {name[:-4] for name in pictures} == {name[:-4] for name in school.evidence() if name.endswith(".txt")}
    assert found_in(school.folder, school.secrets()) == []


@pytest.mark.parametrize("vintage", first_in_test(VINTAGES))
def test_the_server_token_is_renewed_and_checked(customer: Callable[..., Customer], vintage: str) -> None:
    school = customer({"clomo_vintage": vintage})
    port = school.driver().server_token
    before = read(port)
    after = port.upload(school.tenant.server_token(), None)
    assert after.identity == before.identity and after.not_after > before.not_after
    assert port.check()["device_list_refreshed"]
    assert found_in(school.folder, school.secrets()) == []


@pytest.mark.parametrize("organization", ["全社", "第一小学校"])
def test_warning_8_the_content_token_is_saved_for_its_organisation_and_checked(
    customer: Callable[..., Customer], organization: str
) -> None:
    named = organization if organization != "全社" else ""
    school = customer(clomo_organizations=["第一小学校", "第二小学校"], clomo_token_organization=named)
    port = school.driver(vpp_organization=organization).content_token
    before = read(port)
    after = port.upload(school.tenant.content_token_download(), None)
    assert after.identity == before.identity == organization and after.not_after > before.not_after
    assert port.check() == {"licences_updated_of": APP, "notice": "ライセンス数の更新が完了しました。"}
    assert found_in(school.folder, school.secrets()) == []


def test_a_slow_panel(customer: Callable[..., Customer]) -> None:
    school = customer({"clomo_delay_ms": 400, "clomo_grid_delay_ms": 1500, "clomo_job_ms": 1500})
    driver = school.driver()
    driver.push_certificate.upload(school.tenant.portal_renew(driver.push_certificate.request()), None)
    driver.server_token.upload(school.tenant.server_token(), None)
    assert driver.server_token.check()["device_list_refreshed"]
    driver.content_token.upload(school.tenant.content_token_download(), None)
    assert driver.content_token.check()["licences_updated_of"] == APP


# What stops the work


@pytest.mark.parametrize(
    ("switches", "options", "said"),
    [
        pytest.param({"clomo_language": "English"}, {}, "Japanese", id="English"),
        pytest.param({"clomo_maintenance": True}, {}, "メンテナンス|maintenance", id="maintenance"),
        pytest.param({}, {"password": "wrong-password"}, "did not accept the account", id="password"),
        pytest.param({}, {"totp_secret": None}, "totp_secret is not given", id="no TOTP"),
        pytest.param({}, {"totp_secret": "JBSWY3DPEHPK3PXP"}, "did not accept the account", id="other TOTP"),
    ],
)
def test_no_way_in(
    customer: Callable[..., Customer], switches: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    school = customer(switches)
    with pytest.raises(AppleMdmError, match=said):
        school.driver(**options).push_certificate.read(None)
    assert found_in(school.folder, school.secrets()) == []


def test_maintenance_in_the_middle(customer: Callable[..., Customer]) -> None:
    school = customer()
    driver = school.driver()
    driver.push_certificate.read(None)
    school.tenant.switch(clomo_maintenance=True)
    with pytest.raises(PanelError, match="under maintenance.*Nothing was pressed after that") as stopped:
        driver.server_token.upload(school.tenant.server_token(), None)
    assert stopped.value.details["reason"] == "anywhere.maintenance"
    school.tenant.switch(clomo_maintenance=False)
    assert read(driver.push_certificate).identity == school.tenant.push_topic, "when it is over it goes on"


@pytest.mark.parametrize("pattern", ["wizard", "settings"])
def test_the_session_ends_in_the_middle(customer: Callable[..., Customer], pattern: str) -> None:
    school = customer()
    driver = school.driver()
    driver.push_certificate.read(None)
    in_use = school.tenant.refresh().push_certificate_pem
    school.tenant.switch(clomo_session_ends_at=pattern)
    with pytest.raises(PanelError, match="session ended|sign in again") as stopped:
        driver.push_certificate.request()
        driver.server_token.upload(school.tenant.server_token(), None)
    assert stopped.value.details["reason"] in ("login.password", "anywhere.session_over")
    assert school.tenant.refresh().push_certificate_pem == in_use
    assert found_in(school.folder, school.secrets()) == []
    assert read(driver.push_certificate).identity == school.tenant.push_topic, "the next one signs in anew"


@pytest.mark.parametrize(
    ("switches", "said"),
    [
        pytest.param({"clomo_doubled_labels": ["保存"]}, "ios.save", id="doubled"),
        pytest.param({"clomo_moved_labels": {"保存": "適用する"}}, "ios.save", id="moved"),
        pytest.param({"clomo_doubled_labels": ["ファイルを選択"]}, "ios.server_token_file", id="doubled file"),
    ],
)
def test_a_changed_label_stops_before_the_click(
    customer: Callable[..., Customer], switches: dict[str, Any], said: str
) -> None:
    school = customer(switches)
    before = school.tenant.refresh().server_token_values
    with pytest.raises(PanelError, match="Nothing was pressed after that") as stopped:
        school.driver(timeout=4).server_token.upload(school.tenant.server_token(), None)
    assert stopped.value.details["label"] == said
    assert school.tenant.refresh().server_token_values == before
    assert any(name.endswith("-stopped-trace.zip") for name in school.evidence())
    assert found_in(school.folder, school.secrets()) == []


def test_an_own_text_for_a_label(customer: Callable[..., Customer]) -> None:
    school = customer({"clomo_moved_labels": {"保存": "適用する"}})
    port = school.driver(labels={"ios.save": "適用する"}).server_token
    assert port.upload(school.tenant.server_token(), None).identity == school.tenant.clomo_domain


@pytest.mark.parametrize("screen", ["home", "settings", "wizard"])
def test_an_unknown_window_stops_the_work(customer: Callable[..., Customer], screen: str) -> None:
    school = customer({"clomo_unknown_dialog_at": screen})
    with pytest.raises(PanelError, match="nobody expected|lies over"):
        school.driver(timeout=5).push_certificate.request()
    assert school.writes() == []


@pytest.mark.parametrize(
    ("switch", "error"), [("clomo_wrong_certificate", OtherOwner), ("clomo_input_error", RequestLost)]
)
def test_a_certificate_that_the_panel_does_not_want(
    customer: Callable[..., Customer], switch: str, error: type[AppleMdmError]
) -> None:
    school = customer({switch: True})
    port = school.driver().push_certificate
    certificate = school.tenant.portal_renew(port.request())
    before = read(port)
    with pytest.raises(error):
        port.upload(certificate, None)
    assert port.read(None) == before


def test_an_input_error_voids_the_order_and_the_next_run_begins_another(
    customer: Callable[..., Customer], tmp_path: Path
) -> None:
    tenant = customer({"clomo_input_error": True}).tenant
    school = School(tenant, tmp_path, str(tmp_path / "orders"))
    order, in_use = school.with_file("push_certificate"), tenant.refresh().push_certificate_pem
    given_up = school.complete("push_certificate")["order"]
    assert (given_up["state"], given_up["void_reason"]["code"]) == ("void", "request_lost")
    assert tenant.refresh().push_certificate_pem == in_use
    tenant.switch(clomo_input_error=False)
    assert school.with_file("push_certificate")["id"] == f"{order['id']}-2"
    assert school.complete("push_certificate")["order"]["state"] == "proven"


def test_warning_3_a_certificate_that_the_panel_asks_about_sends_the_order_back(
    customer: Callable[..., Customer], tmp_path: Path
) -> None:
    of_panel = customer({"clomo_wrong_certificate": True})
    tenant = of_panel.tenant
    school = School(tenant, tmp_path, str(tmp_path / "orders"))
    school.with_file("push_certificate")
    in_use = tenant.refresh().push_certificate_pem
    waiting = school.complete("push_certificate")["order"]
    assert (waiting["state"], [each["code"] for each in waiting["refused"]]) == ("handed_off", ["refused_by_server"])
    assert tenant.refresh().push_certificate_pem == in_use
    assert not school.prepare("push_certificate")["changed"]
    begun = [path for path in of_panel.writes() if path.endswith("/wizard/begin")]
    assert len(begun) == 1, "次へ makes a new request, so it is not pressed again while the order is open"


def test_warning_1_a_certificate_of_another_topic_is_never_uploaded(customer: Callable[..., Customer]) -> None:
    school = customer()
    port = school.driver().push_certificate
    created = school.tenant.portal_create(port.request())
    school.tenant.world.forget_requests()
    with pytest.raises(OtherOwner, match="Nothing was pressed"):
        port.upload(created, None)
    assert school.writes() == []


def test_warning_11_a_second_download_is_told_from_the_first_by_what_is_in_it(
    customer: Callable[..., Customer], tmp_path: Path
) -> None:
    tenant = customer().tenant
    school = School(tenant, tmp_path, str(tmp_path / "orders"))
    prepared = school.prepare("push_certificate")
    school.drop(prepared["order"], tenant.push_certificate_pem.encode(), "MDM_i3Systems,Inc._Certificate.pem")
    renewed = school.fetched("push_certificate", prepared)
    school.drop(prepared["order"], renewed, "MDM_i3Systems,Inc._Certificate (1).pem")
    assert school.complete("push_certificate")["order"]["state"] == "proven"
    assert tenant.refresh().push_certificate_pem == renewed.decode()


def test_without_a_contact_the_wizard_is_not_opened(customer: Callable[..., Customer]) -> None:
    school = customer()
    with pytest.raises(ConfigurationError, match="contact_name"):
        school.driver(contact_name=None).push_certificate.request()


# The check of the panel


@pytest.mark.parametrize("vintage", first_in_test(VINTAGES))
def test_the_check_of_a_panel_as_expected(customer: Callable[..., Customer], vintage: str) -> None:
    school = customer({"clomo_vintage": vintage})
    told = run_module(clomo_panel_check, tenant=school.tenant.name, mdm=school.options())
    assert told.get("differing") == [] and told["as_expected"], told
    assert "wizard.finish" in told["not_checked"]
    assert school.writes() == []


def test_the_check_names_all_five_changed_labels(customer: Callable[..., Customer]) -> None:
    changed = {
        "VPP サービストークン": "Apps and Books トークン",
        "MDM 構成プロファイルの作成ウィザード": "構成プロファイルのウィザード",
        "ADE サーバートークンの有効期限": "サーバートークンの期限",
        "ADE デバイスの一覧を更新する": "デバイスの一覧を再取得",
        "登録": "登録する",
    }
    school = customer({"clomo_moved_labels": changed})
    told = run_module(clomo_panel_check, tenant=school.tenant.name, mdm=school.options(timeout=4))
    assert {entry["label"] for entry in told["labels"] if entry["state"] == "differs"} == {
        "home.content_token",
        "ios.wizard",
        "ios.server_token_end",
        "ios.refresh",
        "portal.register",
    }, told.get("msg")
    assert len(told["differing"]) == 5 and any("登録する" in line for line in told["differing"])
    text = str(told)
    assert school.tenant.clomo_password not in text.replace(str(told.get("invocation")), "")


@pytest.mark.parametrize("switch", ["clomo_moved_labels", "clomo_unknown_dialog_at"])
def test_the_check_names_nobody(customer: Callable[..., Customer], switch: str) -> None:
    school = customer()
    account = school.tenant.clomo_account
    named = {"Applications": f"Applications {account}", "新しい機能のご案内があります。": f"{account} さま"}
    school.tenant.switch(**{"clomo_moved_labels": named, switch: "home" if switch.endswith("_at") else named})
    told = run_module(clomo_panel_check, tenant=school.tenant.name, mdm=school.options(timeout=4))
    assert bool(told.get("failed")) == switch.endswith("_at")
    told.pop("invocation", None)
    assert MASKED in str(told) and account not in str(told)


def test_an_empty_server_token_is_refused_before_anything_is_pressed(customer: Callable[..., Customer]) -> None:
    school = customer({})
    with pytest.raises(FileRefused, match="empty"):
        school.driver().server_token.upload(b"", None)
    assert school.writes() == []
