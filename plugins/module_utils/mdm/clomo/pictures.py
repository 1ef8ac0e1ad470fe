# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pictures of a campaign's work, where the option evidence_path names a folder for them: a folder of its own for each run."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

from .panel import Panel

__all__ = ["keep_pictures"]


def keep_pictures(panel: Panel) -> None:
    """From now on, unless an order keeps its own."""
    given = panel.options.get("evidence_path")
    if not given or panel.record is not None:
        return
    now = datetime.now(timezone.utc)
    folder = Path(given).expanduser() / f"{now:%Y%m%dT%H%M%SZ}-{os.getpid()}"

    def record(name: str, data: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)

    panel.record = record
