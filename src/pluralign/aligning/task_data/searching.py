"""The first stage: for each example to write, a passage of the community's documents."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from pluralign.aligning.task_data.task_work import TaskWork, file_of
from pluralign.core import DocumentSearch, NotEnoughData, Passage, Tally, rng_for
from pluralign.settings.align_task import DocumentSettings
from pluralign.sources.document_folders import read_passages
from pluralign.sources.document_search import PassageSearch, SearchEndpoint


def find_passages(work: TaskWork) -> dict[str, Any]:
    """Search each community's documents with the words of the task's examples; write the plan.

    Every example of the task is a query. The best passages of all queries come first, then the
    second ones, and so on; where more examples are to be written than there are passages, passages
    are used again with other examples shown.
    """
    summary: dict[str, Any] = {}
    for one in work.communities():
        work.reporter.stage(f"searching the documents of {one.community}")
        tally = Tally()
        search = _opened(work, one, tally)
        passages = found_passages(
            search, [example.text for example in work.examples], work.settings.search.passages
        )
        if not passages:
            raise NotEnoughData(
                f"no passage of the documents of {one.community} has a word of the examples",
                where=str(one.path or one.url),
                hint="save documents about the subjects of the task, in the language of the "
                "examples",
            )
        work.folder.write_rows(file_of("search", one.community), _plan(work, one, passages))
        summary[one.community] = {
            "documents": tally.kept or None,
            "left out": dict(tally.dropped) or None,
            "passages found": len(passages),
            "examples to write": work.settings.write.n,
        }
    return {name: _without_none(own) for name, own in summary.items()}


def found_passages(search: DocumentSearch, queries: Sequence[str], k: int) -> list[Passage]:
    """The different passages for several queries: the best of each, then the second, and so on."""
    results = [search.search(query, k) for query in queries]
    ranks = [passage for rank in zip_longest(*results) for passage in rank if passage is not None]
    return list({passage.id: passage for passage in ranks}.values())


def _opened(work: TaskWork, one: DocumentSettings, tally: Tally) -> DocumentSearch:
    if one.path is None:
        assert one.url is not None
        return SearchEndpoint(one.url, license_name=one.license)
    words = work.settings.search.words
    return PassageSearch(read_passages(one.path, words, tally, one.license))


def _plan(
    work: TaskWork, one: DocumentSettings, passages: Sequence[Passage]
) -> list[dict[str, Any]]:
    rng = rng_for(work.settings.seed, "shown examples", one.community)
    most = min(work.settings.task.shown, len(work.examples))
    rows = []
    for number in range(work.settings.write.n):
        passage = passages[number % len(passages)]
        rows.append(
            {
                "number": number,
                "passage": passage.id,
                "document": passage.document,
                "license": passage.license,
                "shown": rng.choice(len(work.examples), most, replace=False).tolist(),
                "text": passage.text,
            }
        )
    return rows


def _without_none(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}
