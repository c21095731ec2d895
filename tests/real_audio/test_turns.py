"""Turns on real devices: short answers are heard whole, and what the server is told of a cut is true.

The limits are generous, because other tests may run beside these; `scripts/bench` has the numbers.
"""

import numpy as np
import pytest

from tests.bench.pilot import RATE_HZ as WIRE_HZ
from tests.bench.pilot import Reference, pilot
from tests.real_audio.test_sound import Scene, assert_heard, scene_in
from tests.rig import RATE_HZ, Room

pytestmark = pytest.mark.audio

_TRUE_WITHIN_MS = 20.0
_ANSWER = pilot(3000)


async def interrupted(scene: Scene) -> tuple[int, float]:
    """Speak over the answer; return its `audio_end_ms` and the place that was audible last."""
    told_before = len(scene.server.was_told("conversation.item.truncate"))
    scene.server.hears_speech()
    heard = await scene.heard_until_silence()
    await scene.until(
        lambda: len(scene.server.was_told("conversation.item.truncate")) > told_before
    )
    traced = Reference(_ANSWER).trace(heard)
    assert traced is not None
    return scene.server.was_told("conversation.item.truncate")[-1]["audio_end_ms"], traced.ends_ms


@pytest.mark.parametrize("ms", [100, 300, 600])
async def test_short_answers_are_heard_whole(room: Room, ms: int) -> None:
    answer = pilot(ms)
    async with scene_in(room) as scene:
        for _ in range(3):
            scene.listens_from_now()
            scene.answers(answer)
            assert_heard(scene, await scene.heard_until_silence(), answer)
        assert scene.server.was_told("conversation.item.truncate") == []
        assert scene.server.was_told("conversation.item.delete") == []


async def test_each_of_five_cuts_is_named_where_it_fell(room: Room) -> None:
    async with scene_in(room) as scene:
        for listens_s in (0.02, 0.13, 0.31, 0.57, 1.0):
            scene.listens_from_now()
            scene.answers(_ANSWER)
            await scene.until(lambda: scene.heard().size >= listens_s * RATE_HZ)  # noqa: B023
            told_ms, true_ms = await interrupted(scene)
            assert told_ms == pytest.approx(true_ms, abs=_TRUE_WITHIN_MS)
            scene.server.hears_silence()


async def test_a_cut_is_named_where_it_fell_after_the_answer_had_run_dry(room: Room) -> None:
    per_ms = WIRE_HZ // 1000

    async def until_sounding(after_samples: int, for_s: float) -> None:
        await scene.until(
            lambda: bool(np.count_nonzero(scene.heard()[after_samples:]) >= for_s * RATE_HZ)
        )

    async with scene_in(room) as scene:
        answer = scene.server.begins()
        for at_ms in (0, 300, 600):  # three times it plays, and falls silent because no more comes
            before = scene.heard().size
            answer.sends_pcm(_ANSWER[at_ms * per_ms : (at_ms + 300) * per_ms].tobytes())
            await until_sounding(before, for_s=0.1)
            await scene.heard_until_silence()
        before = scene.heard().size
        answer.sends_pcm(_ANSWER[900 * per_ms :].tobytes())
        answer.ends()
        await until_sounding(before, for_s=0.3)
        told_ms, true_ms = await interrupted(scene)
    assert true_ms > 900
    assert told_ms == pytest.approx(true_ms, abs=_TRUE_WITHIN_MS)
