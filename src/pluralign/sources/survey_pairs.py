"""What the survey sources share: pairs with every tie counted."""

from collections.abc import Callable, Iterator

from pluralign.core import PreferencePair, Survey, Tally, pairs_from_survey


def stream_survey_pairs(read: Callable[[Tally], Survey], tally: Tally | None) -> Iterator[PreferencePair]:
    """Read a survey and stream its pairs, with rows read and things dropped counted.

    Args:
        read: Reads the survey, counting in the tally it is given.
        tally: Where to count; ``kept`` counts pairs.

    Yields:
        The pairs of `pluralign.core.pairs_from_survey`.
    """
    counts = tally if tally is not None else Tally()
    reading = Tally()
    survey = read(reading)
    reading.kept = 0
    counts.merge(reading)
    yield from counted_pairs(survey, counts)


def counted_pairs(survey: Survey, tally: Tally) -> Iterator[PreferencePair]:
    """Stream the pairs of a survey; count those kept, and those lost to equal shares or repeated options."""
    for distribution in survey.distributions:
        options = survey.questions[distribution.question].options
        for i in range(len(options)):
            for j in range(i):
                if distribution.probs_O[i] == distribution.probs_O[j]:
                    tally.drop("equal shares")
                elif options[i] == options[j]:
                    tally.drop("repeated option")
    for pair in pairs_from_survey(survey):
        tally.kept += 1
        yield pair
