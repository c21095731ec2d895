"""The devices that PortAudio lists: in words, and found by their names. Nothing is opened here."""

import re
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from voiced.faults import DeviceAbsent

SoundDevice: TypeAlias = Any
"""The sounddevice module, or something of it: it ships no types."""

Kind: TypeAlias = Literal["input", "output"]

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


def why_not(name: str, kind: Kind, proc: Path = Path("/proc")) -> str:
    """Who holds the card of that *name*, for whoever could not open it; what else it may be, if nobody does."""
    holders = sorted(_holders(name, kind, proc))
    if not holders:
        return "Another program may hold it, or your user may lack the group audio."
    return (
        f"It is held by {' and '.join(holders)}: end that, or let both go through a sound server."
    )


def _holders(name: str, kind: Kind, proc: Path) -> set[str]:
    """The programs that ALSA says have opened it. Only names of cards themselves say which one is meant."""
    card = re.search(r"\(hw:(\d+),(\d+)\)", name)
    if card is None:
        return set()
    way = {"input": "c", "output": "p"}[kind]
    stream = proc / "asound" / f"card{card[1]}" / f"pcm{card[2]}{way}"
    holders = set()
    for status in stream.glob("sub*/status"):
        try:
            owner = re.search(r"^owner_pid *: *(\d+)", status.read_text(), re.MULTILINE)
            if owner is not None:
                program = (proc / owner[1] / "comm").read_text().strip()
                holders.add(f"{program} (process {owner[1]})")
        except OSError:  # it ends just now
            continue
    return holders
