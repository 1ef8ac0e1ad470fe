# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sees that there is a browser for CLOMO PANEL: installs Debian's as root, else tells the one command.

Preferred is the one that needs no window, since it starts in half the time and the tests start hundreds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

WINDOWLESS = "chromium-headless-shell"
PROGRAMS = (
    WINDOWLESS,
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "msedge",
)
APPLICATIONS = ("Google Chrome.app", "Chromium.app", "Microsoft Edge.app")
FONTS = "fonts-noto-cjk"


def is_here() -> bool:
    return any(map(shutil.which, PROGRAMS)) or any(Path("/Applications", name).exists() for name in APPLICATIONS)


def provide() -> None:
    """Not a failure where it cannot be had: what needs a browser says so itself."""
    if shutil.which(WINDOWLESS):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium from Debian's packages (a minute)", flush=True)
        apt_get("update")
        for package in (WINDOWLESS, "chromium"):
            apt_get("install", "--yes", "--no-install-recommends", package, FONTS)
            if is_here():
                return
    if not is_here():
        print(
            f"There is no browser here, so CLOMO PANEL is left out. To have it: sudo apt-get install chromium {FONTS}"
        )


def apt_get(*act: str) -> None:
    asks_nothing = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "--quiet", "--quiet", *act]
    subprocess.run(command, check=False, env=asks_nothing, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    provide()
