"""Heads from few choices: saved, read again, and measured."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pluralign
from pluralign.core import InvalidInput, PreferencePair, RewardRequest, Tally
from pluralign.models import measure_adaptation, read_choices
from pluralign.notebook import Pairs
from pluralign.rewards import LinearRewardModel
from pluralign.rewards.fading import Fading, asked_directions
from pluralign.simulation import SocietySource


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return pluralign.read_pairs(SocietySource(each=60, thin=20, world=100))


@pytest.fixture(scope="module")
def fitted(pairs: Pairs) -> LinearRewardModel:
    """MAP on three communities; nobody of ~river and ~isle trained it."""
    model = pluralign.fit(
        pairs.of("~world", "~hill", "~coast", "~marsh"),
        "map",
        reference="~world",
        communities=["~hill", "~coast", "~marsh"],
        encoder="hash",
        min_pairs=1,
        min_raters=2,
        map={"ranks": (0, 1), "ratios": (10.0,), "ridges": (3.0,), "mean_ridges": (3.0,)},
    )
    assert isinstance(model, LinearRewardModel)
    return model


def test_adapting_map_to_all_pairs_of_a_community_is_its_fit(
    fitted: LinearRewardModel, pairs: Pairs
) -> None:
    again = fitted.adapt(pairs.of("~hill"), "~hill", overwrite=True)
    np.testing.assert_allclose(again.head("~hill"), fitted.head("~hill"), atol=1e-6)


def test_an_adapted_model_is_saved_and_opened_as_it_was_and_can_be_adapted_again(
    fitted: LinearRewardModel, pairs: Pairs, tmp_path: Path
) -> None:
    river, isle = pairs.of("~river")[:10], pairs.of("~isle")[:3]
    adapted = fitted.adapt(river, "~river")
    pluralign.save_model(adapted, tmp_path / "river")
    opened = pluralign.open_model(tmp_path / "river")
    assert isinstance(opened, LinearRewardModel)
    np.testing.assert_array_equal(opened.heads(), adapted.heads())
    assert opened.about["adapted"] == {"~river": {"choices": 10, "people": 9}}
    both = opened.adapt(isle, "~isle")
    assert both.communities == (*fitted.communities, "~river", "~isle")
    np.testing.assert_array_equal(both.head("~isle"), fitted.adapt(isle, "~isle").head("~isle"))


def test_the_change_is_measured_by_choices_held_out(
    fitted: LinearRewardModel, pairs: Pairs
) -> None:
    river: Sequence[PreferencePair] = pairs.of("~river")
    found = measure_adaptation(fitted, river)
    assert found.before is not None
    assert found.held_out is not None
    assert found.held_out.value > found.before.value
    assert all(one.low < one.after < one.high for one in found.choices)
    assert found.moved is not None
    assert 0 < found.moved < 10
    turned = measure_adaptation(fitted, river[::-1])
    assert [one.after for one in turned.choices] == [one.after for one in found.choices]


def test_no_choices_and_choices_of_one_person_have_no_held_out_share(
    fitted: LinearRewardModel, pairs: Pairs
) -> None:
    nothing = measure_adaptation(fitted, [])
    assert (nothing.before, nothing.held_out, nothing.moved, nothing.shift) == (None, None, 0, 0)
    river = pairs.of("~river")
    one = [pair for pair in river if pair.rater == river[0].rater]
    assert measure_adaptation(fitted, one).held_out is None


def test_a_file_gives_the_choices_of_the_community_alone(tmp_path: Path) -> None:
    path, empty = tmp_path / "choices.jsonl", tmp_path / "empty.jsonl"
    empty.touch()
    row = '{"prompt": "Tea?", "chosen": "%s", "rejected": "No"%s}\n'
    path.write_text(row % ("Yes", "") + row % ("Please", ', "community": "UGA"'))
    tally = Tally()
    assert [pair.chosen for pair in read_choices(path, "KEN", tally)] == ["Yes"]
    assert tally.flagged.total() == 1
    assert read_choices(empty, "KEN", Tally()) == read_choices(None, "KEN", Tally()) == []


def test_a_file_without_a_choice_of_the_community_is_refused(tmp_path: Path) -> None:
    """Else a misspelled name would give the head of nobody, as if no choice were known."""
    path = tmp_path / "choices.jsonl"
    path.write_text('{"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "community": "UGA"}')
    with pytest.raises(InvalidInput, match="no choice is of KEN; all are of UGA"):
        read_choices(path, "KEN", Tally())


def test_a_few_reports_that_agree_do_not_prove_the_share(
    fitted: LinearRewardModel, pairs: Pairs
) -> None:
    river: Sequence[PreferencePair] = pairs.of("~river")
    right = [one.pair for one in measure_adaptation(fitted, river).choices if one.before > 0]
    people = {pair.rater: replace(pair, flip=0.25) for pair in right}
    found = measure_adaptation(fitted, list(people.values())[:3]).before
    assert found is not None and found.low is not None
    assert found.value == 1.5  # (1 - 0.25) / (1 - 2 * 0.25)
    assert found.low < 1


def test_heads_that_are_those_of_the_prior_are_no_measure_of_distance(
    fitted: LinearRewardModel, pairs: Pairs
) -> None:
    assert fitted.prior is not None
    nearly_D = fitted.prior.mean_D - fitted.reference_D + 1e-9
    alike = replace(fitted, delta_C_D=np.tile(nearly_D, (len(fitted.communities), 1)))
    assert measure_adaptation(alike, pairs.of("~river")).moved is None


def test_margins_are_those_that_the_adapted_model_scores_also_where_steering_fades(
    fitted: LinearRewardModel, pairs: Pairs
) -> None:
    river: Sequence[PreferencePair] = pairs.of("~river")[:6]
    prompts = fitted.trunk.prompts([RewardRequest(pair.prompt, "") for pair in pairs[:40]])
    assert prompts is not None
    anyone_R_d = asked_directions(prompts[:3])
    fading = Fading(dict.fromkeys(fitted.communities, anyone_R_d), anyone_R_d, 0.2, 0.95)
    model = replace(fitted, fading=fading)
    adapted = model.adapt(river, "~river")
    found = measure_adaptation(model, river).choices
    chosen, rejected = (
        adapted.score([(one.pair.prompt, getattr(one.pair, side)) for one in found], "~river")
        for side in ("chosen", "rejected")
    )
    assert [one.after for one in found] == pytest.approx(chosen - rejected, abs=1e-5)
    unfaded = measure_adaptation(fitted, river).choices
    assert [one.after for one in found] != pytest.approx([one.after for one in unfaded], abs=1e-3)
    assert all(one.low < one.after < one.high for one in found)
    nobody, never = (one.adapt([], "~river", overwrite=True) for one in (adapted, model))
    asked = [(river[0].prompt, river[0].chosen)]
    assert nobody.score(asked, "~river") == pytest.approx(never.score(asked, "~river"))
