# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the plays cost, in one table: bench.py FOLDER [DEVICES].

All of it runs on one machine against one simulator. What counts are ratios of times that were taken in one run, medians of
three. Exit code 1 if one is over its limit.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import clomo_bench
import graduation_bench
import renewal_bench


def main(folder: Path, devices: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = [
        *renewal_bench.rows(folder / "renewal"),
        *graduation_bench.rows(folder / "graduation", devices),
        *clomo_bench.rows(folder / "clomo"),
    ]
    print(f"\n{'work':62} {'measured':46} {'must':16} kept")
    for row in rows:
        print(f"{row.work:62} {row.measured:46} {row.must:16} {'yes' if row.kept else 'NO'}")
    sys.exit(not all(row.kept for row in rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else graduation_bench.DONATED)
