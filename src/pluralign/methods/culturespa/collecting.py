"""Collect questions on which naming a culture changes the model's answer, as training rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pluralign.core import Ask, Conversation, Estimate, InvalidInput, NotEnoughData, Tally, rng_for


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """The model's answers to one question, without a culture and with one.

    Attributes:
        question: Id of the question.
        community: Id of the community named.
        unaware: Index of the option answered as nobody in particular; None where unreadable.
        aware: Index of the option answered in the community's name; None where unreadable.
    """

    question: str
    community: str
    unaware: int | None
    aware: int | None

    @property
    def shifted(self) -> bool:
        """Whether both are readable and differ."""
        return self.unaware is not None and self.aware is not None and self.unaware != self.aware


def pair_answers(
    unaware: Mapping[str, int | None], aware: Mapping[tuple[str, str], int | None], tally: Tally
) -> list[AnswerPair]:
    """Join answers by the question's id; never by their place.

    Args:
        unaware: Question -> option, None where unreadable.
        aware: (Question, community) -> option.
        tally: Where answers without a partner are counted.

    Returns:
        A pair for each aware answer with an unaware one, in the order of ``aware``.

    >>> pairs = pair_answers({"g1": 0}, {("g1", "MEX"): 2, ("g2", "MEX"): 1}, Tally())
    >>> [(p.question, p.shifted) for p in pairs]
    [('g1', True)]
    """
    pairs = []
    for (question, community), option in aware.items():
        tally.read += 1
        if question not in unaware:
            tally.drop("no culture-unaware answer to the question")
            continue
        pairs.append(AnswerPair(question, community, unaware[question], option))
    return pairs


def collect_shifted(pairs: Iterable[AnswerPair], tally: Tally) -> list[AnswerPair]:
    """Keep the pairs whose two answers are readable and differ (CultureSPA); count the others.

    >>> answers = {"g1": (0, 2), "g2": (1, 1), "g3": (None, 1)}
    >>> pairs = [AnswerPair(question, "MEX", *both) for question, both in answers.items()]
    >>> tally = Tally()
    >>> [p.question for p in collect_shifted(pairs, tally)], dict(tally.dropped)
    (['g1'], {'same answer with and without the culture': 1, 'unaware answer cannot be read': 1})
    """
    kept = []
    for pair in pairs:
        if pair.unaware is None:
            tally.drop("unaware answer cannot be read")
        elif pair.aware is None:
            tally.drop("aware answer cannot be read")
        elif not pair.shifted:
            tally.drop("same answer with and without the culture")
        else:
            kept.append(pair)
    tally.kept += len(kept)
    return kept


def shift_rates(pairs: Sequence[AnswerPair]) -> dict[str, Estimate]:
    """Community -> share of readable pairs whose answer shifts, with Wilson's 95 % interval.

    Raises:
        NotEnoughData: If no pair is readable.
    """
    from scipy.stats import binomtest

    shifted: Counter[str] = Counter()
    readable: Counter[str] = Counter()
    for pair in pairs:
        if pair.unaware is not None and pair.aware is not None:
            readable[pair.community] += 1
            shifted[pair.community] += pair.shifted
    if not readable:
        raise NotEnoughData(
            "no question has two readable answers",
            hint="look at the answers in answer/recorded.jsonl of the run",
        )
    rates = {}
    for community, n in readable.items():
        # Wilson's interval has a width even where no answer shifts, or every one.
        low, high = binomtest(shifted[community], n).proportion_ci(method="wilson")
        rates[community] = Estimate(shifted[community] / n, float(low), float(high), n)
    return rates


def take_fraction(pairs: Sequence[AnswerPair], fraction: float, seed: int) -> list[AnswerPair]:
    """A part of each community's pairs, drawn by the seed; a larger part contains a smaller one.

    Raises:
        InvalidInput: If ``fraction`` is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise InvalidInput(f"a fraction of {fraction}", hint="use a number in (0, 1]")
    own: dict[str, list[AnswerPair]] = defaultdict(list)
    for pair in pairs:
        own[pair.community].append(pair)
    taken: set[AnswerPair] = set()
    for community, mine in own.items():
        order = rng_for(seed, "fraction", community).permutation(len(mine))
        taken |= {mine[i] for i in order[: max(1, round(fraction * len(mine)))]}
    return [pair for pair in pairs if pair in taken]


@dataclass(frozen=True, slots=True)
class TuningRow:
    """One thing to learn: an answer in a community's name.

    Attributes:
        conversation: The culture-aware words.
        answer: The model's own answer: the label of its option.
        community: Id of the community that was named.
        question: Id of the question.
    """

    conversation: Conversation
    answer: str
    community: str
    question: str


def tuning_rows(shifted: Sequence[AnswerPair], asks: Iterable[Ask]) -> list[TuningRow]:
    """The culture-aware asks with the model's own answers, in the order of ``shifted``.

    Raises:
        InvalidInput: If a pair has no ask.
    """
    by_key = {
        (ask.question.id, ask.community): ask for ask in asks if ask.draw == 0 and not ask.variant
    }
    rows = []
    for pair in shifted:
        ask = by_key.get((pair.question, pair.community))
        if ask is None or pair.aware is None:
            raise InvalidInput(f"question {pair.question} was not put for {pair.community}")
        label = ask.labels[ask.order.index(pair.aware)]
        rows.append(TuningRow(ask.conversation, label, pair.community, pair.question))
    return rows
