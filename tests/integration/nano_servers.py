# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real NanoMDM, NanoHUB, NanoDEP and NanoAXM on free loopback ports, with everything in memory.

The programs are in the folder that NENDO_NANO_BIN names. Without them tests are skipped; with CI=true they fail."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

API_KEY = "key-of-the-tests"
START_SECONDS = 20


def program(name: str) -> str:
    folder = os.environ.get("NENDO_NANO_BIN", "")
    path = Path(folder, name)
    if not folder or not path.exists():
        absent(f"the real {name} is not here: NENDO_NANO_BIN names {folder or 'no folder'} (make builds it with Go)")
    return str(path)


def absent(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def nanomdm(ca: Path, *more: str) -> Iterator[str]:
    with running("nanomdm", "-api", API_KEY, "-ca", str(ca), "-storage", "inmem", "-storage-dsn", "", *more) as url:
        yield url


@contextmanager
def nanohub(ca: Path) -> Iterator[str]:
    with running("nanohub", "-api-key", API_KEY, "-ca", str(ca), "-storage", "inmem") as url:
        yield url


@contextmanager
def nanodep() -> Iterator[str]:
    with running("depserver", "-api", API_KEY, "-storage", "inmem") as url:
        yield url


@contextmanager
def nanoaxm() -> Iterator[str]:
    with running("nanoaxm", "-api", API_KEY, "-storage", "inmem") as url:
        yield url


@contextmanager
def running(name: str, *arguments: str) -> Iterator[str]:
    port = free_port()
    command = [program(name), "-listen", f"127.0.0.1:{port}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(process, name, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(process: subprocess.Popen[bytes], name: str, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"{name} did not start (exit code {process.poll()}).")
