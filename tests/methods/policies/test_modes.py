"""Laws of covers of views, draws by population, and the checks of drafts."""

from itertools import combinations

import numpy as np
import pytest

from pluralign.core import InvalidInput, Message, NotEnoughData
from pluralign.methods.policies import (
    best_draft,
    draw_communities,
    greedy_cover,
    in_top_share,
    keeps_merged,
    merging_prompt,
    mixed_options,
    names_unasked,
    summary_prompt,
)
from pluralign.metrics import jensen_shannon_distance, worst_off

POPULATION = {"MEX": 0.5, "GBR": 0.3, "KEN": 0.2}


def _rewards(seed, candidates=12, communities=5):
    rng = np.random.default_rng(seed)
    reward = rng.normal(size=(candidates, communities))
    reward[rng.random(candidates) < 0.2] = np.nan
    return reward


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.1, 0.25, 0.6])
def test_a_cover_has_a_view_for_every_community_and_no_more_views_than_communities(seed, share):
    reward = _rewards(seed)
    top = in_top_share(reward, share)
    taken = greedy_cover(top, np.random.default_rng(seed))
    assert top[taken].any(axis=0).all()
    assert 1 <= len(taken) <= reward.shape[1]
    assert len(set(taken.tolist())) == len(taken)
    assert not np.isnan(reward[taken]).any()


@pytest.mark.parametrize("seed", range(5))
def test_a_cover_is_within_the_known_bound_of_the_smallest_one(seed):
    top = in_top_share(_rewards(seed), 0.3)
    sizes = range(1, top.shape[1] + 1)
    smallest = next(
        size
        for size in sizes
        if any(top[list(own)].any(axis=0).all() for own in combinations(range(len(top)), size))
    )
    taken = greedy_cover(top, np.random.default_rng(0))
    assert smallest <= len(taken) <= (1 + np.log(top.shape[1])) * smallest


def test_one_candidate_that_all_like_best_is_enough_and_a_wider_share_needs_no_more():
    reward = _rewards(1)
    best = np.flatnonzero(~np.isnan(reward[:, 0]))[3]
    reward[best] = 9.0
    assert greedy_cover(in_top_share(reward, 1e-9), np.random.default_rng(0)).tolist() == [best]
    assert len(greedy_cover(in_top_share(reward, 1.0), np.random.default_rng(0))) == 1


def test_ties_are_decided_by_the_seed_alone():
    covers = np.ones((20, 3), dtype=bool)
    taken = [greedy_cover(covers, np.random.default_rng(seed)).tolist() for seed in range(8)]
    again = [greedy_cover(covers, np.random.default_rng(seed)).tolist() for seed in range(8)]
    assert taken == again
    assert len({one for (one,) in taken}) > 3


def test_every_community_has_the_share_of_candidates_that_was_asked_for():
    reward = _rewards(2)
    known = int((~np.isnan(reward[:, 0])).sum())
    for share in (0.01, 0.25, 0.5, 1.0):
        top = in_top_share(reward, share)
        assert top.sum(axis=0).tolist() == [int(np.ceil(share * known))] * reward.shape[1]
    with pytest.raises(NotEnoughData, match="no candidate has a reward"):
        in_top_share(np.full((3, 2), np.nan), 0.5)
    with pytest.raises(ValueError, match="in no candidate"):
        greedy_cover(np.zeros((3, 2), dtype=bool), np.random.default_rng(0))


def test_communities_are_drawn_as_often_as_their_shares():
    n = 20_000
    drawn = draw_communities(POPULATION, n, np.random.default_rng(3))
    for community, share in POPULATION.items():
        spread = np.sqrt(share * (1 - share) / n)
        assert abs(drawn.count(community) / n - share) < 5 * spread
    with pytest.raises(InvalidInput, match="sum 1"):
        draw_communities({"MEX": 0.5}, 1, np.random.default_rng(0))


def test_drawn_answers_come_as_near_to_the_population_as_draws_can():
    """The mixture of options is the population's own distribution, one community's is not."""
    rng = np.random.default_rng(4)
    option_C_O = rng.dirichlet(np.ones(4) * 0.7, size=3)
    share_C = np.array(list(POPULATION.values()))
    people_O = (share_C[:, None] * option_C_O).sum(axis=0)
    mixed_O = mixed_options(option_C_O, share_C)
    assert jensen_shannon_distance(mixed_O, people_O) == pytest.approx(0, abs=1e-7)
    drawn = draw_communities(POPULATION, 5000, rng)
    index = {community: i for i, community in enumerate(POPULATION)}
    answers = [rng.choice(4, p=option_C_O[index[community]]) for community in drawn]
    drawn_O = np.bincount(answers, minlength=4) / len(answers)
    by_draws = jensen_shannon_distance(drawn_O, people_O)
    alone = min(jensen_shannon_distance(own_O, people_O) for own_O in option_C_O)
    assert by_draws < 0.05 < alone


def test_a_merged_answer_is_kept_only_if_every_community_accepts_it():
    rng = np.random.default_rng(5)
    for shaped in rng.random((50, 4)):
        assert keeps_merged(shaped, 0.3) == all(value >= 0.3 for value in shaped)
    assert not keeps_merged(np.array([0.9, np.nan]), 0.0)


def test_the_best_draft_is_that_of_the_worst_off_community():
    rng = np.random.default_rng(6)
    for _ in range(20):
        shaped = rng.random((5, 3))
        assert best_draft(shaped) == worst_off(shaped[None])[0].argmax()
    shaped[best_draft(shaped)] = np.nan
    assert not np.isnan(shaped[best_draft(shaped)]).any()


@pytest.mark.parametrize("prompt", [merging_prompt, summary_prompt])
def test_prompts_keep_the_earlier_turns_and_name_no_community(prompt):
    talk = (
        Message("user", "Hello"),
        Message("assistant", "Hi."),
        Message("user", "Who decides about marriage?"),
    )
    found = prompt(talk, ["The family.", "The two of them."])
    assert found[:2] == talk[:2]
    words = found[-1].content
    for text in ("Who decides about marriage?", "The family.", "The two of them."):
        assert words.count(text) == 1
    assert not names_unasked(words, (), ["MEX", "GBR", "KEN", "IND", "~yoruba"])


def test_a_name_counts_as_a_whole_word_in_any_case():
    asked = (Message("user", "Tea?"),)
    assert names_unasked("In MEXICO they do.", asked, ["MEX"])
    assert not names_unasked("The Omanis do.", asked, ["OMN"])
    assert names_unasked("Germans do.", asked, ["DEU"])
    assert not names_unasked("Germane words.", asked, ["DEU"])
    assert not names_unasked("Anything.", asked, [])
