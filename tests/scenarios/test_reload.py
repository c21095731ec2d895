"""New settings while the daemon runs: what changes at once, what with a new session, what with a new life."""

import attrs
import pytest
import trio

from tests.fakes.manager import FakeManager
from tests.fakes.story import Story
from voiced.app import Daemon
from voiced.cli.reload import Reload
from voiced.config.changes import Reach
from voiced.config.whole import Config
from voiced.faults import ConfigError
from voiced.notices import Moment


@attrs.define(eq=False)
class Owner:
    """Edits the file, and says so."""

    story: Story
    manager: FakeManager = attrs.field(factory=FakeManager)
    mistakes: list[str] = attrs.field(factory=list)
    reload: Reload = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.reload = Reload(
            read=self._read,
            settings=self.story.config,
            daemon=self.story.daemon,
            manager=self.manager,
        )

    def _read(self) -> Config:
        if self.mistakes:
            raise ConfigError(self.mistakes)
        return self.story.config

    def sets(self, section: str, **values: object) -> Reach | None:
        self.story.set(section, **values)
        return self.reload.now()


async def begin(story: Story, nursery: trio.Nursery) -> Owner:
    await story.begin(nursery)
    await story.for_ms(100)
    owner = Owner(story)
    nursery.start_soon(owner.reload.run)
    return owner


def instructions(story: Story) -> list[str]:
    """What each session was configured with."""
    return [
        event["session"]["instructions"]
        for wire in story.server.wires
        for event in wire.heard
        if event["type"] == "session.update" and "instructions" in event["session"]
    ]


async def test_what_is_only_read_now_and_then_changes_at_once(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    owner = await begin(story, nursery)
    assert owner.sets("link", fault_retry_s=60.0) is Reach.LIVE
    assert owner.sets("playout", rest_after_s=1.0) is Reach.LIVE
    assert owner.sets("capture", gain_db=6.0) is Reach.LIVE
    await story.for_ms(60_000)
    assert story.daemon.supervisor.fault_retry_s == 60.0
    assert story.daemon.sound.player.rest_after_s == 1.0
    assert story.daemon.sound.conditioning.gain_db == 6.0
    assert len(story.server.wires) == 1
    assert "keys='[link] fault_retry_s': from now on" in caplog.text


async def test_a_session_s_settings_come_with_a_new_session_and_no_word_is_lost(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    owner = await begin(story, nursery)
    opened = list(story.user.microphone.plug.opened_at)
    story.server.hears_speech()
    await story.for_ms(20)
    assert owner.sets("realtime", instructions="Be brief.") is Reach.SESSION
    await story.for_ms(2000)
    assert len(story.server.wires) == 1, "somebody speaks"
    story.server.hears_silence()
    story.server.speaks(ms=1000)
    await story.for_ms(5000)
    assert instructions(story)[1:] == ["Be brief."]
    assert story.server.wires[0].closed is not None
    assert story.user.microphone.plug.opened_at == opened


async def test_settings_that_change_while_a_session_opens_come_with_the_next(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    story.server.withholds.add("session.updated")
    await story.begin(nursery, until_ready=False)
    owner = Owner(story)
    owner.sets("realtime", voice="cedar")
    story.server.withholds.clear()
    story.server.grants()
    await story.for_ms(5000)
    assert len(story.server.wires) == 2
    assert story.server.wires[0].closed is not None


async def test_the_same_settings_are_no_reason_for_anything(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    owner = await begin(story, nursery)
    assert owner.reload.now() is Reach.NONE
    await story.for_ms(10_000)
    assert len(story.server.wires) == 1


async def test_bad_settings_are_refused_with_all_their_mistakes(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    owner = await begin(story, nursery)
    owner.mistakes = ["line 3: [realtime] voise: unknown key", "line 9: [link]: is no section"]
    assert owner.sets("capture", block_ms=10) is None
    await story.for_ms(10_000)
    assert owner.reload.successor is None
    assert all(mistake in caplog.text for mistake in owner.mistakes)
    assert len(story.server.wires) == 1
    assert owner.manager.said == ["reloading", "ready"]


async def test_a_new_life_waits_for_a_quiet_moment(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    owner = await begin(story, nursery)
    story.server.hears_speech()
    await story.for_ms(20)
    assert owner.sets("capture", block_ms=10) is Reach.LIFE
    await story.for_ms(3000)
    assert story.server.wires[0].closed is None, "somebody speaks"
    story.server.hears_silence()
    story.server.speaks(ms=2000)
    await story.for_ms(1500)
    assert story.server.wires[0].closed is None, "the answer is being heard"
    await story.for_ms(2000)
    assert story.server.wires[0].closed_by_us
    assert owner.reload.successor == story.config


async def test_where_it_is_never_quiet_a_new_life_begins_after_ten_minutes_at_most(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    story.set("limits", max_turn_ms=600_000)
    owner = await begin(story, nursery)
    story.server.hears_speech()
    await story.for_ms(20)
    owner.sets("capture", block_ms=10)
    await story.for_ms(560_000)
    assert story.server.wires[0].closed is None
    await story.for_ms(20_000)
    assert story.server.wires[0].closed is not None


async def test_a_new_life_that_is_not_wanted_any_more_does_not_come(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    owner = await begin(story, nursery)
    story.server.hears_speech()
    await story.for_ms(20)
    assert owner.sets("capture", block_ms=10) is Reach.LIFE
    await story.for_ms(1000)
    assert owner.sets("capture", block_ms=20) is Reach.NONE
    story.server.hears_silence()
    story.server.speaks(ms=500)
    await story.for_ms(20_000)
    assert story.server.wires[0].closed is None
    assert owner.sets("capture", block_ms=10) is Reach.LIFE, "and may be wanted again"
    await story.for_ms(1000)
    assert story.server.wires[0].closed is not None


async def test_while_nothing_is_connected_a_new_life_begins_at_once(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    story.server.down = True
    await story.begin(nursery, until_ready=False)
    owner = Owner(story)
    nursery.start_soon(owner.reload.run)
    await story.for_ms(3000)
    owner.sets("realtime", model="another")
    await story.for_ms(500)
    assert story.moments(Moment.STOPPED)


async def test_the_next_life_remembers_what_was_said(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    owner = await begin(story, nursery)
    item = story.server.hears_speech()
    story.server.hears_silence()
    story.server.understands(item, "My name is Ada.", final=True)
    story.server.speaks(ms=500)
    await story.for_ms(3000)
    owner.sets("capture", block_ms=10)
    await story.for_ms(1000)
    assert story.server.wires[0].closed is not None

    second = Daemon(story.config, story.daemon.ports, legacy=story.daemon.bequeath())
    nursery.start_soon(second.run)
    await story.for_ms(1000)
    told = story.server.was_told("conversation.item.create")
    assert "My name is Ada." in str(told)


@pytest.mark.parametrize("off", [False, True])
async def test_the_next_life_leaves_people_as_they_wanted_it(
    story: Story, nursery: trio.Nursery, autojump_clock: trio.abc.Clock, *, off: bool
) -> None:
    """Nobody who muted the room, or switched it off, is heard because of a line in a file."""
    owner = await begin(story, nursery)
    supervisor = story.daemon.supervisor
    supervisor.mute()
    if off:
        supervisor.deactivate()
    story.daemon.volume.set_owner(40)
    owner.sets("capture", block_ms=10)
    await story.for_ms(1000)
    assert story.moments(Moment.STOPPED)

    second = Daemon(story.config, story.daemon.ports, legacy=story.daemon.bequeath())
    nursery.start_soon(second.run)
    story.user.says(3000, value=4000)
    await story.for_ms(3000)
    assert second.supervisor.muted
    assert second.volume.owner_percent == 40
    assert second.supervisor.active is not off
    assert len(story.server.wires) == (1 if off else 2)
    if not off:
        assert not any(story.server.appended), "a second life sends silence, and little of it"
