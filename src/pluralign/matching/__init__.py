"""Free answers matched with accepted ones by other means than their words: stems, a judge."""

from pluralign.matching.judge import JudgedMatching, Judgement
from pluralign.matching.stems import STEMMED_LANGUAGES, stemmed

__all__ = ["STEMMED_LANGUAGES", "JudgedMatching", "Judgement", "stemmed"]
