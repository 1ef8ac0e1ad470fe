# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether what is selected on a screen is what is intended: the same names, as often, and nothing else. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

__all__ = ["counts_in", "difference", "one_row", "owner_of", "same_owner"]

NAMED = 3


def difference(intended: Collection[str], selected: Sequence[str], counts: Sequence[int] = ()) -> str | None:
    """In words, or None where there is none. counts: how many the screen says that there are, wherever it says so."""
    wanted, found = Counter(intended), Counter(selected)
    twice = sorted(name for name, number in found.items() if number > 1)
    strange = sorted(found - wanted)
    missing = sorted(wanted - found)
    wrong = [count for count in counts if count != len(wanted)]
    told = [
        *([f"{_named(strange)} too much"] if strange else []),
        *([f"{_named(missing)} missing"] if missing else []),
        *([f"{_named(twice)} more than once"] if twice else []),
        *([f"{wrong[0]} instead of {len(wanted)}"] if wrong else []),
        *(["nothing is intended"] if not wanted else []),
        *(["something is intended twice"] if len(set(intended)) != len(intended) else []),
    ]
    return ", ".join(told) or None


def counts_in(lines: Sequence[str]) -> list[int]:
    """The numbers that the lines say."""
    return [int(digits.replace(",", "")) for line in lines for digits in _numbers(line)]


def _numbers(line: str) -> list[str]:
    found, digits = [], ""
    for sign in f"{line} ":
        if sign.isdigit() and sign.isascii() or (sign == "," and digits):
            digits += sign
        elif digits:
            found.append(digits.rstrip(","))
            digits = ""
    return found


def one_row(rows: Sequence[Mapping[str, str]], struck: Sequence[bool]) -> int | None:
    """Which of the rows of one serial number counts: the only one that is not struck through, else the only one at all.

    None where that does not tell one."""
    alive = [number for number, is_struck in enumerate(struck) if not is_struck]
    some = alive or list(range(len(rows)))
    return some[0] if len(some) == 1 else None


def owner_of(cell: str) -> tuple[str, str]:
    """Name and mail address of an owner as the panel shows him; both empty where there is none."""
    name, bracket, rest = cell.strip().rpartition("<")
    if not bracket or not rest.endswith(">"):
        return cell.strip(), ""
    return name.strip(), rest[:-1].strip()


def same_owner(collected: Mapping[str, object], cell: str) -> bool:
    """collected: the facts of the device. A mail address tells a person; a name may have been corrected since."""
    name, mail = owner_of(cell)
    known_mail = str(collected.get("owner_mail") or "")
    if known_mail or mail:
        return known_mail.lower() == mail.lower()
    return str(collected.get("owner") or "") == name


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
