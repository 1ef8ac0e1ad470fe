# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Year groups of a simulated school, and the play run on them as an administrator does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.nendo.apple_mdm.tests.inventory import server_options
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant
from ansible_collections.nendo.apple_mdm.tests.simulator.wifi import WIFI_PROFILE

__all__ = ["CAMPAIGN", "CONFIRMED", "LEDGER_KEY", "PLAY", "Graduation", "Ran", "events_to", "settings"]

ROOT = Path(__file__).resolve().parents[2]
PLAY = ROOT / "playbooks" / "graduation.yml"
RECEIVER = "ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver"
CAMPAIGN = "graduation-2027"
CONFIRMED = ("-e", f"graduation_confirm={CAMPAIGN}")
LEDGER_KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="


@contextmanager
def events_to(ledger: str, folder: Path, *tenants: Tenant) -> Iterator[None]:
    """nendo-events, which hears of everything that these tenants' MDM servers tell, their enrolments first."""
    key = folder / "ledger-key"
    key.write_text(LEDGER_KEY)
    command = [sys.executable, "-m", RECEIVER, "--listen", "127.0.0.1:0", "--ledger-key-file", str(key)]
    process = subprocess.Popen(command, env={**os.environ, "NENDO_LEDGER": ledger}, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        address = re.search(r"listens at (\S+)", process.stdout.readline())
        assert address
        for tenant in tenants:
            tenant.webhook(f"http://{address[1]}/", "")
            tenant.enrol_all()
            tenant.settled()
        yield
    finally:
        process.kill()
        process.communicate()


def settings(tenant: Tenant, folder: Path, ledger: str) -> dict[str, Any]:
    """The variables of a tenant's device groups."""
    wifi = folder / "wifi.mobileconfig"
    wifi.write_bytes(WIFI_PROFILE)
    return {
        "apple_mdm_server": server_options(tenant, folder / "files"),
        "server_token_server_name": tenant.server_name,
        "graduation_tenant": tenant.name,
        "graduation_campaign": CAMPAIGN,
        "graduation_ledger": ledger,
        "graduation_ledger_key": LEDGER_KEY,
        "graduation_apps": ["com.example.agent"],
        "graduation_wifi_profile_path": str(wifi),
        "graduation_wait_timeout": 20,
        "graduation_asm": {
            "client_id": tenant.school_client_id,
            "key_id": tenant.school_key_id,
            "private_key": tenant.school_private_key,
            "api_url": tenant.school_url,
            "token_url": tenant.school_token_url,
            "cache_path": str(folder / "cache"),
            "reads_per_minute": 0,
            "writes_per_hour": 0,
        },
    }


@dataclass(frozen=True)
class Ran:
    code: int
    output: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """By host."""
        lines = re.findall(r"^(\S+) +: (ok=.*)$", self.output.partition("PLAY RECAP")[2], re.MULTILINE)
        return {host: {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", counts)} for host, counts in lines}

    @property
    def failed(self) -> set[str]:
        return {host for host, counts in self.recap.items() if counts["failed"]}

    @property
    def changed(self) -> bool:
        return any(counts["changed"] for counts in self.recap.values())


@dataclass
class Graduation:
    """groups: by name, the serial numbers and the variables of a group of devices."""

    folder: Path
    common: Mapping[str, Any]
    groups: Mapping[str, tuple[Sequence[str], Mapping[str, Any]]]
    environment: dict[str, str] = field(default_factory=dict)

    def inventory(self) -> Path:
        children = {
            name: {"hosts": {serial: {} for serial in serials}, "vars": dict(variables)}
            for name, (serials, variables) in self.groups.items()
        }
        path = self.folder / "inventory.json"
        path.write_text(json.dumps({"mdm_devices": {"children": children, "vars": dict(self.common)}}))
        return path

    def run(self, *options: str, serial: str = '["100%"]') -> Ran:
        """serial: sizes of the batches; all at once takes the least time."""
        command = ["ansible-playbook", "--inventory", str(self.inventory()), str(PLAY), *options]
        command += ["-e", f'{{"graduation_serial": {serial}}}'] if serial else []
        ended = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )
        return Ran(ended.returncode, ended.stdout + ended.stderr)
