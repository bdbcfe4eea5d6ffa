"""``pluralign report``: one page about runs."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders of runs and audits.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page, an HTML file.")] = Path(
        "report.html"
    ),
    language: Annotated[str, typer.Option(help="Language of the page: en, es, ar or hi.")] = "en",
    title: Annotated[str, typer.Option(help="Title of the page.")] = "",
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Show this language model only; may be repeated."),
    ] = None,
    community: Annotated[
        list[str] | None,
        typer.Option("--community", "-c", help="Show this community only; may be repeated."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            "-m",
            help="Show this method only; may be repeated. Of reward models the reference stays, "
            "and the first method speaks for the run.",
        ),
    ] = None,
    communities: Annotated[
        bool,
        typer.Option(
            "--communities",
            help="Also a page for each community, in its language where we have it.",
        ),
    ] = False,
    png: Annotated[
        bool, typer.Option("--png", help="Also every chart as a picture, PNG and SVG.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Also all rows of every table.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Also a text for model cards.")
    ] = False,
    still: Annotated[
        bool,
        typer.Option("--still", help="Charts as drawings only: a lighter page without scripts."),
    ] = False,
) -> None:
    """Write one HTML page about runs; the page needs no network.

    The page opens with what to do, then shows the community with the worst result. Every chart has
    its numbers as a table. Findings of audits are on the page if `pluralign audit DIR` was run
    before. Further files go into a folder next to the page, with its name.

    Example: `pluralign report runs/uk --out uk.html --png --markdown`
    """
    from pluralign.core import count_of
    from pluralign.reports import Choice, ReportOptions, write_report

    wanted = ReportOptions(
        language=language,
        title=title,
        communities=communities,
        png=png,
        csv=csv,
        markdown=markdown,
        interactive=not still,
        method=method[0] if method else None,
        choice=Choice(tuple(model or ()), tuple(community or ()), tuple(method or ())),
    )
    written = write_report(folders, out, wanted)
    size = written[0].stat().st_size / 1e6
    typer.echo(
        f"{written[0]} ({size:.1f} MB)"
        + (
            f", and {count_of(len(written) - 1, 'file')} in {out.with_suffix('')}"
            if written[1:]
            else ""
        )
    )
