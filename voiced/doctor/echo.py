"""Does exactly one party take the loudspeaker's echo away? Judged by settings and names; nothing is played.

How loud the echo is, the whistle tells (`loop.py`), and `voiced calibrate` what to do about it.
"""

from collections.abc import Sequence
from typing import Final

from voiced.audio.echo.handling import EchoMode, cancels_by_name
from voiced.doctor.finding import Finding, Verdict

CHECK: Final = "echo"

LOAD_PULSE: Final = (
    "pactl load-module module-echo-cancel aec_method=webrtc source_name=echocancel "
    'sink_name=echocancel_sink aec_args="analog_gain_control=0 digital_gain_control=0" && '
    "pactl set-default-source echocancel && pactl set-default-sink echocancel_sink"
)
"""Without its gain controls: they turn the microphone down by 23 dB (measured)."""


def judge(mode: EchoMode, *, installed: bool, names: Sequence[str]) -> Finding:
    """*names*: what the microphone is called, in the settings, by PortAudio and by the sound server."""
    canceller = next((name for name in names if cancels_by_name(name)), "")
    seen = f"[echo] mode = {mode.value}"
    if mode is EchoMode.SYSTEM and not canceller:
        return Finding(
            check=CHECK,
            verdict=Verdict.WARNING,
            seen=f"{seen}, and no microphone is called an echo canceller: {' / '.join(names)}",
            cause="the sound server has none loaded, or it is not the default; right with a speakerphone "
            "that cancels its own echo",
            action=f"`{LOAD_PULSE}` (PipeWire: libpipewire-module-echo-cancel), or set [echo] mode to auto",
        )
    if mode is EchoMode.WEBRTC and canceller:
        return Finding(
            check=CHECK,
            verdict=Verdict.WARNING,
            seen=f'{seen}, and the microphone "{canceller}" is an echo canceller already',
            cause="two of them, one behind the other, make whoever speaks over an answer hard to understand",
            action="set [echo] mode to system, or choose the microphone itself as [capture] device",
        )
    if mode is EchoMode.WEBRTC and not installed:
        return Finding(
            check=CHECK,
            verdict=Verdict.FAILED,
            seen=f"{seen}, and no canceller is installed",
            cause="it comes with an extra",
            action="pip install 'voiced[echo]' into voiced's environment, or set mode to half_duplex",
        )
    if mode is EchoMode.AUTO and not installed and not canceller:
        seen += (
            "; no canceller is installed (pip install 'voiced[echo]'): where the microphone hears the "
            "loudspeaker, nobody can interrupt an answer by speaking"
        )
    elif canceller:
        seen += f', and the microphone "{canceller}" cancels echo'
    return Finding(check=CHECK, verdict=Verdict.OK, seen=seen)
