"""Pairs of a survey source, with every tie counted."""

import itertools
from collections.abc import Callable, Iterator

from pluralign.core import PreferencePair, Survey, Tally, pairs_from_survey


def stream_survey_pairs(
    read: Callable[[Tally], Survey], tally: Tally | None
) -> Iterator[PreferencePair]:
    """Read a survey and stream its pairs; count the rows and the pairs left out.

    Args:
        read: Reads the survey, and counts in the tally that it is given.
        tally: The tally, if the caller wants it.

    Yields:
        The pairs of `pluralign.core.pairs_from_survey`.
    """
    counts = tally if tally is not None else Tally()
    yield from counted_pairs(read(counts), counts)


def counted_pairs(survey: Survey, tally: Tally) -> Iterator[PreferencePair]:
    """Stream the pairs of a survey; count those lost to equal shares or repeated options."""
    for distribution in survey.distributions:
        options = survey.questions[distribution.question].options
        for i, j in itertools.combinations(range(len(options)), 2):
            if distribution.probs_O[i] == distribution.probs_O[j]:
                tally.leave_out("equal shares")
            elif options[i] == options[j]:
                tally.leave_out("repeated option")
    yield from pairs_from_survey(survey)
