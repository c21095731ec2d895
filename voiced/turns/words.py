"""Whether a transcript says something, or only that somebody is there."""

import re
import unicodedata
from typing import Final

_SAID_WHILE_LISTENING: Final = """
    ah aha ahem äh ähm eh ehm em er erm euh ha hah hm huh mh mhm m oh öh ohm uh uhm uhhuh um uhum
    hum ja jo ok okay okey yeah yep yup yes oui si sì sí right
    cough coughs coughing laughs laughter sigh noise music applause
"""
"""Said while listening, in the languages of Europe, and what transcribers write for noises. Kept
short on purpose: a word too many here would be an interruption ignored."""

_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_DRAWN_OUT: Final = re.compile(r"(.)\1+")  # "hmmm" is "hm"


def _plain(word: str) -> str:
    return _DRAWN_OUT.sub(r"\1", word)


_SOUNDS: Final = frozenset(_plain(word) for word in _SAID_WHILE_LISTENING.split())


def has_words(text: str) -> bool:
    """Whether *text* holds anything that is more than a sign of listening."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return any(_plain(word) not in _SOUNDS for word in _WORD.findall(folded))
