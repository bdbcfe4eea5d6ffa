"""A release in Croissant 1.1 (JSON-LD), with responsible-AI fields and conditions of use.

http://mlcommons.org/croissant/1.1, http://mlcommons.org/croissant/RAI/1.0, and ODRL
(https://www.w3.org/TR/odrl-model/) for the conditions.
"""

from collections.abc import Mapping
from typing import Any

from pluralign.collecting.release_facts import TEXTS, Facts
from pluralign.collecting.released_rows import Contents
from pluralign.sources.collected import ANSWERS, PAIRS

_CR = (
    *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty"),
    *("excludes", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
    *("includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path"),
    *("readLines", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
    *("sdVersion", "separator", "source", "subField", "transform", "unArchive", "value"),
)
_CONTEXT: dict[str, Any] = {
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
_TEXT, _NUMBER = "sc:Text", "sc:Float"
_TABLES: dict[str, dict[str, tuple[str, str]]] = {
    PAIRS: {
        "id": (_TEXT, "Id of the answer in this release."),
        "prompt": (_TEXT, "The prompt."),
        "chosen": (_TEXT, "The response that the person preferred."),
        "rejected": (_TEXT, "The other response."),
        "community": (_TEXT, "Community of the person."),
        "rater": (_TEXT, "Id of the person in this release alone."),
        "strength": (_NUMBER, "1 slightly, 2 clearly, 3 much better."),
        "context": (_TEXT, "The person's own words about the choice."),
        "language": (_TEXT, "Language of the prompt (BCP 47)."),
        "license": (_TEXT, "Licences of the choice and its texts (SPDX)."),
        "reason": (_TEXT, "Why the pair was shown."),
        "propensity": (_NUMBER, "Probability with which the policy showed this pair."),
        "weight": (_NUMBER, "Weight of the pair: nobody has more than the largest share."),
        "flip": (_NUMBER, "Probability that the phone exchanged the two responses."),
    },
    ANSWERS: {
        "id": (_TEXT, "Id of the answer in this release."),
        "rater": (_TEXT, "Id of the person in this release alone."),
        "community": (_TEXT, "Community of the person."),
        "choice": (_TEXT, "left, right, tie, both-bad or dont-know."),
        "prompt": (_TEXT, "Id of the prompt."),
        "left": (_TEXT, "Id of the response on the left."),
        "right": (_TEXT, "Id of the response on the right."),
    },
    TEXTS: {
        "id": (_TEXT, "Id of the text in this release."),
        "kind": (_TEXT, "prompt, response or story."),
        "body": (_TEXT, "The text."),
        "language": (_TEXT, "Its language (BCP 47)."),
        "origin": (_TEXT, "people, study, or a model with its settings."),
        "license": (_TEXT, "Its licence (SPDX)."),
    },
}


def croissant_of(facts: Facts, contents: Contents, digests: Mapping[str, str]) -> dict[str, Any]:
    """The description of a release for machines.

    Args:
        facts: Facts about it.
        contents: Its rows.
        digests: Table -> SHA-256.
    """
    licences = sorted({_licence_url(row["license"]) for row in contents.answers})
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.1",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "name": f"{facts.study}-{facts.id}",
        "description": f"{facts.title}. {facts.about}",
        "url": f"urn:pluralign:{facts.study}:{facts.id}",
        "version": f"1.{facts.revision}.0" if facts.revision == 0 else f"{facts.revision + 1}.0.0",
        "datePublished": facts.made_on,
        "creator": {"@type": "Organization", "name": f"Participants of {facts.title}"},
        "citeAs": f"Participants of {facts.title}: release {facts.id}, {facts.made_on}.",
        "license": licences,
        "inLanguage": sorted({row["language"] for row in contents.texts}),
        "isLiveDataset": False,
        "usageInfo": _conditions(facts),
        **_responsible(facts),
        "distribution": [_file(name, digests[name]) for name in _TABLES],
        "recordSet": [_record_set(name) for name in _TABLES],
    }


def _conditions(facts: Facts) -> dict[str, Any]:
    """Conditions of use, in ODRL."""
    terms: dict[str, Any] = {
        "@type": ["CreativeWork", "odrl:Offer"],
        "name": "Purposes that every person in this release consented to",
        "odrl:permission": {
            "@type": "odrl:Permission",
            "odrl:action": {"@id": "odrl:use"},
            "odrl:constraint": {
                "@type": "odrl:Constraint",
                "odrl:leftOperand": {"@id": "odrl:purpose"},
                "odrl:operator": {"@id": "odrl:isAnyOf"},
                "odrl:rightOperand": list(facts.purposes),
            },
            "odrl:duty": {
                "@type": "odrl:Duty",
                "odrl:action": {"@id": "odrl:delete"},
                "description": "When a newer revision exists, because people withdrew: replace "
                "this one, and fit models on the newer one again.",
            },
        },
    }
    if not facts.published:
        terms["odrl:prohibition"] = {
            "@type": "odrl:Prohibition",
            "odrl:action": {"@id": "odrl:distribute"},
        }
    return terms


def _responsible(facts: Facts) -> dict[str, Any]:
    return {
        "rai:dataCollection": "People of each community compared two responses to a prompt on web "
        "pages, in their language, after consent. Ties, 'both bad' and 'don't know' are kept.",
        "rai:dataCollectionType": ["Surveys", "User-generated content data"],
        "rai:dataAnnotationProtocol": "The pair was chosen by a mixture with known probabilities; "
        "the probability is in `propensity`, the reason in `reason`. Left and right were in random "
        "order. The newest version of each answer is used.",
        "rai:dataAnnotationPlatform": ["pluralign collect"],
        "rai:annotatorDemographics": [
            f"Members of {facts.names[id_]} ({id_})" for id_ in sorted(facts.floors)
        ],
        "rai:personalSensitiveInformation": [
            "Opinions and words of people. Ids are of this release alone; names and addresses are "
            "not collected."
        ],
        "rai:dataBiases": [
            "Participants are not a random sample of their communities.",
            "Pairs other than anchors were chosen by what was known already.",
        ],
        "rai:dataLimitations": [
            f"Communities with fewer people than their floor are left out "
            f"({facts.communities_left_out} of the study)."
        ],
        "rai:dataUseCases": list(facts.purposes),
        "rai:dataReleaseMaintenancePlan": [
            "After a withdrawal the release is written again without the person, with a higher "
            f"revision. This is revision {facts.revision}."
        ],
    }


def _file(name: str, digest: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": "application/jsonlines",
        "sha256": digest,
    }


def _record_set(name: str) -> dict[str, Any]:
    table = name.removesuffix(".jsonl")
    return {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "key": {"@id": f"{table}/id"},
        "field": [_field(table, name, column, *of) for column, of in _TABLES[name].items()],
    }


def _field(table: str, file: str, column: str, type_: str, meaning: str) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table}/{column}",
        "name": f"{table}/{column}",
        "description": meaning,
        "dataType": type_,
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
    }
    if column in ("prompt", "left", "right") and file == ANSWERS:
        field["references"] = {"field": {"@id": "texts/id"}}
    return field


def _licence_url(licence: str) -> str:
    return f"https://spdx.org/licenses/{licence}.html"
