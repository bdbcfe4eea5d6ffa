"""A release in Croissant 1.1 (JSON-LD), with responsible-AI fields and conditions of use.

http://mlcommons.org/croissant/1.1, http://mlcommons.org/croissant/RAI/1.0, and ODRL
(https://www.w3.org/TR/odrl-model/) for the conditions.
"""

from collections.abc import Mapping
from typing import Any

from pluralign.collecting.release_facts import TEXTS, Facts
from pluralign.collecting.released_rows import Contents
from pluralign.sources.collected import ANSWERS, PAIRS
from pluralign.sources.croissant import CONTEXT, NUMBER, STANDARDS, TEXT, file_object, record_set

_TABLES: dict[str, dict[str, tuple[str, str]]] = {
    PAIRS: {
        "id": (TEXT, "Id of the answer in this release."),
        "prompt": (TEXT, "The prompt."),
        "chosen": (TEXT, "The response that the person preferred."),
        "rejected": (TEXT, "The other response."),
        "community": (TEXT, "Community of the person."),
        "rater": (TEXT, "Id of the person in this release alone."),
        "strength": (NUMBER, "1 slightly, 2 clearly, 3 much better."),
        "context": (TEXT, "The person's own words about the choice."),
        "language": (TEXT, "Language of the prompt (BCP 47)."),
        "license": (TEXT, "Licences of the choice and its texts (SPDX)."),
        "reason": (TEXT, "Why the pair was shown."),
        "propensity": (NUMBER, "Probability with which the policy showed this pair."),
        "weight": (NUMBER, "Weight of the pair: nobody has more than the largest share."),
        "flip": (NUMBER, "Probability that the phone exchanged the two responses."),
    },
    ANSWERS: {
        "id": (TEXT, "Id of the answer in this release."),
        "rater": (TEXT, "Id of the person in this release alone."),
        "community": (TEXT, "Community of the person."),
        "choice": (TEXT, "left, right, tie, both-bad or dont-know."),
        "prompt": (TEXT, "Id of the prompt."),
        "left": (TEXT, "Id of the response on the left."),
        "right": (TEXT, "Id of the response on the right."),
    },
    TEXTS: {
        "id": (TEXT, "Id of the text in this release."),
        "kind": (TEXT, "prompt, response or story."),
        "body": (TEXT, "The text."),
        "language": (TEXT, "Its language (BCP 47)."),
        "origin": (TEXT, "people, study, or a model with its settings."),
        "license": (TEXT, "Its licence (SPDX)."),
    },
}

_REFERENCES = {ANSWERS: dict.fromkeys(("prompt", "left", "right"), "texts/id")}


def croissant_of(facts: Facts, contents: Contents, digests: Mapping[str, str]) -> dict[str, Any]:
    """The description of a release for machines.

    Args:
        facts: Facts about it.
        contents: Its rows.
        digests: Table -> SHA-256.
    """
    licences = sorted({_licence_url(row["license"]) for row in contents.answers})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(STANDARDS),
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
        "distribution": [file_object(name, digests[name]) for name in _TABLES],
        "recordSet": [
            record_set(name, columns, _REFERENCES.get(name, {}))
            for name, columns in _TABLES.items()
        ],
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


def _licence_url(licence: str) -> str:
    return f"https://spdx.org/licenses/{licence}.html"
