"""The audit of answers to knowledge questions names the place, the culture found, and its rows."""

from dataclasses import replace

from pluralign.audits import KNOWLEDGE, Evidence, KnowledgeEvidence
from pluralign.audits.planted.knowledge import (
    default_where_named,
    default_where_unnamed,
    english_guessed,
    one_place_as_another,
)
from pluralign.audits.planted.knowledge_world import answers_as_asked, knowledge_of
from pluralign.metrics import ScoredAnswer


def audited(knowledge):
    findings, assessments = KNOWLEDGE(Evidence(knowledge=knowledge))
    return [f for f in findings if f.severity != "note"], {a.check: a for a in assessments}


def test_a_default_culture_is_found_and_named_where_no_place_is():
    found, _ = audited(knowledge_of(0, default_where_unnamed(1.0)))

    [default] = [f for f in found if f.check == "default-culture"]
    assert default.community == "~alder"
    assert str(default.claim).startswith(
        "planted · short answers falls back on Alder: asked in the languages of other places "
        "without naming them, its answers score 100 % in Alder"
    )
    assert list(default.numbers) == [
        *("credit_beyond_own", "credit_in_default", "credit"),
        *("beyond_own_of_~birch", "beyond_own_of_~cedar", "beyond_own_of_~dogwood"),
    ]
    assert default.rows.ids[0].startswith("~birch/q")


def test_a_default_culture_is_shown_for_each_place_but_its_own_as_well():
    found, _ = audited(knowledge_of(0, default_where_named(1.0)))

    others = {f.community: f.claim.values["other"].id for f in found if f.check == "other-people"}
    assert others == dict.fromkeys(("~birch", "~cedar", "~dogwood"), "~alder")
    ways = [str(f.claim).split(": ")[1][:47] for f in found if f.check == "default-culture"]
    assert sorted(ways) == [
        "asked about other places by name, in English, i",
        "asked about other places by name, in their lang",
    ]


def test_one_place_that_is_answered_as_another_is_no_default_culture():
    found, _ = audited(knowledge_of(0, one_place_as_another(1.0)))

    assert {(f.check, f.community) for f in found} >= {("other-people", "~cedar")}
    assert not [f for f in found if f.check == "default-culture"]


def test_a_place_that_is_known_worse_in_english_is_named_with_both_scores():
    found, _ = audited(knowledge_of(0, english_guessed(1.0)))

    worse = next(f for f in found if f.check == "language" and f.community == "~cedar")
    assert "knows Cedar worse in English: the same questions score 8" in str(worse.claim)
    assert worse.numbers["lost_by_language"].low > 0.15
    assert worse.severity == "risk"


def test_each_model_and_form_is_a_subject_of_its_own():
    sound = knowledge_of(0, answers_as_asked)
    faulty = knowledge_of(0, default_where_unnamed(1.0))
    others = [replace(one, model="other", form="options") for one in sound.scored]

    found, _ = audited(KnowledgeEvidence([*faulty.scored, *others], faulty.languages))

    assert {f.subject for f in found} == {"planted · short answers"}


def test_a_check_that_cannot_be_assessed_reports_the_evidence_that_it_needs():
    alone = ScoredAnswer(
        model="m",
        question="q1",
        topic="Food",
        community="IRN",
        language="fa",
        place_named=True,
        form="short",
        credits={"IRN": 1.0},
    )
    _, nothing = audited(None)
    _, one_answer = audited(KnowledgeEvidence([alone]))

    assert all(a.status == "not assessed" for a in [*nothing.values(), *one_answer.values()])
    assert "no scored answers to knowledge questions" in nothing["language"].reasons[0]
    assert one_answer["language"].reasons == (
        "m · short answers: one language for each place; needs questions about one place in its "
        "language and in English",
    )
    assert "credit in one community only" in one_answer["default-culture"].reasons[0]


def test_one_topic_gives_no_error_and_is_not_assessed():
    answers = [
        ScoredAnswer(
            model="m", question=f"q{k}", topic="Food", community="IRN", language=tag,
            place_named=True, form="short", credits={"IRN": credit, "USA": 0.0},
        )
        for k in range(9)
        for tag, credit in (("fa", 1.0), ("en", 0.0))
    ]  # fmt: skip

    found, assessed = audited(KnowledgeEvidence(answers))

    assert found == []
    assert "all questions have one topic" in assessed["language"].reasons[0]
