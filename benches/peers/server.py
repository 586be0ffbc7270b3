"""A throwaway Postgres server on a socket in a temporary directory, with fsync on.

It ends when its block ends, and when this process does, however that ends: a shell holds the other end of a pipe and
stops it when the pipe closes. Knows nothing of what is measured on it.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{directory}'
max_connections = 200
fsync = on
synchronous_commit = on
"""
GUARD = 'cat >/dev/null; pg_ctl stop --mode=immediate --pgdata "$1/data" >/dev/null 2>&1; rm -rf "$1"'


class ServerError(Exception):
    """The server could not be made or started; the text is what its program said."""


class Server:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def start(self) -> None:
        data = self.directory / "data"
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        self._run("initdb", *options, f"--pgdata={data}")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(directory=self.directory))
        self._run("pg_ctl", "start", "--wait", "--silent", f"--pgdata={data}", f"--log={data}/log")

    def new_database(self, name: str) -> str:
        """Makes an empty database and returns how to connect to it."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._address(name)

    def _address(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def _run(self, *command: str) -> None:
        # The server inherits what it is started with: a pipe would stay open for as long as it runs.
        with (self.directory / "said").open("w+") as said:
            silent = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
            status = subprocess.run([*unprivileged(), *command], cwd="/", **silent).returncode
            said.seek(0)
            if status != 0:
                raise ServerError(f"{command[0]} exited with {status}: {said.read().strip()}")


@contextlib.contextmanager
def throwaway() -> Iterator[Server]:
    directory = Path(tempfile.mkdtemp(prefix="morningai-peers-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(directory, unprivileged_user())
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    guard = [*unprivileged(), "sh", "-c", GUARD, "guard", str(directory)]
    # In a session of its own: what interrupts the measuring must not end what cleans up after it.
    with subprocess.Popen(guard, cwd="/", stdin=subprocess.PIPE, start_new_session=True, **silent):
        server = Server(directory)
        server.start()
        yield server


def unprivileged() -> list[str]:
    """What goes before a command, since the server refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={unprivileged_user()}", "--clear-groups", "--"]


def unprivileged_user() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"
