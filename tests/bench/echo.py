"""What the echo of an answer does, and what is left of a talker: ERLE, self-interruptions, interruptions.

All of it is arithmetic in `rooms.py`, with people's recordings and the daemon's own `Echo`; nothing here
needs a sound server, and the same numbers come out every time but for the processor's.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import trio

from tests.bench.listeners import Confirming, Server, Silero
from tests.bench.people import assistant, begins_s, utterances
from tests.bench.rooms import Room, played
from tests.bench.stage import CannotMeasureError, Facts
from voiced.audio.convert import Samples, to_mono
from voiced.audio.echo.handling import Canceller, Echo, EchoMode
from voiced.audio.format import WIRE_RATE_HZ, Frame
from voiced.audio.level import decibels
from voiced.config.echo import Echo as Settings
from voiced.edges.canceller import canceller_from
from voiced.faults import ConfigError
from voiced.local.turns import Edge, Started

ANSWER_DBFS: Final = -20.0  # as services send it
_PLAIN: Final = Room()
_DRIFTING: Final = Room(delay_ms=120, drift_ppm=50.0)
_SMALL: Final = attrs.evolve(_DRIFTING, clips_at=0.3)
_HARD: Final = attrs.evolve(_DRIFTING, rt60_s=0.6, direct_db=-3.0)
_TALKED_IN: Final = {
    "60 ms": _PLAIN,
    "120 ms, 50 ppm": _DRIFTING,
    "120 ms, 50 ppm, small loudspeaker": _SMALL,
}
_USUAL: Final = {
    f"{delay} ms, {ppm:g} ppm": Room(delay_ms=delay, drift_ppm=ppm)
    for delay in (60, 120, 300)
    for ppm in (0.0, 50.0, 200.0)
}
_OTHER: Final = {
    "60 ms, -20 dB": Room(return_db=-20.0),
    "60 ms, -30 dB": Room(return_db=-30.0),
    "120 ms, 50 ppm, -30 dB": attrs.evolve(_DRIFTING, return_db=-30.0),
    "120 ms, 50 ppm, 4 blocks at once": attrs.evolve(_DRIFTING, burst=4),
    "120 ms, 50 ppm, small loudspeaker": _SMALL,
    "120 ms, 50 ppm, hard room": _HARD,
}
_MOVED: Final = (attrs.evolve(_PLAIN, delay_ms=120), _SMALL, _HARD)
_MOVES_MS: Final = (60, 150, -60)
_EARLY_S: Final = (2, 5)
_ROOMS: Final = 8
_LATE_S: Final = (20, 30)

_COUNT: Final = 20
_LEAST_S, _MOST_S = 1.0, 3.0
_FIRST_S: Final = 12.0  # the canceller knows the room by then
_EVERY_S: Final = 4.5
_AFTER_S: Final = 0.3  # an utterance's end; what is heard later was no answer to it
_SILENT: Final = 1e-12

DUCK_DB: Final = Settings().duck_db
"""By which the loudspeaker is softer as soon as somebody is suspected to speak."""

TARGETS: Final = {
    **{f"{room}: dB at 2-5 s": ">= 24" for room in _USUAL if not room.endswith("200 ppm")},
    **{
        f"{room}: dB at 20-30 s": ">= 28" if room.endswith("200 ppm") else ">= 35"
        for room in _USUAL
    },
    **{
        f"{mode}, {room}: {by}": "0"
        for mode in ("webrtc", "half_duplex")
        for room in ("-10 dB", "small loudspeaker")
        for by in ("by the local server", "by Silero alone")
    },
    "capture path, ms": "<= 10",
    "% of a core": "<= 2",
}
ABOVE: Final = {f"{room}: heard within 300 ms": "20" for room in list(_TALKED_IN)[:2]}
BELOW: Final = {f"{room}: heard within 700 ms": ">= 16" for room in list(_TALKED_IN)[:2]}


def erle() -> Facts:
    """How much less of the echo is left, in single talk: early in eight rooms of each kind, for that differs
    from one to the next; late in one.
    """
    facts: Facts = {}
    for name, room in (_USUAL | _OTHER).items():
        rooms = [attrs.evolve(room, seed=seed) for seed in range(1, _ROOMS + 1)]
        early_db = [_taken_away(each, *_EARLY_S) for each in rooms]
        facts[f"{name}: dB at 2-5 s"] = statistics.median(early_db)
        facts[f"{name}: dB at 2-5 s, least"] = min(early_db)
        facts[f"{name}: dB at 20-30 s"] = _taken_away(room, *_LATE_S)
    return facts


def _taken_away(room: Room, begin_s: int, end_s: int) -> float:
    heard = list(played(room, assistant(end_s + 1, ANSWER_DBFS), webrtc())[1])
    raw, clean = pcm([each.raw for each in heard]), pcm([each.clean for each in heard])
    part = slice(begin_s * WIRE_RATE_HZ, end_s * WIRE_RATE_HZ)
    return level_db(raw[part]) - level_db(clean[part])


def self_interruptions(seconds: float, mode: EchoMode) -> Facts:
    """How often speech is heard where only the assistant speaks."""
    answer = assistant(seconds, ANSWER_DBFS)
    facts: Facts = {}
    for name, room in {
        "-10 dB": _DRIFTING,
        "small loudspeaker": _SMALL,
        "hard room": _HARD,
    }.items():
        echo = Echo(mode, canceller=canceller() if mode is EchoMode.WEBRTC else None)
        server, silero = trio.run(_counted, room, answer, echo)
        facts[f"{mode.value}, {name}: by the local server"] = server
        facts[f"{mode.value}, {name}: by Silero alone"] = silero
        if mode is EchoMode.WEBRTC:
            facts[f"{mode.value}, {name}: softer for nothing"] = echo.suspicions
    return facts


def moved(seconds: float) -> Facts:
    """How often speech is heard where only the assistant speaks, and its echo comes sooner or later every 8 s,
    as after a stutter of the sound server: in three rooms together.
    """
    answer = assistant(seconds, ANSWER_DBFS)
    facts: Facts = {"moves": len(_MOVED) * (int(seconds) // 8)}
    for moves_ms in _MOVES_MS:
        results = []
        for room in _MOVED:
            echo = webrtc()
            moving = attrs.evolve(room, moves_ms=moves_ms)
            results.append((*trio.run(_counted, moving, answer, echo), echo.moves))
        server, silero, noticed = (sum(each) for each in zip(*results, strict=True))
        facts[f"by {moves_ms:+d} ms: by the local server"] = server
        facts[f"by {moves_ms:+d} ms: by Silero alone"] = silero
        facts[f"by {moves_ms:+d} ms: noticed"] = noticed
    return facts


async def _counted(room: Room, answer: Samples, echo: Echo) -> tuple[int, int]:
    server, silero = Server(), Silero()
    loudspeaker, frames = played(room, answer, echo)
    for heard in frames:
        for frame in heard.sent:
            await server.hear(frame)
            silero.hear(frame)
        loudspeaker.gain_db = DUCK_DB if echo.spoken_over else 0.0  # as the daemon does it
    return server.onsets, silero.onsets


@attrs.frozen
class Talk:
    """Utterances over an answer, as loud as they are at the microphone, and when each begins."""

    sound: Samples
    begin_s: tuple[float, ...]
    end_s: tuple[float, ...]

    def spoken_at(self, now_s: float) -> int | None:
        """Which of them may be what is heard now."""
        for number, (begin_s, end_s) in enumerate(zip(self.begin_s, self.end_s, strict=True)):
            if begin_s - _AFTER_S <= now_s <= end_s + _AFTER_S:
                return number
        return None


@attrs.define(eq=False)
class Results:
    """When, after its beginning, each utterance had which effect: ms by number."""

    softer: dict[int, float] = attrs.field(factory=dict)
    heard: dict[int, float] = attrs.field(factory=dict)
    meant: dict[int, float] = attrs.field(factory=dict)
    wrongly: int = 0


def interruptions(over_db: float, *, duck_first: bool, unseen: bool = False) -> Facts:
    """Twenty utterances over an answer that goes on, *over_db* louder than its echo; or twenty *unseen*.

    `heard` is when the local server says that speech has started, which interrupts the answer
    (`interruption = "immediate"`); `meant` is when `interruption = "confirmed"` would have cut it.
    """
    facts: Facts = {}
    seconds = _FIRST_S + _COUNT * _EVERY_S + 1
    answer = assistant(seconds, ANSWER_DBFS)
    for name, room in _TALKED_IN.items():
        talk = _talk(room, answer, over_db, unseen=unseen)
        results = trio.run(_interrupted, room, answer, talk, duck_first)
        heard, meant = list(results.heard.values()), list(results.meant.values())
        facts[f"{name}: heard within 300 ms"] = sum(ms <= 300 for ms in heard)
        facts[f"{name}: heard within 700 ms"] = sum(ms <= 700 for ms in heard)
        facts[f"{name}: heard at all"] = len(heard)
        facts[f"{name}: heard after, median ms"] = float(np.median(heard))
        if duck_first:
            softer = list(results.softer.values())
            facts[f"{name}: softer within 300 ms"] = sum(ms <= 300 for ms in softer)
            facts[f"{name}: softer after, median ms"] = float(np.median(softer))
        facts[f"{name}: confirmed within 1000 ms"] = sum(ms <= 1000 for ms in meant)
        facts[f"{name}: heard where nobody spoke"] = results.wrongly
    return facts


def in_quiet() -> Facts:
    """The same utterances where nothing else sounds: what the detection itself takes."""
    answer = np.zeros(round((_FIRST_S + _COUNT * _EVERY_S + 1) * WIRE_RATE_HZ), np.float32)
    talk = _talk(_PLAIN, answer, over_db=0.0)
    heard = list(trio.run(_interrupted, _PLAIN, answer, talk, False).heard.values())
    return {
        "heard within 300 ms": sum(ms <= 300 for ms in heard),
        "heard within 700 ms": sum(ms <= 700 for ms in heard),
        "heard after, median ms": float(np.median(heard)),
    }


def _talk(room: Room, answer: Samples, over_db: float, *, unseen: bool = False) -> Talk:
    raw = pcm([each.raw for each in played(room, answer, Echo(EchoMode.OFF))[1]])
    echo_db = level_db(raw) if answer.any() else ANSWER_DBFS - 10
    sound, begin_s, end_s = np.zeros(answer.size, np.float32), [], []
    for number, utterance in enumerate(utterances(_COUNT, _LEAST_S, _MOST_S, unseen=unseen)):
        at_s = _FIRST_S + number * _EVERY_S
        at = round(at_s * WIRE_RATE_HZ)
        gain = decibels(echo_db + over_db - level_db(utterance))
        sound[at : at + utterance.size] = utterance * np.float32(gain)
        begin_s.append(at_s + begins_s(utterance))
        end_s.append(at_s + utterance.size / WIRE_RATE_HZ)
    return Talk(sound, tuple(begin_s), tuple(end_s))


async def _interrupted(room: Room, answer: Samples, talk: Talk, duck_first: bool) -> Results:
    echo, server, confirming, results = webrtc(), Server(), Confirming(), Results()
    loudspeaker, frames = played(room, answer, echo, talk.sound)
    for number, heard in enumerate(frames):
        now_s = (number + 1) * 0.02
        edges: list[Edge] = []
        meant = False
        for frame in heard.sent:
            told = await server.hear(frame)
            meant = confirming.hear(frame, told) or meant
            edges += told
        suspected = duck_first and echo.spoken_over
        # Heard or not, the answer goes on: the utterances that follow shall find it, too.
        loudspeaker.gain_db = DUCK_DB if suspected else 0.0
        spoken = talk.spoken_at(now_s)
        onset = any(isinstance(edge, Started) for edge in edges)
        if spoken is None:
            results.wrongly += onset
            continue
        after_ms = 1000 * (now_s - talk.begin_s[spoken])
        for happened, when in (
            (suspected, results.softer),
            (onset, results.heard),
            (meant, results.meant),
        ):
            if happened:
                when.setdefault(spoken, after_ms)
    return results


def price() -> Facts:
    """Of the way through echo handling: its processor time in steady state, and by how much it delays."""
    return {"capture path, ms": _delay_ms(), "% of a core": min(_busy() for _ in range(3))}


def _delay_ms() -> float:
    """By how much noise comes later; a voice would show what the high-pass does to its phase, too."""
    hiss = np.random.default_rng(1).standard_normal(4 * WIRE_RATE_HZ).astype(np.float32)
    hiss *= np.float32(decibels(ANSWER_DBFS))
    heard = list(played(_PLAIN, np.zeros_like(hiss), webrtc(), hiss)[1])
    raw, clean = pcm([each.raw for each in heard]), pcm([each.clean for each in heard])
    spectra = np.fft.rfft(raw, 2 * raw.size), np.fft.rfft(clean, 2 * raw.size)
    alike = np.fft.irfft(np.conj(spectra[0]) * spectra[1])
    return float(1000 * np.argmax(alike[: WIRE_RATE_HZ // 10]) / WIRE_RATE_HZ)


def _busy() -> float:
    """Percent of a core over a minute of an answer; the least of some is what others disturbed least."""
    echo = Timed(EchoMode.WEBRTC, canceller=canceller())
    frames = sum(1 for _ in played(_DRIFTING, assistant(60.0, ANSWER_DBFS), echo)[1])
    return 100 * echo.busy_s / (frames * 0.02)


@attrs.define(eq=False)
class Timed(Echo):
    """Knows how long it was busy."""

    busy_s: float = attrs.field(default=0.0, init=False)

    def take(self, pcm: bytes, rate_hz: int, ago_s: float | None = None) -> None:
        """As `Echo`."""
        began_s = time.thread_time()
        super().take(pcm, rate_hz, ago_s)
        self.busy_s += time.thread_time() - began_s

    def clean(self, near: Frame) -> Sequence[Frame]:
        """As `Echo`."""
        began_s = time.thread_time()
        cleaned = super().clean(near)
        self.busy_s += time.thread_time() - began_s
        return cleaned


def webrtc() -> Echo:
    """Echo handling as the daemon has it."""
    return Echo(EchoMode.WEBRTC, canceller=canceller())


def canceller() -> Canceller:
    """One that has heard nothing yet."""
    try:
        return canceller_from()
    except ConfigError as why:
        raise CannotMeasureError(str(why)) from why


def pcm(frames: list[Frame]) -> Samples:
    """Their samples in a row."""
    return to_mono(b"".join(frames), 1)


def level_db(sound: Samples) -> float:
    """In dB below full scale, however soft."""
    return float(10 * np.log10(np.mean(np.square(sound)) + _SILENT))
