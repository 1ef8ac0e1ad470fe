# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a daily run costs when nothing is due, beside a bare ping of the same hosts: bench.py FOLDER.

Both plays run in turn on the same machine with the same forks; the figure is the ratio of their times, the median of
three pairs. Exit code 1 if it is over the limit.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.nendo.apple_mdm.tests.inventory import write_inventory
from ansible_collections.nendo.apple_mdm.tests.simulator.client import start

TENANTS = 100
FORKS = "5"
PAIRS = 3
LIMIT = 3.0
PING = """---
- name: Reach each tenant's host
  hosts: mdm_tenants
  gather_facts: false
  tasks:
    - name: The host answers
      ansible.builtin.ping:
"""


def seconds(inventory: Path, playbook: Path) -> float:
    began = time.monotonic()
    command = ["ansible-playbook", "--forks", FORKS, "--inventory", str(inventory), str(playbook)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stdout[-4000:] + ended.stderr[-4000:])
    return time.monotonic() - began


def main(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ping = folder / "ping.yml"
    ping.write_text(PING)
    with start(folder / "world") as world:
        tenants = world.tenants([{"name": f"tenant{n}", "pushcert_readable": n % 2 == 0} for n in range(TENANTS)])
        inventory = write_inventory(folder / "inventory.json", tenants, order_store=str(folder / "orders"))
        print(f"{TENANTS} tenants, nothing due, {FORKS} forks\n\npair  annual_renewal  ping     ratio", flush=True)
        ratios = []
        for pair in range(1, PAIRS + 1):
            renewal, bare = seconds(inventory, Path("playbooks/annual_renewal.yml")), seconds(inventory, ping)
            ratios.append(renewal / bare)
            print(f"{pair:4}  {renewal:12.1f} s  {bare:5.1f} s  {ratios[-1]:5.2f}", flush=True)
        if world.writes():
            raise SystemExit(f"The renewal wrote although nothing was due: {world.writes()}")
    ratio = statistics.median(ratios)
    print(f"\nmedian ratio {ratio:.2f}, limit {LIMIT:.0f}: {'kept' if ratio <= LIMIT else 'BROKEN'}")
    sys.exit(ratio > LIMIT)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
