"""Doing what the fault plans say.

Law of this file: acts only, each a few lines, each once per session. Faults that replace behaviour
(an update never acknowledged, a response that fails) are asked for with `has` where they bite.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Final

import trio
from attrs import define, field

from voiced.local import refusals
from voiced.local.faults import Fault, FaultPlan, Moment
from voiced.local.line import Ending, Line
from voiced.local.wire import new_id

_HUGE_BYTES: Final = 3 << 20  # 4 MB as base64
_MINUTES: Final = 60


@define(eq=False)
class Mischief:
    """The faults of one session."""

    line: Line
    session_id: str
    nursery: trio.Nursery
    stopped_reading: bool = field(init=False, default=False)
    _plans: list[FaultPlan] = field(init=False)
    """Those that have not struck."""

    def __attrs_post_init__(self) -> None:
        self._plans = [
            plan for plan in self.line.options.faults if plan.concerns(self.line.session)
        ]

    def has(self, fault: Fault, response: int = 0) -> bool:
        """Whether behaviour is to be replaced, in this response."""
        session = self.line.session
        return any(plan.fault is fault and plan.concerns(session, response) for plan in self._plans)

    def strike(self, moment: Moment, *, reached: int = 0, response: int = 0) -> None:
        """Do what is due at this moment.

        Args:
            moment: What has just happened.
            reached: How many appends, or how many ms of answer were sent.
            response: In which response, counted from 1.
        """
        for plan in [plan for plan in self._plans if plan.fault in _ACTS]:
            if plan.moment is not moment or not plan.concerns(self.line.session, response):
                continue
            if moment is Moment.APPENDS and reached < plan.after_appends:
                continue
            if moment is Moment.MID_ANSWER and reached < plan.after_ms:
                continue
            self._plans.remove(plan)
            if plan.after_ms and moment is not Moment.MID_ANSWER:
                self.nursery.start_soon(self._later, plan)
            else:
                _ACTS[plan.fault](self)

    async def _later(self, plan: FaultPlan) -> None:
        await trio.sleep(plan.after_ms / 1000)
        _ACTS[plan.fault](self)

    def say_error(self, refusal: refusals.Refusal) -> None:
        """Say an error that nobody is to blame for."""
        self.line.emit("error", error=refusal.error(None))

    def expire(self, minutes: int = _MINUTES) -> None:
        """End the session as every session ends at last."""
        over = refusals.session_expired(minutes)
        self.say_error(over)
        self.line.end(Ending(1001, over.message))

    def drop(self) -> None:
        """End TCP without a word."""
        self.line.end(Ending())

    def stop_reading(self) -> None:
        """Let the socket fill."""
        self.stopped_reading = True

    def fail_politely(self) -> None:
        """Say that the server had an error, and close."""
        self.say_error(refusals.server_error(self.session_id))
        self.line.end(Ending(1011, "server_error"))

    def fail_abruptly(self) -> None:
        """Say that the server had an error, and vanish."""
        self.say_error(refusals.server_error(self.session_id))
        self.drop()

    def say_something_huge(self) -> None:
        """Say a well-formed event of 4 MB."""
        audio = base64.b64encode(bytes(_HUGE_BYTES)).decode()
        part = {"type": "input_audio", "audio": audio, "transcript": None}
        item = {"id": new_id("item"), "type": "message", "role": "user", "status": "completed"}
        self.line.emit("conversation.item.retrieved", item={**item, "content": [part]})

    def say_orphan(self) -> None:
        """Say audio of an item that was never announced."""
        self.line.emit(
            "response.output_audio.delta",
            response_id=new_id("resp"),
            item_id=new_id("item"),
            output_index=0,
            content_index=0,
            delta=base64.b64encode(bytes(960)).decode(),
        )


_ACTS: Final[Mapping[Fault, Callable[[Mischief], None]]] = {
    Fault.DROP_AFTER_CREATED: Mischief.drop,
    Fault.DROP_AFTER_UPDATED: Mischief.drop,
    Fault.DROP_AFTER_APPENDS: Mischief.drop,
    Fault.DROP_MID_ANSWER: Mischief.drop,
    Fault.MUTE: lambda self: self.line.mute(),
    Fault.STOP_READING: Mischief.stop_reading,
    Fault.SERVER_ERROR_1011: Mischief.fail_politely,
    Fault.SERVER_ERROR_1006: Mischief.fail_abruptly,
    Fault.SESSION_EXPIRED: Mischief.expire,
    Fault.QUOTA_ERROR: lambda self: self.say_error(refusals.quota_exceeded()),
    Fault.UNSOLICITED_ACTIVE_RESPONSE: lambda self: self.say_error(
        refusals.already_responding(new_id("resp"))
    ),
    Fault.UNKNOWN_EVENT: lambda self: self.line.emit("response.reverie.delta", delta="..."),
    Fault.MALFORMED_JSON: lambda self: self.line.raw('{"type":"response.output_audio.delta","de'),
    Fault.BINARY_FRAME: lambda self: self.line.raw(bytes(range(256))),
    Fault.HUGE_EVENT: Mischief.say_something_huge,
    Fault.ORPHAN_DELTA: Mischief.say_orphan,
}
