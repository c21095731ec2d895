"""Thirty days in which everything happens, and no promise is broken.

Visitors come and go, sessions end after an hour, links are lost, refused, stuck and deaf, for seconds
or for a day; chance decides, seeded. Between the visits of a quiet day time is passed in strides.
VOICED_SEEDS=20 lives through more of them, as `scripts/fuzz` does.
"""

import heapq
import os
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.census import take_census
from tests.fakes.story import Story
from tests.fakes.visitors import Visitor
from tests.fakes.years import HOUR_S, CountingEars, YearsServer
from voiced.audio.format import FRAME_MS
from voiced.faults import LinkError, LinkRefused, Trouble
from voiced.link.memory import MOST_PLACES
from voiced.notices import PHASES, Happened, Moment, Phase, PhaseChanged
from voiced.verdicts import TABLE, Kind, Row, Verdict

DAYS: Final = 30
VISITS_A_DAY: Final = 10
FAULTS_A_DAY: Final = 4
SEEDS: Final = int(os.environ.get("VOICED_SEEDS", "2"))

MOST_A_MINUTE: Final = 6  # attempts, whatever their reasons
LONGEST_GAP_S: Final = 61.0  # between attempts while it may retry; a second for the attempt itself
LONGEST_RETURN_S: Final = 120.0
MOST_MORE: Final = 32  # objects of one class in the last third of the month, beyond the most before
MAY_FILL: Final = {"_Place": MOST_PLACES, "_Sent": 60_000 // FRAME_MS}
"""Of what is kept on purpose, and bounded: the conversation, and the longest turn as it was sent."""
_STRIDE_S: Final = 60.0  # in which a quiet day passes
_DAY_S: Final = 86_400.0


@attrs.define(eq=False)
class Month:
    """The director: what happens when, and what must hold meanwhile."""

    story: Story
    server: YearsServer
    visitor: Visitor
    clock: MockClock
    chance: random.Random
    agenda: list[tuple[float, int, Callable[[], None]]] = attrs.field(factory=list)
    trouble: Row | None = None  # whoever dials meets it
    phase: Phase = Phase.IDLE
    answers: int = 0
    attempts: deque[float] = attrs.field(factory=lambda: deque(maxlen=MOST_A_MINUTE))
    trying_since_s: float | None = None
    seen: Counter[str] = attrs.field(factory=Counter)
    censuses: list[Counter[str]] = attrs.field(factory=list)
    _number: int = 0

    # --- what happens

    def at(self, when_s: float, what: Callable[[], None]) -> None:
        """Put *what* on the agenda."""
        self._number += 1
        heapq.heappush(self.agenda, (when_s, self._number, what))

    def plan(self) -> None:
        """Fill the agenda with a month."""
        end_s = DAYS * _DAY_S
        for _ in range(DAYS * VISITS_A_DAY):
            self.at(self.chance.uniform(60, end_s), self.visit)
        for _ in range(DAYS * FAULTS_A_DAY):
            self.at(self.chance.uniform(60, end_s), self.fault)
        self.at(self.chance.uniform(0.1, 0.8) * end_s, lambda: self.outage(_DAY_S))
        for day in range(1, DAYS + 1):
            self.at(day * _DAY_S, self.take_census)

    def visit(self) -> None:
        """Somebody speaks for a while, mostly is answered, and sometimes interrupts."""
        now, speech_ms = trio.current_time(), 20 * self.chance.randrange(10, 150)
        self.visitor.says(speech_ms)
        self.at(now + speech_ms / 1000, self.answer)
        if self.chance.random() < 0.3:
            self.at(now + speech_ms / 1000 + self.chance.uniform(0, 3), self.interruption)

    def answer(self) -> None:
        """The server has heard it, if it is there."""
        if self.story.phase() is not Phase.LISTENING:
            return
        self.server.hears_speech(at_ms=0)
        self.server.hears_silence()
        if self.chance.random() < 0.9:  # or it is deaf to this one
            self.server.speaks(self.chance.randrange(100, 4000))
            self.answers += 1

    def interruption(self) -> None:
        """Speech over whatever sounds."""
        if self.story.phase() is Phase.SPEAKING:
            self.visitor.says(200)
            self.server.hears_speech(at_ms=0)
            self.server.hears_silence()

    def fault(self) -> None:
        """Something goes wrong."""
        wanted = self.chance.choice(
            [self.strike, self.strike, self.last, self.withhold, self.stall]
        )
        wanted()

    def strike(self) -> None:
        """A row of the table, in mid-session."""
        row = self.chance.choice(TABLE)
        self.seen[row.key] += 1
        if self.story.phase() in {Phase.COOLING_DOWN, Phase.CONNECTING, Phase.FAULT}:
            return
        match row.kind:
            case Kind.CODE:
                self.server.refuses(row.key)
            case Kind.CLOSE:
                self.server.hangs_up(int(row.key))
            case Kind.TROUBLE:
                self.server.wire.close(LinkError("so it is", Trouble(row.key)))
            case Kind.STATUS:
                self.server.unreachable = [LinkRefused(int(row.key), f"HTTP {row.key}")]
                self.server.hangs_up()

    def last(self) -> None:
        """The same for a while: seconds, minutes, an hour."""
        self.outage(10 ** self.chance.uniform(0, 3.5))

    def outage(self, lasts_s: float) -> None:
        """Whoever dials meets a fault, until it is over and a person has seen to it."""
        if self.trouble is None:
            self.trouble = self.chance.choice(
                [row for row in TABLE if row.kind in {Kind.STATUS, Kind.TROUBLE}]
            )
            if lasts_s >= _DAY_S:  # one that is tried again and again
                self.trouble = next(row for row in TABLE if row.key == Trouble.NAME.value)
            self.server.hangs_up()
            self.at(trio.current_time() + lasts_s, self.mend)

    def withhold(self) -> None:
        """The server leaves something out, for a while."""
        kind = self.chance.choice(["connection", "session.created", "session.updated"])
        self.server.withholds.add(kind)
        self.server.hangs_up(1012)
        self.at(trio.current_time() + self.chance.uniform(1, 600), self.mend)

    def stall(self) -> None:
        """The server reads nothing: for seconds, or (half-open) until a ping is missed."""
        wire, released = self.server.wire, trio.Event()
        if wire.stuck is not None or wire.closed is not None:
            return
        wire.stuck = released
        half_open = self.chance.random() < 0.5

        def flows() -> None:
            wire.stuck = None
            if half_open:
                wire.close(LinkError("no pong", Trouble.NO_PONG))
            released.set()

        self.visitor.says(200)
        self.at(trio.current_time() + (30 if half_open else self.chance.uniform(0.1, 8)), flows)

    def mend(self) -> None:
        """All is well again; whoever waits for a person sees one."""
        self.trouble = None
        self.server.withholds.clear()
        self.server.unreachable.clear()
        if self.story.phase() is Phase.FAULT:
            self.story.daemon.supervisor.reconnect()

    # --- how time passes

    async def live(self) -> None:
        """Work off the agenda, to the end of the month and a bit beyond."""
        while self.agenda:
            when_s, _, what = heapq.heappop(self.agenda)
            await self.pass_until(when_s)
            what()
            await self.story.settled()
            self.look()
        self.mend()
        with trio.fail_after(LONGEST_RETURN_S):
            while self.story.phase() is not Phase.LISTENING:
                await self.pass_until(trio.current_time() + 0.25)

    async def pass_until(self, when_s: float) -> None:
        """Pass time: in strides while all is quiet, exactly otherwise."""
        while (left_s := when_s - trio.current_time()) > 0:
            self.prepare()
            phase, age_s = self.story.phase(), self.server.session_age_s
            if phase is Phase.LISTENING and age_s >= HOUR_S:
                self.server.refuses("session_expired")
                self.server.hangs_up(1001)
                await self.story.settled()
            elif phase in {Phase.LISTENING, Phase.FAULT} and left_s > _STRIDE_S:
                self.clock.jump(_STRIDE_S)
                await self.story.settled()
            else:
                await self.story.for_ms(min(left_s, 1.0 if phase is Phase.FAULT else 5.0) * 1000)
            if phase is Phase.FAULT and self.trouble is None:
                self.mend()  # somebody reads the status now and then
            self.look()

    def prepare(self) -> None:
        """Let whoever dials next meet the trouble that there is."""
        if (row := self.trouble) is not None:
            fault = (
                LinkRefused(int(row.key), f"HTTP {row.key}")
                if row.kind is Kind.STATUS
                else LinkError("so it is", Trouble(row.key))
            )
            self.server.unreachable = [fault] * 10

    # --- what must hold

    def look(self) -> None:
        """Read the diary, object to what must not stand there, and begin a new page."""
        for notice in self.story.notices:
            if isinstance(notice, Happened):
                self.phase = PHASES.get(notice.moment, {}).get(self.phase, self.phase)
                self._pace(notice)
            elif isinstance(notice, PhaseChanged):
                assert notice.phase is self.phase, f"no such way to {notice.phase}"
        self.story.notices.clear()
        self.server.connected_at.clear()
        assert self.story.phase() is self.phase

    def _pace(self, notice: Happened) -> None:
        now = notice.at_s
        match notice.moment:
            case Moment.DIALLING:
                full = len(self.attempts) == MOST_A_MINUTE
                assert not full or now - self.attempts[0] >= 60, [*self.attempts, now]
                if self.trying_since_s is not None:
                    assert now - self.trying_since_s <= LONGEST_GAP_S, "it gave up in silence"
                self.attempts.append(now)
                self.trying_since_s = now
            case Moment.READY | Moment.GAVE_UP:
                self.trying_since_s = None
            case Moment.COOLING if self.trying_since_s is None:
                self.trying_since_s = now
            case _:
                pass

    def every_frame_is_accounted_for(self) -> None:
        """Captured = sent (less what was told again) + dropped + discarded + withheld + waiting."""
        daemon, microphone = self.story.daemon, self.visitor.microphone
        blocks, frames = daemon.sound.blocks.tally, daemon.frames.tally
        assert microphone.blocks == blocks.offered
        assert blocks.offered == frames.offered + blocks.dropped + len(daemon.sound.blocks)
        counts = attrs.asdict(daemon.counts)
        assert counts["frames_sent"] == self.server.appends
        carried = sum(count for name, count in counts.items() if name.startswith("frames_"))
        waits = len(daemon.frames) + daemon.tape.waiting
        told_anew = daemon.tape.dropped - daemon.tape.retold
        assert frames.offered == carried + frames.dropped + frames.discarded + waits + told_anew

    def take_census(self) -> None:
        """Count what there is of ours, at the end of a day."""
        self.censuses.append(take_census())
        self.every_frame_is_accounted_for()

    def nothing_grew(self) -> None:
        """The last third of the month needed no more than the rest."""
        third = DAYS // 3
        early, late = Counter[str](), Counter[str]()
        for census in self.censuses[:-third]:
            early |= census
        for census in self.censuses[-third:]:
            late |= census
        grown = {
            name: n for name, n in late.items() if n > MAY_FILL.get(name, early[name] + MOST_MORE)
        }
        assert not grown


async def _month(seed: int, clock: MockClock) -> Month:
    server, visitor = YearsServer(), Visitor()
    chance = random.Random(seed)
    story = Story(server=server, user=visitor, ears=CountingEars(), chance=chance)
    month = Month(story, server, visitor, clock, chance)
    async with trio.open_nursery() as nursery:
        await story.begin(nursery)
        month.plan()
        await month.live()
        assert trio.current_time() >= DAYS * _DAY_S
        # And after all that, it listens and is heard.
        heard, sent = story.ears.sounding_ms(), server.appends
        visitor.says(200)
        await story.for_ms(500)
        server.hears_speech(at_ms=0)
        server.hears_silence()
        server.speaks(500)
        await story.for_ms(1500)
        assert server.appends - sent == 10
        assert story.ears.sounding_ms() - heard == 500
        month.look()
        month.every_frame_is_accounted_for()
        month.nothing_grew()
        nursery.cancel_scope.cancel()
    return month


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_month(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(
        "CRITICAL", "voiced"
    )  # pytest keeps all lines of the log: that would be a growth
    clock = MockClock(autojump_threshold=0)
    month = trio.run(_month, seed, clock, clock=clock)
    assert month.server.attempts > DAYS * 20  # an hour a session, at most
    assert month.answers > DAYS * VISITS_A_DAY / 2
    assert Verdict.GIVE_UP in {row.judgement.verdict for row in TABLE if month.seen[row.key]}
