"""Which settings suit a room that was measured, each with its reason in a sentence. Decides, never looks.

What it goes by (measured): no canceller hears somebody well whose voice is softer at the microphone
than the echo; so the level plan comes first. The voice is brought to a level that recognition likes, and
the loudspeaker is capped until its echo is no louder than the voice.
"""

import math
from collections.abc import Iterator
from typing import Final, TypeAlias

from attrs import frozen

from voiced.audio.earcons import LEVEL_DBFS as ANSWER_DBFS
from voiced.audio.echo.handling import HEARD_DB, EchoMode
from voiced.audio.level import gain_of_percent_db
from voiced.calibration.sounds import Noise, Talker
from voiced.doctor.loop import Loop

Value: TypeAlias = str | int | float

_TALKER_DBFS: Final = (
    -20.0
)  # of speech: 20 dB for its peaks, and what the service was trained on, about
_NOISE_DBFS: Final = -50.0  # lifted above it, noise keeps a turn from ending
_PEAK_DBFS: Final = -3.0  # somebody will laugh, or step closer
_STEP_DB: Final = 0.5
_NOT_WORTH_DB: Final = (
    2.0  # nobody hears the difference, and the next calibration would find another
)

_MOST_CUT_DB: Final = (
    14.0  # of the loudspeaker: less than half as loud to the ear; below that answers drown
)
_PERCENT_STEP: Final = 5
_ROUNDING_DB: Final = 1e-6
_HOPELESS_DB: Final = 10.0
"""An echo that is so much louder than the talker: cancelled, next to nothing of the talker is left
(measured: at -5 dB a third of all interruptions are missed, at -15 half)."""

_CLIPPED_PERCENT: Final = 0.1  # one sample in a thousand is 24 a second: clicks that one hears
_NEAR_NOISE_DB: Final = 15.0  # closer to the noise than that, words are lost


@frozen(kw_only=True)
class Room:
    """What is known of it."""

    noise: Noise
    talker: Talker | None = None
    """None: nobody was asked to speak, or did."""
    loop: Loop | None = None
    """None: the loudspeaker was not asked."""
    canceller: bool = False
    """Whether there is one to take."""
    device_cancels: bool = False
    """Whether the microphone, or the sound server, cancels by itself."""

    @property
    def echo_dbfs(self) -> float:
        """How loud answers of usual loudness come back at full volume."""
        heard = self.loop is not None and self.loop.audible
        return ANSWER_DBFS + self.loop.return_db if heard and self.loop is not None else -math.inf


@frozen(kw_only=True)
class Proposal:
    """One setting, and why."""

    section: str
    key: str
    value: Value
    why: str


def propose(room: Room) -> list[Proposal]:
    """Whatever can be told from what was measured; what can't is left as it is."""
    proposals = [_high_pass(room.noise)]
    if room.talker is not None:
        proposals.append(_gain(room.talker, room.noise))
    if room.loop is not None:
        proposals += _against_echo(room, room.loop)
    return proposals


def advice(room: Room) -> Iterator[str]:
    """What no setting of ours can mend."""
    talker = room.talker
    if talker is not None:
        if talker.clipped_percent > _CLIPPED_PERCENT:
            yield (
                "the microphone cuts off loud words before they reach voiced: lower its volume "
                "(alsamixer, F4), and calibrate again"
            )
        above = talker.level_dbfs - room.noise.floor_dbfs
        if above < _NEAR_NOISE_DB:
            yield (
                f"the voice is only {above:.0f} dB above the noise: move the microphone closer to "
                "whoever speaks, or away from fans"
            )
    if talker is not None and room.echo_dbfs - talker.level_dbfs > 0:
        louder = room.echo_dbfs - talker.level_dbfs
        yield (
            f"at full volume answers come back {louder:.0f} dB louder than the voice: turn the "
            "loudspeaker away from the microphone, or move them apart; no setting helps as much"
        )


def _high_pass(noise: Noise) -> Proposal:
    gained = noise.raw_dbfs - noise.floor_dbfs
    why = (
        f"below it there is nothing but rumble or an offset: without it there is {gained:.0f} dB "
        "less noise"
        if noise.high_pass_hz
        else "there is no rumble worth a filter"
    )
    return Proposal(section="capture", key="high_pass_hz", value=noise.high_pass_hz, why=why)


def _gain(talker: Talker, noise: Noise) -> Proposal:
    wanted = _TALKER_DBFS - talker.level_dbfs
    limits = {
        f"brings the voice from {talker.level_dbfs:.0f} to about {_TALKER_DBFS:.0f} dBFS": wanted,
        f"more would lift the noise above {_NOISE_DBFS:.0f} dBFS": max(
            0.0, _NOISE_DBFS - noise.floor_dbfs
        ),
        "more would cut off the voice's peaks": _PEAK_DBFS - talker.peak_dbfs,
    }
    why, gain = min(limits.items(), key=lambda limit: limit[1])
    gain = max(-40.0, min(40.0, math.floor(gain / _STEP_DB) * _STEP_DB))
    if abs(gain) < _NOT_WORTH_DB:
        why, gain = (why if wanted > _NOT_WORTH_DB else "the voice is loud enough as it is"), 0.0
    return Proposal(section="capture", key="gain_db", value=gain, why=why)


def _against_echo(room: Room, loop: Loop) -> Iterator[Proposal]:
    mode, why = _mode(room, loop)
    if mode is EchoMode.WEBRTC:
        yield _cap(room)
    yield Proposal(section="echo", key="mode", value=mode.value, why=why)


def _mode(room: Room, loop: Loop) -> tuple[EchoMode, str]:
    if room.device_cancels:
        return EchoMode.SYSTEM, "the microphone or its server cancels already; two in a row do harm"
    if not loop.audible or loop.return_db < HEARD_DB:
        return EchoMode.OFF, "the microphone does not hear the loudspeaker"
    heard = f"the microphone hears the loudspeaker at {loop.return_db:.0f} dB"
    if not room.canceller:
        return (
            EchoMode.HALF_DUPLEX,
            f"{heard}, and no canceller is installed (pip install 'voiced[echo]')",
        )
    left = _louder_db(room) - _cut_db(room)
    if left > _HOPELESS_DB:
        return (
            EchoMode.HALF_DUPLEX,
            (
                f"even with the loudspeaker turned down, answers come back {left:.0f} dB louder than the "
                "voice: nothing would be left of it"
            ),
        )
    return EchoMode.WEBRTC, f"{heard}, and it can be taken out"


def _cap(room: Room) -> Proposal:
    cut = _cut_db(room)
    if not cut:
        why = (
            "at full volume answers come back softer than the voice"
            if room.talker is not None
            else "nobody spoke to compare answers with"
        )
    else:
        why = (
            f"at full volume answers come back {_louder_db(room):.0f} dB louder than the voice; "
            f"this takes off {cut:.0f} dB"
        )
    return Proposal(section="playout", key="max_volume_percent", value=_percent(room), why=why)


def _louder_db(room: Room) -> float:
    """By how much answers at full volume come back louder than the talker; 0: they do not."""
    return 0.0 if room.talker is None else max(0.0, room.echo_dbfs - room.talker.level_dbfs)


def _cut_db(room: Room) -> float:
    """How much the loudspeaker can and should be turned down."""
    return -gain_of_percent_db(_percent(room))


def _percent(room: Room) -> int:
    """The highest volume at which answers come back no louder than the talker, or the least one."""
    steps = [
        percent
        for percent in range(100, 0, -_PERCENT_STEP)
        if gain_of_percent_db(percent) >= -_MOST_CUT_DB - _ROUNDING_DB
    ]
    limit_db = _ROUNDING_DB - _louder_db(room)
    return next((each for each in steps if gain_of_percent_db(each) <= limit_db), steps[-1])
