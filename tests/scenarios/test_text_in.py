"""Stories of words that come in writing: questions, words to be said, a greeting, a first context."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.fakes.server import Event
from tests.fakes.story import Story
from voiced.notices import Moment, Party, Phase, Transcribed, TurnEnded
from voiced.turns.figures import Figure, Outcome

INTERRUPTIONS = ["immediate", "confirmed", "never"]
DETECTIONS = ["server_vad", "semantic_vad", "push_to_talk"]


def told(story: Story) -> list[str]:
    """What the server was told on the wire of now, but sound and settings."""
    return [e["type"] for e in story.server.wire.heard if "append" not in e["type"]][1:]


def asked(story: Story) -> list[Event]:
    """The questions, as items."""
    return [event["item"] for event in story.server.was_told("conversation.item.create")]


def instructions(story: Story) -> list[str]:
    """What each response was asked for with."""
    created = story.server.was_told("response.create")
    return [event.get("response", {}).get("instructions", "") for event in created]


def outcomes(story: Story) -> list[Outcome]:
    """What became of each turn."""
    return [n.turn.outcome for n in story.notices if isinstance(n, TurnEnded)]


def ask(story: Story, text: str = "What time is it?") -> bool:
    return story.daemon.supervisor.ask(text)


def say(story: Story, text: str = "We close at six.") -> bool:
    return story.daemon.supervisor.say(text)


@pytest.mark.parametrize("detection", DETECTIONS)
@pytest.mark.parametrize("interruption", INTERRUPTIONS)
async def test_a_question_is_an_item_first_and_answered_then(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    detection: str,
    interruption: str,
) -> None:
    story.set("turns", detection=detection, interruption=interruption)
    story.server.withholds.add("conversation.item.added")
    await story.begin(nursery)
    assert ask(story)
    await story.for_ms(100)
    assert told(story) == ["conversation.item.create"]
    assert story.phase() is Phase.THINKING
    (item,) = asked(story)
    assert item["content"] == [{"type": "input_text", "text": "What time is it?"}]
    assert len(item["id"]) <= 32
    story.server.adds(item)
    await story.settled()
    assert told(story) == ["conversation.item.create", "response.create"]
    story.server.speaks(400)
    await story.for_ms(1000)
    assert story.ears.sounding_ms() == 400
    assert story.phase() is Phase.LISTENING
    assert outcomes(story) == [Outcome.ANSWERED]
    words = [n for n in story.notices if isinstance(n, Transcribed) and n.who is Party.USER]
    assert [(n.item_id, n.text, n.final) for n in words] == [(item["id"], "What time is it?", True)]


@pytest.mark.parametrize("interruption", ["immediate", "confirmed"])
async def test_a_question_interrupts_the_answer(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, interruption: str
) -> None:
    story.set("turns", interruption=interruption)
    await story.begin(nursery)
    answer = story.server.begins()
    answer.sends(3000)
    await story.for_ms(500)
    ask(story)
    await story.for_ms(100)
    assert told(story)[:2] == ["response.cancel", "conversation.item.create"]
    assert "response.create" not in told(story)  # one response at a time
    assert "conversation.item.truncate" in told(story)
    answer.ends("cancelled")
    await story.settled()
    assert told(story)[-1] == "response.create"
    assert story.ears.sounding_ms() < 520
    (cut,) = [n.turn for n in story.notices if isinstance(n, TurnEnded)]
    assert cut.outcome is Outcome.CUT
    assert cut.figures_ms[Figure.SILENCE] < 30


async def test_a_question_waits_where_nothing_may_interrupt(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="never")
    await story.begin(nursery)
    story.server.speaks(2000)
    await story.for_ms(500)
    ask(story)
    await story.for_ms(500)
    assert told(story) == ["conversation.item.create"]
    assert story.phase() is Phase.SPEAKING
    await story.for_ms(1500)
    assert story.ears.sounding_ms() == 2000
    assert told(story)[-1] == "response.create"
    assert story.phase() is Phase.THINKING


async def test_a_question_that_is_refused_is_given_up_by_name(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("conversation.item.added")
    await story.begin(nursery)
    ask(story)
    await story.settled()
    (event,) = story.server.was_told("conversation.item.create")
    story.server.refuses("invalid_value", blamed=event["event_id"])
    await story.settled()
    assert story.phase() is Phase.LISTENING
    assert outcomes(story) == [Outcome.UNANSWERED]
    ask(story)
    await story.for_ms(3001)  # nor is every refusal said
    assert outcomes(story) == [Outcome.UNANSWERED] * 2
    assert "response.create" not in told(story)


async def test_only_so_many_questions_wait(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("conversation.item.added")
    await story.begin(nursery)
    assert [ask(story) for _ in range(10)] == [True] * 8 + [False] * 2
    assert story.daemon.counts.lost_texts == 2


@pytest.mark.parametrize("text", ["", " \n", "x" * 8001])
async def test_a_text_that_cannot_be_spoken_is_refused_with_a_sentence(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, text: str
) -> None:
    await story.begin(nursery)
    for verb in (ask, say):
        with pytest.raises(ValueError, match="text"):
            verb(story, text)
    assert told(story) == []


async def test_nobody_can_be_asked_before_the_gate_is_open(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.server.withholds.add("session.updated")
    await story.begin(nursery, until_ready=False)
    assert not ask(story)
    assert not say(story)
    story.server.grants()
    await story.settled()
    assert told(story) == []
    assert ask(story)


@pytest.mark.parametrize("detection", DETECTIONS)
@pytest.mark.parametrize("interruption", INTERRUPTIONS)
async def test_words_are_said_one_after_the_other_and_never_interrupt(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    detection: str,
    interruption: str,
) -> None:
    story.set("turns", detection=detection, interruption=interruption)
    await story.begin(nursery)
    story.server.speaks(1000)
    await story.for_ms(300)
    assert say(story, "First.")
    assert say(story, "Second.")
    await story.settled()
    assert told(story) == []
    await story.for_ms(1000)
    for words in ("First.", "Second."):
        assert told(story)[-1] == "response.create"
        assert instructions(story)[-1].endswith(words)
        assert story.server.was_told("response.create")[-1]["response"]["input"] == []
        story.server.speaks(500)
        await story.for_ms(1000)
    assert len(told(story)) == 2
    assert story.ears.sounding_ms() == 2000


async def test_a_ninth_text_that_waits_is_dropped_and_counted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(1000)
    await story.for_ms(100)
    assert [say(story) for _ in range(9)] == [True] * 8 + [False]
    assert story.daemon.counts.lost_texts == 1
    story.server.hangs_up()
    await story.settled()
    assert story.daemon.counts.lost_texts == 9


async def test_a_wish_for_silence_silences_what_waits_too(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.speaks(1000)
    await story.for_ms(100)
    say(story)
    story.daemon.supervisor.interrupt()
    await story.for_ms(5000)
    assert "response.create" not in told(story)
    assert story.daemon.counts.lost_texts == 1


async def test_speech_comes_before_what_waits_to_be_said(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.hears_speech()
    await story.settled()
    say(story)
    story.server.hears_silence()
    await story.for_ms(100)
    assert told(story) == []
    story.server.speaks(300)  # the server's own answer
    await story.for_ms(500)
    assert told(story) == ["response.create"]


async def test_words_being_said_give_way_to_the_user(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    say(story)
    await story.settled()
    story.server.hears_speech()
    await story.settled()
    story.server.begins()
    await story.settled()
    assert told(story) == ["response.create", "response.cancel"]


async def test_a_greeting_is_said_in_the_first_session_only(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("realtime", greeting="Good morning.", context="Today is Sunday.")
    await story.begin(nursery)
    context = {
        "type": "message",
        "role": "system",
        "content": [{"type": "input_text", "text": "Today is Sunday."}],
    }
    assert asked(story) == [context]
    assert told(story) == ["conversation.item.create", "response.create"]
    assert instructions(story)[0].endswith("Good morning.")
    story.server.speaks(300)
    await story.for_ms(500)
    story.server.hangs_up()
    await story.for_ms(5000)
    assert len(story.server.connected_at) == 2
    assert asked(story) == [context, context]
    assert told(story) == ["conversation.item.create"]


async def test_the_gate_holds_back_greeting_and_context(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("realtime", greeting="Good morning.", context="Today is Sunday.")
    story.server.withholds.add("session.updated")
    await story.begin(nursery, until_ready=False)
    assert [e["type"] for e in story.server.wire.heard] == ["session.update"]
    await story.for_ms(20_000)  # no session came of it, so that it is still to be said
    story.server.withholds.clear()
    await story.for_ms(20_000)
    assert len(instructions(story)) >= 1


async def test_a_typed_turn_is_measured(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    ask(story)
    await story.for_ms(700)
    story.server.speaks(300)
    await story.for_ms(1000)
    (turn,) = [n.turn for n in story.notices if isinstance(n, TurnEnded)]
    figures: dict[str, Any] = {figure.value: ms for figure, ms in turn.figures_ms.items()}
    assert 700 <= figures["total"] <= 800
    assert len(story.moments(Moment.ASKED)) == 1
