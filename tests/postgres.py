# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real PostgreSQL for tests: made in a temporary folder, on a free loopback port, thrown away at the end."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["missing", "postgres_server"]

_START_SECONDS = 60
_UNTIL_STDIN_ENDS = '"$@" & cat >/dev/null; kill -QUIT $!; wait $!'  # the server dies with whoever started it
_CONNECTIONS = 200  # those of killed processes end a moment later
_OTHER_USERS = ("postgres", "nobody")  # the server refuses to run as root


def missing() -> str | None:
    """Why there can be no server here; None where there can."""
    return None if _program("initdb") and _program("postgres") else "PostgreSQL (initdb, postgres) is not installed"


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a new server's empty database, with its password. Each call makes its own server."""
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        password = secrets.token_urlsafe(12)
        port = _free_port()
        _make(Path(folder), user, password)
        log = Path(folder, "log")
        with log.open("wb") as output:
            server = subprocess.Popen(
                [
                    *("sh", "-c", _UNTIL_STDIN_ENDS, "sh", _program("postgres")),
                    *("-D", f"{folder}/data", "-k", folder, "-h", "127.0.0.1", "-p", str(port)),
                    *("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", f"max_connections={_CONNECTIONS}"),
                ],
                user=user,
                extra_groups=[] if user else None,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_it_answers(server, port, log)
            yield f"postgresql://tester:{password}@127.0.0.1:{port}/postgres"
        finally:
            server.communicate(timeout=_START_SECONDS)


def _make(folder: Path, user: str | None, password: str) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if user:
        for path in (folder, secret):
            shutil.chown(path, user)
    done = subprocess.run(
        [
            _program("initdb"),
            *("-D", f"{folder}/data", "-U", "tester", "--auth=scram-sha-256", f"--pwfile={secret}"),
            *("-E", "UTF8", "--locale=C", "--no-sync"),
        ],
        user=user,
        extra_groups=[] if user else None,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr or done.stdout}")


def _wait_until_it_answers(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        ready = subprocess.run(
            [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "tester", "-d", "postgres"],
            check=False,
        )
        if ready.returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")


def _program(name: str) -> str:
    packaged = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)
    return shutil.which(name) or (packaged[0] if packaged else "")


def _unprivileged() -> str | None:
    """Another user for root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in _OTHER_USERS if user in known)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
