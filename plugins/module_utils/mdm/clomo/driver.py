# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The driver for CLOMO PANEL. It has no API, so a real browser does what an administrator does there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..._errors import ConfigurationError
from ..protocol import DeviceStep
from .collect_step import CollectStep
from .content_token import ContentTokenPort
from .delete_step import DeleteStep
from .licences_step import LicencesStep
from .organizations_step import OrganizationsStep
from .panel import Panel
from .pictures import keep_pictures
from .push_certificate import PushCertificatePort
from .removal_step import Removal, RemovalStep, apps, profiles
from .server_token import ServerTokenPort
from .step import PanelStep, Screens
from .users_step import UsersStep
from .wipe_step import WipeStep

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["ClomoDriver"]

STEPS: Mapping[str, Callable[..., PanelStep]] = {
    "licences": LicencesStep,
    "delete": DeleteStep,
    "wipe": WipeStep,
    "users": UsersStep,
    "organizations": OrganizationsStep,
}
PROFILE_STAYS = {
    "en": "A device whose ADE profile forbids to remove the MDM profile keeps the MDM profile after its deletion, and CLOMO PANEL does"
    " not show which these are. Look at the ADE profile; where it forbids that, erase the devices before they are given away.",
    "ja": "ADE プロファイルで MDM プロファイルの削除が禁止されているデバイスでは、削除後も MDM プロファイルが端末に残ります。CLOMO PANEL"
    " の画面では見分けられないため、ADE プロファイルの設定を確認し、禁止されている場合は譲渡の前に初期化してください。",
}
REMOVALS: Mapping[str, Callable[..., Removal]] = {"profiles": profiles, "apps": apps}


class ClomoDriver:
    """Ports and steps share one browser, which starts when the first of them is used."""

    name = "clomo"
    takes_back_licences = True
    absent: Mapping[str, Mapping[str, str]] = {}
    notices = {"delete": PROFILE_STAYS}

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
        self._screens: Screens | None = None

    def step(self, name: str, notebook: Notebook, options: Mapping[str, Any]) -> DeviceStep | None:
        """options: outcome of collect, wanted and all_managed of apps. Return to Service is by the panel's own settings, so wipe uses none of its own.
        All steps of a run share the browser and its screens."""
        if self._screens is None:
            keep_pictures(self.panel)
            self._screens = Screens(self.panel)
        if name == "collect":
            return CollectStep(self._screens, notebook, **options)
        if name in STEPS:
            return STEPS[name](self._screens, notebook)
        if name in REMOVALS:
            return RemovalStep(REMOVALS[name](**options), self._screens, notebook)
        return None

    def close(self) -> None:
        self.panel.close()
