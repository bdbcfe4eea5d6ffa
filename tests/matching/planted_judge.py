"""A judge that knows what some words mean, and errs as often as it is told to."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pluralign.core import Conversation, Reply, Sampling

MEANINGS = {"mandarina": "naranja", "cítrico": "naranja", "musa": "plátano", "perro": ""}


@dataclass
class PlantedJudge:
    """Knows what some words mean, and errs on every ``errs_each``-th answer it is asked about.

    After ``stops_after`` replies it is stopped, as by Ctrl-C.
    """

    meanings: Mapping[str, str] = field(default_factory=lambda: MEANINGS)
    errs_each: int = 0
    stops_after: int | None = None
    asked: list[str] = field(default_factory=list)
    name: str = "planted"
    fingerprint: str = "planted"

    def complete(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        heard: Callable[[int, Reply], None] | None = None,
    ) -> list[Reply]:
        replies = []
        for k, turns in enumerate(conversations):
            if len(self.asked) == self.stops_after:
                raise KeyboardInterrupt
            replies.append(self.reply(turns[-1].content))
            if heard is not None:
                heard(k, replies[-1])
        return replies

    def reply(self, prompt: str) -> Reply:
        """The reply to the words of `judge_conversation`."""
        text = re.search(r"^The answer: (.*)$", prompt, re.M)
        assert text is not None
        self.asked.append(text[1])
        lines = re.findall(r"^(\d+)\. (.*)$", prompt, re.M)
        numbers = {variant: n for n, line in lines for variant in line.split(" / ")}
        number = numbers.get(self.meanings.get(text[1], ""), "0")
        if self.errs_each and len(self.asked) % self.errs_each == 0:
            number = "1" if number == "0" else "0"
        return Reply(number)
