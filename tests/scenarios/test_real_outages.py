"""Stories of outages: the whole daemon, the embedded server, and real sockets between them.

The clock is the real one, so nothing is measured in time; limits are short to get on with it, and every
wait has a guard against hanging.
"""

import trio
import pytest

from tests.fakes.bad_network import BadNetwork, bad_network
from tests.fakes.life import Service, living, quick, service
from voiced.notices import Moment, Phase


async def test_a_server_killed_in_mid_answer_and_started_again() -> None:
    async with (
        service(answers=["[tone 3000]", "[tone 200]"]) as server,
        living(quick(server.port), server.user) as life,
    ):
        await life.until(Moment.READY)
        life.user.says(300)
        item = (await life.until(Moment.FIRST_SOUND)).item_id
        await server.watch.until("response.output_audio.delta", count=4)  # a second
        server.is_killed()
        await life.until(Moment.COOLING)
        assert life.daemon.board.phase.phase is Phase.COOLING_DOWN
        played = await life.until(Moment.PLAYED)
        assert played.item_id == item
        assert played.heard_ms >= 750, "what is here is spoken"
        server.answers = ["[tone 200]"]
        await server.starts()
        await life.until(Moment.READY)
        assert life.daemon.board.status.context == "2 items restored"
        await life.asks()

    kinds = [event["type"] for event in server.told(1)]
    carried = [n for n, kind in enumerate(kinds) if kind == "conversation.item.create"]
    assert len(carried) == 2
    assert carried[-1] < kinds.index("input_audio_buffer.append")
