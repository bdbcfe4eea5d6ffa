"""A PostgreSQL server on loopback, made from the installed programs and thrown away."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

_USER = "pluralign"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL server.

    Attributes:
        programs: Folder of `pg_ctl` and `initdb`.
        data: Its data folder.
        port: Its port on loopback.
    """

    programs: Path
    data: Path
    port: int

    def url(self, database: str) -> str:
        """URL of a database, as SQLAlchemy reads it."""
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self, name: str, like: str = "template1") -> str:
        """Make a database, empty or like another one; return its URL."""
        self.command(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        return self.url(name)

    def command(self, sql: str) -> None:
        """Run a command as the owner of the server."""
        place = f"host=127.0.0.1 port={self.port} user={_USER} dbname=postgres"
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(sql)

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._control("start", "-w", "-l", str(self.data / "log"), "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; the mode ``immediate`` is a crash: it writes nothing more."""
        self._control("stop", "-w", "-m", mode)

    def _control(self, action: str, *options: str) -> None:
        _run(str(self.programs / "pg_ctl"), action, "-s", "-D", str(self.data), *options)


def programs() -> Path | None:
    """Folder of PostgreSQL's programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    installed = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(installed).resolve().parent if installed else None


@contextmanager
def running_cluster(installed: Path) -> Iterator[Cluster]:
    """A running server in a temporary folder, stopped and deleted at the end."""
    data = Path(tempfile.mkdtemp(prefix="postgresql-"))
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        shutil.chown(data, "postgres")
    cluster = Cluster(installed, data, _free_port())
    try:
        _run(str(installed / "initdb"), "-D", str(data), "-U", _USER, "-A", "trust", "--no-sync")
        cluster.start()
        yield cluster
    finally:
        cluster.stop("immediate")
        shutil.rmtree(data)


def _run(*command: str) -> None:
    as_user = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    # A server inherits the output of pg_ctl, so a pipe would stay open as long as it runs.
    done = subprocess.run([*as_user, *command], stdout=subprocess.DEVNULL, cwd="/", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed with status {done.returncode}")


def _free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
