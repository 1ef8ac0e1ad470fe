# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the world: HTTP on one port of the loopback, APNs on another, Apple's host names behind a third.

Until a signal, or until its standard input ends."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from . import apns, apple_names
from .app import application
from .tenants import Wish, make
from .traffic import DroppableProtocol
from .world import World


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--apns-port", type=int, default=0)
    parser.add_argument("--proxy-port", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps the world over restarts")
    parser.add_argument("--ready-file", type=Path, help="gets url, pid, apns and proxy as JSON once the world answers")
    parser.add_argument("--tenant", action="append", default=[], help="make this tenant unless it exists; repeatable")
    parser.add_argument("--until-stdin-ends", action="store_true", help="stop when the parent is gone")
    return parser.parse_args()


def watch_stdin(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    server.should_exit = True


async def serve(options: argparse.Namespace) -> None:
    world = World(options.state.absolute())
    listener = socket.create_server(("127.0.0.1", options.port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for the client's ACK
    world.url = f"http://127.0.0.1:{port_of(listener)}"
    apns_server = await apns.start(world, options.apns_port)
    proxy = await apple_names.start(
        options.proxy_port, world.pki.tls(), port_of(listener), port_of(apns_server.sockets[0])
    )
    world.proxy = {"url": f"http://127.0.0.1:{port_of(proxy.sockets[0])}", "ca": world.apns["ca"]}
    for name in options.tenant:
        if name not in world.state.tenants:
            make(world, Wish(name))
            world.save()
    server = uvicorn.Server(
        uvicorn.Config(
            application(world),
            http=DroppableProtocol,
            h11_max_incomplete_event_size=1024 * 1024,  # as Go's servers: an enqueue may name thousands of devices
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
    )
    if options.until_stdin_ends:
        threading.Thread(target=watch_stdin, args=(server,), daemon=True).start()
    if options.ready_file:
        write_ready_file(options.ready_file, world)
    print(f"The simulated world is at {world.url}/", flush=True)
    await server.serve(sockets=[listener])
    apns_server.close()
    proxy.close()


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def write_ready_file(path: Path, world: World) -> None:
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps({"url": world.url, "pid": os.getpid(), "apns": world.apns, "proxy": world.proxy}))
    os.replace(new, path)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments()))
