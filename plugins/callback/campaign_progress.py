# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells how far a step of a campaign has come while it runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: campaign_progress
type: notification
short_description: Tells how far a step of a campaign has come while it runs
version_added: "0.1.0"
author: nendo.apple_mdm contributors (@nendo-mdm)
description:
  - While a step of the play nendo.apple_mdm.graduation runs, a process beside it reads the ledger, and tells how many devices are
    done, pending and failed, how many are done in a minute, and how long the rest will take at that pace.
  - Of the other plays it tells nothing.
requirements:
  - Enable it with C(callbacks_enabled = nendo.apple_mdm.campaign_progress) or E(ANSIBLE_CALLBACKS_ENABLED).
  - SQLAlchemy, where Ansible runs.
options:
  seconds:
    description: Seconds between two lines.
    type: int
    default: 10
    env:
      - name: NENDO_PROGRESS_SECONDS
    ini:
      - section: campaign_progress
        key: seconds
"""

import contextlib
import os
import subprocess
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

ALL = ""  # steps
MODULES = {
    "campaign_run": ALL,
    "mdm_device_info": "collect",
    "mdm_profile_remove": "profiles",
    "mdm_app_remove": "apps",
    "vpp_license_revoke": "licences",
    "mdm_device_delete": "delete",
    "mdm_device_wipe": "wipe",
    "asm_unassign": "unassign",
    "asm_release": "release",
    "mdm_user_delete": "users",
    "mdm_organization_delete": "organizations",
}
WANTED = ("graduation_campaign", "graduation_ledger")
TELLER = "ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.progress"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "nendo.apple_mdm.campaign_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._play: Any = None
        self._teller: subprocess.Popen[bytes] | None = None

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._end()
        self._play = play

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._end()

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        step = MODULES.get(str(task.action).removeprefix("nendo.apple_mdm."))
        if step is not None and self._teller is None:
            self._begin(step, self._variables(host, task))

    def v2_runner_on_ok(self, result: Any) -> None:
        self._end()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._end()

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._end()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._end()

    def _variables(self, host: Any, task: Any) -> dict[str, str]:
        """Where the ledger is, and the campaign's id."""
        play = self._play
        known = play.get_variable_manager().get_vars(play=play, host=host, task=task)
        templar = Templar(loader=play.get_loader(), variables=known)
        return {name: str(templar.template(known[name])) for name in WANTED if name in known}

    def _begin(self, step: str, known: dict[str, str]) -> None:
        if len(known) < len(WANTED):
            return
        command = [sys.executable, "-m", TELLER, known["graduation_campaign"], step, str(self.get_option("seconds"))]
        environment = {"NENDO_LEDGER": known["graduation_ledger"], "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
        with contextlib.suppress(OSError, ValueError):
            self._teller = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=sys.__stdout__,  # by name: Ansible lets no process inherit it
                stderr=subprocess.DEVNULL,
            )

    def _end(self) -> None:
        if self._teller is not None:
            self._teller.terminate()
            self._teller.wait()
            self._teller = None
