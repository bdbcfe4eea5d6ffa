"""Commands as an operator gives them, each in a process of its own, and the server of a study."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = [sys.executable, "-c", "from pluralign.cli.main import main; main()"]
_SECONDS_TO_START = 120
_ADDRESS = re.compile(r"serving .* at (http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True, slots=True)
class Operator:
    """A person at the command line.

    Attributes:
        cache: Folder of kept vectors of texts.
    """

    cache: Path

    def gives(self, *words: object) -> str:
        """Give a command; return what it printed.

        Raises:
            RuntimeError: If it failed, with its message.
        """
        done = subprocess.run(
            [*_PROGRAM, *map(str, words)],
            check=False,
            env=self._environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"pluralign {' '.join(map(str, words))}: {done.stderr}")
        return done.stdout

    @contextmanager
    def serving(self, study: Path, *words: str) -> Iterator["Serving"]:
        """A running server, which is stopped at the end as an operator stops it."""
        log = study.parent / "server.log"
        with log.open("w") as errors:
            command = [*_PROGRAM, "collect", "serve", str(study), "--port", "0", *words]
            server = subprocess.Popen(command, env=self._environment(), stderr=errors)
        try:
            yield Serving(_address(log, server), server.pid)
            server.send_signal(signal.SIGTERM)
            assert server.wait(60) == 0, log.read_text()
        finally:
            server.kill()
            server.wait()

    def _environment(self) -> dict[str, str]:
        return os.environ | {"PLURALIGN_CACHE": str(self.cache), "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Serving:
    """A running server.

    Attributes:
        address: Its address.
        pid: Id of its process.
    """

    address: str
    pid: int

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.address.rpartition(":")[2])

    def processor_seconds(self) -> float:
        """Processor time that it has used; 0 where the system has no `/proc`."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return 0.0
        after_name = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _address(log: Path, server: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        found = _ADDRESS.search(log.read_text(encoding="utf-8"))
        if found and _answers(found[1]):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {log.read_text(encoding='utf-8')}")


def _answers(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{address}/healthz", timeout=5).status == 200)
    except OSError:
        return False
