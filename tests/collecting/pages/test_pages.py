"""The pages of people, from an invitation to everything that they gave; no page needs a script."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import select

from pluralign.collecting.documents import consent_text
from pluralign.collecting.pages.about_me import FIELDS
from pluralign.collecting.store.tables import consent, flag, participant, rating, text
from pluralign.collecting.taking_part import join as join_study

PRIVATE = ["/about", "/compare", "/write", "/mine", "/mine.json", "/enough", "/consent"]
PUBLIC = ["/", "/language", "/practice", "/enter", "/no", "/community", "/policy"]
SCRIPT = '<script type="module" src="/static/start.js"></script>'
PLANTED = "</textarea><script>hacked()</script><img src=x onerror=hacked()>"


def _answer(client, hidden_fields, choice="left", **more):
    page = client.get("/compare")
    return client.post("/compare", data=hidden_fields(page.text) | {"choice": choice} | more)


@pytest.mark.parametrize("language", ["en", "es", "ar", "hi"])
def test_every_page_is_there_in_every_language(served, language):
    person, stranger = served.join(language), served.client(language)
    direction = "rtl" if language == "ar" else "ltr"
    for path in PRIVATE + PUBLIC:
        found = person.get(path)
        assert found.status_code == 200, path
        if not path.endswith(".json"):
            assert f'<html lang="{language}" dir="{direction}">' in found.text
            assert found.text.count("<h1>") == 1
    for path in PUBLIC:
        assert stranger.get(path).status_code == 200
    for path in PRIVATE:
        found = stranger.get(path)
        assert (found.status_code, 'name="key"' in found.text) == (401, True), path


def test_nothing_is_stored_before_consent_and_no_box_is_ticked_in_advance(served):
    token = served.invite(uses=3)
    before = served.everything()
    client = served.client()
    for path in (f"/join/{token}", f"/consent?invitation={token}", "/no", "/policy", "/practice"):
        assert client.get(path).status_code == 200
    assert " checked>" not in client.get(f"/consent?invitation={token}").text
    assert not client.cookies
    assert served.everything() == before


def test_the_key_is_shown_once_and_opens_the_same_answers_on_a_second_phone(served, hidden_fields):
    client = served.client()
    page = client.get(f"/consent?invitation={served.invite()}")
    sent = hidden_fields(page.text) | {"purpose": ["collect", "train"], "of_age": "yes"}
    shown = client.post("/consent", data=sent)
    words = re.findall(r"<span>([a-z]{5})</span>", shown.text)
    assert len(words) == 6
    assert "<svg" in shown.text
    assert words[0] not in client.get("/mine").text
    # The same form again, for example after a lost connection, shows the same key.
    assert re.findall(r"<span>([a-z]{5})</span>", client.post("/consent", data=sent).text) == words
    assert served.count(participant) == 1
    second = served.client()
    assert second.post("/enter", data={"key": " ".join(words).upper()}).url.path == "/mine"
    with served.store.reading() as connection:
        assert connection.execute(select(consent.c.purposes)).scalars().all() == ["collect train"]


def test_an_answer_is_kept_once_however_often_the_form_is_sent(served, hidden_fields):
    client = served.join()
    sent = hidden_fields(client.get("/compare").text) | {"choice": "left", "strength": "2"}
    for _ in range(3):
        assert "Your answer is kept." in client.post("/compare", data=sent).text
    assert served.count(rating) == 1
    shown = client.get(f"/answer/{sent['assignment']}")
    changed = hidden_fields(shown.text) | {"choice": "tie", "then": "mine"}
    assert client.post("/compare", data=changed).url.path == "/mine"
    with served.store.reading() as connection:
        rows = connection.execute(
            select(rating.c.choice, rating.c.strength, rating.c.version).order_by(rating.c.version)
        ).all()
    assert [tuple(row) for row in rows] == [("left", 2, 1), ("tie", None, 2)]


def test_left_and_right_are_stored_as_they_were_shown(served, hidden_fields):
    client = served.join()
    page = client.get("/compare").text
    _answer(client, hidden_fields, "right", reason="Más claro", since="1799999990")
    given = json.loads(client.get("/mine.json").text)["answers"][0]
    assert page.index(given["left"]) < page.index(given["right"])
    assert (given["choice"], given["reason"]) == ("right", "Más claro")
    with served.store.reading() as connection:
        assert connection.execute(select(rating.c.seconds)).scalar() == 10


def test_enough_for_today_keeps_a_choice_that_was_made_and_needs_none(served, hidden_fields):
    client = served.join()
    sent = hidden_fields(client.get("/compare").text) | {"then": "enough"}
    assert client.post("/compare", data=sent).url.path == "/enough"
    assert served.count(rating) == 0
    ended = client.post("/compare", data=sent | {"choice": "both-bad"})
    assert (ended.url.path, "Your answer is kept." in ended.text) == ("/enough", True)
    assert served.count(rating) == 1


def test_after_a_sitting_the_page_suggests_to_stop_and_lets_people_go_on(served, hidden_fields):
    client = served.join()
    for _ in range(served.study.settings.sitting.pairs):
        found = _answer(client, hidden_fields)
    assert "That is enough for today." in found.text
    assert "Which answer is better?" in client.get("/compare").text


def test_everything_given_is_seen_downloaded_and_deleted_one_by_one(served, hidden_fields):
    client = served.join()
    _answer(client, hidden_fields, "left", reason="Because of my aunt")
    client.post("/write", data={"kind": "prompt", "body": "May I skip a wedding?"})
    client.post("/about", data={"place": "A village near Oaxaca"})
    page = client.get("/mine").text
    given = ("Because of my aunt", "May I skip a wedding?", "A village near Oaxaca")
    file = client.get("/mine.json")
    assert all(one in page and one in file.text for one in given)
    assert "attachment" in file.headers["content-disposition"]
    found = file.json()
    assert found["consents"][0]["purposes"] == ["collect", "train", "evaluate"]
    client.post("/mine/answer/delete", data={"assignment": found["answers"][0]["assignment"]})
    client.post("/mine/text/delete", data={"text": found["texts"][0]["id"]})
    client.post("/about", data={})
    page = client.get("/mine").text
    assert not any(one in page for one in given)
    assert "May I skip a wedding?" not in str(served.everything())


def test_a_change_begins_with_the_answer_that_was_given(served, hidden_fields):
    client = served.join()
    _answer(client, hidden_fields, "right", strength="2", reason="Because of my aunt")
    shown = client.get("/mine.json").json()["answers"][0]["assignment"]
    page = client.get(f"/answer/{shown}").text
    assert re.findall(r'value="(\w+)"[^>]* checked', page) == ["right", "2"]
    assert ">Because of my aunt</textarea>" in page


def test_a_change_of_an_exchanged_answer_begins_empty(serve_with, hidden_fields):
    # Only the phone knows what was chosen; the store may have the other side.
    with serve_with("[privacy]\nepsilon = 2.0\n") as served:
        client = served.join()
        _answer(client, hidden_fields, "right", as_is="yes")
        shown = client.get("/mine.json").json()["answers"][0]["assignment"]
        assert " checked>" not in client.get(f"/answer/{shown}").text


def test_the_download_has_times_and_earlier_versions_of_answers(served, hidden_fields):
    client = served.join()
    page = hidden_fields(client.get("/compare").text)
    for reason in ("My aunt Ana told me", "Somebody told me"):
        client.post("/compare", data=page | {"choice": "left", "reason": reason})
    found = client.get("/mine.json").json()
    assert [one["reason"] for one in found["answers"]] == ["Somebody told me"]
    assert [one["reason"] for one in found["earlier_answers"]] == ["My aunt Ana told me"]
    assert {"seconds", "made_at", "offline", "language"} < set(found["answers"][0])


def test_the_headers_of_a_page_are_those_of_the_page(served):
    client = served.client()
    for path in ("/", "/policy", "/nowhere", "/static/style.css"):
        alone, whole = client.head(path), client.get(path)
        assert alone.status_code == whole.status_code, path
        assert alone.headers == whole.headers


def test_what_people_tell_about_themselves_is_in_no_table_and_no_readable_file(served):
    client = served.join()
    assert client.post("/about", data=dict.fromkeys(FIELDS, "Quetzalcoatl")).url.path == "/mine"
    assert client.get("/mine").text.count("Quetzalcoatl") == len(FIELDS)
    assert "Quetzalcoatl" not in str(served.everything())
    for path in served.study.folder.iterdir():
        assert b"Quetzalcoatl" not in path.read_bytes(), path.name


def test_the_practice_stores_nothing(served):
    client = served.join()
    before = served.everything()
    assert (
        "Nothing of this practice was kept."
        in client.post("/practice", data={"choice": "left"}).text
    )
    assert served.everything() == before


def test_a_text_waits_for_a_steward_and_a_new_version_replaces_it(served, hidden_fields):
    client = served.join("es")
    kept = client.post("/write", data={"kind": "prompt", "body": "¿Puedo faltar a una boda?"})
    assert kept.status_code == 200
    first = json.loads(client.get("/mine.json").text)["texts"][0]
    assert first["state"] == "waiting"
    again = client.get(f"/write?replaces={first['id']}")
    assert "¿Puedo faltar a una boda?" in again.text
    client.post("/write", data=hidden_fields(again.text) | {"body": "¿Puedo faltar a la fiesta?"})
    texts = json.loads(client.get("/mine.json").text)["texts"]
    assert [one["body"] for one in texts] == ["¿Puedo faltar a la fiesta?"]
    with served.store.reading() as connection:
        row = connection.execute(select(text).where(text.c.replaces == first["id"])).one()
    assert (row.community, row.language, row.origin, row.state) == (
        "MEX",
        "es",
        "people",
        "waiting",
    )


def test_a_story_and_an_answer_belong_to_a_question(served):
    client = served.join()
    page = client.get("/write?kind=story").text
    prompt = re.findall(r'<option value="(\w+)"', page)[0]
    for kind in ("story", "response"):
        sent = {"kind": kind, "prompt": prompt, "body": f"My {kind} about it"}
        assert "Your text is kept." in client.post("/write", data=sent).text
    with served.store.reading() as connection:
        own = select(text.c.kind, text.c.parent).where(text.c.author.is_not(None))
        assert {tuple(row) for row in connection.execute(own)} == {
            ("story", prompt),
            ("response", prompt),
        }


def test_a_text_is_reported_once_by_the_same_person(served):
    client = served.join()
    path = re.findall(r'href="(/report/\w+)"', client.get("/compare").text)[0]
    for reason in ("It names my neighbour.", "Again."):
        assert "A steward" in client.post(path, data={"reason": reason}).text
    assert served.count(flag) == 1


def test_people_words_are_escaped_wherever_they_are_shown(served, hidden_fields):
    client = served.join()
    _answer(client, hidden_fields, "left", reason=PLANTED)
    client.post("/write", data={"kind": "prompt", "body": PLANTED})
    client.post("/about", data={"more": PLANTED})
    refused = client.post("/write", data={"kind": "story", "body": PLANTED})
    for page in (client.get("/mine"), client.get("/about"), refused):
        assert "hacked" in page.text
        assert "<script>" not in page.text
        assert "<img" not in page.text


@pytest.mark.parametrize(("people", "shown"), [(9, "fewer than 10 people"), (12, "about 10")])
def test_a_community_below_the_floor_has_no_numbers_and_others_are_rounded(served, people, shown):
    token = served.invite(uses=people)

    def join_all(connection):
        document = consent_text(connection, "en").id
        for number in range(people):
            join_study(
                connection,
                served.study.secret,
                token,
                form=str(number),
                document_id=document,
                purposes=["collect"],
                language="en",
                now=served.now[0],
            )

    served.store.write(join_all)
    page = served.client().get("/community").text
    # People of today are counted tomorrow: two visits do not show what happened between them.
    assert page.count("fewer than 10 people") == 2
    served.now[0] += 86_400
    tomorrow = served.client().get("/community").text
    assert shown in tomorrow
    assert str(people) not in re.findall(r"about (\d+)", tomorrow)


def test_the_chosen_language_stays_and_a_browser_is_asked_first(served):
    client = served.client("qu, es;q=0.9, en;q=0.5")
    assert '<html lang="es"' in client.get("/").text
    client.post("/language", data={"language": "hi", "back": "/policy"})
    assert '<html lang="hi"' in client.get("/community").text
    away = client.post("/language", data={"language": "en", "back": "https://evil.example"})
    assert away.url.path == "/"


def test_the_language_of_a_person_is_that_of_their_key_on_another_phone(served):
    client = served.join("en")
    client.post("/language", data={"language": "ar", "back": "/mine"})
    with served.store.reading() as connection:
        assert connection.execute(select(participant.c.language)).scalar() == "ar"


def test_signing_out_ends_the_session_on_the_server_too(served):
    client = served.join()
    cookies = dict(client.cookies)
    assert client.post("/leave").url.path == "/"
    other = served.client()
    other.cookies.update(cookies)
    assert other.get("/mine").status_code == 401


def test_pages_name_no_other_host_and_have_one_script_which_is_not_inline(served, hidden_fields):
    client = served.join()
    _answer(client, hidden_fields)
    for path in PRIVATE + PUBLIC:
        page = client.get(path).text
        assert page.count(SCRIPT) == (0 if path.endswith(".json") else 1)
        rest = page.replace(SCRIPT, "")
        assert not re.findall(r"https?://|src=|<script|style=|\bon\w+=", rest), path
    package = Path(str(files("pluralign.collecting.pages")))
    for path in [*package.glob("static/*"), *package.rglob("*.jinja")]:
        if path.suffix == ".png":
            continue
        content = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.findall(r"https?://|@import|url\(", content), path.name


def test_headers_forbid_other_hosts_frames_and_copies_of_personal_pages(served):
    client = served.join()
    headers = client.get("/mine").headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert "max-age" in client.get("/static/style.css").headers["cache-control"]


@pytest.mark.parametrize(("scheme", "name"), [("http", "p"), ("https", "__Host-p")])
def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(
    served, hidden_fields, scheme, name
):
    client = served.client(base_url=f"{scheme}://testserver")
    page = client.get(f"/consent?invitation={served.invite()}")
    sent = hidden_fields(page.text) | {"purpose": "collect", "of_age": "yes"}
    cookie = client.post("/consent", data=sent).headers["set-cookie"]
    assert cookie.startswith(f"{name}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ("Secure" in cookie) == (scheme == "https")
    assert client.get("/mine").status_code == 200


def test_another_language_leads_back_to_the_same_invitation(served):
    token = served.invite()
    client = served.client()
    page = client.get(f"/consent?invitation={token}").text
    link = re.search(r'href="(/language\?back=[^"]+)"', page)
    assert link is not None
    back = re.search(r'name="back" value="([^"]+)"', client.get(link[1]).text)
    assert back is not None
    found = client.post("/language", data={"language": "es", "back": back[1]})
    assert ('<html lang="es"' in found.text, token in found.text) == (True, True)


def test_an_invitation_on_a_device_that_is_signed_in_offers_to_go_on(served):
    found = served.join().get(f"/join/{served.invite()}")
    assert "Somebody takes part with this device already." in found.text
