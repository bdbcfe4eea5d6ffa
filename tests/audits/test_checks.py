"""Single checks on evidence so small that the number can be worked out by hand."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest

from pluralign.audits import (
    Context,
    Evidence,
    Measured,
    ReasoningAnswer,
    RewardMargins,
    Share,
    Skipped,
    steer_accuracy,
    suppressed,
    who_took_part,
)
from pluralign.audits.axes import few_axes
from pluralign.audits.checks import severity_of
from pluralign.audits.diversity import alike
from pluralign.audits.evidence import LEVELS, Level
from pluralign.audits.findings import Rows, Threshold
from pluralign.audits.misidentification import default_culture, other_people
from pluralign.audits.participation import (
    contradictions,
    few_people,
    institutional,
    not_asked,
    one_voice,
    outsiders,
    uncounted,
    unlike_residents,
)
from pluralign.audits.planted.society import sound
from pluralign.audits.preferred_responses import length, refusals
from pluralign.audits.prompt_effects import artefacts, language
from pluralign.audits.reasoning import between, known, levels, reasons
from pluralign.audits.sentences import Sentence
from pluralign.audits.simplification import stereotyped
from pluralign.audits.steer_effects import beyond_evidence, contested_only, harm
from pluralign.audits.steer_targets import coarse_country, wrong_neighbour
from pluralign.audits.variety import within
from pluralign.core import (
    AnswerDistribution,
    PreferencePair,
    RecordedAnswer,
    Survey,
    SurveyQuestion,
)
from pluralign.evaluation import TestPairs
from pluralign.evaluation.surveys import ReadAnswer

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
CONTEXT = Context(draws=200)
Check = Callable[[Evidence, Context], Iterable[Measured | Skipped]]
Shares = Mapping[str, Sequence[Sequence[float]]]
"""Community -> shares of the options of each question; empty where a people was not asked."""


def survey_of(
    shares: Shares, n: int | None = 100, name: str = "town", options: Sequence[str] = "abcdef"
) -> Survey:
    questions = {}
    for q in range(len(next(iter(shares.values())))):
        width = max(len(own[q]) for own in shares.values())
        questions[f"q{q}"] = SurveyQuestion(f"q{q}", f"Question {q}?", tuple(options[:width]))
    told = [
        AnswerDistribution(f"q{q}", c, tuple(p), n)
        for c, own in shares.items()
        for q, p in enumerate(own)
        if p
    ]
    return Survey(name, questions, tuple(told))


def weighed(shares: Shares, **how: object) -> list[ReadAnswer]:
    """Answers whose probabilities were measured."""
    settings = {"model": "m", "strategy": "aware"} | how
    return [
        ReadAnswer(
            RecordedAnswer(community=c, question=f"q{q}", text="", probs_O=tuple(p), **settings),  # type: ignore[arg-type]
            int(np.argmax(p)),
        )
        for c, own in shares.items()
        for q, p in enumerate(own)
        if p
    ]


def picked(options: Mapping[str, Sequence[int | None]], **how: object) -> list[ReadAnswer]:
    """Single answers, as places of options; None is a refusal."""
    settings = {"model": "m", "strategy": "aware"} | how
    return [
        ReadAnswer(RecordedAnswer(community=c, question=f"q{q}", text="", **settings), number)  # type: ignore[arg-type]
        for c, own in options.items()
        for q, number in enumerate(own)
    ]


def told(option: int, of: int = 3) -> list[float]:
    """A people of whom most give one option."""
    return [0.8 if o == option else 0.2 / (of - 1) for o in range(of)]


def measured(check: Check, evidence: Evidence, context: Context = CONTEXT) -> list[Measured]:
    return [m for m in check(evidence, context) if isinstance(m, Measured)]


def only(check: Check, evidence: Evidence, context: Context = CONTEXT) -> Measured:
    (found,) = measured(check, evidence, context)
    return found


def skipped(check: Check, evidence: Evidence) -> str:
    return " / ".join(str(s) for s in check(evidence, CONTEXT) if isinstance(s, Skipped))


def numbers(m: Measured) -> dict[str, float]:
    return {name: round(e.value, 4) for name, e in m.numbers.items()}


class TestSimplification:
    def test_variety_lost_is_one_minus_the_ratio_of_entropies(self) -> None:
        survey = survey_of({"MEX": [[0.5, 0.5], [0.5, 0.5]]})
        found = only(
            within, Evidence(survey=survey, answers=weighed({"MEX": [[0.75, 0.25], [0.5, 0.5]]}))
        )

        entropy = -(0.75 * log(0.75) + 0.25 * log(0.25))
        assert found.value == pytest.approx(1 - (entropy + log(2)) / (2 * log(2)))
        assert numbers(found)["commonest_share"] == 0.625
        assert numbers(found)["spread_ratio"] == round(sqrt((0.1875 + 0.25) / 0.5), 4)

    def test_draws_are_taken_for_shares_and_the_bias_of_few_draws_is_taken_off(self) -> None:
        survey = survey_of({"MEX": [[0.5, 0.5]]})
        answers = [a for d in range(8) for a in picked({"MEX": [d % 2]}, draw=d)]

        found = only(within, Evidence(survey=survey, answers=answers))

        assert found.value == pytest.approx(1 - (log(2) + 1 / 16) / log(2))

    def test_single_answers_have_no_variety_to_be_measured(self) -> None:
        survey = survey_of({"MEX": [[0.5, 0.5]]})

        assert "single answers" in skipped(
            within, Evidence(survey=survey, answers=picked({"MEX": [0]}))
        )

    def test_diversity_lost_is_of_the_commonest_answers_where_single_ones_were_given(self) -> None:
        survey = survey_of({"MEX": [told(0), told(1)], "NGA": [told(2), told(1)]})

        found = only(alike, Evidence(survey=survey, answers=picked({"MEX": [0, 1], "NGA": [1, 1]})))

        assert found.value == pytest.approx(0.5)  # one step instead of two on a scale of two steps
        assert numbers(found)["pairwise_diversity"] == round(100 * sqrt(1 / 8), 4)
        assert numbers(found)["structural_diversity_of_people"] == round(100 * sqrt(4 / 8), 4)
        assert numbers(found)["spread_ratio"] == 0.5
        assert numbers(found)["majority_choice_rate"] == 0.75

    def test_questions_that_all_are_given_one_answer_to_and_people_differ_on_are_listed(
        self,
    ) -> None:
        survey = survey_of({"MEX": [told(0), told(1)], "NGA": [told(2), told(1)]})

        found = only(alike, Evidence(survey=survey, answers=picked({"MEX": [1, 1], "NGA": [1, 1]})))

        assert (found.rows.ids, found.rows.count, found.value) == (("q0",), 1, 1.0)

    def test_peoples_that_differ_on_one_question_of_three_still_have_an_interval(self) -> None:
        """A draw without that question divides by nothing: it is left out."""
        peoples = {"MEX": [told(0), told(1), told(1)], "NGA": [told(2), told(1), told(1)]}

        found = only(
            alike,
            Evidence(
                survey=survey_of(peoples), answers=picked({"MEX": [0, 0, 1], "NGA": [1, 1, 1]})
            ),
        )

        assert found.value == pytest.approx(1 - sqrt(2 / 4))
        low, high = found.numbers["diversity_lost"].low, found.numbers["diversity_lost"].high
        assert low is not None and high is not None and low < found.value < high

    def axes_evidence(
        self, way: Sequence[float], peoples_way: Sequence[float], **axes: Sequence[float]
    ) -> Evidence:
        """Five communities whose shares differ along a way, the same on five questions."""
        places = ("BRA", "CHN", "MEX", "NGA", "NZL")
        ours, theirs = (
            {c: [[0.5 + 0.1 * w, 0.5 - 0.1 * w]] * 5 for c, w in zip(places, ways, strict=True)}
            for ways in (way, peoples_way)
        )
        known_places = {
            t: dict(zip(places, [(float(x),) for x in at], strict=True)) for t, at in axes.items()
        }
        return Evidence(survey=survey_of(theirs), answers=weighed(ours), axes=known_places)

    LINE, BENT = (-2.0, -1.0, 0.0, 1.0, 2.0), (2.0, -1.0, -2.0, -1.0, 2.0)

    def test_a_theorys_axis_carries_the_share_of_variation_along_it(self) -> None:
        mixed = [
            a + b for a, b in zip(self.LINE, self.BENT, strict=True)
        ]  # 10 of 24 along the line
        _, found = measured(few_axes, self.axes_evidence(mixed, self.BENT, line=self.LINE))

        assert numbers(found) == {
            "excess_on_axes": round(10 / 24, 4),
            "on_axes": round(10 / 24, 4),
            "on_axes_of_people": 0,
        }

    def test_the_sign_and_the_scale_of_an_axis_do_not_matter(self) -> None:
        mixed = [a + b for a, b in zip(self.LINE, self.BENT, strict=True)]
        turned = [5 - 30 * x for x in self.LINE]
        _, found = measured(few_axes, self.axes_evidence(mixed, self.BENT, line=turned))

        assert found.value == pytest.approx(10 / 24)

    def test_an_axis_on_which_all_are_equal_carries_no_variation(self) -> None:
        evidence = self.axes_evidence(self.LINE, self.BENT)
        places = {
            c: (x, 7.0) for c, x in zip(sorted(survey_names(evidence)), self.BENT, strict=True)
        }

        _, found = measured(few_axes, replace(evidence, axes={"bent and level": places}))

        assert numbers(found)["on_axes"] == 0

    def test_answers_that_never_vary_between_communities_are_not_assessed_by_axes(self) -> None:
        evidence = self.axes_evidence([0.0] * 5, self.BENT, line=self.LINE)

        assert measured(few_axes, evidence) == []
        assert "do not vary" in skipped(few_axes, evidence)

    def test_answers_twice_as_far_from_the_mean_exaggerate_by_one(self) -> None:
        peoples = {"MEX": [[0.4, 0.6]], "NGA": [[0.5, 0.5]], "NZL": [[0.6, 0.4]]}
        ours = {"MEX": [[0.3, 0.7]], "NGA": [[0.5, 0.5]], "NZL": [[0.65, 0.35]]}
        evidence = Evidence(survey=survey_of(peoples), answers=weighed(ours))

        found = {m.community: round(m.value, 4) for m in measured(stereotyped, evidence)}

        assert found == {"MEX": 1.0, "NZL": 0.5}
        assert "NGA answer as all others do" in skipped(stereotyped, evidence)


def survey_names(evidence: Evidence) -> Sequence[str]:
    assert evidence.survey is not None
    return evidence.survey.communities


class TestMisidentification:
    def test_answers_of_another_people_rank_the_people_named_second(self) -> None:
        peoples = {"MEX": [told(0), told(0)], "NGA": [told(2), told(0)], "NZL": [told(2), told(2)]}
        evidence = Evidence(survey=survey_of(peoples), answers=picked({"MEX": [2, 0]}))

        found = only(other_people, evidence)

        own = 100 * (1 - sqrt(4 / 8))
        assert numbers(found) == {
            "nearer_by": round(100 - own, 4),
            "target_rank": 2.5,  # as far from New Zealand as from Mexico
            "cultural_alignment_score": round(own, 4),
            "cultural_alignment_score_with_nearest": 100,
        }
        assert (found.rows.ids, found.picked_of) == (("MEX/q0",), 2)
        assert "Nigeria" in str(found.claim)

    def test_a_default_culture_is_the_share_of_answers_that_are_its_own_where_peoples_differ(
        self,
    ) -> None:
        peoples = {"MEX": [told(0)] * 4, "NGA": [told(1)] * 4, "NZL": [told(2)] * 4}
        # As Nigeria: Mexico's answer to two of four questions; as New Zealand: to one of four.
        said = {"MEX": [0, 0, 0, 0], "NGA": [0, 0, 1, 1], "NZL": [0, 2, 2, 2]}

        found = only(default_culture, Evidence(survey=survey_of(peoples), answers=picked(said)))

        assert (found.community, numbers(found)) == (
            "MEX",
            {"shows_through_beyond_others": 3 / 8, "shows_through": 3 / 8},
        )

    def test_the_effect_of_a_wording_is_compared_with_that_of_the_culture(self) -> None:
        answers = picked({"MEX": [0, 0], "NGA": [0, 1]}) + picked(
            {"MEX": [1, 0], "NGA": [1, 1]}, variant="b"
        )

        found = only(artefacts, Evidence(answers=answers))

        # Two of the four pairs that differ in the wording change, and two of the four that differ
        # in the culture.
        assert numbers(found) == {
            "paraphrase_effect_beyond_culture": 0,
            "paraphrase_effect": 0.5,
            "culture_effect": 0.5,
        }
        assert found.rows.ids == ("q0",)

    def test_the_effect_of_a_language_is_compared_with_that_of_the_culture(self) -> None:
        answers = picked({"MEX": [0, 0], "NGA": [0, 0]}) + picked(
            {"MEX": [1, 1], "NGA": [1, 0]}, language="es"
        )

        found = only(language, Evidence(answers=answers))

        assert numbers(found) == {
            "language_effect_beyond_culture": 0.5,
            "language_effect": 0.75,
            "culture_effect": 0.25,
        }

    def test_a_given_natural_order_is_the_same_as_no_order(self) -> None:
        answers = picked({"MEX": [0], "NGA": [0]}) + picked({"MEX": [1], "NGA": [1]}, order=(0, 1))

        assert "one way of asking" in skipped(artefacts, Evidence(answers=answers))


def pair(
    n: int, community: str = "MEX", rater: str | None = None, **more: object
) -> PreferencePair:
    texts = {"chosen": f"yes {n}", "rejected": f"nay {n}"} | more
    return PreferencePair(
        f"p{n}", "why?", community=community, rater=rater or f"{community}/r{n}", **texts
    )  # type: ignore[arg-type]


def rewarded(
    pairs: Sequence[PreferencePair], reference: Sequence[float], **steers: Sequence[float]
) -> Evidence:
    """Margins of one method: ``MEX=[1, -1]`` those of the steer to Mexico."""
    margins = {"full": {c: np.array(values, dtype=float) for c, values in steers.items()}}
    return Evidence(
        pairs=pairs,
        rewards=RewardMargins(
            TestPairs.of(pairs, np.array(reference, dtype=float)), margins, tuple(steers)
        ),
    )


TEN = [pair(n) for n in range(10)]


class TestRewards:
    def test_a_steer_to_the_wrong_neighbour_is_how_much_better_the_other_one_serves(self) -> None:
        evidence = rewarded(TEN, [1] * 10, MEX=[1] * 5 + [-1] * 5, NGA=[1] * 8 + [-1] * 2)

        found = only(wrong_neighbour, evidence)

        assert numbers(found) == {
            "served_better_by_other": 0.3,
            "pairwise_accuracy": 0.5,
            "pairwise_accuracy_by_other": 0.8,
        }
        assert found.rows.ids == ("p5", "p6", "p7")

    def test_the_loss_on_all_pairs_is_reported_with_the_accuracy_on_contested_pairs(self) -> None:
        evidence = rewarded(TEN, [1] * 5 + [-1] * 5, MEX=[-1] * 4 + [1] + [-1] + [1] * 4)

        found = only(contested_only, evidence)

        assert numbers(found) == {
            "lost_on_all": 0.0,
            "pairwise_accuracy": 0.5,
            "pairwise_accuracy_contested": 0.8,
        }
        assert found.rows.ids == ("p0", "p1", "p2", "p3")

    def test_harm_is_what_others_lose_beyond_what_its_own_people_gain(self) -> None:
        both = TEN + [pair(n, "NGA") for n in range(10, 20)]
        evidence = rewarded(both, [1] * 9 + [-1] + [1] * 10, MEX=[1] * 10 + [-1] * 3 + [1] * 7)

        found = only(harm, evidence)

        assert numbers(found) == {"cost_beyond_gain": 0.2, "cost_to_others": 0.3, "gain": 0.1}
        assert found.rows.ids == ("p10", "p11", "p12")

    def test_a_preference_for_length_is_compared_with_the_raters_own(self) -> None:
        # The longer response is chosen in four of ten pairs; the model prefers it in seven.
        pairs = [pair(n, chosen="long " * 9 if n < 4 else "yes") for n in range(10)]
        evidence = rewarded(pairs, [0.5] * 10, MEX=[1] * 4 + [-1] * 3 + [1] * 3)

        found = only(length, evidence)

        assert numbers(found) == {"beyond_raters": 0.3, "by_model": 0.7, "by_raters": 0.4}
        assert found.rows.ids == ("p4", "p5", "p6")

    def test_a_preference_for_refusals_is_compared_with_the_raters_own(self) -> None:
        sorry = "I'm sorry, but I can't help with that."
        pairs = [pair(n, **{"chosen" if n < 1 else "rejected": sorry}) for n in range(10)]
        evidence = rewarded(pairs, [0.5] * 10, MEX=[1] + [-1] * 4 + [1] * 5)

        assert numbers(only(refusals, evidence)) == {
            "beyond_raters": 0.4,
            "by_model": 0.5,
            "by_raters": 0.1,
        }

    def test_choices_turned_without_a_gain_for_a_thin_community_are_counted(self) -> None:
        evidence = rewarded(
            TEN, [1] * 5 + [-1] * 5, MEX=[-1] * 2 + [1] * 5 + [-1] * 3
        )  # two lost, two won

        found = only(beyond_evidence, evidence)

        assert (found.value, numbers(found)) == (0.4, {"choices_turned": 0.4, "gain": 0.0})

    def test_choices_turned_with_a_gain_that_is_sure_are_none_of_its_business(self) -> None:
        assert only(beyond_evidence, rewarded(TEN, [-1] * 10, MEX=[1] * 10)).value == 0

    def test_two_people_are_too_few_to_show_that_a_steer_outruns_them(self) -> None:
        two = [replace(p, rater=f"r{n % 2}") for n, p in enumerate(TEN)]

        assert "fewer than 5 raters" in skipped(
            beyond_evidence, rewarded(two, [1] * 10, MEX=[-1] * 10)
        )

    def test_without_the_pairs_the_number_of_people_behind_a_steer_is_unknown(self) -> None:
        evidence = replace(rewarded(TEN, [1] * 10, MEX=[-1] * 10), pairs=())

        assert "--pairs" in skipped(beyond_evidence, evidence)
        assert "--pairs" in skipped(coarse_country, evidence)

    @pytest.mark.parametrize(
        "check", [wrong_neighbour, coarse_country, contested_only, harm, length, refusals]
    )
    def test_a_run_whose_methods_do_not_steer_is_not_assessed_with_a_reason(
        self, check: Check
    ) -> None:
        evidence = replace(
            rewarded([replace(p, extra={"gender": "x"}) for p in TEN], [1] * 10),
            rewards=RewardMargins(TestPairs.of(TEN, np.ones(10)), {}, ("MEX",)),
        )

        assert (measured(check, evidence), bool(skipped(check, evidence))) == ([], True)

    def test_groups_that_are_too_small_are_no_groups(self) -> None:
        pairs = [pair(n, extra={"religion": ("north", "south", "east")[n % 3]}) for n in range(36)]
        margin = [1.0 if n % 3 else -1.0 for n in range(36)]
        evidence = rewarded(pairs, [1] * 36, MEX=margin)

        assert only(coarse_country, evidence).value == 1
        assert measured(coarse_country, evidence, Context(draws=200, small=13)) == []


def item(
    n: int, level: Level, right: bool = True, several: int = 1, reason: bool | None = None
) -> ReasoningAnswer:
    answer, supported = "yes" if right else "no", {True: "yes", False: "no"}
    places = ("MEX", "NGA")[:several]
    return ReasoningAnswer(
        f"{several}/{n}",
        "m",
        places,
        level,
        "yes",
        answer,
        None if reason is None else supported[reason],
    )


class TestReasoning:
    def test_levels_are_compared_on_the_items_asked_at_both(self) -> None:
        asked = [item(n, "rule_of_thumb") for n in range(12)] + [
            item(n, "country", n < 6) for n in range(10)
        ]

        found = only(levels, Evidence(items=asked))

        assert numbers(found) == {
            "fall": 0.4,
            "accuracy_rule_of_thumb": 1.0,
            "accuracy_country": 0.6,
        }
        assert found.rows.ids == ("1/6", "1/7", "1/8", "1/9")

    def test_two_cultures_are_compared_with_one_at_the_level_of_countries(self) -> None:
        asked = [item(n, level) for n in range(20) for level in LEVELS]
        asked += [item(n, "country", n < 15, several=2) for n in range(20)]

        assert numbers(only(between, Evidence(items=asked))) == {
            "fall": 0.25,
            "accuracy_one_culture": 1.0,
            "accuracy_between_cultures": 0.75,
        }

    def test_the_error_of_a_fall_between_different_items_is_that_of_both_together(self) -> None:
        """Not none, because the draws of both were the same."""
        asked = [item(n, "country", n % 2 == 0, several) for n in range(50) for several in (1, 2)]

        found = only(between, Evidence(items=asked), Context(draws=2000))

        assert found.error == pytest.approx(sqrt(2 * 0.25 / 50), rel=0.1)

    def test_reasons_for_another_answer_are_counted(self) -> None:
        asked = [item(n, "country", reason=n >= 3) for n in range(10)]

        found = only(reasons, Evidence(items=asked))

        assert (found.value, found.rows.ids) == (0.3, ("1/0", "1/1", "1/2"))

    def test_knowing_is_compared_with_answering_on_the_questions_of_both(self) -> None:
        people = {"MEX": [[0.9, 0.1]] * 10}
        answers = weighed(people, strategy="estimate") + picked({"MEX": [0] * 7 + [1] * 3})

        found = only(known, Evidence(survey=survey_of(people), answers=answers))

        assert numbers(found) == {
            "known_beyond_answered": 0.3,
            "closeness_of_estimates": 1.0,
            "closeness_of_answers": 0.7,
        }
        assert set(found.rows.ids) >= {"q7", "q8", "q9"}


class TestParticipation:
    def test_questions_that_most_were_asked_and_one_people_was_not_are_listed(self) -> None:
        asked = [0.5, 0.5]
        survey = survey_of({"MEX": [asked] * 4, "NGA": [asked] * 4, "NZL": [asked, asked, [], []]})

        found = {
            m.community: (m.value, m.rows.ids) for m in measured(not_asked, Evidence(survey=survey))
        }

        assert found == {"MEX": (0, ()), "NGA": (0, ()), "NZL": (0.5, ("q2", "q3"))}

    def test_a_question_that_most_were_not_asked_does_not_count_as_missing(self) -> None:
        survey = survey_of(
            {"MEX": [[0.5, 0.5], [0.5, 0.5]], "NGA": [[0.5, 0.5], []], "NZL": [[0.5, 0.5], []]}
        )

        assert [m.value for m in measured(not_asked, Evidence(survey=survey))] == [0, 0, 0]

    def test_answers_without_people_are_counted_for_each_survey(self) -> None:
        first, second = (
            survey_of({"MEX": [[1.0]]}, n=None),
            survey_of({"MEX": [[1.0]]}, n=9, name="other"),
        )

        found = measured(uncounted, Evidence(survey=first, other_surveys=[second]))

        assert [(m.subject, m.value) for m in found] == [("town", 1.0), ("other", 0.0)]

    def test_two_surveys_contradict_each_other_where_shares_are_far_apart(self) -> None:
        one = survey_of({"MEX": [[0.5, 0.5]] * 5, "NGA": [[0.5, 0.5]] * 5})
        near, far = [0.55, 0.45], [0.7, 0.3]
        other = survey_of({"MEX": [near, near, near, far, far], "NGA": [near] * 5}, name="other")

        found = {
            m.community: m
            for m in measured(contradictions, Evidence(survey=one, other_surveys=[other]))
        }

        assert {c: m.value for c, m in found.items()} == {"MEX": 0.4, "NGA": 0}
        assert (found["MEX"].subject, found["MEX"].rows.ids) == ("town and other", ("q3", "q4"))

    def test_options_are_compared_by_their_words_not_by_their_position(self) -> None:
        one = survey_of({"MEX": [[0.9, 0.1]]}, options=("Agree", "Disagree"))
        turned = survey_of({"MEX": [[0.1, 0.9]]}, name="turned", options=("disagree", "agree"))
        elsewise = survey_of({"MEX": [[0.1, 0.9]]}, name="elsewise", options=("Sometimes", "Never"))

        found = only(contradictions, Evidence(survey=one, other_surveys=[turned, elsewise]))

        assert (found.subject, found.value) == ("town and turned", 0)

    def test_two_sources_of_pairs_contradict_each_other_where_majorities_are_opposed(self) -> None:
        def vote(n: int, source: str, prompt: str, chosen: str) -> PreferencePair:
            rejected = "no" if chosen == "yes" else "yes"
            return PreferencePair(
                f"{source}{n}", prompt, chosen, rejected, "MEX", rater=f"r{n}", source=source
            )

        pairs = [vote(n, "a", prompt, "yes") for n, prompt in enumerate(["tea?", "rain?"] * 3)]
        pairs += [vote(n, "b", "tea?", "no") for n in (10, 11)] + [vote(12, "b", "tea?", "yes")]
        pairs += [vote(13, "b", "rain?", "yes"), vote(14, "b", "snow?", "no")]

        found = only(contradictions, Evidence(pairs=pairs))

        assert (found.subject, found.value, found.rows.ids) == ("a and b", 0.5, ("tea?",))

    def test_raters_are_reported_with_their_pairs_and_the_largest_share(self) -> None:
        pairs = [pair(n, rater=f"r{n % 5}", weight=6.0 if n % 5 == 0 else 1.0) for n in range(10)]
        evidence = Evidence(pairs=pairs)

        assert numbers(only(few_people, evidence)) == {"raters": 5, "pairs_per_rater": 2}
        assert numbers(only(one_voice, evidence)) == {
            "heaviest_share": 0.6,
            "effective_raters": 2.5,
        }

    def test_records_of_shares_and_those_called_so_are_institutional(self) -> None:
        pairs = [
            pair(n, extra={"origin": "Institutional"} if n < 3 else {"origin": "lived"})
            for n in range(8)
        ]
        pairs += [replace(pair(n), rater=None, question="Q1", strength=0.2) for n in (8, 9)]

        assert only(institutional, Evidence(pairs=pairs)).value == 0.5

    def test_records_without_a_rater_alone_are_not_called_institutional(self) -> None:
        unknown = [replace(pair(n), rater=None) for n in range(4)]

        assert measured(institutional, Evidence(pairs=unknown)) == []
        assert only(institutional, Evidence(pairs=[*unknown, pair(4)])).value == 0

    def from_homes(
        self, homes: Sequence[str], community: str = "MEX", column: str = "rater_country"
    ) -> Evidence:
        return Evidence(
            pairs=[pair(n, community, extra={column: home}) for n, home in enumerate(homes)]
        )

    def test_outsiders_are_counted_by_person_for_every_label_of_their_home(self) -> None:
        homes = ["Mexico", "MEX", "mx", "mexico"] * 4 + ["Guatemala"] * 3 + ["MEX/oaxaca", "USA"]
        both = self.from_homes([*homes, "Honduras"])

        assert only(outsiders, both).value == 5 / 22

    @pytest.mark.parametrize("community", ["~world", "~yoruba"])
    def test_a_country_does_not_show_who_belongs_to_a_people_without_one(
        self, community: str
    ) -> None:
        evidence = self.from_homes(["NGA"] * 20, community)

        assert measured(outsiders, evidence) == []
        assert skipped(outsiders, evidence)

    def test_a_member_of_the_whole_may_belong_to_the_part(self) -> None:
        assert measured(outsiders, self.from_homes(["MEX"] * 20, "MEX/oaxaca")) == []
        assert (
            only(outsiders, self.from_homes(["MEX/oaxaca"] * 20, "MEX", "rater_community")).value
            == 0
        )
        assert only(outsiders, self.from_homes(["GTM"] * 20, "MEX/oaxaca")).value == 1
        assert (
            only(outsiders, self.from_homes(["NGA"] * 20, "~yoruba", "rater_community")).value == 1
        )

    def test_few_outsiders_are_not_reported_and_neither_are_few_insiders(self) -> None:
        few = self.from_homes(["MEX"] * 17 + ["USA"] * 3)
        assert measured(outsiders, few) == []
        assert "fewer than 5" in skipped(outsiders, few)

        most = only(outsiders, self.from_homes(["MEX"] * 3 + ["USA"] * 17))
        assert most.value == 15 / 20  # told as if five were at home: no exact number follows

    def residents(self, counts: Mapping[str, int], **shares: float) -> Evidence:
        groups = [group for group, n in counts.items() for _ in range(n)]
        pairs = [pair(n, extra={"religion": group}) for n, group in enumerate(groups)]
        return Evidence(pairs=pairs, residents={"MEX": {"religion": shares}})

    def test_the_distance_to_the_residents_is_beyond_what_chance_gives(self) -> None:
        found = only(
            unlike_residents, self.residents({"north": 90, "south": 10}, north=0.5, south=0.5)
        )

        by_chance = sqrt(0.25 / 100) * sqrt(2 / np.pi)  # mean of |X - 1/2| for a hundred raters
        assert found.value == pytest.approx(0.4 - by_chance, abs=0.01)
        assert "90 % are north, against 50 %" in str(found.claim)

    def test_many_small_groups_do_not_make_a_large_difference(self) -> None:
        """Each is counted among the others, not as the fewest that may be told."""
        small = {f"g{i}": 1 for i in range(10)}
        shares = {"north": 0.8} | dict.fromkeys(small, 0.02)

        assert only(unlike_residents, self.residents({"north": 40} | small, **shares)).value < 0.05

    def test_a_group_too_small_to_report_is_not_named(self) -> None:
        evidence = self.residents({"north": 9, "south": 8, "east": 1}, north=0.5, south=0.5)

        found = only(unlike_residents, evidence)

        assert (found.claim.values["group"], found.claim.values["share"]) == (
            "south",
            Share(8 / 18),
        )

    @pytest.mark.parametrize("hidden", [1, 2, 3, 4])
    def test_no_reported_number_depends_on_the_size_of_a_hidden_group(self, hidden: int) -> None:
        evidence = self.residents({"north": 40 - hidden, "south": hidden}, north=0.5, south=0.5)

        found = only(unlike_residents, evidence)

        assert (
            found.value
            == only(
                unlike_residents, self.residents({"north": 38, "south": 2}, north=0.5, south=0.5)
            ).value
        )
        assert found.claim.values["share"].value == 35 / 40  # type: ignore[union-attr]

    def test_no_language_of_few_people_is_reported(self) -> None:
        pairs = [pair(n, language="es" if n < 30 else "nah") for n in range(32)]

        (row,) = who_took_part(Evidence(pairs=pairs), small=5)

        assert "nah" not in str(row)
        assert sum(row["languages"].values()) == 32


def test_a_second_community_does_not_change_the_numbers_of_the_first() -> None:
    people = {
        "MEX": [told(0), told(1), told(2)],
        "NGA": [told(2), told(1), told(0)],
        "NZL": [told(1)] * 3,
    }
    ours = {"MEX": [told(0), told(0), told(2)], "NGA": [[0.4, 0.3, 0.3]] * 3}
    checks: Iterator[Check] = iter((within, other_people))

    for check in checks:
        alone, both = (
            Evidence(survey=survey_of(people), answers=weighed({c: ours[c] for c in named}))
            for named in (["MEX"], ["MEX", "NGA"])
        )
        first = next(m for m in measured(check, both) if m.community == "MEX")
        assert only(check, alone) == first


def test_each_community_is_measured_in_the_language_it_was_asked_in() -> None:
    peoples = {"MEX": [told(0), told(1)], "NGA": [told(2), told(1)]}
    answers = picked({"MEX": [0, 1]}, language="es") + picked({"NGA": [2, 1]}, language="en")

    assert only(alike, Evidence(survey=survey_of(peoples), answers=answers)).value == 0


def test_a_number_of_few_people_needs_a_longer_interval_than_one_of_many() -> None:
    limit, rows = Threshold(0.2, 0.4, ""), Rows("answers", 10)

    def severity(clusters: float) -> str | None:
        measured = Measured("m", None, 0.5, 0.04, {}, Sentence(""), rows, "", clusters=clusters)
        return severity_of(measured, limit, tests=1)

    assert (severity(200.0), severity(5.0)) == ("risk", "concern")


def test_a_number_without_any_draw_is_a_note_at_most() -> None:
    survey = survey_of({"MEX": [told(0)], "NGA": [told(2)]})
    found = only(alike, Evidence(survey=survey, answers=picked({"MEX": [0], "NGA": [0]})))

    assert found.value == 1
    assert severity_of(replace(found, error=float("inf")), Threshold(0.1, 0.2, ""), 1) == "note"


def test_suppressed_groups_sum_to_all() -> None:
    assert suppressed({"a": 6, "b": 5, "c": 1}, 5) == {"a": 6, "fewer": 6}


@pytest.mark.parametrize("check", [contested_only, harm, wrong_neighbour])
def test_steers_that_are_drawn_in_parts_give_what_all_at_once_give(check, monkeypatch):
    at_once = list(check(sound(3).evidence(), CONTEXT))
    assert any(isinstance(found, Measured) for found in at_once)
    monkeypatch.setattr(steer_accuracy, "MOST_DRAWS", 1)
    assert str(list(check(sound(3).evidence(), CONTEXT))) == str(at_once)
