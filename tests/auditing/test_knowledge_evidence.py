"""Scored answers to knowledge questions are audited from the folder of their run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pluralign.auditing import Given, gather, run_audit
from pluralign.cli.audit_tables import show_audit
from pluralign.cli.output import Output
from pluralign.core import DamagedFile, KnowledgeAnswer, PlaceWords, knowledge_answer_row
from pluralign.languages import Speech
from pluralign.reports.reading import read_run
from pluralign.reports.writing import page_of
from pluralign.simulation import PlantedKnowledge, plant_knowledge
from pluralign.sources.knowledge_reading import PlacedQuestion
from pluralign.sources.row_files import RowPolicy
from pluralign.surveying import evaluate_knowledge

PLACES = ("~alder", "~birch", "~cedar")


@dataclass(frozen=True)
class Source:
    planted: PlantedKnowledge
    names: dict[str, str] = field(default_factory=dict)
    name: str = "planted"
    license: str | None = None
    skip_bad: bool = False

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        for question in self.planted.test().questions:
            own = self.names.get(question.community)
            place = {"en": PlaceWords(name=own)} if own else {}
            yield PlacedQuestion(replace(question, place=place), question.where)


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    return scored_run(tmp_path)


def scored_run(tmp_path: Path, names: dict[str, str] | None = None) -> Path:
    """A model that answers as the people of Alder where no place is named, in any language."""
    planted = plant_knowledge(PLACES, seed=0, questions=24)
    answers = []
    for place, language in planted.languages.items():
        for number, id_ in enumerate(planted.questions):
            for named in (True, False):
                people = place if named else PLACES[0]
                word = planted.word(number, planted.common(people, number), language)
                answers.append(KnowledgeAnswer("m", id_, place, word, language, named))
    file = tmp_path / "given.jsonl"
    file.write_text("".join(json.dumps(knowledge_answer_row(a)) + "\n" for a in answers))
    evaluate_knowledge([file], Source(planted, names or {}), tmp_path / "scored")
    return tmp_path / "scored"


def test_the_answers_have_their_credit_in_each_community_and_each_place_its_language(scored):
    evidence = gather(Given(scored)).evidence.knowledge

    assert evidence.languages == {"~alder": "qaa", "~birch": "qab", "~cedar": "qac"}
    assert len(evidence.scored) == 3 * 24 * 2
    assert all(set(one.credits) == set(PLACES) for one in evidence.scored)
    named = [one.own for one in evidence.scored if one.place_named]
    assert set(named) == {1.0}


def test_the_audit_names_the_default_culture_and_writes_its_numbers_and_questions(scored):
    outcome = run_audit(scored)

    found = [f for f in outcome.findings if f.severity != "note"]
    assert {(f.audit, f.check, f.community) for f in found} == {
        ("knowledge", "default-culture", "~alder"),
        ("knowledge", "other-people", "~birch"),
        ("knowledge", "other-people", "~cedar"),
    }
    row = json.loads((scored / "audit" / "findings.jsonl").read_text().splitlines()[0])
    assert row["values"]["community"] == {"place": "~alder"}
    assert row["numbers"][0]["name"] == "credit_beyond_own"
    assert row["rows"]["ids"][0].startswith("~birch/q")
    assert outcome.record["evidence"]["knowledge"] == 144


def test_the_audit_and_its_report_name_places_as_the_test_does(tmp_path, capsys):
    run = scored_run(tmp_path, {"~alder": "Alder Valley"})
    outcome = run_audit(run, out=tmp_path / "audit")
    show_audit(outcome, tmp_path / "audit", Output())

    assert "falls back on Alder Valley: asked" in capsys.readouterr().out
    page = page_of([read_run(tmp_path / "audit")], Speech())
    (section,) = (s for s in page.sections if s.id == "findings")
    assert "falls back on Alder Valley: asked" in str(section)


def test_a_run_without_a_stated_licence_is_reported_so(scored):
    assert gather(Given(scored)).licenses == {"planted": "not stated"}


def test_scores_that_were_cut_off_are_refused(scored):
    (scored / "scored.jsonl").write_text("")

    with pytest.raises(DamagedFile, match=r"scored\.jsonl \(0 bytes instead of"):
        gather(Given(scored))
