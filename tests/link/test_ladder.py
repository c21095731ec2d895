"""One thing is changed after the other, and then the climb begins anew."""

from voiced.link.ladder import QUIET_S, SLOWER_BATCH_MS, Ladder, Plan, Rung


def climb(ladder: Ladder, times: int) -> list[Rung]:
    rungs = []
    for _ in range(times):
        ladder.failed()
        rungs.append(ladder.plan.rung)
    return rungs


def test_at_first_all_is_as_configured() -> None:
    assert Ladder().plan == Plan()


def test_each_failure_climbs_one_rung_and_after_the_pause_it_begins_anew() -> None:
    up = [Rung.AGAIN, Rung.SLOWER, Rung.QUIET, Rung.PAUSE]
    assert climb(Ladder(), 9) == [*up, *up, Rung.AGAIN]


def test_each_fallback_model_has_its_turn() -> None:
    ladder = Ladder(("one", "two"))
    models = []
    for _ in range(6):
        ladder.failed()
        models.append(ladder.plan.model)
    assert models == ["", "", "", "one", "two", ""]


def test_what_worked_ends_the_climb() -> None:
    ladder = Ladder()
    climb(ladder, 3)
    ladder.worked()
    assert ladder.plan == Plan()


def test_what_is_changed_stays_changed_further_up() -> None:
    ladder = Ladder(("one",))
    climb(ladder, 2)
    assert ladder.plan.batch_ms == SLOWER_BATCH_MS
    climb(ladder, 1)
    assert (ladder.plan.batch_ms, ladder.plan.quiet_s) == (SLOWER_BATCH_MS, QUIET_S)
    climb(ladder, 1)
    assert (ladder.plan.batch_ms, ladder.plan.quiet_s) == (SLOWER_BATCH_MS, 0)
