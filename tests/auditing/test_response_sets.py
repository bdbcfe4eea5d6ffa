"""Sets of responses: read, perturbed by word rules, written by a model, and scored."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.auditing import Given, as_set_row, gather, read_sets, run_audit, write_versions
from pluralign.auditing.response_sets import (
    ResponseSet,
    Version,
    as_row,
    read_concepts,
    scored_sets,
    with_word_rules,
)
from pluralign.core import (
    Conversation,
    FloatArray,
    InvalidInput,
    InvalidSettings,
    Reply,
    RewardRequest,
    Sampling,
    Tally,
)

Row = Mapping[str, Any]
Write = Callable[..., Path]
TEA: Row = {
    "id": "tea",
    "community": "Mexico",
    "prompt": "What do Mexicans drink at breakfast?",
    "chosen": "In Mexico, often coffee.",
    "rejected": ["Tea."],
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def lines(*rows: Row) -> Path:
        path = tmp_path / "sets.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return lines


class LabelReward:
    """A reward model that likes the first response only where the prompt names Mexicans."""

    communities = ("MEX",)

    def score_all(self, requests: Sequence[RewardRequest]) -> FloatArray:
        likes = [float("Mexican" in str(r.prompt) and "coffee" in r.response) for r in requests]
        return np.array(likes)[:, None]


class Echo:
    """A chat model that answers with the text in capitals; it fails on texts with tea."""

    name = fingerprint = "echo"

    def complete(
        self, conversations: Sequence[Conversation], sampling: Sampling, heard: Any = None
    ) -> list[Reply]:
        texts = [talk[-1].content.rpartition("\n\n")[2] for talk in conversations]
        return [
            Reply("", failure="no answer") if text == "Tea." else Reply(text.upper())
            for text in texts
        ]


def one(row: Row, write: Write) -> ResponseSet:
    ((found,), _) = read_sets(write(row), Tally())
    return found


def test_a_version_has_the_parts_that_it_does_not_change(write: Write) -> None:
    versions = [{"kind": "paraphrase", "prompt": "What is drunk?"}]

    found = one({**TEA, "versions": versions}, write)

    texts = ("In Mexico, often coffee.", "Tea.")
    assert found.original == Version(TEA["prompt"], texts, "MEX")
    assert found.versions == (Version("What is drunk?", texts, "MEX", "paraphrase"),)


def test_the_label_is_removed_by_a_rule_where_it_is_named(write: Write) -> None:
    (version,) = with_word_rules(one(TEA, write), {}).versions

    assert version.kind == "label"
    assert version.prompt == "What do drink at breakfast?"
    assert version.responses == (", often coffee.", "Tea.")


def test_a_given_version_comes_before_a_rule_and_nothing_is_made_where_nothing_changes(
    write: Write,
) -> None:
    given = one({**TEA, "versions": [{"kind": "label", "prompt": "What is drunk?"}]}, write)
    silent = {**TEA, "prompt": "What is drunk?", "chosen": "Coffee."}

    assert with_word_rules(given, {}) == given
    assert with_word_rules(one(silent, write), {}).versions == ()


def test_concepts_are_swapped_by_the_table(write: Write, tmp_path: Path) -> None:
    (tmp_path / "concepts.csv").write_text("community,concept,other\nMEX,breakfast,supper\n")
    concepts = read_concepts(tmp_path / "concepts.csv", Tally())

    versions = with_word_rules(one(TEA, write), concepts).versions

    assert [(v.kind, v.prompt) for v in versions][1] == (
        "concept",
        "What do Mexicans drink at supper?",
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"community": "Atlantis"}, "sets.jsonl:1: unknown community: Atlantis"),
        ({"rejected": []}, "needs prompt, chosen and rejected"),
        ({"chosen": 3}, "must be texts"),
        ({"versions": [{"kind": "colour"}]}, "kind must be one of concept, label"),
        ({"versions": [{"kind": "label"}]}, "does not differ from its set"),
        ({"versions": [{"kind": "label", "rejected": ["a", "b"]}]}, "has 3 responses, its set 2"),
    ],
)
def test_a_set_that_cannot_be_read_is_refused_with_its_line(
    write: Write, change: Row, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_sets(write({**TEA, **change}), Tally())


def test_versions_are_scored_and_what_is_not_is_counted(write: Write) -> None:
    other = {**TEA, "id": "uk", "community": "GBR"}
    empty = {**TEA, "id": "empty", "versions": [{"kind": "paraphrase", "chosen": " "}]}
    sets, _ = read_sets(write(TEA, other, empty), Tally())
    tally = Tally()

    found = scored_sets([with_word_rules(s, {}) for s in sets], LabelReward(), "m", tally)  # type: ignore[arg-type]

    assert [(s.id, s.kind, s.before, s.after) for s in found] == [
        ("tea", "label", (1.0, 0.0), (0.0, 0.0)),
        ("empty", "label", (1.0, 0.0), (0.0, 0.0)),
    ]
    assert dict(tally.left_out) == {
        "sets without a perturbed version": 1,
        "versions with a response without words": 1,
    }


def test_scored_sets_are_read_again_without_a_reward_model(write: Write, tmp_path: Path) -> None:
    rows = [
        {"id": f"s{i}", "model": "m", "community": "MEX", "kind": "label"}
        | {"before": [1.0, 0.0], "after": [0.0, float(i < 9)]}
        for i in range(10)
    ]
    settings = {"audits": ["reward-perturbations"]}

    outcome = run_audit(Given(sets=write(*rows)), settings, out=tmp_path / "audit")
    again = run_audit(
        Given(sets=tmp_path / "audit/scored_sets.jsonl"), settings, out=tmp_path / "again"
    )

    (label,) = outcome.findings
    assert (label.check, label.numbers["changed_choices"].value) == ("label", 0.9)
    assert [f.as_dict() for f in again.findings] == [f.as_dict() for f in outcome.findings]
    assert as_row(gather(Given(sets=write(*rows))).evidence.perturbed[0]) == rows[0]


def test_sets_without_rewards_need_a_reward_model(write: Write) -> None:
    with pytest.raises(InvalidSettings, match=r"1 set without rewards\n.*--reward"):
        gather(Given(sets=write(TEA)))
    with pytest.raises(InvalidSettings, match="are for sets of responses"):
        gather(Given(rewards=["models/mine"]))


def test_a_model_writes_versions_and_failures_are_counted(write: Write) -> None:
    soup = {**TEA, "id": "soup", "rejected": ["Soup."]}
    sets, _ = read_sets(write(TEA, soup), Tally())
    tally = Tally()

    failed, written = write_versions(sets, Echo(), "language", "es", tally)

    assert failed.versions == ()
    assert written.versions[0].responses == ("IN MEXICO, OFTEN COFFEE.", "SOUP.")
    assert dict(tally.left_out) == {"sets with a text that the model did not write": 1}
    ((again,), _) = read_sets(write(as_set_row(written)), Tally())
    assert again == written


def test_a_translation_needs_a_language(write: Write) -> None:
    sets, _ = read_sets(write(TEA), Tally())
    with pytest.raises(InvalidInput, match="needs a language"):
        write_versions(sets, Echo(), "language")
    with pytest.raises(InvalidInput, match="unknown language 'klingonese'"):
        write_versions(sets, Echo(), "language", "klingonese")
