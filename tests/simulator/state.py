# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All that the world remembers: one tree of plain dataclasses, which saving.py keeps in a file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from .clomo_state import PanelApp, PanelOrganization, PanelProfile, PanelUser, Record, Tablet
from .command_queue import Queue
from .devices import Device
from .licences import Licences


@dataclass
class Switches:
    """How the far side behaves towards one tenant; the names are those of Tenant.switch()."""

    answer_ms: int = 0  # each answer of the tenant's web services takes so much longer
    p7m_cipher: str = "aes128"  # any cipher that openssl smime names: aes128, aes256, des3
    p7m_stream: bool = True  # BER with indefinite lengths, as Apple writes; False: DER
    server_token_download_revokes_older: bool = True
    server_key_upload_revokes_older: bool = False
    content_token_download_revokes_older: bool = True
    terms_refused_at: str = ""  # session or data: there ADE answers T_C_NOT_SIGNED
    ade_user_deleted: bool = False
    ade_access_denied: bool = False
    ade_rotate_sessions: bool = False
    ade_session_seconds: int = 600
    ade_quoted_errors: bool = False
    ade_without_profile: list[str] = field(default_factory=list)  # serial numbers without an enrolment profile
    ade_failing: list[str] = field(default_factory=list)  # serial numbers whose details are not told
    vpp_errors_as_200: bool = False
    vpp_max_per_second: int = 15
    vpp_page_size: int = 200
    vpp_event_seconds: float = 0.0  # from a change's request to its effect
    vpp_failing: list[str] = field(default_factory=list)  # serial numbers whose licences stay
    vpp_events_fail: bool = False
    apns_bad_certificate: bool = False
    apns_goaway: bool = False  # the reason comes in a GOAWAY frame
    apns_other_topic_dropped: bool = False  # 200 and silence for a device of another topic
    portal_doubled_rows: bool = False  # Apple's portals show each certificate, server and location twice
    portal_get_started: bool = False  # Apple School and Business Manager know no organisation of this account
    portal_language: str = "English"  # of Apple School and Business Manager; or Japanese
    school_activity_seconds: float = 0.0  # from an activity's request to its end
    school_lag_seconds: float = 0.0  # from its end until devices show it
    school_failing: list[str] = field(default_factory=list)  # serial numbers whose assignment does not change
    school_unknown_serial_409: bool = False  # else an unknown serial number is taken and nothing happens
    school_unassigned_404: bool = False  # else the linkage is null
    school_activation_locks: dict[str, str] = field(default_factory=dict)  # by serial number: MDM or USER
    school_released_shown: bool = False  # a released device can be read, with its date; else it is 404
    school_no_log: bool = False  # the work is done, the log is not
    school_activity_fails: bool = False
    school_page_size: int = 1000
    school_reads_per_minute: int = 0  # 0: no limit
    school_writes_per_hour: int = 0
    nanomdm_faulty_queue: bool = (
        False  # as v0.9.0 on its key-value stores: after NotNow, commands come again or get lost
    )
    device_wakes_ms: int = 10  # from a push to the device's connection
    device_answer_ms: int = 0  # from a command to its answer
    device_returns_ms: int = 50  # from an erase with Return to Service to the new enrolment
    events_lost: float = 0.0  # the fraction of NanoMDM's events that never arrives; Idle ones are left alone
    events_doubled: float = 0.0
    events_late: float = 0.0  # the fraction that arrives after later ones
    events_seed: int = 0  # another one picks others
    events_lost_next: int = 0  # the next so many, whichever they are
    events_doubled_next: int = 0
    events_late_next: int = 0
    clomo_language: str = "Japanese"  # of the panel's administrator; or English
    clomo_vintage: str = "newer"  # labels; older: those of the graduation manual; dep: older ones still
    clomo_time_zone_hours: int = 9  # of the panel's administrator
    clomo_dates_only: bool = False  # expiries without the time of day
    clomo_delay_ms: int = 20  # each screen, window and answer appears so late, under a mask
    clomo_grid_delay_ms: int = 20  # the rows of a grid
    clomo_job_ms: int = 300  # from the notice of a start to that of the completion
    clomo_session_seconds: int = 1800  # of idleness
    clomo_session_ends_at: str = ""  # once, before the next request whose path has this pattern
    clomo_maintenance: bool = False
    clomo_moved_labels: dict[str, str] = field(default_factory=dict)  # text: what stands there instead
    clomo_doubled_labels: list[str] = field(default_factory=list)  # texts that stand there twice
    clomo_unknown_dialog_at: str = ""  # name of a screen, as in clomo/screens.py
    clomo_wrong_certificate: bool = False  # the confirmation comes although the certificate is the right one
    clomo_input_error: bool = False  # the wizard refuses every certificate
    clomo_wakes_ms: int = 20  # from a command's registration until the device fetches it
    clomo_answer_ms: int = 20  # from there to the device's answer
    clomo_failure_lines: bool = False  # Reports tells of a refused command; else nothing more ever comes
    clomo_daily_commands: bool = True  # a day of the world's clock after the last ones, information commands go out
    clomo_ticks_survive_scrolling: bool = True
    clomo_ticks_survive_search: bool = False
    clomo_ticks_by_place: bool = False  # where rows move, the ticks stay where they are on the screen
    clomo_grid_refresh_ms: int = 0  # Devices asks for its rows anew so often; 0: never
    clomo_device_order: str = "name"  # or contact: the last contact, newest first, so that rows move
    clomo_ticked_keep_apps: bool = False  # 自動インストールしたアプリを削除する is ticked when its window opens
    clomo_ticked_return: bool = False  # MDM への再登録(Return to service)
    clomo_ticked_carry_over: bool = False  # 所有者・タグ・メモを引き継ぐ
    clomo_tolerant_yes: bool = False  # yes and full-width ＹＥＳ are taken for YES
    clomo_last_ok_informs: bool = False  # the work is done before the last OK, which only closes a window
    clomo_hidden_commands: list[str] = field(default_factory=list)  # by name, as in clomo/catalogue.py
    clomo_single_commands: list[str] = field(default_factory=list)  # hidden where several devices are ticked
    clomo_bulk_items: str = "union"  # or intersection: of what the ticked devices have, in a command's window
    clomo_licences_shown_late: bool = False  # the pane's list is that of the last collection of apps
    clomo_first_delete_strikes: bool = False  # of a device with licences: struck through at once; else only they go
    clomo_return_new_row: bool = False  # an erased device comes back in a row of its own, the old one stays
    clomo_ade_missing: bool = False  # after the return, until the list of ADE devices is refreshed
    clomo_people_fail: bool = False  # the deletion of several users ends with a failure, and all of them stay
    clomo_organization_cascade: bool = False  # an organisation goes with all that belongs to it
    clomo_export_order: str = "serial"  # or owner: whose column comes first in the devices' CSV
    clomo_export_columns: str = "few"  # or all: what the pane tells, too
    clomo_colleague: list[dict[str, Any]] = field(default_factory=list)  # as in clomo/colleagues.py
    clomo_busy_serials: list[str] = field(default_factory=list)  # these change at every request of the panel
    clomo_busy_seed: int = 0  # another one changes them otherwise


@dataclass
class PushRow:
    """A row of the push portal. Its uuid makes the topic; issued holds PEMs, the newest last."""

    row_id: str
    uuid: str
    vendor: str
    notes: str = ""
    revoked: bool = False
    issued: list[str] = field(default_factory=list)

    @property
    def topic(self) -> str:
        return f"com.apple.mgmt.External.{self.uuid}"


@dataclass
class Account:
    """An Apple Account, good for both portals."""

    name: str
    password: str
    code: str
    rows: list[PushRow] = field(default_factory=list)


@dataclass
class OAuthTokens:
    consumer_key: str
    consumer_secret: str
    access_token: str
    access_secret: str
    access_token_expiry: str


@dataclass
class IssuedServerToken:
    tokens: OAuthTokens
    revoked: bool = False


@dataclass
class ServerEntry:
    """A device management service in Apple School or Business Manager."""

    name: str
    server_uuid: str
    consumer_key: str
    consumer_secret: str
    public_key: str = ""  # the certificate a person uploaded, PEM
    issued: list[IssuedServerToken] = field(default_factory=list)


@dataclass
class ContentToken:
    text: str  # the file as downloaded, which is the bearer value
    inner: str
    not_after: str
    revoked: bool = False


@dataclass
class LicenceEvent:
    """A change of assignments. done_at: seconds since the epoch, by the real clock."""

    kind: str
    assets: list[list[str]]  # Adam ID and pricing
    serials: list[str]
    done_at: float
    applied: bool = False
    failures: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Location:
    name: str
    u_id: str
    assignments: Licences = field(default_factory=Licences)
    events: dict[str, LicenceEvent] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)  # events that are not applied yet
    tokens: list[ContentToken] = field(default_factory=list)
    assets: list[dict[str, Any]] = field(default_factory=list)
    mdm_info: dict[str, str] = field(default_factory=dict)
    notifications: dict[str, Any] = field(default_factory=dict)
    version: int = 1


@dataclass
class PushPair:
    certificate: str
    private_key: str
    not_after: str


@dataclass(slots=True)
class Enrollment:
    """What NanoMDM has of an enrollment id. enrolled: APNs still knows the token. pushed: a push has not been followed yet."""

    token: str
    topic: str
    enrolled: bool = True
    enabled: bool = True
    tally: int = 1  # TokenUpdates since Authenticate
    pushed: bool = False


@dataclass(slots=True)
class Command:
    """raw: the property list as it was enqueued. left: how many ids have it in their queue."""

    raw: str
    left: int


@dataclass
class NanoMdm:
    api_key: str
    readable: bool
    pairs: dict[str, PushPair] = field(default_factory=dict)  # by topic
    enrollments: dict[str, Enrollment] = field(default_factory=dict)  # by enrollment id
    commands: dict[str, Command | None] = field(default_factory=dict)  # by UUID; None once nobody waits for it
    queues: dict[str, Queue] = field(default_factory=dict)  # by enrollment id
    webhook_url: str = ""
    webhook_key: str = ""
    ids_of_tokens: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.ids_of_tokens = {one.token: key for key, one in self.enrollments.items()}


@dataclass
class KeyPair:
    certificate: str
    private_key: str


@dataclass
class DepName:
    staging: KeyPair | None = None
    current: KeyPair | None = None
    tokens: OAuthTokens | None = None
    base_url: str = ""


@dataclass
class NanoDep:
    api_key: str
    names: dict[str, DepName] = field(default_factory=dict)


@dataclass
class ServiceToken:
    """A content token as CLOMO PANEL keeps it."""

    name: str
    text: str
    not_after: str


@dataclass
class Wizard:
    """The panel's wizard where it was left: form, csr or certificate."""

    private_key: str
    step: str = "form"
    upload_file: str = ""


@dataclass
class ReportLine:
    at: str
    text: str
    appears: float = 0.0  # seconds since the epoch, by the real clock
    target: str = ""  # serial number and name of a device


@dataclass
class Clomo:
    """One customer of CLOMO: its administrator and the credentials in use."""

    domain: str
    account: str
    password: str
    totp_secret: str | None
    organizations: list[str]
    key_pair: KeyPair  # its public half is at the server entry of Apple School or Business Manager
    apple_account: str = ""
    push: PushPair | None = None
    wizard: Wizard | None = None
    ade: OAuthTokens | None = None
    service_tokens: dict[str, ServiceToken] = field(default_factory=dict)  # by organisation; all of them: ""
    licences: dict[str, int] = field(default_factory=dict)  # by Adam ID
    reports: list[ReportLine] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)  # by number
    tablets: dict[str, Tablet] = field(default_factory=dict)  # by serial number
    profiles: dict[str, PanelProfile] = field(default_factory=dict)  # by identifier
    apps: dict[str, PanelApp] = field(default_factory=dict)
    users: dict[str, PanelUser] = field(default_factory=dict)  # by number
    tree: dict[str, PanelOrganization] = field(default_factory=dict)
    last_number: int = 1000
    last_daily: str = ""
    learning: bool = False  # the list of ADE devices is being fetched
    revocations: dict[str, None] = field(default_factory=dict)  # under way: serial number, blank, Adam ID
    acts: list[dict[str, Any]] = field(default_factory=list)  # what administrators did: at, kind, serials, by and more

    numbers: dict[str, list[str]] = field(init=False, default_factory=dict)  # of records, by serial number

    def __post_init__(self) -> None:
        for record in self.records.values():
            self.numbers.setdefault(record.serial, []).append(record.number)

    def records_of(self, serial: str) -> list[Record]:
        return [self.records[number] for number in self.numbers.get(serial, [])]

    def add(self, record: Record) -> None:
        self.records[record.number] = record
        self.numbers.setdefault(record.serial, []).append(record.number)

    def remove(self, record: Record) -> None:
        del self.records[record.number]
        self.numbers[record.serial].remove(record.number)

    def number(self) -> str:
        self.last_number += 1
        return str(self.last_number)


@dataclass
class Activity:
    """One change of assignments. done_at: seconds since the epoch, by the real clock."""

    kind: str
    server: str
    serials: list[str]
    created: str
    done_at: float
    shown_at: float
    applied: bool = False


@dataclass
class SchoolApi:
    """A tenant's organisation at Apple's API: school or business. assigned: by serial number, a server's id or nothing.

    of_server: the same by server, in the order of pages. released: by serial number, when it left the organisation."""

    product: str
    client_id: str
    key_id: str
    private_key: str
    assigned: dict[str, str] = field(default_factory=dict)
    released: dict[str, str] = field(default_factory=dict)
    activities: dict[str, Activity] = field(default_factory=dict)
    of_server: dict[str, dict[str, None]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for serial, server in self.assigned.items():
            self.of_server.setdefault(server, {})[serial] = None

    def assign(self, serial: str, server: str) -> None:
        """server: its id; empty: none."""
        del self.of_server[self.assigned[serial]][serial]
        self.assigned[serial] = server
        self.of_server.setdefault(server, {})[serial] = None

    def release(self, serial: str) -> None:
        del self.of_server[self.assigned.pop(serial)][serial]


@dataclass
class Tenant:
    name: str
    organization: str
    account: str
    dep_name: str
    vendor_folder: str
    nanomdm: NanoMdm
    nanodep: NanoDep
    servers: list[ServerEntry]
    locations: list[Location]
    devices: list[dict[str, Any]] = field(default_factory=list)
    managed: dict[str, Device] = field(default_factory=dict)  # by UDID
    switches: Switches = field(default_factory=Switches)
    clomo: Clomo | None = None
    school: SchoolApi | None = None


@dataclass
class Mail:
    """What mdmcert.download would send by e-mail."""

    to: str
    file_name: str
    body: str


@dataclass
class Fault:
    """A scripted mishap for the next `times` requests that match."""

    path: str = ""
    method: str | None = None
    tenant: str | None = None
    times: int = 1
    when: str = "before"  # or after: the effect is stored, then the answer is replaced
    status: int | None = None
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False
    hang: bool = False


@dataclass
class State:
    clock_offset: float = 0.0
    accounts: dict[str, Account] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def plain(tree: Any) -> Any:
    """The tree as JSON types."""
    return dataclasses.asdict(tree)
