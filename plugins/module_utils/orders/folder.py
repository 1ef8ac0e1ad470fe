# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Orders in folders: ROOT/TENANT/ORDER_ID/ with journal.jsonl, the order's files and inbox/.

Folders are made with mode 0700 and files with 0600. A folder's mode is never set again, so an owner who lets a
colleague into an inbox is not overruled. Whatever happens during a write, a file is the old one or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator

from .._disk import disk_trouble, make_folder, sync_folder
from .._errors import OrderError
from .journal import (
    INBOX,
    JOURNAL,
    as_stored,
    check_file_name,
    folder_name,
    in_order,
    is_order_id,
    parse_journal,
    tenant_name,
    write_journal,
)
from .model import Event, InboxFile, Order

__all__ = ["FolderStore", "changed_meanwhile"]

INBOX_FILES = 64
INBOX_BYTES = 1024 * 1024 + 1
_WRITE_TIMEOUT = 30
_NOT_FOR_US = ("thumbs.db", "desktop.ini")
_UNFINISHED = (".crdownload", ".part", ".partial", ".download", ".opdownload", ".tmp")


class FolderStore:
    """An OrderStore (model.py) in the folder root, which is made at the first write."""

    def __init__(
        self,
        root: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root
        self._sleep = sleep
        self._monotonic = monotonic

    def __repr__(self) -> str:
        return f"FolderStore({self.root!r})"

    @contextlib.contextmanager
    def lock(self, tenant: str, credential: str, *, timeout: float) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            with disk_trouble(self.root):
                stack.enter_context(self._flock(tenant, f".{credential}.lock", f"{tenant}: {credential}", timeout))
            yield

    def orders(self, tenant: str, credential: str) -> list[Order]:
        folder = self._tenant_folder(tenant)
        found = []
        with disk_trouble(folder):
            for name in _names(folder):
                if is_order_id(name, credential):
                    order = Order(name, tenant, credential)
                    events = self._events(order)
                    found += [Order(name, tenant, credential, events)] if events else []
        return in_order(found)

    def tenants(self) -> list[str]:
        with disk_trouble(self.root):
            return sorted(
                tenant
                for name in _names(self.root)
                if (tenant := tenant_name(name)) is not None and self._has_orders(os.path.join(self.root, name))
            )

    def append(self, order: Order, event: Event) -> Order:
        after = order.with_event(as_stored(event))
        with self._writing(order) as folder:
            if self._events(order) != tuple(map(as_stored, order.events)):
                raise changed_meanwhile(order)
            make_folder(os.path.join(folder, INBOX))
            _replace(folder, JOURNAL, write_journal(after))
        return after

    def write_file(self, order: Order, name: str, data: bytes, *, secret: bool) -> None:
        """Every file is for the owner only, secret or not."""
        check_file_name(name)
        with self._writing(order) as folder:
            _replace(folder, name, data)

    def read_file(self, order: Order, name: str) -> bytes | None:
        path = os.path.join(self.place(order), check_file_name(name))
        with disk_trouble(path):
            return _read(path)

    def file_names(self, order: Order) -> list[str]:
        folder = self.place(order)
        with disk_trouble(folder), _scan(folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.name != JOURNAL and entry.is_file(follow_symlinks=False)
            )

    def inbox(self, order: Order) -> list[InboxFile]:
        folder = self.inbox_place(order)
        with disk_trouble(folder), _scan(folder) as entries:
            chosen = sorted(filter(_for_us, entries), key=_modified, reverse=True)[:INBOX_FILES]
        return sorted((file for entry in chosen if (file := _inbox_file(entry))), key=lambda file: file.name)

    def inbox_place(self, order: Order) -> str:
        return os.path.join(self.place(order), INBOX)

    def place(self, order: Order) -> str:
        if not is_order_id(order.order_id, order.credential):
            raise OrderError(f"{order.order_id!r} is not the id of an order of a {order.credential}.")
        return os.path.join(self._tenant_folder(order.tenant), order.order_id)

    def _tenant_folder(self, tenant: str) -> str:
        return os.path.join(self.root, folder_name(tenant))

    def _events(self, order: Order) -> tuple[Event, ...]:
        path = os.path.join(self.place(order), JOURNAL)
        data = _read(path)
        return () if data is None else parse_journal(data, order, path)

    def _has_orders(self, folder: str) -> bool:
        return any(is_order_id(name) and os.path.exists(os.path.join(folder, name, JOURNAL)) for name in _names(folder))

    @contextlib.contextmanager
    def _writing(self, order: Order) -> Iterator[str]:
        """The order's folder, with this tenant's only writer inside."""
        folder = self.place(order)
        what = f"the files of {order.tenant}"
        with disk_trouble(folder), self._flock(order.tenant, ".write.lock", what, _WRITE_TIMEOUT):
            make_folder(folder)
            yield folder

    def _flock(self, tenant: str, name: str, what: str, timeout: float) -> contextlib.AbstractContextManager[None]:
        from .filelock import file_lock

        folder = self._tenant_folder(tenant)
        make_folder(folder)
        path = os.path.join(folder, name)
        return file_lock(path, what, timeout=timeout, sleep=self._sleep, monotonic=self._monotonic)


def changed_meanwhile(order: Order) -> OrderError:
    return OrderError(
        f"Order {order.order_id} of {order.tenant} is not as this run read it: another run has written to it. "
        "Nothing is lost and nothing was overwritten. Run again: it goes on from what is stored.",
        order_id=order.order_id,
    )


def _replace(folder: str, name: str, data: bytes) -> None:
    """Needs to be the tenant's only writer: what a killed one left half-written is cleared away."""
    for left in _names(folder):
        if left.startswith(".") and left.endswith(".new"):
            os.unlink(os.path.join(folder, left))
    new = os.path.join(folder, f".{name}.new")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(new, os.path.join(folder, name))
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
    sync_folder(folder)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _scan(folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        yield iter(())
        return
    with entries:
        yield entries


def _names(folder: str) -> list[str]:
    """No names in what does not exist, nor in a plain file lying between folders."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _for_us(entry: os.DirEntry[str]) -> bool:
    name = entry.name.lower()
    return (
        not name.startswith((".", "~$"))
        and name not in _NOT_FOR_US
        and not name.endswith(_UNFINISHED)
        and entry.is_file(follow_symlinks=False)
    )


def _modified(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return 0


def _inbox_file(entry: os.DirEntry[str]) -> InboxFile | None:
    """None for a file that went away or became something else meanwhile."""
    with disk_trouble(entry.path):
        try:
            handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            return InboxFile(_readable(entry.name), _readable(entry.path), stream.read(INBOX_BYTES))


def _readable(name: str) -> str:
    """Names that are not UTF-8 would make Ansible's result unreadable."""
    return os.fsencode(name).decode("utf-8", "replace")
