# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which licences of a location are assigned to which devices, found by either."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

Row = tuple[str, str, str]  # Adam ID, pricing, serial number


def asset_name(adam_id: str, pricing: str) -> str:
    return f"{adam_id} {pricing}"


@dataclass
class Licences:
    """of_asset: by Adam ID and pricing in one word, the serial numbers in the order of pages."""

    of_asset: dict[str, dict[str, None]] = field(default_factory=dict)
    of_serial: dict[str, list[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for asset, serials in self.of_asset.items():
            for serial in serials:
                self.of_serial.setdefault(serial, []).append(asset)

    def has(self, asset: str, serial: str) -> bool:
        return serial in self.of_asset.get(asset, {})

    def add(self, asset: str, serial: str) -> None:
        self.of_asset.setdefault(asset, {})[serial] = None
        self.of_serial.setdefault(serial, []).append(asset)

    def remove(self, asset: str, serial: str) -> None:
        del self.of_asset[asset][serial]
        self.of_serial[serial].remove(asset)

    def chosen(self, adam_id: str | None, pricing: str | None, serial: str | None) -> Chosen:
        """Those that have what is not None."""

        def fits(asset: str) -> bool:
            parts = asset.split()
            return adam_id in (None, parts[0]) and pricing in (None, parts[1])

        if serial is not None:
            return Chosen([(asset, [serial]) for asset in self.of_serial.get(serial, []) if fits(asset)])
        return Chosen([(asset, serials) for asset, serials in self.of_asset.items() if fits(asset)])


@dataclass
class Chosen:
    """Assets with serial numbers, of which only those of a page are looked at."""

    parts: list[tuple[str, dict[str, None] | list[str]]]

    def __len__(self) -> int:
        return sum(len(serials) for _asset, serials in self.parts)

    def rows(self) -> Iterator[Row]:
        return self.page(0, len(self))

    def page(self, first: int, size: int) -> Iterator[Row]:
        for asset, serials in self.parts:
            adam_id, pricing = asset.split()
            for serial in itertools.islice(serials, first, first + size):
                yield adam_id, pricing, serial
                size -= 1
            first = max(0, first - len(serials))
