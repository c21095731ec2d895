"""What an owner may decide about sound: microphone, loudspeaker, what the room is told."""

import math
from collections.abc import Mapping
from typing import Final

from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config.checks import (
    as_names,
    cutoff_hz,
    device_names,
    flag,
    language_code,
    number,
    rate_hz,
    sentence,
    text,
    whole,
    zero_or_two,
)

PROFILES: Final[Mapping[str, tuple[int, int]]] = {"balanced": (5, 15), "lowest": (4, 8)}
"""Block and latency of the loudspeaker in ms. From speech_started to the last audible sample they took 24
to 29 and 17 ms (medians of 20 on null sinks, two cores); 5 and 20 took 33, 10 and 20 up to 35."""


@frozen(kw_only=True)
class Capture:
    """The microphone."""

    device: str | tuple[str, ...] = field(
        default="default", converter=as_names, validator=device_names
    )
    rate_hz: int = field(default=0, validator=and_(whole(0, 384_000), rate_hz))
    channel: int = field(default=0, validator=whole(0, 64))
    block_ms: int = field(default=20, validator=whole(5, 100))
    gain_db: float = field(default=0.0, validator=number(-40.0, 40.0))
    high_pass_hz: int = field(default=0, validator=and_(whole(0, 300), cutoff_hz))

    @property
    def devices(self) -> tuple[str, ...]:
        """The names to try, the best first."""
        return (self.device,) if isinstance(self.device, str) else self.device

    @property
    def from_file(self) -> bool:
        """Whether it is a file: that may be silent for long, and begins anew when it is opened again."""
        return self.devices[0].startswith("file:")


@frozen(kw_only=True)
class Playout:
    """The loudspeaker."""

    device: str | tuple[str, ...] = field(
        default="default", converter=as_names, validator=device_names
    )
    rate_hz: int = field(default=0, validator=and_(whole(0, 384_000), rate_hz))
    latency: str = field(default="balanced", validator=and_(text(), in_(tuple(PROFILES))))
    block_ms: int = field(default=0, validator=and_(whole(0, 100), zero_or_two))
    latency_ms: int = field(default=0, validator=and_(whole(0, 500), zero_or_two))
    min_ms: int = field(default=60, validator=whole(0, 2000))
    max_ms: int = field(default=400, validator=whole(0, 2000))
    longest_ms: int = field(default=120_000, validator=whole(1000, 3_600_000))
    rest_after_s: float = field(default=10.0, validator=number(0.5, 86_400.0))
    wake_sink_ms: int = field(default=0, validator=whole(0, 2000))
    keep_awake: bool = field(default=False, validator=flag())
    volume_percent: int = field(default=100, validator=whole(0, 100))
    max_volume_percent: int = field(default=100, validator=whole(1, 100))

    @property
    def devices(self) -> tuple[str, ...]:
        """The names to try, the best first."""
        return (self.device,) if isinstance(self.device, str) else self.device

    @property
    def sleeps_after_s(self) -> float:
        """Seconds of silence after which the stream rests; infinite: never."""
        return math.inf if self.keep_awake else self.rest_after_s

    @property
    def allowed_percent(self) -> int:
        """How loud answers are at the start."""
        return min(self.volume_percent, self.max_volume_percent)

    @property
    def device_block_ms(self) -> int:
        """What the device is asked for: `block_ms`, or what the profile says."""
        return self.block_ms or PROFILES[self.latency][0]

    @property
    def device_latency_ms(self) -> int:
        """What the device is asked for: `latency_ms`, or what the profile says."""
        return self.latency_ms or PROFILES[self.latency][1]


@frozen(kw_only=True)
class Devices:
    """What to do about a microphone or loudspeaker that stops working."""

    stall_ms: int = field(default=3000, validator=whole(500, 60_000))
    gap_ms: int = field(default=500, validator=whole(200, 60_000))
    dead_mic_s: float = field(default=30.0, validator=number(0.0, 86_400.0))
    first_pause_s: float = field(default=0.2, validator=number(0.05, 60.0))
    longest_pause_s: float = field(default=30.0, validator=number(0.05, 600.0))
    give_up_after_s: float = field(default=600.0, validator=number(0.0, 86_400.0))
    keep_answers_ms: int = field(default=2000, validator=whole(0, 60_000))


@frozen(kw_only=True)
class Earcons:
    """Which tones go with a conversation, and how loud they are."""

    wake: bool = field(default=True, validator=flag())
    turn_end: bool = field(default=False, validator=flag())
    error: bool = field(default=True, validator=flag())
    level_db: float = field(default=-12.0, validator=number(-40.0, 0.0))


@frozen(kw_only=True)
class Notices:
    """What the room hears when the link fails, without any help from the service."""

    mode: str = field(default="tones", validator=and_(text(), in_(("off", "tones", "voice"))))
    language: str = field(default="en", validator=and_(text(), language_code))
    connecting: str = field(
        default="One moment, I am connecting.", validator=and_(text(), sentence)
    )
    lost: str = field(default="I have lost the connection.", validator=and_(text(), sentence))
    unreachable: str = field(default="I cannot reach my service.", validator=and_(text(), sentence))
    back: str = field(default="I am back again.", validator=and_(text(), sentence))
