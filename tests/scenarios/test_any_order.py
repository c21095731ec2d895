"""Everything at once: a server, a user, a link and devices that do things in any order.

The whole daemon runs, from its composition root. A strict listener stands where the server does and
objects to whatever a server, or the room, would object to.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.fakes.server import Answer, Event, FakeServer, FakeWire
from tests.fakes.story import Story
from voiced.notices import Happened, Moment, Phase

_FADE_MS = 12  # the longest fade that is promised
_CANCELLED_S = 3.0  # [limits] cancelled_ms: from then on a cancellation counts as done
_CREATED_S = 5.0  # [limits] created_ms: from then on asking once more is right


@attrs.define(eq=False)
class StrictServer(FakeServer):
    """Knows the rules of the wire, and what it has sent."""

    received_ms: dict[str, int] = attrs.field(factory=dict)
    active: Answer | None = None
    answers: list[Answer] = attrs.field(factory=list)
    asked_at: float | None = None
    obeys: bool = True  # cancels what it is told to cancel
    disobeyed_at: float | None = None
    settled: Counter[str] = attrs.field(factory=Counter)

    def hear(self, wire: FakeWire, event: Event) -> None:
        """Object, or answer as a server would."""
        match event["type"]:
            case "session.update":  # a session of its own, whatever the last one left behind
                self._forget()
                super().hear(wire, event)
            case "input_audio_buffer.append":
                assert "session.update" in [e["type"] for e in wire.heard], "before its time"
            case "conversation.item.truncate":
                self._truncated(event)
            case "conversation.item.delete" if event["item_id"] in self.received_ms:
                self.settled[event["item_id"]] += 1
            case "response.create":
                now = trio.current_time()
                if self.active is not None:
                    since = self.disobeyed_at
                    assert since is not None, "one is active"
                    assert now >= since + _CANCELLED_S, "one is active"
                    self.refuses("conversation_already_has_active_response")
                    return
                assert self.asked_at is None or now >= self.asked_at + _CREATED_S, "asked twice"
                self.asked_at = now
            case "response.cancel" if self.active is None:
                self.refuses("response_cancel_not_active")
            case "response.cancel" if self.obeys:
                self.is_done("cancelled")
            case "response.cancel":
                self.disobeyed_at = self.disobeyed_at or trio.current_time()
            case _:
                super().hear(wire, event)

    def _truncated(self, event: Event) -> None:
        item, end_ms = event["item_id"], event["audio_end_ms"]
        assert type(end_ms) is int
        assert 0 < end_ms <= self.received_ms[item], "beyond what was sent"
        self.settled[item] += 1

    # --- what it does, if that is possible now

    def creates(self) -> None:
        """Begin a response, unless one is active."""
        if self.active is None:
            self.active = self.begins()
            self.asked_at = None
            self.answers.append(self.active)
            self.received_ms[self.active.item_id] = 0

    def goes_on(self, ms: int) -> None:
        """Send sound of the active response, or (late) of one that is over."""
        if self.answers:
            answer = self.active or self.answers[-1]
            answer.sends(ms, delta_ms=100)
            if self.active is not None:
                self.received_ms[answer.item_id] += ms

    def opens_another_item(self) -> None:
        """A second message in the same response."""
        if self.active is not None:
            self.active.closes_item()
            self.active.opens_item()
            self.received_ms[self.active.item_id] = 0

    def is_done(self, status: str) -> None:
        """End the active response."""
        if self.active is not None:
            answer, self.active, self.disobeyed_at = self.active, None, None
            answer.ends(status)

    def fails(self, code: str) -> None:
        """The active response comes to nothing."""
        if self.active is not None:
            answer, self.active, self.disobeyed_at = self.active, None, None
            answer.fails(code)

    def ends_twice(self) -> None:
        """Say once more that the last response is over."""
        if self.answers and self.active is None:
            self.answers[-1].ends("completed")

    def takes_no_items(self) -> None:
        """From now on it is silent about what was written, as on a bad day."""
        self.withholds.add("conversation.item.added")

    def drops(self) -> None:
        """Lose the link, and all that was under way."""
        self.hangs_up()
        self._forget()

    def _forget(self) -> None:
        self.active = self.asked_at = self.disobeyed_at = None
        self.answers.clear()


Act = Callable[[Story, StrictServer], Any]
ACTS: dict[str, Act] = {
    "the user speaks": lambda story, _: story.user.says(300, value=1000),
    "the user talks on": lambda story, _: story.user.says(1500, value=1000),
    "speech is heard": lambda _, server: server.hears_speech(),
    "speech is over": lambda _, server: server.hears_end(),
    "the turn is committed": lambda _, server: server.commits(),
    "words": lambda _, server: server.understands(
        server.speaking_item or "item_1", "stop", final=True
    ),
    "no words": lambda _, server: server.understands(
        server.speaking_item or "item_1", "", final=True
    ),
    "a response is created": lambda _, server: server.creates(),
    "sound": lambda _, server: server.goes_on(400),
    "much sound": lambda _, server: server.goes_on(3000),
    "another item": lambda _, server: server.opens_another_item(),
    "the response is complete": lambda _, server: server.is_done("completed"),
    "the response is cancelled": lambda _, server: server.is_done("cancelled"),
    "the response fails": lambda _, server: server.fails("server_error"),
    "the response fails for now": lambda _, server: server.fails("rate_limit_exceeded"),
    "the response ends twice": lambda _, server: server.ends_twice(),
    "allowances": lambda _, server: server.limits(0, 3.0),
    "an error of the server's": lambda _, server: server.refuses(None, kind="server_error"),
    "the user writes": lambda story, _: story.daemon.supervisor.ask("what time is it"),
    "something is to be said": lambda story, _: story.daemon.supervisor.say("good morning"),
    "what is written is not taken": lambda _, server: server.takes_no_items(),
    "cancellations are ignored": lambda _, server: setattr(server, "obeys", False),
    "the button is pressed": lambda story, _: story.daemon.supervisor.press(),
    "the button is released": lambda story, _: story.daemon.supervisor.release(),
    "somebody wants silence": lambda story, _: story.daemon.supervisor.interrupt(),
    "the loudspeaker hiccups": lambda story, _: story.ears.speaker.hiccups(150),
    "the link stalls": lambda _, server: _stall(server.wire),
    "the link flows": lambda _, server: _flow(server.wire),
    "the link is lost": lambda _, server: server.drops(),
}


def _stall(wire: FakeWire) -> None:
    if wire.stuck is None:
        wire.stuck = trio.Event()


def _flow(wire: FakeWire) -> None:
    if wire.stuck is not None:
        wire.stuck.set()
        wire.stuck = None


async def _live(acts: list[tuple[str, int]], detection: str, interruption: str) -> None:
    server = StrictServer()
    story = Story(server=server)
    story.set("turns", detection=detection, interruption=interruption)
    story.set("limits", max_turn_ms=8000, first_delta_ms=4000, delta_gap_ms=3000)
    async with trio.open_nursery() as nursery:
        await story.begin(nursery)
        for name, pause_ms in acts:
            ACTS[name](story, server)
            await story.for_ms(pause_ms)
        # And then nothing more, for long.
        _flow(server.wire)
        await story.for_ms(45_000)
        talk = story.daemon.supervisor.conversation.talk
        if talk is not None and detection != "push_to_talk":
            assert talk.moderator.floor.ended() == [], "something written waits for ever"
        nursery.cancel_scope.cancel()
    assert story.phase() is not Phase.THINKING, story
    assert max(server.settled.values(), default=0) <= 1, "an item was settled twice"
    ends = Counter(
        n.item_id
        for n in story.notices
        if isinstance(n, Happened) and n.moment in {Moment.PLAYED, Moment.CUT}
    )
    begun = {
        n.item_id
        for n in story.notices
        if isinstance(n, Happened) and n.moment is Moment.FIRST_DELTA
    }
    assert set(ends) <= begun
    assert max(ends.values(), default=0) <= 1, "a playout ended twice"
    assert story.daemon.volume.gain_db == 0.0


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Stage.explicit, Stage.reuse, Stage.generate],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from([0, 7, 40, 310, 1100, 6000])),
        max_size=25,
    ),
    st.sampled_from(["server_vad", "semantic_vad", "push_to_talk"]),
    st.sampled_from(["immediate", "confirmed", "never"]),
)
def test_whatever_happens_the_rules_are_kept(
    acts: list[tuple[str, int]], detection: str, interruption: str
) -> None:
    trio.run(_live, acts, detection, interruption, clock=MockClock(autojump_threshold=0))
