"""Recognise the source of a file by the columns that only its layout has."""

from collections.abc import Iterable

_SIGNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("polis", frozenset({"comment-id", "comment-body"})),
    ("polis", frozenset({"participant", "group-id", "n-votes"})),
    ("polis", frozenset({"comment-id", "voter-id", "vote"})),
    ("arena", frozenset({"model_a", "model_b", "winner"})),
    ("arena", frozenset({"model_a", "model_b", "winner_model_a"})),
    ("label_studio", frozenset({"data", "annotations"})),
    ("label_studio", frozenset({"annotator", "annotation_id", "lead_time"})),
    ("argilla", frozenset({"fields", "responses"})),
    ("potato", frozenset({"label_annotations"})),
    ("prism", frozenset({"utterance_id", "model_response"})),
    ("community_alignment", frozenset({"first_turn_prompt", "annotator_id"})),
    ("coval", frozenset({"prompt_id", "responses", "metadata"})),
    ("opinion_qa", frozenset({"key", "option_mapping"})),
    ("global_opinions", frozenset({"question", "selections", "options"})),
    ("wvs", frozenset({"B_COUNTRY_ALPHA"})),
    ("wvs", frozenset({"S003", "S017"})),
    ("wvs", frozenset({"V2", "V258"})),
    ("wvs", frozenset({"V2", "V259"})),
    ("wvs", frozenset({"studyno", "c_abrv"})),
)


def source_of_columns(columns: Iterable[str]) -> str | None:
    """The source of other programs' files with these columns; None where they show none.

    >>> source_of_columns(["model_a", "model_b", "winner", "turn"])
    'arena'
    """
    found = set(columns)
    name = next((name for name, signs in _SIGNS if signs <= found), None)
    if name is None and any(column.endswith(".responses") for column in found):
        return "argilla"
    return name


def source_hint(columns: Iterable[str]) -> str | None:
    """A hint that names the source for a file with these columns; None where they show none.

    >>> source_hint(["timestamp", "comment-id", "comment-body"])
    'this looks like a file for source = "polis" (pluralign data show polis --set path=...)'
    >>> source_hint(["prompt", "answer"]) is None
    True
    """
    name = source_of_columns(columns)
    if name is None:
        return None
    command = f"pluralign data show {name} --set path=..."
    return f'this looks like a file for source = "{name}" ({command})'
