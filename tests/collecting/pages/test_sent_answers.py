"""Answers that a script of the page sends: each outcome, sent twice, late, or exchanged."""

import hashlib
import json
import re

import pytest
from sqlalchemy import select, update

from pluralign.collecting.overview import set_state
from pluralign.collecting.store.tables import rating, session
from pluralign.core import flip_probability

NOW = 1_800_000_000


def _pairs(client, count=5):
    found = client.get("/pairs").json()["pairs"]
    assert len(found) == count
    return [one["assignment"] for one in found]


def _body(assignment, choice="left", **more):
    return json.dumps({"assignment": assignment, "choice": choice, "language": "en"} | more)


def _send(client, body):
    found = client.post("/answers", content=body, headers={"Content-Type": "application/json"})
    assert found.status_code == 200
    return found.json()


def _stored(served, *columns):
    with served.store.reading() as connection:
        order = (rating.c.assignment, rating.c.version)
        return [tuple(row) for row in connection.execute(select(*columns).order_by(*order))]


def test_five_pairs_wait_for_a_person_and_stay_the_same_until_they_are_answered(served):
    client = served.join()
    first = _pairs(client)
    assert _pairs(client) == first
    assert f'value="{first[0]}"' in client.get("/compare").text
    served.now[0] += 60
    _send(client, _body(first[0]))
    assert _pairs(client)[:4] == first[1:]


def test_an_answer_is_confirmed_by_the_digest_of_what_was_received_and_counts_once(served):
    client = served.join()
    (one, *_) = _pairs(client)
    body = _body(one, reason="  It is warm. ", strength=2, seconds=7, made_at=NOW - 60)
    digest = hashlib.sha256(body.encode()).hexdigest()
    assert _send(client, body) == {"outcome": "kept", "digest": digest}
    later = _body(one, reason="It is warm.", strength=2, seconds=9, made_at=NOW - 30)
    assert [_send(client, sent)["outcome"] for sent in (body, later)] == ["kept before"] * 2
    assert _send(client, _body(one, "right"))["outcome"] == "kept as a new version"
    columns = (rating.c.choice, rating.c.reason, rating.c.seconds, rating.c.made_at)
    assert _stored(served, *columns) == [
        ("left", "It is warm.", 7, NOW - 60),
        ("right", None, None, None),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"assignment": "x", "choice": "up", "language": "en"}',
        b'{"assignment": "x", "choice": "left", "language": "en", "strength": 9}',
        b'{"assignment": "x", "choice": "left", "language": "en", "flip": 0.7}',
        b'{"assignment": "x", "choice": "left", "language": "en", "more": 1}',
        b'{"assignment": "x", "choice": "left", "language": "en", "made_at": 1e300}',
    ],
)
def test_what_cannot_be_read_is_refused_for_good_and_stores_nothing(served, body):
    client = served.join("es")
    found = _send(client, body)
    assert found["outcome"] == "refused"
    assert _stored(served, rating.c.id) == []


def test_another_persons_pair_and_a_text_that_is_too_long_are_refused_in_words(served):
    client, other = served.join(), served.join()
    (one, *_), (foreign, *_) = _pairs(client), _pairs(other)
    assert "not shown to you" in _send(client, _body(foreign))["sentence"]
    found = _send(client, _body(one, reason="a" * 1001))
    assert (found["outcome"], "1,001" in found["sentence"]) == ("refused", True)
    assert _stored(served, rating.c.id) == []


def test_an_expired_session_a_new_consent_text_and_a_pause_let_the_answer_wait(served):
    client = served.join()
    (one, two, *_) = _pairs(client)
    served.store.write(lambda c: c.execute(update(session).values(expires_at=NOW)))
    found = _send(client, _body(one))
    assert (found["outcome"], found["next"]) == ("wait", "/enter")
    served.store.write(lambda c: c.execute(update(session).values(expires_at=NOW + 9)))
    served.change_consent()
    found = _send(client, _body(one))
    assert (found["outcome"], found["next"]) == ("wait", "/consent")
    served.store.write(lambda c: set_state(c, "tea", "paused", NOW))
    assert _send(client, _body(two))["outcome"] == "wait"
    assert _stored(served, rating.c.id) == []


def test_an_answer_under_another_persons_session_waits_for_the_first_one(served):
    client, other = served.join(), served.join()
    (one, *_) = _pairs(client)
    mark = re.search('data-person="([0-9a-f]+)"', client.get("/compare").text)[1]
    found = other.post("/answers", content=_body(one), headers={"Answer-Of": mark}).json()
    assert (found["outcome"], found["next"]) == ("wait", "/enter")
    found = client.post("/answers", content=_body(one), headers={"Answer-Of": mark}).json()
    assert found["outcome"] == "kept"


def test_answers_of_another_site_are_not_received(served):
    client = served.join()
    (one, *_) = _pairs(client)
    foreign = {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
    assert client.post("/answers", content=_body(one), headers=foreign).status_code == 403
    assert _stored(served, rating.c.id) == []


def test_an_answer_keeps_the_language_in_which_it_was_given(served):
    client = served.join()
    one, two, *_ = _pairs(client)
    client.post("/language", data={"language": "ar", "back": "/"})
    _send(client, _body(one))
    _send(client, _body(two).replace('"en"', '"tlh"'))
    assert sorted(_stored(served, rating.c.language)) == [("ar",), ("en",)]


def test_a_phone_whose_clock_is_wrong_dates_nothing(served):
    client = served.join()
    early, late, right, *_ = _pairs(client)
    for one, made_at in ((early, NOW - 40 * 86_400), (late, NOW + 40 * 86_400), (right, NOW + 60)):
        assert _send(client, _body(one, made_at=made_at))["outcome"] == "kept"
    assert sorted(_stored(served, rating.c.made_at), key=repr) == [(NOW + 60,), (None,), (None,)]


def test_the_manifest_and_the_offline_page_are_about_nobody(served):
    client = served.join("ar")
    manifest = client.get("/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    assert (manifest.json()["start_url"], manifest.json()["dir"]) == ("/", "rtl")
    for icon in manifest.json()["icons"]:
        content = client.get(icon["src"]).content
        size = int(icon["sizes"].partition("x")[0])
        assert (content[:4], int.from_bytes(content[16:20])) == (b"\x89PNG", size)
    assert client.get("/offline").text == served.client("ar").get("/offline").text


def test_the_cache_of_the_service_worker_changes_with_its_files_and_the_language(served):
    spanish, arabic = (served.client(one).get("/sw.js") for one in ("es", "ar"))
    assert spanish.headers["cache-control"] == "no-cache"
    assert spanish.text == served.join("es").get("/sw.js").text
    cache = {one.text.partition(";")[0] for one in (spanish, arabic)}
    assert len(cache) == 2
    listed = json.loads(spanish.text.split("const FILES = ")[1].partition(";")[0])
    for path in listed:
        assert served.client().get(path).status_code == 200


PRIVATE = "[privacy]\nepsilon = 1.0\n"
FLIP = flip_probability(1.0)


@pytest.fixture
def private(serve_with):
    with serve_with(PRIVATE) as found:
        yield found


def test_a_private_study_asks_for_two_sides_and_stores_nothing_else(private):
    client = private.join()
    page = client.get("/compare").text
    assert f'data-flip="{FLIP}"' in page
    assert not any(f'name="{name}"' in page for name in ("strength", "reason"))
    assert 'value="tie"' not in page
    (one, *_) = _pairs(client)
    more = {"strength": 3, "reason": "Tea.", "seconds": 9, "made_at": NOW, "flip": FLIP}
    assert _send(client, _body(one, "tie", flip=FLIP))["outcome"] == "refused"
    assert _send(client, _body(one, **more))["outcome"] == "kept"
    columns = (rating.c.flip, rating.c.strength, rating.c.reason, rating.c.seconds)
    assert _stored(private, *columns, rating.c.made_at) == [(FLIP, None, None, None, None)]


@pytest.mark.parametrize("claimed", [0.0, 0.1, FLIP / 2])
def test_the_probability_of_an_exchange_is_the_studys_own(private, claimed):
    client = private.join()
    (one, *_) = _pairs(client)
    found = _send(client, _body(one, flip=claimed))
    assert (found["outcome"], "privacy" in found["sentence"]) == ("refused", True)
    assert _stored(private, rating.c.id) == []


def test_a_study_without_privacy_receives_no_exchanged_choice(served):
    client = served.join()
    (one, *_) = _pairs(client)
    assert _send(client, _body(one, flip=FLIP))["outcome"] == "refused"


def test_without_a_script_a_private_choice_is_sent_as_it_is_only_if_the_person_agrees(
    private, hidden_fields
):
    client = private.join()
    sent = hidden_fields(client.get("/compare").text) | {"choice": "right"}
    refused = client.post("/compare", data=sent)
    assert (refused.status_code, "not exchanged" in refused.text) == (422, True)
    assert _stored(private, rating.c.id) == []
    agreed = sent | {"as_is": "yes", "strength": "3", "reason": "Tea."}
    assert client.post("/compare", data=agreed).status_code == 200
    columns = (rating.c.choice, rating.c.flip, rating.c.strength, rating.c.reason)
    assert _stored(private, *columns) == [("right", 0.0, None, None)]


def test_no_pair_is_asked_again_in_a_private_study(private):
    assert private.study.settings.sitting.repeat
    assert not private.study.settings.asks_again
