# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Devices are looked at and erased by NanoMDM, the embedded and the real one: each once, proven by its return, whatever is
lost."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._http import HttpClient
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.commands import (
    Commands,
    Parcel,
    Queued,
    packed,
)
from ansible_collections.nendo.apple_mdm.plugins.modules import asm_unassign, mdm_device_info, mdm_device_wipe
from ansible_collections.nendo.apple_mdm.tests.integration import nano_servers
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import TOPIC, nano_site
from ansible_collections.nendo.apple_mdm.tests.integration.schools import EmbeddedSchool, RealSchool, School
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.simulator.device_http import Connected, Identities
from ansible_collections.nendo.apple_mdm.tests.simulator.devices import Device

KILLED = -signal.SIGKILL
Schools = Callable[..., School]


def returned(school: School) -> dict[str, Any]:
    """The erased devices come back, are let go from Setup Assistant, and that is seen."""
    school.settle()
    school.run(mdm_device_wipe)
    school.settle()
    return school.run(mdm_device_wipe)


def test_what_devices_are_is_kept(school: Schools) -> None:
    here = school(2)
    assert here.run(mdm_device_info, True)["summary"]["to_do"] == 2
    assert here.run(mdm_device_info)["summary"]["pending"] == 2
    here.settle()
    assert here.run(mdm_device_info)["summary"]["done"] == 2
    facts = here.ledger.facts(here.campaign)
    assert sorted(facts) == sorted(here.serials)
    one = facts[here.serials[0]]
    assert (one["os_version"], one["supervised"], one["find_my"], one["bypass_code"]) == ("18.4", True, False, "kept")
    assert [profile["mdm"] for profile in one["profiles"]] == [True, False]
    assert one["managed_apps"] == ["com.apple.Keynote", "com.example.agent"]
    udid = here.told(here.serials[0])["udid"]
    assert here.ledger.secret("", udid, "ActivationLockBypassCode") == b"AAAAA-BBBBB-CCCC-DDDD-EEEE-FFFF"
    assert b"AAAAA-BBBBB" not in Path(here.ledger_path).read_bytes()


def test_devices_are_erased_once_and_come_back(school: Schools) -> None:
    here = school(3)
    here.collected()
    predicted = here.run(mdm_device_wipe, True)
    assert predicted["summary"]["to_do"] == 3 and here.each("erased") == [0, 0, 0]
    assert here.run(mdm_device_wipe)["summary"]["pending"] == 3
    here.settle()
    stands = here.run(mdm_device_wipe)
    assert stands["summary"]["pending"] == 3 and "Setup Assistant" in stands["pending"][0]["reason"]["en"]
    assert here.each("awaiting") == [True] * 3
    here.settle()
    done = here.run(mdm_device_wipe)
    assert (done["changed"], done["summary"]["done"], here.each("awaiting")) == (True, 3, [False] * 3)
    for _run in range(2):
        assert not here.run(mdm_device_wipe)["changed"]
        here.settle()
    assert (here.each("erased"), here.each("enrolments")) == ([1, 1, 1], [2, 2, 2])
    assert here.records("wipe")[0]["evidence"]["awaiting_configuration"] is True


def test_whoever_sets_up_devices_lets_them_go(embedded_school: Callable[..., EmbeddedSchool]) -> None:
    here = embedded_school(1)
    here.collected()
    assert here.done(mdm_device_wipe, end_setup=False)["summary"]["done"] == 1
    assert here.each("awaiting") == [True]


def test_a_device_that_is_off_waits_and_one_that_does_not_come_back_is_told(school: Schools) -> None:
    here = school(3)
    off, _returning, stuck = here.serials
    here.becomes(stuck, returns=False)
    here.collected()
    here.run(mdm_device_wipe)
    here.away.add(off)
    told = returned(here)
    assert (told["summary"]["done"], told["summary"]["pending"]) == (1, 2)
    reasons = {each["device"]: each["reason"]["en"] for each in told["pending"]}
    assert "switched on" in reasons[off] and "has not enrolled again yet" in reasons[stuck]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"os_version": "16.7"}, "does not know Return to Service", id="system"),
        pytest.param({"lost_mode": True}, "lost mode", id="lost mode"),
        pytest.param({"find_my": True}, "Activation Lock", id="lock"),
        pytest.param({"battery": 0.1}, "battery", id="battery"),
    ],
)
def test_what_is_left_alone_fails_alone_until_it_is_mended(
    embedded_school: Callable[..., EmbeddedSchool], facts: dict[str, Any], said: str
) -> None:
    here = embedded_school(2)
    well, unfit = here.serials
    here.becomes(unfit, **facts)
    here.collected()
    told = here.run(mdm_device_wipe)
    assert (told["summary"]["failed"], told["summary"]["pending"]) == (1, 1)
    assert told["failures"][0]["device"] == unfit and said in told["failures"][0]["reason"]["en"]
    here.becomes(unfit, os_version="18.4", lost_mode=False, find_my=False, battery=0.9)
    here.collected(devices=[unfit])
    assert here.run(mdm_device_wipe, devices=[unfit])["summary"]["pending"] == 1
    assert returned(here)["summary"]["done"] == 2 and here.each("erased") == [1, 1]


def test_without_a_network_after_the_erase_nothing_is_sent(embedded_school: Callable[..., EmbeddedSchool]) -> None:
    here = embedded_school(2)
    here.becomes(here.serials[1], ethernet=True)
    here.collected()
    told = here.run(mdm_device_wipe, wifi_profile_path=None)
    assert (told["summary"]["failed"], told["summary"]["pending"]) == (1, 1)
    assert "wifi_profile_path" in told["failures"][0]["reason"]["en"]


@pytest.mark.parametrize("check", [True, False], ids=["dry run", "for real"])
def test_a_wrong_wifi_file_is_refused_before_anything_is_sent(
    embedded_school: Callable[..., EmbeddedSchool], check: bool
) -> None:
    here = embedded_school(2)
    here.collected()
    here.wifi.write_text("<plist/>")
    seen = here.each("queue")
    told = here.run(mdm_device_wipe, check)
    assert told["failed"] and "no configuration profile" in told["msg"] and str(here.wifi) in told["msg"]
    here.settle()
    assert here.each("queue") == seen and here.each("erased") == [0, 0] and here.records("wipe") == []


def test_a_device_that_apple_would_not_enrol_again_is_not_erased(
    embedded_school: Callable[..., EmbeddedSchool], world: World
) -> None:
    """Where the inventory gives NanoDEP."""
    here = embedded_school(4)
    _well, without, elsewhere, untold = here.serials
    here.collected()
    here.tenant.switch(ade_without_profile=[without], ade_failing=[untold])
    assert here.run(asm_unassign, devices=[elsewhere], campaign="other", confirm="other")["summary"]["done"] == 1
    tenant = here.tenant
    dep = {"dep_url": tenant.dep_url, "dep_api_key": tenant.dep_api_key, "dep_name": tenant.dep_name}
    here.mdm |= dep
    for check in (True, False):
        world.forget_requests()
        told = here.run(mdm_device_wipe, check)
        reasons = {each["device"]: each["reason"]["en"] for each in told["failures"] + told["pending"]}
        assert "no enrolment profile" in reasons[without] and "does not have it" in reasons[elsewhere]
        assert told["summary"]["failed"] == 2
        assert len(world.requests(tenant.name, "/proxy/.*/devices")) == 1
    assert "could not tell" in reasons[untold]
    here.tenant.switch(ade_without_profile=[], ade_failing=[])
    here.run(mdm_device_wipe)
    told = returned(here)
    assert (told["summary"]["done"], told["summary"]["failed"]) == (3, 1)
    assert here.each("erased") == [int(serial != elsewhere) for serial in here.serials]


def test_a_device_that_nobody_knows(embedded_school: Callable[..., EmbeddedSchool]) -> None:
    told = embedded_school().run(mdm_device_info, devices=["C02XUNKNOWN1"])
    assert told["summary"]["failed"] == 1 and "nendo-events has never seen" in told["failures"][0]["reason"]["en"]


def test_before_it_was_looked_at_nothing_is_erased(embedded_school: Callable[..., EmbeddedSchool]) -> None:
    told = embedded_school().run(mdm_device_wipe)
    assert told["summary"]["pending"] == 1 and "comes first" in told["pending"][0]["reason"]["en"]


def test_a_device_that_refuses_fails_and_is_tried_again_with_another_command(school: Schools) -> None:
    here = school()
    here.collected()
    here.becomes(here.serials[0], lost_mode=True)
    told = here.done(mdm_device_wipe)
    assert told["summary"]["failed"] == 1 and "12078" in told["failures"][0]["reason"]["en"]
    here.becomes(here.serials[0], lost_mode=False)
    here.run(mdm_device_wipe)
    assert returned(here)["summary"]["done"] == 1 and here.each("erased") == [1]


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "did not arrive"])
def test_a_run_that_died_while_it_sent_is_settled_by_evidence(school: Schools, arrived: bool) -> None:
    """In doubt nothing is sent again; a question queued behind the erase tells whether that is there."""
    here = school()
    here.collected()
    order = Commands.order

    def dies(self: Commands, commands: Any) -> Any:
        if arrived:
            order(self, commands)
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        with mock.patch.object(Commands, "order", dies):
            here.run(mdm_device_wipe)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == KILLED
    assert here.run(mdm_device_wipe)["summary"]["in_doubt"] == 1
    here.settle()
    assert here.each("erased") == [int(arrived)]
    assert here.run(mdm_device_wipe)["summary"]["pending"] == 1, "the question was answered, so it is sent now"
    assert returned(here)["summary"]["done"] == 1 and here.each("erased") == [1]


def test_check_mode_keeps_nothing_of_what_was_answered(embedded_school: Callable[..., EmbeddedSchool]) -> None:
    here = embedded_school()
    here.run(mdm_device_info)
    here.settle()
    before = Path(here.ledger_path).read_bytes()
    assert here.run(mdm_device_info, True)["devices"] == []
    assert Path(here.ledger_path).read_bytes() == before


def test_without_a_key_no_bypass_code_is_kept_and_nothing_is_erased(world: World, tmp_path: Path) -> None:
    with nano_site(tmp_path, keeps_secrets=False) as site:
        here = RealSchool(site, world.tenant("keyless", devices=0), tmp_path)
        here.enrol(1)
        here.collected()
        told = here.run(mdm_device_wipe)
    assert told["summary"]["failed"] == 1 and "bypass code was not kept" in told["failures"][0]["reason"]["en"]


def test_a_wrong_key_of_the_server_sends_nothing_and_is_told(school: Schools) -> None:
    here = school(2)
    here.collected()
    told = here.run(mdm_device_wipe, mdm={**here.mdm, "api_key": "wrong-key"})
    assert told["failed"] and "Check the user name and the key" in told["msg"] and "wrong-key" not in told["msg"]
    after = here.run(mdm_device_wipe, True)
    assert after["summary"]["to_do"] == 2, after


@pytest.mark.parametrize("in_doubt", [False, True], ids=["sent", "in doubt"])
def test_looking_again_after_the_return_does_not_erase_again(
    embedded_school: Callable[..., EmbeddedSchool], in_doubt: bool
) -> None:
    """What is collected then is of the new enrolment, perhaps of the next pupil."""
    here = embedded_school()
    here.collected()
    order = Commands.order

    def answer_lost(self: Commands, parcels: Sequence[Parcel]) -> dict[str, Queued]:
        order(self, parcels)
        return {parcel.command_uuid: Queued(None, "no answer") for parcel in parcels}

    with mock.patch.object(Commands, "order", answer_lost) if in_doubt else contextlib.nullcontext():
        first = here.run(mdm_device_wipe)
    assert first["summary"]["in_doubt" if in_doubt else "pending"] == 1
    here.settle()
    here.collected()
    assert returned(here)["summary"]["done"] == 1
    here.collected()
    assert returned(here)["summary"]["done"] == 1 and here.each("erased") == [1]


def test_a_server_that_does_not_answer_leaves_a_doubt(school: Schools) -> None:
    here = school(3)
    here.collected()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        told = here.run(mdm_device_wipe, mdm={**here.mdm, "url": url, "timeout": 1})
    assert (told["summary"]["in_doubt"], told["summary"]["to_do"]) == (1, 2), "the others were not tried"
    reasons = {each["state"]: each["reason"]["en"] for each in told["pending"]}
    assert "not known" in reasons["in_doubt"] and "another got no answer" in reasons["planned"]
    here.run(mdm_device_wipe)
    here.settle()
    assert here.run(mdm_device_wipe)["summary"]["pending"] == 3
    assert returned(here)["summary"]["done"] == 3 and here.each("erased") == [1, 1, 1]


def test_the_real_server_loses_no_command_in_its_usual_storage(tmp_path: Path) -> None:
    """It does if several for the same device are sent at the same time."""
    identities, folder = Identities(tmp_path), str(tmp_path / "dbkv")
    storage = ("-storage", "filekv", "-storage-dsn", folder)
    with nano_servers.running("nanomdm", "-api", nano_servers.API_KEY, "-ca", str(identities.path), *storage) as url:
        devices = [
            Connected(Device(serial, TOPIC), url, identities.sign(serial))
            for serial in ("C02XK0AB0001", "C02XK0AB0002")
        ]
        for connected in devices:
            connected.enrol()
        ids = [connected.device.udid for connected in devices]
        parcels = [each for name in range(40) for each in packed(ids, {"RequestType": "ProfileList"}, str(name))]
        client = HttpClient(url, auth=("nanomdm", nano_servers.API_KEY))
        Commands(client, "/v1").ask(parcels)
        client.close()
        for connected in devices:
            connected.connect()
            assert set(connected.device.seen) == {parcel.command_uuid for parcel in parcels}
