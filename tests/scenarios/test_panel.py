"""Stories of buttons, a mute switch and lamps at the machine itself."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.panel import FakePanel
from tests.fakes.story import Story
from tests.scenarios.test_activation import said_ms
from voiced.actors.operator import Refused, obey
from voiced.app import Daemon
from voiced.control import commands
from voiced.edges.mute_file import MuteFile
from voiced.faults import ConfigError, DeviceBusy
from voiced.link.panel import Control, Lamp
from voiced.notices import Device, Moment, Phase
from voiced.outside import Ports


@pytest.fixture
def panel(story: Story) -> FakePanel:
    story.panel = panel = FakePanel()
    return panel


# --- buttons --------------------------------------------------------------------------------------


async def test_who_holds_the_button_is_heard(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", detection="push_to_talk")
    await story.begin(nursery)
    story.user.says(20_000, value=3)
    await story.for_ms(1000)
    panel.presses(Control.TALK)
    await story.for_ms(1000)
    assert story.phase() is Phase.HEARING
    panel.releases(Control.TALK)
    await story.for_ms(500)
    assert len(story.server.appended) // 48 == 300 + 1000 + 200, "with pre-roll and tail"
    assert len(story.server.was_told("input_audio_buffer.commit")) == 1


async def test_whose_pedal_is_unplugged_talks_no_more(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.keys = pedal = FakePanel(lamps=frozenset())
    story.set("turns", detection="push_to_talk")
    await story.begin(nursery)
    story.user.says(60_000, value=3)
    await story.for_ms(1000)
    pedal.presses(Control.TALK)
    await story.for_ms(1000)
    pedal.is_pulled_out()
    await story.for_ms(500)
    assert len(story.server.was_told("input_audio_buffer.commit")) == 1
    assert str(story.daemon.board.devices[Device.KEYS]) == ("keys: it is gone: was it unplugged?")
    assert story.phase() is Phase.THINKING, "the conversation goes on"
    await story.for_ms(3000)
    pedal.is_put_back()
    await story.for_ms(2000)
    assert str(story.daemon.board.devices[Device.KEYS]) == "ok"
    assert len(story.moments(Moment.DEVICE_LOST)) == len(story.moments(Moment.DEVICE_BACK)) == 1
    story.server.speaks(100)
    await story.for_ms(1000)
    pedal.presses(Control.TALK)
    await story.for_ms(100)
    assert story.phase() is Phase.HEARING


async def test_a_button_begins_a_conversation_and_within_it_cuts_the_answer(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("activation", mode="on_command")
    await story.begin(nursery, until_ready=False)
    assert story.phase() is Phase.IDLE
    panel.taps(Control.ACTIVATE)
    await story.for_ms(100)
    assert story.phase() is Phase.LISTENING
    panel.taps(Control.ACTIVATE)
    await story.for_ms(100)
    assert story.phase() is Phase.LISTENING, "nothing sounds: nothing to cut"
    story.server.speaks(3000)
    await story.for_ms(1000)
    panel.taps(Control.ACTIVATE)
    await story.for_ms(100)
    assert len(story.moments(Moment.CUT)) == 1
    assert story.phase() is Phase.LISTENING


async def test_a_button_cuts_and_another_mutes(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(3000)
    await story.for_ms(1000)
    panel.taps(Control.INTERRUPT)
    await story.for_ms(100)
    assert len(story.moments(Moment.CUT)) == 1
    for phase in (Phase.MUTED, Phase.LISTENING, Phase.MUTED):
        panel.taps(Control.MUTE)
        await story.for_ms(10)
        assert story.phase() is phase


# --- a mute switch --------------------------------------------------------------------------------


async def begun_with_switch(
    story: Story, panel: FakePanel, nursery: trio.Nursery, *, muted: bool
) -> None:
    panel.muted = muted
    story.set("gpio", mute_line="GPIO22")
    story.user.says(60_000, value=5)
    await story.begin(nursery, until_ready=False)


async def test_nobody_is_heard_before_the_switch_was_read(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    panel.refusal = DeviceBusy('line "GPIO22" is held by "lirc"')
    await begun_with_switch(story, panel, nursery, muted=False)
    await story.for_ms(3000)
    assert story.phase() is Phase.MUTED
    assert said_ms(story, 5) == 0
    assert not story.daemon.supervisor.unmute(), "who knows where the switch is?"
    assert story.daemon.board.why == 'panel: line "GPIO22" is held by "lirc"'
    panel.is_put_back()
    await story.for_ms(3000)
    assert story.phase() is Phase.LISTENING
    assert said_ms(story, 5) > 0


async def test_the_switch_has_the_last_word(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await begun_with_switch(story, panel, nursery, muted=True)
    await story.for_ms(2000)
    supervisor = story.daemon.supervisor
    assert (supervisor.muted, supervisor.unmute(), supervisor.muted) == (True, False, True)
    with pytest.raises(Refused, match="the mute switch says so"):
        obey(supervisor, commands.Unmute(), "")
    panel.taps(Control.MUTE)
    await story.for_ms(1000)
    assert story.phase() is Phase.MUTED
    assert said_ms(story, 5) == 0
    panel.turns(muted=False)
    await story.for_ms(1000)
    assert story.phase() is Phase.LISTENING
    assert supervisor.mute(), "while it is open, others may"
    assert supervisor.unmute()
    panel.turns(muted=True)
    await story.for_ms(1000)
    assert story.phase() is Phase.MUTED
    panel.is_pulled_out()
    await story.for_ms(1000)
    assert not supervisor.unmute(), "as it was last"


async def test_only_what_somebody_muted_is_remembered(
    story: Story,
    panel: FakePanel,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    tmp_path: Path,
) -> None:
    story.mute_keeper = MuteFile(tmp_path)
    await begun_with_switch(story, panel, nursery, muted=True)
    await story.for_ms(1000)
    assert not story.daemon.bequeath().muted
    panel.turns(muted=False)
    await story.for_ms(1000)
    story.daemon.supervisor.mute()
    await story.for_ms(1000)
    assert story.daemon.bequeath().muted
    next_one = Daemon(story.config, story.daemon.ports, legacy=story.daemon.bequeath())
    assert not next_one.supervisor.turn_mute_switch(muted=False), "nobody has touched it"
    assert next_one.supervisor.muted
    assert next_one.supervisor.turn_mute_switch(muted=True) is False
    assert next_one.supervisor.turn_mute_switch(muted=False)
    assert not next_one.supervisor.muted


# --- lamps ----------------------------------------------------------------------------------------


async def test_lamps_show_what_goes_on(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    assert panel.lit == {Lamp.LISTENING, Lamp.STATUS}
    story.server.speaks(3000)
    await story.for_ms(1000)
    assert panel.lit == {Lamp.SPEAKING, Lamp.STATUS}
    await story.for_ms(3000)
    story.daemon.supervisor.mute()
    await story.for_ms(50)
    assert panel.lit == {Lamp.MUTED, Lamp.STATUS}, "the first of its flashes"
    await story.for_ms(100)
    assert panel.lit == {Lamp.MUTED}


async def test_a_lamp_blinks_where_a_device_is_away(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.user.microphone.plug.pulled_out()
    await story.for_ms(10)
    panel.lightings.clear()
    await story.for_ms(3490)
    fault = [(at_s, Lamp.FAULT in lit) for at_s, lit in panel.lightings]
    assert len(fault) == 20
    assert [lit for _, lit in fault[:4]] == [False, True, False, True]
    assert fault[0][0] == pytest.approx(0.17)
    story.user.microphone.plug.put_back()
    await story.for_ms(5000)
    panel.lightings.clear()
    await story.for_ms(60_000)
    assert panel.lightings == [], "nothing moves, nobody is woken"


async def test_without_a_link_the_lamps_say_so(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hangs_up()
    await story.settled()
    assert story.phase() is Phase.COOLING_DOWN
    assert panel.lit == {Lamp.FAULT, Lamp.STATUS}
    await story.for_ms(600)
    assert panel.lit == frozenset()


async def test_at_the_end_all_is_dark(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    assert panel.lit
    story.daemon.supervisor.stop()
    await story.for_ms(3000)
    assert panel.lit == frozenset()


async def test_a_panel_is_no_condition_for_talking(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    panel.is_pulled_out()
    await story.begin(nursery)
    story.server.speaks(500)
    await story.for_ms(600_000)
    assert story.ears.sounding_ms() == 500
    assert len(panel.opened_at) < 100
    panel.is_put_back()
    await story.for_ms(31_000)
    assert panel.lit == {Lamp.LISTENING, Lamp.STATUS}


async def test_a_line_that_there_is_none_of_is_a_mistake_in_the_settings(
    story: Story, panel: FakePanel, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    panel.refusal = ConfigError(['[gpio] names line "GPIO99"'])
    ended: list[ConfigError] = []

    async def live(daemon: Daemon) -> None:
        try:
            await daemon.run()
        except ConfigError as error:
            ended.append(error)

    ports = Ports(story.user.microphone, story.ears.speaker, story.server, panel=panel)
    await live(Daemon(story.config, ports))
    assert "GPIO99" in str(ended[0])
