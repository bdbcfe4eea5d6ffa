"""Which languages texts are in, and a warning where the encoder reads others."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pluralign.core import Encoder, MissingExtra

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN = "und"
_ENOUGH_LATIN, _ENOUGH_OTHER = 20, 4
_CONFIDENCE = 0.5
_READ_FIRST = 2000
# Scripts of one language, at least in practice; other languages of a script need more text.
_BY_SCRIPT = {
    "ARMENIAN": "hy", "BENGALI": "bn", "CJK": "zh", "GEORGIAN": "ka", "GREEK": "el",
    "GUJARATI": "gu", "GURMUKHI": "pa", "HANGUL": "ko", "HEBREW": "he", "HIRAGANA": "ja",
    "KANNADA": "kn", "KATAKANA": "ja", "KHMER": "km", "LAO": "lo", "MALAYALAM": "ml",
    "MYANMAR": "my", "ORIYA": "or", "SINHALA": "si", "TAMIL": "ta", "TELUGU": "te",
    "THAI": "th", "TIBETAN": "bo",
}  # fmt: skip


def language_of(text: str) -> str:
    """The language of one text.

    Args:
        text: Any text; its first 2,000 characters are read.

    Returns:
        An ISO 639 code; ``und`` where there are fewer than 20 Latin letters (4 of another script)
        or the detector is less than half sure; ``und-`` and the name of the script where only that
        is clear.

    Raises:
        MissingExtra: If py3langid is not installed.

    >>> language_of("ok")
    'und'
    >>> language_of("당신은 어떻게 생각합니까?")
    'ko'
    """
    script, letters = _main_script(text[:_READ_FIRST])
    if letters < (_ENOUGH_LATIN if script == "LATIN" else _ENOUGH_OTHER):
        return UNKNOWN
    language, confidence = _identifier().classify(text[:_READ_FIRST])
    if confidence >= _CONFIDENCE:
        return str(language)
    return UNKNOWN if script == "LATIN" else _BY_SCRIPT.get(script, f"{UNKNOWN}-{script.lower()}")


def languages_of(texts: Sequence[str], rng: np.random.Generator, sample: int = 500) -> Counter[str]:
    """Count the languages of texts.

    Args:
        texts: Any texts.
        rng: Draws the sample.
        sample: The most texts to look at.

    Returns:
        Texts by language, as `language_of` names them.

    Raises:
        MissingExtra: If py3langid is not installed.
    """
    chosen = (
        range(len(texts))
        if len(texts) <= sample
        else rng.choice(len(texts), sample, replace=False).tolist()
    )
    return Counter(language_of(texts[i]) for i in chosen)


def language_warning(
    texts: Sequence[str], encoder: Encoder, rng: np.random.Generator, tolerated: float = 0.05
) -> str | None:
    """Describe texts in languages that the encoder does not read.

    Args:
        texts: Texts to encode.
        encoder: Encodes them; its ``languages`` (None: any or unknown) decide.
        rng: Draws the sample of at most 500 texts.
        tolerated: Share of the texts whose language is clear, up to which there is no message.

    Returns:
        A message, or None where the encoder reads the texts.

    Raises:
        MissingExtra: If py3langid is not installed.
    """
    reads: tuple[str, ...] | None = getattr(encoder, "languages", None)
    if reads is None:
        return None
    counts = languages_of(texts, rng)
    clear = {language: n for language, n in counts.items() if language != UNKNOWN}
    others = Counter({language: n for language, n in clear.items() if language not in reads})
    if others.total() <= tolerated * sum(clear.values()):
        return None
    total = sum(clear.values())
    named = ", ".join(f"{language} {n / total:.0%}" for language, n in others.most_common(5))
    return (
        f"{others.total() / total:.0%} of {total} texts looked at are in another language "
        f"({named}) than this encoder reads ({', '.join(reads)}): their vectors mean little; "
        "use a multilingual model, such as "
        'encoder = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"'
    )


def _main_script(text: str) -> tuple[str, int]:
    """The script of most letters (``LATIN`` without letters), and its number of letters."""
    scripts = Counter(_script(character) for character in text if character.isalpha())
    return max(scripts.items(), key=lambda item: item[1], default=("LATIN", 0))


@cache
def _script(character: str) -> str:
    return unicodedata.name(character, "UNNAMED").split(maxsplit=1)[0]


@cache
def _identifier() -> "LanguageIdentifier":
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise MissingExtra.named("embed", "py3langid") from error
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
