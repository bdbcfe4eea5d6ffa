"""A page as a browser without scripts sees it: its forms, its links, and the words of a pair."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Attributes = dict[str, str | None]


@dataclass
class HtmlForm:
    """A form of a page.

    Attributes:
        action: The address that it is sent to.
        hidden: Its hidden fields.
        offered: Name -> values that a person may choose, by ticking them.
    """

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)


class HtmlPage(HTMLParser):
    """What a person finds in the main part of a page.

    Args:
        html: The page.

    Attributes:
        forms: Its forms.
        links: Addresses of its links.
        texts: ``prompt``, ``left`` and ``right`` -> the words that are shown.
        key: The words of the key; empty on other pages.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.links: list[str] = []
        self.texts: dict[str, str] = {}
        self.key = ""
        self._inside = ""
        self.feed(html[html.index("<main") : html.index("</main>")])

    def form(self, action: str) -> HtmlForm:
        """The form that is sent to an address.

        Raises:
            LookupError: If the page has none.
        """
        for one in self.forms:
            if one.action == action:
                return one
        raise LookupError(f"the page has no form for {action}")

    def link(self, start: str) -> str:
        """The first link that begins so.

        Raises:
            LookupError: If the page has none.
        """
        for one in self.links:
            if one.startswith(start):
                return one
        raise LookupError(f"the page has no link to {start}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, fields, links, and where words begin."""
        has: Attributes = dict(attrs)
        if tag == "form":
            self.forms.append(HtmlForm(has.get("action") or ""))
        elif tag == "input" and self.forms and has.get("name"):
            self._note_field(has)
        elif tag == "a":
            self.links.append(has.get("href") or "")
        elif tag == "p":
            self._inside = "key" if has.get("class") == "key" else has.get("data-text") or ""

    def handle_endtag(self, tag: str) -> None:
        """Words end with their paragraph."""
        if tag == "p":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        """Note words."""
        if self._inside == "key":
            self.key += data.strip()
        elif self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data

    def _note_field(self, has: Attributes) -> None:
        name, value = has.get("name") or "", has.get("value") or ""
        if has.get("type") == "hidden":
            self.forms[-1].hidden[name] = value
        elif has.get("type") in ("checkbox", "radio"):
            self.forms[-1].offered.setdefault(name, []).append(value)
