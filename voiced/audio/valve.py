"""The last thing that sound passes before it is heard: how loud, and never with a click.

Here are the gain and the edges of a break inside an answer. A break begins with a fall from the last
real sample to zero (part of the silence that is put in, so no sample of the answer is touched) and ends
with a short rise. The beginning and the end of an answer are left as they were sent.
"""

from typing import Final

import attrs
import numpy as np

from voiced.audio.convert import Pcm, Samples
from voiced.audio.fade import FADE_MS
from voiced.audio.format import ms_to_samples

EDGE_MS: Final = FADE_MS
"""Of a break: as long as the fade of a cut, and for the same reason."""

RAMP_MS: Final = 10
"""From one gain to another: long enough for no click, and with what the device holds (15 ms) the whole
of it is heard within 30 ms or a little more."""


@attrs.define(eq=False)
class Valve:
    """One stream of mono samples; whoever uses it from two threads sees to it that one waits."""

    rate_hz: int
    _gain: float = attrs.field(default=1.0, init=False)
    _wanted: float = attrs.field(default=1.0, init=False)
    _ramp_left: int = attrs.field(default=0, init=False)  # samples
    _last: int = attrs.field(default=0, init=False)  # the real sample that was heard last
    _fallen: int = attrs.field(init=False)  # samples of a fall that have been heard
    _risen: int = attrs.field(init=False)  # and of the rise that follows it
    _ended: bool = attrs.field(default=True, init=False)  # silence is no break now
    _fall: Samples = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        size = ms_to_samples(EDGE_MS, self.rate_hz)
        angle = np.linspace(0.0, np.pi, size + 1, dtype=np.float32)[1:]
        self._fall = (0.5 + 0.5 * np.cos(angle)).astype(np.float32)
        self._fallen = self._risen = size

    def goes_on(self) -> None:
        """More of an answer is here: should it run out now, that is a break."""
        self._ended = False

    def ends(self, *, waiting: int) -> None:
        """There is no more than what was given, *waiting* samples of which are still to be passed on:
        the silence after them is no break.
        """
        self._ended = True
        if not waiting:
            self._risen = self._fall.size

    def ramp_to(self, gain: float, *, at_once: bool = False) -> None:
        """Go to that factor, linearly; *at_once* if nobody hears it."""
        self._wanted = gain
        self._ramp_left = 0 if at_once else ms_to_samples(RAMP_MS, self.rate_hz)
        if at_once:
            self._gain = gain

    def pass_on(self, out: Pcm, count: int) -> None:
        """Finish *out* in place: *count* real samples, then whatever; that becomes silence."""
        if count:
            self._pass_sound(out[:count])
        if count < out.size:
            self._pass_silence(out[count:])

    def _pass_sound(self, out: Pcm) -> None:
        rising = min(self._fall.size - self._risen, out.size)
        if rising:
            rise = self._fall[::-1][self._risen : self._risen + rising]
            out[:rising] = np.rint(out[:rising] * rise)
            self._risen += rising
        if self._gain != 1.0 or self._wanted != 1.0:
            loud = np.rint(out * self._gains(out.size))
            out[:] = np.clip(loud, -32768, 32767)
        self._last, self._fallen = int(out[-1]), 0

    def _pass_silence(self, out: Pcm) -> None:
        if self._ramp_left:
            self._gains(out.size)
        out[:] = 0
        if not self._fallen:  # the first silence after sound
            self._fallen, self._risen = (self._fall.size,) * 2 if self._ended else (0, 0)
        falling = min(self._fall.size - self._fallen, out.size)
        if falling:
            out[:falling] = np.rint(self._last * self._fall[self._fallen : self._fallen + falling])
            self._fallen += falling

    def _gains(self, count: int) -> Samples:
        """The factors of the next *count* samples."""
        gains = np.full(count, self._wanted, np.float32)
        ramp = min(count, self._ramp_left)
        if ramp:
            step = (self._wanted - self._gain) / self._ramp_left
            gains[:ramp] = self._gain + step * np.arange(1, ramp + 1, dtype=np.float32)
            self._gain += step * ramp
            self._ramp_left -= ramp
        if not self._ramp_left:
            self._gain = self._wanted
        return gains
