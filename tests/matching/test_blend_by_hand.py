"""Ten answers in each of five languages, scored by hand against the counts of real questions.

Each row has the question, an answer, how it matches, and its people / those of the most common one.
"""

from pathlib import Path

import pytest

from pluralign.matching import stemmed
from pluralign.metrics import answer_credit, match_answer
from pluralign.sources import BlendKnowledge, read_knowledge

BY_HAND = {
    "Iran": [
        ("Al-en-04", "موز", "exact", 1 / 2),
        ("Al-en-40", "پارك", "exact", 5 / 5),  # the Arabic kaf
        ("Ca-sp-21", "۳", "exact", 1 / 2),  # the Persian digit
        ("Jo-sp-01", "كشتي", "exact", 3 / 4),
        ("Jod-ch-56", "۵۵ سالگی", "contained", 1 / 2),
        ("Kik-in-01", "عيد نوروز", "exact", 4 / 4),  # the Arabic yeh
        ("Ne-ar-32", "پنیر", "exact", 4 / 5),
        ("New-as-30", "واليبال", "exact", 3 / 5),
        ("New-in-80", "در شهربازی ارم", "contained", 5 / 5),
        ("New-su-42", "مسیحیت", None, 0),
    ],
    "Ethiopia": [
        ("Al-en-04", "ማንጎ", "exact", 2 / 4),
        ("Al-en-40", "ሞል", "exact", 3 / 4),
        ("Ca-sp-21", "5", "exact", 1 / 4),
        ("Jo-sp-01", "መረብ ኳስ ጨዋታ", "contained", 1 / 4),
        ("Jod-ch-07", "1.50", "exact", 2 / 2),  # 1.5
        ("Kik-in-01", "ጥምቀት", None, 0),  # people wrote የጥምቀት, and Amharic has no stemmer
        ("New-am-54", "ዐማራ", "exact", 2 / 3),  # a letter that is pronounced alike
        ("New-as-30", "ሩጫ።", "exact", 1 / 3),
        ("New-ch-74", "ዶርም", "exact", 3 / 3),
        ("New-gr-76", "ዶሮ ወጥ", "exact", 2 / 4),
    ],
    "China": [
        ("Al-en-04", "梨", "exact", 1 / 4),
        ("Al-en-40", "儿童公园。", "exact", 4 / 4),
        ("Jo-sp-01", "足球", "exact", 2 / 3),
        ("Jod-ch-07", "１．５", "exact", 2 / 4),  # full-width digits
        ("Kik-in-01", "国庆节放假", "contained", 1 / 4),
        ("Ne-ar-32", "豆浆和油条", "contained", 2 / 2),  # the first of two
        ("New-am-54", "新疆", "exact", 2 / 4),
        ("New-as-30", "打乒乓球", "contained", 3 / 3),
        ("New-ch-27", "泰森", None, 0),
        ("New-spme-27", "初中", "exact", 2 / 3),
    ],
    "Indonesia": [
        ("Al-en-04", "Klengkeng", "exact", 1 / 4),
        ("Al-en-40", "Pantainya", "stemmed", 3 / 3),  # "the beach"
        ("Jo-sp-01", "bulu-tangkis", "exact", 4 / 4),
        ("Jod-ch-07", "1,5", "exact", 1 / 4),  # the decimal comma
        ("Kik-in-01", "Lebaran", "exact", 5 / 5),
        ("Ne-ar-32", "bubur ayam", "exact", 1 / 2),  # not bubur
        ("New-as-30", "senam", "exact", 1 / 2),
        ("New-ch-74", "apartemen.", "exact", 2 / 5),
        ("New-gr-76", "makan telur rebus", "contained", 4 / 4),
        ("New-spme-27", "SMA", "exact", 2 / 3),
    ],
    "Mexico": [
        ("Al-en-04", "el plátano", "exact", 1 / 2),  # with its article
        ("Al-en-40", "Parques.", "exact", 4 / 4),
        ("Jo-sp-01", "natacion", "exact", 1 / 2),  # without its accent
        ("Kik-in-01", "Día de Muertos", "exact", 1 / 3),
        ("Ne-ar-32", "tamal", "stemmed", 2 / 4),  # people wrote tamales
        ("New-as-30", "Futbol", "exact", 4 / 4),
        ("New-az-73", "50 personas", "contained", 2 / 3),
        ("New-en-11", "brocoli", "exact", 1 / 3),
        ("New-in-80", "Xcaret", "exact", 2 / 5),
        ("New-spme-27", "universidad", None, 0),
    ],
}


@pytest.mark.shared
@pytest.mark.parametrize("region", BY_HAND)
def test_ten_real_questions_score_as_they_do_by_hand(region: str, shared_data: Path) -> None:
    path = shared_data / "blend" / f"{region}.jsonl.gz"
    questions = {q.id: q for q in read_knowledge(BlendKnowledge(path)).questions}
    assert len(BY_HAND[region]) == 10
    for id_, text, kind, credit in BY_HAND[region]:
        question = questions[id_]
        match = match_answer(text, question, question.language, stemmed)
        assert (None if match is None else match.kind) == kind, (id_, text)
        found = answer_credit(question, None if match is None else match.answer)
        assert found == pytest.approx(credit), (id_, text)
