"""The control socket: Unix streams in, callers out, with lines that are bounded in length and time.

Law of this file: it knows who is there (the kernel says so) and where a line ends. What a line means,
and what is done about it, it does not know.
"""

import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import attrs
import trio

from voiced.control.rights import House, Peer, Right, granted
from voiced.control.rpc import Code, Refusal, render_refusal
from voiced.edges.socket_file import InUse, listening
from voiced.faults import ConfigError
from voiced.ports import Caller

log = logging.getLogger(__name__)

_CREDENTIALS: Final = struct.Struct("iii")  # struct ucred of unix(7): pid, uid, gid
_SO_PEERGROUPS: Final = 59  # asm-generic/socket.h; Python has no name for it
_GROUPS_BYTES: Final = 1024  # the most that Python asks for: 256 groups
_SEND_BUFFER_BYTES: Final = 32 << 10
"""What the kernel keeps for a client that does not read: beyond it we count, so let it be little."""
_PIECE_BYTES: Final = 16 << 10


@attrs.frozen
class Bounds:
    """What one client, and all together, may ask of us."""

    clients: int = 32
    line_bytes: int = 64 << 10
    line_s: float = 10.0  # from its first byte to its end


@attrs.define(eq=False)
class ControlSocket:
    """An entrance, as the port says."""

    path: Path
    house: House
    bounds: Bounds = Bounds()
    private: bool = False  # where it is made, anybody may make things: nobody else shall enter
    needed: bool = True  # else we do without, where there can't be one
    _clients: int = attrs.field(default=0, init=False)

    async def serve(self, attend: Callable[[Caller], Awaitable[None]]) -> NoReturn:
        """As the port says."""
        try:
            with listening(self.path, self.house.gid, private=self.private) as bound:
                log.info("control socket path=%s", self.path)
                listener = trio.SocketListener(_as_trio(bound))
                await trio.serve_listeners(partial(self._admit, attend), [listener])
        except InUse:
            raise
        except ConfigError as error:
            if self.needed:
                raise
            log.warning("voicectl can't reach this daemon: %s", error)
        await trio.sleep_forever()
        raise AssertionError  # for mypy: it has slept for ever

    async def _admit(
        self, attend: Callable[[Caller], Awaitable[None]], stream: trio.SocketStream
    ) -> None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        peer, name = _who(stream.socket)
        caller = Lines(stream, granted(peer, self.house), name, self.bounds)
        self._clients += 1
        try:
            async with stream:
                if self._clients > self.bounds.clients:
                    sentence = f"{self.bounds.clients} clients are here already: try again later"
                    full = Refusal(Code.TOO_MANY_CLIENTS, sentence)
                    await caller.send(render_refusal(full))
                else:
                    await attend(caller)
        finally:
            self._clients -= 1


def _as_trio(bound: socket.socket) -> trio.socket.SocketType:
    """The same socket for Trio, which will close its own handle."""
    return trio.socket.from_stdlib_socket(bound.dup())


def _who(client: trio.socket.SocketType) -> tuple[Peer, str]:
    """Whom the kernel saw connecting. It says it of that moment: nothing said later changes it."""
    raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    return Peer(uid, frozenset({gid, *_groups(client)})), f"uid={uid} pid={pid}"


def _groups(client: trio.socket.SocketType) -> tuple[int, ...]:
    try:
        raw = client.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:  # an old kernel, or too many groups: then its first one alone counts
        return ()
    return struct.unpack(f"{len(raw) // 4}I", raw)


@attrs.define(eq=False)
class Lines:
    """One caller on any stream, as the port says."""

    stream: trio.abc.Stream
    rights: frozenset[Right]
    name: str
    bounds: Bounds = Bounds()
    _come: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _sending: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    async def receive(self) -> bytes | Refusal | None:
        """As the port says."""
        searched = 0
        with trio.CancelScope() as patience:
            while (end := self._come.find(b"\n", searched)) < 0:
                searched = len(self._come)
                if searched > self.bounds.line_bytes:
                    return self._too_long()
                if searched and patience.deadline == float("inf"):
                    patience.deadline = trio.current_time() + self.bounds.line_s
                piece = await self._read()
                if not piece:
                    return None
                self._come += piece
            if end > self.bounds.line_bytes:
                return self._too_long()
            line = bytes(self._come[:end])
            del self._come[: end + 1]
            return line
        return Refusal(Code.LINE_TOO_SLOW, f"a line must end within {self.bounds.line_s:g} s")

    async def send(self, line: bytes) -> bool:
        """As the port says. Who gives up in the middle of a line can't send another one."""
        async with self._sending:
            try:
                await self.stream.send_all(line)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return False
        return True

    async def _read(self) -> bytes:
        try:
            return bytes(await self.stream.receive_some(_PIECE_BYTES))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""

    def _too_long(self) -> Refusal:
        return Refusal(
            Code.LINE_TOO_LONG, f"a line may have {self.bounds.line_bytes} bytes, and ends with \\n"
        )
