# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Python libraries that an act needs on the host where its module runs."""

from __future__ import annotations

from importlib.util import find_spec

from ._errors import LibraryMissing

__all__ = ["require"]

PACKAGES = {"requests_oauthlib": "requests-oauthlib", "httpx": "httpx[http2]", "psycopg": "psycopg[binary]"}


def require(*modules: str) -> None:
    """LibraryMissing, naming every missing one and the command that installs them, unless all are there."""
    missing = [PACKAGES.get(module, module) for module in modules if find_spec(module) is None]
    if missing:
        packages = " ".join(f"'{package}'" for package in missing)
        raise LibraryMissing(
            f"Python on this host lacks {', '.join(missing)}. Nothing was changed. Install with:"
            f" python3 -m pip install {packages} (for the Python that ansible_python_interpreter names).",
            missing=missing,
        )
