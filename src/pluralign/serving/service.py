"""One model with its queue and metrics, shared by all endpoints of a server."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.requests import Request

from pluralign.core import FloatArray, RewardRequest, Steer, prompt_text
from pluralign.encoders import RecentVectors, language_of
from pluralign.models import open_model
from pluralign.rewards import Scorable, Thoughts, load_card, scorable
from pluralign.runs import Refits, refits_of
from pluralign.serving.batching import Batch, Batcher
from pluralign.serving.connections import while_connected
from pluralign.serving.metrics import Metrics
from pluralign.serving.one_at_a_time import OneAtATime
from pluralign.serving.plans import Planner
from pluralign.serving.problems import Refused
from pluralign.serving.scoring import Scorer, ScoreRequest, scorer_of
from pluralign.serving.server_settings import ServeSettings
from pluralign.serving.sessions import Session, Sessions
from pluralign.serving.threads import Aside

_log = logging.getLogger("pluralign.serving")
_TOKENS_ON_CPU, _TOKENS_ON_GPU = 2048, 65_536
_READ_FOR_LANGUAGE = 300
_UNKNOWN = "und"
_AT_ONCE, _SOON_READ = 8, 20_000
_ENCODED_AT_A_TIME = 32
_CUT = "cut: the {} is longer than the trunk reads; only its beginning is scored"


@dataclass(frozen=True, slots=True)
class Opened:
    """A loaded model with its card and scorer.

    Attributes:
        card: Its card.
        communities: Ids of the communities that it can be steered to.
        repeats: Its other fits, for intervals.
        scorer: Scores with it.
        languages: Languages that its trunk reads; None if unknown.
        vectors: Cache of its encoder; None if its communities are trained adapters or copies.
        cores: Number of threads that may score at a time, each on a core of its own.
        instant: Whether scoring a short response takes less than a millisecond.
    """

    card: Mapping[str, Any]
    communities: tuple[str, ...]
    repeats: Refits
    scorer: Scorer
    languages: tuple[str, ...] | None
    vectors: RecentVectors | None
    cores: int = 1
    instant: bool = False


def open_to_serve(settings: ServeSettings) -> Opened | None:
    """Load a saved model and run it once, so that the first caller does not wait.

    Returns:
        The model; None if the settings name none.

    Raises:
        InvalidInput: If the folder has no model, or its trunk is not available.
        DamagedFile: If a file is truncated or altered.
        MissingExtra: If the trunk reads only some languages, and the package that detects
            languages is not installed.
    """
    if settings.model is None:
        return None
    memories: list[RecentVectors] = []

    def remembering(encoder: Any) -> RecentVectors:
        memories.append(RecentVectors(encoder, settings.cache_megabytes * 1_000_000))
        return memories[-1]

    model = open_model(settings.model, around=remembering, trust_encoder=settings.trust_encoder)
    repeats = refits_of(settings.model, model)
    scorer = scorer_of(model, repeats)
    steers: list[Steer | None] = [None, *(Steer.to(id_) for id_ in model.communities[:1])]
    scorer.score(
        [ScoreRequest((RewardRequest("A first prompt.", "A first response."),), tuple(steers))]
    )
    languages = memories[0].languages if memories else None
    if languages is not None:
        language_of("A first response, long enough for its language to be detected.")
    vectors = memories[0] if memories else None
    threads = _share_of_threads(settings.processes)
    cores = threads if vectors is not None and vectors.side_by_side else 1
    card = load_card(settings.model)
    instant = vectors is not None and vectors.instant and "fading" not in card
    return Opened(card, model.communities, repeats, scorer, languages, vectors, cores, instant)


@dataclass(slots=True)
class Service:
    """A model that answers many callers at once.

    Attributes:
        settings: Settings of the server.
        opened: The model.
        metrics: Counts for Prometheus.
        aside: Threads for long work next to the event loop.
        planner: Makes the plans of requests.
        batcher: Scores requests in batches.
        encoding: Encodes texts.
        sessions: Heads that callers adapted.
    """

    settings: ServeSettings
    opened: Opened
    metrics: Metrics
    aside: Aside
    planner: Planner = field(init=False)
    batcher: Batcher = field(init=False)
    encoding: OneAtATime = field(init=False)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.planner = Planner(self.opened.card, self.opened.communities)
        self.sessions = Sessions(self.settings.most_sessions, self.settings.session_seconds)
        tokens = self.settings.batch_tokens or (_TOKENS_ON_GPU if _on_gpu() else _TOKENS_ON_CPU)
        most = self.settings.most_waiting
        self.encoding = OneAtATime(most, "encoder")
        self.batcher = Batcher(
            self.opened.scorer, tokens, most, self._count, self.opened.cores, self.opened.instant
        )

    @property
    def name(self) -> str:
        """Name of the model for compatible endpoints."""
        return self.settings.name

    def _count(self, batch: Batch) -> None:
        self.metrics.scored(batch)
        self.metrics.waiting.set(self.batcher.waiting)
        if self.opened.vectors is not None:
            self.metrics.looked_up(self.opened.vectors.found, self.opened.vectors.missed)

    async def close(self) -> None:
        """Accept no more requests, and finish the waiting ones."""
        await self.batcher.close()
        await self.encoding.close()

    async def scorable(
        self, requests: Sequence[RewardRequest], thoughts: Thoughts | None = None
    ) -> list[Scorable]:
        """Leave out the thoughts of responses, unless the request or the server keeps them."""
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
        session: Session | None = None,
    ) -> FloatArray:
        """Rewards in logits, shape (B, N, S); B is the number of repeats if requested, else 1.

        Raises:
            Refused: If there are too many responses, one is too long, the queue is full, or the
                client has disconnected.
        """
        await self._admit(requests, len(steers))
        repeated = repeated and self.opened.repeats.show_spread
        wanted = _wanted(requests, tuple(steers), repeated, session)
        return (await self._while_connected(request, [wanted]))[0]

    async def strengths(
        self,
        requests: Sequence[RewardRequest],
        steers: Sequence[Steer | None],
        session: Session | None = None,
    ) -> FloatArray | None:
        """How strongly each response is steered, in [0, 1], shape (N, S); None: fully, everywhere.

        The responses were scored before, so that their texts are remembered.
        """
        if "fading" not in self.opened.card:
            return None
        wanted = _wanted(requests, tuple(steers), False, session)
        return await self.aside(
            len(requests) > _AT_ONCE, lambda: self.opened.scorer.strengths(wanted)
        )

    async def rewards_each(
        self,
        request: Request,
        requests: Sequence[RewardRequest],
        steers: Sequence[tuple[Steer | None, ...]],
    ) -> FloatArray:
        """Rewards of each response under its own S steers in logits, shape (N, S).

        Raises:
            Refused: As for `rewards`.
        """
        await self._admit(requests, len(steers[0]))
        rows_by_steers: dict[tuple[Steer | None, ...], list[int]] = {}
        for row, own in enumerate(steers):
            rows_by_steers.setdefault(own, []).append(row)
        wanted = [
            ScoreRequest(tuple(requests[row] for row in rows), own)
            for own, rows in rows_by_steers.items()
        ]
        reward_N_S = np.empty((len(requests), len(steers[0])))
        for rows, reward_B_n_S in zip(
            rows_by_steers.values(), await self._while_connected(request, wanted), strict=True
        ):
            reward_N_S[rows] = reward_B_n_S[0]
        return reward_N_S

    async def _admit(self, requests: Sequence[RewardRequest], communities: int) -> None:
        """Limit the size of a request and of its answer.

        Raises:
            Refused: If one of them is too large.
        """
        most = self.settings.most_rewards
        if len(requests) * communities > most:
            what = (
                f"{len(requests)} responses for {communities} communities are "
                f"{len(requests) * communities} rewards"
            )
            raise Refused(
                413, what, f"ask for at most {most} at a time; serve --most-rewards sets how many"
            )
        await self.check_sizes(requests)

    async def check_sizes(self, requests: Sequence[RewardRequest]) -> None:
        """Limit the number and the length of texts; log them if the settings ask for it.

        Raises:
            Refused: If they are too many, or one is too long.
        """
        most = self.settings.most_items
        if len(requests) > most:
            raise Refused(
                413, f"{len(requests)} responses in one request", f"send at most {most} at a time"
            )
        await self.aside(len(requests) > _AT_ONCE, self._check_lengths, requests)

    async def encoded(self, request: Request, texts: Sequence[str]) -> FloatArray:
        """Vectors of texts by the encoder of the model, shape (N, D).

        Raises:
            Refused: As for `rewards`.
        """
        work = self._encode(texts)
        return await while_connected(request, work, self.settings.seconds, "not encoded")

    async def _encode(self, texts: Sequence[str]) -> FloatArray:
        encoder = self.opened.vectors
        assert encoder is not None, "the caller has checked it"

        def parts() -> Iterator[FloatArray]:
            for start in range(0, len(texts), _ENCODED_AT_A_TIME):
                yield encoder.encode(texts[start : start + _ENCODED_AT_A_TIME])

        return np.concatenate([part async for part in self.encoding.pieces(parts, len(texts))])

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
        """For each request, warnings about unread text: another language, or too long a text."""
        characters = sum(len(one.response) + len(prompt_text(one.prompt)) for one in requests)
        return await self.aside(
            len(requests) > _AT_ONCE or characters > _SOON_READ, _unread, requests, self.opened
        )

    async def _while_connected(
        self, request: Request, wanted: Sequence[ScoreRequest]
    ) -> list[FloatArray]:
        """The rewards; a client that disconnects or waits too long cancels the request."""
        work = self.batcher.score(wanted)
        return await while_connected(request, work, self.settings.seconds, "not scored")


def _wanted(
    requests: Sequence[RewardRequest],
    steers: tuple[Steer | None, ...],
    repeated: bool,
    session: Session | None,
) -> ScoreRequest:
    if session is None:
        return ScoreRequest(tuple(requests), steers, repeated)
    return ScoreRequest(tuple(requests), steers, repeated, session.added, session.fading)


def _unread(requests: Sequence[RewardRequest], opened: Opened) -> list[tuple[str, ...]]:
    parts_N = [{"response": one.response, "prompt": prompt_text(one.prompt)} for one in requests]
    texts = list(dict.fromkeys(text for parts in parts_N for text in parts.values()))
    cut = {} if opened.vectors is None else dict(zip(texts, opened.vectors.cut(texts), strict=True))
    unread: list[tuple[str, ...]] = []
    for parts in parts_N:
        warnings = [_CUT.format(what) for what, text in parts.items() if cut.get(text)]
        unread.append((*_foreign(parts["response"], opened.languages), *warnings))
    return unread


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
    """Number of torch threads in each of several processes, so that they share the cores."""
    torch = sys.modules.get("torch")
    if torch is None:
        return 1
    share: int = max(1, torch.get_num_threads() // processes)
    torch.set_num_threads(share)
    return share


def _on_gpu() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_available())
