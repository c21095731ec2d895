"""The road to the service, step by step: the name, the socket, the proxy, TLS, the key, the session, sound.

The steps before the session are tried one by one, so that the first that fails is named. The rest is one
visit, on the road that the daemon goes.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import attrs
import trio

from voiced import hardware, outside, terms
from voiced.config.whole import Config
from voiced.doctor.examination import Check
from voiced.doctor.explaining import explained, is_about_the_key
from voiced.doctor.finding import Finding, Verdict
from voiced.doctor.microphone import microphone_sound
from voiced.doctor.visit import FIRM_S, Stage, Visit, silence
from voiced.edges.portaudio import PortAudio
from voiced.edges.proxy import Proxies, Proxy
from voiced.edges.transport import Route, certificate_days, open_stream, reason_of
from voiced.edges.voice import find_voice
from voiced.faults import LinkError, LinkRefused, Trouble, VoiceError

QUESTION: Final = "What time is it?"

_FIRM_LIMIT_S: Final = 30.0  # 5 s of sound, and what a stuck link takes to be noticed
_TURN_LIMIT_S: Final = 60.0
_SHOWN: Final = 3  # of a host's addresses


@attrs.define(eq=False, kw_only=True)
class Road:
    """The road that the settings describe. The visit begins when the first check wants to know of it."""

    config: Config
    environ: Mapping[str, str]
    nursery: trio.Nursery  # where the visit takes place; whoever opened it ends what goes on there
    takes_turn: bool = False
    uses_microphone: bool = False
    firm_s: float = FIRM_S
    _visit: Visit | None = attrs.field(default=None, init=False)
    _speechless: str = attrs.field(default="", init=False)  # why no question can be asked

    def checks(self) -> list[Check]:
        """In the order of the road; all stand on the check `config`."""
        return [
            Check("name", self._name, needs=("config",)),
            Check("socket", self._socket, needs=("name",)),
            Check("proxy", self._proxy, needs=("socket",)),
            Check("tls", self._tls, needs=("socket", "proxy")),
            Check(Stage.ANSWERED.value, self._answered, needs=("tls",)),
            Check("key", self._key, needs=(Stage.ANSWERED.value,)),
            Check(Stage.CREATED.value, self._created, needs=(Stage.ANSWERED.value, "key")),
            Check(Stage.UPDATED.value, self._updated, needs=(Stage.CREATED.value,)),
            Check(Stage.FIRM.value, self._firm, (Stage.UPDATED.value,), _FIRM_LIMIT_S),
            Check(Stage.HEARD.value, self._heard, (Stage.FIRM.value,), _TURN_LIMIT_S),
        ]

    # --- as far as the service's door ---

    async def _name(self) -> Finding:
        host, port = self._first_hop()
        with self._within(f"{host}: no answer from the name service", Trouble.NAME):
            try:
                found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (socket.gaierror, UnicodeError) as error:  # the latter: no name can be like that
                raise LinkError(f"{host}: {reason_of(error)}", Trouble.NAME) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        more = f" and {len(addresses) - _SHOWN} more" if len(addresses) > _SHOWN else ""
        return _fine(f"{host} is {', '.join(addresses[:_SHOWN])}{more}", addresses=len(addresses))

    async def _socket(self) -> Finding:
        host, port = self._first_hop()
        await self._open(host, port, secure=False, route=Route())
        what = "the proxy" if self._proxy_on_the_way() else "the service"
        return _fine(f"{what} can be reached at {host}, port {port}")

    async def _proxy(self) -> Finding:
        proxy = self._proxy_on_the_way()
        if proxy is None:
            return _skipped("none on this way")
        host, port, _ = self._service()
        # As if the service were not secure: what is looked at here ends where the tunnel begins.
        tunnel = attrs.evolve(self._route(), proxies=Proxies(for_plain=proxy))
        await self._open(host, port, secure=False, route=tunnel)
        return _fine(f"{proxy} lets us reach {host}, port {port}")

    async def _tls(self) -> Finding:
        host, port, secure = self._service()
        if not secure:
            return _skipped("not encrypted: [realtime] url begins with ws://")
        days = await self._open(host, port, secure=True, route=self._route())
        return _fine(
            f"the certificate of {host} is trusted, and good for {days} days", days_left=days
        )

    async def _open(self, host: str, port: int, *, secure: bool, route: Route) -> int:
        """Connect and hang up; give the days that the certificate is good for."""
        with self._within(f"{host}, port {port}: no connection", Trouble.UNREACHABLE):
            stream = await open_stream(host, port, secure=secure, route=route)
            days = certificate_days(stream) if secure else 0
            await trio.aclose_forcefully(stream)
            return days
        raise AssertionError  # for mypy: _within raises

    @contextmanager
    def _within(self, told: str, trouble: Trouble) -> Iterator[None]:
        """As long as the daemon would wait."""
        limit_s = self.config.uplink.socket_limit_s
        with trio.move_on_after(limit_s) as scope:
            yield
        if scope.cancelled_caught:
            raise LinkError(f"{told} within {limit_s:g} s", trouble)

    def _service(self) -> tuple[str, int, bool]:
        parts = urlsplit(self.config.realtime.url)
        secure = parts.scheme == "wss"
        return str(parts.hostname), parts.port or (443 if secure else 80), secure

    def _route(self) -> Route:
        return outside.route_from(self.config, self.environ)

    def _proxy_on_the_way(self) -> Proxy | None:
        host, port, secure = self._service()
        return self._route().proxies.on_the_way_to(host, port, secure=secure)

    def _first_hop(self) -> tuple[str, int]:
        """Whom we knock at first: behind a proxy, it is the proxy that resolves the service's name."""
        proxy = self._proxy_on_the_way()
        return self._service()[:2] if proxy is None else (proxy.host, proxy.port)

    # --- the visit ---

    async def _answered(self) -> Finding:
        visit = await self._begun()
        if await visit.came_to(Stage.ANSWERED):
            took_ms = visit.reached_ms[Stage.ANSWERED]
            return _fine("the service speaks WebSocket with us", connected_ms=took_ms)
        if visit.fault is not None and is_about_the_key(visit.fault):
            if isinstance(visit.fault, LinkRefused):
                return _fine(f"the service answers (HTTP {visit.fault.status})")
            return _skipped("nobody knocks without a key")
        return self._failed(visit)

    async def _key(self) -> Finding:
        visit = await self._begun()
        if await visit.came_to(Stage.CREATED):
            return _fine("the service takes it")
        if visit.fault is not None and is_about_the_key(visit.fault):
            return self._failed(visit)
        return _skipped("the service broke off before it said whether it takes the key")

    async def _created(self) -> Finding:
        visit = await self._begun()
        if not await visit.came_to(Stage.CREATED):
            return self._failed(visit)
        took_ms = visit.reached_ms[Stage.CREATED]
        return _fine(
            f"{visit.session_id} after {took_ms:.0f} ms",
            created_ms=took_ms,
            session=visit.session_id,
        )

    async def _updated(self) -> Finding:
        visit = await self._begun()
        if not await visit.came_to(Stage.UPDATED):
            return self._failed(visit)
        session = None if visit.line is None else visit.line.session
        settings = None if session is None else session.settings
        model = "" if settings is None else settings.model
        voice = "" if session is None else session.voice or ""
        detection = "" if session is None else session.turn_detection or ""
        return _fine(
            f"model {model}, voice {voice}, turns by {detection}",
            updated_ms=visit.reached_ms[Stage.UPDATED],
        )

    async def _firm(self) -> Finding:
        visit = await self._begun()
        if not await visit.came_to(Stage.FIRM):
            return self._failed(visit, before=f"after {visit.sent_ms / 1000:.1f} s of sound:")
        what = "the microphone" if self.uses_microphone else "silence"
        return _fine(
            f"{visit.sent_ms / 1000:.1f} s of {what}, and the session goes on",
            sent_ms=visit.sent_ms,
        )

    async def _heard(self) -> Finding:
        if not self.takes_turn:
            return _skipped("not asked for: --turn speaks to the service")
        visit = await self._begun()
        if self._speechless:
            return _skipped(self._speechless)
        if not await visit.came_to(Stage.HEARD):
            return self._failed(visit)
        first_ms = visit.first_audio_ms or 0.0
        return _fine(
            f'the first sound of the answer to "{QUESTION}" came {first_ms:.0f} ms after it',
            first_audio_ms=first_ms,
        )

    async def _begun(self) -> Visit:
        if self._visit is None:
            self._visit = visit_from(
                self.config,
                self.environ,
                firm_s=self.firm_s,
                speech=await self._speech(),
                uses_microphone=self.uses_microphone,
            )
            self.nursery.start_soon(self._visit.run, name="visit")
        return self._visit

    async def _speech(self) -> bytes:
        if not self.takes_turn:
            return b""
        try:
            return await find_voice(self.config.notices.language).speak(QUESTION)
        except VoiceError as error:
            self._speechless = str(error)
            return b""

    def _failed(self, visit: Visit, before: str = "") -> Finding:
        assert visit.fault is not None  # noqa: S101  it ended, and not where it should
        figures = {"session": visit.session_id} if visit.session_id else {}
        return explained(visit.fault, before=before, reference=visit.reference, figures=figures)


def visit_from(
    config: Config,
    environ: Mapping[str, str],
    *,
    firm_s: float = FIRM_S,
    speech: bytes = b"",
    uses_microphone: bool = False,
) -> Visit:
    """One as the settings want sessions to be."""
    sound = silence
    if uses_microphone:
        microphone = hardware.microphone_from(config, PortAudio())
        sound = partial(microphone_sound, microphone, config.capture.channel)
    return Visit(
        dialler=partial(outside.dialler_from, config, environ),
        opening=terms.opening_from(config),
        server_answers=terms.policy_from(config).server_answers,
        sound=sound,
        firm_s=firm_s,
        speech=speech,
    )


def _fine(seen: str, **figures: float | int | str) -> Finding:
    return Finding(check="", verdict=Verdict.OK, seen=seen, figures=figures)


def _skipped(seen: str) -> Finding:
    return Finding(check="", verdict=Verdict.SKIPPED, seen=seen)
