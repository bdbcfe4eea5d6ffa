"""A person withdraws with a button, sees the receipt, and what their answers changed."""

import json
from dataclasses import asdict

import pytest
from sqlalchemy import insert, select

from pluralign.collecting.changed import Changed, keep_changes
from pluralign.collecting.pending_withdrawals import finish, work_left
from pluralign.collecting.released_rows import public_id, release_key
from pluralign.collecting.store.tables import participant, rating, release, session


def _add_release(served, made_at=1):
    values = {
        "id": "2026-11-30-abc", "purposes": "train", "digest": "d" * 64, "counts": "{}",
        "stewards": "", "made_at": made_at, "revision": 0,
    }  # fmt: skip
    served.store.write(lambda c: c.execute(insert(release).values(**values)))
    return values["id"]


def test_a_person_withdraws_as_easily_as_they_joined_and_gets_a_receipt(served):
    person = served.join()
    before = person.get("/withdraw").text
    assert "cannot be called back" in before
    page = person.post("/withdraw")
    assert page.status_code == 200
    assert "You have withdrawn" in page.text
    assert served.count(participant) == served.count(session) == served.count(rating) == 0
    assert "done on" in page.text  # nobody has released anything yet
    again = served.client().get(page.url.path)  # from another device, without a session
    assert again.status_code == 200
    assert person.get("/mine").status_code != 200
    assert person.post("/withdraw").status_code != 500


def test_the_receipt_shows_when_models_are_done_and_names_no_folder(served):
    person = served.join()
    id_ = _add_release(served)
    page = person.post("/withdraw")
    assert "not done yet" in page.text
    with served.store.reading() as connection:
        (work,) = work_left(connection)
    assert list(work.traces) == [id_]
    run = {"run": "/secret/runs/one", "release": id_, "models": "fitted again"}
    digests = {"before": "b" * 64, "after": "a" * 64, "receipt": "/secret/receipt.json"}
    served.store.write(
        lambda c: finish(c, served.study.folder, work.withdrawal, [run | digests], served.now[0])
    )
    done = served.client("es").get(page.url.path).text
    assert "bbbbbbbbbbbb" in done
    assert "/secret" not in done


def test_a_receipt_that_does_not_exist_is_not_found(served):
    assert served.client().get("/withdrawn/nobody").status_code == 404


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_person_sees_what_their_answers_changed_and_nobody_else_does(served, language):
    one, other = served.join(language), served.join(language)
    assert "/mine" in one.get("/changed").text  # nothing yet
    id_ = _add_release(served)
    with served.store.reading() as connection:
        ids = connection.execute(select(participant.c.id)).scalars().all()
    numbers = {"value": 0.03, "low": 0.02, "high": 0.04}
    pair = {"prompt": "Tea?", "preferred": "Yes.", "other": "No.", "with_you": 0.9}
    content = {
        "release": id_, "made_on": "2026-11-30", "answers": 8, "people": 15, "measured": True,
        "moved": numbers, "typical": [0.01, 0.05], "same": numbers, "accuracy": None,
        "examples": [
            pair | {"without_you": 0.8}, pair | {"prompt": "Salt?", "without_you": 0.90001}
        ],
    }  # fmt: skip
    assert Changed.from_json(json.dumps(content)).answers == 8
    key = release_key(served.study.secret, id_)
    changes = {public_id(key, "rater", ids[0]): content, "somebody who withdrew": content}
    assert served.store.write(lambda c: keep_changes(c, served.study, id_, changes, 1)) == 1
    shown = [person.get("/changed").text for person in (one, other)]
    assert sum("Tea?" in page for page in shown) == 1
    assert not any("Salt?" in page for page in shown)  # it would read "90.0 %; without, 90.0 %"
    assert served.client().get("/changed").status_code != 200


def test_after_a_withdrawal_a_person_reads_that_their_changes_are_measured_again(
    served, hidden_fields
):
    leaving, staying = served.join(), served.join()
    page = staying.get("/compare")
    staying.post("/compare", data=hidden_fields(page.text) | {"choice": "tie"})
    id_, later = _add_release(served), served.now[0] + 60
    with served.store.reading() as connection:
        ids = connection.execute(select(participant.c.id)).scalars().all()
    key = release_key(served.study.secret, id_)
    about = Changed(release=id_, made_on="2026-11-30", answers=1, people=15, measured=False)
    changes = {public_id(key, "rater", one): asdict(about) for one in ids}
    served.store.write(lambda c: keep_changes(c, served.study, id_, changes, later))
    assert "No program learned from them" in staying.get("/changed").text
    served.now[0] = later + 60
    leaving.post("/withdraw")
    assert "measured again without them" in staying.get("/changed").text
    newcomer = served.join()
    assert "nothing to show yet" in newcomer.get("/changed").text
