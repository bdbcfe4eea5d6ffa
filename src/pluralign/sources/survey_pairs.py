"""What the survey sources share: pairs with every tie counted."""

from collections.abc import Callable, Iterator

from pluralign.core import PreferencePair, Survey, Tally, pairs_from_survey


def stream_survey_pairs(
    read: Callable[[Tally], Survey], tally: Tally | None
) -> Iterator[PreferencePair]:
    """Read a survey and stream its pairs, with rows read and things dropped counted.

    Args:
        read: Reads the survey, counting in the tally it is given.
        tally: Where to count.

    Yields:
        The pairs of `pluralign.core.pairs_from_survey`.
    """
    counts = tally if tally is not None else Tally()
    yield from counted_pairs(read(counts), counts)


def counted_pairs(survey: Survey, tally: Tally) -> Iterator[PreferencePair]:
    """Stream the pairs of a survey; count those lost to equal shares or repeated options."""
    for distribution in survey.distributions:
        options = survey.questions[distribution.question].options
        for i in range(len(options)):
            for j in range(i):
                if distribution.probs_O[i] == distribution.probs_O[j]:
                    tally.leave_out("equal shares")
                elif options[i] == options[j]:
                    tally.leave_out("repeated option")
    yield from pairs_from_survey(survey)
