"""Who holds which sound card, by what ALSA writes into /proc. Only looks."""

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen


@frozen
class Holder:
    """A program that has opened a card's device for one direction."""

    card: str  # as in `card1`
    pcm: str  # as in `pcm0c`: the device's number, and c for capture or p for playback
    program: str
    pid: str


def holders(root: Path = Path("/")) -> list[Holder]:
    """All there are, in the cards' order."""
    return list(_holders(root))


def _holders(root: Path) -> Iterator[Holder]:
    for status in sorted((root / "proc/asound").glob("card*/pcm*/sub*/status")):
        for line in _read(status).splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "owner_pid" and value.strip().isdigit():
                pid = value.strip()
                program = _read(root / "proc" / pid / "comm").strip() or "another program"
                yield Holder(status.parts[-4], status.parts[-3], program, pid)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it ends just now
        return ""
