"""What became of each answer, and what the server has to be told about it."""

import pytest

from voiced.actors.answers import Answer, Answers, Fate, remedy
from voiced.audio.wire import WireFormat
from voiced.messages import Heard
from voiced.realtime.client_events import DeleteItem, Truncate

MS = 24  # wire samples


def answer(received_ms: int, *, complete: bool = False) -> Answer:
    one = Answer("item", "resp")
    one.take(bytes(received_ms * MS * 2))
    if complete:
        one.finish()
    return one


@pytest.mark.parametrize(
    ("received_ms", "complete", "heard_samples", "whole", "told"),
    [
        (1000, True, 1000 * MS, True, None),
        (1000, False, 1000 * MS, True, None),  # the link went: all that came was heard
        (0, True, 0, True, None),
        (1000, True, 1000 * MS, False, None),  # cut at its very end: nothing differs
        (1000, True, 1020 * MS, False, None),  # the padding of its last frame was heard, too
        (1000, True, 400 * MS, False, Truncate("item", 400)),
        (1000, True, 999 * MS, False, Truncate("item", 999)),
        (1000, False, 400 * MS, False, Truncate("item", 400)),
        (1000, False, 1000 * MS, False, Truncate("item", 1000)),  # more might have come
        (1000, False, 1020 * MS, False, Truncate("item", 1000)),  # never beyond what came
        (1000, True, 400 * MS + 23, False, Truncate("item", 400)),  # never more than was heard
        (1000, True, 0, False, DeleteItem("item")),
        (1000, True, 23, False, DeleteItem("item")),  # less than a millisecond
        (0, False, 0, False, DeleteItem("item")),
        (0, True, 0, False, DeleteItem("item")),
    ],
)
def test_the_server_is_told_where_its_belief_differs_from_what_was_heard(
    received_ms: int,
    complete: bool,
    heard_samples: int,
    whole: bool,
    told: Truncate | DeleteItem | None,
) -> None:
    heard = Heard("item", heard_samples, whole=whole)
    assert remedy(answer(received_ms, complete=complete), heard) == told


def test_an_answer_counts_bytes_and_gives_frames() -> None:
    one = Answer("item", "resp")
    assert one.take(bytes(959)) == []
    assert one.received_ms == 19
    assert one.take(bytes(2)) == [bytes(960)]
    assert one.received_bytes == 961
    frames, odd = one.finish()
    assert (frames, odd) == ([], 1)
    assert one.complete


def test_the_last_frame_is_padded_but_not_counted_as_received() -> None:
    one = answer(30)
    frames, odd = one.finish()
    assert [len(frame) for frame in frames] == [960]
    assert odd == 0
    assert one.received_ms == 30


@pytest.mark.parametrize("form", [WireFormat.PCMU, WireFormat.PCMA])
def test_over_the_telephone_bytes_are_counted_as_they_came(form: WireFormat) -> None:
    one = Answer("item", "resp", wire_format=form)
    frames = one.take(bytes(807))
    assert (one.received_bytes, one.received_ms) == (807, 100)
    assert remedy(one, Heard("item", 120 * MS, whole=False)) == Truncate("item", 100)
    rest, odd = one.finish()
    assert len(frames) + len(rest) == 6  # 100.875 ms, the last frame padded
    assert odd == 0  # every byte is a sample


def test_what_was_cut_holds_no_resampler() -> None:
    answers = Answers(WireFormat.PCMU)
    answers.announce("item", "resp")
    one = found(answers, "item")
    one.take(bytes(100))
    answers.cut(None)
    assert one.fate is Fate.CUT
    assert one.finish() == ([], 0)


# --- all of a session's ---------------------------------------------------------------------------


def announced(*item_ids: str, response_id: str = "resp") -> Answers:
    answers = Answers()
    for item_id in item_ids:
        answers.announce(item_id, response_id)
    return answers


def found(answers: Answers, item_id: str) -> Answer:
    answer = answers.find(item_id)
    assert answer is not None, f"{item_id} was forgotten"
    return answer


def test_who_was_not_announced_is_not_known() -> None:
    assert Answers().find("nobody") is None


def test_announcing_again_changes_nothing() -> None:
    answers = announced("a")
    found(answers, "a").take(bytes(960))
    answers.announce("a", "another response")
    assert found(answers, "a").received_ms == 20
    assert found(answers, "a").response_id == "resp"


def test_a_response_may_have_several_items() -> None:
    answers = announced("a", "b")
    answers.announce("c", "another response")
    assert [each.item_id for each in answers.of_response("resp")] == ["a", "b"]


def test_a_cut_takes_all_that_is_unheard_and_only_once() -> None:
    answers = announced("new", "playing", "settled", "cut before")
    found(answers, "playing").fate = Fate.PLAYING
    found(answers, "settled").fate = Fate.SETTLED
    found(answers, "cut before").fate = Fate.CUT
    assert [each.item_id for each in answers.cut(None)] == ["new", "playing"]
    assert answers.cut(None) == []
    assert found(answers, "settled").fate is Fate.SETTLED


def test_what_a_cut_response_still_brings_is_cut_from_birth() -> None:
    answers = announced("a")
    answers.cut("resp")
    answers.announce("late", "resp")
    answers.announce("other", "another response")
    assert found(answers, "late").fate is Fate.CUT
    assert found(answers, "other").fate is Fate.ANNOUNCED


def test_a_cut_without_a_response_bars_none() -> None:
    answers = announced("a")
    answers.cut(None)
    answers.announce("b", "resp")
    assert found(answers, "b").fate is Fate.ANNOUNCED


def test_a_mad_server_does_not_fill_memory_and_the_latest_are_kept() -> None:
    answers = Answers()
    for number in range(1000):
        answers.announce(f"item {number}", f"resp {number}")
        answers.cut(f"resp {number}")
    assert answers.find("item 0") is None
    assert found(answers, "item 999").fate is Fate.CUT
    remembered = sum(answers.find(f"item {number}") is not None for number in range(1000))
    assert remembered == 256
    answers.announce("born of a cut response", "resp 999")
    assert found(answers, "born of a cut response").fate is Fate.CUT
