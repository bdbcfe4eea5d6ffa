"""Questions without the name of their place."""

import pytest

from pluralign.asking.unnamed_places import without_place


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
        ("What do people in Mexico eat?", "en", "MEX/oaxaca", None),
        ("Apa buah populer di Malaysia?", "ms", "MYS", None),
    ],
)
def test_the_place_is_left_out_where_the_rest_does_not_need_it(
    text: str, language: str, community: str, wanted: str | None
) -> None:
    assert without_place(text, language, community) == wanted
