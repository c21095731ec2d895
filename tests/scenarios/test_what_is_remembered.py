"""Stories of what the next session would be told: all that was said, as far as it was heard."""

import os
from pathlib import Path

import trio
from trio.testing import MockClock

from tests.fakes.server import Answer
from tests.fakes.story import Story
from voiced.edges.memory_file import MemoryFile
from voiced.link.memory import Entry, Restored
from voiced.notices import Party
from voiced.realtime.client_events import AssistantText, NewItem, UserText

TEXT = "It is half past three, and the sun is shining."  # 46 characters


def remembered(story: Story, after: int = 0) -> list[NewItem]:
    return [item for entry in story.daemon.scribe.carry(2000, after) for item in entry.items]


async def ask(story: Story, words: str = "") -> str:
    """The user has spoken; the words come at once, or later by another verb."""
    story.server.hears_speech()
    item = story.server.speaking_item
    story.server.hears_silence(at_ms=100)
    if words:
        story.server.understands(item, words, final=True)
    await story.settled()
    return item


def answer(story: Story, ms: int, text: str = TEXT) -> Answer:
    answer = story.server.begins()
    answer.writes(text)
    answer.sends(ms)
    answer.writes(text, final=True)
    answer.ends()
    return answer


async def test_a_question_whose_words_come_last_still_stands_first(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    item = await ask(story)
    answer(story, 1000)
    await story.for_ms(1500)
    assert remembered(story) == [AssistantText(TEXT)]
    mark = story.daemon.memory.changes
    story.server.understands(item, "What time", final=False)
    await story.settled()
    assert remembered(story) == [AssistantText(TEXT)]  # it may still be corrected
    story.server.understands(item, "What time is it?", final=True)
    await ask(story, "Thank you.")
    assert remembered(story) == [
        UserText("What time is it?"),
        AssistantText(TEXT),
        UserText("Thank you."),
    ]
    assert remembered(story, mark) == [UserText("What time is it?"), UserText("Thank you.")]


async def test_a_cut_answer_is_remembered_as_far_as_it_was_heard(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer(story, 2000)
    await story.for_ms(500)
    assert remembered(story) == [AssistantText("It is half")]  # though nobody watches
    await story.for_ms(500)
    await ask(story, "Stop!")
    assert remembered(story) == [AssistantText("It is half past three,"), UserText("Stop!")]


async def test_an_answer_of_which_nothing_was_heard_is_not_remembered(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    unheard = story.server.begins()
    unheard.writes(TEXT)
    story.server.hears_speech()
    await story.for_ms(100)
    unheard.sends(1000)
    unheard.ends("cancelled", type="cancelled", reason="turn_detected")
    await story.for_ms(2000)
    assert remembered(story) == []


async def test_a_cough_is_not_remembered(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("turns", interruption="confirmed")
    await story.begin(nursery)
    answer(story, 3000)
    await story.for_ms(500)
    item = story.server.hears_speech()
    await story.for_ms(300)
    story.server.hears_end(len(story.server.appended) // 48)
    story.server.commits()
    story.server.understands(item, "Uh-huh.", final=True)
    await story.for_ms(4000)
    assert [e["item_id"] for e in story.server.was_told("conversation.item.delete")] == [item]
    assert remembered(story) == [AssistantText(TEXT)]


async def test_an_answer_that_outlives_its_session_counts_as_heard_for_the_next(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """It is spoken to its end, as far as it came, while the next session has long begun."""
    await story.begin(nursery)
    lost = story.server.begins()
    lost.writes("One two three four five six seven eight nine ten eleven twelve thirteen")
    lost.sends(1000)
    await story.for_ms(200)
    assert remembered(story) == [AssistantText("One")]
    story.server.hangs_up()
    await story.settled()
    assert remembered(story) == [AssistantText("One two three four five")]
    await story.for_ms(2000)
    assert remembered(story) == [AssistantText("One two three four five")]


async def test_a_stop_in_the_midst_of_an_answer_is_a_cut(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    lost = story.server.begins()
    lost.writes("One two three four five six seven eight nine ten eleven twelve thirteen")
    lost.sends(1000)
    await story.for_ms(200)
    story.server.hangs_up()
    await story.for_ms(200)
    story.daemon.supervisor.stop()
    await story.settled()
    assert remembered(story) == [AssistantText("One two")]


async def test_the_next_session_may_name_its_items_as_this_one_did(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.understands("item_u", "First.", final=True)
    story.server.hangs_up()
    await story.for_ms(2000)
    story.server.understands("item_u", "Second.", final=True)
    await story.settled()
    assert remembered(story) == [UserText("First."), UserText("Second.")]


async def test_words_half_understood_when_the_link_is_lost_are_kept(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    story.server.understands("item_u", "what time")
    story.server.hangs_up()
    await story.for_ms(2000)
    assert remembered(story) == [UserText("what time")]


async def test_what_is_typed_is_remembered_where_it_was_typed(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    answer(story, 300, "Hello.")
    await story.for_ms(500)
    story.daemon.scribe.said(Party.USER, "typed_1", "What time is it?")
    assert remembered(story) == [AssistantText("Hello."), UserText("What time is it?")]


async def test_the_status_says_what_the_session_knows(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    assert story.daemon.board.status.context == "nothing to restore"
    story.daemon.scribe.restored(Restored(4, 12))
    assert story.daemon.board.status.context == "4 of 12 items restored"


# --- across lives ---------------------------------------------------------------------------------

EARLIER = Entry(1, (UserText("Good night."),))


async def test_an_earlier_life_is_recalled_where_its_owner_wants_that(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    story.archive = MemoryFile(tmp_path, 3600)
    story.archive.write([EARLIER])
    story.set("privacy", keep_context=True)
    await story.begin(nursery)
    assert remembered(story) == [UserText("Good night.")]


async def test_by_default_nothing_is_written_and_what_was_is_deleted(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    story.archive = MemoryFile(tmp_path, 3600)
    story.archive.write([EARLIER])
    await story.begin(nursery)
    await ask(story, "What time is it?")
    await story.for_ms(60_000)
    story.daemon.supervisor.stop()
    await story.settled()
    assert remembered(story) == [UserText("What time is it?")]
    assert os.listdir(tmp_path) == []


async def test_who_comes_much_later_is_not_told_what_was_said_before(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("realtime", carry_over_s=60.0)
    await story.begin(nursery)
    answer(story, 300, "Hello.")
    await story.for_ms(50_000)
    story.server.hangs_up()
    await story.for_ms(3_000)
    assert len(story.server.was_told("conversation.item.create")) == 1
    story.user.leaves()
    await story.for_ms(60_000)
    story.server.hangs_up()
    await story.for_ms(3_000)
    assert len(story.server.wires) == 3
    assert len(story.server.was_told("conversation.item.create")) == 1
    assert remembered(story) == []
    answer(story, 300, "Good evening.")
    await story.for_ms(1_000)
    assert remembered(story) == [AssistantText("Good evening.")]
