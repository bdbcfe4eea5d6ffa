"""The options of one question as they were shown, ready to be looked for in a reply."""

import re
from functools import lru_cache

from pluralign.core.answer_texts import clean
from pluralign.core.answer_words import OUT_OF, STRENGTHS
from pluralign.core.errors import InvalidInput

CHANGES = STRENGTHS | {"isn", "don", "doesn", "wouldn"}
"""Words that make another answer of an option that they stand beside."""
_WORD = re.compile(r"\w+")
_DECIMAL_COMMA = re.compile(r"(\d{1,3}),0{1,2}")
_PRONOUN = r"(?!(?<=\bI)(?:\s+[^\W\d]|['’]))"


class Sheet:
    """Options and labels as shown, and the patterns that find them.

    Args:
        shown: The options in the order shown.
        labels: What stood before each.

    Attributes:
        labels: Index of the option by its label.
        words: The words of each option.
        scale: Whether an option is its own label, as on a scale of 1 to 10.
        label: Finds a label that is no part of a word, a decimal number, a range or a telephone
            number.
        touching: Finds a label that may touch letters of scripts without spaces: "我选2", "2번".

    Raises:
        InvalidInput: If options and labels differ in number, there are none, or two labels are
            equal.
    """

    def __init__(self, shown: tuple[str, ...], labels: tuple[str, ...]) -> None:
        if not shown or len(shown) != len(labels) or len(set(labels)) != len(labels):
            raise InvalidInput(
                f"each of the {len(shown)} options must have a label of its own, got {list(labels)}"
            )
        self.labels = {clean(label): place for place, label in enumerate(labels)}
        self.words = [words_of(option) for option in shown]
        self.scale = [
            clean(label) == clean(option) for label, option in zip(labels, shown, strict=True)
        ]
        one_of = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        top = re.escape(max(self.labels, key=lambda label: self.labels[label]))
        # "7/10" is 7 on a scale that ends with 10, and nothing on another one.
        found = rf"({one_of})(?:(?i:{OUT_OF.pattern}){top}(?!\w))?"
        not_before = rf"[.,-]\d|\s*[-–/]\s*\d|(?i:{OUT_OF.pattern})\d|\s*[%‰°+€]"
        body = rf"{found}(?!\w|{not_before})"
        self.label = re.compile(rf"(?<![\w.,-]){body}{_PRONOUN}")
        folded = {label.casefold() for label in self.labels}
        # "b" is B where it is all that is answered, unless labels differ in their case alone.
        self._whole = re.compile(body, re.I if len(folded) == len(self.labels) else 0)
        self._places = {
            label.casefold() if self._whole.flags & re.I else label: p
            for label, p in self.labels.items()
        }
        self.touching = re.compile(
            rf"(?<![A-Za-zÀ-ɏ\d_.,/−≤≥])(?<!\A[-<>])(?<![^א-ת]-){found}(?![A-Za-zÀ-ɏ\d_]|{not_before}){_PRONOUN}"
        )

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(shown: tuple[str, ...], labels: tuple[str, ...]) -> "Sheet":
        """The sheet of a question, made once."""
        return Sheet(shown, labels)

    def named(self, text: str) -> int | None:
        """The index of what a text names and nothing else: a label, an option, or a label with its option."""
        if re.match(r"\s*[-−]\d", text):  # a negative number, not a dash before a label
            return None
        bare = text.strip(" \t\r\n.:;,!?()[]\"'“”‘’«»„「」『』#-…")
        bare = re.sub(r"^(?:option|answer|choice|number)\b[\s:.#]*", "", bare, flags=re.I)
        found = self._whole.match(bare)
        if found is not None:
            place = self._place(found[1])
            said = words_of(bare[found.end() :])
            own = said == self.words[place] or same_degree(self.words[place], said)
            if not said or own or (self.scale[place] and said == (found[1],)):
                return place
        comma = _DECIMAL_COMMA.fullmatch(bare)
        if comma is not None and "0" not in self.labels:
            return self.labels.get(comma[1])
        return self.in_words(words_of(text))

    def in_words(self, said: tuple[str, ...]) -> int | None:
        """The index of the option that these words are, a degree in any order; None where two are worded alike."""
        for alike in (said.__eq__, lambda words: same_degree(words, said)):
            places = [place for place, words in enumerate(self.words) if words and alike(words)]
            if places:
                return places[0] if len(places) == 1 else None
        return None

    def _place(self, label: str) -> int:
        return self.labels[label] if label in self.labels else self._places[label.casefold()]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, in one spelling and case.

    >>> words_of("Rather  IMPORTANT!")
    ('rather', 'important')
    """
    return tuple(_WORD.findall(clean(text).casefold()))


def same_degree(words: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Whether two words are the same but for their order, and one is a degree.

    >>> same_degree(("agree", "strongly"), ("strongly", "agree")), same_degree(("a", "b"), ("b", "a"))
    (True, False)
    """
    return len(words) == 2 and words == said[::-1] and not CHANGES.isdisjoint(words)
