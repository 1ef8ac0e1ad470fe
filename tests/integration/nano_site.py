# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real NanoMDM that tells nendo-events, and devices that speak Apple's protocol to it."""

from __future__ import annotations

import plistlib
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger, open_ledger
from ansible_collections.nendo.apple_mdm.tests.integration import nano_servers
from ansible_collections.nendo.apple_mdm.tests.simulator.device_http import Connected, Identities
from ansible_collections.nendo.apple_mdm.tests.simulator.devices import Device

__all__ = ["LEDGER_KEY", "Site", "nano_site"]

LEDGER_KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
RECEIVER = "ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver"
TOPIC = "com.apple.mgmt.External.e0bd1eac-1f17-4c8e-8a63-dd17d3dd35d9"
KEY = "webhook-key"
EVENT_SECONDS = 20


@dataclass
class Site:
    """A NanoMDM with its receiver."""

    url: str
    ledger_path: str
    ledger: Ledger
    identities: Identities

    def device(self, serial: str, **facts: Any) -> Connected:
        device = Device(serial, TOPIC, **facts)
        return Connected(device, self.url, self.identities.sign(serial))

    def enqueue(self, udid: str, command: dict[str, Any]) -> str:
        name = str(uuid.uuid4())
        body = plistlib.dumps({"CommandUUID": name, "Command": command})
        auth = ("nanomdm", nano_servers.API_KEY)
        requests.put(f"{self.url}/v1/enqueue/{udid}?nopush=1", data=body, auth=auth, timeout=30).raise_for_status()
        return name

    def awaited(self, look: Callable[[], Any]) -> Any:
        """NanoMDM tells after it has answered, so an event comes a little later."""
        deadline = time.monotonic() + EVENT_SECONDS
        while not (found := look()):
            assert time.monotonic() < deadline, "the event did not come"
            time.sleep(0.02)
        return found


@contextmanager
def nano_site(tmp_path: Path, *, keeps_secrets: bool = True) -> Iterator[Site]:
    ledger, key = tmp_path / "ledger.db", tmp_path / "key"
    key.write_text(KEY)
    (tmp_path / "ledger-key").write_text(LEDGER_KEY)
    identities = Identities(tmp_path)
    with ExitStack() as stack:
        command = [sys.executable, "-m", RECEIVER, "--ledger", str(ledger), "--listen", "127.0.0.1:0"]
        command += ["--hmac-key-file", str(key)]
        if keeps_secrets:
            command += ["--ledger-key-file", str(tmp_path / "ledger-key")]
        receiver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        stack.callback(receiver.communicate)
        stack.callback(receiver.kill)
        assert receiver.stdout
        address = re.search(r"listens at (\S+)", receiver.stdout.readline())
        assert address
        webhook = ("-webhook-url", f"http://{address[1]}/", "-webhook-hmac-key", KEY)
        url = stack.enter_context(nano_servers.nanomdm(identities.path, *webhook))
        yield Site(url, str(ledger), open_ledger(str(ledger), LEDGER_KEY), identities)
