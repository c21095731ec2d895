"""Talks with a service: what must hold wherever it is, and how long it took.

Law of this file: a talk knows neither the service's address nor whether it is the real one. It judges
what went over the wire and what was heard, never how fast; latencies are printed.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import trio

from tests.fakes.life import Life, NumberedUser, living
from voiced.config.whole import Config
from voiced.local.voice import Voice
from voiced.local.wire import Json
from voiced.notices import Moment
from voiced.outside import dialler_from
from voiced.ports import Dialler, Wire

QUESTION: Final = "What is seven times six?"
LONG_QUESTION: Final = "Please count slowly from one to fifty."
INTERRUPTION: Final = "Stop, please. What time is it?"
APPEND: Final = "input_audio_buffer.append"


def show(line: str) -> None:
    """Tell whoever ran this with -s."""
    sys.stdout.write(f"\n{line}")


@attrs.define(eq=False)
class Tap:
    """A dialler whose wires are listened to."""

    dialler: Dialler
    sent: list[Json] = attrs.field(factory=list, init=False)
    came: list[Json] = attrs.field(factory=list, init=False)
    sent_when_open: int = attrs.field(default=-1, init=False)
    """How much was sent when the first `session.updated` came."""
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)

    @asynccontextmanager
    async def dial(self, model: str = "") -> AsyncIterator[Wire]:
        """As the port says."""
        async with self.dialler.dial(model) as wire:
            yield _TappedWire(self, wire)

    def note(self, message: str | bytes) -> None:
        """Something came."""
        self.came.append(json.loads(message))
        if self.came[-1]["type"] == "session.updated" and self.sent_when_open < 0:
            self.sent_when_open = len(self.sent)
        self._news.set()
        self._news = trio.Event()

    async def until(self, kind: str) -> Json:
        """Wait for the first event of a type."""
        while not (came := self.all(kind)):
            await self._news.wait()
        return came[0]

    def all(self, kind: str) -> list[Json]:
        """What came of a type."""
        return [event for event in self.came if event["type"] == kind]

    def told(self, kind: str) -> list[Json]:
        """What was sent of a type."""
        return [event for event in self.sent if event["type"] == kind]


@attrs.define(eq=False)
class _TappedWire:
    tap: Tap
    wire: Wire

    async def send(self, text: str) -> None:
        self.tap.sent.append(json.loads(text))
        await self.wire.send(text)

    async def receive(self) -> str | bytes:
        message = await self.wire.receive()
        self.tap.note(message)
        return message

    async def keep_alive(self) -> None:
        await self.wire.keep_alive()


@attrs.define(eq=False)
class Talk:
    """One life of the daemon, with somebody who can speak."""

    life: Life
    tap: Tap
    voice: Voice

    async def begins(self) -> None:
        """The gate opens, and nothing but settings went up before."""
        began_s = trio.current_time()
        ready = await self.life.until(Moment.READY)
        show(f"open after {(ready.at_s - began_s) * 1000:.0f} ms")
        early = {event["type"] for event in self.tap.sent[: self.tap.sent_when_open]}
        assert early == {"session.update"}

    async def utters(self, sentence: str) -> None:
        """Say it into the microphone."""
        self.life.user.utters(await self.voice.speak(sentence, 1.0))

    def ends(self) -> None:
        """Nothing was refused, no session was lost; say how long it all took."""
        assert self.tap.all("error") == []
        assert len(self.tap.all("session.created")) == 1
        assert self.life.count(Moment.COOLING) == 0
        for figure, took in self.life.daemon.board.status.latencies.items():
            show(f"{figure.value}: {took.p50_ms} ms")


@asynccontextmanager
async def talking(config: Config, environ: dict[str, str], voice: Voice) -> AsyncIterator[Talk]:
    """Somebody before a daemon before a service."""
    tap = Tap(dialler_from(config, environ))
    async with living(config, NumberedUser(), dialler=tap) as life:
        talk = Talk(life, tap, voice)
        await talk.begins()
        yield talk
        talk.ends()


async def five_seconds_of_sound(**service: Any) -> None:
    """The gate, and sound that nobody refuses."""
    async with talking(**service) as talk:
        await talk.life.user.is_there_for(250)
        assert len(talk.tap.told(APPEND)) >= 240


async def one_turn(**service: Any) -> None:
    """A question is understood, and its answer is heard to the end."""
    async with talking(**service) as talk:
        await talk.utters(QUESTION)
        played = await talk.life.until(Moment.PLAYED)
        status = talk.life.daemon.board.status
        show(f"heard as {status.user_words!r}, answered {status.assistant_words!r}")
        assert played.heard_ms > 0
        assert talk.life.ears.sounding_ms() > 0
        assert status.assistant_words


async def one_interruption(**service: Any) -> None:
    """Speech over an answer cuts it, and the service grants how much of it was heard."""
    async with talking(**service) as talk:
        await talk.utters(LONG_QUESTION)
        await talk.life.until(Moment.FIRST_SOUND)
        await talk.life.user.is_there_for(75)
        await talk.utters(INTERRUPTION)
        cut = await talk.life.until(Moment.CUT)
        granted = await talk.tap.until("conversation.item.truncated")
        (told,) = talk.tap.told("conversation.item.truncate")
        assert granted["item_id"] == told["item_id"] == cut.item_id
        assert granted["audio_end_ms"] == told["audio_end_ms"]
        show(f"cut after {told['audio_end_ms']} ms")
        await talk.life.until(Moment.PLAYED)
