"""Recognise the options of survey questions that are non-answers."""

import re
import unicodedata

_MISSING = re.compile(r"^(other )?missing\s*(;|:|$)")
_TABLE_TOTAL = re.compile(r"^total\s+n\s*=")
_ASIDE = re.compile(
    r"[(\[](vol|volunteered|do not read( out)?|spontaneous|not read( out)?)\.?[)\]]"
)
_CODE = re.compile(r"^[(\[]?-?\d{1,3}\s*[)\].:=]+\s*(?=\D)")
_PARTS = re.compile(r"[/;,_&()\[\]]|\bor\b|\band\b|\s-\s")
_NON_ANSWER = re.compile(
    r"""
    dk | ref | rf | na | nr | ns | nsp | nsnr | nc | kn?a | no?\ ?s[ae] | noneofyourbusiness
    | (i\ )?((do|did|does)\ ?n[o]?t|dont|cannot|cant)\ (really\ )?
      (know|remember|recall|say|tell|choose|answer)
    | unable\ to\ (answer|say) | (i\ am\ )?(not\ sure|unsure|uncertain)
    | no\ (answer|response|opinion|reply|data)( given| available)? | (have\ )?no\ opinion
    | not\ (answered|applicable|asked|available|stated|ascertained|provided|reported|known|sure)
      (\ in\ (this\ )?survey)?
    | unanswered | missing | unknown | inapplicable | skipped | skip
    | refused?(\ to\ (answer|say))? | refusal | decline[ds]?(\ to\ (answer|say|state))? | declines?
    | (i\ )?(would\ )?(prefer|rather)\ not(\ to)?(\ (answer|say|disclose|respond|state))?
    | no\ sabe | no\ contesta | no\ responde | no\ se | sin\ respuesta | nao\ sabe | nao\ respondeu
    | ne\ sait\ pas | sans\ (opinion|reponse) | ne\ se\ prononce\ pas | keine\ (angabe|antwort)
    | weiss\ nicht | non\ so | nessuna\ risposta
    """.replace("\\ ", r"[ ]"),
    re.VERBOSE,
)


def is_non_answer(option: str) -> bool:
    """Whether an option is a non-answer: "DK / Ref.", "No response", "NS/NR" and the like.

    Volunteered answers ("Neither (VOL)", "Depends") and answers about knowing ("Never heard of")
    are real.

    >>> [is_non_answer(text) for text in ("DK / Ref.", "99. Don’t know [DK]", "Neither (VOL)")]
    [True, True, False]
    """
    plain = unicodedata.normalize("NFKD", re.sub(r"['’´`]", "", option).casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    text = " ".join(letters.split()).replace("n/a", "na")
    text = _CODE.sub("", _ASIDE.sub("", text).strip())
    if not text or _MISSING.match(text) or _TABLE_TOTAL.match(text):
        return True
    parts = [part.strip(" .()[]-–—*") for part in _PARTS.split(text.replace(".", ""))]
    return all(_NON_ANSWER.fullmatch(part) or not part for part in parts) and any(parts)
