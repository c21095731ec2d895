"""The devices that PortAudio lists: in words, and found by their names. Nothing is opened here."""

import re
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from voiced.edges.holders import holders
from voiced.faults import DeviceAbsent

SoundDevice: TypeAlias = Any
"""The sounddevice module, or something of it: it ships no types."""

Kind: TypeAlias = Literal["input", "output"]

_WAYS: Final[dict[Kind, str]] = {"input": "c", "output": "p"}  # as ALSA's files are called
WHAT: Final[dict[Kind, str]] = {"input": "microphone", "output": "loudspeaker"}


def list_devices(sounddevice: SoundDevice) -> list[str]:
    """Every device in one line of plain words."""
    defaults = sounddevice.default.device
    lines = []
    for device in sounddevice.query_devices():
        uses = [
            f"{what} with {count} channel{'s' if count > 1 else ''}"
            + (", the default" if defaults[side] == device["index"] else "")
            for side, what, count in (
                (0, "microphone", device["max_input_channels"]),
                (1, "loudspeaker", device["max_output_channels"]),
            )
            if count
        ]
        host = sounddevice.query_hostapis(device["hostapi"])["name"]
        lines.append(f'"{device["name"]}" ({host}): {"; ".join(uses)}')
    return lines


def find_device(sounddevice: SoundDevice, kind: Kind, name: str) -> dict[str, Any]:
    """The device of that name; else the only one whose name contains it."""
    devices = [d for d in sounddevice.query_devices() if d[f"max_{kind}_channels"] > 0]
    if name == "default":
        index = sounddevice.default.device[0 if kind == "input" else 1]
        found = [d for d in devices if d["index"] == index] or devices[:1]
    else:
        exact = [d for d in devices if d["name"] == name]
        found = exact[:1] or [d for d in devices if name.lower() in d["name"].lower()]
    if len(found) == 1:
        return dict(found[0])
    if not devices:
        raise DeviceAbsent(
            f"there is no {WHAT[kind]} at all; without a sound card, file:PATH works as a device"
        )
    why = "several match" if found else "there is none of that name"
    raise DeviceAbsent(f'{WHAT[kind]} "{name}": {why}. There is:\n{inventory(sounddevice)}')


def inventory(sounddevice: SoundDevice) -> str:
    """All of them, a line for each."""
    return "\n".join(f"  {line}" for line in list_devices(sounddevice))


def why_not(name: str, kind: Kind, root: Path = Path("/")) -> str:
    """Who holds the card of that *name*, for whoever could not open it; what else it may be, if nobody does.

    Only names of cards themselves, such as `USB: Audio (hw:1,0)`, say which one is meant.
    """
    place = re.search(r"\(hw:(\d+),(\d+)\)", name)
    meant = place and (f"card{place[1]}", f"pcm{place[2]}{_WAYS[kind]}")
    held = {f"{h.program} (pid {h.pid})" for h in holders(root) if (h.card, h.pcm) == meant}
    if not held:
        return "Another program may hold it, or your user may lack the group audio."
    told = " and ".join(sorted(held))
    return f"It is held by {told}: end that, or let both go through a sound server."
