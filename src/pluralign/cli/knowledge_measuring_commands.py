"""``pluralign knowledge baselines`` and ``people``: a test measured before any model answers."""

from pathlib import Path
from typing import Annotated

import typer

from pluralign.cli.knowledge_options import (
    First,
    InLanguage,
    OfCommunities,
    source_of_communities,
)
from pluralign.cli.options import AsJson, SkipBad, Wide


def baselines(
    file: Annotated[
        Path,
        typer.Argument(help="The test: a file of questions with options."),
    ],
    community: OfCommunities = None,
    language: InLanguage = None,
    first: First = 1,
    skip_bad: SkipBad = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Measure how far guessing gets on questions with options, by topic.

    Three respondents do not read the question: one chooses any option, one the longest, one the
    position of most right options of the other questions. Accuracies have 95 % intervals over
    questions. The last columns compare the second and third with the first: where such an interval
    is above 0, right options give themselves away.

    Example: `pluralign knowledge baselines questions.jsonl --community IRN --language fa`
    """
    from pluralign.cli.knowledge_tables import show_baselines
    from pluralign.cli.output import Output
    from pluralign.core import Tally, place_names
    from pluralign.metrics import baselines_by_topic
    from pluralign.sources import read_knowledge

    tally = Tally()
    source = source_of_communities(file, community, language, first, skip_bad=skip_bad)
    test = read_knowledge(source, tally)
    found = {}
    for one in test.communities:
        questions = test.of(one)
        found[one] = baselines_by_topic(questions, questions[0].language)
    output = Output(as_json=as_json, wide=wide)
    show_baselines(found, place_names(test.questions), tally, output)


def people(
    file: Annotated[
        Path,
        typer.Argument(help="The test: a file or folder with the number of people of each answer."),
    ],
    community: OfCommunities = None,
    language: InLanguage = None,
    skip_bad: SkipBad = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Measure how far the people of each community agree with each other, by topic.

    The agreement is the chance that two answers to a question are the same. A typical person is
    scored against the others, as a model is: that is the score to compare a model with. Intervals
    (95 %) are over questions, of all topics together clustered by topic. With --wide and in a pipe
    a second table has the topics.

    Example: `pluralign knowledge people oaxaca.toml`
    """
    from pluralign.cli.knowledge_tables import show_people
    from pluralign.cli.output import Output
    from pluralign.core import Tally, place_names
    from pluralign.metrics import people_agreement
    from pluralign.sources import read_knowledge

    tally = Tally()
    source = source_of_communities(file, community, language, skip_bad=skip_bad)
    test = read_knowledge(source, tally)
    output = Output(as_json=as_json, wide=wide)
    show_people(people_agreement(test), place_names(test.questions), tally, output)
