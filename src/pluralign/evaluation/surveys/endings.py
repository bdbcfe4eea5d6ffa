"""Notes on answers that a server cut off, withheld, or drew with other settings than asked."""

from collections import Counter
from collections.abc import Iterable

from pluralign.core import RecordedAnswer, Tally

UNFINISHED = {
    "length": "answers were cut off at the token limit before they named an option: raise "
    "sampling.max_new_tokens (a reasoning model may spend it on its thoughts)",
    "content_filter": "answers were withheld by the server's content filter",
}
"""Why an answer that names no option is no refusal, by its ``finish_reason``."""


def count_endings(answers: Iterable[tuple[RecordedAnswer, bool]], tally: Tally) -> None:
    """Note answers cut off or withheld before they named an option, or drawn without a field.

    Args:
        answers: Each answer, and whether it names no option.
        tally: Where they are counted.

    >>> tally = Tally()
    >>> cut = RecordedAnswer("m", "s", None, "q", "", finish_reason="length", not_sent=("seed",))
    >>> count_endings([(cut, True)], tally)
    >>> sorted(tally.flagged.values())
    [1, 1]
    """
    without: Counter[tuple[str, ...]] = Counter()
    for answer, unread in answers:
        if unread and answer.finish_reason in UNFINISHED:
            tally.flag(UNFINISHED[answer.finish_reason])
        if answer.not_sent:
            without[answer.not_sent] += 1
    for fields, n in without.items():
        tally.flag(f"answers to requests without {', '.join(fields)}, which the server refused", n)
