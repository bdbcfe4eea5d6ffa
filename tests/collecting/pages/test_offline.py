"""Answering in Chromium without a connection, with a bad one, in two tabs, and without a script."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from durability.cutting_proxy import CuttingProxy, running_proxy
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from pluralign.collecting.store.tables import rating
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

    def connect(self) -> None:
        self.proxy.cut_of = lambda _: "never"
        self.connected = True

    def hear(self, text: str) -> None:
        """Remember a message of the console; browsers report each connection that was cut."""
        if self.connected or "net::ERR_" not in text:
            self.said.append(text)

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
        phone = Phone(context, page, proxy, f"http://127.0.0.1:{proxy.port}", served)
        context.on("console", lambda message: phone.hear(message.text))
        context.on("weberror", lambda error: phone.hear(str(error.error)))
        join(phone)
        yield phone
        context.close()
    server.stop()
    assert phone.said == []


def join(phone: Phone) -> None:
    phone.open(f"/consent?invitation={phone.served.invite()}")
    for box in ("Keep my answers in this study", "I am 18 years old or older."):
        phone.page.get_by_label(box).check()
    phone.page.get_by_role("button", name="Take part").click()
    expect(phone.page.locator("p.key")).to_be_visible()


def ready(phone: Phone) -> None:
    """Wait until the service worker has its files and five pairs are on the device."""
    phone.page.wait_for_function("navigator.serviceWorker.controller !== null")
    phone.page.wait_for_function(RESERVED)


RESERVED = """async () => {
    const request = indexedDB.open("pluralign");
    const database = await new Promise((done) => (request.onsuccess = () => done(request.result)));
    const rows = database.transaction("pairs").objectStore("pairs").count();
    const count = await new Promise((done) => (rows.onsuccess = () => done(rows.result)));
    database.close();
    return count === 5 && Boolean(await caches.match("/offline"));
}"""


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
