"""Questions without the name of their place."""

import pytest

from pluralign.asking.unnamed_places import places_without_phrases, without_place
from pluralign.core import AcceptedAnswer, KnowledgeQuestion, PlaceWords

YUCATAN = PlaceWords("Yucatán", ("en Yucatán", "de Yucatán", "yucateca", "en México"))


@pytest.mark.parametrize(
    ("text", "language", "community", "wanted"),
    [
        ("What is the most popular fruit in US?", "en", "USA", "What is the most popular fruit?"),
        ("In Iran, who cooks?", "en", "IRN", "Who cooks?"),
        ("What is used in Peru's diet?", "en", "PER", "What is used in diet?"),
        ("What is used in the UK's diet?", "en", "GBR", "What is used in diet?"),
        ("What do people use in Northern Nigeria?", "en", "NGA/north", "What do people use?"),
        ("محبوب‌ترین میوه درایران چیست؟", "fa", "IRN", "محبوب‌ترین میوه چیست؟"),
        ("غذای ایرانی چیست؟", "fa", "IRN", None),
        ("در کشور شما میوه چیست؟", "fa", "IRN", "در کشور شما میوه چیست؟"),
        ("¿En México, qué comen?", "es", "MEX", "¿Qué comen?"),
        ("¿Qué es la dieta mexicana?", "es", "MEX", None),
        ("在中国，最受欢迎的水果是什么？", "zh", "CHN", "最受欢迎的水果是什么？"),
        ("በኢትዮጵያ ታዋቂ ፍሬ ምንድን ነው?", "am", "ETH", "ታዋቂ ፍሬ ምንድን ነው?"),
        ("What is used in houses?", "en", "USA", "What is used in houses?"),
        ("¿Qué se desayuna en Oaxaca?", "es", "MEX/oaxaca", None),
        ("¿Qué se come en Yucatán?", "es", "MEX/yucatan", None),
        ("¿Qué se come en México?", "es", "MEX/oaxaca", None),
        ("What do people in Oaxaca eat?", "en", "MEX/oaxaca", "What do people eat?"),
        ("What do people in Yucatán eat?", "en", "MEX/yucatan", "What do people eat?"),
        ("When it rains in Peru, what do you eat?", "en", "PER", "When it rains, what do you eat?"),
        ("What do people in Mexico eat?", "en", "MEX/oaxaca", None),
        ("Apa buah populer di Malaysia?", "ms", "MYS", None),
        ("Azərbaycanda ən populyar meyvə nədir?", "az", "AZE", "Ən populyar meyvə nədir?"),
        ("Azərbaycanlılar nə yeyir?", "az", "AZE", None),
        ("한국에서 가장 인기 있는 과일은?", "ko", "KOR", "가장 인기 있는 과일은?"),
        ("북한의 인기 있는 과일은?", "ko", "PRK", "인기 있는 과일은?"),
        ("한국인은 무엇을 먹나요?", "ko", "KOR", None),
        ("Naon bubuahan populer di Jawa Barat?", "su", "IDN/jb", "Naon bubuahan populer?"),
        ("Naon kadaharan Sunda?", "su", "IDN/jb", None),
        ("অসমত জনপ্ৰিয় ফল কি?", "as", "IND/as", "জনপ্ৰিয় ফল কি?"),
        ("অসমীয়া খাদ্য কি?", "as", "IND/as", None),
        ("What do people in Assam eat?", "en", "IND/as", "What do people eat?"),
        ("¿Qué se come en España?", "es", "ESP", "¿Qué se come?"),
    ],
)
def test_the_place_is_left_out_where_the_rest_does_not_need_it(
    text: str, language: str, community: str, wanted: str | None
) -> None:
    assert without_place(text, language, community) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("¿Qué se desayuna en Yucatán?", "¿Qué se desayuna?"),
        ("En Yucatán, ¿qué se cena?", "¿Qué se cena?"),
        ("¿Qué se juega en YUCATAN, sobre todo de noche?", "¿Qué se juega, sobre todo de noche?"),
        ("Los domingos, en Yucatán, ¿qué se come?", "Los domingos, ¿qué se come?"),
        ("¿Qué fruta es típica de  Yucatán en mayo?", "¿Qué fruta es típica en mayo?"),
        ("¿Qué lleva la sopa yucateca?", "¿Qué lleva la sopa?"),
        ("¿Qué se come en México?", "¿Qué se come?"),
        ("¿Qué comen los yucatecos en Yucatán?", "¿Qué comen los yucatecos?"),
        ("¿Por qué Yucatán es famosa?", None),
        ("¿Qué se come de Yucatán-Campeche?", None),
        ("¿Qué se come de este lado?", "¿Qué se come de este lado?"),
    ],
)
def test_a_test_brings_its_own_words_for_its_place(text: str, wanted: str | None) -> None:
    assert without_place(text, "es", "MEX/yucatan", YUCATAN) == wanted


@pytest.mark.parametrize(
    ("language", "own", "text", "wanted"),
    [
        (
            "fa",
            PlaceWords("یوکاتان", ("در یوکاتان", "مردم یوکاتان")),
            "در یوکاتان صبحانه چیست؟",
            "صبحانه چیست؟",
        ),
        ("fa", PlaceWords("یوکاتان"), "غذای یوکاتانی چیست؟", None),
        ("zh", PlaceWords("云南", ("在云南",)), "人们在云南吃什么？", "人们吃什么？"),
        ("as", PlaceWords("কামৰূপ", ("কামৰূপত",)), "কামৰূপতো কি খায়?", None),
        ("en", PlaceWords("Yucatán", ("in Yucatán",)), "Food in Yucatán?", "Food?"),
    ],
)
def test_own_words_for_a_place_work_in_other_scripts(
    language: str, own: PlaceWords, text: str, wanted: str | None
) -> None:
    assert without_place(text, language, "MEX/yucatan", own) == wanted


def test_places_whose_phrases_are_not_known_are_listed_with_the_next_step() -> None:
    answers = (AcceptedAnswer({"es": ("pan",)}, 2),)
    texts = {"es": "¿Qué se come en Yucatán?", "fa": "در یوکاتان چه می‌خورند؟", "en": "What?"}
    one = KnowledgeQuestion("1", "MEX/yucatan", "es", texts, answers)
    spanish, persian = map(str, places_without_phrases([one]))
    assert "MEX/yucatan in es: 1 of 1 question name the place" in spanish
    assert "place.es = { name = " in spanish and "by a name that is not known" in persian
    own = KnowledgeQuestion(
        "1", "MEX/yucatan", "es", texts, answers, place={"es": YUCATAN, "fa": YUCATAN}
    )
    assert list(places_without_phrases([own])) == []
    country = KnowledgeQuestion("1", "MYS", "ms", {"ms": "Apa itu?"}, answers)
    assert list(places_without_phrases([country])) == []
