"""Answering in Chromium without a connection, with a bad one, in two tabs, and without a script."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from durability.cutting_proxy import Cut, CuttingProxy, running_proxy
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select, update

from pluralign.collecting.store.tables import rating, session
from pluralign.web.listening import bound

pytestmark = pytest.mark.slow


class Server:
    """The application of a test on a port of this machine; it can be stopped and started again."""

    def __init__(self, app: Any, port: int = 0) -> None:
        self.app, self.port = app, port

    def start(self) -> None:
        listener = bound("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        listener.listen()
        config = uvicorn.Config(self.app, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)


@dataclass
class Phone:
    """A browser in which a person has joined, behind a network that a test can cut."""

    context: BrowserContext
    page: Page
    proxy: CuttingProxy
    url: str
    served: Any
    server: Server
    key: str = ""
    said: list[str] = field(default_factory=list)
    connected: bool = True

    def open(self, path: str) -> None:
        self.page.goto(self.url + path, wait_until="load")

    def answer(self, choice: str = "A is better", reason: str = "", page: Page | None = None):
        page = page or self.page
        page.get_by_label(choice).check()
        if reason:
            page.get_by_label("Why?").fill(reason)
        page.get_by_role("button", name="Keep and next").click()

    def disconnect(self) -> None:
        self.proxy.cut_of = lambda _: "before request"
        self.connected = False

    def cut_once(self, cut: Cut) -> None:
        """Cut the connection of the answer that is sent next."""
        cuts = [cut]
        self.proxy.cut_of = lambda line: (
            cuts.pop() if cuts and line.startswith("POST /answers") else "never"
        )
        self.connected = False

    def cut_all(self, start: str) -> None:
        """Cut the connections of requests whose first line starts so."""
        self.proxy.cut_of = lambda line: "before request" if line.startswith(start) else "never"
        self.connected = False

    def connect(self) -> None:
        self.proxy.cut_of = lambda _: "never"
        self.connected = True

    def hear(self, text: str) -> None:
        """Remember a message of the console; browsers report each connection that was cut."""
        if self.connected or "net::ERR_" not in text:
            self.said.append(text)

    def count(self, store: str) -> int:
        """Number of rows in a store of the device."""
        return int(self.page.evaluate(COUNT, store))

    def waits(self, count: int) -> None:
        expect(self.page.locator("[data-count]")).to_have_text(str(count))

    def stored(self, *columns: Any) -> list[Any]:
        wanted = columns or (rating.c.choice,)
        with self.served.store.reading() as connection:
            order = (rating.c.received_at, rating.c.id)
            return [tuple(row) for row in connection.execute(select(*wanted).order_by(*order))]


@pytest.fixture
def phone(browser: Browser, served: Any) -> Iterator[Phone]:
    with phone_of(browser, served) as found:
        yield found


@contextmanager
def phone_of(browser: Browser, served: Any, **more: Any) -> Iterator[Phone]:
    served.now[0] = int(time.time())
    server = Server(served.app)
    server.start()
    with running_proxy(server.port) as proxy:
        context = browser.new_context(viewport={"width": 390, "height": 800}, **more)
        context.set_default_timeout(8000)
        page = context.new_page()
        phone = Phone(context, page, proxy, f"http://127.0.0.1:{proxy.port}", served, server)
        context.on("console", lambda message: phone.hear(message.text))
        context.on("weberror", lambda error: phone.hear(str(error.error)))
        join(phone)
        yield phone
        context.close()
    server.stop()
    assert phone.said == []


def join(phone: Phone) -> None:
    phone.open(f"/consent?invitation={phone.served.invite()}")
    for name in ("purpose", "of_age"):
        phone.page.locator(f"input[name={name}]").first.check()
    phone.page.locator("form[action='/consent'] button").click()
    phone.key = phone.page.locator("p.key").inner_text()


COUNT = """async (store) => {
    const request = indexedDB.open("pluralign");
    const database = await new Promise((done) => (request.onsuccess = () => done(request.result)));
    const rows = database.transaction(store).objectStore(store).count();
    const count = await new Promise((done) => (rows.onsuccess = () => done(rows.result)));
    database.close();
    return count;
}"""
WORKER = """async () =>
    navigator.serviceWorker.controller !== null && Boolean(await caches.match("/offline"))"""


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds. (Pages forbid the `eval` that Playwright would wait with.)"""
    end = time.monotonic() + 8
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def ready(phone: Phone) -> None:
    """Wait until the service worker has its files and five pairs are on the device."""
    until(lambda: phone.count("pairs") == 5 and phone.page.evaluate(WORKER))


def all_sent(phone: Phone) -> None:
    """Wait until no answer is on the device."""
    until(lambda: phone.count("answers") == 0)


def test_five_answers_without_a_connection_survive_a_reload_and_are_all_kept_once(phone):
    phone.open("/compare")
    phone.answer(reason="Warm tea.")
    expect(phone.page.get_by_text("Your answer is kept.")).to_be_visible()
    ready(phone)
    phone.disconnect()
    for number in (1, 2):
        phone.answer("B is better", f"Offline {number}.")
        phone.waits(number)
    phone.page.reload()
    expect(phone.page.get_by_role("heading", name="No connection")).to_be_visible()
    for number in (3, 4, 5):
        phone.waits(number - 1)
        phone.answer("Both are bad", f"Offline {number}.")
    phone.waits(5)
    expect(phone.page.get_by_text("There are no more pairs on this device.")).to_be_visible()
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
    ready(phone)
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
    ready(phone)
    phone.server.stop()
    phone.connected = False
    phone.answer(reason="While it was down.")
    phone.waits(1)
    phone.page.reload()
    phone.waits(1)
    phone.server.start()
    phone.connected = True
    phone.open("/mine")
    all_sent(phone)
    assert phone.stored(rating.c.reason, rating.c.version) == [("While it was down.", 1)]


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
def test_two_tabs_with_two_contents_are_two_versions_and_the_page_says_so(phone, offline):
    phone.open("/compare")
    ready(phone)
    other = phone.context.new_page()
    other.goto(phone.url + "/compare")
    if offline:
        phone.disconnect()
    phone.answer("A is better", "One tab.")
    if offline:
        phone.waits(1)
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
    ready(phone)
    phone.served.store.write(lambda c: c.execute(update(session).values(expires_at=1)))
    phone.answer(reason="A secret of mine.")
    expect(phone.page.get_by_text("Please enter your key first.")).to_be_visible()
    phone.waits(1)
    join(phone)
    phone.open("/compare")
    expect(phone.page.locator("#outbox")).to_be_hidden()
    assert "secret" not in phone.page.content()
    phone.page.get_by_role("button", name="Sign out on this device").click()
    phone.open("/enter")
    phone.page.get_by_label("Your six words").fill(key)
    phone.page.get_by_role("button", name="Enter", exact=True).click()
    expect(phone.page.get_by_text("A secret of mine.")).to_have_count(0)
    all_sent(phone)
    assert phone.stored(rating.c.reason, rating.c.version) == [("A secret of mine.", 1)]


def test_a_refused_answer_stays_with_the_reason_until_it_is_corrected_or_discarded(phone):
    phone.open("/compare")
    ready(phone)
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
        all_sent(phone)
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
    phone.open("/write")
    expect(phone.page.get_by_label("Your text")).to_have_value("")


def test_nothing_of_a_person_who_withdrew_stays_on_the_device(phone):
    phone.open("/compare")
    ready(phone)
    phone.disconnect()
    phone.answer(reason="Never sent.")
    phone.waits(1)
    phone.cut_all("POST /answers")
    phone.open("/withdraw")
    phone.page.get_by_role("button", name="Withdraw now").click()
    expect(phone.page.get_by_role("heading", name="You have withdrawn")).to_be_visible()
    all_sent(phone)
    assert phone.stored() == []


def test_without_scripts_every_answer_is_kept_by_the_form_alone(browser, served):
    with phone_of(browser, served, java_script_enabled=False) as phone:
        phone.open("/compare")
        for _ in range(2):
            phone.answer(reason="By the form.")
            expect(phone.page.get_by_text("Your answer is kept.")).to_be_visible()
        assert phone.stored(rating.c.reason) == [("By the form.",)] * 2


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_the_page_without_a_connection_is_accessible_on_a_narrow_screen(
    browser, served, language, scheme
):
    more = {"locale": language, "color_scheme": scheme}
    with phone_of(browser, served, **more) as phone:
        phone.page.set_viewport_size({"width": 320, "height": 640})
        phone.open("/compare")
        ready(phone)
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
