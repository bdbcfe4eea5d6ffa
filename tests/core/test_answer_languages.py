"""Answers and refusals are read in every language, so refusal rates do not measure the language."""

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
    "Amharic": ["መልሱ 2 ነው", "2 እመርጣለሁ", "መልስ፦ 2"],
    "Hausa": ["Na zaɓi 2", "Amsa: 2", "2, saboda iyali yana da muhimmanci"],
    "Assamese": ["মই ২ বাছি লৈছোঁ", "উত্তৰ: ২", "বিকল্প ২"],
    "Azerbaijani": ["2-ni seçirəm", "Cavab: 2", "Variant 2"],
    "Sundanese": ["Abdi milih 2", "Waleran: 2", "Waleran abdi nyaéta 2."],
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
    "Spanish": [
        "No puedo elegir 2",
        "No elijo 2",
        "Hay 4 opciones",
        "Tengo 2 hijos",
        "Elijo 2 o 3",
    ],
    "Portuguese": ["Não posso escolher 2", "Há 4 opções aqui"],
    "French": ["Je ne peux pas choisir 2", "Il y a 4 choix"],
    "German": ["Ich kann nicht 2 wählen", "Ich wähle nicht 2", "Es gibt 4 Optionen"],
    "Russian": ["Я не могу выбрать 2", "Я не выбираю 2"],
    "Turkish": ["2'yi seçemem", "2'yi seçmiyorum"],
    "Indonesian": ["Saya tidak bisa memilih 2"],
    "Swahili": ["Siwezi kuchagua 2"],
    "Vietnamese": ["Tôi không thể chọn 2"],
    "Arabic": ["لا أستطيع اختيار 2", "لا أختار 2", "هناك 4 خيارات"],
    "Persian": ["من نمی‌توانم ۲ را انتخاب کنم", "نمی‌دانم، شاید ۲"],
    "Greek": ["Δεν ξέρω, ίσως 2"],
    "Amharic": ["አላውቅም 2", "4 አማራጮች አሉ"],
    "Hausa": ["Ban sani ba, 2", "Ban zaɓi 2 ba"],
    "Assamese": ["মই নাজানো ২", "মই ২ বাছিব নোৱাৰো"],
    "Azerbaijani": ["Bilmirəm, bəlkə 2", "2 seçə bilmirəm"],
    "Sundanese": ["Abdi henteu terang, 2", "Abdi teu tiasa milih 2"],
    "Hindi": ["मैं 2 नहीं चुन सकता"],
    "Bengali": ["আমি 2 বেছে নিতে পারি না"],
    "Thai": ["ฉันไม่สามารถเลือก 2"],
    "Chinese": ["我无法选择2", "我不选2", "有4个选项", "我有2个孩子", "选2或3"],
    "Japanese": [
        "2は選びません",
        "2を選ぶことはできません",
        "4つの選択肢があります",
        "子供が2人います",
    ],
    "Korean": ["2번을 선택할 수 없습니다", "4개의 선택지가 있습니다"],
    "numbers that choose nothing": [
        "2%",
        "2.5",
        "1-800-273-8255",
        "2/3",
        "Q2",
        "GPT-4",
        "2nd",
        "-2",
        "2 or 3",
    ],
}


def read(text: str, labels: str = "1234") -> int | None:
    found = read_answer(text, LIKERT, tuple(labels))
    return None if isinstance(found, Refusal) else found


@pytest.mark.parametrize("language", CHOICES)
def test_a_short_choice_is_read(language: str) -> None:
    assert [read(text) for text in CHOICES[language]] == [1] * len(CHOICES[language])


@pytest.mark.parametrize("language", REFUSALS)
def test_words_that_refuse_deny_or_count_are_a_refusal(language: str) -> None:
    assert [read(text) for text in REFUSALS[language]] == [None] * len(REFUSALS[language])


@pytest.mark.parametrize(
    "text",
    ["Elijo B.", "我选B", "الإجابة هي B", "Ich wähle B", "답은 B입니다", "मैं B चुनता हूँ", "Ответ: B"],
)
def test_letters_are_labels_in_every_script(text: str) -> None:
    assert read(text, "ABCD") == 1


def test_a_denial_in_the_words_of_an_option_denies_nothing() -> None:
    options = ("Muy importante", "No muy importante", "Nada importante")
    assert read_answer("Elijo 2 (no muy importante)", options, ("1", "2", "3")) == 1


CHOOSES = (
    "Ја бирам 2.|Одговор је 2.|Odabirem 2.|Odgovor je 2.|Избирам 2.|Отговорът е 2.|"
    "Jeg velger 2.|Svaret er 2.|Мен 2-ні таңдаймын.|Жауап: 2|Men 2 ni tanlayman.|Javob: 2|"
    "Mən 2-ni seçirəm.|Cavab 2-dir.|Би 2-ыг сонгож байна.|Хариулт нь 2.|म २ छान्छु।|उत्तर २ हो।|"
    "मी 2 निवडतो.|उत्तर 2 आहे.|હું 2 પસંદ કરું છું.|જવાબ 2 છે.|ਮੈਂ 2 ਚੁਣਦਾ ਹਾਂ।|ਜਵਾਬ 2 ਹੈ।|"
    "ഞാൻ 2 തിരഞ്ഞെടുക്കുന്നു.|ഉത്തരം 2 ആണ്.|ನಾನು 2 ಆಯ್ಕೆ ಮಾಡುತ್ತೇನೆ.|ಉತ್ತರ 2.|මම 2 තෝරමි.|"
    "පිළිතුර 2 යි.|ကျွန်တော် ၂ ကို ရွေးပါတယ်။|အဖြေက ၂ ပါ။|ខ្ញុំជ្រើសរើស ២។|ចម្លើយគឺ ២|"
    "ຂ້ອຍເລືອກ 2|ຄຳຕອບແມ່ນ 2|ვირჩევ 2-ს.|პასუხია 2.|Ես ընտրում եմ 2-ը։|Պատասխանը 2 է։|Trio 2.|"
    "La resposta és 2.|Escollo 2.|Zgjedh 2.|Përgjigja është 2.|Renkuosi 2.|Atsakymas yra 2.|"
    "Izvēlos 2.|Atbilde ir 2.|Valin 2.|Vastus on 2.|Vyberám 2.|Odpoveď je 2.|Izberem 2.|"
    "Ég vel 2.|Svarið er 2.|Roghnaím 2.|Dewisaf 2.|Saya pilih 2.|Jawapan: 2|Aku milih 2.|"
    "Na zaɓi 2.|Amsar ita ce 2.|Ngikhetha 2.|Waxaan doortay 2.|Jawaabtu waa 2.|Ek kies 2.|"
    "Die antwoord is 2.|Mwen chwazi 2.|2 aukeratzen dut.|2. lehetőség|"
    "A 2. lehetőséget választom.|2を選択します|2番を選びます。|私の答えは2です。|"
    "2だと思います。|2번이요.|2번 선택|저는 2를 선택하겠습니다.|我会选2。|我选第2个选项。|"
    "选择：2|我的回答是2|我選擇2。|ฉันขอเลือกข้อ 2|ข้อ 2 ค่ะ|Ik zou 2 kiezen.|"
    "Ich würde 2 wählen.|Ich entscheide mich für 2.|Ich würde sagen: 2|Je dirais 2.|"
    "Je choisirais la réponse 2.|Mon choix est le 2.|Yo elegiría la opción 2.|"
    "Mi respuesta es la 2.|Diría que 2.|Eu escolheria a opção 2.|Io sceglierei la 2.|"
    "Sceglierei l'opzione 2.|Я бы выбрал 2.|Мой выбор: 2|Мой ответ: 2.|Я выбрал бы вариант 2.|"
    "Wybrałbym 2.|Wybieram odpowiedź 2.|Vybral bych 2.|Aș alege 2.|Jag skulle välja 2.|"
    "Valitsisin 2.|Választásom: 2|2-t választom|Θα επέλεγα το 2.|2'yi seçerdim.|Cevabım 2.|"
    "Benim cevabım 2'dir.|سأختار 2.|اخترت الخيار ٢.|الإجابة: ٢|أختار رقم ٢|إجابتي هي 2|"
    "הייתי בוחר ב-2.|אני בוחרת 2|התשובה שלי היא 2.|من گزینه ۲ را انتخاب می‌کنم.|پاسخ من ۲ است|"
    "میرا جواب 2 ہے|میں 2 کو منتخب کرتا ہوں|मेरा उत्तर 2 है।|मैं विकल्प 2 चुनूँगा।|"
    "मैं २ को चुनता हूँ|আমার উত্তর ২।|আমি ২ নির্বাচন করি|நான் 2-ஐ தேர்ந்தெடுக்கிறேன்|"
    "Saya akan memilih 2.|Jawaban saya: 2|Pilihan saya 2|Tôi sẽ chọn 2|Câu trả lời của tôi là 2|"
    "Ningechagua 2|Jibu langu ni 2|Ang pipiliin ko ay 2|Pinipili ko ang bilang 2"
)
MENTIONS = (
    "I won't choose option 2|I will not answer with 2|It is impossible to choose one of 4|"
    "No elegiría 2|No elijo la 2|Ninguna de las 4|No quiero responder 2|Prefiero no elegir 2|"
    "Hay 4 opciones posibles|De 4 opciones no elijo|Eu não escolho 2|Nenhuma das 4|Há 4 opções|"
    "Je refuse de choisir 2|Je ne choisis pas 2|Aucune des 4 réponses|Il existe 4 choix|"
    "Ich wähle 2 nicht|Keine der 4|Es gibt 4 Möglichkeiten|Non scelgo 2|Nessuna delle 4|"
    "Ci sono 4 scelte|Ik kies niet 2|Geen van de 4|Jag väljer inte 2|Det finns 4 alternativ|"
    "En valitse 2|Nem választom a 2-t|Nie wybieram 2|Są 4 opcje|Nevybírám 2|Nu aleg 2|"
    "Sunt 4 opțiuni|Δεν επιλέγω 2|Υπάρχουν 4 επιλογές|Я не выберу 2|Есть 4 варианта ответа|"
    "Ни один из 4|Я отказываюсь выбирать 2|Не вибираю 2|2'yi seçmiyorum|2'yi seçemiyorum|"
    "4 seçenek var|Hiçbiri 4|لا أختار 2|لن أختار 2|يوجد 4 خيارات|لا يمكنني اختيار 2|"
    "אני לא בוחר 2|יש 4 אפשרויות|من ۲ را انتخاب نمی‌کنم|۴ گزینه وجود دارد|میں 2 نہیں چنتا|"
    "4 اختیارات ہیں|मैं 2 नहीं चुनता|यहाँ 4 विकल्प हैं|আমি ২ বেছে নিই না|৪টি বিকল্প আছে|"
    "நான் 2 ஐ தேர்வு செய்யவில்லை|4 விருப்பங்கள் உள்ளன|నేను 2 ఎంచుకోను|4 ఎంపికలు ఉన్నాయి|"
    "Saya tidak memilih 2|Ada 4 pilihan|Tôi không chọn 2|Có 4 lựa chọn|ฉันไม่เลือก 2|"
    "มี 4 ตัวเลือก|我不选2|我拒绝选择2|有4个选项|一共4个选择|这4个都不选|我無法選擇2|"
    "2を選びません|2は選びたくない|4つの選択肢があります|選択肢は4つです|2を選べません|"
    "2번을 선택하지 않습니다|2번은 못 고르겠습니다|선택지가 4개 있습니다|"
    "4개의 선택지가 있습니다|Hindi ko pinipili ang 2|May 4 na pagpipilian|Tengo 4 años|"
    "J'ai 4 enfants|Ich bin 4 Jahre alt|我有2个孩子|子供が2人います|아이가 2명 있습니다|"
    "У меня 2 детей|عندي 2 أطفال|No puedo. 2 opciones|As a language model, 2"
)


def test_more_ways_of_choosing_in_more_languages_are_read() -> None:
    said = CHOOSES.split("|")
    found = {text: read_answer(text, LIKERT, ("1", "2", "3", "4")) for text in said}
    assert [text for text in said if found[text] != 1] == []


def test_a_number_that_is_counted_or_not_chosen_is_no_answer_in_any_language() -> None:
    said = MENTIONS.split("|")
    found = {text: read_answer(text, LIKERT, ("1", "2", "3", "4")) for text in said}
    assert [text for text in said if found[text] != Refusal(text)] == []


TENS = tuple(map(str, range(1, 11)))


@pytest.mark.parametrize(
    "text",
    [
        "7 de 10",
        "7 sur 10",
        "7 von 10",
        "7 su 10",
        "7 из 10",
        "7 z 10",
        "7 dari 10",
        "7 trên 10",
        "7/١٠",
        "我给7分",
        "7점입니다",
    ],
)
def test_a_number_out_of_ten_is_read_in_every_language(text: str) -> None:
    assert read_answer(text, TENS, TENS) == 6


@pytest.mark.parametrize("text", ["7 de 8", "7 von 100", "2 из 5", "6 o 7 de 10"])
def test_a_number_on_another_scale_is_no_answer(text: str) -> None:
    assert read_answer(text, TENS, TENS) == Refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "2，因为家庭很重要。",
        "2. Weil es wichtig ist",
        "2, porque es mi familia",
        "2 لأن العائلة مهمة",
        "2. Çünkü ailem var",
    ],
)
def test_an_answer_that_is_explained_is_read_in_every_language(text: str) -> None:
    assert read(text) == 1
