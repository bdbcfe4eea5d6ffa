r"""Read an answer from a reply: an option, or a refusal.

Our rules prefer no answer to a wrong one; the published rule takes a number. Our rules read the
text outside of thoughts and special tokens, inside of answer tags where there are any, and before
an invented next question. They look for signs from the strongest to the weakest, and the first kind
of sign that occurs decides: ``\boxed{...}``, ``<<...>>``, a JSON object, a bare label or option as
the whole text, "my answer is ...", a last or first line that is a label, "option 2", and in short
texts a label at the end or one with an explanation, an option's own words, or in any language the
only number. A sign that points at two options is a refusal.
"""

import re
from collections.abc import Iterator, Sequence

from pluralign.core.answer_sheets import CHANGES, Sheet, same_degree, words_of
from pluralign.core.answer_texts import answering_part, bracketed, clean
from pluralign.core.answer_words import ANSWER_WORD, CHOICE_WORD, COUNTS, DENIES, EXPLAINS, REFUSES
from pluralign.core.asking import Refusal
from pluralign.core.parsing import parse_json

_SHORT = 200
_SENTENCE = 80
_KEYS = (
    "answer",
    "final_answer",
    "option",
    "choice",
    "response",
    "number",
    "label",
    "selected",
    "selection",
)
_BOXED = re.compile(r"(?:boxed|fbox)\s*\{+\s*(?:\\[a-z]{1,12}\s*\{\s*)*([^{}\n]{0,200})")
_OBJECT = re.compile(r"\{[^{}]{0,400}\}")
_ANSWER = re.compile(
    rf"\b(?:answer|choice|response|selection|rating)\b(?:\s+(?:is|would\s+be)\b|\s*[:=])|{ANSWER_WORD.pattern}\s*[:：፦]",
    re.I,
)
_CHOOSE = re.compile(
    r"\b(?:choose|chose|select|pick|answer|respond|reply|say|go\s+with|go\s+for|going\s+with|opt\s+for|put"
    r"|rate\s+(?:it|this|that)|assume\s+a\s+choice)\b",
    re.I,
)
_OPTION = re.compile(r"\b(?:option|number|choice)\b", re.I)
_LEADS = re.compile(
    r"(?:[\s:=.,…\"'“”‘’(\[#\-]|with\b|as\b|at\b|(?-i:a|an|the)\b|is\b|that\b|option\b|number\b|choice\b|answer\b)*",
    re.I,
)
_NOT = re.compile(
    r"(?:\bnot|\bnever|n['’]t|\bcannot|\bunable to|\brefuse to|\bneither)\b[^.!?\n]{0,30}$", re.I
)
_MORE = re.compile(r"\s*(?:or|to|and|&|/|-|–|—|,)\s*(?:option\s*|number\s*)?-?\d", re.I)
_NUMBER = re.compile(r"\d+")
_CLOSING = " .!。！।॥፡።…)」』\"'"
_ASKS = ("?", "？", "؟")


def read_answer(text: str, shown: Sequence[str], labels: Sequence[str]) -> int | Refusal:
    r"""Read which of the options shown the reply chooses.

    Args:
        text: The words as returned; only the beginning and the end of an enormous text are read.
        shown: The options in the order shown.
        labels: The label before each option.

    Returns:
        The index of the option in ``shown``, or a refusal with the whole text.

    Raises:
        InvalidInput: If options and labels differ in number, there are none, or two labels are
            equal.

    >>> options, labels = ["Very important", "Not very important"], ["1", "2"]
    >>> replies = ("2.", r"So: \boxed{1}", "Not very important!", "२")
    >>> [read_answer(reply, options, labels) for reply in replies]
    [1, 0, 1, 1]
    >>> read_answer("Please call 1-800-273-8255.", options, labels)
    Refusal(text='Please call 1-800-273-8255.')
    """
    index = _option_in(text, Sheet.of(tuple(shown), tuple(labels)))
    return Refusal(text) if index is None else index


def read_published(text: str) -> int | None:
    r"""Read a number by the published rules: in ``\boxed{}``, else the first integer from 0 to 10.

    The second is CultureSPA's (arXiv 2410.12971), the first that of evaluations which ask for a
    box. CultureSPA's rule reads "call 1-800-273-8255" as the answer 1; it is here for faithful
    scores only.

    >>> [read_published(text) for text in ("I would choose option 3.", "In 1990", r"\boxed{11}")]
    [3, None, 11]
    """
    boxed = re.search(r"boxed\{([0-9]{1,9})", text)
    if boxed is not None:
        return int(boxed[1])
    found = re.search(r"[0-9]+", text)
    if found is None or len(found[0]) > 9:
        return None
    number = int(found[0])
    return number if number <= 10 else None


def _option_in(text: str, sheet: Sheet) -> int | None:
    answer = answering_part(text)
    if answer is None:
        return None
    boxed = _BOXED.findall(answer)
    plain = clean(answer)
    for label, index in sheet.labels.items():
        if sheet.scale[index] and label.isdigit():  # "9.9" is the label 9 with the option 9
            plain = re.sub(rf"(?<![\w.]){label}\.\s?{label}(?![\w]|\.\d)", label, plain)
    if boxed:
        return sheet.named(clean(boxed[-1]))
    marked = bracketed(plain)
    in_brackets = None if marked is None else sheet.named(marked)
    if in_brackets is not None:
        return in_brackets
    return _by_signs(_before_next_question(plain, sheet), sheet)


def _by_signs(text: str, sheet: Sheet) -> int | None:
    """The option that the strongest kind of sign points at; None where it points at two."""
    for signs in (
        _json,
        _whole,
        _answers,
        _lines,
        _chosen,
        _options,
        _closing,
        _leading,
        _contained,
        _only_label,
    ):
        found = set(signs(text, sheet))
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _json(text: str, sheet: Sheet) -> Iterator[int | None]:
    """Options that JSON objects name; None for an object with any other answer."""
    for found in _OBJECT.findall(text):
        try:
            value = parse_json(found)
        except ValueError:
            continue
        for key, answer in value.items():
            if key.lower().replace(" ", "_") in _KEYS:
                yield None if answer is None else sheet.named(clean(str(answer)))


def _whole(text: str, sheet: Sheet) -> Iterator[int]:
    index = sheet.named(text)
    if index is not None:
        yield index


def _answers(text: str, sheet: Sheet) -> Iterator[int | None]:
    yield from _after(_ANSWER, text, sheet)


def _chosen(text: str, sheet: Sheet) -> Iterator[int | None]:
    yield from _after(_CHOOSE, text, sheet)


def _options(text: str, sheet: Sheet) -> Iterator[int | None]:
    yield from _after(_OPTION, text, sheet)


def _after(marker: re.Pattern[str], text: str, sheet: Sheet) -> Iterator[int | None]:
    """Options named right after a marker; None for "2 or 3"."""
    for found in marker.finditer(text):
        if _NOT.search(text[max(0, found.start() - 60) : found.start()]):
            continue
        line = text[found.end() : found.end() + 300].split("\n", 1)[0]
        whole = sheet.named(line) if marker is _ANSWER else None
        if whole is not None:  # in "Answer: a" the "a" is a label, not an article
            yield whole
            continue
        lead = _LEADS.match(text, found.end())
        start = lead.end() if lead and lead.end() > found.end() else found.end()
        rest = text[start : start + 300]
        label = sheet.label.match(rest)
        if label is not None:
            yield None if _MORE.match(rest, label.end()) else sheet.labels[label[1]]
            continue
        named = sheet.in_words(words_of(re.split(r"[.!?\n]", rest, maxsplit=1)[0]))
        named = sheet.named(rest.split("\n")[0]) if named is None else named
        if named is not None:
            yield named


def _lines(text: str, sheet: Sheet) -> Iterator[int]:
    """The option of the last line, else of the first, unless the lines list several options."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return
    options = [sheet.named(line) for line in lines]
    first, last = options[0], options[-1]
    one = len(set(options) - {None}) == 1
    one_label = len(sheet.label.findall(lines[-1])) <= 1
    if last is not None and one_label and (one or not _lists(options)):
        yield last
    elif first is not None and one:
        yield first


def _lists(options: Sequence[int | None]) -> bool:
    """Whether the last two lines both name an option: a list of the options is not an answer."""
    return len(options) >= 2 and None not in options[-2:]


def _closing(text: str, sheet: Sheet) -> Iterator[int]:
    """A bare label as the last sentence of a short text without a refusal: "I'll be honest! 5"."""
    last = re.split(r"[.!?:]\s+", text)[-1]
    found = sheet.label.fullmatch(last.strip(" .!"))
    if found is not None and len(text) <= _SHORT and not REFUSES.search(text):
        yield sheet.labels[found[1]]


def _leading(text: str, sheet: Sheet) -> Iterator[int]:
    """A label that begins a short text, with an explanation: "2, because family matters"."""
    start = text.lstrip(" ([\"'")
    found = sheet.label.match(start)
    if found is None or found[1] == "I" or len(text) > _SHORT or REFUSES.search(text):
        return
    index, rest = sheet.labels[found[1]], start[found.end() :]
    own = sheet.words[index]
    named = bool(own) and words_of(rest)[: len(own)] == own
    more = _NUMBER.search(rest) or sheet.label.search(rest)
    others = list(_mentioned(_without_option(rest, own), sheet))
    if (named or EXPLAINS.match(rest)) and not (more or others):
        yield index


def _contained(text: str, sheet: Sheet) -> Iterator[int | None]:
    """Options whose words occur in a short text without a refusal."""
    if len(text) > _SHORT or REFUSES.search(text) or sheet.label.match(text):
        return
    for index, near in _mentioned(text, sheet):
        yield None if CHANGES & set(near) else index


def _mentioned(text: str, sheet: Sheet) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The options whose words occur in a text, each with the words around them.

    Of overlapping options only the longest is named: "very important" and not "important".
    """
    spoken = words_of(text)
    spans: list[tuple[int, int, int]] = []
    for index, words in enumerate(sheet.words):
        spans += [(start, end, index) for start, end in _spans_of(words, spoken)]
    for start, end, index in spans:
        within = [(a, b) for a, b, _ in spans if a <= start and end <= b]
        if set(within) == {(start, end)}:
            yield index, spoken[max(0, start - 3) : start] + spoken[end : end + 2]


def _spans_of(words: tuple[str, ...], spoken: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Where an option's words occur; nowhere for very short ones and numbers, which mean little."""
    if len(" ".join(words)) < 4 or all(word.isdigit() for word in words):
        return
    for start in range(len(spoken) - len(words) + 1):
        end = start + len(words)
        if spoken[start:end] == words or same_degree(words, spoken[start:end]):
            yield start, end


def _only_label(text: str, sheet: Sheet) -> Iterator[int]:
    """The one label of a short sentence in any language, without other numbers and negations."""
    labels = list(sheet.touching.finditer(text))
    if len(text) > _SENTENCE or len(labels) != 1 or "\n" in text or REFUSES.search(text):
        return
    (label,) = labels
    index = sheet.labels[label[1]]
    rest = _without_option(text[: label.start()] + " # " + text[label.end() :], sheet.words[index])
    chooses = CHOICE_WORD.search(rest) is not None
    if _NUMBER.search(rest) or DENIES.search(rest) or (label[1] == "I" and not chooses):
        return
    before, _, after = rest.partition("#")
    if not after.strip(_CLOSING) or (chooses and not _counts(label[1], before, after, sheet)):
        yield index


def _counts(label: str, before: str, after: str, sheet: Sheet) -> bool:
    """Whether a number counts the options, as in "the 4 options", instead of naming one."""
    ordinal = before.rstrip().endswith("第")
    return label == str(len(sheet.words)) and not ordinal and COUNTS.match(after) is not None


def _without_option(text: str, words: tuple[str, ...]) -> str:
    """The text without the words of an option: "2 (not important)" is not a negation."""
    if not words:
        return text
    return re.sub(r"\W+".join(map(re.escape, words)), "", text, flags=re.I)


def _before_next_question(text: str, sheet: Sheet) -> str:
    """Only the first line where it answers and the lines after it ask something; else the text."""
    first, *more = text.strip().split("\n")
    later = "\n".join(more)
    if not any(mark in later for mark in _ASKS):
        return text
    apart = len(first) <= _SENTENCE and not more[0].strip()
    answer = _by_signs(first, sheet) if apart else sheet.named(first)
    return text if answer is None else first
