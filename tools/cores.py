# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prepares one release of ansible-core for ansible-test: cores.py RELEASE PYTHON ("newest" or such as 2.16)."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

from environments import make
from work import WORK, home, interpreter

PYTHONS = {"2.16": ("3.12", "3.11"), "2.19": ("3.11", "3.12", "3.13"), "newest": ("3.13", "3.12", "3.14")}

PYTHON_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
PIP_VERSION = """
import sys, types
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(types.SimpleNamespace(version="%d.%d" % sys.version_info[:2]))["pip"])
"""
PIP_STAND_IN = """# Installs pip from what Python brings along; ansible-test would download an installer.
import ensurepip
import os
import subprocess
import sys

ensurepip.bootstrap(upgrade=True, default_pip=True)
authorities = "/etc/ssl/certs/ca-certificates.crt"
if os.path.exists(authorities):
    os.environ.setdefault("PIP_CERT", authorities)
packages = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *packages]))
"""


@functools.cache
def python_for(release: str) -> Path | None:
    """The interpreter that this release runs on here, or None. CORE_PYTHON=3.11 allows only that version."""
    only = os.environ.get("CORE_PYTHON")
    versions = [version for version in PYTHONS[release] if only in (None, "", version)]
    return next((found for version in versions if (found := interpreter(version))), None)


def folder(release: str) -> Path:
    """The virtual environment of this release."""
    return WORK / f"core-{release}"


def prepare(release: str, python: Path) -> None:
    """Installs the release, and the stand-in for the pip installer under the name that it looks for."""
    make(folder(release), python, ["ansible-core" if release == "newest" else f"ansible-core=={release}.*"])
    asked = [str(folder(release) / "bin" / "python"), "-c", PIP_VERSION]
    version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    cache = home(f"core-{release}") / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(PIP_STAND_IN)


def ansible_test(act: str, python: Path, *targets: str) -> list[str]:
    """The command for sanity or units, on this interpreter's version."""
    found = subprocess.run([python, "-c", PYTHON_VERSION], check=True, capture_output=True, text=True)
    return [
        "ansible-test",
        act,
        "--local",
        "--requirements",
        "--python",
        found.stdout.strip(),
        "--color",
        "no",
        *targets,
    ]


if __name__ == "__main__":
    prepare(sys.argv[1], Path(sys.argv[2]))
