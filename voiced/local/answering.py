"""The speaking side of a session: which responses there are, and which may begin.

Law of this file: one response at a time in the conversation, a few beside it. It decides; a
`Response` does.
"""

from collections.abc import Callable

import trio
from attrs import define, field

from voiced.local import items, refusals
from voiced.local.conversation import Item
from voiced.local.desk import Desk
from voiced.local.heard import Heard
from voiced.local.idle import IdleWatch
from voiced.local.response import Response
from voiced.local.terms import terms
from voiced.local.wire import Json


@define(eq=False)
class Answering:
    """All responses of one session."""

    desk: Desk
    idle: IdleWatch
    on_idle: Callable[[], None]
    """Called when the user has been quiet for as long as the client allows."""
    active: Response | None = field(init=False, default=None)
    """The response of the conversation that is being generated."""
    _aside: list[Response] = field(init=False, factory=list)
    """Out-of-band responses that are being generated."""
    _count: int = field(init=False, default=0)

    def create(self, request: Json) -> None:
        """Carry out a ``response.create``.

        Raises:
            Refusal: it may not begin now.
        """
        if self.desk.settings.transcribes_only:
            raise refusals.no_responses_here()
        in_band = request.get("conversation", "auto") == "auto"
        context = self._context(request)
        if in_band:
            self._refuse_second()
        elif len(self._aside) >= self.desk.options.max_out_of_band:
            raise refusals.too_many_responses(self.desk.options.max_out_of_band)
        self._start(request, context, in_band=in_band)

    def answer_turn(self) -> None:
        """Answer a turn that server VAD found.

        Raises:
            Refusal: another response is active (interrupting was switched off).
        """
        if self.active is not None:
            self.active.confirm()  # one that was interrupted may still owe its end
        self._refuse_second()
        self._start({}, list(self.desk.conversation), in_band=True)

    def cancel(self, response_id: str | None) -> None:
        """Carry out a ``response.cancel``.

        Raises:
            Refusal: there is nothing to cancel.
        """
        running = [*([self.active] if self.active else []), *self._aside]
        chosen = self.active
        if response_id is not None:
            chosen = next((one for one in running if one.id == response_id), None)
        if chosen is None:
            raise refusals.nothing_to_cancel()
        chosen.cancel("client_cancelled")

    def interrupt(self) -> None:
        """Stop generating for the conversation, since the user speaks."""
        if self.active is not None:
            self.active.cancel("turn_detected")

    def _refuse_second(self) -> None:
        if self.active is not None:
            raise refusals.already_responding(self.active.id)

    def _start(self, request: Json, context: list[Item], *, in_band: bool) -> None:
        self._count += 1
        response = Response(
            self.desk,
            terms(self.desk.settings, request),
            context,
            self._count,
            in_band,
            self._is_over,
        )
        if in_band:
            self.active = response
            self.idle.disarm()
        else:
            self._aside.append(response)
        response.begin()
        self.desk.nursery.start_soon(response.run)

    def _is_over(self, response: Response) -> None:
        if response is not self.active:
            self._aside.remove(response)
            return
        self.active = None
        quiet_ms = self.desk.settings.idle_timeout_ms
        if quiet_ms is not None:
            played_s = max(trio.current_time(), response.plays_until_s)
            self.idle.arm(played_s + quiet_ms / 1000, self.on_idle)

    def _context(self, request: Json) -> list[Item]:
        """Return the items the response is to answer: the conversation, unless others are given."""
        given = request.get("input")
        if given is None:
            return list(self.desk.conversation)
        context = []
        for index, one in enumerate(given):
            path = f"response.input[{index}]"
            if one["type"] != "item_reference":
                context.append(self._foreign(one, path))
                continue
            found = self.desk.conversation.find(one["id"])
            if found is None:
                raise refusals.invalid(f"{path}.id", f"Item with id '{one['id']}' does not exist.")
            context.append(found)
        return context

    def _foreign(self, given: Json, path: str) -> Item:
        """Make an item that only this response knows."""
        item = items.from_client(given, self.desk.settings.input_format, path)
        if item.heard is not None:
            item.heard = Heard()
            item.heard.settle(next(filter(None, map(_transcript, item.face["content"])), ""))
        return item


def _transcript(part: Json) -> str:
    text: str | None = part.get("transcript")
    return text or ""
