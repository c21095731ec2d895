"""One calibration, from the first silence to what is known of the room: the order, and what people are told."""

from collections.abc import Callable

import attrs

from voiced.audio.echo.handling import EchoMode, cancels_by_name
from voiced.calibration.measuring import SILENCE_S, SPEECH_S, Measuring, Meter
from voiced.calibration.proposal import Room
from voiced.calibration.sounds import Noise, Talker, measure_noise, measure_talker
from voiced.config.whole import Config
from voiced.doctor.hearing import Hearing
from voiced.doctor.loop import Loop


@attrs.define(eq=False)
class Sitting:
    """Measures what may be measured; `DeviceError` if a device does not play along."""

    config: Config
    hearing: Hearing
    say: Callable[[str], object]  # to whoever sits there
    meter: Meter
    canceller: bool = False  # whether one is installed
    asks: bool = True  # somebody to speak

    async def run(self) -> Room:
        """Listen, whistle, listen again."""
        hearing = self.hearing
        measuring = Measuring(hearing.microphone, hearing.speaker, hearing.channel)
        name = await hearing.microphone_name()
        self.say(f"microphone: {name}")
        self.say(f"Please be quiet for {SILENCE_S} s.")
        noise = measure_noise(await measuring.silence())
        self.say(_told_of_noise(noise))
        loop = await self._loop(measuring)
        talker = await self._talker(measuring, noise)
        return Room(
            noise=noise,
            talker=talker,
            loop=loop,
            canceller=self.canceller,
            device_cancels=self.config.echo.mode == EchoMode.SYSTEM.value
            or any(map(cancels_by_name, (name, *self.config.capture.devices))),
        )

    async def _loop(self, measuring: Measuring) -> Loop | None:
        hearing = self.hearing
        if hearing.quiet:
            self.say("The loudspeaker was not asked: --quiet was given.")
            return None
        if hearing.microphone_is_file or hearing.speaker_is_file:
            self.say("The loudspeaker was not asked: a file hears none, and is none.")
            return None
        self.say("Now a whistle from the loudspeaker.")
        loop = await measuring.loop()
        heard = f"echo return {loop.return_db:.0f} dB after {loop.delay_ms:.0f} ms"
        self.say(heard if loop.audible else "the microphone does not hear the loudspeaker")
        return loop

    async def _talker(self, measuring: Measuring, noise: Noise) -> Talker | None:
        if not self.asks:
            return None
        self.say(
            "Now say something as you would from where you stand: a few sentences, for some "
            f"{SPEECH_S - 5} s."
        )
        talker = measure_talker(await measuring.speech(noise, self.meter), noise)
        if talker is None:
            self.say("nobody was heard: the gain stays as it is")
        else:
            self.say(
                f"voice {talker.level_dbfs:.0f} dBFS, peaks {talker.peak_dbfs:.0f} dBFS, "
                f"{talker.spoken_ms / 1000:.0f} s of it"
            )
        return talker


def _told_of_noise(noise: Noise) -> str:
    told = f"noise floor {noise.floor_dbfs:.0f} dBFS"
    if not noise.high_pass_hz:
        return told
    return (
        f"{told}, {noise.raw_dbfs:.0f} with what is below {noise.high_pass_hz} Hz "
        f"(offset {noise.dc_percent:.1f} %)"
    )
