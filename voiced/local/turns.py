"""When a turn begins and ends, counted in appended audio.

Law of this file: pure. Windows go in, edges of turns come out; positions are samples since the session
began, never wall time: a client may append faster than sound, and pauses appending.
"""

from typing import Final, TypeAlias

from attrs import define, field, frozen

from voiced.local.ears import Window
from voiced.local.sound import BYTES_PER_MS, BYTES_PER_SAMPLE, SAMPLES_PER_MS

ONSET_MS: Final = 60  # shorter is a click, not speech
LEAST_COMMIT_MS: Final = 100  # documented: less is refused
# Once someone speaks, a window counts as speech a little below the threshold: else every weak
# consonant would start counting silence.
_LENIENCE: Final = 0.15


@frozen
class TurnRules:
    """What a client asked of turn detection."""

    threshold: float
    prefix_ms: int
    silence_ms: int


@frozen
class Started:
    """Speech began; the position includes the padding before it."""

    audio_start_ms: int


@frozen
class Stopped:
    """Speech ended; the position includes the silence after it."""

    audio_end_ms: int


Edge: TypeAlias = Started | Stopped


@define(eq=False)
class TurnClock:
    """Finds turns in a stream of windows.

    Args:
        rules: When a turn begins and ends.
        position: How many samples had been appended when listening began.
    """

    rules: TurnRules
    position: int
    speaking: bool = field(init=False, default=False)
    _floor: int = field(init=False)
    _run: int = field(init=False, default=0)
    """Samples of speech in a row while silent, of silence in a row while speaking."""

    def __attrs_post_init__(self) -> None:
        self._floor = self.position

    def hear(self, window: Window) -> Edge | None:
        """Take one window; return what it revealed."""
        threshold = self.rules.threshold - (_LENIENCE if self.speaking else 0.0)
        is_speech = window.probability >= max(threshold, 1e-6)
        self.position += window.samples
        if is_speech is self.speaking:
            self._run = 0
            return None
        self._run += window.samples
        if self.speaking:
            return self._stop()
        return self._start()

    def restart(self) -> None:
        """Forget a turn in progress: its audio was committed or cleared."""
        self.speaking = False
        self._run = 0
        self._floor = self.position

    def _start(self) -> Started | None:
        if self._run < ONSET_MS * SAMPLES_PER_MS:
            return None
        onset = self.position - self._run - self.rules.prefix_ms * SAMPLES_PER_MS
        self.speaking, self._run = True, 0
        return Started(max(onset, self._floor) // SAMPLES_PER_MS)

    def _stop(self) -> Stopped | None:
        silence = self.rules.silence_ms * SAMPLES_PER_MS
        if self._run < silence:
            return None
        end = self.position - self._run + silence
        self.speaking, self._run, self._floor = False, 0, end
        return Stopped(end // SAMPLES_PER_MS)


@define(eq=False)
class InputBuffer:
    """What was appended and not yet committed, and the count of all there ever was.

    Bounded: of more than *limit_ms* the oldest is forgotten.
    """

    limit_ms: int
    total: int = field(init=False, default=0)
    """Samples appended since the session began."""
    _pcm: bytearray = field(init=False, factory=bytearray)

    @property
    def total_ms(self) -> int:
        """Milliseconds appended since the session began."""
        return self.total // SAMPLES_PER_MS

    @property
    def held_ms(self) -> float:
        """Milliseconds a commit would take."""
        return len(self._pcm) / BYTES_PER_MS

    @property
    def starts_ms(self) -> int:
        """Where the held audio begins."""
        return (self.total - len(self._pcm) // BYTES_PER_SAMPLE) // SAMPLES_PER_MS

    def append(self, pcm: bytes) -> None:
        """Take PCM; forget the oldest beyond the limit."""
        self._pcm += pcm
        self.total += len(pcm) // BYTES_PER_SAMPLE
        excess = len(self._pcm) - self.limit_ms * BYTES_PER_MS
        if excess > 0:
            del self._pcm[:excess]

    def take(self, start_ms: int, end_ms: int) -> bytes:
        """Hand over the audio between two positions; forget it and all before it."""
        begin = (self.total - len(self._pcm) // BYTES_PER_SAMPLE) * BYTES_PER_SAMPLE
        first = max(start_ms * BYTES_PER_MS - begin, 0)
        last = max(end_ms * BYTES_PER_MS - begin, 0)
        taken = bytes(self._pcm[first:last])
        del self._pcm[:last]
        return taken

    def take_all(self) -> bytes:
        """Hand over everything held."""
        taken = bytes(self._pcm)
        self._pcm.clear()
        return taken
