"""One model, ready to answer: what every endpoint of a server stands on."""

import asyncio
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.requests import Request

from pluralign.core import FloatArray, RewardRequest, Steer, prompt_text
from pluralign.encoders import RecentVectors, language_of
from pluralign.models import open_model
from pluralign.rewards import Scorable, Thoughts, load_card, scorable
from pluralign.runs import Refits, refits_of
from pluralign.serving.aside import Aside
from pluralign.serving.batching import Batch, Batcher, Busy, Closed
from pluralign.serving.planning import Planner
from pluralign.serving.problems import CLIENT_LEFT, Refused
from pluralign.serving.scoring import Scorer, Wanted, scorer_of
from pluralign.serving.server_settings import ServeSettings
from pluralign.serving.watching import Metrics

_log = logging.getLogger("pluralign.serving")
_TOKENS_ON_CPU, _TOKENS_ON_GPU = 2048, 65_536
_READ_FOR_LANGUAGE = 300
_UNKNOWN = "und"
_AT_ONCE, _SOON_READ = 8, 20_000
_CUT = "cut: the {} is longer than the trunk reads; only its beginning counts"


@dataclass(frozen=True, slots=True)
class Opened:
    """A saved model and what is known of it.

    Attributes:
        card: Its card.
        communities: Ids it can be steered to.
        repeats: Its other fits, for intervals.
        scorer: Scores with it.
        languages: Languages that its trunk reads; None where unknown.
        vectors: The memory around its encoder; None where its communities are trained parts.
        cores: How many threads may score at a time, each on a core of its own.
    """

    card: Mapping[str, Any]
    communities: tuple[str, ...]
    repeats: Refits
    scorer: Scorer
    languages: tuple[str, ...] | None
    vectors: RecentVectors | None
    cores: int = 1


def open_to_serve(settings: ServeSettings) -> Opened:
    """Load a saved model and run it once, so that the first caller need not wait.

    Raises:
        InvalidInput: If the folder holds no model, or its trunk cannot be had.
        DamagedFile: If a file is truncated or altered.
        MissingExtra: If what tells languages apart is not installed, and the trunk reads only some.
    """
    memories: list[RecentVectors] = []

    def remembering(encoder: Any) -> RecentVectors:
        memories.append(RecentVectors(encoder, settings.cache_megabytes * 1_000_000))
        return memories[-1]

    model = open_model(settings.model, around=remembering, trust_encoder=settings.trust_encoder)
    repeats = refits_of(settings.model, model)
    scorer = scorer_of(model, repeats)
    steers: list[Steer | None] = [None, *(Steer.to(id_) for id_ in model.communities[:1])]
    scorer.score([Wanted((RewardRequest("A first prompt.", "A first response."),), tuple(steers))])
    languages = memories[0].languages if memories else None
    if languages is not None:
        language_of("A first response, long enough for its language to be told.")
    vectors = memories[0] if memories else None
    threads = _share_of_threads(settings.processes)
    cores = threads if vectors is not None and vectors.side_by_side else 1
    return Opened(
        load_card(settings.model), model.communities, repeats, scorer, languages, vectors, cores
    )


@dataclass(slots=True)
class Service:
    """A model that answers many callers at once.

    Attributes:
        settings: How the server is set.
        opened: The model.
        metrics: What is counted.
        planner: Reads whose taste counts.
        batcher: Scores.
        aside: Does beside the event loop what takes long.
        since: When the server began, in seconds since 1970.
        draining: Whether it was told to stop.
    """

    settings: ServeSettings
    opened: Opened
    metrics: Metrics
    planner: Planner = field(init=False)
    batcher: Batcher = field(init=False)
    aside: Aside = field(init=False, default_factory=Aside)
    since: int = field(default_factory=lambda: int(time.time()))
    draining: bool = False

    def __post_init__(self) -> None:
        self.planner = Planner(self.opened.card, self.opened.communities)
        tokens = self.settings.batch_tokens or (_TOKENS_ON_GPU if _on_gpu() else _TOKENS_ON_CPU)
        most = self.settings.most_waiting
        self.batcher = Batcher(self.opened.scorer, tokens, most, self._count, self.opened.cores)

    @property
    def name(self) -> str:
        """What compatible endpoints call the model."""
        return self.settings.name

    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    def exposed(self) -> bytes:
        """What is counted, for Prometheus."""
        self.metrics.waiting.set(self.batcher.waiting)
        return self.metrics.exposed()

    def _count(self, batch: Batch) -> None:
        self.metrics.scored(batch)
        self.metrics.waiting.set(self.batcher.waiting)
        if self.opened.vectors is not None:
            self.metrics.looked_up(self.opened.vectors.found, self.opened.vectors.missed)

    async def close(self) -> None:
        """Take no more requests, and finish those that wait."""
        self.draining = True
        await self.batcher.close()
        self.aside.close()

    async def scorable(
        self, requests: Sequence[RewardRequest], thoughts: Thoughts | None = None
    ) -> list[Scorable]:
        """What of responses is scored: thoughts are left out unless the request or the server keeps them."""
        kept = thoughts or self.settings.thoughts
        found = await self.aside(
            len(requests) > _AT_ONCE, lambda: [scorable(one, kept) for one in requests]
        )
        self.metrics.read(found)
        return found

    async def rewards(
        self,
        request: Request,
        requests: Sequence[RewardRequest],
        steers: Sequence[Steer | None],
        repeated: bool = False,
    ) -> FloatArray:
        """Rewards in logits, shape (B, N, S); B is the number of repeats where these are wanted and there are any.

        Raises:
            Refused: If there are too many responses, one is too long, or the queue is full; or the
                client left.
        """
        await self._admit(requests, len(steers))
        wanted = Wanted(
            tuple(requests), tuple(steers), repeated and self.opened.repeats.show_spread
        )
        return (await self._while_connected(request, [wanted]))[0]

    async def rewards_each(
        self,
        request: Request,
        requests: Sequence[RewardRequest],
        steers: Sequence[tuple[Steer | None, ...]],
    ) -> FloatArray:
        """Rewards of each response under its own steers in logits, shape (N, S); each has S of them.

        Raises:
            Refused: As `rewards`.
        """
        await self._admit(requests, len(steers[0]))
        rows_by_steers: dict[tuple[Steer | None, ...], list[int]] = {}
        for row, own in enumerate(steers):
            rows_by_steers.setdefault(own, []).append(row)
        wanted = [
            Wanted(tuple(requests[row] for row in rows), own)
            for own, rows in rows_by_steers.items()
        ]
        reward_N_S = np.empty((len(requests), len(steers[0])))
        for rows, reward_B_n_S in zip(
            rows_by_steers.values(), await self._while_connected(request, wanted), strict=True
        ):
            reward_N_S[rows] = reward_B_n_S[0]
        return reward_N_S

    async def _admit(self, requests: Sequence[RewardRequest], communities: int) -> None:
        """Hold that a request, and the answer to it, are not too large; write its texts to the log where that is set.

        Raises:
            Refused: If one of them is.
        """
        most = self.settings.most_items
        if len(requests) > most:
            raise Refused(
                413, f"{len(requests)} responses in one request", f"send at most {most} at a time"
            )
        most = self.settings.most_rewards
        if len(requests) * communities > most:
            what = (
                f"{len(requests)} responses for {communities} communities are "
                f"{len(requests) * communities} rewards"
            )
            raise Refused(
                413, what, f"ask for at most {most} at a time; serve --most-rewards sets how many"
            )
        await self.aside(len(requests) > _AT_ONCE, self._check_lengths, requests)

    def _check_lengths(self, requests: Sequence[RewardRequest]) -> None:
        most = self.settings.most_characters
        for row, one in enumerate(requests):
            longest = max(len(prompt_text(one.prompt)), len(one.response))
            if longest > most:
                raise Refused(
                    413, f"item {row} has a text of {longest} characters", f"send at most {most}"
                )
            if self.settings.log_texts:
                _log.info("prompt %r response %r", prompt_text(one.prompt), one.response)

    async def unread(self, requests: Sequence[RewardRequest]) -> list[tuple[str, ...]]:
        """For each request, warnings of what the trunk does not read: another language, and what is too long."""
        characters = sum(len(one.response) + len(prompt_text(one.prompt)) for one in requests)
        return await self.aside(
            len(requests) > _AT_ONCE or characters > _SOON_READ, _unread, requests, self.opened
        )

    async def _while_connected(
        self, request: Request, wanted: Sequence[Wanted]
    ) -> list[FloatArray]:
        """The rewards; who leaves, or waits too long, takes the request back."""
        work = asyncio.ensure_future(self.batcher.score(wanted))
        gone = asyncio.ensure_future(request.receive())
        try:
            await asyncio.wait(
                {work, gone}, timeout=self.settings.seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if work.done():
                return _outcome(work)
            if gone.done():
                raise Refused(CLIENT_LEFT, "the client left")
            raise Refused(
                504,
                f"not scored within {self.settings.seconds:g} s",
                "ask again, or for less at a time",
            )
        finally:
            for task in (work, gone):
                task.cancel()


def _outcome(work: "asyncio.Future[list[FloatArray]]") -> list[FloatArray]:
    try:
        return work.result()
    except Busy as busy:
        after = {"Retry-After": str(busy.seconds)}
        raise Refused(429, "too much is waiting", f"ask again in {busy.seconds} s", after) from busy
    except Closed as closed:
        raise Refused(
            503, "the server is stopping", "ask another one", {"Retry-After": "1"}
        ) from closed


def _unread(requests: Sequence[RewardRequest], opened: Opened) -> list[tuple[str, ...]]:
    parts_N = [{"response": one.response, "prompt": prompt_text(one.prompt)} for one in requests]
    texts = list(dict.fromkeys(text for parts in parts_N for text in parts.values()))
    cut = {} if opened.vectors is None else dict(zip(texts, opened.vectors.cut(texts), strict=True))
    return [
        (
            *_foreign(parts["response"], opened.languages),
            *(_CUT.format(what) for what in parts if cut.get(parts[what])),
        )
        for parts in parts_N
    ]


def _foreign(text: str, reads: tuple[str, ...] | None) -> tuple[str, ...]:
    if reads is None:
        return ()
    language = language_of(text[:_READ_FOR_LANGUAGE])
    if language == _UNKNOWN or language in reads:
        return ()
    script = language.removeprefix(f"{_UNKNOWN}-")
    seen = f"looks like {language!r}" if script == language else f"is written in {script} letters"
    return (f"language: the response {seen}, and the trunk reads {', '.join(reads)}",)


def _share_of_threads(processes: int) -> int:
    """Threads that torch takes in each of so many processes: they share the cores rather than fight for them."""
    torch = sys.modules.get("torch")
    if torch is None:
        return 1
    share: int = max(1, torch.get_num_threads() // processes)
    torch.set_num_threads(share)
    return share


def _on_gpu() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_available())
