# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The driver for NanoMDM, NanoHUB and NanoDEP; the content token, which none of them keeps, is a file of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..._errors import ConfigurationError
from ..._http import HttpClient
from ..protocol import CredentialPort, DeviceStep
from .absent import ABSENT, AbsentStep
from .collect import CollectStep
from .commands import Commands
from .content_token import ContentTokenPort
from .enrolment_profiles import EnrolmentProfiles
from .push_certificate import PushCertificatePort
from .removal import RemovalStep
from .removals import Removal, apps, delete, profiles
from .server_token import ServerTokenPort
from .watch import Watch
from .wipe import WipeStep

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["NanoMdmDriver"]


class NanoMdmDriver:
    """A port is None where the inventory gives none of its options; half of them is a mistake."""

    name = "nanomdm"
    takes_back_licences = False
    absent = ABSENT
    notices: Mapping[str, Mapping[str, str]] = {}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._clients: list[HttpClient] = []
        self._mdm: HttpClient | None = None
        self._enrolment_profiles: EnrolmentProfiles | None = None
        self._watch: Watch | None = None
        self.push_certificate: CredentialPort | None = self._push_certificate(options)
        self.server_token: CredentialPort | None = self._server_token(options)
        self.content_token: CredentialPort | None = None
        if options.get("content_token_path"):
            self.content_token = ContentTokenPort(options)

    def step(self, name: str, notebook: Notebook, options: Mapping[str, Any]) -> DeviceStep | None:
        """options: of collect none that matters here; wifi_profile, preserve_data_plan and end_setup of wipe; wanted and all_managed of apps."""
        if name in ABSENT:
            return AbsentStep(name, ABSENT[name])
        if self._mdm is None:
            return None
        commands = Commands(self._mdm, self._path_prefix)
        watch = self._watch = self._watch or Watch(notebook)  # for all steps: each event is read once
        if name == "collect":
            return CollectStep(commands, notebook, watch)
        if name == "wipe":
            return WipeStep(commands, watch, enrolment_profiles=self._enrolment_profiles, **options)
        removals: Mapping[str, Callable[..., Removal]] = {"profiles": profiles, "apps": apps, "delete": delete}
        return RemovalStep(removals[name](**options), commands, watch) if name in removals else None

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _push_certificate(self, options: Mapping[str, Any]) -> PushCertificatePort | None:
        if not _all_or_none(options, "url", "api_key"):
            return None
        self._mdm = self._client(options, options["url"], options["username"], options["api_key"])
        self._path_prefix = options["path_prefix"]
        return PushCertificatePort(self._mdm, options)

    def _server_token(self, options: Mapping[str, Any]) -> ServerTokenPort | None:
        if not _all_or_none(options, "dep_url", "dep_api_key", "dep_name"):
            return None
        client = self._client(options, options["dep_url"], options["dep_username"], options["dep_api_key"])
        place = (options["dep_name"], options.get("dep_path_prefix", ""))
        port = ServerTokenPort(client, *place)
        self._enrolment_profiles = EnrolmentProfiles(client, *place, port.check)
        return port

    def _client(self, options: Mapping[str, Any], url: str, username: str, api_key: str) -> HttpClient:
        client = HttpClient(url, auth=(username, api_key), ca_path=options.get("ca_path"), timeout=options["timeout"])
        self._clients.append(client)
        return client


def _all_or_none(options: Mapping[str, Any], *names: str) -> bool:
    missing = [name for name in names if not options.get(name)]
    if missing and len(missing) < len(names):
        present = [name for name in names if name not in missing]
        raise ConfigurationError(
            f"The MDM server's options give {' and '.join(present)} without {' and '.join(missing)}."
        )
    return not missing
