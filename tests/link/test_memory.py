"""The conversation as text: places in order, words when they come, and what a budget carries of it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.link.memory import (
    LONGEST_CHARS,
    MOST_CALLS,
    MOST_CHARS,
    MOST_PLACES,
    Entry,
    Memory,
    Restored,
    tokens_of,
)
from voiced.realtime.client_events import (
    AssistantText,
    FunctionCall,
    FunctionCallOutput,
    NewItem,
    SystemText,
    UserText,
)

PLENTY = 10**9
CALL, OUTPUT = FunctionCall("call_1", "now", "{}"), FunctionCallOutput("call_1", "noon")


def carried(memory: Memory, tokens: int = PLENTY, after: int = 0) -> list[NewItem]:
    return [item for entry in memory.carry(tokens, after) for item in entry.items]


def cost(entries: tuple[Entry, ...]) -> int:
    return sum(tokens_of(item) for entry in entries for item in entry.items)


@pytest.fixture
def talk() -> Memory:
    """Four messages of 4 + 10 tokens."""
    memory = Memory()
    for n in (0, 2):
        memory.fills(UserText, f"item_{n}", "o" * 40)
        memory.fills(AssistantText, f"item_{n + 1}", "o" * 40)
    return memory


# --- order and words ------------------------------------------------------------------------------


def test_words_that_come_late_stand_where_their_item_does() -> None:
    memory = Memory()
    memory.opens(UserText, "u")
    memory.opens(AssistantText, "a")
    memory.fills(AssistantText, "a", "It is")
    memory.fills(UserText, "u", "What time is it?")
    memory.fills(AssistantText, "a", "It is half past three.")
    assert carried(memory) == [
        UserText("What time is it?"),
        AssistantText("It is half past three."),
    ]


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_item_without_words_is_left_out(text: str) -> None:
    memory = Memory()
    memory.opens(UserText, "u")
    memory.fills(UserText, "u", text)
    memory.fills(AssistantText, "a", text)
    assert (carried(memory), memory.changes) == ([], 0)


def test_words_may_be_taken_back() -> None:
    memory = Memory()
    memory.fills(AssistantText, "a", "It is half past three.")
    memory.fills(AssistantText, "a", "")
    assert carried(memory) == []


def test_what_was_dropped_does_not_come_back_with_its_words() -> None:
    memory = Memory()
    memory.opens(UserText, "cough")
    memory.drops(UserText, "cough")
    memory.fills(UserText, "cough", "uh-huh")
    memory.drops(UserText, "never seen")
    assert carried(memory) == []
    memory.opens(UserText, "cough")  # it is committed after all
    memory.fills(UserText, "cough", "Uh-huh, go on.")
    assert carried(memory) == [UserText("Uh-huh, go on.")]


def test_the_same_id_of_another_party_or_another_session_is_another_item() -> None:
    memory = Memory()
    memory.fills(UserText, "item_1", "one")
    memory.fills(AssistantText, "item_1", "two")
    memory.fills(AssistantText, "item_2", "thr")
    memory.forget_names(keep={"item_2"})
    memory.fills(UserText, "item_1", "four")
    memory.fills(AssistantText, "item_2", "three")  # still sounds, though its session is over
    assert carried(memory) == [
        UserText("one"),
        AssistantText("two"),
        AssistantText("three"),
        UserText("four"),
    ]


# --- function calls -------------------------------------------------------------------------------


def test_a_call_is_carried_with_its_output_directly_after_it_or_not_at_all() -> None:
    memory = Memory()
    memory.called(CALL)
    memory.fills(AssistantText, "a", "One moment.")
    assert carried(memory) == [AssistantText("One moment.")]
    memory.gave("call_1", "noon")
    memory.gave("call_of_nobody", "noon")
    assert carried(memory) == [CALL, OUTPUT, AssistantText("One moment.")]


def test_a_call_may_outlive_its_session_and_its_id_may_be_used_again() -> None:
    memory = Memory()
    memory.called(CALL)
    memory.forget_names()
    memory.gave("call_1", "noon")
    memory.called(CALL)
    memory.gave("call_1", "one o'clock")
    assert carried(memory) == [CALL, OUTPUT, CALL, FunctionCallOutput("call_1", "one o'clock")]


def test_a_pair_that_is_too_long_is_lost_whole_and_counted() -> None:
    memory = Memory()
    memory.called(CALL)
    memory.gave("call_1", "o" * LONGEST_CHARS)
    assert (carried(memory), memory.lost_chars) == ([], LONGEST_CHARS + 2)
    memory.called(FunctionCall("call_2", "now", "o" * (LONGEST_CHARS + 1)))
    memory.gave("call_2", "noon")
    assert (carried(memory), memory.lost_chars) == ([], 2 * LONGEST_CHARS + 3)


@pytest.mark.parametrize(
    "items",
    [
        (),
        (CALL,),
        (OUTPUT,),
        (OUTPUT, CALL),
        (CALL, FunctionCallOutput("call_2", "noon")),
        (UserText("a"), AssistantText("b")),
        (SystemText("hush"),),
    ],
)
def test_an_entry_is_one_message_or_a_call_and_its_output(items: tuple[NewItem, ...]) -> None:
    with pytest.raises(ValueError, match="one message, or a call and its output"):
        Entry(1, items)


# --- the budget -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "tokens"),
    [
        (UserText("four"), 4 + 1),
        (UserText("fourf"), 4 + 2),
        (AssistantText("Grüß Gott"), 4 + 3),
        (UserText("привет"), 4 + 3),
        (UserText("你好吗"), 4 + 3),
        (CALL, 4 + 3),  # 6 + 3 + 2 characters
        (OUTPUT, 4 + 3),
    ],
)
def test_tokens_are_estimated(item: NewItem, tokens: int) -> None:
    assert tokens_of(item) == tokens


@pytest.mark.parametrize(
    ("tokens", "numbers"), [(14, [4]), (27, [4]), (28, [3, 4]), (56, [1, 2, 3, 4])]
)
def test_the_newest_are_carried_in_order(talk: Memory, tokens: int, numbers: list[int]) -> None:
    assert [entry.number for entry in talk.carry(tokens)] == numbers


@pytest.mark.parametrize("tokens", [0, 4, 5])
def test_a_budget_too_small_for_a_word_carries_nothing(talk: Memory, tokens: int) -> None:
    assert talk.carry(tokens) == ()


def test_of_a_newest_message_that_is_too_long_its_end_is_carried() -> None:
    memory = Memory()
    memory.fills(AssistantText, "a", "Once upon a time there was a clock in a village square.")
    assert carried(memory, 4 + 1 + 5) == [AssistantText("... in a village square.")]
    assert carried(memory, 4 + 1 + 2) == [AssistantText("... square.")]
    assert carried(memory, 4 + 1 + 1) == [AssistantText("... are.")]  # no word fits


def test_a_call_that_does_not_fit_is_not_carried_at_all() -> None:
    memory = Memory()
    memory.called(CALL)
    memory.gave("call_1", "noon")
    assert carried(memory, 13) == []
    assert carried(memory, 14) == [CALL, OUTPUT]


def test_what_is_new_since_a_seeding_includes_words_that_came_late() -> None:
    memory = Memory()
    memory.opens(UserText, "u1")
    memory.fills(AssistantText, "a1", "It is half past three.")
    mark = memory.changes
    memory.fills(AssistantText, "u2", "Anything else?")
    memory.fills(UserText, "u1", "What time is it?")
    memory.fills(AssistantText, "a1", "It is half")  # corrected, but no news
    assert carried(memory, after=mark) == [
        UserText("What time is it?"),
        AssistantText("Anything else?"),
    ]
    assert carried(memory, after=memory.changes) == []


def test_an_earlier_life_stands_before_all_else() -> None:
    memory = Memory()
    memory.fills(UserText, "u", "Good morning.")
    memory.recall([Entry(7, (UserText("Good night."),)), Entry(9, (CALL, OUTPUT))])
    assert carried(memory) == [UserText("Good night."), CALL, OUTPUT, UserText("Good morning.")]


# --- bounds ---------------------------------------------------------------------------------------


def test_places_are_bounded_and_the_oldest_go_first() -> None:
    memory = Memory()
    for n in range(MOST_PLACES + 10):
        memory.fills(UserText, f"item_{n}", f"word {n}")
    assert len(carried(memory)) == MOST_PLACES
    assert carried(memory)[0] == UserText("word 10")
    assert memory.forgotten == 10


def test_characters_are_bounded_one_entry_and_all() -> None:
    memory = Memory()
    for n in range(20):
        memory.fills(UserText, f"item_{n}", "o" * (LONGEST_CHARS + 1))
    assert carried(memory) == [UserText("o" * LONGEST_CHARS)] * (MOST_CHARS // LONGEST_CHARS)
    assert memory.lost_chars == 20
    assert memory.forgotten == 20 - MOST_CHARS // LONGEST_CHARS


def test_calls_that_never_give_anything_are_bounded() -> None:
    memory = Memory()
    for n in range(MOST_CALLS + 1):
        memory.called(FunctionCall(f"call_{n}", "now", "{}"))
    for n in range(MOST_CALLS + 1):
        memory.gave(f"call_{n}", "noon")
    assert len(memory.carry(PLENTY)) == MOST_CALLS


ids = st.sampled_from("abcdef")
kinds = st.sampled_from([UserText, AssistantText])
texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["one two three four five", "你好" * 30, "o" * 50_000]),
)
steps: st.SearchStrategy[Callable[[Memory], None]] = st.one_of(
    st.builds(lambda k, i: lambda m: m.opens(k, i), kinds, ids),
    st.builds(lambda k, i, t: lambda m: m.fills(k, i, t), kinds, ids, texts),
    st.builds(lambda k, i: lambda m: m.drops(k, i), kinds, ids),
    st.builds(lambda i: lambda m: m.called(FunctionCall(i, "f", "{}")), ids),
    st.builds(lambda i, t: lambda m: m.gave(i, t), ids, texts),
    st.builds(lambda i: lambda m: m.forget_names({i}), ids),
)


@given(st.lists(steps, max_size=60), st.integers(0, 3000), st.integers(0, 30))
def test_whatever_is_remembered_is_carried_within_the_budget_in_order_the_newest_first(
    story: list[Callable[[Memory], None]], tokens: int, after: int
) -> None:
    memory = Memory()
    for step in story:
        step(memory)
    everything = memory.carry(PLENTY, after)
    some = memory.carry(tokens, after)
    assert cost(some) <= tokens
    assert [e.number for e in some] == [e.number for e in everything][len(everything) - len(some) :]
    if everything and cost(everything[-1:]) <= tokens:
        assert some[-1] == everything[-1]
        left = tokens - cost(some)
        left_out = everything[: len(everything) - len(some)]
        assert not left_out or cost(left_out[-1:]) > left  # no more would have fitted
        assert some == everything[len(left_out) :]
    assert all(entry.number > after for entry in everything)
    assert len({entry.number for entry in everything}) == len(everything)
    kept = [text for e in memory.carry(PLENTY) for item in e.items for text in texts_of(item)]
    assert sum(map(len, kept)) <= MOST_CHARS


def texts_of(item: NewItem) -> list[str]:
    return [item.text] if hasattr(item, "text") else [item.call_id]


# --- what is said about it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("restored", "sentence"),
    [
        (Restored(0, 0), "nothing to restore"),
        (Restored(1, 1), "1 item restored"),
        (Restored(12, 12), "12 items restored"),
        (Restored(4, 12), "4 of 12 items restored"),
        (Restored(0, 12), "0 of 12 items restored"),
    ],
)
def test_the_status_says_honestly_how_much_was_restored(restored: Restored, sentence: str) -> None:
    assert str(restored) == sentence
