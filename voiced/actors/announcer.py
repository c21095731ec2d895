"""Announcer: tells the room what became of the link, when nobody else can."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NoReturn

import attrs
import trio

from voiced.actors.own_sound import playout_of
from voiced.audio import earcons
from voiced.channel import Channel, WhenFull
from voiced.counts import Counts
from voiced.faults import VoiceError
from voiced.link.announcements import Announcement, Announcements, Link
from voiced.messages import Heard, Kind, Playout
from voiced.notices import Happened, Moment, NoticeBoard
from voiced.ports import Voice

log = logging.getLogger(__name__)

_FULL_S: Final = 5.0  # eight answers wait: there is nothing that the room needs to be told now

_LINK: Final[Mapping[Moment, Link]] = MappingProxyType(
    {
        Moment.DIALLING: Link.AWAY,
        Moment.COOLING: Link.AWAY,
        Moment.READY: Link.OPEN,
        Moment.GAVE_UP: Link.GIVEN_UP,
        Moment.INACTIVE: Link.STOPPED,  # on purpose: there is nothing to be told
        Moment.STOPPED: Link.STOPPED,
    }
)
"""The moments that tell what became of the link."""

_EARCONS: Final[Mapping[Announcement, tuple[earcons.Note, ...]]] = MappingProxyType(
    {
        Announcement.CONNECTING: earcons.CONNECTING,
        Announcement.LOST: earcons.LOST,
        Announcement.UNREACHABLE: earcons.UNREACHABLE,
        Announcement.BACK: earcons.BACK,
    }
)


@attrs.define(eq=False)
class _UnderWay:
    """An announcement on its way to the ear."""

    announcement: Announcement
    playout: Playout


@attrs.define(eq=False)
class Announcer:
    """Plays an announcement when one is due: in line with the answers, and never two at a time.

    Receives: every moment, from the board. Says: `playouts` of its own kind. Loses, counted: what is
    outdated when its turn comes, or hushed. Ends: never by itself.
    """

    playouts: Channel[Playout]
    board: NoticeBoard
    counts: Counts
    voice: Voice | None  # None: tones
    words: Mapping[Announcement, str]
    announcements: Announcements = attrs.field(factory=Announcements)
    _sounds: dict[Announcement, bytes] = attrs.field(factory=dict, init=False, repr=False)
    _heard: Channel[Heard] = attrs.field(init=False)
    _under_way: _UnderWay | None = attrs.field(default=None, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._heard = Channel("heard announcements", 1, WhenFull.DROP_NEWEST)
        self.board.follow(self._note)

    async def run(self) -> NoReturn:
        """Announce what is due, for ever."""
        while True:
            announcement = await self._next()
            sound = await self._sound_of(announcement)
            if self.announcements.due(trio.current_time()) is announcement:
                await self._announce(announcement, sound)

    def hush(self) -> bool:
        """Silence what is being announced or waits to be; it counts as heard. False if nothing is."""
        under_way = self._under_way
        if under_way is None:
            return False
        self.announcements.heard(under_way.announcement, trio.current_time())
        under_way.playout.scope.cancel()
        return True

    async def _next(self) -> Announcement:
        """Wait until something is due."""
        while (due := self.announcements.due(trio.current_time())) is None:
            self._news = trio.Event()
            with trio.move_on_at(self.announcements.wakes_at_s):
                await self._news.wait()
        return due

    async def _announce(self, announcement: Announcement, sound: bytes) -> None:
        """Have it played, and wait until that is over."""
        playout = playout_of(sound, Kind.ANNOUNCEMENT, announcement.value, self._heard)
        if not self.playouts.offer(playout):
            log.warning("announcement dropped which=%s: too many answers wait", announcement.value)
            await trio.sleep(_FULL_S)
            return
        self._under_way = _UnderWay(announcement, playout)
        heard = await self._heard.receive()
        self._under_way = None
        if heard.whole:
            self.counts.announcements += 1
            self.announcements.heard(announcement, trio.current_time())
        else:
            self.counts.announcements_unheard += 1

    async def _sound_of(self, announcement: Announcement) -> bytes:
        """In words if there is a voice; it is asked once for each."""
        if announcement not in self._sounds:
            self._sounds[announcement] = await self._say(announcement) or earcons.render(
                _EARCONS[announcement]
            )
        return self._sounds[announcement]

    async def _say(self, announcement: Announcement) -> bytes:
        """The words, or nothing; a voice that failed once is not asked again."""
        if self.voice is None:
            return b""
        try:
            return await self.voice.speak(self.words[announcement])
        except VoiceError as error:
            log.warning("announcements are tones from now on: %s", error)
            self.voice = None
            return b""

    def _note(self, happened: Happened) -> None:
        """Follow the link; take back what is outdated before it sounds."""
        now_s = trio.current_time()
        if happened.moment is Moment.SPEECH_START:
            self.hush()
            self.announcements.user_speaks(now_s)
        elif (link := _LINK.get(happened.moment)) is not None:
            self.announcements.link_is(link, now_s)
            self._take_back(now_s)
            self._news.set()

    def _take_back(self, now_s: float) -> None:
        under_way = self._under_way
        if (
            under_way is not None
            and not under_way.playout.heard_so_far()
            and self.announcements.due(now_s) is not under_way.announcement
        ):
            under_way.playout.scope.cancel()
