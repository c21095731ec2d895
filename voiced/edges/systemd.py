"""systemd's side of a service: sd_notify(3) and sd_watchdog_enabled(3), without a library.

Theory of operation. A datagram to the socket in NOTIFY_SOCKET says how we are; it neither waits nor
fails us: what systemd does not take is counted. That the event loop turns is watched from outside of
it, too: each `awake` winds up an alarm of faulthandler's, a thread in C that needs no interpreter. If
it runs down, every thread's stack goes to stderr (names of files and functions, no values) while there
is still time to look: this names who blocked. systemd then ends us by SIGABRT, which writes the same
once more, and starts a new process.
"""

import faulthandler
import logging
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import attrs

from voiced.channel import is_landmark

log = logging.getLogger(__name__)

_STDERR: Final = 2  # faulthandler wants a descriptor: sys.stderr may be anything
_ALARM_SHARE: Final = 0.6  # of the watchdog's time without waking: told in good time before the end
_LONGEST_STATUS: Final = 240  # characters; `systemctl status` shows one line


@attrs.define(eq=False)
class Systemd:
    """As the port ServiceManager says."""

    address: str  # a path, or in the abstract namespace with a NUL before it
    watchdog_s: float | None
    unsent: int = attrs.field(default=0, init=False)  # that systemd did not take
    _socket: socket.socket = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def ready(self) -> None:
        """As the port says."""
        self._tell("READY=1")

    def status(self, sentence: str) -> None:
        """As the port says."""
        line = " ".join(sentence.split())
        if len(line) > _LONGEST_STATUS:
            line = f"{line[: _LONGEST_STATUS - 3]}..."
        self._tell(f"STATUS={line}")

    def awake(self) -> None:
        """As the port says."""
        if self.watchdog_s is not None:
            faulthandler.dump_traceback_later(self.watchdog_s * _ALARM_SHARE, file=_STDERR)

    def alive(self) -> None:
        """As the port says."""
        self._tell("WATCHDOG=1")

    def reloading(self) -> None:
        """As the port says. Newer systemd (Type=notify-reload) wants to know since when."""
        since_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={since_us}")

    def stopping(self) -> None:
        """As the port says."""
        self._tell("STOPPING=1")

    def close(self) -> None:
        """Say and watch nothing more."""
        faulthandler.cancel_dump_traceback_later()
        self._socket.close()

    def _tell(self, message: str) -> None:
        try:
            self._socket.sendto(message.encode(), self.address)
        except OSError as error:  # its queue is full, or it is gone
            self.unsent += 1
            if is_landmark(self.unsent):
                log.warning(
                    "systemd was not told what=%s count=%d: %s",
                    message.partition("=")[0],
                    self.unsent,
                    error.strerror or error,
                )


@contextmanager
def service_manager(environ: Mapping[str, str], pid: int) -> Iterator[Systemd | None]:
    """Whoever started us and wants to be told, as NOTIFY_SOCKET and WATCHDOG_USEC say; None: nobody."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        yield None
        return
    if not address.startswith(("/", "@")):
        log.warning("NOTIFY_SOCKET is neither a path nor an abstract socket: systemd is not told")
        yield None
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    systemd = Systemd(address, watchdog_s(environ, pid))
    faulthandler.enable(_STDERR)
    try:
        yield systemd
    finally:
        systemd.close()


def watchdog_s(environ: Mapping[str, str], pid: int) -> float | None:
    """Within how many seconds systemd wants to hear from us, again and again; None: it does not."""
    usec = environ.get("WATCHDOG_USEC", "")
    if not (usec.isascii() and usec.isdecimal()) or not int(usec):
        return None
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None  # meant for another process
    return int(usec) / 1e6
