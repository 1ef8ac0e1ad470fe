# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nendo-events: takes what NanoMDM tells by webhook, and keeps it in the ledger before it answers.

NanoMDM tells once and does not repeat, so this runs all the time beside the server:
python3 -m ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver --ledger … --listen …

One loop takes the requests. All that come while a transaction waits for the disk are stored in the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .._errors import AppleMdmError
from .connection import Connection, complain
from .ledger import Ledger, open_ledger
from .model import Event
from .webhook import event_of, signed

AT_ONCE = 500  # events of a transaction: other writers of the ledger get their turn after it
WAITING = 4096  # connections that wait in the kernel

Told = tuple[Event, Mapping[str, bytes]]


class Store:
    """Stores events in groups: each holds what has come while the one before was being stored."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: asyncio.Queue[tuple[Told, asyncio.Future[str]]] = asyncio.Queue()

    def keep(self, told: Told) -> asyncio.Future[str]:
        """Done when it is stored; else says why it is not."""
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((told, outcome))
        return outcome

    async def run(self) -> None:
        while True:
            group = [await self._waiting.get()]
            while len(group) < AT_ONCE and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            why = await asyncio.to_thread(self._store, [told for told, _outcome in group])
            for _told, outcome in group:
                outcome.set_result(why)

    def _store(self, group: Sequence[Told]) -> str:
        why = ""
        try:
            self._ledger.receive(group)
        except AppleMdmError as error:
            why = str(error)
        except Exception as error:  # a fault of ours: those who wait are answered all the same
            why = f"it is at fault itself: {type(error).__name__}"
        if why:
            complain(f"answered 500 to {len(group)}: {why}")
        return why


class Receiver:
    """Listens, and knows its connections."""

    def __init__(self, ledger: Ledger, key: bytes | None) -> None:
        self._store = Store(ledger)
        self._key = key
        self._over = asyncio.Event()
        self._connections: set[Connection] = set()
        self.ends = False

    async def serve(self, host: str, port: int) -> None:
        """Until SIGTERM. What was taken by then is stored and answered."""
        loop = asyncio.get_running_loop()
        storing = asyncio.create_task(self._store.run())
        server = await loop.create_server(lambda: Connection(self), host, port, backlog=WAITING)
        loop.add_signal_handler(signal.SIGTERM, self._end, server)
        sys.stdout.write(f"nendo-events: listens at {host}:{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await self._over.wait()
        storing.cancel()

    def _end(self, server: asyncio.Server) -> None:
        self.ends = True
        server.close()
        for connection in self._connections:
            connection.end_if_idle()
        self._end_when_alone()

    def _end_when_alone(self) -> None:
        if self.ends and not self._connections:
            self._over.set()

    def greet(self, connection: Connection) -> None:
        self._connections.add(connection)

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._end_when_alone()

    def take(self, body: bytes, signature: str | None) -> asyncio.Future[str] | None:
        """As Store.keep; None where nothing has to be kept."""
        signed(body, self._key, signature)
        told = event_of(body)
        return self._store.keep(told) if told else None


def _many_connections() -> None:
    """As many as we may have: a device that answers can be a connection."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: Sequence[str] | None = None) -> None:
    """Until SIGTERM. Secrets come from files, not from arguments that others can read."""
    parser = argparse.ArgumentParser(prog="nendo-events", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ledger", default=os.environ.get("NENDO_LEDGER"), help="path or URL; or NENDO_LEDGER")
    parser.add_argument("--listen", default="127.0.0.1:9006", help="ADDRESS:PORT (127.0.0.1:9006)")
    parser.add_argument("--hmac-key-file", type=Path, help="the key of NanoMDM's -webhook-hmac-key")
    parser.add_argument(
        "--ledger-key-file", type=Path, help="the ledger's key; without it unlock tokens and bypass codes are lost"
    )
    given = parser.parse_args(arguments)
    if not given.ledger:
        parser.error("--ledger is missing")
    key = given.hmac_key_file.read_bytes().strip() if given.hmac_key_file else None
    ledger_key = given.ledger_key_file.read_text().strip() if given.ledger_key_file else None
    host, _colon, port = given.listen.rpartition(":")
    ledger = open_ledger(given.ledger, ledger_key, keep_open=True)
    _many_connections()
    asyncio.run(Receiver(ledger, key).serve(host, int(port)))


if __name__ == "__main__":
    main()
