# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A nendo-events, a real NanoMDM that tells it, and devices that speak Apple's protocol to that."""

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

__all__ = ["LEDGER_KEY", "TOPIC", "Post", "Site", "nano_site", "post_office"]

LEDGER_KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
RECEIVER = "ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver"
TOPIC = "com.apple.mgmt.External.e0bd1eac-1f17-4c8e-8a63-dd17d3dd35d9"
KEY = "webhook-key"
EVENT_SECONDS = 20


@dataclass(frozen=True)
class Post:
    """A nendo-events, and the ledger that it writes to."""

    url: str
    key: str
    ledger_path: str
    ledger: Ledger


@dataclass
class Site:
    """A NanoMDM with its receiver."""

    url: str
    post: Post
    identities: Identities

    @property
    def ledger(self) -> Ledger:
        return self.post.ledger

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
    identities = Identities(tmp_path)
    with post_office(tmp_path, keeps_secrets=keeps_secrets) as post:
        webhook = ("-webhook-url", post.url, "-webhook-hmac-key", post.key)
        with nano_servers.nanomdm(identities.path, *webhook) as url:
            yield Site(url, post, identities)


@contextmanager
def post_office(folder: Path, *, ledger: str = "", keeps_secrets: bool = True) -> Iterator[Post]:
    """A nendo-events that runs. ledger: a file in the folder unless it is given."""
    ledger, key = ledger or str(folder / "ledger.db"), folder / "key"
    key.write_text(KEY)
    (folder / "ledger-key").write_text(LEDGER_KEY)
    command = [sys.executable, "-m", RECEIVER, "--ledger", ledger, "--listen", "127.0.0.1:0"]
    command += ["--hmac-key-file", str(key)]
    if keeps_secrets:
        command += ["--ledger-key-file", str(folder / "ledger-key")]
    with ExitStack() as stack:
        receiver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        stack.callback(receiver.communicate)
        stack.callback(receiver.kill)
        assert receiver.stdout
        address = re.search(r"listens at (\S+)", receiver.stdout.readline())
        assert address
        yield Post(f"http://{address[1]}/", KEY, ledger, open_ledger(ledger, LEDGER_KEY))
