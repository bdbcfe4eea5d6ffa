"""Policies without a language model, for tests of the server."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pluralign.aligning import AnswerRequest, CommunityAnswer, Mode
from pluralign.core import InvalidInput

WORDS = ("My ", "family ", "first.")


@dataclass
class Scripted:
    """Policies that write the same words, each after ``gate``, and keep the requests."""

    communities: tuple[str, ...] = ("MEX", "GBR")
    tuned: bool = True
    offered: tuple[Mode, ...] = ("start", "steerable", "auto", "overton", "distributional")
    words: tuple[str, ...] = WORDS
    abstained: str | None = None
    fails_after: int | None = None
    gate: Callable[[], None] = lambda: None
    asked: list[AnswerRequest] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    def modes(self) -> tuple[Mode, ...]:
        return self.offered

    def stream(self, request: AnswerRequest) -> Iterator[str | CommunityAnswer]:
        self.asked.append(request)
        written = 0
        try:
            for written, word in enumerate(self.words, start=1):
                if self.fails_after == written - 1:
                    raise InvalidInput("the words are gone", hint="ask for others")
                self.gate()
                yield word
            steer = {} if request.steer is None else dict(request.steer.shares)
            people = {"MEX": 210} if "MEX" in steer else {}
            text = "".join(self.words)
            yield CommunityAnswer(text, steer, people, self.abstained, "stop", 5, written)
        finally:
            self.closed.append(written)
