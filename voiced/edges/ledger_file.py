"""The ledger's days in a file: written whole, by one daemon at a time.

Each writing replaces all, so that it does not matter how often it is tried, or which of two tries
came through. All of this blocks, and is meant for a worker thread or for the start; nothing raises.
"""

import fcntl
import json
import logging
import os
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from voiced.account.ledger import MOST_DAYS
from voiced.account.usage import Kind, Used
from voiced.edges.state_file import Unfit, read_private, replace_private

log = logging.getLogger(__name__)

NAME: Final = "usage.json"
VERSION: Final = 1
MOST_BYTES: Final = 1 << 20  # all days, each with all kinds in long numbers, take a quarter of it
_BROKEN: Final = f"{NAME}.broken"  # one: the last
_LOCK: Final = "usage.lock"  # not the file itself, which is another one after each writing
_LARGEST: Final = 1 << 80  # a sum of what a codec lets through


def local_now() -> datetime:
    """The wall clock, as whoever lives here reads it."""
    return datetime.now().astimezone()


@attrs.define(eq=False)
class LedgerFile:
    """As the port says."""

    directory: Path
    _lock: int | None = attrs.field(default=None, init=False)  # while we are the one who writes
    _fault: str = attrs.field(default="", init=False)  # the last one, told once

    def open(self) -> Mapping[date, Used]:
        """As the port says."""
        path = self.directory / NAME
        if not self._take_lock():
            return {}
        try:
            days = _days(read_private(path, MOST_BYTES))
        except FileNotFoundError:
            return {}
        except Unfit as why:
            self._set_aside(str(why))
            return {}
        except OSError as error:
            self._set_aside(error.strerror or str(error))
            return {}
        log.info("usage file read days=%d", len(days))
        return days

    def write(self, days: Mapping[date, Used]) -> None:
        """As the port says."""
        if self._lock is None:
            return
        kept = {day.isoformat(): _numbers(days[day]) for day in sorted(days)}
        message = {"version": VERSION, "kinds": [kind.value for kind in Kind], "days": kept}
        data = json.dumps(message, separators=(",", ":")).encode("ascii")
        try:
            replace_private(self.directory / NAME, data)
        except OSError as error:
            self._tell(error.strerror or str(error))
        else:
            self._tell("")

    def close(self) -> None:
        """As the port says."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> bool:
        """Be the one who writes, until closed or dead; False if somebody else is, or nobody can be."""
        if self._lock is not None:
            return True
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(self.directory / _LOCK, flags, 0o600)
        except OSError as error:
            self._tell(error.strerror or str(error))
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            self._tell("another daemon keeps account there")
            return False
        self._lock = file
        return True

    def _set_aside(self, why: str) -> None:
        path, aside = self.directory / NAME, self.directory / _BROKEN
        try:
            path.replace(aside)
        except OSError as error:
            log.warning(
                "usage file can't be used path=%s: %s; and not set aside: %s",
                *(path, why, error.strerror or error),
            )
        else:
            log.warning("usage file can't be used: %s; begun anew, it is now %s", why, aside)

    def _tell(self, fault: str) -> None:
        """Say a fault, and its end, once: it is met every few seconds."""
        if fault == self._fault:
            return
        self._fault = fault
        if fault:
            path = self.directory / NAME
            log.warning("usage counts until the end of this process only path=%s: %s", path, fault)
        else:
            log.info("usage is kept again")


def _numbers(used: Used) -> list[int]:
    """In the order of the kinds, without the zeros at the end."""
    numbers = [used.of(kind) for kind in Kind]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def _days(text: str) -> Mapping[date, Used]:
    """`Unfit` if it is no such text."""
    try:
        message = json.loads(text)
        version, days = message["version"], message["days"]
        if version != VERSION:
            raise Unfit("it is of another version")
        kinds = [Kind(name) for name in message["kinds"]]
        if len(days) > MOST_DAYS:
            raise Unfit("it holds too many days")
        return {date.fromisoformat(day): _used(kinds, days[day]) for day in days}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        raise Unfit("it is broken") from None


def _used(kinds: list[Kind], numbers: Any) -> Used:
    if any(type(number) is not int or not 0 <= number < _LARGEST for number in numbers):
        raise ValueError
    if len(numbers) > len(kinds):
        raise ValueError
    return Used(dict(zip(kinds, numbers, strict=False)))
