"""One session: a client's events in, one after another, each carried out before the next.

Law of this file: the reading task. It never waits for an answer to be generated, so pongs flow and
an interruption is acted upon at once. Refusals become `error` events here and nowhere else.
"""

from collections.abc import Callable
from typing import Final

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection
from wsproto.utilities import LocalProtocolError

from voiced.local import items, validation
from voiced.local.answering import Answering
from voiced.local.conversation import Item
from voiced.local.desk import Desk
from voiced.local.faults import Fault, Moment
from voiced.local.idle import IdleWatch
from voiced.local.line import Ending
from voiced.local.listening import Listening
from voiced.local.refusals import Refusal
from voiced.local.settings import Settings
from voiced.local.wire import Json, new_id

_MOST_LATE_UPDATES: Final = 64
_QUIETLY_GONE: Final = (ConnectionClosed, LocalProtocolError, trio.ClosedResourceError)


@define(eq=False)
class Session:
    """A desk, and the two who work at it."""

    desk: Desk
    _listening: Listening = field(init=False)
    _answering: Answering = field(init=False)
    _late: trio.MemorySendChannel[tuple[float, Json]] = field(init=False)
    """Updates that are yet to be acknowledged, if that takes a while."""

    def __attrs_post_init__(self) -> None:
        self._listening = Listening(self.desk, self._user_speaks, self._user_has_spoken)
        idle = IdleWatch(self.desk.nursery)
        self._answering = Answering(self.desk, idle, self._listening.time_out)

    async def run(self, socket: WebSocketConnection) -> None:
        """Hold the session until the client or the line ends it."""
        desk = self.desk
        desk.mischief.strike(Moment.CONNECTED)
        await trio.sleep(desk.options.created_delay_ms / 1000)
        desk.line.emit("session.created", session=desk.settings.echo())
        desk.mischief.strike(Moment.CREATED)
        desk.nursery.start_soon(self._ping, socket)
        desk.nursery.start_soon(self._expire)
        self._late, late = trio.open_memory_channel[tuple[float, Json]](_MOST_LATE_UPDATES)
        desk.nursery.start_soon(self._acknowledge_late, late)
        try:
            while not desk.mischief.stopped_reading:
                await self._take(await socket.get_message())
        except _QUIETLY_GONE:
            desk.line.end(Ending())
        await trio.sleep_forever()

    async def _ping(self, socket: WebSocketConnection) -> None:
        """Ping now and then; the next one only after the pong."""
        try:
            while True:
                await trio.sleep(self.desk.options.ping_interval_s)
                await socket.ping()
        except _QUIETLY_GONE:
            pass  # the reading task has noticed, or will

    async def _expire(self) -> None:
        await trio.sleep(self.desk.options.session_limit_s)
        self.desk.mischief.expire(max(round(self.desk.options.session_limit_s / 60), 1))

    # --- events ---

    async def _take(self, message: str | bytes) -> None:
        """Carry out one frame, or refuse it."""
        try:
            event = validation.parse(message)
        except Refusal as refusal:
            self.desk.line.heard({"type": "", "raw": message})
            self._refuse(refusal, None)
            return
        self.desk.line.heard(event)
        try:
            validation.check(event)
            await self._carry_out(event)
        except Refusal as refusal:
            named = event.get("event_id")
            self._refuse(refusal, named if isinstance(named, str) else None)

    def _refuse(self, refusal: Refusal, blamed: str | None) -> None:
        event_id = None if self.desk.options.null_error_event_id else blamed
        self.desk.line.emit("error", error=refusal.error(event_id))

    async def _carry_out(self, event: Json) -> None:
        if event["type"] == "input_audio_buffer.append":
            await self._listening.append(event["audio"])
            return
        carry_out: dict[str, Callable[[Json], None]] = {
            "session.update": self._update,
            "input_audio_buffer.commit": lambda _: self._listening.commit(),
            "input_audio_buffer.clear": lambda _: self._listening.clear(),
            "conversation.item.create": self._create_item,
            "conversation.item.truncate": self._truncate_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.retrieve": self._retrieve_item,
            "response.create": lambda event: self._answering.create(event.get("response", {})),
            "response.cancel": lambda event: self._answering.cancel(event.get("response_id")),
        }
        carry_out[event["type"]](event)

    def _update(self, event: Json) -> None:
        desk = self.desk
        before = desk.settings
        update = event["session"]
        desk.settings = before.updated(update, has_spoken=desk.conversation.has_spoken)
        self._listening.retune(before)
        if desk.options.updated_delay_ms:
            self._acknowledge_later(desk.settings.echo())
        else:
            self._acknowledge(desk.settings.echo())
        self._list_mcp_tools(before)

    def _acknowledge_later(self, session: Json) -> None:
        due_s = trio.current_time() + self.desk.options.updated_delay_ms / 1000
        try:
            self._late.send_nowait((due_s, session))
        except trio.WouldBlock:  # nobody updates that often; whoever does is not served
            self.desk.mischief.drop()

    async def _acknowledge_late(self, late: trio.MemoryReceiveChannel[tuple[float, Json]]) -> None:
        """Acknowledge updates in their order, each as late as the options say."""
        async for due_s, session in late:
            await trio.sleep_until(due_s)
            self._acknowledge(session)

    def _acknowledge(self, session: Json) -> None:
        if not self.desk.mischief.has(Fault.NO_UPDATED):
            self.desk.line.emit("session.updated", session=session)
        self.desk.mischief.strike(Moment.UPDATED)

    def _list_mcp_tools(self, before: Settings) -> None:
        """Say that MCP servers newly named cannot be reached: nothing here leaves the machine."""
        desk = self.desk
        known = before.mcp_servers
        for label in [one for one in desk.settings.mcp_servers if one not in known]:
            face = {"id": new_id("item"), "type": "mcp_list_tools", "server_label": label}
            item = Item({**face, "tools": []})
            previous = desk.conversation.append(item)
            place = {"previous_item_id": previous, "item": item.face}
            desk.line.emit("conversation.item.added", **place)
            desk.line.emit("mcp_list_tools.in_progress", item_id=item.id)
            desk.line.emit("mcp_list_tools.failed", item_id=item.id)
            desk.line.emit("conversation.item.done", **place)

    def _create_item(self, event: Json) -> None:
        desk = self.desk
        item = items.from_client(event["item"], desk.settings.input_format)
        previous = desk.conversation.insert(item, event.get("previous_item_id"))
        desk.line.emit("conversation.item.added", previous_item_id=previous, item=item.face)
        desk.line.emit("conversation.item.done", previous_item_id=previous, item=item.face)
        if item.heard is not None:
            self._listening.understand(item)

    def _truncate_item(self, event: Json) -> None:
        place = event["item_id"], event["content_index"], event["audio_end_ms"]
        self.desk.conversation.truncate(*place)
        self.desk.line.emit(
            "conversation.item.truncated",
            item_id=place[0],
            content_index=place[1],
            audio_end_ms=place[2],
        )

    def _delete_item(self, event: Json) -> None:
        self.desk.conversation.delete(event["item_id"])
        self.desk.line.emit("conversation.item.deleted", item_id=event["item_id"])

    def _retrieve_item(self, event: Json) -> None:
        wire = self.desk.settings.input_format
        item = self.desk.conversation.retrieve(event["item_id"], wire)
        self.desk.line.emit("conversation.item.retrieved", item=item)

    # --- turns ---

    def _user_speaks(self) -> None:
        self._answering.idle.disarm()
        if self.desk.settings.interrupts_responses:
            self._answering.interrupt()

    def _user_has_spoken(self) -> None:
        if not self.desk.settings.creates_responses:
            return
        try:
            self._answering.answer_turn()
        except Refusal as refusal:  # interrupting is off: nobody's event is to blame
            self._refuse(refusal, None)
