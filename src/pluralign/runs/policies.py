"""Finished runs of language models that follow a reward model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pluralign.core import DamagedFile, count_of, with_interval
from pluralign.runs.finished import read_object
from pluralign.runs.folder import read_rows
from pluralign.runs.measured import MeasuredRun
from pluralign.runs.policy_plots import PolicyPlots
from pluralign.runs.policy_rows import (
    BEST_OF_N,
    GAINS,
    JOINT,
    JUDGED_GAIN,
    PROXY_GAIN,
    START,
    PolicyRow,
    community_file,
    judge_of,
    matrix_of,
    policy_file,
)
from pluralign.runs.run_display import Glance

PASS_FILE = "pass.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """An answer with its rewards.

    Attributes:
        method: ``start`` for the start model's answers, else the method of the policy.
        steer: Community that the policy follows, or ``joint``; None for the start model.
        prompt: Id of the prompt.
        number: Number of the answer to its prompt, from 0.
        text: The answer.
        reward: Community -> reward in logits; None for an answer without words.
        judged: The same by the judge; empty where there is none.
    """

    method: str
    steer: str | None
    prompt: str
    number: int
    text: str
    reward: Mapping[str, float | None]
    judged: Mapping[str, float | None]


@dataclass(frozen=True, repr=False)
class AlignRun(MeasuredRun):
    """A finished run of ``pluralign align``; attributes as of `pluralign.runs.FinishedRun`."""

    tables: ClassVar[Mapping[str, type[Any]]] = {"results": PolicyRow, "answers": PolicyAnswer}

    @cached_property
    def results(self) -> tuple[PolicyRow, ...]:
        """``results.jsonl``: every number about every policy.

        Raises:
            DamagedFile: If the file is missing or damaged.
        """
        return self._measured(PolicyRow)

    @cached_property
    def answers(self) -> tuple[PolicyAnswer, ...]:
        """The start model's answers to all prompts, then each policy's to the test prompts.

        Raises:
            DamagedFile: If a file is missing or damaged.
        """
        found = list(self._start_answers())
        for method, steer in self.adapters:
            found += self._answers_of(method, steer)
        return tuple(found)

    @property
    def communities(self) -> list[str]:
        """Ids of the communities that are followed."""
        return list(self.record["communities"])

    @property
    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """Name of a stage -> its summary."""
        found: Mapping[str, Mapping[str, Any]] = self.record["stages"]
        return found

    @property
    def has_judge(self) -> bool:
        """Whether another reward model measured the gains."""
        return any(row.metric == JUDGED_GAIN for row in self.results)

    @property
    def policies(self) -> list[tuple[str, str | None]]:
        """Method and steer of each tuned policy that was measured."""
        own = [r.policy for r in self.results if r.candidates is None and r.metric in GAINS]
        return list(dict.fromkeys(own))

    @cached_property
    def adapters(self) -> Mapping[tuple[str, str], Path]:
        """(Method, community or ``joint``) -> folder of the PEFT adapter, as `peft` loads it."""
        trained = self.stages.get("tune", {}).get("trained", {})
        steers = {community_file(c): c for c in self.communities} | {JOINT: JOINT}
        found = {}
        for label in trained:
            method, _, own = str(label).partition("/")
            folder = self.folder / "tune" / method / own
            if own in steers and folder.is_dir():
                found[method, steers[own]] = folder
        return found

    @property
    def curves(self) -> tuple[PolicyRow, ...]:
        """Gains of a choice among n answers: by a reward, the longest, the shortest."""
        return tuple(r for r in self.results if r.candidates is not None and r.metric in GAINS)

    @property
    def plot(self) -> PolicyPlots:
        """The charts of the report."""
        return PolicyPlots(self)

    @property
    def pass_file(self) -> Mapping[str, Any] | None:
        """``pass.json``: which of the conditions that were set before are met; None without one.

        Raises:
            DamagedFile: If the file is damaged.
        """
        if not (self.folder / PASS_FILE).is_file():
            return None
        return read_object(self.file(PASS_FILE))

    def matrix(self, method: str = BEST_OF_N, metric: str | None = None) -> tuple[PolicyRow, ...]:
        """The gain of each policy of a method for each community.

        Args:
            method: The method; of best of n, the choice among the most answers.
            metric: A gain. Default: by the judge where there is one, else by the reward model.
        """
        return matrix_of(self.results, method, metric or judge_of(self.results))

    def value(
        self,
        metric: str,
        method: str,
        steer: str | None = None,
        community: str | None = None,
        candidates: int | None = None,
    ) -> PolicyRow | None:
        """A row of the results; None where it was not measured.

        Args:
            metric: Name of the number.
            method: The method.
            steer: Community that is followed, ``joint``, or None.
            community: Community whose reward measures; None where none does.
            candidates: Answers among which one is chosen; None for tuned policies.
        """
        wanted = (metric, method, steer, community, candidates)
        for r in self.results:
            if (r.metric, r.method, r.steer, r.community, r.candidates) == wanted:
                return r
        return None

    def _start_answers(self) -> Iterator[PolicyAnswer]:
        scored = {
            (row["prompt"], row["number"]): row
            for row in self._objects("score/rewards.jsonl", "prompt", "number", "reward")
        }
        for row in self._objects("sample/candidates.jsonl", "prompt", "number", "text"):
            found = scored.get((row["prompt"], row["number"]))
            if found is not None:
                yield PolicyAnswer(
                    method=START,
                    steer=None,
                    prompt=row["prompt"],
                    number=row["number"],
                    text=row["text"],
                    reward=found["reward"],
                    judged=found.get("judged", {}),
                )

    def _answers_of(self, method: str, steer: str) -> Iterator[PolicyAnswer]:
        label = policy_file(method, steer)
        path = f"evaluate/{label}.rewards.jsonl"
        if not (self.folder / path).is_file():
            return
        texts = {
            row["prompt"]: row["texts"]
            for row in self._objects(f"evaluate/{label}.jsonl", "prompt", "texts")
        }
        for row in self._objects(path, "prompt", "number", "reward"):
            yield PolicyAnswer(
                method=method,
                steer=steer,
                prompt=row["prompt"],
                number=row["number"],
                text=texts[row["prompt"]][row["number"]],
                reward=row["reward"],
                judged=row.get("judged", {}),
            )

    def _objects(self, name: str, *keys: str) -> Sequence[dict[str, Any]]:
        """The rows of a file of a stage, each with these keys.

        Raises:
            DamagedFile: If the file is missing or damaged, or a row has not these keys.
        """
        path = self.file(name)
        rows = read_rows(path)
        for line, row in enumerate(rows, start=1):
            missing = [key for key in keys if key not in row]
            if missing:
                raise DamagedFile(
                    f"{', '.join(missing)} missing",
                    where=f"{path}:{line}",
                    hint="give the run's command again",
                )
        return rows

    def _glance(self) -> Glance:
        model = self.stages.get("sample", {}).get("model", "")
        communities = count_of(len(self.communities), "community", "communities")
        judge = "with a judge" if self.has_judge else "WITHOUT A JUDGE: gains are too large"
        rows = []
        for r in self._shown_gains():
            name = r.method if r.candidates is None else f"best of {r.candidates}"
            judged = self.value(JUDGED_GAIN, r.policy[0], r.steer, r.community, r.candidates)
            steer = f"{r.steer} for {r.community}" if r.steer == JOINT else str(r.steer)
            rows.append([str(name), steer, _shown(r), _shown(judged), f"{r.n:,}"])
        heads = ("policy", "follows", "gain by the reward [95 %]", "by the judge", "prompts")
        return Glance([f"{model}, {communities}, {judge}"], heads, rows)

    def _shown_gains(self) -> Iterator[PolicyRow]:
        """Own gains by the reward model: of best of the most answers, and of tuned policies."""
        yield from (r for r in self.matrix(BEST_OF_N, PROXY_GAIN) if r.is_own)
        for method in dict.fromkeys(method for method, _ in self.policies):
            yield from (r for r in self.matrix(method, PROXY_GAIN) if r.is_own)


def _shown(row: PolicyRow | None) -> str:
    return "" if row is None else with_interval(row.value, row.low, row.high, digits=2)
