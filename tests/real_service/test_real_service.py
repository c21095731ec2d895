"""The real service: three short talks. Collected only on request; conftest.py says how."""

import os
from typing import Any

import attrs
import pytest

from tests.real_service.talks import five_seconds_of_sound, one_interruption, one_turn
from voiced.config.whole import Config
from voiced.local.speech import Timbre, find_voice


@pytest.fixture
def real() -> dict[str, Any]:
    """Where it is, who asks, and a voice that it can understand."""
    config = Config()
    realtime = attrs.evolve(
        config.realtime,
        url=os.environ.get("VOICED_REAL_API_URL", config.realtime.url),
        model=os.environ.get("VOICED_REAL_API_MODEL", config.realtime.model),
    )
    config = attrs.evolve(config, realtime=realtime)
    return {"config": config, "environ": dict(os.environ), "voice": find_voice(Timbre.USER)}


async def test_the_gate_opens_and_five_seconds_of_sound_are_taken(real: dict[str, Any]) -> None:
    await five_seconds_of_sound(**real)


async def test_a_spoken_question_is_answered(real: dict[str, Any]) -> None:
    await one_turn(**real)


async def test_an_interruption_is_granted(real: dict[str, Any]) -> None:
    await one_interruption(**real)
