"""A release has the rows that its people consent to now, and nothing else."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from pluralign.collecting import audit_log
from pluralign.collecting.consents import give_consent
from pluralign.collecting.ratings import Answer, keep_answer
from pluralign.collecting.release_facts import share_weights
from pluralign.collecting.release_files import read_release
from pluralign.collecting.released_rows import public_id, release_key
from pluralign.collecting.releasing import make_release
from pluralign.collecting.store.tables import (
    assignment,
    audit,
    document,
    pair,
    release,
    text,
)
from pluralign.core import DamagedFile, InvalidInput, NotEnoughData, Tally
from pluralign.sources import CollectedPairs

BOTH_DATABASES = True
NOW = 1_800_000_000
KEY = bytes(range(32))


def _release(filling, *purposes, key=KEY, stewards=("Ana",)):
    return make_release(filling.store, filling.study, purposes, stewards, key, NOW)


def _rows(made, name) -> list[dict[str, Any]]:
    path = Path(made.folder) / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _consent(filling, person, *purposes):
    def give(c):
        newest = select(document.c.id).where(document.c.kind == "consent").limit(1)
        give_consent(c, person, c.execute(newest).scalar_one(), purposes, NOW)

    filling.store.write(give)


def test_a_release_has_the_choices_of_the_people_of_a_community_with_texts_and_origin(filling):
    filling.people("MEX", 12)
    made = _release(filling, "train")
    pairs, answers, texts = (_rows(made, f"{n}.jsonl") for n in ("pairs", "answers", "texts"))
    assert made.communities["MEX"]["people"] == len({row["rater"] for row in pairs}) == 12
    assert made.communities["MEX"]["answers"] == len(answers) == 12 * 6
    assert Counter(row["choice"] for row in answers)["tie"] == len(answers) - len(pairs) > 0
    warm = [row for row in pairs if "warm" in row["chosen"] and "cold" in row["rejected"]]
    cold = [row for row in pairs if "cold" in row["chosen"] and "warm" in row["rejected"]]
    assert len(warm) > 3 * len(cold)
    for row in pairs:
        assert row["license"] == "CC-BY-4.0 AND CC0-1.0"
        assert row["chosen_origin"] == row["prompt_origin"] == "study"
        assert (row["reason"], row["propensity"]) == ("anchor", 0.25)
        assert row["consent"] == "given"
        assert "train" in row["purposes"]
    ids = {row["id"] for row in texts}
    assert {row[side] for row in answers for side in ("prompt", "left", "right")} == ids


@pytest.mark.parametrize("purpose", ["train", "evaluate", "publish-rows", "publish-quotes"])
def test_a_row_without_a_live_consent_for_a_purpose_is_in_no_release_for_it(filling, purpose):
    everything = ("collect", "train", "evaluate", "publish-rows", "publish-quotes")
    filling.people("MEX", 10)
    left_out = [one for one in everything if one != purpose]
    if purpose == "publish-quotes":
        left_out.remove("publish-rows")
    filling.people("MEX", 3, purposes=left_out)
    changed = filling.people("MEX", 1)[0]
    _consent(filling, changed, "collect")
    made = _release(filling, purpose)
    assert made.communities["MEX"]["people"] == 10
    assert all(purpose in row["purposes"] for row in _rows(made, "answers.jsonl"))
    assert made.left_out["the person does not consent to these purposes"] == 4 * 6


def test_only_the_newest_version_of_an_answer_is_released(filling):
    person, *_ = filling.people("MEX", 10)

    def change(c):
        query = select(assignment.c.id).where(assignment.c.participant == person)
        for shown in c.execute(query).scalars().all():
            keep_answer(c, person, Answer(shown, "both-bad"), NOW + 1)

    filling.people("MEX", 1)
    filling.store.write(change)
    answers = _rows(_release(filling, "train"), "answers.jsonl")
    choices = Counter(row["rater"] for row in answers if row["choice"] == "both-bad")
    assert list(choices.values()) == [6]
    assert len(answers) == len({row["id"] for row in answers}) == 11 * 6


def test_a_community_below_its_floor_is_left_out_and_its_size_is_nowhere_in_the_files(filling):
    filling.people("MEX", 12)
    filling.people("~hill", 2)
    made = _release(filling, "train")
    assert list(made.communities) == ["MEX"]
    assert made.left_out["community below the floor"] == 2 * 6
    facts, _ = read_release(Path(made.folder))
    assert facts.left_out["community below the floor"] == 10  # 12 answers, rounded
    assert facts.communities_left_out == 1
    files = "".join(p.read_text("utf-8") for p in Path(made.folder).iterdir())
    assert "~hill" not in files
    filling.people("~hill", 1)
    assert _release(filling, "train", key=bytes(32)).communities["~hill"]["people"] == 3


def test_people_who_made_no_choice_do_not_count_towards_the_floor(filling):
    filling.people("MEX", 9)
    filling.people("MEX", 5, answers=0)
    with pytest.raises(NotEnoughData, match="no community has enough people"):
        _release(filling, "train")
    assert not list((filling.study.folder / "releases").glob("*/*"))


def test_no_id_of_the_store_is_in_a_release_and_two_releases_share_no_id(filling):
    people = filling.people("MEX", 10)
    made, other = _release(filling, "train"), _release(filling, "train", key=bytes(32))
    files = "".join(p.read_text("utf-8") for p in Path(made.folder).iterdir())
    with filling.store.reading() as c:
        ids = [*people, *c.execute(select(assignment.c.id)).scalars()]
        ids += c.execute(select(text.c.id)).scalars()
    assert not [id_ for id_ in ids if id_ in files]
    ids_of = [
        {row[column] for row in _rows(one, "answers.jsonl") for column in ("id", "rater", "left")}
        for one in (made, other)
    ]
    assert ids_of[0].isdisjoint(ids_of[1])


def test_the_same_store_and_key_give_the_same_bytes(filling, tmp_path):
    filling.people("MEX", 11)
    filling.people("~hill", 4)
    elsewhere = replace(filling.study, folder=tmp_path / "other")
    made = _release(filling, "train")
    again = _undone(filling, made, elsewhere)
    for path in sorted(Path(made.folder).iterdir()):
        assert path.read_bytes() == (Path(again.folder) / path.name).read_bytes(), path.name


def _undone(filling, made, elsewhere):
    """The same release again, as if the first one had never been made."""

    def undo(c):
        c.execute(release.delete())
        seq = select(audit.c.seq).where(audit.c.object == made.id)
        c.execute(audit.delete().where(audit.c.seq.in_(seq.scalar_subquery())))

    filling.store.write(undo)
    return make_release(filling.store, elsewhere, ["train"], ["Ana"], KEY, NOW)


def test_reasons_are_in_an_internal_release_and_in_a_published_one_only_with_consent(filling):
    filling.people("MEX", 10, purposes=("collect", "train", "publish-rows"))
    filling.people("MEX", 5)
    assert all(
        row["context"] == "I like it." for row in _rows(_release(filling, "train"), "pairs.jsonl")
    )
    published = _rows(_release(filling, "publish-rows", key=bytes(32)), "pairs.jsonl")
    quoted = {"publish-quotes" in row["purposes"] for row in published if row["context"]}
    assert quoted == {True}
    assert any(row["context"] is None for row in published)


def test_texts_of_people_are_published_only_if_their_authors_agreed_to_be_quoted(filling):
    shy, bold = filling.people("MEX", 2, purposes=("collect", "train", "publish-rows"), answers=0)
    _consent(filling, bold, "collect", "train", "publish-rows", "publish-quotes")

    def write(c):
        prompt = filling.text(c, "prompt", "And at night?")
        for author, body in ((shy, "Shy milk."), (bold, "Bold milk."), (None, "No milk.")):
            filling.text(c, "response", body, parent=prompt, author=author, community="MEX")

    filling.store.write(write)
    filling.people("MEX", 10, answers=40)
    made = _release(filling, "publish-rows")
    bodies = {row["body"] for row in _rows(made, "texts.jsonl")}
    assert "Bold milk." in bodies
    assert "Shy milk." not in bodies
    assert made.left_out["the author of a text does not consent to these purposes"] > 0
    inside = _release(filling, "train", key=bytes(32))
    assert "Shy milk." in {row["body"] for row in _rows(inside, "texts.jsonl")}


def test_hidden_texts_and_practice_pairs_are_not_released(filling):
    filling.people("MEX", 12)
    with filling.store.reading() as c:
        hidden = c.execute(select(text).where(text.c.kind == "response").limit(1)).one()
        some = c.execute(select(pair.c.id).limit(1)).scalar_one()

    def change(c):
        c.execute(text.update().where(text.c.id == hidden.id).values(state="hidden"))
        person = c.execute(select(assignment.c.participant).limit(1)).scalar_one()
        filling.answer(c, person, some, shown_as="practice")

    filling.store.write(change)
    made = _release(filling, "train")
    assert hidden.body not in (Path(made.folder) / "texts.jsonl").read_text("utf-8")
    assert made.left_out["practice pair"] == 1
    assert made.left_out["a text was hidden or erased"] > 0


def test_an_exchanged_choice_carries_its_probability_and_nothing_that_reveals_the_choice(filling):
    person, *_ = filling.people("MEX", 11)
    with filling.store.reading() as c:
        some = c.execute(select(pair.c.id).limit(1)).scalar_one()
    filling.store.write(lambda c: filling.answer(c, person, some, choice="left", flip=0.2))
    made = _release(filling, "train")
    (row,) = [r for r in _rows(made, "pairs.jsonl") if r["flip"]]
    assert (row["flip"], row["strength"], row["context"]) == (0.2, None, None)
    (read,) = [one for one in CollectedPairs(Path(made.folder)).pairs() if one.flip]
    assert (read.id, read.flip) == (row["id"], 0.2)


def test_a_release_needs_a_steward_of_each_community_and_records_who_agreed(filling):
    filling.people("MEX", 11)
    filling.people("~hill", 4)
    filling.steward("Hill Billy", "~hill")
    with pytest.raises(InvalidInput, match="no steward 'Zoe'"):
        _release(filling, "train", stewards=("Zoe",))
    with pytest.raises(InvalidInput, match="no steward is named"):
        _release(filling, "train", stewards=())
    made = _release(filling, "train", stewards=("Hill Billy",))
    assert list(made.communities) == ["~hill"]
    assert made.left_out["no steward of the community agreed"] == 11 * 6
    with filling.store.reading() as c:
        assert c.execute(select(release.c.stewards)).scalar_one() == "s-Hill Billy"
        logged = select(audit.c.action, audit.c.digest).where(audit.c.object == made.id)
        rows = c.execute(logged.order_by(audit.c.seq)).all()
        assert audit_log.broken_at(c) is None
    assert rows == [
        ("agreement noted: steward s-Hill Billy", made.digest),
        ("release made", made.digest),
    ]


@pytest.mark.parametrize("purposes", [[], ["collect"], ["contact"], ["selling"]])
def test_only_uses_are_purposes_of_a_release(filling, purposes):
    with pytest.raises(InvalidInput, match="a purpose of a release must be one of train"):
        _release(filling, *purposes)


@pytest.mark.parametrize("name", ["pairs.jsonl", "answers.jsonl", "README.md", "manifest.jsonl"])
def test_an_altered_file_is_noticed(filling, name):
    filling.people("MEX", 10)
    folder = Path(_release(filling, "train").folder)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"a", b"b", 1))
    with pytest.raises(DamagedFile):
        read_release(folder)


def test_the_card_describes_people_pairs_consent_withdrawal_and_limits(filling):
    filling.people("MEX", 12)
    card = (Path(_release(filling, "train").folder) / "README.md").read_text("utf-8")
    front = card.split("---\n")[1]
    assert 'license: "other"' in front
    assert '"pairs.jsonl"' in front
    assert "| Mexico (`MEX`) | 10 | 70 |" in card  # rounded to multiples of 5
    assert "is internal: it must not be published" in card
    for title in ("People", "Choice of the pairs", "Consent", "Withdrawal", "Licences", "Limits"):
        assert f"## {title}\n" in card
    assert re.search(r"from 0\.25 to 0\.25, median 0\.25", card)


def test_croissant_has_every_file_with_its_digest_and_forbids_to_publish_what_is_internal(filling):
    filling.people("MEX", 12)
    folder = Path(_release(filling, "train").folder)
    described = json.loads((folder / "croissant.json").read_text("utf-8"))
    facts = json.loads((folder / "release.json").read_text("utf-8"))
    assert "http://mlcommons.org/croissant/1.1" in described["conformsTo"]
    files = {one["@id"]: one["sha256"] for one in described["distribution"]}
    assert files == {name: of["sha256"] for name, of in facts["files"].items()}
    assert described["usageInfo"]["odrl:prohibition"]["odrl:action"]["@id"] == "odrl:distribute"
    first = json.loads((folder / "pairs.jsonl").read_text("utf-8").splitlines()[0])
    columns = {one["source"]["extract"]["column"] for one in described["recordSet"][0]["field"]}
    assert columns <= first.keys()
    public = Path(_release(filling, "publish-rows", key=bytes(32)).folder)
    assert "odrl:prohibition" not in (public / "croissant.json").read_text("utf-8")


def test_the_source_reads_the_choices_of_a_release_and_counts_the_other_answers(filling):
    filling.people("MEX", 12)
    made = _release(filling, "train")
    tally = Tally()
    pairs = list(CollectedPairs(Path(made.folder)).pairs(tally))
    answers = Counter(row["choice"] for row in _rows(made, "answers.jsonl"))
    assert len(pairs) == tally.kept == answers["left"] + answers["right"]
    assert tally.dropped == Counter({"no preference: tie": answers["tie"]})
    assert tally.balanced
    one = pairs[0]
    assert (one.community, one.source, one.license) == ("MEX", "tea", "CC-BY-4.0 AND CC0-1.0")
    assert (one.extra["reason"], one.extra["propensity"]) == ("anchor", 0.25)
    assert (one.context, one.strength, one.flip) == ("I like it.", 2.0, 0.0)


def test_a_person_with_too_many_pairs_has_the_largest_share_of_the_weights_and_no_more(filling):
    filling.people("MEX", 24, answers=4)
    (busy,) = filling.people("MEX", 1, answers=40)
    made = _release(filling, "train")
    facts, _ = read_release(Path(made.folder))
    pairs = list(CollectedPairs(Path(made.folder)).pairs())
    own = public_id(release_key(filling.study.secret, made.id), "rater", busy)
    total = sum(pair.weight for pair in pairs)
    theirs = [pair.weight for pair in pairs if pair.rater == own]
    assert facts.most_share == 0.05
    assert len(theirs) > 0.15 * len(pairs)
    assert sum(theirs) == pytest.approx(0.05 * total)
    assert {pair.weight for pair in pairs if pair.rater != own} == {1.0}


@pytest.mark.parametrize("seed", range(20))
def test_weights_keep_everybody_at_the_largest_share_and_lower_nobody_below_it(seed):
    rng = np.random.default_rng(seed)
    most = rng.uniform(0.05, 0.5)
    people = {str(k): int(rng.integers(1, 60)) for k in range(int(1 / most) + rng.integers(1, 9))}
    weights = share_weights(people, most)
    sums = {one: weights[one] * n for one, n in people.items()}
    limit = most * sum(sums.values())
    assert max(sums.values()) <= limit * (1 + 1e-9)
    lowered = {one for one, weight in weights.items() if weight < 1}
    assert all(sums[one] == pytest.approx(limit) for one in lowered)
    assert max(people, key=people.get) in lowered or max(people.values()) <= limit * (1 + 1e-9)


def test_weights_are_1_where_an_equal_share_is_larger():
    assert share_weights({"a": 99, "b": 1}, 0.5) == {"a": 1.0, "b": 1.0}


def test_the_source_refuses_a_release_for_another_purpose_or_with_an_altered_file(filling):
    filling.people("MEX", 12)
    folder = Path(_release(filling, "evaluate").folder)
    with pytest.raises(InvalidInput, match="people consented to evaluate, not to train"):
        list(CollectedPairs(folder).pairs())
    assert list(CollectedPairs(folder, use="evaluate").pairs())
    path = folder / "pairs.jsonl"
    path.write_text(path.read_text("utf-8").replace("warm", "cold"), "utf-8")
    with pytest.raises(DamagedFile, match=r"pairs\.jsonl"):
        list(CollectedPairs(folder, use="evaluate").pairs())
    with pytest.raises(InvalidInput, match="not a release"):
        list(CollectedPairs(folder.parent).pairs())
