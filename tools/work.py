# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the tools keep their things (all in .work), which Pythons there are, and the environment that commands get."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".work"
VENV = WORK / "venv"
SERVERS = WORK / "bin"
SHARED = ROOT.parent / "shared"
CI = os.environ.get("CI") == "true"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

PIP_CONFIGURATIONS = (".config/pip/pip.conf", ".pip/pip.conf", "Library/Application Support/pip/pip.conf")
PYTHON_FOLDERS = (
    "~/.pyenv/versions/{version}.*/bin",
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/Library/Frameworks/Python.framework/Versions/{version}/bin",
)
PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"


def home(name: str = "common") -> Path:
    """A home directory of our own, in which pip has the user's settings, says little, and shares one cache."""
    folder = WORK / "home" / name
    pip = folder / ".config" / "pip" / "pip.conf"
    if not pip.exists():
        pip.parent.mkdir(parents=True, exist_ok=True)
        settings = configparser.RawConfigParser()
        settings.read(Path.home() / path for path in PIP_CONFIGURATIONS)
        settings.read_dict({"global": {"cache-dir": str(WORK / "cache" / "pip"), "quiet": "1", "progress-bar": "off"}})
        with pip.open("w") as file:
            settings.write(file)
    return folder


def environment(venv: Path = VENV, tree: Path | None = None, home_name: str = "common") -> dict[str, str]:
    """What a command in `venv` gets: the collection laid in `tree`, a home of ours, nothing of the user's Ansible."""
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON", "MAKE"))
    }
    if SERVERS.is_dir():
        variables.setdefault("NENDO_NANO_BIN", str(SERVERS))
    if (SHARED / "data").is_dir():
        variables.setdefault("NENDO_SHARED", str(SHARED))
    if tree is not None:
        variables |= {"ANSIBLE_COLLECTIONS_PATH": str(tree), "PYTHONPATH": str(tree)}
    return variables | {
        "HOME": str(home(home_name)),
        "PATH": os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": str(venv),
        "GIT_CEILING_DIRECTORIES": str(WORK),
        "ANSIBLE_PYTHON_INTERPRETER": str(venv / "bin" / "python"),
        "PYTHONUNBUFFERED": "1",
        "NODE_COMPILE_CACHE": str(WORK / "cache" / "node"),
    }


def interpreter(version: str) -> Path | None:
    """A real Python of this version that can make virtual environments; pyenv's shims and bare ones are passed over."""
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    for pattern in PYTHON_FOLDERS:
        absolute = Path(pattern.format(version=version)).expanduser()
        folders += sorted(Path("/").glob(str(absolute.relative_to("/"))), reverse=True)
    for folder in folders:
        python = shutil.which(f"python{version}", path=str(folder))
        if python and folder.name != "shims" and _version_of(python) == version:
            return Path(python)
    return None


def _version_of(python: str) -> str | None:
    probe = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, check=False)
    return probe.stdout.strip() if probe.returncode == 0 else None
