# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An iPad that is managed: what it says at check-in, how it answers each command, and what becomes of it.

Plain property lists in and out; how they travel is the business of whoever carries them: device_http.py to a real server,
fleet.py to the embedded one. A world holds 100,000 of them, so what they have in common is shared."""

from __future__ import annotations

import dataclasses
import functools
import operator
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ALWAYS_ANSWERED = {
    "DeviceInformation",
    "ProfileList",
    "DeviceLock",
    "EraseDevice",
    "ClearPasscode",
    "ProvisioningProfileList",
    "InstalledApplicationList",
    "Restrictions",
}
SUPERVISED_ONLY = {"EnableLostMode", "DisableLostMode", "ActivationLockBypassCode", "ShutDownDevice", "RestartDevice"}
MDM_PAYLOAD = "com.apple.mdm"
REMOVED_WITH_MDM = 1
Message = dict[str, Any]


class Profile(NamedTuple):
    identifier: str
    payload_type: str
    managed: bool = True

    def told(self) -> Message:
        return {
            "PayloadIdentifier": self.identifier,
            "PayloadUUID": payload_uuid(self.identifier),
            "PayloadDisplayName": self.identifier,
            "PayloadVersion": 1,
            "IsManaged": self.managed,
            "PayloadContent": [
                {
                    "PayloadType": self.payload_type,
                    "PayloadIdentifier": f"{self.identifier}.1",
                    "PayloadUUID": payload_uuid(f"{self.identifier}.1"),
                    "PayloadVersion": 1,
                }
            ],
        }


class App(NamedTuple):
    """flags: as in ManagedApplicationList; 0 of an app that is not managed."""

    identifier: str
    managed: bool = True
    flags: int = REMOVED_WITH_MDM


@functools.cache
def payload_uuid(identifier: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, identifier)).upper()


MDM_PROFILE = "com.example.mdm"
PROFILES = (Profile(MDM_PROFILE, MDM_PAYLOAD), Profile("com.example.wifi", "com.apple.wifi.managed"))
APPS = (
    App("com.example.agent"),
    App("com.apple.Keynote", flags=0),
    App("com.example.game", managed=False, flags=0),
)
shared_profile, shared_app = functools.cache(Profile), functools.cache(App)


def udid_of(serial: str) -> str:
    """The UDID of a device of the simulated world."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, serial)).upper()


@dataclass(slots=True)
class Device:
    """What may be set: the fields down to not_now.

    returns: whether it comes back after an erase with Return to Service, and awaits: whether it then waits for
    DeviceConfigured. checks_out: whether it says so when its MDM profile is removed. off: it takes nothing. not_now: how
    many more commands are put off."""

    serial: str
    topic: str
    udid: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    os_version: str = "18.4"
    name: str = "iPad of a pupil"
    supervised: bool = True
    find_my: bool = False
    lost_mode: bool = False
    battery: float = 0.8
    ethernet: bool = False
    returns: bool = True
    awaits: bool = True
    checks_out: bool = False
    off: bool = False
    not_now: int = 0
    enrolled: bool = False
    awaiting: bool = False  # stands in Setup Assistant until DeviceConfigured
    returning: bool = False  # was erased and is about to enrol by itself
    leaving: bool = False  # its MDM profile was removed, and it has not said so yet
    erased: int = 0
    unenrolled: int = 0  # how often its MDM profile was removed
    enrolments: int = 0
    seen: tuple[str, ...] = ()  # the UUID of every command that it was given
    removed_profiles: tuple[str, ...] = ()  # by command; what went along with the MDM profile is not among them
    removed_apps: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = PROFILES
    apps: tuple[App, ...] = APPS
    push_token: str = ""

    # Check-in

    def enrolling(self, awaiting: bool = False) -> list[Message]:
        """Authenticate and TokenUpdate of a new enrolment."""
        self.enrol(awaiting)
        return self.enrolment()

    def enrol(self, awaiting: bool = False) -> None:
        self.push_token = secrets.token_hex(32)
        self.enrolled, self.awaiting, self.returning = True, awaiting, False
        self.enrolments += 1
        if not any(one.payload_type == MDM_PAYLOAD for one in self.profiles):
            self.profiles = (*PROFILES, *self.profiles)

    def enrolment(self) -> list[Message]:
        """The messages of the present enrolment."""
        about = {"Topic": self.topic, "UDID": self.udid}
        return [
            {
                **about,
                "MessageType": "Authenticate",
                "SerialNumber": self.serial,
                "ProductName": "iPad13,18",
                "OSVersion": self.os_version,
                "BuildVersion": "22E240",
            },
            {
                **about,
                "MessageType": "TokenUpdate",
                "Token": bytes.fromhex(self.push_token),
                "PushMagic": str(uuid.UUID(self.push_token[:32])).upper(),
                "UnlockToken": b"unlock token of " + self.serial.encode(),
                "AwaitingConfiguration": self.awaiting,
            },
        ]

    def farewell(self) -> Message | None:
        """CheckOut, once after the removal of the MDM profile, by a device that checks out."""
        leaving, self.leaving = self.leaving, False
        return {"MessageType": "CheckOut", "Topic": self.topic, "UDID": self.udid} if leaving else None

    def handed_on(self) -> None:
        """Somebody set it up for the next pupil."""
        self.name, self.lost_mode, self.off = "iPad of the next pupil", False, False
        self.profiles, self.apps = PROFILES, APPS

    # Commands

    def answer(self, given: Message) -> Message:
        """The response to a command as the server gave it."""
        command = given["Command"]
        name = command["RequestType"]
        response = {"UDID": self.udid, "CommandUUID": given["CommandUUID"], "Status": "Acknowledged"}
        if self.not_now and name not in ALWAYS_ANSWERED:
            self.not_now -= 1
            return {**response, "Status": "NotNow"}
        self.seen += (given["CommandUUID"],)
        act: Callable[[Message], Message] | None = getattr(self, f"_{name}", None)
        if act is None:
            return {**response, **error(12021, f"{name} is not a valid request type")}
        if name in SUPERVISED_ONLY and not self.supervised:
            return {**response, **error(29000, "The device is not supervised")}
        try:
            return {**response, **act(command)}
        except (KeyError, TypeError, AttributeError):
            return {**response, "Status": "CommandFormatError"}

    def _DeviceInformation(self, command: Message) -> Message:
        known = {
            "UDID": self.udid,
            "SerialNumber": self.serial,
            "OSVersion": self.os_version,
            "ProductName": "iPad13,18",
            "DeviceName": self.name,
            "IsSupervised": self.supervised,
            "IsMDMLostModeEnabled": self.lost_mode,
            "IsDeviceLocatorServiceEnabled": self.find_my,
            "IsActivationLockEnabled": self.find_my,
            "AwaitingConfiguration": self.awaiting,
            "BatteryLevel": self.battery,
            **({"EthernetMAC": "02:00:00:00:00:01"} if self.ethernet else {}),
        }
        return {"QueryResponses": {query: known[query] for query in command["Queries"] if query in known}}

    def _CertificateList(self, command: Message) -> Message:
        """Each enrolment gives it a new identity; the authority's certificate stays."""
        identity = f"identity {self.enrolments} of {self.serial}".encode()
        told = (("Device Identity", identity, True), ("Example Root CA", b"example root", False))
        return {
            "CertificateList": [
                {"CommonName": name, "Data": data, "IsIdentity": is_identity} for name, data, is_identity in told
            ]
        }

    def _SecurityInfo(self, command: Message) -> Message:
        return {"SecurityInfo": {"PasscodePresent": False, "HardwareEncryptionCaps": 3}}

    def _ProfileList(self, command: Message) -> Message:
        every = not command.get("ManagedOnly", False)
        return {"ProfileList": [one.told() for one in self.profiles if every or one.managed]}

    def _RemoveProfile(self, command: Message) -> Message:
        identifier = command["Identifier"]
        found = next((one for one in self.profiles if one.identifier == identifier), None)
        if found is None:
            return error(12075, f"The profile {identifier} is not installed")
        if not (found.managed or self.supervised):
            return error(12013, f"The profile {identifier} is not managed")
        self.removed_profiles += (identifier,)
        self.profiles = tuple(one for one in self.profiles if one is not found)
        if found.payload_type == MDM_PAYLOAD:
            self._leave()
        return {}

    def _leave(self) -> None:
        """What the MDM installed goes with its profile; a managed app without the flag stays, and is nobody's."""
        self.unenrolled += 1
        self.enrolled, self.awaiting, self.leaving = False, False, self.checks_out
        self.profiles = tuple(one for one in self.profiles if not one.managed)
        staying = [one for one in self.apps if not one.flags & REMOVED_WITH_MDM]
        self.apps = tuple(shared_app(one.identifier, False, 0) for one in staying)

    def _InstalledApplicationList(self, command: Message) -> Message:
        chosen = [one for one in self._chosen(command) if one.managed or not command.get("ManagedAppsOnly", False)]
        return {"InstalledApplicationList": [{"Identifier": one.identifier, "Name": one.identifier} for one in chosen]}

    def _ManagedApplicationList(self, command: Message) -> Message:
        chosen = [one for one in self._chosen(command) if one.managed]
        told = {one.identifier: {"Status": "Managed", "ManagementFlags": one.flags} for one in chosen}
        return {"ManagedApplicationList": told}

    def _chosen(self, command: Message) -> list[App]:
        wanted = command.get("Identifiers")
        return [one for one in self.apps if wanted is None or one.identifier in wanted]

    def _RemoveApplication(self, command: Message) -> Message:
        identifier = command["Identifier"]
        found = next((one for one in self.apps if one.identifier == identifier and one.managed), None)
        if found is None:
            return error(12029, f"The app {identifier} is not managed")
        self.removed_apps += (identifier,)
        self.apps = tuple(one for one in self.apps if one is not found)
        return {}

    def _ActivationLockBypassCode(self, command: Message) -> Message:
        return {"ActivationLockBypassCode": "AAAAA-BBBBB-CCCC-DDDD-EEEE-FFFF"}

    def _EraseDevice(self, command: Message) -> Message:
        """A device that a user's Activation Lock holds stops there, Return to Service or not."""
        if self.lost_mode:
            return error(12078, "The command is not valid in lost mode")
        self.erased += 1
        self.returning = self.returns and bool(command.get("ReturnToService", {}).get("Enabled")) and not self.find_my
        self.enrolled, self.awaiting, self.lost_mode, self.name = False, False, False, "iPad"
        self.profiles, self.apps = (), ()
        return {}

    def _DeviceConfigured(self, command: Message) -> Message:
        self.awaiting = False
        return {}

    # In the saved state: what differs from a new device

    def packed(self) -> dict[str, Any]:
        every = zip(NAMES, VALUES(self), DEFAULTS, strict=True)
        return {name: value for name, value, usual in every if value != usual}

    @classmethod
    def unpacked(cls, data: dict[str, Any]) -> Device:
        facts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        if "profiles" in facts:
            facts["profiles"] = tuple(shared_profile(*each) for each in facts["profiles"])
        if "apps" in facts:
            facts["apps"] = tuple(shared_app(*each) for each in facts["apps"])
        return cls(**facts)


NAMES = tuple(each.name for each in dataclasses.fields(Device))
DEFAULTS = tuple(each.default for each in dataclasses.fields(Device))
VALUES = operator.attrgetter(*NAMES)
SETTABLE = NAMES[NAMES.index("os_version") : NAMES.index("not_now") + 1]


def error(code: int, text: str) -> Message:
    chain = {"ErrorCode": code, "ErrorDomain": "MCMDMErrorDomain", "LocalizedDescription": text}
    return {"Status": "Error", "ErrorChain": [chain]}
