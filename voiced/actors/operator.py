"""What people may have done, and how each command of the control language asks for it.

Belongs here: who is asked, and the sentence for whoever asks in vain. Reading lines and writing replies
is the Steward's.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias

from voiced.control import commands
from voiced.control.rpc import Code
from voiced.faults import ConfigError


class Operator(Protocol):
    """Who does what people want. Each is done at once; False, if it would do nothing now."""

    @property
    def active(self) -> bool:
        """Whether there is to be a conversation."""

    @property
    def muted(self) -> bool:
        """Whether nothing is heard."""

    @property
    def muted_by_switch(self) -> bool:
        """Whether that is so by the mute switch, which alone can change it."""

    def activate(self) -> bool:
        """Begin a conversation."""

    def deactivate(self) -> bool:
        """End it, and forget it."""

    def mute(self) -> bool:
        """Hear nothing more."""

    def unmute(self) -> bool:
        """Hear again."""

    def turn_mute_switch(self, *, muted: bool) -> bool:
        """The mute switch stands like this now. While it says so, nobody can unmute."""

    def press(self) -> bool:
        """Put the talk button down."""

    def release(self) -> bool:
        """Let the talk button go."""

    def interrupt(self) -> bool:
        """Silence what sounds."""

    def ask(self, text: str) -> bool:
        """Ask in the user's place; ValueError if that can't be asked."""

    def say(self, text: str) -> bool:
        """Have *text* said; ValueError if that can't be said."""

    def reconnect(self) -> None:
        """Open a new session."""

    def override_budget(self) -> None:
        """Be without limits until midnight."""

    def stop(self) -> None:
        """End all of it in order."""


Reload: TypeAlias = Callable[[], Mapping[str, object]]
"""Read the settings again, and say what becomes of that. `ConfigError`: they can't be used."""


class Refused(Exception):
    """It is not done: the code, and a sentence that says why."""

    def __init__(self, code: Code, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


Switching: TypeAlias = commands.Activate | commands.Deactivate | commands.Mute | commands.Unmute
Order: TypeAlias = (
    Switching
    | commands.Interrupt
    | commands.Ask
    | commands.Say
    | commands.TalkStart
    | commands.TalkStop
    | commands.Reconnect
    | commands.LiftBudget
)

_NO_SESSION: Final = "there is no session now (voicectl status says why)"
_NO_BUTTON: Final = (
    "the talk button does nothing now: it is down already, you are muted, there is no session, or "
    '[turns] detection is not "push_to_talk"'
)


def obey(operator: Operator, order: Order, why: str) -> Mapping[str, object]:
    """Have *order* done, and say what came of it; *why* is what the status says now. `Refused`: nothing
    would come of it.
    """
    match order:
        case commands.Activate() | commands.Deactivate() | commands.Mute() | commands.Unmute():
            return {"changed": _switched(operator, order, why)}
        case commands.Reconnect():
            operator.reconnect()
        case commands.LiftBudget():
            operator.override_budget()
        case commands.Interrupt():
            _unless(operator.interrupt(), "there is nothing to interrupt")
        case commands.Ask(text):
            _unless(_put(operator.ask, text), f"too many questions wait, or {_NO_SESSION}")
        case commands.Say(text):
            _unless(_put(operator.say, text), f"too many texts wait, or {_NO_SESSION}")
        case commands.TalkStart():
            _unless(operator.press(), _NO_BUTTON)
        case commands.TalkStop():
            _unless(operator.release(), "the talk button is not down")
    return {}


def _switched(operator: Operator, order: Switching, why: str) -> bool:
    """What a script wants to be so (on, off, muted) may be so already: that is no refusal."""
    match order:
        case commands.Activate():
            changed = operator.activate()
            _unless(operator.active, f"there may be no conversation now: {why}")
            return changed
        case commands.Deactivate():
            return operator.deactivate()
        case commands.Mute():
            return operator.mute()
        case commands.Unmute():
            changed = operator.unmute()
            _unless(not operator.muted, "the mute switch says so, and nobody else can unmute")
            return changed


def read_again(reload: Reload | None) -> Mapping[str, object]:
    """Have the settings read again."""
    if reload is None:
        raise Refused(Code.NOT_NOW, "this daemon was started with settings that no file holds")
    try:
        return reload()
    except ConfigError as error:
        raise Refused(Code.BAD_SETTINGS, "; ".join(error.mistakes)) from None


def _unless(done: bool, why_not: str) -> None:
    if not done:
        raise Refused(Code.NOT_NOW, why_not)


def _put(ask: Callable[[str], bool], text: str) -> bool:
    try:
        return ask(text)
    except ValueError as mistake:  # not that text
        raise Refused(Code.WRONG_PARAMS, str(mistake)) from None
