# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes virtual environments in .work, and again only when what they hold has changed. Run directly: the tools' own."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from work import ROOT, VENV, environment

REQUIREMENTS = (
    "requirements.txt",
    "tests/unit/requirements.txt",
    "tests/integration/requirements.txt",
    "tools/requirements.txt",
)


def make(folder: Path, python: Path, packages: Sequence[str] = (), files: Sequence[str] = ()) -> None:
    """A virtual environment with these packages and those of these requirement files, whose paths start at the root.

    Two makings of one environment wait for each other."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        _make(folder, python, packages, files)


def _make(folder: Path, python: Path, packages: Sequence[str], files: Sequence[str]) -> None:
    wanted = "\n".join([str(python), *packages, *((ROOT / file).read_text() for file in files)])
    stamp = folder / "made-of.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", folder], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    named = [argument for file in files for argument in ("--requirement", str(ROOT / file))]
    subprocess.run([*pip, *packages, *named], check=True, env=environment(folder), cwd=ROOT)
    stamp.write_text(wanted)


def make_own() -> None:
    """The environment in which everything but other versions of Ansible runs. It is made with the machine's Python, also
    where a virtual environment is active, which may be this one."""
    make(
        VENV,
        Path(sys.base_exec_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"),
        files=REQUIREMENTS,
    )


if __name__ == "__main__":
    print(f"Installing what the tools need in {VENV.relative_to(ROOT)} (a minute at the first time)", flush=True)
    make_own()
