"""The options of one question as shown, with the patterns that find them in a reply."""

import re
from functools import lru_cache

from pluralign.core.answer_texts import clean
from pluralign.core.answer_words import OUT_OF, STRENGTHS
from pluralign.core.errors import InvalidInput

CHANGES = STRENGTHS | {"isn", "don", "doesn", "wouldn"}
"""Words next to an option that change its meaning to another answer."""
_WORD = re.compile(r"\w+")
_DECIMAL_COMMA = re.compile(r"(\d{1,3}),0{1,2}")
_GREEK = dict(zip("ΑΒΓΔΕ", "ABCDE", strict=True))
"""Greek letters -> the Latin labels in their places; the first two and the last look the same."""
_PRONOUN = r"(?!(?<=\bI)(?:\s+[^\W\d]|['’]))"


class Sheet:
    """Options and labels as shown, and the patterns that find them in a reply.

    Args:
        shown: The options in the order shown.
        labels: The label before each option.

    Attributes:
        labels: Index of the option by its label.
        words: The words of each option.
        scale: Whether an option is its own label, as on a scale of 1 to 10.
        label: Finds a label outside of words, decimal numbers, ranges and telephone numbers.
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
        self.labels = {clean(label): index for index, label in enumerate(labels)}
        self.words = [words_of(option) for option in shown]
        self.scale = [
            clean(label) == clean(option) for label, option in zip(labels, shown, strict=True)
        ]
        one_of = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        top = re.escape(max(self.labels, key=lambda label: self.labels[label]))
        # "7/10" means 7 on a scale that ends with 10, and no option on any other scale.
        found = rf"({one_of})(?:(?i:{OUT_OF.pattern}){top}(?!\w))?"
        not_before = rf"[.,-]\d|\s*[-–/]\s*\d|(?i:{OUT_OF.pattern})\d|\s*[%‰°+€]"
        body = rf"{found}(?!\w|{not_before})"
        self.label = re.compile(rf"(?<![\w.,-]){body}{_PRONOUN}")
        folded = {label.casefold() for label in self.labels}
        # A reply of "b" alone means B, unless two labels differ only in their case.
        self._whole = re.compile(body, re.I if len(folded) == len(self.labels) else 0)
        self._by_folded_label = {
            label.casefold() if self._whole.flags & re.I else label: index
            for label, index in self.labels.items()
        }
        self.touching = re.compile(
            r"(?<![A-Za-zÀ-ɏ\d_.,/−≤≥])(?<!\A[-<>])(?<![^א-ת]-)"
            rf"{found}(?![A-Za-zÀ-ɏ\d_]|{not_before}){_PRONOUN}"
        )

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(shown: tuple[str, ...], labels: tuple[str, ...]) -> "Sheet":
        """The sheet of a question, made once."""
        return Sheet(shown, labels)

    def named(self, text: str) -> int | None:
        """The index of the option that is the whole text: a label, an option, or both."""
        if re.match(r"\s*[-−]\d", text):  # a negative number, not a dash before a label
            return None
        bare = text.strip(" \t\r\n.:;,!?()[]\"'“”‘’«»„「」『』#-…")
        bare = re.sub(r"^(?:option|answer|choice|number)\b[\s:.#]*", "", bare, flags=re.I)
        found = self._whole.match(bare) or self._whole.match(_GREEK.get(bare.upper(), ""))
        if found is not None:
            index = self._index_of(found[1])
            rest = words_of(bare[found.end() :])
            own = rest == self.words[index] or same_degree(self.words[index], rest)
            if not rest or own or (self.scale[index] and rest == (found[1],)):
                return index
        comma = _DECIMAL_COMMA.fullmatch(bare)
        if comma is not None and "0" not in self.labels:
            return self.labels.get(comma[1])
        return self.in_words(words_of(text))

    def in_words(self, spoken: tuple[str, ...]) -> int | None:
        """The index of the option with these words; None where two options have them.

        The words of a degree may be in any order: "important very" is "very important".
        """
        options = list(enumerate(self.words))
        found = [index for index, words in options if words and words == spoken]
        if not found:
            found = [index for index, words in options if same_degree(words, spoken)]
        return found[0] if len(found) == 1 else None

    def _index_of(self, label: str) -> int:
        if label in self.labels:
            return self.labels[label]
        return self._by_folded_label[label.casefold()]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, in one spelling and case.

    >>> words_of("Rather  IMPORTANT!")
    ('rather', 'important')
    """
    return tuple(_WORD.findall(clean(text).casefold()))


def same_degree(words: tuple[str, ...], spoken: tuple[str, ...]) -> bool:
    """Whether two words differ only in their order, and one of them is a degree.

    >>> same_degree(("agree", "strongly"), ("strongly", "agree"))
    True
    >>> same_degree(("a", "b"), ("b", "a"))
    False
    """
    return len(words) == 2 and words == spoken[::-1] and not CHANGES.isdisjoint(words)
