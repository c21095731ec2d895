"""What an owner may decide about a daemon at work: what it keeps, and who may give it orders."""

from attrs import field, frozen
from attrs.validators import and_

from voiced.config.checks import as_tuple, flag, number, rights, socket_path, text, whole, words


@frozen(kw_only=True)
class Privacy:
    """What is kept of what was said."""

    keep_context: bool = field(default=False, validator=flag())
    keep_context_s: int = field(default=3600, validator=whole(1, 30 * 86_400))


@frozen(kw_only=True)
class Control:
    """The control socket: where it is, and what others than the owner may do there."""

    enabled: bool = field(default=True, validator=flag())
    socket: str = field(default="", validator=and_(text(), socket_path))
    group: str = field(default="voiced", validator=text())
    group_may: tuple[str, ...] = field(
        default=("watch", "talk"), converter=as_tuple, validator=and_(words, rights)
    )
    most_clients: int = field(default=32, validator=whole(1, 256))
    line_s: float = field(default=10.0, validator=number(0.1, 600.0))
    requests_per_s: float = field(default=20.0, validator=number(1.0, 1000.0))
