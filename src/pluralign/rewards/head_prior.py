"""A community before its first choice is known: a normal distribution of heads.

The head of a community is ``m + u``, ``u ~ N(0, S)``: m is one head for all, and S the covariance
of communities, low rank plus a ridge: ``S = (I + B B') / ridge``. Given choices, the most probable
head is

    m + argmin over u of   sum over choices of  weight * loss(x . (m + u))  +  u' S^-1 u / 2

which is m without choices, and the more the community's own the more choices there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from pluralign.core import FloatArray
from pluralign.rewards.features import DenseFeatures
from pluralign.rewards.reported_choices import LossKind, fit_reports
from pluralign.rewards.threads import one_blas_thread
from pluralign.rewards.trunk import EncodedPairs


@dataclass(frozen=True, slots=True)
class HeadPrior:
    """A normal distribution of the heads of communities.

    Attributes:
        mean_D: The head for all communities, shape (D,).
        low_D_r: The learned part B of the covariance ``S = (I + B B') / ridge``, shape (D, r).
        ridge: Pull towards the head for all in directions that B does not have, > 0, in pairs.
        communities: Number of communities that it was learned from.
        people: Number of people whose choices it was learned from; None where not known.
        pairs: Number of their pairs.

    Raises:
        ValueError: If the shapes do not fit together, or the ridge is not positive.
    """

    mean_D: FloatArray
    low_D_r: FloatArray
    ridge: float
    communities: int = 0
    people: int | None = None
    pairs: int = 0

    def __post_init__(self) -> None:
        if self.low_D_r.ndim != 2 or self.low_D_r.shape[:1] != self.mean_D.shape:
            raise ValueError(
                f"a head of shape {self.mean_D.shape} and directions of {self.low_D_r.shape}"
            )
        if not (self.ridge > 0 and np.isfinite(self.ridge)):
            raise ValueError(f"a ridge of {self.ridge}")

    def __repr__(self) -> str:
        return (
            f"HeadPrior({len(self.mean_D):,} features, rank {self.low_D_r.shape[1]}, "
            f"ridge {self.ridge:g}; from {self.communities} communities)"
        )

    def covariance(self) -> FloatArray:
        """The covariance S of communities, shape (D, D)."""
        dense_D_D: FloatArray = np.eye(len(self.mean_D)) + self.low_D_r @ self.low_D_r.T
        return dense_D_D / self.ridge

    def head(self, choices: EncodedPairs, loss: LossKind = "forward") -> FloatArray:
        """The most probable head of a community given its choices, shape (D,).

        Args:
            choices: Its choices, any number of them, none included.
            loss: The loss of choices that were reported by randomised response.
        """
        head_D: FloatArray = self.path(choices, [self.ridge], loss)[0]
        return head_D

    def path(
        self, choices: EncodedPairs, ridges: Sequence[float], loss: LossKind = "forward"
    ) -> FloatArray:
        """The most probable head under several ridges in place of its own, shape (K, D)."""
        if not len(choices):
            return np.tile(self.mean_D, (len(ridges), 1))
        weight_N = np.array([pair.weight for pair in choices.pairs], dtype=np.float64)
        flip_N = np.array([pair.flip for pair in choices.pairs], dtype=np.float64)
        rank = self.low_D_r.shape[1]
        if not rank:
            return fit_reports(choices.features, ridges, self.mean_D, weight_N, flip_N, loss)
        # m is a prior of the second part.
        widened = DenseFeatures(self._widened(choices))
        start_E = np.concatenate([np.zeros(rank), self.mean_D])
        found_K_E = fit_reports(widened, ridges, start_E, weight_N, flip_N, loss)
        head_K_D: FloatArray = found_K_E[:, :rank] @ self.low_D_r.T + found_K_E[:, rank:]
        return head_K_D

    def errors(self, choices: EncodedPairs, head_D: FloatArray) -> FloatArray:
        """Standard errors of the margins of choices once they are known, in logits, shape (N,).

        The distribution of heads given the choices is taken for a normal one around the most
        probable head (Laplace), and choices for independent ones.

        Args:
            choices: The choices.
            head_D: The most probable head given them, shape (D,).
        """
        if not len(choices):
            return np.zeros(0)
        root_N = np.sqrt(_information(choices, choices.margins(head_D)))
        with one_blas_thread():
            # In these coordinates the prior is round, with a variance of 1.
            round_N_E = self._widened(choices) / np.sqrt(self.ridge)
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
    weight_N = np.array([pair.weight for pair in choices.pairs])
    flip_N = np.array([pair.flip for pair in choices.pairs])
    sure_N = expit(margin_N)
    report_N = flip_N + (1 - 2 * flip_N) * sure_N
    slope_N = (1 - 2 * flip_N) * sure_N * (1 - sure_N)
    information_N: FloatArray = weight_N * slope_N**2 / np.maximum(report_N * (1 - report_N), 1e-12)
    return information_N
