# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An iPad that is managed: what it says at check-in, how it answers each command, and what an erase makes of it.

Plain property lists in and out; how they travel is the business of whoever carries them (device_http.py)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .world import token

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
MDM_PROFILE = "com.example.mdm"
Message = dict[str, Any]


def profile(identifier: str, *, payload_type: str, managed: bool = True) -> Message:
    return {
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(uuid.uuid4()).upper(),
        "PayloadDisplayName": identifier,
        "PayloadVersion": 1,
        "IsManaged": managed,
        "PayloadContent": [{"PayloadType": payload_type, "PayloadIdentifier": f"{identifier}.1", "PayloadVersion": 1}],
    }


def enrolled_profiles() -> list[Message]:
    return [
        profile(MDM_PROFILE, payload_type="com.apple.mdm"),
        profile("com.example.wifi", payload_type="com.apple.wifi.managed"),
    ]


@dataclass
class Device:
    """not_now: how many more commands are put off. returns: whether it comes back after an erase with Return to Service."""

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
    not_now: int = 0
    enrolled: bool = False
    awaiting: bool = False
    erased: int = 0
    seen: list[str] = field(default_factory=list)  # the UUID of every command that it was given
    profiles: list[Message] = field(default_factory=enrolled_profiles)
    apps: list[str] = field(default_factory=lambda: ["com.example.agent", "com.apple.Keynote"])
    push_token: bytes = b""
    push_magic: str = ""

    # Check-in

    def enrolling(self, awaiting: bool = False) -> list[Message]:
        """Authenticate and TokenUpdate of a new enrolment."""
        self.push_token, self.push_magic = bytes.fromhex(token(64)), str(uuid.uuid4()).upper()
        self.enrolled, self.awaiting = True, awaiting
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
                "Token": self.push_token,
                "PushMagic": self.push_magic,
                "UnlockToken": b"unlock token of " + self.serial.encode(),
                "AwaitingConfiguration": awaiting,
            },
        ]

    # Commands

    def answer(self, given: Message) -> Message:
        """The response to a command as the server gave it."""
        command = given["Command"]
        name = command["RequestType"]
        response = {"UDID": self.udid, "CommandUUID": given["CommandUUID"], "Status": "Acknowledged"}
        if self.not_now and name not in ALWAYS_ANSWERED:
            self.not_now -= 1
            return {**response, "Status": "NotNow"}
        self.seen.append(given["CommandUUID"])
        act: Callable[[Message], Message] | None = getattr(self, f"_{name}", None)
        if act is None:
            return {**response, **error(12021, f"{name} is not a valid request type")}
        if name in SUPERVISED_ONLY and not self.supervised:
            return {**response, **error(29000, "The device is not supervised")}
        return {**response, **act(command)}

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

    def _SecurityInfo(self, command: Message) -> Message:
        return {"SecurityInfo": {"PasscodePresent": False, "HardwareEncryptionCaps": 3}}

    def _ProfileList(self, command: Message) -> Message:
        return {"ProfileList": self.profiles}

    def _InstalledApplicationList(self, command: Message) -> Message:
        return {"InstalledApplicationList": [{"Identifier": each, "Name": each} for each in self.apps]}

    def _ManagedApplicationList(self, command: Message) -> Message:
        return {"ManagedApplicationList": {each: {"Status": "Managed", "ManagementFlags": 1} for each in self.apps}}

    def _ActivationLockBypassCode(self, command: Message) -> Message:
        return {"ActivationLockBypassCode": "AAAAA-BBBBB-CCCC-DDDD-EEEE-FFFF"}

    def _EraseDevice(self, command: Message) -> Message:
        if self.lost_mode:
            return error(12078, "The command is not valid in lost mode")
        self.erased += 1
        self.enrolled, self.lost_mode, self.name = False, False, "iPad"
        self.profiles, self.apps = enrolled_profiles(), []
        self.returns = self.returns and bool(command.get("ReturnToService", {}).get("Enabled")) and not self.find_my
        return {}

    def _DeviceConfigured(self, command: Message) -> Message:
        self.awaiting = False
        return {}


def error(code: int, text: str) -> Message:
    chain = {"ErrorCode": code, "ErrorDomain": "MCMDMErrorDomain", "LocalizedDescription": text}
    return {"Status": "Error", "ErrorChain": [chain]}
