"""Write reports: the page, pages of communities, pictures, tables and a text for model cards."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from pluralign._version import __version__
from pluralign.charts.drawing import need_report, picture_of, png_of
from pluralign.core import AnyPath, InvalidSettings, as_path, free_of_devices, whole_file
from pluralign.languages.speech import Speech, language_of
from pluralign.reports import sections
from pluralign.reports.advice import advice
from pluralign.reports.choosing import Choice, chosen_runs
from pluralign.reports.data import Page, Section
from pluralign.reports.page import html_of
from pluralign.reports.reading import Run, read_run
from pluralign.reports.summary import about_community, summary, title_of
from pluralign.reports.text_files import csv_of, markdown_of, tables_of


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """The parts of a report, besides the page.

    Attributes:
        language: Of the page.
        title: Of the page; made from the runs where empty.
        communities: Whether each community gets a page, in its own language where there is a
            translation.
        png: Whether charts are written as pictures, PNG and SVG.
        csv: Whether all rows of the tables are written.
        markdown: Whether a text for model cards is written.
        interactive: Whether charts answer to the pointer.
        method: The method that speaks for runs of reward models.
        choice: Models, communities and methods to which the report is limited.
    """

    language: str = "en"
    title: str = ""
    communities: bool = False
    png: bool = False
    csv: bool = False
    markdown: bool = False
    interactive: bool = True
    method: str | None = None
    choice: Choice = field(default_factory=Choice)


def write_report(
    folders: Sequence[AnyPath], out: AnyPath, wanted: ReportOptions | None = None
) -> list[Path]:
    """Write the report of one run or several.

    Args:
        folders: Of runs and audits.
        out: The HTML file; further files go into a folder next to it that has its name.
        wanted: The parts of the report.

    Returns:
        The files written, the page first.

    Raises:
        InvalidSettings: If a folder has nothing to report, or there is no such language or
            method.
        MissingExtra: If the extra ``report`` is not installed.
    """
    out = as_path(out)
    need_report()
    wanted = wanted or ReportOptions()
    if out.suffix.lower() not in {".html", ".htm"}:
        raise InvalidSettings(
            f"{out.name} is no HTML file", where="--out", hint="name a file that ends in .html"
        )
    if not folders:
        raise InvalidSettings(
            "no folder is named", where="DIR", hint="name the folder of a run or an audit"
        )
    read = with_own_names([read_run(as_path(folder), wanted.method) for folder in folders])
    runs = chosen_runs(read, wanted.choice)
    page = page_of(runs, Speech(wanted.language), wanted.title, wanted.choice)
    if [as_path(folder).resolve() for folder in folders] == [out.resolve().parent]:
        page = replace(page, settings=json.dumps(asdict(wanted)))
    written = [_write(out, html_of(page, interactive=wanted.interactive))]
    return written + list(_write_extras(page, runs, out.with_suffix(""), wanted))


def _write_extras(
    page: Page, runs: Sequence[Run], folder: Path, wanted: ReportOptions
) -> Iterator[Path]:
    """Write what is wanted besides the page, into a folder of its name."""
    if wanted.communities:
        yield from _community_pages(runs, folder / "communities")
    if wanted.png:
        for section in page.sections:
            for figure in section.figures:
                spec = figure.spec
                yield _write(folder / "charts" / f"{figure.name}.png", png_of(spec))
                yield _write(folder / "charts" / f"{figure.name}.svg", picture_of(spec))
    if wanted.csv:
        for table in tables_of(page):
            yield _write(folder / "tables" / f"{table.name}.csv", csv_of(table))
    if wanted.markdown:
        yield _write(folder / "report.md", markdown_of(page))


def page_of(
    runs: Sequence[Run], say: Speech, title: str = "", choice: Choice | None = None
) -> Page:
    """All of a page's data; a section that no run has anything for is left out.

    Args:
        runs: The runs, of a choice already.
        say: The language.
        title: Of the page; made from the runs where empty.
        choice: The models, communities and methods to which the runs are limited, to name them.
    """
    say = _naming_places(say, runs)
    parts = (
        sections.policies(runs, say),
        sections.conditions(runs, say),
        sections.policy_measurements(runs, say),
        sections.knowledge(runs, say),
        sections.served(runs, say),
        sections.models(runs, say),
        sections.world(runs, say),
        sections.findings(runs, say),
        sections.steers(runs, say),
        sections.contested(runs, say),
        sections.learning(runs, say),
        sections.sensitivity(runs, say),
        sections.participation(runs, say),
        sections.not_assessed(runs, say),
        sections.dropped(runs, say),
        sections.how(runs, say),
    )
    return Page(
        title=title or title_of(runs, say),
        runs=_named(runs, choice or Choice(), say),
        say=say,
        advice=advice(runs, say),
        summary=summary(runs, say),
        sections=[part for part in parts if part is not None],
        written=_stamp(say),
    )


def _naming_places(say: Speech, runs: Sequence[Run]) -> Speech:
    """The language with the names of places that tests of knowledge give in it, or in English."""
    for run in runs:
        for record in (run.record, run.audit):
            say = say.with_names(record.get("places", {}))
    return say


def _named(runs: Sequence[Run], choice: Choice, say: Speech) -> str:
    """The runs of a page, and what it is limited to."""
    text = say("Runs: {names}.", names=", ".join(run.name for run in runs))
    shown = [*choice.models, *(say.place(c) for c in choice.communities), *choice.methods]
    if not shown:
        return text
    return f"{text} " + say("Only these are shown: {names}.", names=", ".join(shown))


def community_page(runs: Sequence[Run], community: str, say: Speech) -> Page:
    """The data of one community's page."""
    return _community_page(runs, community, say, sections.served(runs, say))


def _community_page(
    runs: Sequence[Run], community: str, say: Speech, served: Section | None
) -> Page:
    own = [_only(run, community) for run in runs]
    parts = (
        served,
        sections.findings(runs, say, community),
        sections.participation(own, say),
        sections.not_assessed(runs, say),
    )
    return Page(
        title=say("Results for the people of {community}", community=say.inline(community)),
        runs=_named(runs, Choice(), say),
        say=say,
        advice=(),
        summary=about_community(runs, community, say),
        sections=[part for part in parts if part is not None],
        written=_stamp(say),
    )


def _community_pages(runs: Sequence[Run], folder: Path) -> Iterator[Path]:
    known = sorted({c for run in runs for c in run.surveyed if c != "~world"})
    spoken = {c: _naming_places(Speech(language_of(c)), runs) for c in known}
    served = {say: sections.served(runs, say) for say in set(spoken.values())}
    names = _file_names(known)
    for community, say in spoken.items():
        page = _community_page(runs, community, say, served[say])
        yield _write(folder / f"{names[community]}.html", html_of(page, interactive=False))


def _file_names(communities: Sequence[str]) -> dict[str, str]:
    """Community -> name of its file, unlike all others even where case makes no difference.

    No name is one that Windows reserves for a device.

    >>> _file_names(["MEX", "MEX/oaxaca", "~hill", "~mex"])
    {'MEX': 'MEX', 'MEX/oaxaca': 'MEX_oaxaca', '~hill': 'hill', '~mex': 'mex-2'}
    >>> _file_names(["~con"])
    {'~con': 'con_'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for community in communities:
        plain = re.sub(r"[^\w-]+", "_", community.removeprefix("~")) or "_"
        plain = free_of_devices(plain)
        numbered = (plain if k == 1 else f"{plain}-{k}" for k in count(1))
        found[community] = next(name for name in numbered if name.casefold() not in taken)
        taken.add(found[community].casefold())
    return found


def _only(run: Run, community: str) -> Run:
    record = dict(run.record)
    if record.get("people"):
        record["people"] = {c: told for c, told in record["people"].items() if c == community}
    return replace(
        run,
        record=record,
        participation=[p for p in run.participation if p.community == community],
    )


def with_own_names(runs: Sequence[Run]) -> list[Run]:
    """The runs, with a number after a name that several have."""
    total = Counter(run.name for run in runs)
    seen: Counter[str] = Counter()
    named = []
    for run in runs:
        seen[run.name] += 1
        several = total[run.name] > 1
        named.append(replace(run, name=f"{run.name} ({seen[run.name]})") if several else run)
    return named


def _stamp(say: Speech) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return say("Written {when} by pluralign {version}.", when=when, version=__version__)


def _write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path
