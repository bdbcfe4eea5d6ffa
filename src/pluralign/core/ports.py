"""The ports: the methods of every adapter. They take a batch and return an aligned batch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from pluralign.core.arrays import FloatArray
from pluralign.core.asking import Ask, Conversation, Reply, Sampling
from pluralign.core.documents import Passage
from pluralign.core.pairs import PreferencePair, RewardRequest
from pluralign.core.steering import Steer
from pluralign.core.surveys import Survey
from pluralign.core.tallies import Tally


@runtime_checkable
class PairSource(Protocol):
    """A source of preference pairs.

    Attributes:
        name: Short name of the data set.
        license: Its licence or terms.
    """

    @property
    def name(self) -> str: ...

    @property
    def license(self) -> str: ...

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs; count the rows read, kept and dropped in ``tally``."""
        ...


@runtime_checkable
class SurveySource(Protocol):
    """A source of answer distributions."""

    @property
    def name(self) -> str: ...

    @property
    def license(self) -> str: ...

    def survey(self, tally: Tally | None = None) -> Survey:
        """Read the survey; count the rows read, kept and dropped in ``tally``."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """A model that turns texts into vectors."""

    @property
    def fingerprint(self) -> str:
        """A text that changes whenever the vectors of any text would change."""
        ...

    @property
    def dimensions(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode a batch: shape (N, D), float32, row i for ``texts[i]``."""
        ...


@runtime_checkable
class RewardModel(Protocol):
    """A model that scores how good a response is."""

    def score(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Rewards in logits, shape (N,), aligned with ``requests``."""
        ...


@runtime_checkable
class SteerableRewardModel(Protocol):
    """A reward model with a part for each community."""

    @property
    def communities(self) -> tuple[str, ...]: ...

    def score(self, requests: Sequence[RewardRequest], steer: Steer | None = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); the reference where it is None."""
        ...

    def score_all(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``."""
        ...


@runtime_checkable
class ChatModel(Protocol):
    """A language model that continues conversations: on this machine, or behind a server."""

    @property
    def name(self) -> str:
        """Name of the model in results."""
        ...

    @property
    def fingerprint(self) -> str:
        """A text that changes whenever the model's words could change."""
        ...

    def complete(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        heard: Callable[[int, Reply], None] | None = None,
    ) -> list[Reply]:
        """Continue each conversation: replies aligned with ``conversations``.

        ``heard(i, reply)`` is called with each reply as soon as it arrives, in any order, so that
        no reply is lost when the caller is stopped. A failed conversation has a `Reply` with its
        ``failure``; an error that stops all of them, such as a refused key, is raised.
        """
        ...


@runtime_checkable
class Respondent(Protocol):
    """A respondent to surveys: a language model, a simulated person, recorded answers."""

    @property
    def name(self) -> str:
        """Name of the model in results."""
        ...

    @property
    def fingerprint(self) -> str:
        """A text that changes whenever the answers could change."""
        ...

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer the asks: replies aligned with ``asks``; ``heard`` as for `ChatModel.complete`."""
        ...


@runtime_checkable
class DocumentSearch(Protocol):
    """A search in documents: a folder, or a server."""

    @property
    def fingerprint(self) -> str:
        """A text that changes whenever a result could change, as far as that can be known."""
        ...

    def search(self, query: str, k: int) -> Sequence[Passage]:
        """The best passages for a query, at most ``k``, the best one first; none if none fits."""
        ...
