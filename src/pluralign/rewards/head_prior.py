"""A community before its first choice is known: a normal distribution of heads.

The head of a community is ``m + u``, ``u ~ N(0, S)``: m is one head for all, and S the covariance
of communities, low rank plus a ridge: ``S = (I + B B') / ridge``. Given choices, the most probable
head is

    m + argmin over u of   sum over choices of  weight * loss(x . (m + u))  +  u' S^-1 u / 2

which is m without choices, and the more the community's own the more choices there are.

How far communities differ is not known well: S is multiplied by one of several scales, each with
its share. The choices of a community change the shares: a scale counts the more, the better it
predicts each choice from the others. The head is then the mean of the heads under the scales, and
what is likely of a margin is a mixture of normal distributions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, softmax

from pluralign.core import FloatArray, IntArray
from pluralign.metrics import mixture_interval
from pluralign.rewards.features import DenseFeatures
from pluralign.rewards.reported_choices import LossKind, fit_reports, report_slopes
from pluralign.rewards.threads import one_blas_thread
from pluralign.rewards.trunk import EncodedPairs

_MOST_STEMS = 200
"""Choices by which scales are compared; more would take longer and decide nothing."""
_LEAST_SHARE = 1e-3
"""Scales with a smaller share are left out."""


@dataclass(frozen=True, slots=True)
class HeadsGiven:
    """The heads that choices lead to, one for each scale that is likely.

    Attributes:
        head_S_D: The most probable head under each of S scales, shape (S, D).
        share_S: Probability of each scale, sum 1, shape (S,).
        scale_S: The scales, shape (S,).
    """

    head_S_D: FloatArray
    share_S: FloatArray
    scale_S: FloatArray

    @property
    def head_D(self) -> FloatArray:
        """Their mean, shape (D,)."""
        mean_D: FloatArray = self.share_S @ self.head_S_D
        return mean_D


@dataclass(frozen=True, slots=True)
class HeadPrior:
    """A distribution of the heads of communities: normal, of one or several scales.

    Attributes:
        mean_D: The head for all communities, shape (D,).
        low_D_r: The learned part B of the covariance ``S = (I + B B') / ridge``, shape (D, r).
        ridge: Pull towards the head for all in directions that B does not have, > 0, in pairs.
        communities: Number of communities that it was learned from.
        people: Number of people whose choices it was learned from; None where not known.
        pairs: Number of their pairs.
        scales: The factors of the covariance that are possible, each > 0.
        shares: Probability of each scale before a choice is known, sum 1.

    Raises:
        ValueError: If the shapes do not fit together, or the ridge or a scale is not positive.
    """

    mean_D: FloatArray
    low_D_r: FloatArray
    ridge: float
    communities: int = 0
    people: int | None = None
    pairs: int = 0
    scales: tuple[float, ...] = (1.0,)
    shares: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if self.low_D_r.ndim != 2 or self.low_D_r.shape[:1] != self.mean_D.shape:
            raise ValueError(
                f"a head of shape {self.mean_D.shape} and directions of {self.low_D_r.shape}"
            )
        if not (self.ridge > 0 and np.isfinite(self.ridge)):
            raise ValueError(f"a ridge of {self.ridge}")
        if len(self.scales) != len(self.shares) or not min(self.scales, default=0) > 0:
            raise ValueError(f"scales {self.scales} with the shares {self.shares}")

    def __repr__(self) -> str:
        return (
            f"HeadPrior({len(self.mean_D):,} features, rank {self.low_D_r.shape[1]}, "
            f"ridge {self.ridge:g}; from {self.communities} communities)"
        )

    def covariance(self) -> FloatArray:
        """The covariance S of communities, of scale 1, shape (D, D)."""
        dense_D_D: FloatArray = np.eye(len(self.mean_D)) + self.low_D_r @ self.low_D_r.T
        return dense_D_D / self.ridge

    def head(self, choices: EncodedPairs, loss: LossKind = "forward") -> FloatArray:
        """The head of a community given its choices, shape (D,).

        Args:
            choices: Its choices, any number of them, none included.
            loss: The loss of choices that were reported by randomised response.
        """
        return self.given(choices, loss).head_D

    def given(self, choices: EncodedPairs, loss: LossKind = "forward") -> HeadsGiven:
        """The most probable head under each scale, and how probable the scale is."""
        share_S, scale_S = self.shares_given(choices, loss), np.array(self.scales)
        likely_S = share_S >= _LEAST_SHARE
        share_S, scale_S = share_S[likely_S] / share_S[likely_S].sum(), scale_S[likely_S]
        head_S_D = self.path(choices, (self.ridge / scale_S).tolist(), loss)
        return HeadsGiven(head_S_D, share_S, scale_S)

    def shares_given(self, choices: EncodedPairs, loss: LossKind = "forward") -> FloatArray:
        """Probability of each scale given choices, shape (S,)."""
        share_S = np.array(self.shares)
        if len(share_S) > 1 and len(choices):
            share_S = softmax(np.log(share_S) + self.scores(choices, loss))
        return share_S

    def scores(self, choices: EncodedPairs, loss: LossKind = "forward") -> FloatArray:
        """How well each scale predicts each choice from the others, shape (S,).

        Of a stem with several choices one is taken, because these depend on each other. A choice is
        taken out of the normal distribution of its margin, without another fit (the cavity of
        Vehtari et al. 2016).

        Returns:
            Log probabilities, in nats, summed over at most 200 choices.
        """
        few = choices.take(_of_different_stems(choices))
        weight_N, flip_N = _weights(few), _flips(few)
        head_S_D = self.path(few, [self.ridge / scale for scale in self.scales], loss)
        found = []
        for scale, head_D in zip(self.scales, head_S_D, strict=True):
            margin_N = few.margins(head_D)
            variance_N = self.errors(few, head_D, scale) ** 2
            known_N = variance_N * _information(few, margin_N)
            without_N = variance_N / np.maximum(1 - known_N, 1e-9)
            pull_N = -weight_N * report_slopes(margin_N, flip_N, "forward")
            # The mean of a sigmoid over a normal distribution (MacKay 1992).
            sure_N = expit((margin_N - without_N * pull_N) / np.sqrt(1 + np.pi / 8 * without_N))
            found.append(weight_N @ np.log(flip_N + (1 - 2 * flip_N) * sure_N))
        return np.array(found)

    def interval(self, choices: EncodedPairs, given: HeadsGiven) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends of the 95 % intervals of the margins of choices, shape (N,) each.

        Args:
            choices: The choices.
            given: The heads that they lead to.
        """
        errors = [
            self.errors(choices, head_D, scale)
            for scale, head_D in zip(given.scale_S, given.head_S_D, strict=True)
        ]
        margin_S_N = choices.margins(given.head_S_D.T).T
        return mixture_interval(given.share_S, margin_S_N, np.stack(errors))

    def path(
        self, choices: EncodedPairs, ridges: Sequence[float], loss: LossKind = "forward"
    ) -> FloatArray:
        """The most probable head under several ridges in place of its own, shape (K, D)."""
        if not len(choices):
            return np.tile(self.mean_D, (len(ridges), 1))
        weight_N, flip_N = _weights(choices), _flips(choices)
        rank = self.low_D_r.shape[1]
        if not rank:
            return fit_reports(choices.features, ridges, self.mean_D, weight_N, flip_N, loss)
        # m is a prior of the second part.
        widened = DenseFeatures(self._widened(choices))
        start_E = np.concatenate([np.zeros(rank), self.mean_D])
        found_K_E = fit_reports(widened, ridges, start_E, weight_N, flip_N, loss)
        head_K_D: FloatArray = found_K_E[:, :rank] @ self.low_D_r.T + found_K_E[:, rank:]
        return head_K_D

    def errors(self, choices: EncodedPairs, head_D: FloatArray, scale: float = 1.0) -> FloatArray:
        """Standard errors of the margins of choices once they are known, in logits, shape (N,).

        The distribution of heads given the choices is taken for a normal one around the most
        probable head (Laplace), and choices for independent ones.

        Args:
            choices: The choices.
            head_D: The most probable head given them, shape (D,).
            scale: The factor of the covariance of communities, > 0.
        """
        if not len(choices):
            return np.zeros(0)
        root_N = np.sqrt(_information(choices, choices.margins(head_D)))
        with one_blas_thread():
            # In these coordinates the prior is round, with a variance of 1.
            round_N_E = self._widened(choices) * np.sqrt(scale / self.ridge)
            few = len(round_N_E) < round_N_E.shape[1]
            variances = _variances_of_few if few else _variances
            variance_N = variances(round_N_E, root_N)
        errors_N: FloatArray = np.sqrt(np.maximum(variance_N, 0))
        return errors_N

    def _widened(self, choices: EncodedPairs) -> FloatArray:
        """Features ``[x B, x]``, whose products are those of the covariance, shape (N, r + D).

        With ``u = B a + v``, the prior of (a, v) is round: one ridge for both.
        """
        difference_N_D = choices.features.dense().astype(np.float64)
        with one_blas_thread():
            return np.hstack([difference_N_D @ self.low_D_r, difference_N_D])


def _variances(round_N_E: FloatArray, root_N: FloatArray) -> FloatArray:
    """Variances of margins under a round prior, given the choices, shape (N,).

    Args:
        round_N_E: Features of the choices, in which the prior's variance is 1.
        root_N: Square root of the information of each choice.
    """
    known_N_E = root_N[:, None] * round_N_E
    system_E_E = np.eye(round_N_E.shape[1]) + known_N_E.T @ known_N_E
    solved_E_N = cho_solve(cho_factor(system_E_E, overwrite_a=True), round_N_E.T)
    variance_N: FloatArray = np.einsum("ne,en->n", round_N_E, solved_E_N)
    return variance_N


def _variances_of_few(round_N_E: FloatArray, root_N: FloatArray) -> FloatArray:
    """The same by a system of N equations, where there are fewer choices than features."""
    prior_N_N = round_N_E @ round_N_E.T
    known_N_N = root_N[:, None] * prior_N_N
    system_N_N = np.eye(len(root_N)) + known_N_N * root_N
    learned_N_N = cho_solve(cho_factor(system_N_N, overwrite_a=True), known_N_N)
    variance_N: FloatArray = np.diag(prior_N_N) - np.sum(known_N_N * learned_N_N, axis=0)
    return variance_N


def _information(choices: EncodedPairs, margin_N: FloatArray) -> FloatArray:
    """Information of each choice, or of its report, about its margin, shape (N,)."""
    weight_N, flip_N = _weights(choices), _flips(choices)
    sure_N = expit(margin_N)
    report_N = flip_N + (1 - 2 * flip_N) * sure_N
    slope_N = (1 - 2 * flip_N) * sure_N * (1 - sure_N)
    information_N: FloatArray = weight_N * slope_N**2 / np.maximum(report_N * (1 - report_N), 1e-12)
    return information_N


def _weights(choices: EncodedPairs) -> FloatArray:
    return np.array([pair.weight for pair in choices.pairs], dtype=np.float64)


def _flips(choices: EncodedPairs) -> FloatArray:
    return np.array([pair.flip for pair in choices.pairs], dtype=np.float64)


def _of_different_stems(choices: EncodedPairs) -> IntArray:
    """Positions of the first choice of each stem, at most 200 of them, evenly spread."""
    _, first = np.unique([pair.stem for pair in choices.pairs], return_index=True)
    first = np.sort(first)
    spread = np.linspace(0, len(first) - 1, min(len(first), _MOST_STEMS)).round().astype(np.intp)
    positions: IntArray = first[spread]
    return positions
