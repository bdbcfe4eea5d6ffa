"""``pluralign knowledge``: tests of what people of a community know, written and checked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.knowledge_options import (
    First,
    InLanguage,
    OfCommunities,
    ids_of,
    source_of,
    source_of_communities,
    tag_of,
)
from pluralign.cli.later import CommandGroup
from pluralign.cli.options import AsJson, SkipBad, Wide

if TYPE_CHECKING:
    from pluralign.sources import KnowledgeSource

knowledge = typer.Typer(
    cls=CommandGroup,
    help="Write and check tests of what the people of a community know and do, in their language, "
    "and ask language models.",
    epilog="Start with a template: `pluralign knowledge new oaxaca.toml --community MEX/oaxaca "
    "--language es`",
    no_args_is_help=True,
)


@knowledge.command()
def new(
    file: Annotated[Path, typer.Argument(help="The test to write, a .toml file.")],
    community: Annotated[
        str,
        typer.Option(
            "--community",
            "-c",
            help="The community: a country (MEX or Mexico), a region (MEX/oaxaca, NGA/north), or a "
            "people of no single country (~yoruba).",
        ),
    ],
    language: Annotated[
        str, typer.Option(help="Tag of the local language, such as es, fa, am, ha or zh.")
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Another test, whose questions are kept to be translated and adapted; any file "
            "that `pluralign knowledge check` reads, of one community.",
        ),
    ] = None,
    from_language: Annotated[
        str | None,
        typer.Option(
            help="Tag of the language of the other test, where its file does not name it; the same "
            "language unless given."
        ),
    ] = None,
    terms: Annotated[
        str | None,
        typer.Option(
            "--license",
            help="Licence of the other test, where neither its file nor its set states it.",
        ),
    ] = None,
    no_english: Annotated[
        bool,
        typer.Option(
            "--no-english",
            help="Leave no room for English; without it no languages can be compared.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that already exists.")
    ] = False,
) -> None:
    """Write the commented template of a test for your own community.

    The file has one question with free answers and one with options, and comments that explain
    each line. Replace the marked texts, add questions, ask people, and write down how many gave
    each answer.

    With --from it has the questions of another test in their place, marked, without their answers.
    That needs a licence which allows derived tests; under some (CC-BY-SA) yours must have the same.

    Examples:
    * `pluralign knowledge new oaxaca.toml --community MEX/oaxaca --language es`
    * `pluralign knowledge new lima.toml --from Mexico.jsonl.gz --community PER --language es`
    * `pluralign knowledge new kano.toml --community NGA/kano --language ha --no-english`
    """
    from pluralign.cli.knowledge_tables import show_adapted
    from pluralign.cli.output import Output
    from pluralign.core import InvalidInput, community_name, whole_file
    from pluralign.sources.knowledge_adapted import NewTest, adapted_test
    from pluralign.sources.knowledge_template import written_template

    if file.suffix != ".toml":
        raise InvalidInput(
            f"the file must end in .toml, got {file.suffix or 'no suffix'}",
            where=str(file),
            hint=f"write {file.stem}.toml",
        )
    if file.exists() and not force:
        raise InvalidInput(
            "the file already exists",
            where=str(file),
            hint="name another one, or replace it with --force",
        )
    (id_,) = ids_of([community])
    tag, output = tag_of(language), Output()
    place = community_name(id_)
    if source is None:
        text = written_template(file.name, file.stem, id_, place, tag, english=not no_english)
    else:
        head = NewTest(file.name, file.stem, id_, place, tag, not no_english)
        other = source_of(source, [id_], from_language or tag)
        adapted = adapted_test(other, source, terms, head)
        show_adapted(adapted, str(source), output)
        text = adapted.text
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    output.line(f"Written to {file}. Replace the texts marked REPLACE, then check it:")
    output.line(f"  pluralign knowledge check {file}")


@knowledge.command()
def check(
    file: Annotated[
        Path,
        typer.Argument(
            help="The test: a .toml file of `pluralign knowledge new`, or a folder of them; a "
            ".jsonl, .json, .csv or .parquet file with columns question, candidates and answer; a "
            "file or folder of BLEnD or IndicQuest; or a file of KoBBQ or CLIcK."
        ),
    ],
    community: OfCommunities = None,
    language: InLanguage = None,
    first: First = 1,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if there is a fault.")
    ] = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Find the faults of a test, each with its file and line.

    It reports questions that cannot be read (answers without counts, nobody asked, a right answer
    that is not among the options, a region of no country); two questions with one id, or one
    question with two ids; right options that can be guessed by their length, their position or the
    question; one answer listed twice; options that nobody gave; and texts in the script of another
    language. Nothing in the file is changed.

    Examples:
    * `pluralign knowledge check oaxaca.toml`
    * `pluralign knowledge check questions.csv --community IRN --language fa --strict`
    """
    from pluralign.cli.knowledge_tables import show_checked
    from pluralign.cli.output import Output
    from pluralign.core import NotEnoughData
    from pluralign.sources.knowledge_checks import check_knowledge

    source = source_of_communities(file, community, language, first)
    checked = check_knowledge(source)
    show_checked(checked, _notes_on_place(source), Output(as_json=as_json, wide=wide))
    if not checked.questions:
        raise NotEnoughData(
            "no question can be read", where=str(file), hint=checked.tally.why() or None
        )
    if strict and checked.faults:
        raise typer.Exit(1)


@knowledge.command()
def compare(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="The tests: a folder of BLEnD, with a file for each region, or files of several "
            "communities whose questions have the same ids."
        ),
    ],
    language: Annotated[
        str,
        typer.Option(
            "--language", "--in", help="Tag of the language in which answers are compared."
        ),
    ] = "en",
    skip_bad: SkipBad = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Score the answers of each community's people in each other community.

    It shows how well a typical person of a community does on its questions, and which other
    community comes nearest. All scores are of the same questions, with 95 % intervals clustered by
    topic. With --wide and in a pipe a second table has all communities.

    Examples:
    * `pluralign knowledge compare blend/ --wide`
    * `pluralign knowledge compare Mexico.jsonl.gz lima.toml --in es`
    """
    from pluralign.cli.knowledge_tables import show_confusions
    from pluralign.cli.output import Output
    from pluralign.core import Tally, place_names
    from pluralign.matching import stemmed
    from pluralign.metrics import compare_communities
    from pluralign.sources import read_knowledge
    from pluralign.sources.knowledge_joined import JoinedKnowledge

    tally = Tally()
    sources = tuple(source_of(file, skip_bad=skip_bad) for file in files)
    test = read_knowledge(JoinedKnowledge(sources, skip_bad), tally)
    found = compare_communities(test, tag_of(language), stemmed)
    output = Output(as_json=as_json, wide=wide)
    show_confusions(found, place_names(test.questions), tally, output)


def _notes_on_place(source: "KnowledgeSource") -> list[str]:
    """Languages of a written test whose questions may name their place in words not known."""
    from pluralign.asking.unnamed_places import places_without_phrases
    from pluralign.core import Tally
    from pluralign.sources import WrittenKnowledge
    from pluralign.sources.row_files import RowPolicy

    if not isinstance(getattr(source, "inner", source), WrittenKnowledge):
        return []
    read = source.questions(RowPolicy(Tally(), skip_bad=True))
    return [str(place) for place in places_without_phrases([one.question for one in read])]
