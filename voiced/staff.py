"""Those who serve the owner rather than the conversation, each where it is wanted; None: it is not.

Belongs here: whether there is one, and what it is given. Who they are, their own files say.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import trio

from voiced.account.budget import Budget
from voiced.actors.accountant import Accountant
from voiced.actors.archivist import Archivist
from voiced.actors.attendant import Attendant
from voiced.actors.doorman import Doorman
from voiced.actors.lamplighter import Lamplighter
from voiced.actors.lookout import Lookout
from voiced.actors.meter import Meter
from voiced.actors.operator import Operator
from voiced.actors.porter import Porter
from voiced.actors.warden import Warden
from voiced.actors.watchman import Watchman
from voiced.config.whole import Config
from voiced.counts import Counts
from voiced.link.absence import Absence
from voiced.link.memory import Memory
from voiced.link.mute_switch import MuteSwitch
from voiced.link.progress import Glance, Part
from voiced.link.wake import Spotted
from voiced.metrics.histogram import Durations
from voiced.notices import Device, NoticeBoard
from voiced.outside import Ports
from voiced.panel_ports import OpenButtons, OpenPanel
from voiced.ports import OpenDevice
from voiced.tallies import Tallies
from voiced.terms import budget_from, prices_from

D = TypeVar("D", bound=OpenDevice)


def accountant_from(config: Config, ports: Ports, board: NoticeBoard, counts: Counts) -> Accountant:
    """Whoever keeps account of what is spent; there always is one."""
    return Accountant(
        board=board,
        counts=counts,
        prices=prices_from(config),
        budget=Budget(budget_from(config)),
        now=ports.now,
        books=ports.books,
    )


def archivist_from(config: Config, ports: Ports, memory: Memory) -> Archivist | None:
    """Whoever keeps the conversation, if the owner wants that; else nothing stays of it. It blocks for a
    moment: nothing else lives yet.
    """
    archive = ports.archive
    if archive is None:
        return None
    if not config.privacy.keep_context:
        archive.remove()
        return None
    archivist = Archivist(memory, archive, config.realtime.carry_over_tokens)
    if not memory.changes:  # else it holds what the archive does, and more
        archivist.begin()
    return archivist


def doorman_from(
    config: Config, ports: Ports, called: Callable[[Spotted], object]
) -> Doorman | None:
    """Whoever listens for words, where they begin conversations."""
    if not config.activation.by_word or ports.wake_word is None:
        return None
    return Doorman(ports.wake_word, called)


def lookout_from(ports: Ports, board: NoticeBoard) -> Lookout | None:
    """Whoever sees what probes have found, where there is a place that they keep it in."""
    return None if ports.probes is None else Lookout(board, ports.probes)


def meter_from(
    config: Config, ports: Ports, board: NoticeBoard, durations: Durations, tallies: Tallies
) -> Meter | None:
    """Whoever tells monitoring about us, if anybody wants to know."""
    if ports.metrics_server is None and ports.metrics_file is None:
        return None
    return Meter(
        board=board,
        durations=durations,
        tallies=tallies.all,
        losses=tallies.losses(),
        now=ports.now,
        resources=ports.resources,
        server=ports.metrics_server,
        file=ports.metrics_file,
        file_every_s=config.metrics.textfile_every_s,
    )


def warden_from(ports: Ports, board: NoticeBoard, switch: MuteSwitch) -> Warden | None:
    """Whoever remembers that the room is muted, where there is a place for that."""
    if ports.mute_keeper is None:
        return None
    return Warden(board, ports.mute_keeper, by_somebody=lambda: switch.by_others)


def panel_from(
    config: Config, ports: Ports, board: NoticeBoard, counts: Counts, operator: Operator
) -> Attendant[OpenPanel] | None:
    """Whoever keeps the panel, where there is one: its buttons are served, its lamps lit."""
    if ports.panel is None:
        return None
    porter = Porter(operator)
    lamplighter = Lamplighter(board, lambda: operator.muted)

    async def use(panel: OpenPanel) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(porter.serve, panel, name="porter")
            nursery.start_soon(lamplighter.serve, panel, name="lamplighter")

    return _hands(Device.PANEL, ports.panel.open, use, config, board, counts)


def keys_from(
    config: Config, ports: Ports, board: NoticeBoard, counts: Counts, operator: Operator
) -> Attendant[OpenButtons] | None:
    """Whoever keeps the keys of an input device, where some count."""
    if ports.keys is None:
        return None
    return _hands(Device.KEYS, ports.keys.open, Porter(operator).serve, config, board, counts)


def _hands(
    device: Device,
    open: Callable[[], AbstractAsyncContextManager[D]],  # noqa: A002  as the Attendant has it
    use: Callable[[D], Awaitable[None]],
    config: Config,
    board: NoticeBoard,
    counts: Counts,
) -> Attendant[D]:
    """One that is waited for as long as it takes: without it, one can still talk."""
    pauses = config.devices
    return Attendant(
        device=device,
        open=open,
        use=use,
        do_without=trio.sleep_forever,
        absence=Absence(
            pauses.first_pause_s, pauses.longest_pause_s, float("inf"), waits_at_start=True
        ),
        board=board,
        counts=counts,
    )


def watchman_from(
    config: Config,
    ports: Ports,
    board: NoticeBoard,
    glances: Callable[[], Mapping[Part, Glance]],
) -> Watchman | None:
    """Whoever tells the service manager about us, where there is one."""
    if ports.manager is None:
        return None
    return Watchman(
        manager=ports.manager,
        board=board,
        glances=glances,
        device_stall_s=config.devices.stall_ms / 1000,
    )
