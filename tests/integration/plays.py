# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection's playbooks run as a user runs them, and what there is to see afterwards: output, files, secrets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant

__all__ = ["COLLECTIONS", "Played", "everything_in", "found_in", "play", "secrets_of", "start_play"]

COLLECTIONS = Path(__file__).parents[5]
DUE = {"push_days_left": 20, "server_token_days_left": 25, "content_token_days_left": 22}
LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Played:
    """code: of ansible-playbook. output: all that it printed."""

    code: int
    output: str

    def recap(self, host: str) -> dict[str, int]:
        """The counts of the recap's line: ok, changed, failed, …"""
        line = re.search(rf"^{re.escape(host)} +: (.*)$", self.output, re.MULTILINE)
        assert line is not None, self.output
        return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", line.group(1))}

    @property
    def diff(self) -> list[str]:
        """The lines of all diffs."""
        return [line for line in self.output.splitlines() if re.match(r"[+-] ", line)]


def start_play(playbook: str, inventory: Path, *arguments: str) -> subprocess.Popen[str]:
    """A playbook of the collection, by its short name, or a file; it goes on while the test does something else."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "ansible", "playbook", "--inventory", str(inventory)]
    return subprocess.Popen(
        [*command, playbook if "/" in playbook else f"nendo.apple_mdm.{playbook}", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def play(playbook: str, inventory: Path, *arguments: str) -> Played:
    process = start_play(playbook, inventory, *arguments)
    output, _errors = process.communicate(timeout=LIMIT_SECONDS)
    return Played(process.returncode, output)


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every file below the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def secrets_of(tenant: Tenant, **more: str) -> dict[str, str]:
    """What nobody may read anywhere, as it is now: keys by a line of theirs, as they would show in any text."""
    tokens: dict[str, Any] = tenant.server_token_values
    content_token: str = tenant.content_token
    return {
        "api_key": tenant.api_key,
        "dep_api_key": tenant.dep_api_key,
        "password": tenant.password,
        "private key": line_of(tenant.push_private_key_pem),
        "vendor's private key": line_of(Path(tenant.vendor_private_key).read_text()),
        **{name: tokens[name] for name in ("consumer_secret", "access_token", "access_secret")},
        "content token": content_token.strip()[:80],
        **more,
    }


def line_of(pem: str) -> str:
    return pem.splitlines()[5]


def found_in(text: str | bytes, secrets: Iterable[tuple[str, str]]) -> list[str]:
    """The names of the secrets that the text shows."""
    data = text.encode() if isinstance(text, str) else text
    return [name for name, secret in secrets if secret.encode() in data]


def journal(order: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (order / "journal.jsonl").read_text().splitlines()]
