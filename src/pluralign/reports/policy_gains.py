"""Gains of policies as pages compare them: by the reward model, by the judge, by planted tastes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pluralign.reports.reading import Run
from pluralign.runs import PolicyRow
from pluralign.runs.policy_rows import (
    BEST_OF_N,
    JUDGED_GAIN,
    PROXY_GAIN,
    TRUE_GAIN,
    judge_of,
    matrix_of,
)


@dataclass(frozen=True, slots=True)
class Gain:
    """The gain of a policy for a community.

    Attributes:
        proxy: By the reward model that is followed.
        judged: By the judge; None where there is none.
        true: By planted tastes; None where none were planted.
    """

    proxy: PolicyRow
    judged: PolicyRow | None
    true: PolicyRow | None

    @property
    def best(self) -> PolicyRow:
        """The number to believe: the truth, else the judge's, else the reward model's."""
        return self.true or self.judged or self.proxy


def own_gains(run: Run) -> list[Gain]:
    """Gains for the communities that are followed, best of the most answers first."""
    own = [row for row in policy_matrix(run, PROXY_GAIN) if row.is_own]
    return [_gain(run, row) for row in own]


def other_gains(run: Run) -> list[PolicyRow]:
    """Gains for communities that a policy does not follow, by the judge where there is one."""
    rows = policy_matrix(run, judge_of(run.policies))
    return [row for row in rows if row.is_of_others]


def policy_matrix(run: Run, metric: str) -> Iterator[PolicyRow]:
    """The gains of every policy for every community."""
    for method in methods_of_policies(run):
        yield from matrix_of(run.policies, method, metric)


def methods_of_policies(run: Run) -> list[str]:
    """Methods that follow a reward, best of n first."""
    gains = [row for row in run.policies if row.metric == PROXY_GAIN and row.steer is not None]
    methods = dict.fromkeys(row.method for row in gains if row.method)
    return sorted(methods, key=lambda method: method != BEST_OF_N)


def is_gain(row: PolicyRow) -> bool:
    """Whether a gain is clear of zero."""
    return row.low is not None and row.low > 0


def is_loss(row: PolicyRow) -> bool:
    """Whether a loss is clear of zero."""
    return row.high is not None and row.high < 0


def aligned(runs: Sequence[Run]) -> list[Run]:
    """The runs whose language models follow communities."""
    return [run for run in runs if run.kind == "policies"]


def _gain(run: Run, proxy: PolicyRow) -> Gain:
    def same(metric: str) -> PolicyRow | None:
        for row in run.policies:
            if row.metric == metric and _about(row) == _about(proxy):
                return row
        return None

    return Gain(proxy, same(JUDGED_GAIN), same(TRUE_GAIN))


def _about(row: PolicyRow) -> tuple[str | None, str | None, str | None, int | None]:
    return row.method, row.steer, row.community, row.candidates
