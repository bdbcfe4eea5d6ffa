"""Many people answer at once, through one process of `pluralign collect serve`.

Run: python benchmarks/collect_load.py [--people 300] [--pause 10] [--minutes 5] [--arrive 60]
[--fast 20] [--url URL]. Needs the extras `collect` and `client`. All people follow one invitation
within `--arrive` seconds; then each reads a pair, sends an answer after `--pause` seconds on
average (half to one and a half times that), and reads the next pair. The browsers are in this
process, the server in its own, over loopback. A time is that of one request, from the first byte
sent to the last one received: an answer (POST /compare) or a page (GET /compare). The page /policy,
which reads no pair and stores nothing, is asked for by the same people in the same minutes: the
ratio of the medians tells what answering costs. At the end, eight people at a time answer without
any pause for `--fast` seconds: the most answers that the server takes in a second.
"""

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import httpx
import numpy as np
from loop.commands import Operator, Serving
from loop.html_pages import HtmlPage
from loop.planted_study import planted_society, write_prompts

COMMUNITIES = ("~river", "~hill", "~isle")
CHOICES = ("left", "right", "left", "right", "tie", "both-bad", "dont-know")
_FAST = 8
_ROW = "{:<26} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8}"


@dataclass
class Measured:
    """Times of requests, and everything that went wrong.

    Attributes:
        seconds: Kind of request -> its times in seconds.
        errors: What went wrong.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)


class Browser:
    """The browser of one person.

    Args:
        transport: Connections that all browsers share.
        address: The server's address.
        number: Number of the person; it becomes their address in the network.
        measured: Where times are noted.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, address: str, number: int, measured: Measured
    ) -> None:
        network = {"X-Forwarded-For": f"10.0.{number // 200}.{number % 200 + 1}"}
        self._client = httpx.AsyncClient(transport=transport, base_url=address, headers=network)
        self._measured = measured
        self._rng = np.random.default_rng(number)

    async def join(self, invitation: str) -> None:
        """Follow an invitation to a key."""
        first = await self._asked("arrival", "GET", httpx.URL(invitation).path)
        consent = await self._asked("arrival", "GET", HtmlPage(first.text).link("/consent?"))
        form = HtmlPage(consent.text).form("/consent")
        ticked = {"purpose": form.offered["purpose"], "of_age": "yes"}
        await self._asked("arrival", "POST", form.action, form.hidden | ticked)

    async def answer_with_pauses(self, until: float, pause: float) -> None:
        """Answer pairs until a time of `time.monotonic`, with a pause before each answer."""
        await asyncio.sleep(pause * self._rng.uniform())  # people do not begin in step
        shown = await self.next_pair("page")
        while time.monotonic() < until:
            await asyncio.sleep(pause * self._rng.uniform(0.5, 1.5))
            await self.answer("answer", shown)
            if self._rng.random() < 0.1:
                await self._asked("policy", "GET", "/policy")
            shown = await self.next_pair("page")

    async def answer(self, kind: str, shown: HtmlPage) -> None:
        """Answer the pair of a page."""
        form = shown.form("/compare")
        sent = form.hidden | {"choice": str(self._rng.choice(CHOICES))}
        done = await self._asked(kind, "POST", form.action, sent)
        if done.status_code == 303 and "kept" not in done.headers["location"]:
            self._measured.errors.append(f"not kept: {done.headers['location']}")

    async def next_pair(self, kind: str) -> HtmlPage:
        """The next pair; after the end of a sitting the person goes on at once."""
        for path in ("/compare?kept=1", "/compare"):
            page = HtmlPage((await self._asked(kind, "GET", path)).text)
            if page.texts:
                return page
        raise RuntimeError("no pair is left for a person")

    async def _asked(
        self, kind: str, method: str, path: str, form: Mapping[str, object] | None = None
    ) -> httpx.Response:
        start = time.perf_counter()
        response = await self._client.request(method, path, data=form)  # type: ignore[arg-type]
        self._measured.seconds[kind].append(time.perf_counter() - start)
        if response.status_code not in (200, 303):
            self._measured.errors.append(f"{method} {path}: {response.status_code}")
        return response


@dataclass(frozen=True, slots=True)
class Load:
    """Results of a benchmark.

    Attributes:
        measured: Times and errors.
        answers_per_second: Answers per second while all people answered.
        most_per_second: Answers per second without pauses.
        processor: Share of one core that the server used while all people answered.
        mebibytes: Memory of the server at each tenth of that time, and at its end.
    """

    measured: Measured
    answers_per_second: float
    most_per_second: float
    processor: float
    mebibytes: list[float]


def prepare(operator: Operator, study: Path) -> None:
    """Make a study with planted texts."""
    communities = [word for one in COMMUNITIES for word in ("--community", one)]
    operator.gives("collect", "init", study, *communities)
    write_prompts(study / "prompts.jsonl", planted_society(3), np.random.default_rng(0))


async def load(server: Serving, operator: Operator, study: Path, given: argparse.Namespace) -> Load:
    """Let people arrive, answer with pauses, and answer without."""
    words = ("--community", COMMUNITIES[0], "--uses", given.people)
    invitation = operator.gives("collect", "invite", study, *words).split()[0]
    measured = Measured()
    limits = httpx.Limits(max_connections=given.people + 10, keepalive_expiry=75)
    async with httpx.AsyncHTTPTransport(limits=limits) as transport:
        people = [Browser(transport, server.address, n, measured) for n in range(given.people)]
        every = given.arrive / given.people
        await asyncio.gather(*(_after(n * every, one, invitation) for n, one in enumerate(people)))
        memory = asyncio.create_task(_watched(server.pid, 6 * given.minutes))
        used, seconds = server.processor_seconds(), 60 * given.minutes
        until = time.monotonic() + seconds
        await asyncio.gather(*(one.answer_with_pauses(until, given.pause) for one in people))
        used = server.processor_seconds() - used
        until = time.monotonic() + given.fast
        await asyncio.gather(*(_answer_fast(people[n::_FAST], until) for n in range(_FAST)))
    return Load(
        measured,
        len(measured.seconds["answer"]) / seconds,
        len(measured.seconds["answer, no pauses"]) / given.fast,
        used / seconds,
        await memory,
    )


async def _after(seconds: float, browser: Browser, invitation: str) -> None:
    await asyncio.sleep(seconds)
    await browser.join(invitation)


async def _answer_fast(people: Sequence[Browser], until: float) -> None:
    """Answer without pauses: one person after the other, so that nobody gives most answers."""
    for one in cycle(people):
        if time.monotonic() > until:
            return
        await one.answer("answer, no pauses", await one.next_pair("page, no pauses"))


async def _watched(pid: int, every: float) -> list[float]:
    found = []
    for _ in range(10):
        found.append(_mebibytes(pid))
        await asyncio.sleep(every)
    return [*found, _mebibytes(pid)]


def _mebibytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--pause", type=float, default=10.0, help="seconds before an answer")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--arrive", type=float, default=60.0, help="seconds in which all join")
    parser.add_argument("--fast", type=float, default=20.0, help="seconds without pauses")
    parser.add_argument("--url", help="URL of a PostgreSQL database; default: SQLite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        study, operator = Path(temporary) / "study", Operator(Path(temporary) / "cache")
        prepare(operator, study)
        database = ("--database", given.url) if given.url else ()
        with operator.serving(study, *database) as server:
            found = asyncio.run(load(server, operator, study, given))
    print("\n".join(_table(found, given)))


def _table(found: Load, given: argparse.Namespace) -> list[str]:
    lines = [_ROW.format("ms", "requests", "50 %", "95 %", "99 %", "99.9 %", "most")]
    for kind, seconds in found.measured.seconds.items():
        at = 1000 * np.quantile(seconds, [0.5, 0.95, 0.99, 0.999, 1])
        lines.append(_ROW.format(kind, len(seconds), *(f"{value:.1f}" for value in at)))
    median = {kind: np.median(seconds) for kind, seconds in found.measured.seconds.items()}
    memory = " ".join(f"{value:.0f}" for value in found.mebibytes)
    return [
        *lines,
        "",
        f"people at once                         {given.people}",
        f"answers per second                     {found.answers_per_second:.1f}",
        f"most answers per second, no pauses     {found.most_per_second:.1f}",
        f"processor of the server, cores         {found.processor:.2f}",
        f"answer and next page / page /policy    "
        f"{(median['answer'] + median['page']) / median['policy']:.1f}",
        f"memory of the server, MiB              {memory}",
        f"errors                                 {len(found.measured.errors)}",
        *found.measured.errors[:10],
    ]


if __name__ == "__main__":
    main()
