# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How tests start the world, steer it, and play the person at its pages. Needs requests only.

Open with `with start() as world:`, then `tenant = world.tenant("school", push_days_left=10)`.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Literal

import requests

__all__ = ["Copy", "PageRefusal", "Proxy", "Tenant", "World", "connect", "start"]

START_SECONDS = 30
STOP_SECONDS = 60  # a large world has much to save


class PageRefusal(Exception):
    """A page said no; the text is its sentence."""


@dataclass(frozen=True)
class Copy:
    """A kept copy of a tenant. digest: the same of two copies between which nothing happened but reading."""

    number: int
    digest: str


class Tenant(SimpleNamespace):
    """One tenant as it was when it was made or last refreshed; attributes as in tenants.described.

    The long lists are asked for when they are looked at."""

    world: World
    name: str

    def refresh(self) -> Tenant:
        """The attributes as they are now."""
        self.__dict__.update(self.world.control("GET", f"/tenants/{self.name}"))
        return self

    @functools.cached_property
    def serials(self) -> list[str]:
        """Of all devices."""
        return list(self._listed("serials"))

    @property
    def licences(self) -> list[list[str]]:
        """Adam ID, pricing and serial number of each that is assigned now."""
        return list(self._listed("licences"))

    @property
    def assigned(self) -> dict[str, str]:
        """The server that each device of the organisation is assigned to now, by serial number; empty: none."""
        return dict(self._listed("assigned"))

    @property
    def enrollments(self) -> dict[str, dict[str, Any]]:
        """What the embedded NanoMDM has of each enrollment id now."""
        return dict(self._listed("enrollments"))

    def _listed(self, name: str) -> Any:
        return self.world.control("GET", f"/tenants/{self.name}/lists/{name}")

    def switch(self, **switches: Any) -> None:
        """Sets switches; names and meaning as in state.Switches."""
        self.world.control("PATCH", f"/tenants/{self.name}", switches)

    def terms_signed(self, signed: bool, at: Literal["session", "data"] = "data") -> None:
        self.switch(terms_refused_at="" if signed else at)

    def revoke_server_token(self) -> None:
        self._befall("revoke_server_token")

    def revoke_content_token(self) -> None:
        self._befall("revoke_content_token")

    def claim_location(self, mdm_id: str, name: str) -> None:
        """Another MDM server writes its mdmInfo."""
        self._befall("claim_location", {"id": mdm_id, "name": name})

    def enroll(self, enrollment_id: str, enrolled: bool) -> None:
        """False: pushes to this device are answered 410 from now on."""
        self._befall("enroll", {"id": enrollment_id, "enrolled": enrolled})

    # As it was at a moment

    @contextlib.contextmanager
    def copied(self) -> Iterator[Copy]:
        """A copy of the tenant as it is now, with what is under way. In the block no device of the world does anything, and
        no event goes out."""
        path = f"/tenants/{self.name}/copies"
        try:
            yield Copy(**self.world.control("POST", path))
        finally:
            self.world.control("DELETE", path)

    def put_back(self, copy: Copy) -> None:
        """The tenant is as it was then. What its devices were about to do, and events that were under way, come again."""
        self.settled()
        self.world.control("PUT", f"/tenants/{self.name}/copies", {"number": copy.number})

    # Its managed devices

    def webhook(self, url: str, key: str = "") -> None:
        """Where the embedded NanoMDM sends its events, signed if there is a key. The receiver knows no device yet."""
        self._befall("webhook", {"url": url, "key": key})

    def enrol_all(self) -> None:
        """The webhook is told Authenticate and TokenUpdate of each device's enrolment, as if it happened now; nothing else
        happens to the devices."""
        self._befall("enrol_all")

    def settled(self, timeout: float | None = None) -> None:
        """Until no device has anything to answer and no event is under way. Those that are off or put something off do not
        count. timeout: seconds; by the number of devices if None."""
        timeout = 60 + len(self.serials) / 200 if timeout is None else timeout
        deadline = time.monotonic() + timeout
        while not self._befall("settled", {"seconds": max(0.0, min(20.0, deadline - time.monotonic()))}):
            if time.monotonic() > deadline:
                raise TimeoutError(f"devices of {self.name} are still at work after {timeout:g} seconds")

    def managed(self, serials: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Every managed device, or those named, with the facts of devices.Device, and its queue at the server."""
        return list(self._befall("managed", {"serials": None if serials is None else list(serials)}))

    def device_set(self, serials: Sequence[str] | None = None, **facts: Any) -> None:
        """Sets facts of the devices named, or of all; names and meaning as in devices.Device. One that is switched on, or
        no longer puts off, takes what waits for it."""
        self._befall("device_set", {"serials": None if serials is None else list(serials), "facts": facts})

    def device_connects(self, serial: str) -> None:
        """It asks the server for work without a push."""
        self._befall("device_connects", {"serial": serial})

    def device_enrols(self, serial: str) -> None:
        """Somebody set it up by hand, for the next pupil: a new enrolment, with the profiles and apps of a new one."""
        self._befall("device_enrols", {"serial": serial})

    # Its devices and people at CLOMO PANEL

    def panel_devices(self, serials: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Every device of the panel, or those named: the iPad itself with the facts of clomo_state.Tablet, its rows in the
        panel as records (facts of clomo_state.Record; none: its record is gone), and the licences assigned to it."""
        return list(self._befall("panel_devices", {"serials": None if serials is None else list(serials)}))

    def panel_device(self, serial: str) -> dict[str, Any]:
        return self.panel_devices([serial])[0]

    def panel_set(self, serials: Sequence[str] | None = None, **facts: Any) -> None:
        """Sets facts of the devices named, or of all; names and meaning as in clomo_state: those of a Tablet down to apps
        and those of a Record. What both have is set at both. One that is switched on takes what waits for it."""
        self._befall("panel_set", {"serials": None if serials is None else list(serials), "facts": facts})

    def panel_catalogue(
        self, profiles: dict[str, dict[str, Any]] | None = None, apps: dict[str, dict[str, Any]] | None = None
    ) -> None:
        """What the panel knows of profiles and apps, by identifier; facts as in clomo_state.PanelProfile and PanelApp."""
        self._befall("panel_catalogue", {"profiles": profiles or {}, "apps": apps or {}})

    def panel_collect(self, serials: Sequence[str] | None = None) -> None:
        """The panel's lists are as if the information commands had just been answered."""
        self._befall("panel_collect", {"serials": None if serials is None else list(serials)})

    def panel_erased_by_hand(self, serial: str) -> None:
        """Somebody erased the iPad itself, which the panel does not notice."""
        self._befall("panel_erased_by_hand", {"serial": serial})

    def panel_enrols(self, serial: str) -> None:
        """Somebody set the iPad up: it is back in the row that it has, or in a new one."""
        self._befall("panel_enrols", {"serial": serial})

    def panel_colleague(self, act: str, **facts: Any) -> None:
        """Another administrator does something now; acts and what they need as in clomo/colleagues.py."""
        self._befall("panel_colleague", {"act": act, **facts})

    def panel_day(self) -> None:
        """CLOMO's daily information commands go out now, with no administrator's line in Reports."""
        self._befall("panel_day")

    @property
    def panel_acts(self) -> list[dict[str, Any]]:
        """What administrators did, the oldest first: at, kind, serials, by; refused where the panel said no."""
        return list(self._listed("panel_acts"))

    @property
    def panel_reports(self) -> list[dict[str, Any]]:
        """The lines of Reports now, the oldest first: at, target, text."""
        return list(self._listed("panel_reports"))

    @property
    def panel_users(self) -> list[dict[str, Any]]:
        """number, name, mail, organization (its path), role."""
        return list(self._listed("panel_users"))

    @property
    def panel_organizations(self) -> list[str]:
        """Their paths."""
        return list(self._listed("panel_organizations"))

    def _befall(self, act: str, facts: dict[str, Any] | None = None) -> Any:
        return self.world.control("POST", f"/tenants/{self.name}/{act}", facts or {})

    def portal_renew(self, upload_file: bytes, topic: str | None = None, notes: str = "") -> bytes:
        """Renew in the row with the topic (the one in use): the new certificate."""
        person = self.person("/pushcert")
        return person.renew(person.row(topic or self.push_topic), upload_file, notes)

    def portal_create(self, upload_file: bytes, notes: str = "") -> bytes:
        """Create a Certificate: what must not happen at a renewal."""
        return self.person("/pushcert").create(upload_file, notes)

    def portal_download(self, topic: str | None = None) -> bytes:
        person = self.person("/pushcert")
        return person.get(f"/pushcert/download/{person.row(topic or self.push_topic)}").content

    def portal_revoke(self, topic: str | None = None) -> None:
        person = self.person("/pushcert")
        person.post(f"/pushcert/revoke/{person.row(topic or self.push_topic)}")

    def server_token(self, public_key: bytes = b"", entry: str | None = None) -> bytes:
        """The token file of the server entry of that name, after the upload of the public key where one is given."""
        return self.person("/business").server_token(entry or self.server_name, public_key)

    def new_server_entry(self, name: str) -> None:
        """Another MDM server in the same organisation, with a consumer key of its own."""
        self.person("/business").post("/business/servers", data={"name": name})

    def content_token_download(self, location: str | None = None) -> bytes:
        return self.person("/business").content_token(location or self.location)

    def person(self, prefix: str) -> Person:
        """Somebody signed in to /pushcert or /business with the tenant's Apple Account."""
        return Person(self.world.url, prefix, self.apple_account, self.password, self.second_factor_code)


class Person:
    """A person at the pages: forms and links, over one browser session."""

    def __init__(self, url: str, prefix: str, account: str, password: str, code: str) -> None:
        self.url, self.session = url, requests.Session()
        self.post(f"{prefix}/signin", data={"account": account, "password": password})
        self.post(f"{prefix}/code", data={"code": code})

    def get(self, path: str) -> requests.Response:
        return self._seen(self.session.get(self.url + path, timeout=30))

    def post(self, path: str, **body: Any) -> requests.Response:
        return self._seen(self.session.post(self.url + path, timeout=30, **body))

    def _seen(self, response: requests.Response) -> requests.Response:
        said = re.search(r'<p class="error">(.*?)</p>', response.text)
        if said:
            raise PageRefusal(unescape(said.group(1)))
        response.raise_for_status()
        return response

    def row(self, topic: str) -> str:
        """The row whose info page names the topic."""
        for row_id in re.findall(r'href="/pushcert/info/(\w+)"', self.get("/pushcert/list").text):
            if f"UID={topic}<" in self.get(f"/pushcert/info/{row_id}").text:
                return str(row_id)
        raise PageRefusal(f"There is no row with {topic} in this account.")

    def renew(self, row_id: str, upload_file: bytes, notes: str) -> bytes:
        self.get(f"/pushcert/renew/{row_id}")
        return self._upload(row_id, upload_file, notes)

    def create(self, upload_file: bytes, notes: str) -> bytes:
        self.post("/pushcert/create", data={"agreed": "yes"})
        return self._upload("", upload_file, notes)

    def _upload(self, row_id: str, upload_file: bytes, notes: str) -> bytes:
        fields = {"row": row_id, "notes": notes}
        confirmation = self.post("/pushcert/upload", data=fields, files={"file": ("push.b64", upload_file)})
        link = re.search(r'href="(/pushcert/download/\w+)"', confirmation.text)
        assert link is not None
        return self.get(link.group(1)).content

    def server_token(self, entry: str, public_key: bytes) -> bytes:
        for link, name in re.findall(r'href="(/business/servers/\w+)">(.*?)<', self.get("/business/preferences").text):
            if unescape(name) == entry:
                if public_key:
                    self.post(f"{link}/public_key", files={"file": ("public_key.pem", public_key)})
                return self.post(f"{link}/token").content
        raise PageRefusal(f"There is no MDM server {entry} in this organization.")

    def content_token(self, location: str) -> bytes:
        rows = re.findall(
            r'<tr><td>([^<]*)</td><td>[^<]*</td><td><form method="post" action="(/business/content_tokens/[^"]+)"',
            self.get("/business/billing").text,
        )
        for name, action in rows:
            if unescape(name) == location:
                return self.post(action).content
        raise PageRefusal(f"There is no location {location} in this organization.")


@dataclass(frozen=True)
class Proxy:
    """Where Apple's own host names lead to this world, and whose certificates they have there."""

    url: str
    ca: str

    def environment(self) -> dict[str, str]:
        """For the process of a client that knows Apple's addresses alone."""
        bundles = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), self.ca)
        proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self.url)
        return bundles | proxies | dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1")


class World:
    """The running world. Leaving the with block stops it."""

    def __init__(self, ready: dict[str, Any], process: _Process | None = None) -> None:
        self.url, self.apns, self.proxy = ready["url"], ready["apns"], Proxy(**ready["proxy"])
        self.pid, self._process = ready["pid"], process
        self._session = requests.Session()

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def control(self, method: str, path: str, body: Any = None, /, **query: str) -> Any:
        response = self._session.request(method, f"{self.url}/_control{path}", json=body, params=query, timeout=60)
        if response.status_code >= 400:
            raise ValueError(response.json()["error"])
        return response.json()

    def reset(self) -> None:
        """No tenants, faults, log; the clock right. Keys and authorities stay."""
        self.control("POST", "/reset")

    def clock(self, *, at: datetime.datetime | None = None, **offset: float) -> None:
        """The world's clock: a moment, or an offset from the real one (days=2, hours=-1); none sets it right."""
        self.control("POST", "/clock", {"at": at.isoformat()} if at else offset)

    def now(self) -> datetime.datetime:
        return datetime.datetime.fromisoformat(self.control("GET", "/clock")["now"].replace("Z", "+00:00"))

    def tenant(self, name: str, **wish: Any) -> Tenant:
        """A new tenant; the wishes are the fields of tenants.Wish."""
        return self.tenants([{"name": name, **wish}])[0]

    def tenants(self, wishes: list[dict[str, Any]] | None = None) -> list[Tenant]:
        """New tenants in one call; without wishes those that exist."""
        told = self.control("GET", "/tenants") if wishes is None else self.control("POST", "/tenants", wishes)
        return [Tenant(world=self, **facts) for facts in told]

    def fault(
        self,
        path_regex: str,
        method: str | None = None,
        *,
        tenant: str | None = None,
        times: int = 1,
        when: Literal["before", "after"] = "before",
        status: int | None = None,
        body: str = "",
        headers: dict[str, str] | None = None,
        delay: float = 0,
        reset: bool = False,
        hang: bool = False,
    ) -> None:
        """A mishap for the next requests that match. after: the effect is stored, then the answer is replaced or lost.

        With delay alone the request is only slow."""
        fault: dict[str, Any] = {"path": path_regex, "method": method, "tenant": tenant, "times": times, "when": when}
        fault |= {"status": status, "body": body, "headers": headers or {}}
        fault |= {"delay": delay, "reset": reset, "hang": hang}
        self.control("POST", "/faults", fault)

    def no_faults(self) -> None:
        self.control("DELETE", "/faults")

    def requests(self, tenant: str | None = None, path_regex: str = "") -> list[dict[str, Any]]:
        """method, path, query, status (None: no answer went out), at, tenant, write; oldest first."""
        query = {"path": path_regex} | ({"tenant": tenant} if tenant else {})
        return self.control("GET", "/requests", **query)

    def writes(self, tenant: str | None = None, path_regex: str = "") -> list[dict[str, Any]]:
        return [entry for entry in self.requests(tenant, path_regex) if entry["write"]]

    def forget_requests(self) -> None:
        self.control("DELETE", "/requests")

    def mails(self, to: str | None = None) -> list[dict[str, str]]:
        """What mdmcert.download sent: to, file_name, body."""
        return [mail for mail in self.control("GET", "/mails") if to in (None, mail["to"])]

    def stop(self) -> None:
        """The process ends, the state stays."""
        assert self._process is not None
        self._process.stop()

    def restart(self) -> None:
        """The same state at the same addresses."""
        assert self._process is not None
        self._process.stop()
        self._process.start()
        self.pid = self._process.ready["pid"]

    def close(self) -> None:
        self._session.close()
        if self._process is not None:
            self._process.close()


class _Process:
    """The simulator's process and its folder."""

    def __init__(self, state: Path | None, port: int) -> None:
        self.temporary = state is None
        self.folder = state or Path(tempfile.mkdtemp(prefix="simulator-"))
        self.port, self.apns_port, self.proxy_port = port, 0, 0
        self.ready: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        package = Path(__file__).parent
        ready_file = self.folder / "ready.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", package.name, "--state", str(self.folder), "--ready-file", str(ready_file)]
        command += ["--port", str(self.port), "--apns-port", str(self.apns_port)]
        command += ["--proxy-port", str(self.proxy_port), "--until-stdin-ends"]
        paths = [str(package.parent), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
        )
        self.ready = self._wait(ready_file)
        self.port = int(self.ready["url"].rsplit(":", 1)[1])
        self.apns_port = int(self.ready["apns"]["url"].rsplit(":", 1)[1])
        self.proxy_port = int(self.ready["proxy"]["url"].rsplit(":", 1)[1])

    def _wait(self, ready_file: Path) -> dict[str, Any]:
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if ready_file.exists():
                return json.loads(ready_file.read_text())
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop()
        raise RuntimeError("The simulator did not start; its error output is above.")

    def stop(self) -> None:
        if self.process is not None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.terminate()
            try:
                self.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def close(self) -> None:
        self.stop()
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


def start(state: Path | None = None, port: int = 0) -> World:
    """A world of its own; without a state folder it leaves nothing behind."""
    process = _Process(state, port)
    process.start()
    return World(process.ready, process)


def connect(ready_file: Path) -> World:
    """A world that somebody else started with --ready-file, and will stop."""
    return World(json.loads(ready_file.read_text()))
