"""Where the Trio thread leaves samples for the audio thread: the one crossing outward."""

import threading

import numpy as np

from voiced.audio.convert import Pcm
from voiced.audio.fade import fade_out
from voiced.audio.ledger import Intake
from voiced.audio.valve import Valve


class Ring:
    """Mono samples at the device's rate, written by Trio, pulled by the audio callback.

    The lock is held for some microseconds by either side and makes a cut exact: what will be the
    last audible sample is known the moment `cut` returns, because the callback can no longer take
    anything else.
    """

    def __init__(self, capacity: int, rate_hz: int) -> None:
        self.written = 0  # real samples put in, ever, less those cut away
        self._samples: Pcm = np.zeros(capacity, np.int16)
        self._intake = Intake()
        self._valve = Valve(rate_hz)
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Real samples the device has had, ever."""
        return self._intake.taken

    @property
    def dry(self) -> int:
        """Silence given since the last real sample."""
        return self._intake.dry

    @property
    def waiting(self) -> int:
        """Samples written and not taken."""
        return self.written - self.taken

    @property
    def room(self) -> int:
        """Samples that can be written now."""
        return self._samples.size - self.waiting

    def write(self, pcm: Pcm) -> None:
        """Append samples; the caller has looked at `room` (Trio thread)."""
        with self._lock:
            self._append(pcm)
            if pcm.size:
                self._valve.goes_on()

    def finish(self, pcm: Pcm) -> None:
        """Append the last samples of an answer: silence after them is no break."""
        with self._lock:
            self._append(pcm)
            self._valve.ends(waiting=self.waiting)

    def pull(self, out: Pcm) -> None:
        """Fill *out*, with silence where there is nothing (audio thread)."""
        with self._lock:
            count = min(out.size, self.waiting)
            if count:
                out[:count] = self._get(self.taken, count)
            self._intake.take(count, out.size - count)
            self._valve.pass_on(out, count)

    def cut(self, fade_samples: int) -> int:
        """Keep only a short fade of what waits; return `taken` as it will be after it."""
        with self._lock:
            count = min(fade_samples, self.waiting)
            self._put(self.taken, fade_out(self._get(self.taken, count)))
            self.written = self.taken + count
            self._valve.ends(waiting=count)
            return self.written

    def ramp_to(self, gain: float, *, at_once: bool) -> None:
        """Change how loud is what is pulled from now on."""
        with self._lock:
            self._valve.ramp_to(gain, at_once=at_once)

    def audible(self, latency: int) -> int:
        """Real samples that have left a device which holds the *latency* samples pulled last."""
        with self._lock:
            return self._intake.audible(latency)

    def _append(self, pcm: Pcm) -> None:
        if pcm.size > self.room:
            raise ValueError(f"{pcm.size} samples do not fit into {self.room}")
        self._put(self.written, pcm)
        self.written += pcm.size

    def _get(self, at: int, count: int) -> Pcm:
        start = at % self._samples.size
        first = self._samples[start : start + count]
        rest = count - first.size
        return first if not rest else np.concatenate((first, self._samples[:rest]))

    def _put(self, at: int, pcm: Pcm) -> None:
        start = at % self._samples.size
        first = min(pcm.size, self._samples.size - start)
        self._samples[start : start + first] = pcm[:first]
        self._samples[: pcm.size - first] = pcm[first:]
