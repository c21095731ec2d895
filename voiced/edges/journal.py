"""The journal's socket: a datagram for each line, with its priority and fields.

Better than a prefix on stderr, where both can be had: fields can be asked for (`journalctl SESSION_ID=...`), and
a journal that is slow never holds us up. A sandboxed unit may reach it: AF_UNIX is all that it takes,
and connecting writes nothing to a file system. Where there is no journal, the caller has stderr; where its
queue is full, nobody waits for it, on stderr neither: that is the same journal.
"""

import socket
from typing import Final

import attrs

ADDRESS: Final = "/run/systemd/journal/socket"


@attrs.define(eq=False)
class Journal:
    """Sends without waiting."""

    address: str = ADDRESS
    _socket: socket.socket = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def takes(self, datagram: bytes) -> bool:
        """Hand a line over; False if there is no journal, or none for us. `BlockingIOError`: its queue is
        full, and this line is lost.
        """
        try:
            self._socket.sendto(datagram, self.address)
        except BlockingIOError:
            raise
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Send nothing more."""
        self._socket.close()
