# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evidence: after each step a picture and the page's text, numbered, without secrets; a trace where a step failed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

try:
    from playwright.sync_api import Error as PlaywrightError
except ImportError:
    pass

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["MASKED", "Evidence", "Record", "Secrets"]

Record = Callable[[str, bytes], None]

MASKED = "●●●"
SHORTEST = 6  # shorter texts stand in pages for other reasons
CHUNK = 40  # of a long secret each piece of this length is one, since pages fold and cut


class Secrets:
    """Texts that nobody may read anywhere."""

    def __init__(self, texts: Iterable[str | None] = ()) -> None:
        self._texts: set[str] = set()
        self.add(*texts)

    def add(self, *texts: str | None) -> None:
        for text in texts:
            if text and len(text) >= SHORTEST:
                self._texts.update({text, quote(text, safe="")})

    def add_file(self, data: bytes) -> None:
        """The contents of a token or certificate, in any cut."""
        for line in data.decode("latin-1").split():
            self.add(*(line[at : at + CHUNK] for at in range(0, len(line), CHUNK) if len(line) - at >= CHUNK / 2))

    def masked(self, text: str) -> str:
        for secret in sorted(self._texts, key=len, reverse=True):
            text = text.replace(secret, MASKED)
        return text

    def masked_in(self, value: Any) -> Any:
        """The same data with its texts masked."""
        if isinstance(value, dict):
            return {key: self.masked_in(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.masked_in(each) for each in value]
        return self.masked(value) if isinstance(value, str) else value

    def masked_bytes(self, data: bytes) -> bytes:
        for secret in sorted(self._texts, key=len, reverse=True):
            data = data.replace(secret.encode(), MASKED.encode())
        return data

    def shown_in(self, text: str) -> list[str]:
        return [secret for secret in self._texts if secret in text]


class Evidence:
    """record: where it goes, set from outside for one order; None while there is none. Numbers start anew with it."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self._record: Record | None = None
        self._number = 0

    @property
    def record(self) -> Record | None:
        return self._record

    @record.setter
    def record(self, record: Record | None) -> None:
        self._record, self._number = record, 0

    def leave(self, page: Page, step: str) -> None:
        """step: a name such as settings-basic."""
        if self._record is None:
            return
        text = str(page.evaluate("() => document.body.innerText || ''"))
        boxes = page.get_by_role("textbox")
        contents = enumerate(boxes.evaluate_all("all => all.map(box => String(box.value ?? box.textContent ?? ''))"))
        hidden = [boxes.nth(number) for number, content in contents if self.secrets.shown_in(content)]
        hidden += [page.get_by_text(secret) for secret in self.secrets.shown_in(text)]
        picture = page.screenshot(mask=hidden, mask_color="#888888", animations="disabled", caret="hide")
        name = self._next(step)
        self._record(f"{name}.png", picture)
        self._record(f"{name}.txt", self.secrets.masked(f"{_address(page)}\n\n{text}\n").encode())

    def leave_failure(self, page: Page, sentence: str, trace: Path | None) -> None:
        """What there was to see when a step failed, as far as the page still answers."""
        if self._record is None:
            return
        try:
            self.leave(page, "stopped")
        except PlaywrightError:
            self._next("stopped")
        self._record(f"{self._number:04d}-stopped-why.txt", self.secrets.masked(f"{sentence}\n").encode())
        if trace is not None and trace.exists():
            self._record(f"{self._number:04d}-stopped-trace.zip", self.masked_trace(trace.read_bytes()))

    def masked_trace(self, data: bytes) -> bytes:
        """The same trace without secrets in any of its parts."""
        masked = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(masked, "w", zipfile.ZIP_DEFLATED) as kept:
            for name in given.namelist():
                kept.writestr(name, self.secrets.masked_bytes(given.read(name)))
        return masked.getvalue()

    def _next(self, step: str) -> str:
        self._number += 1
        return f"{self._number:04d}-{step}"


def _address(page: Page) -> str:
    """Without what stands behind the path: sessions hide there."""
    return re.sub(r"[?#;].*$", "", page.url)
