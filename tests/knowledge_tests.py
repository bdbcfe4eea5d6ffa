"""A small test of knowledge in three places, for tests of asking and scoring."""

import json
from pathlib import Path

from pluralign.core import AcceptedAnswer, KnowledgeQuestion, KnowledgeTest

PLACES = {"IRN": ("fa", "Iran"), "MEX": ("es", "Mexico"), "USA": ("en", "US")}
COMMON = {
    "breakfast": {"IRN": ("نان", "bread"), "MEX": ("tamales", "tamales"), "USA": ("", "cereal")},
    "sport": {"IRN": ("کشتی", "wrestling"), "MEX": ("fútbol", "soccer"), "USA": ("", "baseball")},
    "drink": {"IRN": ("چای", "tea"), "MEX": ("atole", "atole"), "USA": ("", "coffee")},
    "fruit": {"IRN": ("انار", "pomegranate"), "MEX": ("mango", "mango"), "USA": ("", "apple")},
}
RARE = {"IRN": ("دوغ", "doogh"), "MEX": ("pozole", "pozole"), "USA": ("", "bagel")}
LOCAL = {"fa": "چه چیزی در ایران محبوب است؟", "es": "¿Qué es popular en México?"}


def question(id_: str, community: str) -> KnowledgeQuestion:
    """Three people of five gave the common answer, one a rare one, one did not know."""
    language, name = PLACES[community]
    texts = {"en": f"What is the most popular {id_} in {name}?"}
    if language != "en":
        texts = {language: f"{id_}: {LOCAL[language]}"} | texts
    return KnowledgeQuestion(
        id_,
        community,
        language,
        texts,
        (
            accepted(COMMON[id_][community], language, 3),
            accepted(RARE[community], language, 1),
        ),
        topic="Food" if id_ in {"breakfast", "fruit"} else "Life",
        unanswered={"I don't know": 1},
        people=5,
    )


def accepted(words: tuple[str, str], language: str, count: int) -> AcceptedAnswer:
    local, english = words
    variants = {language: (local,)} if local else {}
    return AcceptedAnswer(variants | {"en": (english,)}, count)


def small_test() -> KnowledgeTest:
    """Four questions, each asked in Iran, Mexico and the United States."""
    return KnowledgeTest("small", tuple(question(i, c) for c in PLACES for i in COMMON))


def blend_rows(community: str) -> list[dict[str, object]]:
    """The questions of a community as rows of BLEnD."""
    language = PLACES[community][0]
    rows: list[dict[str, object]] = []
    for id_ in COMMON:
        one = question(id_, community)
        annotations = [
            {
                "answers": list(a.variants_in(language)),
                "en_answers": list(a.variants_in("en")),
                "count": a.count,
            }
            for a in one.answers
        ]
        rows.append(
            {
                "id": id_,
                "topic": one.topic,
                "question": one.texts[language],
                "en_question": one.texts["en"],
                "annotations": annotations,
                "idks": {"idk": 1},
            }
        )
    return rows


def write_blend(folder: Path) -> Path:
    """The test as a folder of BLEnD, a file for each place."""
    folder.mkdir()
    for place, name in {"IRN": "Iran", "MEX": "Mexico", "USA": "US"}.items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in blend_rows(place)]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder
