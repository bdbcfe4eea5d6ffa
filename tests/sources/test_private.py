import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from pluralign.core import (
    DamagedFile,
    InvalidInput,
    PreferencePair,
    Tally,
    both_responses,
    corrected_credit,
    flip_probability,
    person_digest,
)
from pluralign.sources import (
    JsonlPairs,
    Ledger,
    PrivatePairs,
    load_pairs,
    read_ledger,
    withdraw_choices,
    write_reports,
)


@dataclass(frozen=True)
class Choices:
    """Choices of some people between two of four responses, all of the later one or the earlier."""

    people: int = 40
    each: int = 5
    later: bool = True
    name: str = "choices"
    license: str = "CC0"

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        tally = tally if tally is not None else Tally()
        for person in range(self.people):
            for k in range(self.each):
                tally.read, tally.kept = tally.read + 1, tally.kept + 1
                chosen, rejected = ("late", "early") if self.later else ("early", "late")
                yield PreferencePair(
                    f"{k}:{chosen}>{rejected}", f"Question {k}?", chosen, rejected, "MEX",
                    rater=f"r{person}", strength=2.0, context="my words", extra={"winner": chosen},
                )  # fmt: skip


def reports(source: PrivatePairs) -> list[bool]:
    return [pair.chosen == "late" for pair in source.pairs()]


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1, 2, 4, 8])
def test_the_odds_of_a_report_change_by_the_exponential_of_epsilon(epsilon: float) -> None:
    flip = flip_probability(epsilon)
    assert math.log((1 - flip) / flip) == pytest.approx(epsilon)
    assert 1 - 2 * flip == pytest.approx(math.tanh(epsilon / 2))


@pytest.mark.parametrize("epsilon", [0, -1, math.nan, 1e-20])
def test_an_epsilon_under_which_reports_carry_nothing_is_refused(epsilon: float) -> None:
    with pytest.raises(InvalidInput, match="epsilon must be a number > 0"):
        PrivatePairs(Choices(), epsilon)


def test_the_mean_of_corrected_credits_is_the_accuracy_on_true_choices() -> None:
    right_N = np.random.default_rng(0).random(200_000) < 0.7
    flipped_N = np.random.default_rng(1).random(200_000) < 0.3
    credit_N = (right_N != flipped_N).astype(float)
    assert corrected_credit(credit_N, 0.3).mean() == pytest.approx(right_N.mean(), abs=0.005)
    assert (corrected_credit(credit_N, 0.0) == credit_N).all()


def test_without_a_seed_choices_are_flipped_as_often_as_epsilon_asks(tmp_path: Path) -> None:
    source = PrivatePairs(Choices(people=800), 1.0, ledger=tmp_path / "ledger.jsonl")
    truths = reports(source)
    spread = math.sqrt(source.flip * (1 - source.flip) / len(truths))
    assert abs(1 - np.mean(truths) - source.flip) < 5 * spread


def test_a_report_is_drawn_once_and_found_by_every_later_reading(tmp_path: Path) -> None:
    source = PrivatePairs(Choices(), 0.5, ledger=tmp_path / "ledger.jsonl")
    first = list(source.pairs())
    size = (tmp_path / "ledger.jsonl").stat().st_size
    assert list(source.pairs()) == first
    assert (tmp_path / "ledger.jsonl").stat().st_size == size
    more = replace(source, source=Choices(people=41))
    assert list(more.pairs())[:200] == first


def test_with_the_same_reports_opposite_choices_give_the_same_pairs_and_the_same_ledger(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    late = list(PrivatePairs(Choices(), 1.0, ledger=ledger).pairs())
    early = list(PrivatePairs(Choices(later=False), 1.0, ledger=ledger).pairs())
    assert late == early
    rows = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert len(rows) == 200
    assert set(rows[0]) == {"pair", "person", "epsilon", "reported", "line_sha256"}
    pair = late[0]
    assert (pair.strength, pair.context, dict(pair.extra)) == (None, None, {})
    assert pair.flip == flip_probability(1.0)
    assert ">" not in pair.id and "r0" not in ledger.read_text()


def test_an_infinite_epsilon_reports_every_choice_as_it_was(tmp_path: Path) -> None:
    source = PrivatePairs(Choices(), math.inf, seed=0)
    assert all(reports(source))
    assert {pair.flip for pair in source.pairs()} == {0.0}


def test_flips_of_one_seed_are_nested_over_epsilon() -> None:
    flipped = {e: np.array(reports(PrivatePairs(Choices(), e, seed=7))) for e in (0.5, 1, 2, 4)}
    for weaker, stronger in ((1, 0.5), (2, 1), (4, 2)):
        assert (flipped[weaker] | ~flipped[stronger]).all()  # a true report stays true
    assert reports(PrivatePairs(Choices(), 1, seed=7)) != reports(
        PrivatePairs(Choices(), 1, seed=8)
    )


def test_another_epsilon_for_a_choice_that_was_reported_is_refused(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    list(PrivatePairs(Choices(), 1.0, ledger=ledger).pairs())
    with pytest.raises(InvalidInput, match=r"drawn with epsilon = 1, got 2"):
        list(PrivatePairs(Choices(), 2.0, ledger=ledger).pairs())


def test_the_ledger_has_what_each_person_spent_and_who_withdrew(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "ledger.jsonl"
    source = PrivatePairs(Choices(people=3), 0.5, ledger=path)
    list(source.pairs())
    account = withdraw_choices(path, "r1")
    assert (account.draws, account.epsilon, account.largest) == (5, 2.5, 0.5)
    assert [a.withdrawn for a in read_ledger(path)] == [False, True, False]
    tally = Tally()
    assert {pair.rater for pair in source.pairs(tally)} == {"r0", "r2"}
    assert tally.left_out == {"choices of people who withdrew": 5}
    assert sum(a.draws for a in read_ledger(path)) == 15
    assert path.stat().st_mode & 0o077 == 0


def test_nobody_withdraws_from_a_ledger_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such ledger"):
        withdraw_choices(tmp_path / "ledger.jsonl", "r1")
    assert not list(tmp_path.iterdir())


def test_an_altered_ledger_is_refused_and_a_torn_line_is_drawn_anew(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    source = PrivatePairs(Choices(people=2), 1.0, ledger=path)
    before = list(source.pairs())
    whole = path.read_text()
    path.write_text(whole[:-20])  # killed while the last line was written: it was never read
    assert list(source.pairs())[:-1] == before[:-1]
    path.write_text(whole.replace('"first"', '"second"', 1).replace('"second"', '"first"', 2))
    with pytest.raises(DamagedFile, match="line of the ledger was altered"):
        list(source.pairs())


def test_privacy_per_person_reports_one_pair_of_each_person_and_the_same_one_later(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.jsonl"
    source = PrivatePairs(Choices(), 1.0, "person", path)
    tally = Tally()
    first = list(source.pairs(tally))
    assert sorted(p.rater or "" for p in first) == sorted({f"r{k}" for k in range(40)})
    assert len({p.question for p in first}) > 1
    assert tally.left_out == {"choices of a person beyond the first (privacy per person)": 160}
    wider = list(replace(source, source=Choices(each=9)).pairs())
    assert wider == first
    assert max(a.epsilon for a in read_ledger(path)) == 1.0
    assert PrivatePairs(Choices(), 1.0, "person", seed=1) != source


def test_two_processes_that_read_a_person_at_once_draw_one_report_together(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"

    @dataclass(frozen=True)
    class ReadMeanwhile(Choices):
        """While it is read, another process reads other questions of the same people."""

        def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
            yield from super().pairs(tally)
            list(PrivatePairs(Other(), 1.0, "person", path).pairs())

    @dataclass(frozen=True)
    class Other(Choices):
        def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
            for pair in super().pairs(tally):
                yield replace(pair, prompt=f"Other: {pair.prompt}")

    found = list(PrivatePairs(ReadMeanwhile(), 1.0, "person", path).pairs())
    assert found == []
    assert {account.draws for account in read_ledger(path)} == {1}


def test_privacy_per_person_needs_people() -> None:
    class Shares(Choices):
        def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
            return (replace(pair, rater=None) for pair in super().pairs(tally))

    with pytest.raises(InvalidInput, match="needs a rater for each pair"):
        list(PrivatePairs(Shares(), 1.0, "person", seed=1).pairs())


def test_pairs_that_one_choice_among_several_made_are_flagged() -> None:
    class Best(Choices):
        def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
            for other in ("a", "b", "c"):
                yield PreferencePair(other, "Which?", "best", other, "MEX", rater="r1")
            yield PreferencePair("again", "Tea?", "a", "b", "MEX", rater="r1")
            yield PreferencePair("again", "Tea?", "a", "b", "MEX", rater="r1")

    tally = Tally()
    assert len({pair.id for pair in PrivatePairs(Best(), 1.0, seed=1).pairs(tally)}) == 5
    assert list(tally.flagged.values()) == [1]


def test_how_many_choices_a_person_repeated_is_not_recorded(tmp_path: Path) -> None:
    row = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "rater": "r1"}
    (tmp_path / "pairs.jsonl").write_text(f"{json.dumps(row)}\n" * 3)
    plain, private = Tally(), Tally()
    list(JsonlPairs(tmp_path / "pairs.jsonl").pairs(plain))
    list(PrivatePairs(JsonlPairs(tmp_path / "pairs.jsonl"), 1.0, seed=1).pairs(private))
    assert plain.flagged and not private.flagged
    assert private.balanced and private.kept == 3


def test_a_report_that_was_not_written_is_not_known_to_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.reports([("a", "p", True)], 1.0, lambda key: False)
    with pytest.raises(InvalidInput, match=r"drawn with epsilon = 1, got 2"):
        ledger.reports([("b", "p", True), ("a", "p", True)], 2.0, lambda key: False)
    assert ledger.pairs_of("p") == {"a"}
    assert (
        ledger.reports([("b", "p", True), ("b", "p", True)], 1.0, lambda key: True) == [False] * 2
    )
    assert [account.draws for account in read_ledger(tmp_path / "ledger.jsonl")] == [2]


def test_reported_pairs_load_like_any_and_their_flips_count_in_the_fingerprint() -> None:
    plain = load_pairs([PrivatePairs(Choices(), math.inf, seed=1)], 1000, 0)
    private = load_pairs([PrivatePairs(Choices(), 20.0, seed=1)], 1000, 0)
    assert [p.chosen for p in plain.pairs] == [p.chosen for p in private.pairs]
    assert plain.fingerprint != private.fingerprint


def test_people_are_named_by_digests_and_responses_ordered_without_the_choice() -> None:
    pair = next(Choices().pairs())
    assert both_responses(pair) == ("early", "late")
    assert "r0" not in person_digest("r0")


def test_written_reports_are_read_back_with_their_flips_and_cannot_be_flipped_again(
    tmp_path: Path,
) -> None:
    source = PrivatePairs(Choices(), 1.0, seed=3)
    path = tmp_path / "reported.jsonl"
    assert write_reports(source, path, Tally()) == 200
    back = list(JsonlPairs(path).pairs())
    compared = ("id", "chosen", "rejected", "rater", "community", "question", "flip")
    assert [[getattr(p, n) for n in compared] for p in back] == [
        [getattr(p, n) for n in compared] for p in source.pairs()
    ]
    assert "winner" not in path.read_text()
    assert {pair.license for pair in back} == {"CC0"}
    with pytest.raises(InvalidInput, match="the choices are reports already"):
        list(PrivatePairs(JsonlPairs(path), 1.0, seed=3).pairs())


def test_a_flip_of_a_half_or_more_is_refused(tmp_path: Path) -> None:
    row = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "flip": 0.5}
    (tmp_path / "bad.jsonl").write_text(json.dumps(row))
    with pytest.raises(InvalidInput, match=r"flip must be < 0\.5, got 0\.5"):
        list(JsonlPairs(tmp_path / "bad.jsonl").pairs())
