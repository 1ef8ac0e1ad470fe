# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds the real MDM servers that the tests run against in .work/bin, with the Go that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from work import SERVERS, WORK, environment

BUILT_FROM = {
    "nanomdm": "github.com/micromdm/nanomdm/cmd/nanomdm@v0.9.0",
    "depserver": "github.com/micromdm/nanodep/cmd/depserver@v0.7.0",
    "nanohub": "github.com/micromdm/nanohub/cmd/nanohub@v0.2.0",
    "nanoaxm": "github.com/micromdm/nanoaxm/cmd/nanoaxm@v0.2.0",
}


def go_is_here() -> bool:
    """Whether servers can be built at all."""
    return shutil.which("go") is not None


def build() -> None:
    """Builds what is not there yet; caches and modules stay in .work."""
    settings = subprocess.run(["go", "env", "GOENV"], capture_output=True, text=True, check=True).stdout.strip()
    variables = environment() | {
        "GOENV": settings,
        "GOPATH": str(WORK / "go"),
        "GOMODCACHE": str(WORK / "go" / "mod"),
        "GOCACHE": str(WORK / "cache" / "go"),
        "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip(),
        "CGO_ENABLED": "0",
    }
    for name, source in BUILT_FROM.items():
        made_of = SERVERS / f"{name}.version"
        if made_of.exists() and made_of.read_text() == source:
            continue
        SERVERS.mkdir(parents=True, exist_ok=True)
        print(f"go install {source}", flush=True)
        subprocess.run(["go", "install", source], env=variables | {"GOBIN": str(SERVERS)}, check=True, cwd=WORK)
        made_of.write_text(source)


if __name__ == "__main__":
    if not go_is_here():
        sys.exit("Go is not installed, so the tests against the real MDM servers are skipped.")
    build()
