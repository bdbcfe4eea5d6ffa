"""Folders of documents: texts, Markdown, and web pages as a browser saves them."""

import re
from collections.abc import Iterator
from pathlib import Path

from pluralign.core import InvalidInput, MissingExtra, NotEnoughData, Passage, Tally, files_in
from pluralign.sources.file_opening import encoding_of

TEXTS, PAGES = (".txt", ".md"), (".html", ".htm")
_NOT_TEXT = (
    "head",
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "header",
    "footer",
    "aside",
    "form",
)
_LARGEST = 20_000_000
_BLANK_LINE = re.compile(r"(?:\r\n?|\n)[ \t]*(?:\r\n?|\n)")


def read_passages(
    folder: Path, words: int, tally: Tally, license_name: str | None = None
) -> list[Passage]:
    """Read the documents of a folder and its folders, cut into passages at ends of paragraphs.

    Args:
        folder: The folder; ``.txt``, ``.md``, ``.html`` and ``.htm`` are read.
        words: Words of a passage, about; a longer paragraph is cut.
        tally: Counts the documents that are read, and other files by reason.
        license_name: Licence of all documents.

    Raises:
        InvalidInput: If there is no such folder.
        NotEnoughData: If no document with words is in it.
        MissingExtra: If there are web pages and Beautiful Soup is not installed.
    """
    if not folder.is_dir():
        raise InvalidInput(
            "no such folder", where=str(folder), hint="save texts or web pages in a folder"
        )
    found: list[Passage] = []
    for path in files_in(folder):
        name = path.relative_to(folder).as_posix()
        text = _text(path, tally)
        if text is None:
            continue
        if not text.strip():
            tally.drop("a document without words")
            continue
        tally.kept += 1
        parts = list(cut_into_passages(text, words))
        found += [
            Passage(f"{name}#{number}", name, part, license_name)
            for number, part in enumerate(parts, start=1)
        ]
    if not found:
        reasons = "; ".join(f"{n:,} {reason}" for reason, n in tally.dropped.most_common())
        raise NotEnoughData(
            "no document with words is in the folder",
            where=str(folder),
            hint=f"put {', '.join((*TEXTS, *PAGES))} files there"
            + (f" ({reasons})" * bool(reasons)),
        )
    return found


def page_text(page: str) -> str:
    r"""The words of a web page: without scripts, menus, headers and footers, a line for each block.

    Raises:
        MissingExtra: If Beautiful Soup is not installed.

    >>> page_text("<nav>Home</nav><h1>Tea</h1><p>Drink it <b>hot</b>.</p><script>1</script>")
    'Tea\n\nDrink it hot.'
    """
    try:
        from bs4 import BeautifulSoup
    except ImportError as error:
        raise MissingExtra.named("documents", "bs4") from error
    soup = BeautifulSoup(page, "html.parser")
    for tag in soup(_NOT_TEXT):
        tag.decompose()
    for block in soup(["p", "h1", "h2", "h3", "h4", "li", "tr", "div", "section", "article", "br"]):
        block.append("\n\n")
    lines = [" ".join(line.split()) for line in soup.get_text().splitlines()]
    return "\n\n".join(line for line in lines if line)


def cut_into_passages(text: str, words: int) -> Iterator[str]:
    r"""Cut a text at the ends of paragraphs, into parts of about as many words.

    >>> list(cut_into_passages("One two three.\n\nFour five.\n\nSix seven eight nine.", 5))
    ['One two three.\nFour five.', 'Six seven eight nine.']
    """
    part: list[str] = []
    size = 0
    for paragraph in _paragraphs(text, words):
        own = len(paragraph.split())
        if part and size + own > words:
            yield "\n".join(part)
            part, size = [], 0
        part.append(paragraph)
        size += own
    if part:
        yield "\n".join(part)


def _paragraphs(text: str, words: int) -> Iterator[str]:
    """Paragraphs, those that are too long in pieces."""
    for paragraph in _BLANK_LINE.split(text):
        own = paragraph.split()
        for start in range(0, len(own), words):
            yield " ".join(own[start : start + words])


def _text(path: Path, tally: Tally) -> str | None:
    """The text of a document; None, counted, if it is not one."""
    suffix = path.suffix.lower()
    if suffix not in (*TEXTS, *PAGES):
        tally.drop(f"a file that is not {', '.join((*TEXTS, *PAGES))}")
        return None
    if path.stat().st_size > _LARGEST:
        tally.drop(f"a document above {_LARGEST // 1_000_000} MB")
        return None
    try:
        text = path.read_bytes().decode(encoding_of(path))
    except UnicodeDecodeError:
        tally.drop("a document that is not UTF-8")
        return None
    return page_text(text) if suffix in PAGES else text
