# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Made-up tenants: an organisation with its accounts, credentials of the wanted age, and an MDM server that uses them."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import clomo, school_api
from .business import issue_content_token, issue_server_token, new_entry
from .clomo import steering
from .devices import Device, udid_of
from .licences import Licences, asset_name
from .pki import SHARED_KEYS, YEAR, pem, topic_in
from .state import (
    Account,
    DepName,
    Enrollment,
    Location,
    NanoDep,
    NanoMdm,
    PushPair,
    PushRow,
    SchoolApi,
    Tenant,
    plain,
)
from .world import World, iso, token

FIRST_ADAM_ID = 1_000_000_001
PROFILE_UUID = "88FC4E378FEC1021990BE5D1B3E5EBA4"  # of the enrolment profile that every device has


@dataclass(frozen=True)
class Wish:
    """What a tenant shall be; days are counted from the world's clock, negative ones are past."""

    name: str
    push_days_left: int = 200
    server_token_days_left: int = 200
    content_token_days_left: int = 200
    vendor_days_left: int = 300
    pushcert_readable: bool = True  # False: NanoMDM v0.9.0
    no_push_certificate: bool = False
    no_server_token: bool = False
    no_content_token: bool = False
    mdm_info: dict[str, str] | None = None  # another MDM's claim of the location: id, name and perhaps metadata
    consumer_key: str | None = None
    organization: str | None = None
    location: str | None = None
    apple_account: str | None = None  # the same for several tenants: one person looks after them all
    password: str | None = None
    second_factor_code: str = "246810"
    dep_name: str | None = None
    assets: int = 3
    licences: int = 0  # so many of the assets are assigned to each device
    devices: int = 3
    managed: bool = False  # the devices are enrolled in the embedded NanoMDM, and answer its commands
    enrollments: tuple[str, ...] = ()  # more ids that the MDM server can push to, with no devices behind them
    mdm: str = "nanomdm"  # or clomo: then CLOMO PANEL has the credentials, and the nano servers have none
    api_product: str = "school"  # or business: whose API the organisation has
    other_servers: tuple[str, ...] = ()  # more device management services of the organisation
    clomo_totp: bool = False
    clomo_organizations: tuple[str, ...] = ()
    clomo_token_organization: str = ""  # whose the content token in use is; empty: all of them
    clomo_classes: tuple[str, ...] = ("3年生/3年1組",)  # organisations of the pupils, who have one device each
    clomo_administrators: int = 1


def days_ahead(world: World, days: int) -> datetime.datetime:
    """An hour more, so that whole days left are the wished number for a while."""
    return world.now() + datetime.timedelta(days=days, hours=1)


def make(world: World, wish: Wish) -> Tenant:
    account = account_for(world, wish)
    tenant = Tenant(
        name=wish.name,
        organization=wish.organization or f"{wish.name} Board of Education",
        account=account.name,
        dep_name=wish.dep_name or wish.name,
        vendor_folder=vendor_folder(world, wish.vendor_days_left),
        nanomdm=NanoMdm(token(), wish.pushcert_readable),
        nanodep=NanoDep(token()),
        servers=[new_entry(f"{wish.name} MDM", wish.consumer_key)],
        locations=[Location(wish.location or wish.name, str(uuid.uuid4()))],
        devices=[device(wish.name, number) for number in range(wish.devices)],
    )
    world.state.tenants[wish.name] = tenant
    tenant.servers += [new_entry(name, None) for name in wish.other_servers]
    tenant.school = school_api.organisation(world, tenant, wish.api_product)
    if not wish.no_push_certificate:
        give_push_certificate(world, tenant, account, wish)
    if wish.managed:
        enrol_devices(tenant)
    give_server_token(world, tenant, wish)
    give_content_token(world, tenant, wish)
    if wish.mdm == "clomo":
        tenant.clomo = clomo.customer(world, tenant, wish.clomo_totp, list(wish.clomo_organizations))
        clomo.take_over(world, tenant, tenant.clomo, wish.clomo_token_organization)
        clomo.furnish(world, tenant, tenant.clomo, list(wish.clomo_classes), wish.clomo_administrators)
    return tenant


def account_for(world: World, wish: Wish) -> Account:
    name = (wish.apple_account or f"{wish.name}@appleaccount.example").lower()
    new = Account(name, wish.password or token(16), wish.second_factor_code)
    return world.state.accounts.setdefault(name, new)


def vendor_folder(world: World, days_left: int) -> str:
    """Vendor certificate, key and chain in files; tenants with the same wish share them."""
    end = days_ahead(world, days_left)
    folder = world.folder / "vendors" / f"{end:%Y-%m-%d}"
    if not folder.exists():
        folder.mkdir(parents=True)
        vendor = world.pki.vendor_certificate(end - YEAR, end)
        (folder / "vendor.pem").write_text(pem(vendor))
        (folder / "vendor.key").write_text((world.pki.folder / "vendor.key").read_text())
        (folder / "vendor.key").chmod(0o600)
        (folder / "chain.pem").write_text(pem(world.pki.wwdr.certificate) + pem(world.pki.root.certificate))
    return str(folder)


def give_push_certificate(world: World, tenant: Tenant, account: Account, wish: Wish) -> None:
    number = hashlib.sha256(wish.name.encode()).digest()[0] % SHARED_KEYS
    key, key_text = world.pki.shared_key(number), world.pki.shared_key_pem(number)
    end = days_ahead(world, wish.push_days_left)
    row = PushRow(token(12), str(uuid.uuid4()), "Vendor, Inc.", f"MDM of {tenant.organization}")
    certificate = pem(world.pki.push_certificate(row.uuid, key.public_key(), end - YEAR, end))
    row.issued.append(certificate)
    account.rows.append(row)
    tenant.nanomdm.pairs[row.topic] = PushPair(certificate, key_text, iso(end))
    for each in wish.enrollments:
        enrolled(tenant.nanomdm, each, Enrollment(hashlib.sha256(each.encode()).hexdigest(), row.topic))


def enrolled(server: NanoMdm, enrollment_id: str, enrollment: Enrollment) -> None:
    server.enrollments[enrollment_id] = enrollment
    server.ids_of_tokens[enrollment.token] = enrollment_id


def enrol_devices(tenant: Tenant) -> None:
    """They have been there for long: nobody is told of it."""
    topic = next(iter(tenant.nanomdm.pairs), "")
    for facts in tenant.devices:
        serial = facts["serial_number"]
        new = Device(serial, topic, udid_of(serial))
        new.enrol()
        tenant.managed[new.udid] = new
        enrolled(tenant.nanomdm, new.udid, Enrollment(new.push_token, topic))


def give_server_token(world: World, tenant: Tenant, wish: Wish) -> None:
    if wish.no_server_token:
        return
    tokens = issue_server_token(tenant.servers[0], iso(days_ahead(world, wish.server_token_days_left)))
    tenant.nanodep.names[tenant.dep_name] = DepName(tokens=tokens)


def give_content_token(world: World, tenant: Tenant, wish: Wish) -> None:
    location = tenant.locations[0]
    location.assets = [asset(number) for number in range(wish.assets)]
    serials = [device["serial_number"] for device in tenant.devices]
    licensed = [asset_name(one["adamId"], one["pricingParam"]) for one in location.assets[: wish.licences]]
    location.assignments = Licences({asset: dict.fromkeys(serials) for asset in licensed})
    if wish.mdm_info:
        location.mdm_info = {"metadata": "", **wish.mdm_info}
    if not wish.no_content_token:
        issue_content_token(location, world, tenant.organization, wish.content_token_days_left + 1 / 24)


def device(tenant: str, number: int) -> dict[str, Any]:
    serial = hashlib.sha256(f"{tenant}/{number}".encode()).hexdigest()[:10].upper()
    return {
        "serial_number": f"SM{serial}",
        "model": "iPad",
        "description": "IPAD WI-FI 64GB",
        "color": "SILVER",
        "device_family": "iPad",
        "os": "iPadOS",
        "profile_status": "assigned",
        "profile_uuid": PROFILE_UUID,
    }


def asset(number: int) -> dict[str, Any]:
    return {
        "adamId": str(FIRST_ADAM_ID + number),
        "pricingParam": "STDQ",
        "productType": "App",
        "totalCount": 40,
        "availableCount": 30,
        "assignedCount": 10,
        "retiredCount": 0,
        "deviceAssignable": True,
        "revocable": True,
        "supportedPlatforms": ["iOS"],
    }


def described(world: World, tenant: Tenant) -> dict[str, Any]:
    """What an inventory and a test need to know, secrets included: this is a test's world. What grows with the number of
    devices is in lists."""
    account = world.state.accounts[tenant.account]
    pair = tenant.clomo.push if tenant.clomo else next(reversed(tenant.nanomdm.pairs.values()), None)
    dep = tenant.nanodep.names.get(tenant.dep_name)
    server_token = tenant.clomo.ade if tenant.clomo else dep.tokens if dep else None
    entry, location = tenant.servers[0], tenant.locations[0]
    base = f"{world.url}/t/{tenant.name}"
    return {
        "name": tenant.name,
        "organization": tenant.organization,
        "url": f"{base}/nanomdm",
        "api_key": tenant.nanomdm.api_key,
        "nanohub_url": f"{base}/nanohub",
        "nanohub_prefix": "/api/v1/nanomdm",
        "dep_url": f"{base}/nanodep",
        "dep_api_key": tenant.nanodep.api_key,
        "dep_name": tenant.dep_name,
        "push_topic": topic_in(pair.certificate) if pair else None,
        "push_certificate_pem": pair.certificate if pair else None,
        "push_private_key_pem": pair.private_key if pair else None,
        "push_not_after": pair.not_after if pair else None,
        "server_token_values": plain(server_token) if server_token else None,
        "server_name": entry.name,
        "server_uuid": entry.server_uuid,
        "consumer_key": entry.consumer_key,
        "content_token": location.tokens[-1].text if location.tokens else None,
        "content_token_not_after": location.tokens[-1].not_after if location.tokens else None,
        "location": location.name,
        "u_id": location.u_id,
        "mdm_info": location.mdm_info or None,
        "apple_account": account.name,
        "password": account.password,
        "second_factor_code": account.code,
        "ade_url": f"{world.url}/ade",
        "apps_and_books_url": f"{world.url}/vpp/mdm/v2",
        "portal_url": f"{world.url}/pushcert",
        "business_url": f"{world.url}/business",
        "mdmcert_url": f"{world.url}/mdmcert",
        "apns_url": world.apns.get("url"),
        "apns_ca": world.apns.get("ca"),
        **(school_described(world, tenant.school) if tenant.school else {}),
        "vendor_certificate": f"{tenant.vendor_folder}/vendor.pem",
        "vendor_private_key": f"{tenant.vendor_folder}/vendor.key",
        "vendor_chain": f"{tenant.vendor_folder}/chain.pem",
        "switches": dataclasses.asdict(tenant.switches),
        **(clomo.described(world, tenant.clomo) if tenant.clomo else {}),
    }


def lists(tenant: Tenant) -> dict[str, Callable[[], Any]]:
    return {
        "serials": lambda: [one["serial_number"] for one in tenant.devices],
        "licences": lambda: list(tenant.locations[0].assignments.chosen(None, None, None).rows()),
        "assigned": lambda: tenant.school.assigned if tenant.school else {},
        "enrollments": lambda: {key: plain(one) for key, one in tenant.nanomdm.enrollments.items()},
        **steering.lists(tenant),
    }


def school_described(world: World, school: SchoolApi) -> dict[str, Any]:
    return {
        "school_url": world.url + school_api.PRODUCTS[school.product],
        "school_token_url": world.url + school_api.TOKEN_PATHS[0],
        "school_client_id": school.client_id,
        "school_key_id": school.key_id,
        "school_private_key": school_api.as_downloaded(school.private_key),
    }
