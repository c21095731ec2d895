"""Stories of microphones that are muted, and of everything at once: who was not to be heard was not."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.fakes.room import User
from tests.fakes.server import Event, FakeServer, FakeWire
from tests.fakes.story import Story
from tests.scenarios.test_activation import appended, every_frame_is_accounted_for, said_ms
from voiced.app import Daemon
from voiced.edges.mute_file import MuteFile
from voiced.notices import LevelMeasured, Moment, Party, Phase


async def test_what_is_said_is_not_sent_and_the_server_hears_the_end_of_what_was(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.says(15_000, value=5)
    await story.for_ms(1000)
    story.server.hears_speech()
    await story.settled()
    assert story.phase() is Phase.HEARING
    assert story.daemon.supervisor.mute()
    assert not story.daemon.supervisor.mute()
    await story.settled()
    assert story.phase() is Phase.MUTED
    await story.for_ms(10_000)
    assert said_ms(story, 5) == 1000
    assert len(appended(story)) // 24 == 1700, "the server's silence and a little more"
    assert story.daemon.counts.frames_withheld == 500 - 35
    every_frame_is_accounted_for(story)

    assert story.daemon.supervisor.unmute()
    assert not story.daemon.supervisor.unmute()
    await story.for_ms(1000)
    assert story.phase() is Phase.LISTENING
    assert said_ms(story, 5) == 1000 + 980, "what comes at once was captured before"
    assert story.server.connected_at == [0]


async def test_levels_are_those_of_silence(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.says(15_000, value=5000)
    with story.daemon.board.watch():
        await story.for_ms(500)
        story.daemon.supervisor.mute()
        story.notices.clear()
        await story.for_ms(500)
    levels = [n.dbfs for n in story.notices if isinstance(n, LevelMeasured) and n.who is Party.USER]
    assert len(levels) >= 24
    assert max(levels) < -90


async def test_an_answer_is_heard_to_its_end_and_speech_over_it_is_not_sent(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(3000)
    await story.for_ms(1000)
    story.daemon.supervisor.mute()
    story.user.says(5000, value=5)
    await story.for_ms(5000)
    assert story.ears.sounding_ms() == 3000
    assert said_ms(story, 5) == 0
    assert story.phase() is Phase.MUTED
    assert story.moments(Moment.CUT) == []


async def test_muted_is_muted_in_the_next_session_too(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.says(15_000, value=5)
    await story.for_ms(1000)
    story.daemon.supervisor.mute()
    await story.for_ms(3000)
    story.server.hangs_up()
    await story.settled()
    assert story.phase() is Phase.COOLING_DOWN
    await story.for_ms(3000)
    assert story.phase() is Phase.MUTED
    assert len(story.server.wires) == 2
    assert said_ms(story, 5) == 0
    story.daemon.supervisor.reconnect()
    await story.for_ms(3000)
    assert len(story.server.wires) == 3
    assert story.phase() is Phase.MUTED
    assert said_ms(story, 5) == 0
    every_frame_is_accounted_for(story)


async def test_what_is_told_again_to_a_muted_session_has_an_end(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.says(1000, value=5)
    await story.for_ms(1000)
    story.daemon.supervisor.mute()
    await story.for_ms(100)
    story.server.hangs_up()
    await story.for_ms(3000)
    up = appended(story)
    assert said_ms(story, 5) > 0
    last = int(np.flatnonzero(up)[-1])
    assert (len(up) - last) // 24 >= 699, "or the turn would never end"
    every_frame_is_accounted_for(story)


async def test_a_held_turn_ends_and_no_other_begins(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", detection="push_to_talk")
    await story.begin(nursery)
    story.user.says(15_000, value=5)
    supervisor = story.daemon.supervisor
    await story.for_ms(1000)
    supervisor.press()
    await story.for_ms(1000)
    assert supervisor.mute()
    await story.for_ms(1000)
    assert len(story.server.was_told("input_audio_buffer.commit")) == 1
    assert said_ms(story, 5) == 1300
    assert not supervisor.press()
    assert not supervisor.release()
    await story.for_ms(1000)
    supervisor.unmute()
    assert supervisor.press()
    await story.for_ms(500)
    assert said_ms(story, 5) == 1300 + 480, "no pre-roll from before"
    every_frame_is_accounted_for(story)


async def test_muting_holds_while_nothing_is_connected(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("activation", mode="on_command")
    await story.begin(nursery, until_ready=False)
    story.user.says(15_000, value=5)
    await story.for_ms(1000)
    assert story.daemon.supervisor.mute()
    assert story.phase() is Phase.IDLE
    await story.for_ms(100)
    story.daemon.supervisor.activate()
    await story.for_ms(1000)
    assert story.phase() is Phase.MUTED
    assert said_ms(story, 5) == 0
    story.daemon.supervisor.deactivate()
    await story.for_ms(10)
    assert story.phase() is Phase.IDLE
    every_frame_is_accounted_for(story)


async def test_silence_ends_a_muted_conversation_too_and_speech_does_not_open_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("activation", idle_hangup_s=30.0)
    await story.begin(nursery)
    story.user.says(60_000, value=5000)
    story.daemon.supervisor.mute()
    await story.for_ms(50_000)
    assert story.phase() is Phase.IDLE
    assert story.server.connected_at == [0]
    story.daemon.supervisor.unmute()
    await story.for_ms(1000)
    assert story.phase() is Phase.LISTENING
    every_frame_is_accounted_for(story)


# --- everything at once ---------------------------------------------------------------------------


@attrs.define(eq=False)
class Narrator(User):
    """Says in each frame when it is spoken, by its number; loud enough to be heard."""

    numbers: int = 0

    def next_block(self) -> bytes:
        """What the microphone hears in the next 20 ms."""
        self.numbers += 1
        return (1000 + self.numbers).to_bytes(2, "little") * 480


@attrs.define(eq=False)
class Listener(FakeServer):
    """Writes down which frames it was told, and objects to sound before its time."""

    heard: list[int] = attrs.field(factory=list)

    def hear(self, wire: FakeWire, event: Event) -> None:
        """As a server does."""
        if event["type"] != "input_audio_buffer.append":
            FakeServer.hear(self, wire, event)
            return
        assert "session.update" in [e["type"] for e in wire.heard], "before its time"
        pcm = np.frombuffer(base64.b64decode(event["audio"]), "<i2")
        assert pcm.min() == pcm.max(), "a frame is a frame"
        if pcm[0]:
            self.heard.append(int(pcm[0]) - 1000)


_PRE_ROLL_MS: Final = 500


@attrs.define(eq=False)
class Owner:
    """Knows what they allowed: which frames may go up."""

    story: Story
    active_since: list[float] = attrs.field(factory=list)  # frames from there on
    muted: list[list[float]] = attrs.field(factory=list)  # from, to

    def activates(self) -> None:
        if self.story.daemon.supervisor.activate():
            self._began()

    def presses(self) -> None:
        activation = self.story.daemon.supervisor.switch.activation
        before = activation.active
        self.story.daemon.supervisor.press()
        if activation.active and not before:
            self._began()

    def mutes(self) -> None:
        if self.story.daemon.supervisor.mute():
            self.muted.append([trio.current_time(), float("inf")])

    def unmutes(self) -> None:
        if self.story.daemon.supervisor.unmute():
            self.muted[-1][1] = trio.current_time()

    def objects_to(self, number: int, at_s: float) -> str:
        """Why frame *number* must not be sent at that time; nothing, if it may."""
        begins_s, ends_s = (number - 1) * 0.02, number * 0.02
        for from_s, to_s in self.muted:
            if ends_s > from_s + 1e-6 and begins_s < to_s - 1e-6:
                return f"frame {number} was captured while muted from {from_s} to {to_s}"
        latest = max((s for s in self.active_since if s <= at_s + 1e-6), default=None)
        if latest is None:
            return "nothing was activated"
        if ends_s <= latest - _PRE_ROLL_MS / 1000 - 1e-6:
            return f"frame {number} is older than the pre-roll of {latest}"
        return ""

    def _began(self) -> None:
        self.active_since.append(trio.current_time())


@attrs.define(eq=False)
class Censor(Listener):
    """Asks the owner about each frame."""

    owner: Owner | None = None
    told: int = 0

    def hear(self, wire: FakeWire, event: Event) -> None:
        """Object to what nobody allowed."""
        Listener.hear(self, wire, event)
        for number in self.heard[self.told :]:
            assert self.owner is not None
            objection = self.owner.objects_to(number, trio.current_time())
            assert not objection, objection
        self.told = len(self.heard)


Act = Callable[[Story, Owner, Censor], Any]
ACTS: Final[dict[str, Act]] = {
    "on": lambda _, owner, __: owner.activates(),
    "off": lambda story, _, __: story.daemon.supervisor.deactivate(),
    "mute": lambda _, owner, __: owner.mutes(),
    "unmute": lambda _, owner, __: owner.unmutes(),
    "press": lambda _, owner, __: owner.presses(),
    "release": lambda story, _, __: story.daemon.supervisor.release(),
    "speech is heard": lambda _, __, server: _says(server, server.hears_speech),
    "a turn is heard": lambda _, __, server: _says(server, server.hears_silence),
    "an answer": lambda _, __, server: _says(server, lambda: server.speaks(1500)),
    "the link is lost": lambda _, __, server: _says(server, server.hangs_up),
    "the session has expired": lambda _, __, server: _says(
        server, lambda: server.refuses("session_expired")
    ),
    "nobody is there": lambda _, __, server: setattr(server, "down", True),
    "somebody is there": lambda _, __, server: setattr(server, "down", False),
    "the gate stays shut": lambda _, __, server: server.withholds.add("session.updated"),
    "the gate opens": lambda _, __, server: _grant(server),
    "the link stalls": lambda _, __, server: _stall(server),
    "the link flows": lambda _, __, server: _flow(server),
    "renew": lambda story, _, __: story.daemon.supervisor.reconnect(),
}


def _says(server: Censor, what: Callable[[], object]) -> None:
    if server.wires:
        what()


def _grant(server: Censor) -> None:
    if "session.updated" in server.withholds:
        server.withholds.clear()
        if server.wires and server.was_told("session.update"):
            server.grants()


def _stall(server: Censor) -> None:
    if server.wires and server.wire.stuck is None:
        server.wire.stuck = trio.Event()


def _flow(server: Censor) -> None:
    if server.wires and server.wire.stuck is not None:
        server.wire.stuck.set()
        server.wire.stuck = None


async def _live(acts: list[tuple[str, int]], mode: str, detection: str, gate: bool) -> None:
    server = Censor()
    story = Story(server=server, user=Narrator())
    owner = server.owner = Owner(story)
    story.set("turns", detection=detection)
    story.set("activation", mode=mode, pre_roll_ms=_PRE_ROLL_MS, idle_hangup_s=8.0)
    story.set("uplink", gate=gate)
    async with trio.open_nursery() as nursery:
        await story.begin(nursery, until_ready=False)
        if mode == "always":
            owner.active_since.append(0.0)
        for name, pause_ms in acts:
            ACTS[name](story, owner, server)
            await story.for_ms(pause_ms)
            if not server.wires or server.wire.stuck is None:  # or some are in hand
                every_frame_is_accounted_for(story)
        _flow(server)
        await story.for_ms(3000)
        every_frame_is_accounted_for(story)
        at = server.connected_at
        presses = sum(1 for name, _ in acts if name == "renew")  # who asks need not wait
        assert all(b - a >= 60 for a, b in zip(at, at[6 + presses :], strict=False)), at
        nursery.cancel_scope.cancel()


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Stage.explicit, Stage.reuse, Stage.generate],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from([0, 7, 40, 310, 1100, 6000])),
        max_size=25,
    ),
    st.sampled_from(
        [
            ("on_command", "server_vad"),
            ("on_command", "push_to_talk"),
            ("push_to_talk", "push_to_talk"),
            ("always", "server_vad"),
            ("always", "push_to_talk"),
        ]
    ),
    st.booleans(),
)
def test_whatever_happens_nobody_is_heard_against_their_will(
    acts: list[tuple[str, int]], way: tuple[str, str], gate: bool
) -> None:
    mode, detection = way
    gate = gate and detection == "server_vad"
    trio.run(_live, acts, mode, detection, gate, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize("offset_ms", [0, 1, 7, 13, 19])
async def test_the_edges_of_a_muting_are_sharp(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, offset_ms: int
) -> None:
    story.user, story.server = Narrator(), Listener()
    await story.begin(nursery)
    await story.for_ms(1000 + offset_ms)
    story.daemon.supervisor.mute()
    await story.for_ms(2000)
    story.daemon.supervisor.unmute()
    await story.for_ms(1000)
    assert isinstance(story.server, Listener)
    before = [number for number in story.server.heard if number <= 100]
    after = [number for number in story.server.heard if number > 100]
    assert before == list(range(1, 51))
    assert 151 < after[0] <= 154
    assert after == list(range(after[0], after[-1] + 1))


# --- beyond the process ---------------------------------------------------------------------------


async def test_who_was_muted_when_the_process_ended_is_muted_when_it_begins(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    story.mute_keeper = MuteFile(tmp_path)
    await story.begin(nursery)
    story.daemon.supervisor.mute()
    while not MuteFile(tmp_path).muted():  # noqa: ASYNC110  a thread writes it
        await trio.sleep(0.01)

    second = Daemon(story.config, story.daemon.ports)
    assert second.door.muted
    story.daemon.supervisor.unmute()
    while MuteFile(tmp_path).muted():  # noqa: ASYNC110
        await trio.sleep(0.01)
    assert not Daemon(story.config, story.daemon.ports).door.muted
