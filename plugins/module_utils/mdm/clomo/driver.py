# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The driver for CLOMO PANEL. It has no API, so a real browser does what an administrator does there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._errors import ConfigurationError
from .content_token import ContentTokenPort
from .panel import Panel
from .push_certificate import PushCertificatePort
from .server_token import ServerTokenPort

__all__ = ["ClomoDriver"]


class ClomoDriver:
    """All three ports share one browser, which starts when the first of them is used."""

    name = "clomo"
    absent: Mapping[str, Mapping[str, str]] = {}

    def __init__(self, options: Mapping[str, Any]) -> None:
        missing = [name for name in ("domain", "username", "password") if not options.get(name)]
        if missing:
            raise ConfigurationError(
                f"The driver clomo needs {', '.join(missing)} in the MDM server's options; the driver's page tells them all."
            )
        self.panel = Panel(options)
        self.push_certificate = PushCertificatePort(self.panel)
        self.server_token = ServerTokenPort(self.panel)
        self.content_token = ContentTokenPort(self.panel)

    def step(self, name: str, notebook: Any, options: Mapping[str, Any]) -> None:
        """The panel does no steps on devices yet."""

    def close(self) -> None:
        self.panel.close()
