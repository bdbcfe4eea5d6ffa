"""The dossier of a study for an ethics board: its texts, their versions, and its settings."""

import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pluralign.collecting.study import Study
from pluralign.core import whole_file
from pluralign.languages.speech import Speech

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem }
pre { white-space: pre-wrap; font: inherit; border-inline-start: 3px solid #888; margin: 0;
  padding-inline-start: 1rem; overflow-wrap: anywhere }
h1, h2 { line-height: 1.2 } h2 { border-top: 1px solid #888; padding-top: 1rem }
table { border-collapse: collapse } th, td { border: 1px solid #888; padding: .2rem .6rem;
  text-align: start; vertical-align: top }
code { overflow-wrap: anywhere } @media print { section { break-before: page } }
"""
_SETTINGS = ("sitting", "choosing", "privacy", "release", "limits")


def write_dossier(study: Study, documents: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Write a study's dossier as one page without further files.

    Args:
        study: The study.
        documents: Rows of the table ``document``: every version of the consent and policy texts.
        folder: Folder of the page; made if absent.

    Returns:
        The page, `index.html`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    with whole_file(page) as partial:
        partial.write_text(
            "\n".join(_page(study, documents)) + "\n", encoding="utf-8", newline="\n"
        )
    return page


def _page(study: Study, documents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    title = html.escape(f"Dossier of the study {study.settings.id}")
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style><main><h1>{title}</h1>"
    yield (
        "<p>Texts are shown as they are written in the settings (Markdown). The pages of the study "
        "show them formatted.</p>"
    )
    yield from _overview(study)
    for language in study.settings.languages:
        yield from _recruitment(study, language)
    for document in documents:
        yield from _document(document)
    yield from _settings(study)
    yield "</main></html>"


def _overview(study: Study) -> Iterator[str]:
    settings = study.settings
    erased = "everything that the person gave is deleted, and models are fitted again without them"
    rows = {
        "Lowest age": f"{settings.min_age} years, by the person's own statement",
        "Names and addresses": "not asked for; a person is a random id and a key that they keep",
        "Purposes that people are asked for, each on its own": ", ".join(settings.purposes),
        "After a withdrawal": erased
        if settings.withdrawal == "erase"
        else "the answers are not used any more; models that were fitted before stay",
        "Fewest people behind a number or a release": str(settings.release.floor),
        "Communities": ", ".join(one.id for one in settings.communities),
    }
    yield "<section><h2>In short</h2>"
    yield from _table(rows)
    yield "</section>"


def _recruitment(study: Study, language: str) -> Iterator[str]:
    texts, speech = study.settings.texts[language], Speech(language)  # type: ignore[index]
    checked = html.escape(texts.read_by) or "nobody yet: the pages show that it is a draft"
    yield f"<section><h2>Recruitment and first page: {html.escape(speech.name)}</h2>"
    yield f"<p>Checked by a speaker of the language: {checked}</p>"
    yield _text(f"{texts.title}\n\n{texts.about}", language, speech.rtl)
    yield "</section>"


def _document(document: Mapping[str, Any]) -> Iterator[str]:
    language = str(document["language"])
    speech = Speech(language)
    day = datetime.fromtimestamp(document["made_at"], UTC).date().isoformat()
    head = f"{str(document['kind']).capitalize()} text, version {document['version']}"
    yield f"<section><h2>{head}: {html.escape(speech.name)}</h2>"
    yield f"<p>Shown since {day}. SHA-256 <code>{document['id']}</code></p>"
    yield _text(str(document["body"]), language, speech.rtl)
    yield "</section>"


def _settings(study: Study) -> Iterator[str]:
    yield "<section><h2>Settings</h2>"
    for name in _SETTINGS:
        table = getattr(study.settings, name).model_dump()
        yield f"<h3>{name}</h3>"
        yield from _table({key: str(value) for key, value in table.items()})
    yield "</section>"


def _table(rows: Mapping[str, str]) -> Iterator[str]:
    yield "<table>"
    for key, value in rows.items():
        yield f"<tr><th scope=row>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
    yield "</table>"


def _text(text: str, language: str, rtl: bool) -> str:
    direction = "rtl" if rtl else "ltr"
    return f'<pre lang="{language}" dir="{direction}">{html.escape(text)}</pre>'
