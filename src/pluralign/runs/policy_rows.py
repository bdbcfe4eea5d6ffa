"""Rows of results about policies, and the choices among them that charts and reports share."""

from collections.abc import Sequence
from dataclasses import dataclass

BEST_OF_N = "best-of-n"
JOINT = "joint"
_OF_ALL = {JOINT, "by-prompt"}
"""Steers that follow every community of a run."""
START = "start"
"""The method of the start model, which follows nobody."""
PROXY_GAIN, JUDGED_GAIN, TRUE_GAIN = "reward_gain", "judged_gain", "true_gain"
GAINS = (PROXY_GAIN, JUDGED_GAIN, TRUE_GAIN)
"""Gains by the reward model that chose, by the judge, and by planted tastes; the safest last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """A number about a policy: a line of ``results.jsonl``.

    Attributes:
        metric: Name of the number.
        method: How the policy follows a reward; None where the number is about no policy.
        steer: Community whose reward is followed, ``joint``, or a router; None where none is.
        community: Community whose reward measures; None where none does.
        candidates: Answers among which one is chosen; None for tuned policies.
        kl_bound: Largest divergence of best of n from the start model, in nats.
        value: The number.
        low: Lower end of its 95 % interval: over prompts, and over people where ``half_people`` is
            known; None where there is none.
        high: Upper end.
        n: Number of prompts, or of other things that were measured.
        n_raters: Number of people of the community behind the reward model that measures; None
            where none does, or their number is not known.
        half_prompts: Half the width of the 95 % interval over prompts alone, of gains by a judge
            with refits.
        half_people: The same over the people who taught the judge.
        strategy: How survey questions were put; None for other numbers.
        task: Task of lm-eval; None for other numbers.
    """

    metric: str
    method: str | None = None
    steer: str | None = None
    community: str | None = None
    candidates: int | None = None
    kl_bound: float | None = None
    value: float
    low: float | None = None
    high: float | None = None
    n: int
    n_raters: int | None = None
    half_prompts: float | None = None
    half_people: float | None = None
    strategy: str | None = None
    task: str | None = None

    @property
    def policy(self) -> tuple[str, str | None]:
        """Method and steer."""
        return self.method or "", self.steer

    @property
    def is_own(self) -> bool:
        """Whether a policy is measured by the community that it follows, or by all as one."""
        return self.community is not None and self.steer in {self.community, JOINT}

    @property
    def is_of_others(self) -> bool:
        """Whether a policy is measured by a community that it does not follow.

        A blend follows every community that has a share of it.

        >>> row = PolicyRow(metric="reward_gain", steer="MEX=0.6,GBR=0.4", community="GBR",
        ...                 value=0.1, n=40)
        >>> row.is_of_others
        False
        """
        if self.community is None or self.steer is None or self.steer in _OF_ALL:
            return False
        return self.community not in {part.partition("=")[0] for part in self.steer.split(",")}


def policy_file(method: str, steer: str) -> str:
    """Name of a policy's folder and file, without a suffix.

    >>> policy_file("raft", "MEX/oaxaca")
    'raft/MEX_oaxaca'
    """
    return f"{method}/{community_file(steer)}"


def community_file(community: str) -> str:
    """Name of a community's file, without a suffix."""
    return community.replace("/", "_")


def judge_of(rows: Sequence[PolicyRow]) -> str:
    """The gain to believe: by the judge where there is one, else by the reward model."""
    judged = any(row.metric == JUDGED_GAIN for row in rows)
    return JUDGED_GAIN if judged else PROXY_GAIN


def matrix_of(rows: Sequence[PolicyRow], method: str, metric: str) -> tuple[PolicyRow, ...]:
    """The gain of each policy of a method for each community.

    Args:
        rows: Results of a run.
        method: The method; of best of n, the choice among the most answers.
        metric: The gain.
    """
    own = [r for r in rows if (r.method, r.metric) == (method, metric) and r.community]
    most = max((r.candidates or 0 for r in own), default=0)
    return tuple(r for r in own if (r.candidates or 0) == most)
