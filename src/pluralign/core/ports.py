"""The ports: what the adapters of the outside world must offer. A batch in, an aligned batch out; synchronous."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from pluralign.core.arrays import FloatArray
from pluralign.core.asking import Ask, Conversation, Reply, Sampling
from pluralign.core.pairs import PreferencePair, RewardRequest
from pluralign.core.steering import Steer
from pluralign.core.surveys import Survey
from pluralign.core.tallies import Tally


@runtime_checkable
class PairSource(Protocol):
    """Where pairs come from.

    Attributes:
        name: Short name of the data set.
        license: Its licence or terms.
    """

    @property
    def name(self) -> str: ...

    @property
    def license(self) -> str: ...

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs; count rows read, kept and dropped in ``tally``, which add up at the end."""
        ...


@runtime_checkable
class SurveySource(Protocol):
    """Where answer distributions come from."""

    @property
    def name(self) -> str: ...

    @property
    def license(self) -> str: ...

    def survey(self, tally: Tally | None = None) -> Survey:
        """Read the survey; count what is read, kept and dropped in ``tally``."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into vectors."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors of any text would change."""
        ...

    @property
    def dimensions(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode a batch: shape (N, D), float32, row i for ``texts[i]``."""
        ...


@runtime_checkable
class RewardModel(Protocol):
    """Scores how good a response is."""

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
    """A language model that goes on with conversations: on this machine, or behind a server."""

    @property
    def name(self) -> str:
        """What results call it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever its words could change."""
        ...

    def complete(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        heard: Callable[[int, Reply], None] | None = None,
    ) -> list[Reply]:
        """Go on with each conversation: replies aligned with ``conversations``.

        ``heard(i, reply)`` is told of each as soon as it is there, in any order, so that nothing is
        lost by a stop. One that failed is a `Reply` with its ``failure``; what stops all of them,
        such as a refused key, is raised.
        """
        ...


@runtime_checkable
class Respondent(Protocol):
    """Whatever answers surveys: a language model, a simulated person, recorded words."""

    @property
    def name(self) -> str:
        """What results call it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever its answers could change."""
        ...

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer: replies aligned with ``asks``; ``heard`` as for `ChatModel.complete`."""
        ...
