"""Answers and refusals are told apart in every language, so that refusal rates do not measure the language."""

import pytest

from pluralign.core import Refusal, read_answer

LIKERT = ("Very important", "Rather important", "Not very important", "Not at all important")

CHOICES = {
    "English": ["I choose 2.", "My choice is 2", "The answer is 2", "Option 2"],
    "Spanish": ["Elijo 2.", "La respuesta es 2.", "Respuesta: 2", "Opción 2", "Me quedo con el 2"],
    "Portuguese": ["Eu escolho 2", "A resposta é 2", "Resposta: 2"],
    "French": ["Je choisis 2.", "La réponse est 2", "Réponse : 2", "Je dirais 2"],
    "Italian": ["Scelgo 2.", "La risposta è 2"],
    "German": ["Ich wähle 2.", "Die Antwort ist 2.", "Antwort: 2", "Ich würde 2 sagen"],
    "Dutch": ["Ik kies 2", "Het antwoord is 2"],
    "Swedish": ["Jag väljer 2", "Svaret är 2"],
    "Finnish": ["Valitsen 2", "Vastaus on 2"],
    "Hungarian": ["A 2-t választom.", "A válasz 2"],
    "Polish": ["Wybieram 2", "Odpowiedź: 2"],
    "Czech": ["Volím 2", "Odpověď je 2"],
    "Russian": ["Я выбираю 2.", "Выбираю вариант 2", "Ответ: 2"],
    "Ukrainian": ["Обираю 2", "Відповідь: 2"],
    "Romanian": ["Aleg 2", "Răspunsul este 2"],
    "Greek": ["Επιλέγω 2", "Η απάντηση είναι 2"],
    "Turkish": ["2'yi seçiyorum", "2 numarayı seçiyorum.", "Cevabım 2'dir", "Cevap: 2"],
    "Indonesian": ["Saya memilih 2", "Jawaban saya adalah 2"],
    "Swahili": ["Ninachagua 2", "Jibu ni 2"],
    "Tagalog": ["Pinipili ko ang 2", "Ang sagot ko ay 2"],
    "Vietnamese": ["Tôi chọn 2", "Câu trả lời là 2"],
    "Hebrew": ["אני בוחר 2", "התשובה היא 2"],
    "Arabic": ["أختار 2", "أختار الخيار ٢", "الإجابة هي ٢", "الجواب: ٢"],
    "Persian": ["من ۲ را انتخاب می‌کنم", "پاسخ ۲ است", "گزینه ۲"],
    "Urdu": ["میں 2 کا انتخاب کرتا ہوں", "میں ۲ چنوں گا"],
    "Hindi": ["मैं 2 चुनता हूँ", "उत्तर 2 है।", "मेरा जवाब २ है", "विकल्प 2"],
    "Bengali": ["আমি ২ বেছে নিচ্ছি", "উত্তর হল ২"],
    "Tamil": ["நான் 2 ஐத் தேர்ந்தெடுக்கிறேன்", "பதில் 2"],
    "Telugu": ["నేను 2 ఎంచుకుంటాను"],
    "Thai": ["ฉันเลือก 2", "คำตอบคือ ๒", "ข้อ 2 ครับ"],
    "Amharic": ["መልሱ 2 ነው", "2 እመርጣለሁ"],
    "Hausa": ["Na zaɓi 2"],
    "Yoruba": ["Mo yan 2"],
    "Zulu": ["Ngikhetha 2"],
    "Chinese": ["我选择2。", "我選2", "答案是2", "回答：2", "选项2", "2号"],
    "Japanese": ["2を選びます", "答えは2です。", "私は2番を選びます", "2です", "選択肢2"],
    "Korean": ["2번을 선택합니다", "답은 2번입니다", "2번", "정답: 2", "저는 2를 고르겠습니다"],
}
REFUSALS = {
    "English": [
        "I cannot choose 2",
        "not 2",
        "There are 4 options",
        "I have 2 children",
        "As an AI I have no 1 opinion",
    ],
    "Spanish": ["No puedo elegir 2", "No elijo 2", "Hay 4 opciones", "Tengo 2 hijos", "Elijo 2 o 3"],
    "Portuguese": ["Não posso escolher 2", "Há 4 opções aqui"],
    "French": ["Je ne peux pas choisir 2", "Il y a 4 choix"],
    "German": ["Ich kann nicht 2 wählen", "Ich wähle nicht 2", "Es gibt 4 Optionen"],
    "Russian": ["Я не могу выбрать 2", "Я не выбираю 2"],
    "Turkish": ["2'yi seçemem", "2'yi seçmiyorum"],
    "Indonesian": ["Saya tidak bisa memilih 2"],
    "Swahili": ["Siwezi kuchagua 2"],
    "Vietnamese": ["Tôi không thể chọn 2"],
    "Arabic": ["لا أستطيع اختيار 2", "لا أختار 2", "هناك 4 خيارات"],
    "Persian": ["من نمی‌توانم ۲ را انتخاب کنم"],
    "Hindi": ["मैं 2 नहीं चुन सकता"],
    "Bengali": ["আমি 2 বেছে নিতে পারি না"],
    "Thai": ["ฉันไม่สามารถเลือก 2"],
    "Chinese": ["我无法选择2", "我不选2", "有4个选项", "我有2个孩子", "选2或3"],
    "Japanese": ["2は選びません", "2を選ぶことはできません", "4つの選択肢があります", "子供が2人います"],
    "Korean": ["2번을 선택할 수 없습니다", "4개의 선택지가 있습니다"],
    "numbers that choose nothing": ["2%", "2.5", "1-800-273-8255", "2/3", "Q2", "GPT-4", "2nd", "-2", "2 or 3"],
}


def read(text: str, labels: str = "1234") -> int | None:
    found = read_answer(text, LIKERT, tuple(labels))
    return None if isinstance(found, Refusal) else found


@pytest.mark.parametrize("language", CHOICES)
def test_a_short_choice_is_read(language: str) -> None:
    assert [read(text) for text in CHOICES[language]] == [1] * len(CHOICES[language])


@pytest.mark.parametrize("language", REFUSALS)
def test_what_refuses_denies_or_counts_is_a_refusal(language: str) -> None:
    assert [read(text) for text in REFUSALS[language]] == [None] * len(REFUSALS[language])


@pytest.mark.parametrize(
    "text", ["Elijo B.", "我选B", "الإجابة هي B", "Ich wähle B", "답은 B입니다", "मैं B चुनता हूँ", "Ответ: B"]
)
def test_letters_are_labels_in_every_script(text: str) -> None:
    assert read(text, "ABCD") == 1


def test_a_denial_in_the_words_of_an_option_denies_nothing() -> None:
    options = ("Muy importante", "No muy importante", "Nada importante")
    assert read_answer("Elijo 2 (no muy importante)", options, ("1", "2", "3")) == 1
