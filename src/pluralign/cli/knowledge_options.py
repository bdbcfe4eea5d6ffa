"""Arguments and options that several commands of ``pluralign knowledge`` share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.completion import complete_community

if TYPE_CHECKING:
    from pluralign.sources import KnowledgeSource

OfCommunities = Annotated[
    list[str] | None,
    typer.Option(
        "--community",
        "-c",
        help="Community of the test: of a file that names none, else the one of the test that is "
        "looked at. May be repeated. Default: all.",
        autocompletion=complete_community,
    ),
]
InLanguage = Annotated[
    str | None, typer.Option(help="Tag of its language, where the file does not name it.")
]
AskedLanguages = Annotated[
    list[str] | None,
    typer.Option(
        "--language",
        "--in",
        metavar="TAGS",
        help="Language to ask in, and that of a file which names none; several as fa,en or "
        "repeated. The default is every language that a question has.",
    ),
]
First = Annotated[
    int, typer.Option(min=0, max=1, help="Number of the first option in the answer key.")
]
PLACE = typer.Option(
    help="Whether the words name the place. Without it, the model has to assume one."
)
FORM = typer.Option(help="Answers in the model's own words, or one of several options.")
OPTIONS = typer.Option(
    "--options",
    min=3,
    max=10,
    help="Number of options: the common answer here, and those of other communities.",
)
LIKELIHOOD = typer.Option(
    "--likelihood",
    help="Score each option's words by their likelihood, instead of letting the model write; for "
    "local models, and implies --form options.",
)


def tag_of(language: str) -> str:
    """The tag of a language given by its tag or English name.

    Raises:
        InvalidInput: If no language is known by it.
    """
    from pluralign.core import InvalidInput
    from pluralign.sources.community_labels import language_tag

    primary, dash, rest = language.partition("-")
    tag = language_tag(primary)
    if tag is None:
        raise InvalidInput(
            f"no language is known as {language!r:.40}",
            where="--language",
            hint="write its tag, such as es, fa, am or ha",
        )
    return tag + dash + rest


def tags_of(languages: Sequence[str] | None) -> tuple[str, ...] | None:
    """The tags of languages to ask in, each option with one or several; None for all.

    Raises:
        InvalidInput: If no language is known by one of them.

    >>> tags_of(["fa,en", "Spanish"])
    ('fa', 'en', 'es')
    """
    given = [part.strip() for option in languages or () for part in option.split(",")]
    return tuple(dict.fromkeys(tag_of(part) for part in given if part)) or None


def ids_of(communities: Sequence[str] | None) -> tuple[str, ...]:
    """The ids of the communities that options name.

    Raises:
        InvalidInput: If a label names no community.
    """
    from pluralign.sources.knowledge_reading import region_id
    from pluralign.sources.row_files import refused_as

    with refused_as("--community"):
        return tuple(dict.fromkeys(map(region_id, communities or ())))


def source_of(
    file: Path,
    communities: Sequence[str] = (),
    language: str | None = None,
    first: int = 1,
    *,
    skip_bad: bool = False,
) -> "KnowledgeSource":
    """The source of a test, for the options of a command.

    Args:
        file: The file or folder.
        communities: Ids of the communities given; a single one is that of a file that names none.
        language: The language of a file that names none.
        first: Number of the first option in an answer key.
        skip_bad: Whether to drop and count rows that cannot be read.

    Raises:
        InvalidInput: If the language is not known, or the file cannot be read.
    """
    from pluralign.sources.knowledge_recognised import recognise_knowledge

    own = communities[0] if len(communities) == 1 else None
    tag = None if language is None else tag_of(language)
    return recognise_knowledge(file, own, tag, first, skip_bad=skip_bad)


def source_of_communities(
    file: Path,
    communities: Sequence[str] | None,
    language: str | None,
    first: int = 1,
    *,
    skip_bad: bool = False,
) -> "KnowledgeSource":
    """The source of a test, of which only the communities given by options are looked at.

    Raises:
        InvalidInput: If a community or the language is not known, or the file cannot be read.
    """
    from pluralign.sources.knowledge_joined import OfCommunities

    ids = ids_of(communities)
    source = source_of(file, ids, language, first, skip_bad=skip_bad)
    return OfCommunities(source, ids) if ids else source
