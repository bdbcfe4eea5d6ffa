r"""Words in many languages by which short answers are read: answer, choose, refuse, deny, explain.

The tables list the words of short replies to a question with options, in the languages with the
most speakers and those in which surveys are made. An answer in another language is read if its
label comes last. Entries are regular expressions in lower case, one string for each language,
separated by blanks (an entry writes a blank as ``\s``).
"""

import re
from collections.abc import Mapping

_ANSWERS = {
    "en": "answer", "es": "respuesta", "pt": "resposta", "fr": r"r[ée]ponse", "it": "risposta",
    "de": "antwort",
    "nl": "antwoord", "sv da no": "svar", "fi": "vastau[sk]", "hu": "válasz", "pl": "odpowied[źz]",
    "cs sk": "odpov[ěe]ď", "hr sr sl": "odgovor", "ru": "ответ", "uk": "відповідь", "bg": "отговор",
    "ro": "răspuns",
    "el": "απάντηση", "tr": "cevab yanıt cevap", "id ms": "jawab", "sw": "jibu", "tl": "sagot",
    "vi": r"đáp\sán trả\slời câu\strả\slời", "he": "תשובה", "ar": "إجاب اجاب جواب",
    "fa ur": "پاسخ جواب",
    "hi mr": "उत्तर जवाब", "bn": "উত্তর", "ta": "பதில்", "te": "సమాధానం", "ml": "ഉത്തരം",
    "kn": "ಉತ್ತರ", "gu": "જવાબ",
    "pa": "ਜਵਾਬ ਉੱਤਰ", "th": "คำตอบ ตอบ", "am": "መልስ መልሱ", "ha": "amsa", "yo": "ìdáhùn idahun",
    "zu xh": "impendulo",
    "zh": "答案 回答 答", "ja": "答え 解答", "ko": "정답 대답 답",
    "kk ky uz az": "жауап жооп javob cavab",
    "mn": "хариулт", "si": "පිළිතුර", "my": "အဖြေ", "km lo": "ចម្លើយ ຄຳຕອບ",
    "ka hy": "პასუხ պատասխան",
    "eu": "erantzun", "ca": "resposta", "so": "jawaab", "su": "waleran", "as": "উত্তৰ",
}  # fmt: skip
_CHOICES = {
    "en": r"choose chose select pick option choice\b",
    "es": "opci[óo]n elijo escojo elegir elección",
    "pt": "opção escolh", "fr": "option chois", "it": "scelgo opzione scelta",
    "de": "wähl entsch option sagen",
    "nl": "kies kiez optie", "sv da no": "väljer vælger velger", "fi": "valits",
    "hu": "választ lehetőség",
    "pl": "wybieram wybór",
    "cs sk": "vyb[íi]r[áa]m vol[íi]m vyberiem", "hr sr sl": "biram odabirem izberem",
    "ru": "выб[иеор] вариант",
    "uk": "обираю вибираю варіант", "bg": "избирам", "ro": "aleg opțiune", "el": "επιλ[έεο]",
    "tr": "seç numara",
    "id ms": "pilih", "sw": "chagu", "tl": "pinipili pipiliin", "vi": "chọn", "he": "בוחר אבחר",
    "ar": "ختار خترت خيار",
    "fa ur": "انتخاب گزینه برمی چن", "hi mr": "चुन विकल्प निवड", "bn": "বেছে নির্বাচন বিকল্প",
    "ta": "தேர் தெரிவு",
    "te": "ఎంచు ఎంపిక", "ml": "തിരഞ്ഞെടു", "kn": "ಆಯ್ಕೆ ಆರಿಸ", "gu": "પસંદ", "pa": "ਚੁਣ",
    "th": "เลือก ข้อ",
    "am": "መርጣ እመርጥ ምርጫ", "ha": "zaɓ zabi", "yo": "yàn mo\\syan", "zu xh": "khetha",
    "zh": r"选 選 #\s*[号號] #\s*[分點点]\s*$", "ja": r"選 #\s*点?(?:番|です|だと|でしょう)",
    "kk ky uz az": "таңда танда tanla seçir", "mn": "сонго", "ne": "छान्", "si": "තෝර",
    "my": "ရွေး", "as": "বাছ বিকল্প", "az": "variant",
    "km lo": "ជ្រើស ເລືອກ", "ka hy": "ირჩევ ընտր", "eu": "aukera", "ca": "trio tria", "so": "doort",
    "ur": "منتخب",
    "ko": r"선택 고르 고릅 #\s*점?(?:번|입니다|이다|이에요|예요|요)",
}  # fmt: skip
_QUESTIONS = {
    "en fr": "question", "es pt it": "pregunta pergunta domanda", "de nl": "frage vraag",
    "sv da no": "fråga spørgsmål", "fi hu": "kysymys kérdés", "pl cs sk": "pytanie otázka",
    "hr sr sl": "pitanje vprašanje", "ro": "întrebare", "ru uk bg": "вопрос питання въпрос",
    "el": "ερώτηση", "tr": "soru", "id ms": "pertanyaan soalan", "sw tl": "swali tanong",
    "vi": r"câu\shỏi", "he": "שאלה", "ar": "سؤال", "fa ur": "پرسش سوال", "hi mr": "प्रश्न सवाल",
    "bn": "প্রশ্ন", "ta te": "கேள்வி ప్రశ్న", "th": "คำถาม", "am": "ጥያቄ",
    "zh": "问题 問題 问 問", "ja": "質問", "ko": "질문",
    "as": "প্ৰশ্ন", "az": "sual", "su": "patarosan", "ha": "tambaya",
}  # fmt: skip
_OUT_OF = {
    "en": r"/ (?:out\s+)?of", "es pt fr": "de sur", "it": "su di", "de nl": "von van",
    "sv da no": "av af", "pl cs sk": "ze? zo", "hr sr sl": "od", "ro": "din",
    "ru uk bg": "из з із от",
    "el": "από", "id ms": "dari daripada", "vi": "trên",
}  # fmt: skip
_REASONS = {
    "en": "because since as", "es pt": "porque", "fr": "car parce", "it": "perch[ée]",
    "de": "weil denn da", "nl": "omdat want", "sv da no": "eftersom därför fordi",
    "fi hu": "koska mert",
    "pl cs sk": "ponieważ bo protože pretože", "hr sr": "jer", "ro": "pentru deoarece",
    "ru uk bg": r"потому так\sкак тому\sщо защото", "el": "επειδή γιατί", "tr": "çünkü",
    "id ms": "karena kerana", "sw tl": r"kwa\ssababu dahil", "vi": "vì bởi", "he": "כי",
    "ar": "لأن لان", "fa ur": "زیرا چون کیونکہ", "hi": "क्योंकि", "bn": "কারণ", "ta": "ஏனெனில்",
    "as": "কাৰণ", "az": "çünki", "su": "margi kusabab", "ha": "saboda", "am": "ምክንያቱም",
    "te": "ఎందుకంటే", "th": "เพราะ", "zh": "因为 因為", "ja": "なぜなら", "ko": "왜냐하면",
}  # fmt: skip
_REFUSALS = {
    "en": r"cannot can['’]?t\s can\snot won['’]?t unable\sto not\sable\sto not\scomfortable"
    r" refuse\sto prefer\snot rather\snot decline\sto as\san\sai\b"
    r" i['’]?m\s(?:just\s)?an?\s(?:ai|language\smodel) don['’]?t\sknow"
    r" no\s(?:personal\s)?opinion sorry impossible language\smodel",
    "es": r"no\spuedo no\ssé lo\ssiento como\s(?:una\s)?ia\b", "pt": r"não\sposso não\ssei desculp",
    "fr": r"je\sne\s(?:peux|sais) je\srefuse désolé en\stant\squ['’]ia",
    "it": r"non\sposso non\sso\b mi\sdispiace",
    "de": r"kann\sich\snicht ich\skann\s(?:keine?|nicht|diese) tut\smir\sleid als\ski\b",
    "nl": r"kan\s(?:ik\s)?niet het\sspijt",
    "sv da no": r"kan\s(?:jag\s)?(?:inte|ikke) tyvärr beklager",
    "ru": r"не\sмогу не\sзнаю извините отказыва",
    "uk": r"не\sможу не\sзнаю вибачте", "pl": r"nie\smogę nie\swiem przeprasz",
    "cs sk": "nelze nemohu nemůžu nemôžem nevím neviem omlouv", "hu": r"nem\stud sajnál",
    "ro": r"nu\spot\b îmi\spare\srău",
    "el": r"δεν\s(?:μπορώ|ξέρω|γνωρίζω) λυπάμαι",
    "az": r"bilmirəm bilmərəm (?:seçə|verə)\sbilm üzr",
    "su": r"(?:henteu|teu)\s(?:terang|tiasa|apal|nyaho) hapunten",
    "ha": r"ban\ssani ba\szan\siya (?:yi|ku)\sha[kƙ]uri", "as": "নাজানো নোৱাৰো ক্ষমা",
 "tr": r"seçemem cevaplayamam yapay\szeka üzgün bilmiyorum",
    "id ms": r"tidak\s(?:bisa|dapat|tahu|boleh) maaf", "sw": "siwezi samahani",
    "vi": r"không\s(?:thể|biết) xin\slỗi",
    "he": r"לא\sיכול מצטער", "ar": r"لا\s(?:أستطيع|استطيع|يمكن|أعرف) آسف عذر عتذر",
    "fa ur": r"نمی\s?(?:توانم|دانم) متأسف معذرت",
    "hi mr": r"नहीं माफ़ माफ क्षमा", "bn": r"পারি\sনা পারব\sনা দুঃখিত", "ta": "முடியாது மன்னி",
    "te": "క్షమించ", "th": "ขอโทษ ขออภัย ไม่สามารถ ไม่ทราบ", "am": "አልችልም አላውቅም ይቅርታ",
    "fi": r"\ben\s(?:valitse|halua|voi|osaa|tiedä) anteeksi",
    "zh": "无法 不能 抱歉 对不起 不知道 拒绝 無法 對不起",
    "ja": "できません できない わかりません 申し訳 ごめん",
    "ko": r"수\s?없 죄송 모르 모릅",
}  # fmt: skip
_DENIALS = {  # whole words
    "en": r"not never neither nor except avoid reject wrong"
    r" (?:anything|everything|all)\sbut (?:less|more)\sthan at\s(?:least|most)",
    "es pt it": "nunca ningun[oa]? nenhuma? não non mai nessun[oa]?",
    "fr": "pas jamais aucune? ne", "de nl": r"nicht niemals kein\w* niet geen nooit",
    "sv da no fi": "inte ikke ei",
    "hu ro": "nem nu", "cs pl": r"ne nie nevyb\w* nechc\w*", "ru uk bg": "не нет ни ні никогда",
    "el": "δεν μην όχι",
    "tr": "değil hiç hiçbiri?", "id sw tl": "tidak bukan jangan hapana hindi", "vi": "không chẳng",
    "az su": "deyil yox henteu sanes", "ha": "ban",
    "he": "לא אף", "ar": "لا لن لم ليس ليست غير", "fa ur": "نه نیست نہیں",
}  # fmt: skip
_DENYING_PARTS = {
    "en": r"n['’]t\b \bno\b(?!\.?\s*[\d#(])", "hi mr": "नहीं नही", "zh": "[不没沒未非无無别別]",
    "ja": "ない ません",
    "ko": "않 못 없 아니", "th": "ไม่", "am": "አይደለም", "ta": "இல்லை வில்லை", "te": "కాదు కోను",
    "bn": r"\sনা নয় নেই", "fa": "نمی", "gu": "નથી", "as": "নহয় নাই নাবাছ",
    "tr": r"m[ıiuü]yor\w* \w+[ea]mem\b",
}  # fmt: skip
_STRENGTHS = {
    "en": "very much really so too most more less least highly strongly slightly somewhat extremely"
    " completely totally fully wholly entirely quite rather fairly mostly partly partially "
    "moderately generally "
    "absolutely definitely"
    " super pretty critically vitally incredibly crucially increasingly enormously equally only "
    "sometimes occasionally"
    " weakly vehemently emphatically tend inclined lean leaning"
    " wholeheartedly firmly deeply utterly mildly largely almost nearly hardly barely not"
    " never no neither nor little bit un non",
    "es": "muy mucho totalmente completamente algo poco bastante nada parcialmente más menos",
    "pt": "muito totalmente pouco bastante nada mais",
    "it": "molto poco abbastanza tutto niente più meno",
    "fr": "très tout plutôt peu pas assez fortement totalement moins plus beaucoup",
    "de": "sehr völlig voll ganz eher kaum nicht stark teilweise etwas wenig weniger mehr",
    "nl": "zeer heel helemaal enigszins niet weinig meer",
    "pl": "bardzo raczej nie wcale zupełnie trochę",
    "ru": "очень совершенно полностью скорее не совсем вполне частично более менее",
    "ar": "جدا بشدة تماما قليلا غير لا أكثر أقل", "fa": "خیلی بسیار کاملا کمی نه",
    "hi": "बहुत पूरी पूर्णतः कुछ थोड़ा नहीं अधिक कम",
    "tr": "çok kesinlikle tamamen biraz kısmen hiç",
    "id": "sangat agak kurang tidak sepenuhnya cukup", "vi": "rất hơi khá không",
}  # fmt: skip
_OPTIONS = {
    "en": "options choices", "es": "opciones", "pt": "opções", "fr": "choix", "it": "opzioni",
    "de": "optionen möglichk",
    "nl": "opties", "pl": "opcj", "ru uk": "вариант варіант", "tr": "seçenek",
    "id ms": "pilihan opsi",
    "vi": r"lựa\schọn", "ar": "خيارات", "fa ur": "گزینه", "hi mr bn": "विकल्प বিকল্প",
    "th": "ตัวเลือก",
    "zh": "[选選][项項] [个個]", "ja": "選択肢 つ", "ko": "선택지 개",
    "el": "επιλογές", "bn": "টি", "as": "বিকল্প", "ha": "zaɓuɓɓuka",
    "am": "አማራጮች", "ta": "விருப்பங்கள்", "te": "ఎంపికలు",
}  # fmt: skip


def _any_of(*tables: Mapping[str, str]) -> str:
    entries: list[str] = []
    for table in tables:
        for words in table.values():
            entries += words.split()
    return "|".join(entries)


ANSWER_WORD = re.compile(rf"(?:{_any_of(_ANSWERS)})", re.IGNORECASE)
"""A word for "answer"."""
CHOICE_WORD = re.compile(rf"(?:{_any_of(_ANSWERS, _CHOICES)})", re.IGNORECASE)
"""A word for "answer", "option" or "choose"."""
REFUSES = re.compile(_any_of(_REFUSALS), re.IGNORECASE)
"""Words of a reply that refuses to answer."""
DENIES = re.compile(rf"(?<!-)\b(?:{_any_of(_DENIALS)})\b|{_any_of(_DENYING_PARTS)}", re.IGNORECASE)
"""A word that may turn a choice into its opposite."""
QUESTION_WORD = re.compile(rf"(?:{_any_of(_QUESTIONS)})", re.IGNORECASE)
"""A word for "question"."""
OUT_OF = re.compile(rf"\s*(?:{_any_of(_OUT_OF)})\s*", re.IGNORECASE)
"""The words between a number and the end of its scale: "7 out of 10"."""
EXPLAINS = re.compile(
    rf"\W{{0,3}}\b(?:{_any_of(_REASONS)})(?![a-zà-ɏ])|\s*[,，、،(（]", re.IGNORECASE
)
"""The sign that an explanation of the answer follows: "because", a comma or a bracket."""
COUNTS = re.compile(rf".{{0,12}}(?:{_any_of(_OPTIONS)})", re.IGNORECASE)
"""A word for "options" soon after a number that may count them."""
STRENGTHS = frozenset(" ".join(_STRENGTHS.values()).split())
"""Words that turn an option into another one: "strongly agree" is not "agree"."""
