"""What the server's ear was given: every append, when it was read and in which session.

The server writes it down as it comes (`Book`), the bench reads it afterwards (`pages`).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import attrs
import numpy as np

from tests.rig import Samples

_HEAD: Final = struct.Struct("<dII")  # when, which session, how many bytes follow


@attrs.frozen(eq=False)
class Page:
    """One append."""

    at: float  # seconds of the performance counter: when the server read it
    session: int  # counted from 1
    samples: Samples


@attrs.define(eq=False)
class Book:
    """Where appends are written down. Not buffered: who writes is ended without warning."""

    file: BinaryIO

    def note(self, at: float, session: int, pcm: bytes) -> None:
        """Write down one append."""
        self.file.write(_HEAD.pack(at, session, len(pcm)) + pcm)


def pages(path: Path, since_s: float = 0.0) -> Iterator[Page]:
    """All appends that were read after *since_s*, in order; one that is half written is left out."""
    written, place = path.read_bytes(), 0
    while place + _HEAD.size <= len(written):
        at, session, size = _HEAD.unpack_from(written, place)
        place += _HEAD.size + size
        if at > since_s and place <= len(written):
            yield Page(at, session, np.frombuffer(written[place - size : place], "<i2"))
