"""Answering in Chromium without a connection, with a bad one, in two tabs, and without a script."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from sqlalchemy import update

from pluralign.collecting.store.tables import rating, session

pytestmark = pytest.mark.slow


def test_five_answers_without_a_connection_survive_a_reload_and_are_all_kept_once(phone):
    phone.open("/compare")
    phone.answer(reason="Warm tea.")
    expect(phone.page.get_by_text("Your answer is kept.")).to_be_visible()
    phone.ready()
    phone.disconnect()
    for number in (1, 2):
        phone.answer("B is better", f"Offline {number}.")
        phone.waits(number)
    phone.page.reload()
    expect(phone.page.get_by_role("heading", name="No connection")).to_be_visible()
    for number in (3, 4, 5):
        expect(phone.page.get_by_text("You can go on answering")).to_be_visible()
        phone.waits(number - 1)
        phone.answer("Both are bad", f"Offline {number}.")
    phone.waits(5)
    expect(phone.page.get_by_text("There are no more pairs on this device.")).to_be_visible()
    expect(phone.page.get_by_text("You can go on answering")).to_be_hidden()
    assert len(phone.stored()) == 1
    phone.connect()
    phone.page.get_by_role("button", name="Send them now").click()
    expect(phone.page.get_by_role("heading", name="Compare two answers")).to_be_visible()
    expect(phone.page.locator("#outbox")).to_be_hidden()
    rows = phone.stored(rating.c.assignment, rating.c.version, rating.c.reason, rating.c.offline)
    # While the first one was given, nobody knew that the connection was gone.
    expected = [(1, "Warm tea.", False), (1, "Offline 1.", False)]
    expected += [(1, f"Offline {k}.", True) for k in range(2, 6)]
    assert sorted(row[1:] for row in rows) == sorted(expected)
    assert len({row[0] for row in rows}) == 6


def test_an_answer_is_kept_once_wherever_the_connection_is_cut(phone):
    phone.open("/compare")
    phone.ready()
    cuts = ("before request", "within request", "before response", "within response")
    for number, cut in enumerate(cuts):
        phone.cut_once(cut)
        phone.answer(reason=f"Cut {cut}.")
        phone.waits(1)
        assert len(phone.stored()) == number + (cut in cuts[2:])
        phone.connect()
        phone.page.get_by_role("button", name="Send them now").click()
        expect(phone.page.locator("#outbox")).to_be_hidden()
    assert phone.proxy.cuts == list(cuts)
    rows = phone.stored(rating.c.reason, rating.c.version)
    assert sorted(rows) == sorted((f"Cut {cut}.", 1) for cut in cuts)


def test_answers_wait_for_a_server_that_was_stopped_and_starts_again(phone):
    phone.open("/compare")
    phone.ready()
    phone.server.stop()
    phone.connected = False
    phone.answer(reason="While it was down.")
    phone.waits(1)
    phone.page.reload()
    phone.waits(1)
    phone.server.start()
    phone.connected = True
    phone.open("/mine")
    phone.all_sent()
    assert phone.stored(rating.c.reason, rating.c.version) == [("While it was down.", 1)]


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
def test_two_tabs_with_two_contents_are_two_versions_and_the_page_says_so(phone, offline):
    phone.open("/compare")
    phone.ready()
    other = phone.context.new_page()
    other.goto(phone.url + "/compare")
    if offline:
        phone.disconnect()
    phone.answer("A is better", "One tab.")
    if offline:
        phone.waits(1)
    else:
        expect(phone.page.get_by_text("Your answer is kept.")).to_be_visible()
    phone.answer("B is better", "Other tab.", other)
    if offline:
        expect(other.locator("[data-count]")).to_have_text("2")
        phone.connect()
        other.get_by_role("button", name="Send them now").click()
        expect(other.locator("#outbox")).to_be_hidden()
    else:
        expect(other.get_by_text("Your answer is kept as a new version")).to_be_visible()
    rows = phone.stored(rating.c.assignment, rating.c.version, rating.c.reason)
    assert sorted(row[1:] for row in rows) == [(1, "One tab."), (2, "Other tab.")]
    assert len({row[0] for row in rows}) == 1


def test_answers_outlive_a_session_and_another_person_on_the_phone_neither_sees_nor_sends_them(
    phone,
):
    key = phone.key
    phone.open("/compare")
    phone.ready()
    phone.served.store.write(lambda c: c.execute(update(session).values(expires_at=1)))
    phone.answer(reason="A secret of mine.")
    expect(phone.page.get_by_text("Please enter your key first.")).to_be_visible()
    phone.waits(1)
    phone.join()
    phone.open("/compare")
    expect(phone.page.locator("#outbox")).to_be_hidden()
    assert "secret" not in phone.page.content()
    phone.page.get_by_role("button", name="Sign out on this device").click()
    expect(phone.page.get_by_role("heading", name="Choose a language")).to_be_visible()
    phone.enter(key)
    phone.all_sent()
    assert phone.stored(rating.c.reason, rating.c.version) == [("A secret of mine.", 1)]


def test_a_refused_answer_stays_with_the_reason_until_it_is_corrected_or_discarded(phone):
    phone.open("/compare")
    phone.ready()
    for end in ("correct", "discard"):
        phone.answer(reason="a" * 1001)
        refused = phone.page.locator("#outbox li")
        expect(refused).to_contain_text("At most 1,000 characters fit")
        if end == "discard":
            refused.get_by_role("button", name="Discard it").click()
            expect(phone.page.locator("#outbox")).to_be_hidden()
            continue
        refused.get_by_role("link", name="Correct it").click()
        reason = phone.page.get_by_label("Why?")
        expect(reason).to_have_value("a" * 1001)
        reason.fill("Shorter.")
        phone.page.get_by_role("button", name="Keep the changed answer").click()
        expect(phone.page.get_by_role("heading", name="My answers")).to_be_visible()
        phone.all_sent()
        phone.open("/compare")
    assert phone.stored(rating.c.reason) == [("Shorter.",)]


def test_what_a_person_is_writing_survives_a_reload_and_is_gone_when_it_was_sent(phone):
    phone.open("/compare")
    phone.page.get_by_label("Both are bad").check()
    phone.page.get_by_label("Why?").fill("Half a rea")
    phone.page.reload()
    expect(phone.page.get_by_label("Why?")).to_have_value("Half a rea")
    expect(phone.page.get_by_label("Both are bad")).to_be_checked()
    phone.open("/write")
    phone.page.get_by_label("Your text").fill("What is a good tea?")
    phone.page.reload()
    phone.page.get_by_role("button", name="Send").click()
    expect(phone.page.get_by_text("Your text is kept.")).to_be_visible()
    phone.page.wait_for_load_state("load")  # the scripts of the page have begun
    phone.open("/write")
    expect(phone.page.get_by_label("Your text")).to_have_value("")


def test_nothing_of_a_person_who_withdrew_stays_on_the_device(phone):
    phone.open("/compare")
    phone.ready()
    phone.disconnect()
    phone.answer(reason="Never sent.")
    phone.waits(1)
    phone.cut_all("POST /answers")
    phone.open("/withdraw")
    phone.page.get_by_role("button", name="Withdraw now").click()
    expect(phone.page.get_by_role("heading", name="You have withdrawn")).to_be_visible()
    phone.all_sent()
    assert phone.stored() == []


def test_without_scripts_every_answer_is_kept_by_the_form_alone(phone_of, served):
    with phone_of(served, java_script_enabled=False) as phone:
        phone.open("/compare")
        for _ in range(2):
            phone.answer(reason="By the form.")
            expect(phone.page.get_by_text("Your answer is kept.")).to_be_visible()
        assert phone.stored(rating.c.reason) == [("By the form.",)] * 2


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_the_page_without_a_connection_is_accessible_on_a_narrow_screen(
    phone_of, served, language, scheme
):
    more = {"locale": language, "color_scheme": scheme}
    with phone_of(served, **more) as phone:
        phone.page.set_viewport_size({"width": 320, "height": 640})
        phone.open("/compare")
        phone.ready()
        phone.disconnect()
        phone.page.locator("input[value='left']").check()
        phone.page.locator("form[data-pair] button.main").click()
        expect(phone.page.locator("[data-count]")).to_be_visible()
        phone.page.reload()
        expect(phone.page.locator("form[data-pair]")).to_be_visible()
        assert phone.page.evaluate("document.documentElement.lang") == language
        assert phone.page.evaluate("document.documentElement.scrollWidth") == 320
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
        found = Axe().run(phone.page, options=rules).response["violations"]
        assert [one["id"] for one in found] == []


KEPT = """async () => {
    const found = {};
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        found[name] = (await cache.keys()).map((request) => new URL(request.url).pathname);
    }
    return found;
}"""


def until_changed(phone, name):
    """Wait until another cache has taken the place of this one."""
    for _ in range(600):  # half a minute: twelve files are fetched, also by a busy machine
        found = phone.page.evaluate(KEPT)
        if name not in found and "/offline" in next(iter(found.values()), []):
            return
        phone.page.wait_for_timeout(50)
    raise AssertionError(found)


def test_one_cache_has_the_files_and_no_page_of_a_person_and_a_new_version_replaces_it(phone):
    phone.open("/compare")
    phone.ready()
    with phone.page.expect_response("**/answers") as sent:
        phone.answer()
    assert not sent.value.from_service_worker
    expect(phone.page.get_by_text("Your answer is kept.")).to_be_visible()
    phone.open("/mine")
    (cache,) = phone.page.evaluate(KEPT).items()
    assert {path for path in cache[1] if not path.startswith("/static/")} == {"/offline"}
    phone.open("/language")
    phone.page.get_by_role("button", name="Español").click()
    until_changed(phone, cache[0])
    phone.disconnect()
    phone.open("/mine")
    expect(phone.page.get_by_role("heading", name="Sin conexión")).to_be_visible()
