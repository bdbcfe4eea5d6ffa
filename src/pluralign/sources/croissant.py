"""Parts of a description in Croissant 1.1, shared by releases and exported pairs."""

from collections.abc import Collection, Mapping
from typing import Any

STANDARDS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
"""Versions that a description conforms to."""
_CR = (
    *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty"),
    *("excludes", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
    *("includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path"),
    *("readLines", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
    *("sdVersion", "separator", "source", "subField", "transform", "unArchive", "value"),
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in _CR},
}
TEXT, NUMBER = "sc:Text", "sc:Float"
"""Types of columns."""


def file_object(name: str, digest: str) -> dict[str, Any]:
    """A file of JSON Lines with its SHA-256."""
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": "application/jsonlines",
        "sha256": digest,
    }


def record_set(
    file: str,
    columns: Mapping[str, tuple[str, str]],
    references: Mapping[str, str],
    messages: Collection[str] = (),
) -> dict[str, Any]:
    """The rows of a file.

    Args:
        file: Its name, with the suffix ``.jsonl``.
        columns: Column -> type and meaning; one of them is ``id``.
        references: Column -> the field of another record set whose values it has.
        messages: Columns that are lists of ``{"role", "content"}``.
    """
    table = file.removesuffix(".jsonl")
    fields = []
    for column, (type_, meaning) in columns.items():
        source = {"fileObject": {"@id": file}, "extract": {"column": column}}
        field = _named(f"{table}/{column}") | {"description": meaning}
        if column in messages:
            parts = [_part(f"{table}/{column}", part, source) for part in ("role", "content")]
            field |= {"repeated": True, "subField": parts}
        else:
            field |= {"dataType": type_, "source": source}
        if column in references:
            field["references"] = {"field": {"@id": references[column]}}
        fields.append(field)
    return {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "key": {"@id": f"{table}/id"},
        "field": fields,
    }


def _named(name: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name}


def _part(column: str, part: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """A key of the messages in a column."""
    read = {**source, "transform": {"jsonPath": part}}
    return _named(f"{column}/{part}") | {"dataType": TEXT, "source": read}
