"""``pluralign knowledge score``: recorded answers to a test of knowledge, scored by people's."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.options import AsJson, SkipBad, Wide

if TYPE_CHECKING:
    from pluralign.surveying import JudgeModel


def score(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of `pluralign knowledge ask`. Without one, give --answers."),
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            "--answers",
            help="File of answers recorded elsewhere (.jsonl, .json, .csv or .parquet), or folder "
            "of lm-eval's results with --log_samples or of Inspect's logs. May be repeated.",
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(
            "--test", help="The test, as for `pluralign knowledge check`; a folder names its own."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to. The default is the folder itself."),
    ] = None,
    community: Annotated[
        str | None,
        typer.Option(
            "--community", "-c", help="Community of the rows, and of a test, that name none."
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="Tag of the language of the rows, and of a test, that name none."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model of the rows that name none.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            help="Model that judges free answers which match no whole answer: a folder or hub "
            "name; with --judge-url, its name on the server."
        ),
    ] = None,
    judge_url: Annotated[
        str | None, typer.Option(help="URL of an OpenAI-compatible server with the judge.")
    ] = None,
    judge_labels: Annotated[
        Path | None,
        typer.Option(
            help="Labels of people that measure the judge: a file with question_id, community, "
            "language, answer and label."
        ),
    ] = None,
    skip_bad: SkipBad = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Score the answers of language models to a test of knowledge by those of people.

    The score of an answer is the number of people who gave it, divided by the number who gave the
    most common one. Next to it are the score of a typical person of the community, and baselines
    that do not read the question. Answers are read as recorded, so that no model is needed.

    A row of --answers has model, community, question_id, language and answer, and where needed
    place_named, form, options, labels, draw and log_probs.

    Examples:
    * `pluralign knowledge score runs/iran`
    * `pluralign knowledge score --answers mine.jsonl --test blend/ --out runs/mine`
    * `pluralign knowledge score --answers results --model mine --test blend/ --out runs/mine`
    * `pluralign knowledge score runs/iran --judge models/judge --judge-labels labels.csv`
    """
    from pluralign.cli.knowledge_score_tables import show_scores
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.core import InvalidSettings
    from pluralign.settings import knowledge_source
    from pluralign.sources.recorded_knowledge import KnowledgeNames
    from pluralign.surveying import evaluate_knowledge, score_folder

    table = {"path": test, "community": community, "language": language}
    given: dict[str, Any] = {k: str(value) for k, value in table.items() if value is not None}
    given |= {"skip_bad": skip_bad}
    source = knowledge_source(given, Path.cwd(), "--test") if test is not None else None
    if (folder is None) == (not answers):
        raise InvalidSettings(
            "one of a folder and --answers must be given",
            where="pluralign knowledge score",
            hint="name a folder of `pluralign knowledge ask`, or give --answers FILE --test TEST",
        )
    judging = _judge(judge, judge_url, judge_labels)
    with Screen() as screen:
        if folder is not None:
            outcome = score_folder(folder, source, out, screen, judging, skip_bad=skip_bad)
            written = out or folder
        elif source is None or out is None:
            raise InvalidSettings(
                "--test and --out must be given with --answers",
                where="pluralign knowledge score",
                hint="add --test TEST --out FOLDER",
            )
        else:
            names = KnowledgeNames(model, community, language)
            outcome, written = (
                evaluate_knowledge(
                    answers or [],
                    source,
                    out,
                    skip_bad=skip_bad,
                    names=names,
                    reporter=screen,
                    judge=judging,
                ),
                out,
            )
    show_scores(outcome, written, Output(as_json=as_json, wide=wide))


def _judge(name: str | None, url: str | None, labels: Path | None) -> "JudgeModel | None":
    """The judge that options name."""
    from pluralign.core import InvalidSettings
    from pluralign.settings.survey import EndpointModelSettings, LocalModelSettings
    from pluralign.surveying import JudgeModel, open_chat_model

    if name is None:
        if url is not None or labels is not None:
            raise InvalidSettings(
                "--judge-url and --judge-labels need a judge",
                where="pluralign knowledge score",
                hint="add --judge MODEL",
            )
        return None
    if url is not None:
        chat = open_chat_model(EndpointModelSettings(kind="endpoint", name=name, base_url=url))
    else:
        chat = open_chat_model(LocalModelSettings(name=name))
    return JudgeModel(chat, labels)
