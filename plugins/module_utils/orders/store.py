# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order store that an inventory names, and a database's orders written out as folders."""

from __future__ import annotations

import os
from typing import Protocol, cast

from .._errors import ConfigurationError, OrderError
from .folder import FolderStore
from .model import CREDENTIALS, Order, OrderStore

__all__ = ["KnowsSecrets", "export_orders", "open_store"]


class KnowsSecrets(OrderStore, Protocol):
    """A store that can tell which of an order's files are secret: a database."""

    def secret_names(self, order: Order) -> list[str]:
        """Of the files that are kept encrypted."""


def open_store(location: str, key: str | None = None) -> OrderStore:
    """A database for a URL, else a folder by its absolute path (or ~). Nothing is made or asked yet."""
    if "://" in location:
        from .database import DatabaseStore

        return DatabaseStore(location, key)
    return FolderStore(_absolute(location))


def export_orders(source: OrderStore, folder: str, *, write: bool, include_secrets: bool = False) -> list[str]:
    """Each order of a database as a folder; the folders that changed, or would without write.

    Files come before events, so that an export that died goes on at the next run. Without include_secrets, private
    keys and tokens are left out; what an earlier export wrote stays."""
    if not hasattr(source, "secret_names"):
        raise ConfigurationError("The orders are in folders already: copy them. Only a database's orders are exported.")
    database, target = cast(KnowsSecrets, source), FolderStore(_absolute(folder))
    changed = []
    for tenant in database.tenants():
        for order in (order for credential in CREDENTIALS for order in database.orders(tenant, credential)):
            if _export(database, target, order, write=write, include_secrets=include_secrets):
                changed.append(target.place(order))
    return changed


def _export(source: KnowsSecrets, target: FolderStore, order: Order, *, write: bool, include_secrets: bool) -> bool:
    there = next(
        (found for found in target.orders(order.tenant, order.credential) if found.order_id == order.order_id),
        Order(order.order_id, order.tenant, order.credential),
    )
    if there.events != order.events[: len(there.events)]:
        raise OrderError(
            f"The folder {target.place(order)} tells another story than the database. Nothing was overwritten. "
            "Export into an empty folder.",
            place=target.place(order),
        )
    secret = set(source.secret_names(order))
    wanted = [name for name in source.file_names(order) if include_secrets or name not in secret]
    content = {name: data for name in wanted if (data := source.read_file(order, name)) is not None}
    files = {name: data for name, data in content.items() if target.read_file(order, name) != data}
    events = order.events[len(there.events) :]
    if write:
        for name, data in files.items():
            target.write_file(order, name, data, secret=name in secret)
        for event in events:
            there = target.append(there, event)
    return bool(files or events)


def _absolute(folder: str) -> str:
    path = os.path.expanduser(folder)
    if not os.path.isabs(path):
        raise ConfigurationError(
            f"The folder of orders {folder!r} needs its whole path from the root, such as /srv/apple_mdm/orders: from "
            "where a relative one counts depends on the machine and the user that run this."
        )
    return os.path.normpath(path)
