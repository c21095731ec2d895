"""What is said about devices that are refused, stuck, or do not hear each other. Judges, never looks."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.loop import Loop
from voiced.faults import DeviceAbsent, DeviceBusy, DeviceError, DeviceHung

Figures: TypeAlias = Mapping[str, float | int | str]
Section: TypeAlias = Literal["capture", "playout"]

MICROPHONE: Final = "microphone"
LOUDSPEAKER: Final = "loudspeaker"
LEVEL: Final = "microphone level"
LOOP: Final = "loop"

_NEARLY_AS_LOUD_DB: Final = -10.0
"""An answer of usual loudness (-20 dBFS) that returns above it is as loud as a speaker at arm's length
(-30 dBFS), and a voice detection takes it for one."""
_LATE_MS: Final = 300.0  # a person begins to talk over an answer that starts so late


def skipped(check: str, why: str) -> Finding:
    """Not looked at."""
    return Finding(check=check, verdict=Verdict.SKIPPED, seen=why)


def stuck(check: str, seen: str, figures: Figures) -> Finding:
    """Opened, and then nothing."""
    return Finding(
        check=check,
        verdict=Verdict.FAILED,
        seen=seen,
        cause="it was opened, and then nothing moved: the driver or the sound server is stuck",
        action="plug it out and in again, or restart the sound server (systemctl --user restart "
        "pipewire-pulse, or pulseaudio)",
        figures=figures,
    )


def refused(check: str, section: Section, fault: DeviceError) -> Finding:
    """It could not be opened, or broke. Our errors end with a list of all there is: here it goes to the
    action, where it is of use.
    """
    sentence, _, listed = str(fault).partition(" There is:\n")
    there_is = "; ".join(line.strip() for line in listed.splitlines())
    match fault:
        case DeviceAbsent():
            cause = (
                "it is not plugged in, or called otherwise; a card that another program holds is "
                "not seen either"
            )
            action = f"put a name that there is, or a part of it, into [{section}] device"
        case DeviceBusy():
            cause = "another program holds it for itself"
            action = (
                "stop that program (`fuser -v /dev/snd/*` names it; if it is voiced: systemctl stop "
                "voiced), or go through a sound server, which shares"
            )
        case DeviceHung():
            cause = "the sound server hangs"
            action = "restart it: systemctl --user restart pipewire-pulse (or pulseaudio)"
        case _:
            cause = "the device or its driver refuses what is wanted of it, or went away"
            action = (
                f"set [{section}] rate_hz to 0 and channel to 0 to take what it offers, and see "
                "whether it is still plugged in and its server runs"
            )
    return Finding(
        check=check,
        verdict=Verdict.FAILED,
        seen=sentence,
        cause=cause,
        action=action + (f". There is: {there_is}" if there_is else ""),
        figures={"there_is": there_is} if there_is else {},
    )


def judged(loop: Loop) -> Finding:
    """What came back of the whistle, and what to make of it."""
    figures: dict[str, float | int | str] = {"confidence_db": round(loop.confidence_db, 1)}
    if not loop.audible:
        return Finding(
            check=LOOP,
            verdict=Verdict.WARNING,
            seen="the loudspeaker is not audible in the microphone",
            cause="its volume is at zero, it is muted or not connected; right with headphones, and "
            "with a speakerphone that cancels its own echo",
            action="listen for the whistle: if there is none, unmute (`pactl set-sink-mute "
            "@DEFAULT_SINK@ 0`, alsamixer) or choose another [playout] device",
            figures=figures,
        )
    figures |= {"delay_ms": round(loop.delay_ms, 1), "return_db": round(loop.return_db, 1)}
    told = f"audible after {loop.delay_ms:.0f} ms, echo return {loop.return_db:.0f} dB"
    if loop.return_db > _NEARLY_AS_LOUD_DB:
        return Finding(
            check=LOOP,
            verdict=Verdict.WARNING,
            seen=told,
            cause="answers return nearly as loud as they are played: they will interrupt themselves",
            action="lower the loudspeaker or the microphone, move them apart, or use an echo "
            "canceller (module-echo-cancel)",
            figures=figures,
        )
    if loop.delay_ms > _LATE_MS:
        return Finding(
            check=LOOP,
            verdict=Verdict.WARNING,
            seen=told,
            cause="the way through the sound system is long: Bluetooth, or a server with large buffers",
            action="use a cable; or set [playout] latency to lowest and latency_ms to 0",
            figures=figures,
        )
    return Finding(check=LOOP, verdict=Verdict.OK, seen=told, figures=figures)
