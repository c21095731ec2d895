"""What every canceller promises, the fake one and the real one; and what the real one takes away."""

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from tests.audio.echo.rooms import DEVICE_HZ, Room, frames, noise, pcm, speech_like
from tests.fakes.canceller import FakeCanceller
from voiced.audio.convert import Samples
from voiced.audio.echo.handling import Canceller, Echo, EchoMode
from voiced.audio.format import FRAME_BYTES, FRAME_SAMPLES, SILENT_FRAME, WIRE_RATE_HZ, Frame
from voiced.audio.level import dbfs
from voiced.edges.canceller import canceller_from
from voiced.faults import ConfigError

SECOND = WIRE_RATE_HZ

every_canceller = pytest.mark.parametrize("make", [FakeCanceller, canceller_from])


@every_canceller
def test_it_gives_a_frame_for_a_frame(make: Callable[[], Canceller]) -> None:
    canceller = make()
    sound = frames(noise(1, -30))
    cleaned = [canceller.process(near, far) for near, far in zip(sound, sound[::-1], strict=True)]
    assert {len(each) for each in cleaned} == {FRAME_BYTES}
    assert all(isinstance(each, bytes) for each in cleaned)


@every_canceller
def test_silence_stays_silent(make: Callable[[], Canceller]) -> None:
    canceller = make()
    assert {canceller.process(SILENT_FRAME, SILENT_FRAME) for _ in range(100)} == {SILENT_FRAME}


@every_canceller
def test_who_speaks_while_the_loudspeaker_rests_is_left_as_loud(
    make: Callable[[], Canceller],
) -> None:
    canceller = make()
    talk = frames(speech_like(4, seed=2))
    heard = b"".join(canceller.process(each, SILENT_FRAME) for each in talk)
    assert dbfs(heard) == pytest.approx(dbfs(b"".join(talk)), abs=1.5)


@every_canceller
def test_what_the_loudspeaker_says_becomes_softer(make: Callable[[], Canceller]) -> None:
    canceller = make()
    far = speech_like(4, seed=1)
    near = frames(Room(60, -10).echo(far))
    heard = [canceller.process(a, b) for a, b in zip(near, frames(far), strict=True)]
    assert dbfs(b"".join(heard[100:])) < dbfs(b"".join(near[100:])) - 20


def erle_db(room: Room, echo: Echo, far: Samples) -> tuple[float, float]:
    """From 2 to 5 s, and from 20 s on: far end only, through `FarEnd` as in the daemon."""
    near = frames(room.echo(far) + noise(far.size / SECOND, -85))
    heard: list[Frame] = []
    for frame, come in zip(near, room.blocks(far), strict=True):
        for block in come:
            echo.take(block, DEVICE_HZ)
        heard.extend(echo.clean(frame))
    before, after = pcm(near), pcm(heard)

    def taken(first_s: int, last_s: int) -> float:
        part = slice(first_s * SECOND, last_s * SECOND)
        energies = np.sum(before[part] ** 2), np.sum(after[part] ** 2)
        return float(10 * np.log10(energies[0] / energies[1]))

    return taken(2, 5), taken(20, 30)


@pytest.mark.parametrize(
    ("room", "least_db"),
    [
        (Room(60, -10), 35),
        (Room(300, -20), 35),
        (Room(120, -10, ppm=50), 35),
        (Room(120, -10, ppm=-200), 28),
        (Room(30, -10), 35),  # as soon as an echo can come
    ],
    ids=str,
)
def test_echoes_are_taken_away_as_issue_6_asks(room: Room, least_db: int) -> None:
    echo = Echo(EchoMode.WEBRTC, canceller=canceller_from())
    soon_db, late_db = erle_db(room, echo, speech_like(30, seed=3))
    assert soon_db >= 24
    assert late_db >= least_db
    assert echo.choice.erle_db is not None
    assert echo.choice.erle_db >= 24


def test_it_comes_10_ms_later_at_most() -> None:
    canceller = canceller_from()
    hiss = noise(4, -40)  # a voice is like itself a pitch period later, too
    heard = pcm([canceller.process(each, SILENT_FRAME) for each in frames(hiss)])
    size = 1 << 18
    spectra = np.fft.rfft(heard, size), np.fft.rfft(hiss, size)
    late = int(np.argmax(np.fft.irfft(spectra[0] * np.conj(spectra[1]), size)[:FRAME_SAMPLES]))
    assert 0 < late <= SECOND // 100


def test_switches_reach_the_library() -> None:
    softened = canceller_from(noise_suppression=True)
    hiss = frames(noise(5, -40))
    heard = [softened.process(each, SILENT_FRAME) for each in hiss]
    assert dbfs(b"".join(heard[-50:])) < -46
    raised = canceller_from(automatic_gain=True)
    talk = frames(speech_like(5, seed=2, level_dbfs=-40))
    louder = [raised.process(each, SILENT_FRAME) for each in talk]
    assert dbfs(b"".join(louder[-100:])) > -34


def test_a_missing_library_is_told_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livekit", None)
    with pytest.raises(ConfigError, match=r"pip install 'voiced\[echo\]'"):
        canceller_from()


def test_nobody_imports_the_library_who_does_not_want_it() -> None:
    script = (
        "import sys, voiced.edges.canceller, voiced.audio.echo.handling\n"
        "assert 'livekit' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)


def test_the_end_of_a_process_is_not_disturbed_by_the_librarys_farewell() -> None:
    """Which makes its threads call into a Python that has ended, once in a while: that aborts the process. Nor do
    they keep it from ending.
    """
    story = """
import logging, threading, time
from voiced.edges.canceller import canceller_from

class Greeted(logging.Handler):
    def emit(self, record):
        greeted.set()

greeted = threading.Event()
logging.getLogger("livekit").setLevel(logging.DEBUG)
logging.getLogger("livekit").addHandler(Greeted())
canceller_from().process(bytes(960), bytes(960))
assert greeted.wait(60)  # that, too, comes by a thread of the library's
time.sleep(0.1)  # and goes back there
from livekit.rtc._ffi_client import FfiClient
library = FfiClient.instance._ffi_lib
library.livekit_ffi_dispose = lambda: print("farewell")
library.livekit_ffi_drop_handle = lambda handle: print("and farewell")
raise SystemExit(7)
"""
    told = {**os.environ, "LIVEKIT_RTC_DEBUG": "1"}  # its greeting, too
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", story],
        env=told,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "", "")
