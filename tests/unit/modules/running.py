# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module's main() run in this process, on every ansible-core that the collection supports."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest import mock

from ansible.module_utils import basic
from ansible.module_utils.common import warnings as told
from ansible.module_utils.common.parameters import PASS_VARS

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # core before 2.17

    @contextlib.contextmanager
    def patch_module_args(args: dict[str, Any] | None = None) -> Iterator[None]:
        with mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()):
            yield


__all__ = ["run_module"]


def run_module(module: ModuleType, check: bool = False, **params: Any) -> dict[str, Any]:
    """What the module prints: its result, with the invocation as Ansible shows it at -vvv."""
    told._global_warnings.clear()
    printed = io.StringIO()
    internal = {"_ansible_check_mode": check}
    if "inject_invocation" in PASS_VARS:  # from core 2.21 on; before, the invocation is always there
        internal["_ansible_inject_invocation"] = True
    with (
        patch_module_args({**params, **internal}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    result: dict[str, Any] = json.loads(printed.getvalue())
    if "warnings" in result:
        result["warnings"] = [_text(warning) for warning in result["warnings"]]
    return result


def _text(warning: Any) -> str:
    """Core 2.19 and later hand a warning over with its event around it."""
    return str(warning if isinstance(warning, str) else warning["event"]["msg"])
