"""Thoughts between marks: ``<think>``, ``[THINK]`` and the other forms of ``_forms``."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_KIND = r"(?!no[_-])(?:[a-z]{1,12}[_-])?"
_PART = r"(?:[_-](?:fast|process|trace|content|steps?))?"
_TAGS = (
    rf"{_KIND}think(?:ing)?{_PART}",
    rf"{_KIND}thoughts?{_PART}",
    rf"{_KIND}reason(?:ing)?{_PART}",
    r"reflections?",
    r"rationale|deliberation",
    r"analysis",
    r"scratch_?pad",
    r"cot|chain[_-]of[_-]thoughts?",
    r"antthinking",
    r"(?:inner|internal)_monologue",
)
_ATTRIBUTES = r"(?:\s{1,9}[\w:-]{1,40}=(?:\"[^\"<>]{0,99}\"|'[^'<>]{0,99}'|[^\s\"'<>/]{1,99})){0,9}"
_WORD = r"(?:thoughts?|thinking|think|reasoning)"


def _forms() -> Iterator[tuple[str, str]]:
    """The opening and the closing mark of each form, as regular expressions without groups."""
    yield (  # Magistral
        rf"\[\s{{0,9}}{_WORD}\s{{0,9}}\]",
        rf"\[\s{{0,9}}/\s{{0,9}}{_WORD}\s{{0,9}}\]",
    )
    for tag in _TAGS:
        name = rf"\s{{0,9}}(?:[a-z]{{1,12}}:)?(?:{tag})"
        yield (
            rf"(?:<|&lt;){name}{_ATTRIBUTES}\s{{0,9}}(?:>|&gt;)",
            rf"(?:<|&lt;)\s{{0,9}}/{name}\s{{0,9}}(?:>|&gt;)",
        )
    yield (  # Cohere, Sky-T1
        rf"<\|\s?(?:(?:begin|start)_(?:of_)?{_WORD}|{_WORD}(?:_start|_begin)?)\s?\|>",
        rf"<\|\s?(?:end_(?:of_)?{_WORD}|{_WORD}_end|/{_WORD})\s?\|>",
    )
    yield r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"  # Apertus
    yield r"<\|channel>\s{0,9}(?:thought\b)?", r"<channel\|>"  # Gemma 4
    yield r"\[unused16\]", r"\[unused17\]"  # openPangu
    yield r"<unused94>\s{0,9}(?:thought\b)?", r"<unused95>"  # MedGemma
    yield r"◁\s?think\s?▷", r"◁\s?/\s?think\s?▷"  # Kimi


_RESPONSE_MARK = (
    r"<\|\s?(?:start_(?:of_)?response|begin_of_solution)\s?\|>"
    r"|(?:<\|end\|>\s{0,9})?(?:<\|begin\|>\s{0,9}assistant\s{0,9})?<\|content\|>"  # Solar Open
)
_MARK = re.compile(
    r"(?=[<\[&◁])(?:"
    + "|".join(f"(?P<open{i}>{a})|(?P<close{i}>{b})" for i, (a, b) in enumerate(_forms()))
    + rf"|(?P<empty>(?:<|&lt;)\s{{0,9}}(?:{'|'.join(_TAGS)})\s{{0,9}}/\s{{0,9}}(?:>|&gt;))"
    + rf"|(?P<response>{_RESPONSE_MARK}))",
    re.I,
)
_WRAP = re.compile(rf"{_RESPONSE_MARK}|<\|\s?end_(?:of_)?(?:response|solution)\s?\|>", re.I)
_FENCE = re.compile(r"^[ \t]{0,3}(?:```|~~~)", re.M)
_QUOTE_BEFORE = re.compile(r"(?:(?:^|[\s(\[{,=:])[\"'`]{1,3}|[“‘«「『])$")
_QUOTE_AFTER = re.compile(r"[\"'`]{1,3}(?:[\s.,;:!?)\]}-]|$)|[”’»」』]")
_CALLED_A_TAG = re.compile(
    r"[ -]?(?:标签|標籤|标记|タグ|태그)|[ -](?:[Tt]ags?|tokens?|markers?|elements?|delimiters?)\b"
)
_AND = re.compile(r"\s{0,9}(?:and|or|to|until|und|oder|et|ou|y|e|和|与|,|/|&)\s{0,9}", re.I)
_BEFORE_A_MARK = "\n\r.!?:;。！？：…>]▷)|"


_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Mark:
    """A mark: its span, its function (open, close, empty, response) and the number of its form."""

    start: int
    end: int
    function: str
    form: str


def outside_marks(text: str) -> tuple[str, str | None] | None:
    """Split a text at the marks of its thoughts.

    Returns:
        The thought and the answer (None where the last thought never closes); None where there is
        no mark.

    >>> outside_marks("[THINK]1?[/THINK] 2"), outside_marks("2")
    (('1?', '2'), None)
    """
    marks = _without_mentions(text, list(_marks(text)))
    if not marks:
        return None
    spans = _Spans()
    last_close = {mark.form: mark.start for mark in marks if mark.function == "close"}
    for mark in marks:
        spans.take(mark, _is_firm(text, mark) or last_close.get(mark.form, -1) > mark.start)
    spans.finish(len(text))
    if spans.kept == [(0, len(text))]:
        return None
    thought = "\n".join(text[start:end].strip() for start, end in spans.thought).strip()
    answer = _joined(text, spans.kept)
    if _WRAP.search(answer):
        answer = _WRAP.sub("", answer).strip()
    return thought, None if spans.open else answer


def begins_with_mark(text: str) -> bool:
    """Whether a text begins with a mark of a thought, or of the answer after one.

    >>> begins_with_mark("<|START_THINKING|>1?"), begins_with_mark("<|start_of_turn|>1?")
    (True, False)
    """
    return _MARK.match(text) is not None


def end_of_thought_marks(text: str, start: int) -> int:
    """The end of the last mark of a thought from an offset on; the offset where there is none.

    >>> end_of_thought_marks("1?<|END_THINKING|><|eos|>", 2)
    18
    """
    found = (mark.end for mark in _marks(text, start) if mark.function in ("open", "close"))
    return max(found, default=start)


@dataclass(slots=True)
class _Spans:
    """The spans outside of thoughts and inside, built from one mark after the other."""

    kept: list[_Span] = field(default_factory=list)
    thought: list[_Span] = field(default_factory=list)
    open: list[_Mark] = field(default_factory=list)
    depth: Counter[str] = field(default_factory=Counter)
    begin: int = 0
    last_close: _Mark | None = None

    def take(self, mark: _Mark, sure: bool) -> None:
        """Add the next mark; ``sure`` where an opening mark certainly opens a thought."""
        if mark.function == "open" and sure:
            self._enter(mark)
        elif mark.function == "close" and self.depth[mark.form]:
            self._leave(mark)
        elif mark.function == "close":  # the chat template opened it, so all text before is thought
            self.kept.clear()
            self.thought[:] = [(0, mark.start)]
            self._reset(mark)
        elif mark.function == "response" and self.open:
            self.thought.append((self.open[0].end, mark.start))
            self._reset(mark)
        elif mark.function == "empty" and not self.open:
            self.kept.append((self.begin, mark.start))
            self.begin = mark.end

    def finish(self, end: int) -> None:
        """Add the end of the text; the last closing mark ends thoughts that opened before it."""
        last = self.last_close
        if self.open and last is not None and self.open[-1].start < last.start:
            self.thought.append((self.open[0].end, last.start))
            self._reset(last)
        if self.open:
            self.thought.append((self.open[0].end, end))
        else:
            self.kept.append((self.begin, end))

    def _enter(self, mark: _Mark) -> None:
        if not self.open:
            self.kept.append((self.begin, mark.start))
        self.open.append(mark)
        self.depth[mark.form] += 1

    def _leave(self, mark: _Mark) -> None:
        """Close the innermost thought of the mark's form, with unclosed thoughts inside of it."""
        outer = self.open[0]
        while (inner := self.open.pop()).form != mark.form:
            self.depth[inner.form] -= 1
        self.depth[mark.form] -= 1
        if not self.open:
            self.thought.append((outer.end, mark.start))
            self.begin = mark.end
        self.last_close = mark

    def _reset(self, mark: _Mark) -> None:
        self.open.clear()
        self.depth.clear()
        self.begin = mark.end


def _marks(text: str, start: int = 0) -> Iterator[_Mark]:
    for found in _MARK.finditer(text, start):
        name = found.lastgroup or ""
        function = name.rstrip("0123456789")
        yield _Mark(found.start(), found.end(), function, name.removeprefix(function))


def _is_firm(text: str, mark: _Mark) -> bool:
    """Whether an opening mark counts without a closing one: not in the middle of a sentence."""
    before = text[max(0, mark.start - 40) : mark.start]
    line = before.rstrip(" \t")
    glued = bool(before) and line == before
    named = text[mark.start : mark.end]
    lower_bracket = (
        named.startswith("[") and not named.isupper() and not named.startswith("[unused")
    )
    ends_line = text[mark.end : mark.end + 1] in ("\n", "\r")
    return not lower_bracket and (not line or glued or ends_line or line[-1] in _BEFORE_A_MARK)


def _without_mentions(text: str, marks: Sequence[_Mark]) -> list[_Mark]:
    """The marks without those that the text only mentions."""
    fences = fenced(text) if marks else []
    mentioned = {mark for mark in marks if is_quoted(text, mark.start, mark.end)}
    opened_in_fences = set()
    for mark in marks:
        fence = fence_of(mark.start, fences)
        key = (fence, mark.form)
        if fence is not None and (mark.function == "open" or key in opened_in_fences):
            mentioned.add(mark)
            opened_in_fences.add(key)
    for mark, after in pairwise(marks):
        if _is_mentioned_pair(text, mark, after):
            mentioned |= {mark, after}
    return [mark for mark in marks if mark not in mentioned]


def _is_mentioned_pair(text: str, mark: _Mark, after: _Mark) -> bool:
    """Whether two marks are "<think> and </think>", or are in one pair of backticks."""
    if (mark.function, after.function, mark.form) != ("open", "close", after.form):
        return False
    if after.start - mark.end > 200:
        return False
    between = text[mark.end : after.start]
    in_code = text[mark.start - 1 : mark.start] == "`" == text[after.end : after.end + 1]
    return _AND.fullmatch(between) is not None or (in_code and "\n" not in between)


def is_quoted(text: str, start: int, end: int) -> bool:
    """Whether a mark is in quotation marks, or is called a tag or a token."""
    if _CALLED_A_TAG.match(text, end):
        return True
    before = _QUOTE_BEFORE.search(text[max(0, start - 4) : start])
    return before is not None and _QUOTE_AFTER.match(text, end) is not None


def fenced(text: str) -> list[_Span]:
    """The fenced code blocks of a text, unless one is the whole text."""
    found = list(_FENCE.finditer(text))
    spans = [(a.start(), b.end()) for a, b in zip(found[::2], found[1::2], strict=False)]
    whole = len(text) - len(text.lstrip()), len(text.rstrip())
    return [(start, end) for start, end in spans if (start, end) != whole]


def fence_of(offset: int, fences: Sequence[_Span]) -> int | None:
    """The index of the fence around an offset of the text; None where there is none."""
    i = bisect_right(fences, offset, key=lambda fence: fence[0]) - 1
    return i if i >= 0 and offset < fences[i][1] else None


def _joined(text: str, kept: Sequence[_Span]) -> str:
    """The spans of a text between which thoughts were cut.

    Blanks at a cut stay only between two words: the longer of the two runs.
    """
    pieces: list[str] = []
    blanks = ""
    for start, end in kept:
        part = text[start:end]
        bare = part.strip()
        if not bare:
            blanks = max(blanks, part, key=len)
            continue
        lead = part[: part.index(bare)]
        if pieces or start == 0:
            pieces.append(max(blanks, lead, key=len))
        pieces.append(bare)
        blanks = part[len(lead) + len(bare) :]
        if end == len(text):
            pieces.append(blanks)
    return "".join(pieces)
