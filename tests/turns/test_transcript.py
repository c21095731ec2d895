"""Words as far as they were heard: whole ones, never going back, cut where the sound was."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiced.turns.transcript import State, Transcript, Transcripts

TEXT = "It is forty-two."


def answer(text: str = TEXT) -> Transcript:
    transcript = Transcript()
    transcript.grow(text)
    return transcript


@pytest.mark.parametrize(
    ("heard_ms", "shown"),
    [
        (0, ""),
        (124, ""),
        (125, "It"),  # 2 of 16 characters
        (312, "It"),
        (313, "It is"),
        (999, "It is"),
        (1000, TEXT),
        (1020, TEXT),  # padding is heard too
    ],
)
def test_the_share_of_the_text_is_the_share_of_the_sound_in_whole_words(
    heard_ms: int, shown: str
) -> None:
    transcript = answer()
    transcript.hear(heard_ms, 1000, more_comes=False)
    assert transcript.shown == shown


def test_text_that_is_far_ahead_of_its_sound_waits() -> None:
    transcript = answer("one two three four five six seven eight nine ten eleven twelve")
    transcript.hear(200, 250, more_comes=True)  # four fifths of what is here, but not of the text
    assert transcript.shown == "one"
    transcript.hear(1000, 1000, more_comes=True)
    assert transcript.shown == "one two three four five"
    transcript.hear(1000, 4000, more_comes=True)
    assert transcript.shown == "one two three four five", "never back"


def test_a_cut_answer_ends_at_the_word_that_was_heard_and_stays_so() -> None:
    transcript = answer()
    transcript.cut(500, 1000, more_comes=False)
    assert (transcript.shown, transcript.state) == ("It is", State.FINAL)
    transcript.grow(" And more.")
    transcript.complete("It is forty-two. And more.")
    transcript.hear(1000, 1000, more_comes=False)
    transcript.show_all()
    assert transcript.shown == "It is"


def test_an_answer_cut_before_its_first_sound_said_nothing() -> None:
    transcript = answer()
    transcript.cut(0, 0, more_comes=True)
    assert (transcript.shown, transcript.state) == ("", State.FINAL)


def test_all_of_it_when_all_was_heard_even_where_text_comes_later() -> None:
    transcript = answer("It is")
    transcript.hear(1000, 1000, more_comes=False)
    transcript.show_all()
    assert (transcript.shown, transcript.state) == ("It is", State.HEARD)
    transcript.grow(" forty-two")
    assert transcript.shown == "It is forty-two"
    transcript.complete(TEXT)
    assert (transcript.shown, transcript.state) == (TEXT, State.FINAL)


def test_text_that_will_never_be_completed_is_final_as_it_is() -> None:
    transcript = answer()
    transcript.show_all()
    transcript.complete()  # the link is lost
    assert (transcript.shown, transcript.state) == (TEXT, State.FINAL)


def test_text_that_ran_ahead_of_a_lost_link_is_not_heard() -> None:
    transcript = answer("one two three four five six seven eight nine ten eleven twelve")
    transcript.break_off(1000)
    transcript.show_all()
    assert (transcript.shown, transcript.state) == ("one two three four five", State.FINAL)


@pytest.mark.parametrize("of_ms", [0, 100, 10_000])
def test_a_text_that_is_whole_is_not_broken_off(of_ms: int) -> None:
    transcript = answer()
    transcript.complete()
    transcript.break_off(of_ms)
    transcript.show_all()
    assert transcript.shown == TEXT


def test_what_was_shown_is_not_broken_off() -> None:
    transcript = answer()
    transcript.hear(900, 1000, more_comes=False)
    transcript.break_off(100)
    assert transcript.shown == transcript.text == "It is"


def test_a_users_words_are_shown_as_they_come_and_the_final_ones_replace_them() -> None:
    transcript = Transcript()
    transcript.show_all()
    transcript.grow("what is")
    assert transcript.shown == "what is"
    transcript.grow(" the thyme")
    transcript.complete("What is the time?")
    assert (transcript.shown, transcript.state) == ("What is the time?", State.FINAL)


def test_a_noise_has_no_words() -> None:
    transcript = Transcript()
    transcript.show_all()
    transcript.complete("")
    assert (transcript.shown, transcript.state) == ("", State.FINAL)


def test_scripts_without_spaces_are_cut_between_signs() -> None:
    transcript = answer("今は三時です。")
    transcript.hear(500, 1000, more_comes=False)
    assert transcript.shown == "今は三"


def test_text_without_end_is_bounded_and_what_is_lost_is_counted() -> None:
    transcript = answer("x" * 31_995)
    assert [transcript.grow("y" * 10), transcript.grow("z"), transcript.complete("z" * 32_002)] == [
        *(5, 1, 2)
    ]
    assert len(transcript.text) == 32_000


def test_there_is_news_once_for_each_change_of_what_is_shown() -> None:
    transcript = answer()
    assert not transcript.has_news()  # nothing was heard yet
    transcript.hear(500, 1000, more_comes=False)
    assert [transcript.has_news(), transcript.has_news()] == [True, False]
    transcript.cut(500, 1000, more_comes=False)
    assert [transcript.has_news(), transcript.has_news()] == [True, False]  # the same, but final


def test_the_end_of_what_never_had_words_is_no_news() -> None:
    transcript = Transcript()
    transcript.cut(0, 1000, more_comes=False)
    assert transcript.final
    assert not transcript.has_news()


def test_words_taken_back_are_news() -> None:
    transcript = Transcript()
    transcript.show_all()
    transcript.grow("hm")
    assert transcript.has_news()
    transcript.complete("")
    assert transcript.has_news()


def test_words_are_in_no_repr() -> None:
    assert "forty" not in repr(answer())


def test_the_newest_items_are_kept() -> None:
    transcripts = Transcripts()
    first = transcripts.of("0")
    assert transcripts.of("0") is first
    for number in range(1000):
        transcripts.of(str(number)).grow("x")
    assert len(transcripts._texts) == 64
    assert transcripts.of("999").text == "x"
    assert transcripts.of("0") is not first


sounds = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=20)


@given(st.text(), sounds, st.booleans())
def test_what_is_shown_is_a_beginning_that_only_grows(
    text: str, sounds: list[tuple[int, int]], more_comes: bool
) -> None:
    transcript, seen = answer(text), [""]
    for heard_ms, of_ms in sounds:
        transcript.hear(heard_ms, of_ms, more_comes=more_comes)
        seen.append(transcript.shown)
    transcript.cut(0, 0, more_comes=False)
    seen.append(transcript.shown)
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(seen))
    assert text.startswith(seen[-1])


moves = st.one_of(
    st.tuples(st.just("grow"), st.text(max_size=20)),
    st.tuples(st.just("complete"), st.none() | st.text(max_size=20)),
    st.tuples(st.just("hear"), st.integers(0, 3000)),
    st.tuples(st.just("cut"), st.integers(0, 3000)),
    st.tuples(st.just("show_all"), st.none()),
)


@given(st.lists(moves, max_size=30))
def test_any_order_ends_well_and_what_is_final_stays(moves: list[tuple[str, object]]) -> None:
    transcript, final = Transcript(), None
    for move, value in moves:
        match move, value:
            case "grow", str():
                transcript.grow(value)
            case "complete", str() | None:
                transcript.complete(value)
            case "hear", int():
                transcript.hear(value, 2000, more_comes=True)
            case "cut", int():
                transcript.cut(value, 2000, more_comes=False)
            case _:
                transcript.show_all()
        assert transcript.text.startswith(transcript.shown)
        assert final is None or transcript.shown == final
        if transcript.state is State.FINAL:
            final = transcript.shown
