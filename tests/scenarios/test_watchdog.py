"""What a service manager is told: ready, how we are, and that we live only while all moves that ought to."""

import logging

import pytest
import trio

from tests.fakes.manager import FakeManager
from tests.fakes.story import Story
from voiced.actors.watchman import _OUTCOMES
from voiced.faults import LinkRefused
from voiced.notices import PHASES, Moment, Phase

_STUCK_S = 10 + 5  # the limit, and a look


@pytest.fixture
def manager(story: Story) -> FakeManager:
    manager = FakeManager()
    story.manager = manager
    return manager


# --- ready


async def test_ready_is_told_once_when_it_listens(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    await story.for_ms(100)
    assert manager.said == ["connecting", "listening", "ready"]
    await story.for_ms(60_000)
    assert manager.said.count("ready") == 1


async def test_it_is_not_ready_while_it_connects(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    story.server.withholds.add("session.updated")
    await story.begin(nursery, until_ready=False)
    await story.for_ms(4900)
    assert manager.ready_at() is None


async def test_an_outage_at_boot_is_no_failed_start(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    story.server.down = True
    await story.begin(nursery, until_ready=False)
    await story.for_ms(100)
    assert manager.ready_at() is not None
    assert manager.said[-1].startswith(("cooling_down: ", "ready"))
    assert any("no route" in said for said in manager.said)


async def test_a_fault_that_waits_for_a_person_is_ready_and_says_why(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    story.server.unreachable.append(LinkRefused(401, "refused"))
    await story.begin(nursery, until_ready=False)
    await story.for_ms(100)
    assert manager.ready_at() is not None
    assert any(said.startswith("fault: the key was refused") for said in manager.said)


async def test_whoever_lets_us_wait_for_long_does_not_hold_up_the_boot(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    story.set("uplink", socket_limit_s=120.0)
    story.server.withholds.add("connection")
    await story.begin(nursery, until_ready=False)
    await story.for_ms(31_000)
    assert manager.ready_at() == 30.0


async def test_without_devices_it_is_not_ready(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    """(A sound system that hangs in opening; of one that is not there the status tells.)"""
    opens = trio.Event()
    admit = story.user.microphone.open

    class Slow:
        plug = story.user.microphone.plug

        def open(self) -> object:
            return self

        async def __aenter__(self) -> object:
            await opens.wait()
            self.opened = admit()
            return await self.opened.__aenter__()

        async def __aexit__(self, *exc: object) -> None:
            await self.opened.__aexit__(*exc)  # type: ignore[arg-type]  # passed through

    story.user.microphone = Slow()  # type: ignore[assignment]  # all that the port asks for
    await story.begin(nursery)
    await story.for_ms(50_000)
    assert manager.ready_at() is None
    opens.set()
    await story.for_ms(200)
    assert manager.ready_at() is not None


def test_every_moment_that_settles_what_is_going_on_is_an_outcome() -> None:
    """Whoever adds a phase that one may start in need not think of READY."""
    assert {Moment.READY, Moment.COOLING, Moment.GAVE_UP} <= _OUTCOMES
    assert Moment.DIALLING not in _OUTCOMES
    assert Moment.STOPPED not in _OUTCOMES
    for moment in _OUTCOMES:
        assert set(PHASES[moment]) == set(Phase)


# --- status


async def test_the_status_is_the_phase_and_never_a_word(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    item = story.server.hears_speech()
    await story.for_ms(200)
    assert manager.said[-1] == "hearing"
    story.server.hears_silence()
    story.server.understands(item, "a secret between friends", final=True)
    story.server.speaks(ms=1000)
    await story.for_ms(3000)
    assert "speaking" in manager.said
    assert not any("secret" in said for said in manager.said)


async def test_a_lost_device_is_in_the_status(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    story.user.microphone.plug.pulled_out()
    await story.for_ms(1000)
    assert manager.said[-1].startswith("listening: microphone: it has stopped")
    story.user.microphone.plug.put_back()
    await story.for_ms(60_000)
    assert manager.said[-1] == "listening"


# --- signs of life


async def test_while_all_moves_the_watchdog_hears_of_it_in_good_time(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    for _ in range(4):
        story.server.speaks(ms=5000)
        await story.for_ms(30_000)
    assert manager.longest_silence_s(trio.current_time()) <= 5.0


async def test_a_dead_capture_stops_them_and_is_named(
    story: Story,
    manager: FakeManager,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await story.begin(nursery)
    await story.for_ms(20_000)
    story.user.leaves()  # the microphone is open, and gives nothing; nobody else notices
    died_s = trio.current_time()
    await story.for_ms(60_000)
    assert manager.alive_at[-1] <= died_s + _STUCK_S
    assert manager.awake_at[-1] > died_s + 50
    assert "capture stands still" in caplog.text
    assert manager.said[-1] == "listening: capture stands still"

    story.user.comes()
    await story.for_ms(10_000)
    assert manager.alive_at[-1] > died_s + 60
    assert "capture moves again" in caplog.text
    assert manager.said[-1] == "listening"


async def test_a_frozen_playout_stops_them_and_is_named(
    story: Story,
    manager: FakeManager,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=5000)
    await story.for_ms(1000)
    story.ears.speaker.hiccups(60_000)
    froze_s = trio.current_time()
    await story.for_ms(50_000)
    assert manager.alive_at[-1] <= froze_s + _STUCK_S
    assert "playout stands still" in caplog.text
    await story.for_ms(30_000)
    assert manager.alive_at[-1] > froze_s + 60


async def test_a_loudspeaker_that_has_nothing_to_say_may_stand_still(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=1000)
    await story.for_ms(5000)
    story.ears.speaker.hiccups(600_000)
    await story.for_ms(600_000)
    assert manager.longest_silence_s(trio.current_time()) <= 5.0


@pytest.mark.parametrize("which", ["microphone", "loudspeaker"])
async def test_a_device_that_is_away_is_its_attendant_s_business(
    story: Story,
    manager: FakeManager,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    which: str,
) -> None:
    await story.begin(nursery)
    story.server.speaks(ms=30_000)
    await story.for_ms(1000)
    device = story.user.microphone if which == "microphone" else story.ears.speaker
    device.plug.pulled_out()
    await story.for_ms(300_000)
    assert manager.longest_silence_s(trio.current_time()) <= 5.0


async def test_an_outage_is_no_reason_to_start_anew(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    story.server.down = True
    await story.begin(nursery, until_ready=False)
    await story.for_ms(900_000)
    assert manager.longest_silence_s(trio.current_time()) <= 5.0


async def test_without_a_watchdog_nobody_is_told(
    story: Story, manager: FakeManager, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    manager.watchdog_s = None
    await story.begin(nursery)
    await story.for_ms(60_000)
    assert (manager.alive_at, manager.awake_at) == ([], [])
    assert manager.ready_at() is not None


async def test_an_event_loop_that_was_blocked_is_named_afterwards(
    story: Story,
    manager: FakeManager,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While it is blocked, nobody here can say a word; see tests/cli/test_service.py."""
    caplog.set_level(logging.INFO)
    await story.begin(nursery)
    await story.for_ms(1000)
    autojump_clock.jump(20.0)
    await story.settled()
    assert "event loop stood still for_s=" in caplog.text
