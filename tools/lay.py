# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lays a fresh copy of the collection in .work/lay/NAME, in the folders that Ansible wants to find it in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from work import ROOT, WORK

NOT_OURS = {".git", ".work", "__pycache__", ".ansible", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def lay(name: str) -> tuple[Path, Path]:
    """The root of the tree (for ANSIBLE_COLLECTIONS_PATH and PYTHONPATH) and the collection's folder in it."""
    root = WORK / "lay" / name
    collection = root / "ansible_collections" / "nendo" / "apple_mdm"
    shutil.rmtree(root, ignore_errors=True)
    for path in _files():
        if (ROOT / path).is_file():
            (collection / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, collection / path, follow_symlinks=False)
    return root, collection


def _files() -> list[Path]:
    """What git would commit; all files where this is no clone (a release's archive)."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        if listed.returncode == 0:
            return [Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name]
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [one for one in folders if one not in NOT_OURS]
        found += [Path(folder, name).relative_to(ROOT) for name in names]
    return found
