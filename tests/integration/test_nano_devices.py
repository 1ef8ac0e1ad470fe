# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Devices are looked at and erased by the real NanoMDM: each once, proven by its return, whatever is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.commands import Commands, Queued
from ansible_collections.nendo.apple_mdm.plugins.modules import campaign_info, mdm_device_info, mdm_device_wipe
from ansible_collections.nendo.apple_mdm.tests.integration import nano_servers
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import LEDGER_KEY, Site, nano_site
from ansible_collections.nendo.apple_mdm.tests.simulator.device_http import Connected
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

CAMPAIGN = "graduation-2027"
KILLED = -signal.SIGKILL


class School:
    """Devices of a campaign at a site."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.devices: list[Connected] = []
        self._wifi = folder / "wifi.mobileconfig"
        self._wifi.write_text("<plist/>")

    def enrol(self, number: int = 1, **facts: Any) -> None:
        for _device in range(number):
            connected = self.site.device(f"C02XK0AB{len(self.devices):04d}", **facts)
            connected.enrol()
            self.devices.append(connected)
        self.enrolled(len(self.devices))

    def enrolled(self, number: int) -> None:
        """Until so many enrolments were told of."""
        events = self.site.ledger.events
        self.site.awaited(lambda: len(events(topics=["mdm.Authenticate"])) == number)
        self.site.awaited(lambda: len(events(topics=["mdm.TokenUpdate"])) == number)

    @property
    def serials(self) -> list[str]:
        return [connected.device.serial for connected in self.devices]

    @property
    def erased(self) -> list[int]:
        return [connected.device.erased for connected in self.devices]

    def run(self, module: Any, check: bool = False, **params: Any) -> dict[str, Any]:
        usual = {
            "campaign": CAMPAIGN,
            "tenant": "school",
            "ledger": self.site.ledger_path,
            "ledger_key": LEDGER_KEY,
            "devices": self.serials,
            "mdm": {"url": self.site.url, "api_key": nano_servers.API_KEY},
            "wait_timeout": 0,
        }
        if module is mdm_device_wipe:
            usual |= {"confirm": CAMPAIGN, "wifi_profile_path": str(self._wifi)}
        return run_module(module, check, **{**usual, **params})

    def connect(self, *devices: Connected) -> None:
        """These devices, or all, take what there is for them, and the ledger hears of all of it."""
        for connected in devices or self.devices:
            connected.connect()
        given = [connected.device for connected in devices or self.devices]
        self.site.awaited(lambda: all(self._heard(device.udid) >= set(device.seen) for device in given))

    def _heard(self, udid: str) -> set[str | None]:
        return {event.command_uuid for event in self.site.ledger.events(enrollment_ids=[udid], topics=["mdm.Connect"])}

    def run_info(self) -> dict[str, Any]:
        return run_module(campaign_info, campaign=CAMPAIGN, ledger=self.site.ledger_path, devices=self.serials[:1])

    def collected(self) -> None:
        """Every run asks anew, so the answers to the last asking are taken by a run that waits for them."""
        done = threading.Thread(target=lambda: self.run(mdm_device_info, wait_timeout=30, wait_sleep=1))
        done.start()
        while done.is_alive():
            for connected in self.devices:
                connected.connect()
            done.join(0.2)


@pytest.fixture
def school(site: Site, tmp_path: Path) -> School:
    return School(site, tmp_path)


def test_what_devices_are_is_kept(school: School, site: Site) -> None:
    school.enrol(2)
    assert school.run(mdm_device_info, True)["summary"]["to_do"] == 2
    assert school.run(mdm_device_info)["summary"]["pending"] == 2
    school.collected()
    facts = site.ledger.facts(CAMPAIGN)
    assert sorted(facts) == school.serials
    one = facts[school.serials[0]]
    assert (one["os_version"], one["supervised"], one["find_my"], one["bypass_code"]) == ("18.4", True, False, "kept")
    assert [profile["mdm"] for profile in one["profiles"]] == [True, False]
    assert one["managed_apps"] == ["com.apple.Keynote", "com.example.agent"]
    udid = school.devices[0].device.udid
    assert site.ledger.secret("", udid, "ActivationLockBypassCode") == b"AAAAA-BBBBB-CCCC-DDDD-EEEE-FFFF"
    assert b"AAAAA-BBBBB" not in Path(site.ledger_path).read_bytes()


def test_devices_are_erased_once_and_come_back(school: School) -> None:
    school.enrol(3)
    school.collected()
    predicted = school.run(mdm_device_wipe, True)
    assert predicted["summary"]["to_do"] == 3 and school.erased == [0, 0, 0]
    assert school.run(mdm_device_wipe)["summary"]["pending"] == 3
    school.connect()
    school.enrolled(6)
    done = school.run(mdm_device_wipe)
    assert (done["changed"], done["summary"]["done"]) == (True, 3)
    for _run in range(2):
        assert not school.run(mdm_device_wipe)["changed"]
        school.connect()
    assert school.erased == [1, 1, 1]
    wiped = [record for record in school.run_info()["records"] if record["step"] == "wipe"]
    assert wiped[0]["evidence"]["awaiting_configuration"] is True


def test_a_device_that_is_off_waits_and_one_that_does_not_come_back_is_told(school: School) -> None:
    school.enrol(2)
    school.enrol(returns=False)
    school.collected()
    school.run(mdm_device_wipe)
    off, returning, stuck = school.devices
    school.connect(returning, stuck)
    school.enrolled(4)
    told = school.run(mdm_device_wipe)
    assert (told["summary"]["done"], told["summary"]["pending"]) == (1, 2)
    reasons = {each["device"]: each["reason"]["en"] for each in told["pending"]}
    assert "switched on" in reasons[off.device.serial]
    assert "has not enrolled again yet" in reasons[stuck.device.serial]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"os_version": "16.7"}, "does not know Return to Service", id="system"),
        pytest.param({"lost_mode": True}, "lost mode", id="lost mode"),
        pytest.param({"find_my": True}, "Activation Lock", id="lock"),
        pytest.param({"battery": 0.1}, "battery", id="battery"),
    ],
)
def test_what_is_left_alone_fails_alone_until_it_is_mended(school: School, facts: dict[str, Any], said: str) -> None:
    school.enrol()
    school.enrol(**facts)
    school.collected()
    told = school.run(mdm_device_wipe)
    assert (told["summary"]["failed"], told["summary"]["pending"]) == (1, 1)
    assert said in told["failures"][0]["reason"]["en"]
    for name, good in {"os_version": "18.4", "lost_mode": False, "find_my": False, "battery": 0.9}.items():
        setattr(school.devices[1].device, name, good)
    school.devices.pop(0)
    school.collected()
    assert school.run(mdm_device_wipe)["summary"]["pending"] == 1


def test_without_a_network_after_the_erase_nothing_is_sent(school: School) -> None:
    school.enrol()
    school.enrol(ethernet=True)
    school.collected()
    told = school.run(mdm_device_wipe, wifi_profile_path=None)
    assert (told["summary"]["failed"], told["summary"]["pending"]) == (1, 1)
    assert "wifi_profile_path" in told["failures"][0]["reason"]["en"]


def test_a_device_that_enrolled_anew_since_it_was_looked_at_is_left_alone(school: School) -> None:
    """It may have been given to the next pupil by now."""
    school.enrol()
    school.collected()
    school.devices[0].enrol()
    school.enrolled(2)
    told = school.run(mdm_device_wipe)
    assert told["summary"]["failed"] == 1 and "another user" in told["failures"][0]["reason"]["en"]
    school.connect()
    assert school.erased == [0]


def test_a_device_that_nobody_knows(school: School) -> None:
    school.enrol()
    told = school.run(mdm_device_info, devices=["C02XUNKNOWN1"])
    assert told["summary"]["failed"] == 1 and "nendo-events has never seen" in told["failures"][0]["reason"]["en"]


def test_before_it_was_looked_at_nothing_is_erased(school: School) -> None:
    school.enrol()
    told = school.run(mdm_device_wipe)
    assert told["summary"]["pending"] == 1 and "comes first" in told["pending"][0]["reason"]["en"]


def test_a_device_that_refuses_fails_and_is_tried_again_with_another_command(school: School) -> None:
    school.enrol()
    school.collected()
    school.devices[0].device.lost_mode = True
    school.run(mdm_device_wipe)
    school.connect()
    told = school.run(mdm_device_wipe)
    assert told["summary"]["failed"] == 1 and "12078" in told["failures"][0]["reason"]["en"]
    school.devices[0].device.lost_mode = False
    school.run(mdm_device_wipe)
    school.connect()
    school.enrolled(2)
    assert school.run(mdm_device_wipe)["summary"]["done"] == 1
    assert school.erased == [1]


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "did not arrive"])
def test_a_run_that_died_while_it_sent_is_settled_by_evidence(school: School, arrived: bool) -> None:
    """In doubt nothing is sent again; a question queued behind the erase tells whether that is there."""
    school.enrol()
    school.collected()
    order = Commands.order

    def dies(self: Commands, commands: Any) -> Any:
        if arrived:
            order(self, commands)
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        with mock.patch.object(Commands, "order", dies):
            school.run(mdm_device_wipe)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == KILLED
    assert school.run(mdm_device_wipe)["summary"]["in_doubt"] == 1
    school.connect()
    if not arrived:
        assert school.run(mdm_device_wipe)["summary"]["pending"] == 1, "the question was answered, so it is sent now"
        school.connect()
    school.enrolled(2)
    assert school.run(mdm_device_wipe)["summary"]["done"] == 1
    assert school.erased == [1]


def test_check_mode_keeps_nothing_of_what_was_answered(school: School, site: Site) -> None:
    school.enrol()
    school.run(mdm_device_info)
    school.connect()
    before = Path(site.ledger_path).stat().st_mtime_ns
    assert school.run(mdm_device_info, True)["devices"] == []
    assert Path(site.ledger_path).stat().st_mtime_ns == before


def test_without_a_key_no_bypass_code_is_kept_and_nothing_is_erased(tmp_path: Path) -> None:
    with nano_site(tmp_path, keeps_secrets=False) as site:
        school = School(site, tmp_path)
        school.enrol()
        school.collected()
        told = school.run(mdm_device_wipe)
    assert told["summary"]["failed"] == 1 and "bypass code was not kept" in told["failures"][0]["reason"]["en"]


def test_a_wrong_key_of_the_server_sends_nothing_and_is_told(school: School, site: Site) -> None:
    school.enrol(2)
    school.collected()
    told = school.run(mdm_device_wipe, mdm={"url": site.url, "api_key": "wrong-key"})
    assert told["failed"] and "Check the user name and the key" in told["msg"] and "wrong-key" not in told["msg"]
    assert school.run(mdm_device_wipe, True)["summary"]["to_do"] == 2, "nothing is in doubt"


@pytest.mark.parametrize("in_doubt", [False, True], ids=["sent", "in doubt"])
def test_looking_again_after_the_return_does_not_erase_again(school: School, in_doubt: bool) -> None:
    """What is collected then is of the new enrolment, perhaps of the next pupil."""
    school.enrol()
    school.collected()
    order = Commands.order

    def answer_lost(self: Commands, commands: Any) -> dict[str, Queued]:
        order(self, commands)
        return dict.fromkeys(commands, Queued(None, "no answer"))

    with mock.patch.object(Commands, "order", answer_lost) if in_doubt else contextlib.nullcontext():
        first = school.run(mdm_device_wipe)
    assert first["summary"]["in_doubt" if in_doubt else "pending"] == 1
    school.connect()
    school.enrolled(2)
    school.collected()
    for _run in range(2):
        assert school.run(mdm_device_wipe)["summary"]["done"] == 1
        school.connect()
    assert school.erased == [1]


def test_a_server_that_does_not_answer_leaves_a_doubt(school: School, site: Site) -> None:
    school.enrol(3)
    school.collected()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        told = school.run(mdm_device_wipe, mdm={"url": url, "api_key": "x", "timeout": 1})
    assert (told["summary"]["in_doubt"], told["summary"]["to_do"]) == (1, 2), "the others were not tried"
    reasons = {each["state"]: each["reason"]["en"] for each in told["pending"]}
    assert "not known" in reasons["in_doubt"] and "another got no answer" in reasons["planned"]
    school.run(mdm_device_wipe)
    school.connect()
    assert school.run(mdm_device_wipe)["summary"]["pending"] >= 1
    school.connect()
    school.enrolled(6)
    assert school.run(mdm_device_wipe)["summary"]["done"] == 3
    assert school.erased == [1, 1, 1]
