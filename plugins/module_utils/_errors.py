# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The error tree: everything that our own code raises on purpose.

AppleMdmError
├── ConfigurationError      an option or an inventory value cannot work as it stands
├── LibraryMissing          a Python library is not installed where the module runs
├── CredentialError         a file or key is not what it should be; carries the verdict
├── ServiceError            a far side refused or failed
│   ├── Unreachable         no answer: DNS, TLS, connection, time-out
│   ├── AccessRefused       password, key or token not accepted
│   ├── TermsNotSigned      Apple waits for a person to accept new terms
│   ├── FileRefused         a file was read and not taken; another file is needed
│   │   └── OtherOwner      it belongs to somebody else: another MDM server, another organisation
│   ├── RequestLost         the far side no longer has what it made for an order; only a new order helps
│   └── PanelError          a page in the browser is not what it should be; nothing was pressed after that was seen
├── OrderError              the order store or an order cannot go on
│   └── OrderBusy           another run works on the same order
└── LedgerError             the ledger of a campaign cannot go on
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AccessRefused",
    "AppleMdmError",
    "ConfigurationError",
    "CredentialError",
    "FileRefused",
    "LedgerError",
    "LibraryMissing",
    "OrderBusy",
    "OrderError",
    "OtherOwner",
    "PanelError",
    "RequestLost",
    "ServiceError",
    "TermsNotSigned",
    "Unreachable",
]


class AppleMdmError(Exception):
    """One line for people (what failed, where, why, what to do next), and details as plain data for fail_json."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class ConfigurationError(AppleMdmError):
    pass


class LibraryMissing(AppleMdmError):
    pass


class CredentialError(AppleMdmError):
    """Raised with the verdict's own sentences; details has the verdict as plain data under verdict."""


class ServiceError(AppleMdmError):
    """Details: method, request_path, status and at most 4 KiB of body, as far as they exist."""

    @property
    def status(self) -> int | None:
        return self.details.get("status")


class Unreachable(ServiceError):
    pass


class AccessRefused(ServiceError):
    pass


class TermsNotSigned(ServiceError):
    pass


class FileRefused(ServiceError):
    pass


class OtherOwner(FileRefused):
    pass


class RequestLost(ServiceError):
    pass


class PanelError(ServiceError):
    """Details: screen, label, wanted (its texts), seen (what stood there instead); nothing else of the page."""


class OrderError(AppleMdmError):
    pass


class OrderBusy(OrderError):
    pass


class LedgerError(AppleMdmError):
    pass
