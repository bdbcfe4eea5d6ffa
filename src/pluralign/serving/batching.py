"""Micro-batches across connections: waiting requests are scored together."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pluralign.core import FloatArray, NotEnoughData, RewardRequest, prompt_text
from pluralign.serving.scoring import Scorer, ScoreRequest
from pluralign.serving.workers import ScoringThread

_BYTES_PER_TOKEN = 4
_LONGEST_WAIT = 60
_FEW_TOKENS, _FEW_REWARDS = 4096, 4096


class Busy(Exception):
    """Too many responses are waiting.

    Args:
        seconds: Time after which to ask again.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many responses are waiting; ask again in {seconds} s")
        self.seconds = seconds


class Closed(Exception):
    """The server accepts no more requests."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Statistics of a scored batch.

    Attributes:
        responses: Number of responses.
        tokens: Approximate number of their tokens.
        seconds: Time to score them.
    """

    responses: int
    tokens: int
    seconds: float


@dataclass(slots=True, eq=False)
class _Job:
    """One caller's whole request."""

    wanted: ScoreRequest
    answer: "asyncio.Future[FloatArray]"
    left: int = 0
    found_B_N_S: FloatArray | None = None

    def keep(self, rows: Sequence[int], reward_B_n_S: FloatArray) -> None:
        """Store the rewards of some of its responses, and answer when all are complete."""
        if self.answer.done():
            return
        if self.found_B_N_S is None:
            shape = (len(reward_B_n_S), len(self.wanted.requests), len(self.wanted.steers))
            self.found_B_N_S = np.empty(shape)
        self.found_B_N_S[:, rows] = reward_B_n_S
        self.left -= len(rows)
        if not self.left:
            self.answer.set_result(self.found_B_N_S)


@dataclass(slots=True, eq=False)
class _Lot:
    """Some responses of a job of similar length, which are scored in the same batch.

    Attributes:
        job: The job of the responses.
        rows: Their rows in the job.
        tokens: Approximate number of their tokens.
        turn: The batch in which the lot is due.
        longest: Number of tokens of the longest.
    """

    job: _Job
    rows: list[int]
    tokens: int
    turn: int
    longest: int = field(default=0)

    @property
    def wanted(self) -> ScoreRequest:
        whole = self.job.wanted
        if len(self.rows) == len(whole.requests) == 1:
            return whole
        return replace(whole, requests=tuple(whole.requests[i] for i in self.rows))


class Batcher:
    """Scores the requests of many callers in batches, in threads of its own.

    A batch begins as soon as a core is free, without waiting for further requests. It contains the
    lots that are due first and the lots of the nearest length, up to a number of tokens. It uses
    one core if other lots are waiting, otherwise all free cores: several batches on one core each
    finish sooner than one after the other on all cores. A long request is split into lots that are
    due in successive batches, so that it does not delay short ones.

    Args:
        scorer: Scores a batch.
        tokens: Approximate number of tokens of a batch, >= 1; a longer response is scored alone.
        most_waiting: Largest number of waiting responses.
        watch: Called with the statistics of each batch.
        cores: Number of batches that are scored at a time, each in a thread of its own; with 1,
            torch's number of threads is not changed.
        instant: Whether small batches are scored on the event loop, because the encoder takes less
            time for them than a thread takes to wake up.

    Attributes:
        waiting: Number of waiting responses.
    """

    def __init__(
        self,
        scorer: Scorer,
        tokens: int,
        most_waiting: int,
        watch: Callable[[Batch], None] | None = None,
        cores: int = 1,
        instant: bool = False,
    ) -> None:
        self._tokens = tokens
        self._most_waiting = most_waiting
        self._watch = watch or (lambda batch: None)
        self._waiting: list[_Lot] = []
        self.waiting = 0
        self._wake = asyncio.Event()
        self._cores = self._free = cores
        self._scorer = scorer
        self._workers = [ScoringThread(scorer) for _ in range(cores)]
        self._instant, self._soon = instant, False
        self._tokens_per_second = 10_000.0
        self._batches = 0
        self._closed = False
        self._loop = asyncio.ensure_future(self._run())

    async def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        """Rewards in logits for each part of a request, shape (B, N, S).

        If the caller is cancelled, so is the request.

        Raises:
            Busy: If too many responses are waiting; then no part of the request is queued.
            Closed: If no more requests are accepted.
            NotEnoughData: If a part has no responses.
        """
        if self._closed:
            raise Closed
        if not all(one.requests for one in wanted):
            raise NotEnoughData("no requests to score")
        responses = sum(len(one.requests) for one in wanted)
        if self.waiting + responses > self._most_waiting:
            raise Busy(self._seconds_of_work())
        jobs = self._queued(wanted)
        self.waiting += responses
        self._start()
        try:
            if len(jobs) == 1:
                return [await jobs[0].answer]
            return await asyncio.gather(*(job.answer for job in jobs))
        finally:
            self._withdraw(jobs)

    def _queued(self, wanted: Sequence[ScoreRequest]) -> list[_Job]:
        """A job for each part of a request, its lots in the queue."""
        loop = asyncio.get_running_loop()
        jobs = [_Job(one, loop.create_future(), len(one.requests)) for one in wanted]
        for job in jobs:
            self._waiting.extend(_lots(job, self._tokens, self._batches))
        return jobs

    def _withdraw(self, jobs: Sequence[_Job]) -> None:
        """Take the lots of answered or cancelled jobs out of the queue."""
        # Without an effect on jobs that have their answer.
        for job in jobs:
            job.answer.cancel()
        if any(job.left for job in jobs):
            self._leave({lot for lot in self._waiting if lot.job.answer.done()})

    async def close(self) -> None:
        """Accept no more requests, and finish the waiting ones."""
        self._closed = True
        self._wake.set()
        await self._loop
        for worker in self._workers:
            worker.thread.shutdown()

    def _start(self) -> None:
        """Let what waits be scored: after the requests that have come already, or in a thread."""
        if not self._instant:
            self._wake.set()
        elif not self._soon:
            self._soon = True
            asyncio.get_running_loop().call_soon(self._score_now)

    def _score_now(self) -> None:
        """Score a batch on the event loop, or leave it to a thread if it is large or fails."""
        self._soon = False
        if not (self._waiting and self._free):
            return
        lots, since = self._take(), time.perf_counter()
        try:
            by_lot = _by_lot(lots, self._scorer.score(_wanted(lots))) if _are_small(lots) else None
        except Exception:  # a thread scores them again, each caller apart
            by_lot = None
        if by_lot is None:
            self._waiting.extend(lots)
            self.waiting += sum(len(lot.rows) for lot in lots)
            self._wake.set()
            return
        self._answer(by_lot, since, of_all=1)
        if self._waiting:
            self._start()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as batches:
            while self._waiting or not self._closed:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting and self._free:
                    lots = self._take()
                    cores = 1 if self._waiting else self._free
                    self._free -= cores
                    # The worker that was busy last: torch's helper threads of another may still be
                    # spinning on a core.
                    batches.create_task(self._score_on(cores, self._workers.pop(), lots))

    async def _score_on(self, cores: int, worker: ScoringThread, lots: Sequence[_Lot]) -> None:
        worker.cores = cores if self._cores > 1 else None
        try:
            await self._score(lots, worker)
        finally:
            self._workers.append(worker)
            self._free += cores
            self._wake.set()

    def _take(self) -> list[_Lot]:
        """Take the lots of the next batch out of the queue."""
        first = min(self._waiting, key=lambda lot: lot.turn)
        chosen, tokens = {first}, first.tokens
        for lot in sorted(self._waiting, key=lambda lot: abs(lot.longest - first.longest)):
            if lot is not first and tokens + lot.tokens <= self._tokens:
                chosen.add(lot)
                tokens += lot.tokens
        taken = [lot for lot in self._waiting if lot in chosen]
        self._leave(chosen)
        self._batches += 1
        return taken

    def _leave(self, lots: set[_Lot]) -> None:
        """Take these lots out of the queue."""
        self._waiting = [lot for lot in self._waiting if lot not in lots]
        self.waiting -= sum(len(lot.rows) for lot in lots)

    async def _score(self, lots: Sequence[_Lot], worker: ScoringThread) -> None:
        since = time.perf_counter()
        try:
            by_lot = _by_lot(lots, await worker.score(_wanted(lots)))
        except Exception as error:
            await self._score_apart(lots, worker, error)
            return
        self._answer(by_lot, since, (worker.cores or self._cores) / self._cores)

    def _answer(
        self, by_lot: Sequence[tuple[_Lot, FloatArray]], since: float, of_all: float
    ) -> None:
        """Give the callers of a batch their rewards, and report the batch."""
        for lot, reward_B_n_S in by_lot:
            lot.job.keep(lot.rows, reward_B_n_S)
        responses = sum(len(lot.rows) for lot, _ in by_lot)
        tokens = sum(lot.tokens for lot, _ in by_lot)
        batch = Batch(responses, tokens, time.perf_counter() - since)
        self._learn(batch, of_all)
        self._watch(batch)

    async def _score_apart(
        self, lots: Sequence[_Lot], worker: ScoringThread, error: Exception
    ) -> None:
        """Score the callers separately, so that a faulty request does not fail the others."""
        if len(lots) == 1:
            if not lots[0].job.answer.done():
                lots[0].job.answer.set_exception(error)
            return
        for lot in lots:
            if not lot.job.answer.done():
                await self._score([lot], worker)

    def _learn(self, batch: Batch, of_all: float) -> None:
        """Update the speed of all cores from a batch on some of them."""
        per_second = batch.tokens / max(batch.seconds, 1e-6) / of_all
        self._tokens_per_second += 0.1 * (per_second - self._tokens_per_second)

    def _seconds_of_work(self) -> int:
        seconds = sum(lot.tokens for lot in self._waiting) / self._tokens_per_second
        return max(1, min(_LONGEST_WAIT, math.ceil(seconds)))


def tokens_of(request: RewardRequest) -> int:
    """Approximate number of tokens of a prompt and its response: a quarter of their bytes.

    >>> tokens_of(RewardRequest("How are you?", "Very well, thank you."))
    9
    """
    text = prompt_text(request.prompt) + request.response
    return 1 + len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN


def _lots(job: _Job, most: int, turn: int) -> Iterable[_Lot]:
    """Split a job into lots of at most ``tokens`` tokens, shortest responses first."""
    tokens_N = [tokens_of(request) for request in job.wanted.requests]
    lot: _Lot | None = None
    for row in sorted(range(len(tokens_N)), key=tokens_N.__getitem__):
        if lot is not None and lot.tokens + tokens_N[row] > most:
            yield lot
            lot, turn = None, turn + 1
        if lot is None:
            lot = _Lot(job, [], 0, turn)
        lot.rows.append(row)
        lot.tokens += tokens_N[row]
        lot.longest = tokens_N[row]
    if lot is not None:
        yield lot


def _wanted(lots: Sequence[_Lot]) -> list[ScoreRequest]:
    return [lot.wanted for lot in lots]


def _by_lot(lots: Sequence[_Lot], found: Sequence[FloatArray]) -> list[tuple[_Lot, FloatArray]]:
    return list(zip(lots, found, strict=True))


def _are_small(lots: Sequence[_Lot]) -> bool:
    """Whether a batch takes milliseconds with an instant encoder."""
    rewards = sum(len(lot.rows) * len(lot.job.wanted.steers) for lot in lots)
    return rewards <= _FEW_REWARDS and sum(lot.tokens for lot in lots) <= _FEW_TOKENS
