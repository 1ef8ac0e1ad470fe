# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a verdict is: accepted or refused, a stable code, reason and cure in English and Japanese, plain facts.

The sentences stand in reasons.py, which is loaded only when a verdict is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._errors import CredentialError

__all__ = ["ACCEPTED", "Text", "Verdict", "clean", "refusal", "verdict"]

ACCEPTED = "accepted"


@dataclass(frozen=True)
class Text:
    """One sentence in both languages."""

    en: str
    ja: str

    def as_dict(self) -> dict[str, str]:
        return {"en": self.en, "ja": self.ja}

    def filled(self, words: dict[str, Text]) -> Text:
        """With each {name} replaced by the word of the same language; what nobody knows shows as a question mark."""
        return Text(
            self.en.format_map(_Words({name: word.en for name, word in words.items()})),
            self.ja.format_map(_Words({name: word.ja for name, word in words.items()})),
        )


class _Words(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"


@dataclass(frozen=True)
class Verdict:
    """What was found about one file. facts is plain JSON and never holds a secret."""

    accepted: bool
    code: str
    reason: Text
    cure: Text
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[Text, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "accepted": self.accepted,
            "code": self.code,
            "reason": self.reason.as_dict(),
            "cure": self.cure.as_dict(),
            "facts": dict(self.facts),
            "warnings": [warning.as_dict() for warning in self.warnings],
        }


def clean(text: object) -> str:
    """Text from a file, fit to be shown: one line, valid UTF-8, at most 200 characters."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text)[:1000])
    shown = " ".join(shown.split())
    return shown if len(shown) <= 200 else shown[:199] + "…"


def verdict(code: str, credential: str = "", *, warnings: tuple[Text, ...] = (), **facts: Any) -> Verdict:
    """The verdict of this code. credential: the box the file was put in, for the cure's words on the right file."""
    from .reasons import REASONS, RIGHT_FILES

    facts = {name: clean(value) if isinstance(value, str) else value for name, value in facts.items()}
    words = {name: Text(str(value), str(value)) for name, value in facts.items()}
    words["right_file"] = RIGHT_FILES.get(credential, RIGHT_FILES[""])
    entry = REASONS[code]
    return Verdict(code == ACCEPTED, code, entry.reason.filled(words), entry.cure.filled(words), facts, warnings)


def refusal(found: Verdict) -> CredentialError:
    """The error that carries a refusing verdict."""
    return CredentialError(f"{found.reason.en} {found.cure.en}", verdict=found.as_dict())
