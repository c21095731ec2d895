"""The notice board: moments move the phase by one table, and slow watchers lose only their own."""

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from voiced.channel import Channel
from voiced.notices import (
    PHASES,
    Happened,
    LevelMeasured,
    Moment,
    Notice,
    NoticeBoard,
    Party,
    Phase,
    PhaseChanged,
    Status,
    Transcribed,
)


def board_in(phase: Phase) -> NoticeBoard:
    return NoticeBoard(PhaseChanged(0.0, phase))


def moved(phase: Phase, moment: Moment) -> Phase:
    board = board_in(phase)
    board.post(Happened(1.0, moment))
    return board.phase.phase


async def told(stream: Channel[Notice]) -> list[Notice]:
    return [notice async for notice in stream]


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("phase", Phase)
def test_every_moment_in_every_phase_leads_to_a_phase(phase: Phase, moment: Moment) -> None:
    assert moved(phase, moment) is PHASES.get(moment, {}).get(phase, phase)
    assert moved(phase, moment) in Phase


def test_the_table_speaks_of_moments_and_phases_only() -> None:
    assert set(PHASES) <= set(Moment)
    for row in PHASES.values():
        assert set(row) | set(row.values()) <= set(Phase)


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        PHASES[Moment.READY] = {}  # type: ignore[index]


@pytest.mark.parametrize(
    ("moment", "phase"),
    [
        (Moment.DIALLING, Phase.CONNECTING),
        (Moment.READY, Phase.LISTENING),
        (Moment.COOLING, Phase.COOLING_DOWN),
        (Moment.GAVE_UP, Phase.FAULT),
        (Moment.STOPPED, Phase.IDLE),
    ],
)
@pytest.mark.parametrize("before", Phase)
def test_what_happens_to_the_link_decides_whatever_was_going_on(
    moment: Moment, phase: Phase, before: Phase
) -> None:
    assert moved(before, moment) is phase


@pytest.mark.parametrize(
    "phase", [Phase.IDLE, Phase.CONNECTING, Phase.COOLING_DOWN, Phase.FAULT, Phase.MUTED]
)
@pytest.mark.parametrize(
    "moment", [Moment.SPEECH_START, Moment.SPEECH_STOPPED, Moment.FIRST_SOUND, Moment.PLAYED]
)
def test_a_turn_does_not_hide_that_the_link_is_down(phase: Phase, moment: Moment) -> None:
    assert moved(phase, moment) is phase


@pytest.mark.parametrize("phase", [Phase.LISTENING, Phase.HEARING, Phase.THINKING, Phase.SPEAKING])
def test_who_is_muted_is_told_so_until_it_is_over(phase: Phase) -> None:
    assert moved(phase, Moment.MUTED) is Phase.MUTED
    assert moved(Phase.MUTED, Moment.UNMUTED) is Phase.LISTENING
    assert moved(phase, Moment.UNMUTED) is phase


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.CONNECTING, Phase.COOLING_DOWN, Phase.FAULT])
def test_muting_does_not_hide_that_the_link_is_down(phase: Phase) -> None:
    assert moved(phase, Moment.MUTED) is phase
    assert moved(phase, Moment.UNMUTED) is phase


def test_deliberate_idleness_has_a_reason_though_it_is_no_change() -> None:
    board = NoticeBoard()
    assert board.status.why == ""
    board.post(Happened(0.0, Moment.INACTIVE, detail="not activated"))
    assert (board.status.phase, board.status.why) == (Phase.IDLE, "not activated")


def test_the_phases_of_a_turn() -> None:
    board = board_in(Phase.CONNECTING)
    phases = []
    for moment in (
        Moment.READY,
        Moment.SPEECH_START,
        Moment.SPEECH_END,
        Moment.SPEECH_STOPPED,
        Moment.FIRST_DELTA,
        Moment.FIRST_SOUND,
        Moment.SPEECH_START,
        Moment.CUT,
        Moment.SPEECH_STOPPED,
        Moment.UNANSWERED,
    ):
        board.post(Happened(1.0, moment))
        phases.append(board.phase.phase)
    listening, hearing, thinking, speaking = (
        Phase.LISTENING,
        Phase.HEARING,
        Phase.THINKING,
        Phase.SPEAKING,
    )
    assert phases == [
        *(listening, hearing, hearing, thinking, thinking, speaking),
        *(hearing, hearing, thinking, listening),
    ]


async def test_a_change_of_phase_is_told_after_its_moment_with_the_reason() -> None:
    board = NoticeBoard()
    why = "the key was refused"
    with board.watch() as stream:
        board.post(Happened(3.0, Moment.GAVE_UP, detail=why))
        board.post(Happened(4.0, Moment.GAVE_UP, detail="again"))
    assert await told(stream) == [
        Happened(3.0, Moment.GAVE_UP, detail=why),
        PhaseChanged(3.0, Phase.FAULT, why),
        Happened(4.0, Moment.GAVE_UP, detail="again"),
    ]
    assert board.phase == PhaseChanged(3.0, Phase.FAULT, why)


async def test_words_and_levels_move_nothing() -> None:
    board = NoticeBoard()
    words = Transcribed(1.0, Party.USER, "item", "hello", final=True)
    level = LevelMeasured(1.0, Party.USER, -20.0)
    with board.watch() as stream:
        board.post(words)
        board.post(level)
    assert await told(stream) == [words, level]
    assert board.phase.phase is Phase.IDLE


def test_what_was_said_is_not_shown_in_logs_by_accident() -> None:
    assert "secret" not in repr(Transcribed(1.0, Party.USER, "item", "a secret", final=True))


# --- the status and its keeper --------------------------------------------------------------------


class Diary:
    """A keeper that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def note(self, happened: Happened) -> None:
        self.told.append(happened.moment)

    def watched(self) -> None:
        self.told.append("watched")

    def fill_in(self, status: Status) -> Status:
        return attrs.evolve(status, user_words="hello")


def test_the_status_needs_no_keeper() -> None:
    board = NoticeBoard()
    board.post(Happened(3.0, Moment.GAVE_UP, detail="the key was refused"))
    assert board.status == Status(Phase.FAULT, 3.0, "the key was refused")


def test_the_keeper_is_told_of_moments_and_watchers_at_once_and_asked_for_the_rest() -> None:
    board, diary = NoticeBoard(), Diary()
    board.keeper = diary
    board.post(Happened(1.0, Moment.READY))
    board.post(LevelMeasured(1.0, Party.USER, -20.0))
    with board.watch():
        board.post(Happened(2.0, Moment.DIALLING))
    assert diary.told == [Moment.READY, "watched", Moment.DIALLING]
    assert board.status == Status(Phase.CONNECTING, 2.0, user_words="hello")
    assert "hello" not in repr(board.status)


# --- watchers -------------------------------------------------------------------------------------


def test_it_is_known_whether_anybody_watches() -> None:
    board = NoticeBoard()
    seen = [board.watched]
    with board.watch():
        seen.append(board.watched)
        with board.watch():
            seen.append(board.watched)
        seen.append(board.watched)
    seen.append(board.watched)
    assert seen == [False, True, True, True, False]


async def test_a_watcher_sees_what_happens_while_it_watches() -> None:
    board = NoticeBoard()
    board.post(LevelMeasured(1.0, Party.USER, -1.0))
    with board.watch() as stream:
        board.post(LevelMeasured(2.0, Party.USER, -1.0))
    board.post(LevelMeasured(3.0, Party.USER, -1.0))
    assert [notice.at_s for notice in await told(stream)] == [2.0]


async def test_a_slow_watcher_loses_the_oldest_and_nobody_else_loses_anything() -> None:
    board = NoticeBoard()
    with board.watch(capacity=10) as slow, board.watch(capacity=1000) as quick:
        for number in range(100):
            board.post(LevelMeasured(number, Party.USER, -1.0))
    assert [notice.at_s for notice in await told(quick)] == list(range(100))
    assert [notice.at_s for notice in await told(slow)] == list(range(90, 100))
    assert (slow.tally.dropped, quick.tally.dropped) == (90, 0)


async def test_a_watcher_that_fails_is_forgotten() -> None:
    board = NoticeBoard()
    with pytest.raises(RuntimeError, match="watcher's own"), board.watch():
        raise RuntimeError("the watcher's own trouble")
    assert not board.watched
    board.post(Happened(1.0, Moment.READY))


async def test_posting_never_waits() -> None:
    board = NoticeBoard()
    with board.watch(capacity=1), trio.testing.assert_no_checkpoints():
        for _ in range(10):
            board.post(Happened(1.0, Moment.DIALLING))


@given(st.lists(st.sampled_from(Moment), max_size=30))
def test_the_board_and_its_watchers_agree_on_the_phase(moments: list[Moment]) -> None:
    board = NoticeBoard()
    with board.watch() as stream:
        for at, moment in enumerate(moments):
            board.post(Happened(at, moment))
    phase = Phase.IDLE
    while (notice := stream.receive_nowait()) is not None:
        if isinstance(notice, PhaseChanged):
            assert notice.phase is not phase, "a change that is none"
            phase = notice.phase
    assert phase is board.phase.phase
