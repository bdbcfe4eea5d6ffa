"""A phone: a browser in which a person has joined, behind a network that a test can cut."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from durability.cutting_proxy import Cut, CuttingProxy, running_proxy
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from pluralign.collecting.store.tables import rating
from pluralign.web.listening import bound

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

    def join(self) -> None:
        """Take part with a new invitation."""
        self.open(f"/consent?invitation={self.served.invite()}")
        for name in ("purpose", "of_age"):
            self.page.locator(f"input[name={name}]").first.check()
        self.page.locator("form[action='/consent'] button").click()
        self.key = self.page.locator("p.key").inner_text()

    def enter(self, key: str) -> None:
        """Open a session with a key."""
        self.open("/enter")
        self.page.locator("input.key").fill(key)
        self.page.locator("form[action='/enter'] button").click()
        expect(self.page.locator("#answers")).to_be_visible()

    def ready(self) -> None:
        """Wait until the service worker has its files and five pairs are on the device."""
        until(lambda: self.count("pairs") == 5 and self.page.evaluate(WORKER))

    def all_sent(self) -> None:
        """Wait until no answer is on the device."""
        until(lambda: self.count("answers") == 0)

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
    with phone_in(browser, served) as found:
        yield found


@contextmanager
def phone_in(browser: Browser, served: Any, **more: Any) -> Iterator[Phone]:
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
        phone.join()
        yield phone
        context.close()
    server.stop()
    assert phone.said == []


@pytest.fixture
def phone_of(browser: Browser) -> Callable[..., AbstractContextManager[Phone]]:
    """``phone_of(served, locale="ar")`` is a phone with a browser of its own."""
    return lambda served, **more: phone_in(browser, served, **more)
