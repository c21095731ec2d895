"""Stories of somebody at the control socket."""

from typing import Any

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.entrance import Client, FakeEntrance
from tests.fakes.story import Story
from tests.scenarios.test_what_it_costs import USAGE
from voiced.control.commands import METHODS, Topic
from voiced.control.rights import Right
from voiced.faults import ConfigError
from voiced.notices import Phase

TOPICS = [topic.value for topic in Topic]
WATCH = frozenset({Right.WATCH})
NOT_PERMITTED, NOT_NOW, WRONG_PARAMS = -32001, -32002, -32602


async def begun(story: Story, nursery: trio.Nursery, **turns: Any) -> tuple[FakeEntrance, Client]:
    """A session, and the owner at the entrance."""
    entrance = FakeEntrance()
    story.entrance = entrance
    if turns:
        story.set("turns", **turns)
    await story.begin(nursery)
    return entrance, await entrance.lets_in()


async def test_a_greeting_says_what_there_is(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    entrance, owner = await begun(story, nursery)
    hello = await owner.does("hello")
    assert hello["protocol"] == 1
    assert hello["methods"] == list(METHODS)
    assert hello["topics"] == TOPICS
    guest = await entrance.lets_in(WATCH)
    hello = await guest.does("hello")
    assert hello["methods"] == ["hello", "status", "subscribe", "stats"]
    assert "transcript" not in hello["topics"]
    assert hello["rights"] == ["watch"]


async def test_the_card_tells_all_but_words_to_those_who_may_only_watch(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    entrance, owner = await begun(story, nursery)
    item = story.server.hears_speech()
    story.server.hears_silence()
    story.server.understands(item, "A secret.", final=True)
    story.server.speaks(400)
    await story.for_ms(1000)
    card = await owner.does("status")
    assert card["phase"] == "listening"
    assert card["words"]["user"] == "A secret."
    assert card["turns"] == {"answered": 1}
    assert card["link"]["session_id"] == "sess_story"
    assert card["devices"]["microphone"]["ok"]
    assert card["volume_percent"] == 100
    assert card["tally"]["frames_sent"] > 40
    guest = await entrance.lets_in(WATCH)
    assert "words" not in await guest.does("status")
    assert "secret" not in str(await guest.does("subscribe", topics=["phase"]))
    code, sentence = await guest.is_refused("subscribe", topics=["phase", "transcript"])
    assert code == NOT_PERMITTED
    assert '"words"' in sentence
    assert (await guest.is_refused("history"))[0] == NOT_PERMITTED
    assert (await guest.is_refused("ask", text="Hi"))[0] == NOT_PERMITTED


async def test_a_turn_is_told_as_it_happens_with_all_that_a_screen_needs(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    result = await owner.does("subscribe", topics=TOPICS)
    assert result["status"]["phase"] == "listening"
    story.user.says(500, value=3000)
    await story.for_ms(500)
    item = story.server.hears_speech()
    story.server.hears_silence(500)
    story.server.understands(item, "What time is it?", final=True)
    answer = story.server.begins()
    answer.sends(1000)
    answer.writes("It is five past nine.", final=True)
    answer.ends()
    await story.for_ms(3000)
    await owner.gathers()

    assert [each["phase"] for each in owner.told("phase")] == [
        "hearing",
        "thinking",
        "speaking",
        "listening",
    ]
    assert owner.told("phase")[-1]["link"]["session_id"] == "sess_story"
    words = owner.told("transcript")
    assert [each["text"] for each in words if each["who"] == "user"] == ["What time is it?"]
    said = [each["text"] for each in words if each["who"] == "assistant"]
    assert said[-1] == "It is five past nine."
    assert len(said) > 3  # they grow
    assert all(each["final"] == (each["text"] == said[-1]) for each in words[-len(said) :])
    levels = owner.told("level")
    assert max(each.get("user_dbfs", -96) for each in levels) == pytest.approx(-20.8, abs=0.2)
    assert max(each.get("assistant_dbfs", -96) for each in levels) > -20
    assert 20 < len(levels) <= 36  # ten a second, not two hundred
    (turn,) = owner.told("turn")
    assert turn["outcome"] == "answered"
    assert turn["heard_ms"] == turn["of_ms"] == 1000
    assert turn["figures_ms"]["total"] > 0
    assert owner.told("tally")[-1]["counts"]["frames_sent"] > 100


async def test_faults_are_told_and_a_pause_can_be_cut_short(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    await owner.does("subscribe", topics=["fault", "phase"])
    story.server.down = True
    story.server.hangs_up()
    await story.for_ms(9000)
    await owner.gathers()
    faults = owner.told("fault")
    assert {each["what"] for each in faults} == {"cooling_down"}
    assert all(each["link"]["resumes_in_s"] > 0 for each in faults)
    assert faults[-1]["link"]["strikes"] >= 2
    assert story.phase() is Phase.COOLING_DOWN
    assert (await owner.is_refused("ask", text="Anybody there?"))[0] == NOT_NOW
    story.server.down = False
    await owner.does("reconnect")
    await story.settled()
    assert story.phase() is Phase.LISTENING


async def test_what_is_asked_in_writing_is_answered_and_remembered(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    assert await owner.does("ask", text="What time is it?") == {}
    await story.settled()
    answer = story.server.begins()
    answer.sends(500)
    answer.writes("Nine.", final=True)
    answer.ends()
    await story.for_ms(1000)
    assert await owner.does("history") == {
        "entries": [
            {"who": "user", "text": "What time is it?"},
            {"who": "assistant", "text": "Nine."},
        ]
    }
    assert len((await owner.does("history", most=1))["entries"]) == 1
    await owner.does("say", text="Hello.")
    await story.settled()
    assert "Hello." in story.server.was_told("response.create")[-1]["response"]["instructions"]
    for text in ("", "x" * 8001, "half \ud800"):
        code, sentence = await owner.is_refused("say", text=text)
        assert code == WRONG_PARAMS
        assert "text" in sentence


async def test_an_interruption_silences_the_answer(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    story.server.speaks(3000)
    await story.for_ms(500)
    await owner.does("interrupt")
    await story.for_ms(500)
    assert story.ears.sounding_ms() < 550


async def test_the_button_is_let_go_when_whoever_holds_it_is_gone(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    entrance, owner = await begun(story, nursery, detection="push_to_talk")
    guest = await entrance.lets_in()
    await guest.does("talk.start")
    assert story.phase() is Phase.HEARING
    assert (await owner.is_refused("talk.start"))[0] == NOT_NOW
    await story.for_ms(1000)
    await guest.leaves()
    await story.for_ms(500)
    assert len(story.server.was_told("input_audio_buffer.commit")) == 1
    assert (await owner.is_refused("talk.stop"))[0] == NOT_NOW
    await owner.does("talk.start")
    await story.for_ms(1000)
    await owner.does("talk.stop")
    await story.for_ms(500)
    assert len(story.server.was_told("input_audio_buffer.commit")) == 2


async def test_the_button_is_let_go_between_sessions_too(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery, detection="push_to_talk")
    await owner.does("talk.start")
    await story.for_ms(500)
    story.server.down = True
    story.server.hangs_up()
    await story.for_ms(100)
    await owner.leaves()
    await story.settled()
    story.server.down = False
    await story.for_ms(60_000)
    assert story.phase() is Phase.LISTENING
    sent = len(story.server.appended)
    story.user.says(2000)
    await story.for_ms(2000)
    assert len(story.server.appended) == sent


async def test_the_owners_volume_and_the_conversations_add_up(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Answers are of value 5000; half the volume is a tenth of it, and 12 dB less a quarter of that."""
    _, owner = await begun(story, nursery, interruption="confirmed")
    assert await owner.does("volume") == {"percent": 100, "max_percent": 100}
    assert await owner.does("volume", percent=50) == {"percent": 50, "max_percent": 100}
    story.server.speaks(5000)
    await story.for_ms(500)
    assert story.ears.heard()[-1] == 500
    story.server.hears_speech()  # ducked until it is clear whether it is meant
    await story.for_ms(200)
    assert story.ears.heard()[-1] == pytest.approx(126, abs=1)
    await owner.does("volume", percent=100)
    await story.for_ms(100)
    assert story.ears.heard()[-1] == pytest.approx(1256, abs=1)
    story.server.hears_end()
    await story.for_ms(500)
    assert story.ears.heard()[-1] == 5000
    await owner.does("volume", percent=0)
    await story.for_ms(100)
    assert story.ears.heard()[-1] == 0
    for percent in (101, -1, 50.0, True, "50"):
        assert (await owner.is_refused("volume", percent=percent))[0] == WRONG_PARAMS


async def test_no_command_is_louder_than_the_settings_allow(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("playout", max_volume_percent=50)
    _, owner = await begun(story, nursery)
    assert await owner.does("volume") == {"percent": 50, "max_percent": 50}
    story.server.speaks(3000)
    await story.for_ms(500)
    assert story.ears.heard().max() == 500
    assert await owner.does("volume", percent=90) == {"percent": 50, "max_percent": 50}
    assert (await owner.does("status"))["volume_percent"] == 50
    await story.for_ms(500)
    assert story.ears.heard().max() == 500


async def test_what_is_asked_for_while_an_answer_is_lowered_is_heard_whole_after_that(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery, interruption="confirmed")
    story.server.speaks(5000)
    await story.for_ms(500)
    story.server.hears_speech()
    await story.for_ms(200)
    await owner.does("volume", percent=50)
    await story.for_ms(100)
    assert story.ears.heard()[-1] == pytest.approx(126, abs=1)
    story.server.hears_end()
    await story.for_ms(500)
    heard = story.ears.heard()
    assert heard[-1] == 500
    ramps = np.abs(np.diff(heard[-800 * 24 :].astype(int)))
    assert ramps.max() < 50, "no step that would click"


async def test_who_does_not_read_is_told_how_much_was_missed_and_disturbs_nobody(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    entrance, owner = await begun(story, nursery)
    sleepers = [await entrance.lets_in(narrow=True) for _ in range(16)]
    for sleeper in sleepers:
        await sleeper.does("subscribe", topics=["phase", "level"])
    await owner.does("subscribe", topics=["phase"])
    for _ in range(30):
        story.server.hears_speech()
        story.server.hears_silence()
        story.server.speaks(1000)
        await story.for_ms(2000)
    await owner.gathers()
    assert len(owner.told("phase")) == 120
    assert story.ears.sounding_ms() == 30_000
    for sleeper in sleepers:
        await sleeper.gathers()
        (lagged,) = sleeper.told("lagged")
        assert lagged["count"] > 300
        assert sleeper.events[1]["method"] == "lagged"  # after the one that was in hand
        assert 250 < len(sleeper.events) < 270


async def test_who_asks_and_does_not_take_the_reply_is_shown_out(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    entrance, owner = await begun(story, nursery)
    deaf = await entrance.lets_in(narrow=True)
    await deaf.says({"jsonrpc": "2.0", "id": 1, "method": "status"})
    await story.for_ms(10_100)
    with pytest.raises(trio.EndOfChannel):
        await deaf.gathers()  # what was under way, and no more
    assert (await owner.does("status"))["phase"] == "listening"


async def test_a_shutdown_does_not_wait_for_whoever_wanted_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    entrance, _ = await begun(story, nursery)
    deaf = await entrance.lets_in(narrow=True)
    await deaf.says({"jsonrpc": "2.0", "id": 1, "method": "shutdown"})
    await story.for_ms(10_100)
    assert story.phase() is Phase.IDLE


async def test_what_breaks_the_language_is_answered_and_the_rest_goes_on(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    await owner.stream.send_all(b'\n  \n{"half\n[]\n')
    codes = [(await owner.hears())["error"]["code"] for _ in range(2)]
    assert codes == [-32700, -32600]
    await owner.stream.send_all(b"x" * 65_537)
    assert (await owner.hears())["error"]["code"] == -32003
    with pytest.raises(trio.EndOfChannel):
        await owner.hears()


async def test_half_a_line_is_waited_for_ten_seconds(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    await story.for_ms(60_000)  # who says nothing may stay
    await owner.stream.send_all(b'{"half')
    await story.for_ms(9_000)
    await owner.stream.send_all(b" of it")  # more of it does not make it younger
    began = trio.current_time()
    assert (await owner.hears())["error"]["code"] == -32004
    assert trio.current_time() - began == pytest.approx(1.0)


async def test_a_move_to_another_session_is_told_though_the_phase_stays(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    await owner.does("subscribe", topics=["phase"])
    await owner.does("reconnect")
    await story.for_ms(5000)
    await owner.gathers()
    assert [each["phase"] for each in owner.told("phase")] == ["listening"]
    assert len(story.server.wires) == 2


async def test_a_shutdown_is_answered_and_then_done(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    assert await owner.does("shutdown") == {}
    await story.settled()
    assert story.phase() is Phase.IDLE
    assert story.server.wire.closed_by_us
    with pytest.raises(trio.EndOfChannel):
        await owner.hears()


async def test_a_notification_is_done_and_not_answered(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    await owner.says({"jsonrpc": "2.0", "method": "volume", "params": [30]})
    await owner.says({"jsonrpc": "2.0", "method": "no such thing"})
    await owner.says({"jsonrpc": "2.0", "method": "volume", "params": [300]})
    assert (await owner.does("volume"))["percent"] == 30


async def test_who_asks_too_often_waits_and_nobody_else_does(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    entrance, owner = await begun(story, nursery)
    began = trio.current_time()
    for _ in range(60):
        await owner.does("volume")
    assert trio.current_time() - began == pytest.approx(2.0, abs=0.1)
    guest = await entrance.lets_in()
    began = trio.current_time()
    await guest.does("volume")
    assert trio.current_time() == began


async def test_nobody_watches_the_board_for_nobody(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    entrance, owner = await begun(story, nursery)

    def watched() -> bool:  # asked, not held: it changes under the test
        return story.daemon.board.watched

    assert not watched()
    guest = await entrance.lets_in()
    for client in (owner, guest):
        await client.does("subscribe", topics=["level"])
    await story.settled()
    assert watched()
    await owner.does("subscribe", topics=[])
    assert watched()
    await guest.leaves()
    await story.settled()
    assert not watched()
    await owner.does("subscribe", topics=["phase"])
    await story.settled()
    assert watched()


async def test_it_can_be_switched_off_and_on_and_muted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    assert await owner.does("mute") == {"changed": True}
    assert await owner.does("mute") == {"changed": False}
    card = await owner.does("status")
    assert (card["muted"], card["phase"]) == (True, "muted")
    assert await owner.does("unmute") == {"changed": True}
    assert await owner.does("deactivate") == {"changed": True}
    await story.for_ms(100)
    card = await owner.does("status")
    assert (card["active"], card["phase"], card["why"]) == (False, "idle", "deactivated")
    assert await owner.does("deactivate") == {"changed": False}
    assert await owner.does("activate") == {"changed": True}
    assert await owner.does("activate") == {"changed": False}
    await story.for_ms(1000)
    assert (await owner.does("status"))["phase"] == "listening"


async def test_a_spent_budget_is_told_and_may_be_lifted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("budget", daily_tokens=100)
    story.server.usage = USAGE
    _, owner = await begun(story, nursery)
    story.server.hears_speech()
    story.server.hears_silence()
    story.server.speaks(400)
    await story.for_ms(3000)
    stats = await owner.does("stats")
    assert stats["usage"]["budget"]["level"] == "spent"
    assert stats["usage"]["today"]["total_tokens"] >= 100
    assert stats["turns"] == {"answered": 1}
    card = await owner.does("status")
    assert card["phase"] == "idle"
    assert card["budget"]["why"].startswith("budget reached until midnight")
    code, sentence = await owner.is_refused("activate")
    assert code == NOT_NOW
    assert "budget reached until midnight" in sentence
    await owner.does("budget.lift")
    await story.for_ms(1000)
    assert (await owner.does("status"))["phase"] == "listening"


async def test_settings_are_read_again_and_a_refusal_says_what_is_wrong(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    told = {"changed": ["[link] first_pause_s"], "takes_effect": "from now on"}
    mistakes: list[str] = []

    def reload() -> dict[str, object]:
        if mistakes:
            raise ConfigError(mistakes)
        return dict(told)

    story.reload = reload
    _, owner = await begun(story, nursery)
    assert await owner.does("config.reload") == told
    mistakes += ["[realtime] voise: unknown key", "[realtime] speed: must be a number"]
    code, sentence = await owner.is_refused("config.reload")
    assert code == -32006
    assert sentence == "[realtime] voise: unknown key; [realtime] speed: must be a number"


async def test_settings_that_no_file_holds_are_not_read_again(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, owner = await begun(story, nursery)
    assert (await owner.is_refused("config.reload"))[0] == NOT_NOW


async def test_what_probes_found_is_part_of_the_card(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    found = ["20 of the last 20 were fine"]
    story.probes = lambda: found[0]
    _, owner = await begun(story, nursery)
    for now in (found[0], "19 of the last 20 were fine"):
        found[0] = now
        while story.daemon.board.probes != now:  # noqa: ASYNC110  a thread reads it, in its own time
            await trio.sleep(1)
        assert (await owner.does("status"))["probes"] == now
