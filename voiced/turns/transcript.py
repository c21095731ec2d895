"""Words, as far as they were heard: the text of items, paced with their sound and cut where it was.

Theory of operation. An answer's text usually runs ahead of its sound, and its sound ahead of the
ear. Where each word lies in the sound nobody tells, so that the share of the text is the share of
the sound. While more of both may come, the share of what is *here* would show too much as soon as
text is far ahead: until then no text is taken to be spoken faster than anybody speaks.
"""

import enum
from collections import OrderedDict
from collections.abc import Container, Iterator
from typing import Final

import attrs

_FASTEST_CHARS_PER_S: Final = 25  # brisk English is 15 to 18, brisk Spanish a little over 20
_LONGEST_CHARS: Final = 32_000  # half an hour of speech: beyond it, text is lost, and counted
_ITEMS_KEPT: Final = 64  # of the newest of each party; far more than can wait to be heard
_UNSPACED: Final = "\u2e80"  # from here on scripts (CJK) have no spaces: each sign may end a word


class State(enum.Enum):
    """How far an item's text has come."""

    GROWING = "growing"  # more text, or more of it to be heard, may come
    HEARD = "heard"  # all of its sound was; text that is still to come is shown at once
    FINAL = "final"


@attrs.define(eq=False)
class Transcript:
    """The text of one item. What is shown never gets shorter, unless the server takes text back."""

    text: str = attrs.field(default="", repr=False)
    state: State = State.GROWING
    _shown_chars: int = attrs.field(default=0, init=False)
    _whole: bool = attrs.field(default=False, init=False)  # the text: no more of it will come
    _outlives: bool = attrs.field(default=False, init=False)  # its session: nothing can cut it
    _told: tuple[str, bool] = attrs.field(default=("", False), init=False, repr=False)

    @property
    def shown(self) -> str:
        """What was heard of it, in whole words."""
        return self.text[: self._shown_chars]

    @property
    def remembered(self) -> str:
        """What counts as said: what was heard; of what outlives its session, all of it, for it will
        be spoken to its end while the next session has begun already.
        """
        return self.text if self._outlives and not self.final else self.shown

    @property
    def final(self) -> bool:
        """Whether what is shown stays as it is."""
        return self.state is State.FINAL

    def has_news(self) -> bool:
        """Whether what is shown, or its being final, changed since this was asked last."""
        before, self._told = self._told, (self.shown, self.final)
        return before != self._told and bool(before[0] or self._told[0])

    def grow(self, delta: str) -> int:
        """More text came; return how many characters were too many to be kept."""
        return 0 if self.final or self._whole else self._take(self.text + delta)

    def complete(self, text: str | None = None) -> int:
        """All of the text is here: *text*, or what came until now; return as `grow` does."""
        if self.final or self._whole:
            return 0
        lost = 0 if text is None else self._take(text)
        self._whole = True
        if self.state is State.HEARD:
            self.state = State.FINAL
        return lost

    def break_off(self, of_ms: int) -> None:
        """The link was lost after *of_ms* of sound: text that ran ahead of it will not be heard."""
        if self.state is State.GROWING and not self._whole:
            spoken = min(len(self.text), of_ms * _FASTEST_CHARS_PER_S // 1000)
            self.text = self.text[: max(self._shown_chars, _whole_words(self.text, spoken))]
        self._outlives = True
        self.complete()

    def show_all(self) -> None:
        """Nothing has to be heard first: a user's words, or an answer heard to its end."""
        if not self.final:
            self._shown_chars = len(self.text)
            self.state = State.FINAL if self._whole else State.HEARD

    def hear(self, heard_ms: int, of_ms: int, *, more_comes: bool) -> None:
        """So much was heard of what was received; *more_comes* while sound is still arriving."""
        if self.state is State.GROWING:
            share = len(self.text) * min(heard_ms, of_ms) // max(1, of_ms)
            if more_comes:
                share = min(share, heard_ms * _FASTEST_CHARS_PER_S // 1000)
            self._shown_chars = max(self._shown_chars, _whole_words(self.text, share))

    def cut(self, heard_ms: int, of_ms: int, *, more_comes: bool) -> None:
        """The sound ended there, and so do the words."""
        self.hear(heard_ms, of_ms, more_comes=more_comes)
        if self.state is State.GROWING:
            self.state = State.FINAL

    def _take(self, text: str) -> int:
        self.text = text[:_LONGEST_CHARS]
        here = len(self.text)
        self._shown_chars = here if self.state is State.HEARD else min(self._shown_chars, here)
        return len(text) - here


@attrs.define(eq=False)
class Transcripts:
    """The newest items' texts of one party, by item."""

    _texts: OrderedDict[str, Transcript] = attrs.field(factory=OrderedDict, init=False)

    def of(self, item_id: str) -> Transcript:
        """That item's, which begins empty."""
        if item_id not in self._texts:
            self._texts[item_id] = Transcript()
            if len(self._texts) > _ITEMS_KEPT:
                self._texts.popitem(last=False)
        return self._texts[item_id]

    def forget_all_but(self, item_ids: Container[str]) -> None:
        """Forget the others: a new session may give their names anew."""
        for item_id in tuple(self._texts):
            if item_id not in item_ids:
                del self._texts[item_id]

    def __iter__(self) -> Iterator[tuple[str, Transcript]]:
        """Items and their texts, the oldest first."""
        return iter(self._texts.items())


def _whole_words(text: str, chars: int) -> int:
    """The most characters, up to *chars*, after which a word ends; trailing space left out."""
    while chars and not _ends_word(text, chars):
        chars -= 1
    return chars


def _ends_word(text: str, chars: int) -> bool:
    last, after = text[chars - 1], text[chars : chars + 1]
    return not last.isspace() and (not after or after.isspace() or last >= _UNSPACED)
