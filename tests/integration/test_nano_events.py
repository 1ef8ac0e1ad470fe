# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real NanoMDM tells nendo-events, and the ledger has what a device said."""

from __future__ import annotations

import plistlib

from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import Site


def test_an_enrolment_and_an_answer(site: Site) -> None:
    connected = site.device("C02XK0ABCDEF")
    connected.enrol()
    (enrolled,) = site.awaited(lambda: site.ledger.events.find(serials=["C02XK0ABCDEF"]))
    assert (enrolled.topic, enrolled.enrollment_id) == ("mdm.Authenticate", connected.device.udid)
    name = site.enqueue(connected.device.udid, {"RequestType": "DeviceInformation", "Queries": ["SerialNumber"]})
    assert connected.connect() == ["DeviceInformation"]
    (answered,) = site.awaited(lambda: site.ledger.events.find(command_uuids=[name]))
    assert answered.status == "Acknowledged"
    assert plistlib.loads(answered.payload)["QueryResponses"] == {"SerialNumber": "C02XK0ABCDEF"}


def test_an_erase_and_the_return(site: Site) -> None:
    """What later proves a wipe: the acknowledgement, then another Authenticate and a TokenUpdate."""
    connected = site.device("C02XK0ABCDEG")
    connected.enrol()
    name = site.enqueue(connected.device.udid, {"RequestType": "EraseDevice", "ReturnToService": {"Enabled": True}})
    connected.connect()
    udid = connected.device.udid
    told = site.awaited(
        lambda: (
            events
            if len(
                events := site.ledger.events.find(enrollment_ids=[udid], topics=["mdm.Authenticate", "mdm.TokenUpdate"])
            )
            == 4
            else None
        )
    )
    assert [event.topic for event in told].count("mdm.Authenticate") == 2
    assert site.awaited(lambda: site.ledger.events.find(command_uuids=[name]))[0].status == "Acknowledged"
    last = plistlib.loads([event for event in told if event.topic == "mdm.TokenUpdate"][-1].payload)
    assert last["AwaitingConfiguration"] is True and connected.device.erased == 1


def test_a_command_that_is_put_off_stays(site: Site) -> None:
    connected = site.device("C02XK0ABCDEH", not_now=1)
    connected.enrol()
    name = site.enqueue(connected.device.udid, {"RequestType": "SecurityInfo"})
    connected.connect()
    connected.connect()
    site.awaited(lambda: len(site.ledger.events.find(command_uuids=[name])) == 2)
    assert sorted(event.status or "" for event in site.ledger.events.find(command_uuids=[name])) == [
        "Acknowledged",
        "NotNow",
    ]
