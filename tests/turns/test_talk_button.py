"""The button: every frame is sent once, in order, or belongs to no turn."""

from hypothesis import given
from hypothesis import strategies as st

from voiced.audio.format import FRAME_BYTES, Frame
from voiced.turns.talk_button import Hold, TalkButton


def frame(number: int) -> Frame:
    return Frame(number.to_bytes(4, "big").ljust(FRAME_BYTES, b"\0"))


def numbers(button: TalkButton, at: range) -> list[int]:
    return [int.from_bytes(sent[:4], "big") for n in at for sent in button.take(frame(n)).frames]


def test_pre_roll_and_tail_go_along() -> None:
    button = TalkButton(pre_roll_ms=60, tail_ms=40)
    assert numbers(button, range(10)) == []
    assert button.press()
    assert numbers(button, range(10, 20)) == list(range(7, 20))
    assert button.release()
    assert numbers(button, range(20, 30)) == [20, 21]
    assert button.held_ms == 200
    assert button.hold is Hold.UP


def test_pressing_twice_and_releasing_twice_is_harmless() -> None:
    button = TalkButton(pre_roll_ms=0, tail_ms=0)
    assert not button.release()
    assert button.press()
    assert not button.press()
    assert button.release()
    assert not button.release()


def test_what_waits_when_it_is_let_go_is_a_part_of_the_turn() -> None:
    button = TalkButton(pre_roll_ms=0, tail_ms=40)
    button.press()
    assert button.release(waiting=10)
    assert numbers(button, range(30)) == list(range(12))
    assert button.held_ms == 200
    assert button.hold is Hold.UP


def test_who_forgets_begins_anew() -> None:
    button = TalkButton(pre_roll_ms=60, tail_ms=40)
    assert numbers(button, range(5)) == []
    button.press()
    assert button.forget() == 3
    assert button.hold is Hold.UP
    button.press()
    assert numbers(button, range(5, 7)) == [5, 6]


@given(st.lists(st.sampled_from(["press", "release", "frame", "frame", "frame"]), max_size=200))
def test_frames_are_sent_once_and_in_order_and_each_turn_ends_once(story: list[str]) -> None:
    button, sent, number, ended = TalkButton(pre_roll_ms=60, tail_ms=40), [], 0, 0
    for step in story:
        if step == "press":
            button.press()
        elif step == "release":
            button.release()
        else:
            number += 1
            taken = button.take(frame(number))
            sent += [int.from_bytes(each[:4], "big") for each in taken.frames]
            ended += taken.ended
            assert button.hold is Hold.UP or not taken.ended
    assert sent == sorted(set(sent))
    assert ended <= story.count("release")
