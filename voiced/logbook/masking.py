"""What never stands in a log or a record: keys, secrets, authorization headers.

The second line of defence: whoever has a secret shows it to nobody in the first place. What looks like one
is masked by its shape; those that were really loaded are masked whatever they look like.
"""

import re
from collections import deque
from typing import Final

import attrs

MASK: Final = "[masked]"

_SHAPES: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-|ek_)[\w-]{6,}"  # keys and minted secrets of the service
    r"|(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?"  # JSON web tokens
    r"|(?i:(?<=bearer )|(?<=basic ))[^\s\"',;]{6,}"
    r"|(?i:(?<=api-key: )|(?<=api-key=)|(?<=authorization: )|(?<=authorization=))"
    r"(?!(?i:bearer |basic ))[^\s\"',;]{6,}"
)

_SHORTEST: Final = (
    8  # what is shorter is no secret (a server at home gets a word), and stands in many words
)
_KEPT: Final = 64  # secrets are minted for each connection: the last ones are those that may be met


@attrs.define(eq=False)
class Masks:
    """Knows secrets, and takes them out of texts. They are shown by nothing here, by its repr neither."""

    _known: deque[str] = attrs.field(factory=lambda: deque(maxlen=_KEPT), init=False, repr=False)

    def learn(self, secret: str) -> None:
        """Take that out of all texts from now on."""
        if len(secret) >= _SHORTEST and secret not in self._known:
            self._known.append(secret)

    def hide(self, text: str) -> str:
        """*text* without any secret."""
        for secret in tuple(self._known):  # threads may learn meanwhile
            text = text.replace(secret, MASK)
        return _SHAPES.sub(MASK, text)
