"""Randomised response: which of two responses a person chose is reported, or its opposite.

The chance of the opposite is the only protection: everything that is computed from reported choices
needs no further care (post-processing). So a choice is drawn once, and the draw is kept.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from pluralign.core.arrays import FloatArray
from pluralign.core.errors import InvalidInput
from pluralign.core.pairs import PreferencePair, prompt_text

_KEY = 32


def flip_probability(epsilon: float) -> float:
    """Probability that randomised response reports the opposite: 1 / (1 + exp(epsilon)).

    Warner 1965. The report is ``epsilon``-differentially private with respect to the choice: the
    odds of either report change by at most exp(epsilon) when the choice changes.

    Args:
        epsilon: Privacy parameter, > 0; infinite for no privacy.

    Returns:
        A probability in [0, 0.5).

    Raises:
        InvalidInput: If ``epsilon`` is not > 0, or so small that reports carry nothing.

    >>> [round(flip_probability(epsilon), 6) for epsilon in (0.5, 1, 2, math.inf)]
    [0.377541, 0.268941, 0.119203, 0.0]
    """
    flip = math.exp(-epsilon) / (1 + math.exp(-epsilon)) if epsilon > 0 else 0.5
    if not flip < 0.5:
        raise InvalidInput(
            f"epsilon must be a number > 0, got {epsilon}",
            hint="1 reports the opposite of 27 in 100 choices, 4 of 2 in 100",
        )
    return flip


def corrected_credit(credit: npt.ArrayLike, flip: npt.ArrayLike) -> FloatArray:
    """Undo the flips in the mean: (credit - flip) / (1 - 2 flip).

    The mean of corrected credits is an unbiased estimate of the accuracy on the choices that people
    made. Its error is 1 / (1 - 2 flip) times as large, and it may lie outside [0, 1].

    Args:
        credit: Credits, or an accuracy, against reported choices.
        flip: Probability that a report is the opposite, in [0, 0.5); one, or one for each credit.

    Returns:
        Corrected credits, of the shape of ``credit``; the same numbers where ``flip`` is 0.

    >>> corrected_credit([1.0, 0.5, 0.0], 0.25).tolist()
    [1.5, 0.5, -0.5]
    """
    flips = np.asarray(flip, dtype=np.float64)
    corrected: FloatArray = (np.asarray(credit, dtype=np.float64) - flips) / (1 - 2 * flips)
    return corrected


def person_digest(rater: str) -> str:
    """How a ledger names a person: a digest of the id.

    A digest hides an id from a reader, not from a person who can guess it.

    >>> person_digest("r17") == person_digest("r17") != person_digest("r18")
    True
    """
    return _digest(f"pluralign person:{rater}")[:_KEY]


def both_responses(pair: PreferencePair) -> tuple[str, str]:
    """The two responses in an order that does not depend on the choice."""
    first, second = sorted((pair.chosen, pair.rejected))
    return first, second


@dataclass(slots=True)
class PairKeys:
    """Keys of pairs that do not depend on what was chosen.

    The id of a pair may name the chosen response first, so a key is made of everything else: the
    person, the community, the prompt and both responses. A pair that comes again has its number.

    >>> one = PreferencePair("a>b", "Tea?", "Yes", "No", "MEX", "r17")
    >>> other = replace(one, id="b>a", chosen="No", rejected="Yes")
    >>> PairKeys().of(one) == PairKeys().of(other)
    True
    """

    _seen: Counter[str] = field(default_factory=Counter)

    def of(self, pair: PreferencePair) -> str:
        """The key of the next pair of a source."""
        texts = (prompt_text(pair.prompt), *both_responses(pair))
        digests = "".join(map(_digest, (pair.rater or "", pair.community, *texts)))
        base = _digest(digests)[:_KEY]
        self._seen[base] += 1
        return base if self._seen[base] == 1 else f"{base}:{self._seen[base]}"


def as_reported(pair: PreferencePair, first: bool, key: str, flip: float) -> PreferencePair:
    """The pair as it is reported, without anything else that could depend on the choice.

    Id, strength, the rater's own words and further columns of the source are left out: each may
    reveal the choice. Its weight stays.

    Args:
        pair: The pair.
        first: Whether the first of `both_responses` is reported as chosen.
        key: Its key, which becomes its id.
        flip: Probability that the report is the opposite of the choice.
    """
    responses = both_responses(pair)
    chosen, rejected = responses if first else responses[::-1]
    nothing: Mapping[str, object] = {}
    return replace(
        pair,
        id=key,
        chosen=chosen,
        rejected=rejected,
        strength=None,
        context=None,
        extra=nothing,
        flip=flip,
    )


def _digest(text: str) -> str:
    """Digest of a text that may have lone surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
