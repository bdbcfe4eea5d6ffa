"""Gains by a judge have intervals over the people who taught it: few people, wide intervals."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import t

from pluralign.aligning.gain_measures import gain_measures
from pluralign.aligning.people_intervals import PeopleBehind, about_people, fits_row, show_people
from pluralign.aligning.result_rows import MeasuredPolicy, mean_row
from pluralign.aligning.scoring import ScoredCandidates
from pluralign.aligning.steer_matrix import PolicyGains, gain_rows, steer_rows
from pluralign.aligning.work import RewardModels
from pluralign.core import CandidateAnswer, PolicyPrompt
from pluralign.models import open_model
from pluralign.runs import refits_of
from pluralign.simulation import SocietySource
from pluralign.simulation.bank import TRAITS
from pluralign.simulation.texts import draft, write

HILL = MeasuredPolicy("raft", "~hill")
HOMES = ("~coast", "~hill")
HELD_OUT, FITS = 0.2, 5
SPREAD = 0.7


def _planted(n_raters, seed, prompts=40):
    """Gains of one policy by judges that are the mean taste of four fifths of the people."""
    rng = np.random.default_rng(seed)
    taste_R = rng.normal(0.3, SPREAD, n_raters)
    kept = round((1 - HELD_OUT) * n_raters)
    mean_B = [taste_R[rng.permutation(n_raters)[:kept]].mean() for _ in range(FITS)]
    return np.add.outer(mean_B, 0.1 * rng.normal(size=prompts))


def _row(value_B_P, held_out=HELD_OUT):
    people = PeopleBehind({"~hill": 12}, held_out)
    return fits_row(HILL, "judged_gain", "~hill", value_B_P, people)


@pytest.mark.parametrize("n_raters", [10, 400])
def test_the_width_over_people_is_that_of_the_planted_tastes(n_raters):
    rows = [_row(_planted(n_raters, seed)) for seed in range(300)]
    found = np.mean([(row["half_people"] / t.ppf(0.975, FITS - 1)) ** 2 for row in rows])
    assert found == pytest.approx(SPREAD**2 / (n_raters * (1 - HELD_OUT)), rel=0.2)


def test_the_interval_covers_the_gain_by_all_people_where_that_over_prompts_does_not():
    covered = {"both": 0, "prompts": 0}
    for seed in range(300):
        row = _row(_planted(20, seed))
        covered["both"] += row["low"] <= 0.3 <= row["high"]
        covered["prompts"] += abs(row["value"] - 0.3) <= row["half_prompts"]
    assert 0.92 <= covered["both"] / 300 <= 0.99
    assert covered["prompts"] / 300 < 0.4


def test_variances_over_prompts_and_people_add_up_to_no_less_than_one_alone():
    value_B_P = _planted(20, 0)
    row = _row(value_B_P)
    prompts, people = row["half_prompts"] / t.ppf(0.975, 39), row["half_people"] / t.ppf(0.975, 4)
    df = (prompts**2 + people**2) ** 2 / (prompts**4 / 39 + people**4 / 4)
    together = t.ppf(0.975, df) * np.hypot(prompts, people)
    reach = max(together, row["half_prompts"], row["half_people"])
    assert (row["low"], row["high"]) == pytest.approx((row["value"] - reach, row["value"] + reach))


def test_fits_that_agree_leave_the_interval_over_prompts():
    alone = np.random.default_rng(0).normal(size=(1, 40))
    row, expected = _row(np.repeat(alone, 4, axis=0)), mean_row(HILL, "", "~hill", alone[0])
    assert (row["low"], row["high"]) == pytest.approx((expected["low"], expected["high"]))
    assert row["half_people"] == 0


@pytest.mark.parametrize("fits", [1, 3])
def test_without_a_number_of_every_fit_the_interval_is_over_prompts_alone(fits):
    value_B_P = np.random.default_rng(0).normal(size=(fits, 40))
    value_B_P[1:] = np.nan
    row, expected = _row(value_B_P), mean_row(HILL, "judged_gain", "~hill", value_B_P[0])
    assert row == expected | {"n_raters": 12}


def test_prompts_without_an_answer_are_left_out_of_every_fit():
    value_B_P = _planted(20, 1)
    with_empty = np.concatenate([value_B_P, np.full((FITS, 3), np.nan)], axis=1)
    assert _row(with_empty) == _row(value_B_P)


def test_what_steering_adds_varies_with_the_people_of_all_communities_together():
    """Refits that shift both communities alike do not widen their difference."""
    shared_B_P = _planted(20, 2)
    gain_B_P_C = np.stack([shared_B_P, shared_B_P + 0.5], axis=2)
    gains = [PolicyGains(HILL, "judged_gain", gain_B_P_C, PeopleBehind({}, HELD_OUT))]
    (row,) = steer_rows(HOMES, gains)
    assert row["value"] == pytest.approx(0.5)
    assert row["half_people"] == pytest.approx(0, abs=1e-9)
    assert all(one["half_people"] > 0.1 for one in gain_rows(HOMES, gains))


TABLES = {
    "repeats": 3, "min_pairs": 1, "min_raters": 2, "methods": ["full"],
    "split": {"by": "rater", "test": HELD_OUT}, "reference": {"fit_on": "pooled"},
    "trunk": {"encoder": "hash", "components": 0}, "intervals": {"draws": 100},
}  # fmt: skip


@pytest.fixture(scope="module")
def judges(go, tmp_path_factory):
    """Folders of two judges, one of few people of each of two communities and one of many."""
    folder = tmp_path_factory.mktemp("judges")
    pairs = [pair for pair in SocietySource().pairs() if pair.community in HOMES]
    found = {}
    for name, most in (("few", 8), ("many", 60)):
        path = folder / f"{name}.jsonl"
        rows = []
        for home in HOMES:
            own = [pair for pair in pairs if pair.community == home]
            people = sorted({pair.rater for pair in own})[:most]
            rows += [
                {k: getattr(p, k) for k in ("prompt", "chosen", "rejected", "community", "rater")}
                for p in own
                if p.rater in people
            ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        go(TABLES | {"pairs": {"source": "jsonl", "path": str(path)}}, folder / name)
        found[name] = folder / name / "models" / "seed-0" / "full"
    return found


def _measured(folder, refits=None):
    """The judge with its refits, and its rewards of replies that the society's people might get."""
    judge = open_model(folder)
    refits = refits or refits_of(folder, judge)
    where = str(folder)
    texts = write(list(TRAITS), draft(list(TRAITS), 60 * 4, np.random.default_rng(0)))
    prompts = [PolicyPrompt(f"p{k}", "What matters to you?") for k in range(60)]
    candidates = [
        [CandidateAnswer(f"p{p}", n, texts[4 * p + n]) for n in range(4)] for p in range(60)
    ]
    work = SimpleNamespace(
        communities=HOMES,
        prompts=prompts,
        rewards=RewardModels(judge, judge, refits),
        settings=SimpleNamespace(reward=SimpleNamespace(model=where, judge=where)),
        of_side=lambda side: range(20),
    )
    answers = [("What matters to you?", text) for text in texts]
    reward_P_N_C = judge.score_all(answers).reshape(60, 4, -1)
    reward_P_N_C = reward_P_N_C[:, :, [judge.communities.index(home) for home in HOMES]]
    scored = ScoredCandidates(range(60), candidates, reward_P_N_C, reward_P_N_C, {}, {})
    return gain_measures(work, scored)


def _gain_of_last(measure):
    """Rows of the gain of always giving the last of the four answers, which nobody chose."""
    shaped = measure.before_B_P_N_C / measure.spread_B_C[:, None, None]
    gain_B_P_C = shaped[:, :, -1] - shaped.mean(axis=2)
    gains = PolicyGains(HILL, measure.metric, gain_B_P_C, measure.people)
    return list(gain_rows(HOMES, [gains]))


def test_a_judge_of_few_people_has_a_wide_interval_over_people(judges):
    few, many = (_gain_of_last(_measured(judges[name])[1]) for name in ("few", "many"))
    assert [row["n_raters"] for row in few] == [8, 8]
    assert [row["n_raters"] for row in many] == [60, 60]
    widths = [sum(row["half_people"] for row in rows) for rows in (few, many)]
    assert widths[0] > 1.5 * widths[1] > 0
    for row in (*few, *many):
        alone = 2 * max(row["half_prompts"], row["half_people"])
        assert row["high"] - row["low"] >= alone * (1 - 1e-9)


def test_the_reward_model_that_chose_has_no_interval_over_people(judges):
    followed, judge = _measured(judges["few"])
    assert (len(followed.fits), len(judge.fits)) == (1, 3)
    assert all("half_people" not in row for row in _gain_of_last(followed))
    assert [row["n_raters"] for row in _gain_of_last(followed)] == [8, 8]


def test_the_scale_of_a_refit_is_its_own(judges):
    """Rewards that are ten times as large are the same opinion."""
    folder = judges["few"]
    refits = refits_of(folder, open_model(folder))
    first, second, *others = refits.models
    loud = replace(second, reference_D=10 * second.reference_D, delta_C_D=10 * second.delta_C_D)
    louder = replace(refits, models=(first, loud, *others))
    for row, expected in zip(
        *(_gain_of_last(_measured(folder, given)[1]) for given in (louder, refits)), strict=True
    ):
        assert row["half_people"] == pytest.approx(expected["half_people"])


def test_a_refit_without_a_community_leaves_its_interval_over_prompts_alone(judges):
    folder = judges["few"]
    refits = refits_of(folder, open_model(folder))
    first, second, *others = refits.models
    one = replace(second, communities=("~hill",), delta_C_D=second.delta_C_D[1:])
    coast, hill = _gain_of_last(_measured(folder, replace(refits, models=(first, one, *others)))[1])
    assert "half_people" not in coast and coast["low"] is not None
    assert hill["half_people"] > 0


def test_a_judge_without_refits_is_named_with_the_reason(judges, tmp_path):
    copy = shutil.copytree(judges["few"], tmp_path / "judge")
    refits = refits_of(copy, open_model(copy))
    assert not show_people(refits)
    assert "not in the folder of its run" in about_people(refits)
    assert all("half_people" not in row for row in _gain_of_last(_measured(copy)[1]))
    assert "behind a URL" in about_people(None)


def test_refits_that_lack_other_questions_say_nothing_about_people(judges):
    refits = refits_of(judges["few"], open_model(judges["few"]))
    assert show_people(refits)
    by_question = replace(refits, by="question")
    assert not show_people(by_question)
    assert "lacks other questions, and not other people" in about_people(by_question)
