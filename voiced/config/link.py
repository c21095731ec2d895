"""What an owner may decide about the way to the service."""

from attrs import field, frozen
from attrs.validators import and_

from voiced.config.checks import flag, number, proxy_url, text, whole


@frozen(kw_only=True)
class Uplink:
    """The way up: what is kept, how it is grouped, how long each step may take."""

    keep_ms: int = field(default=2000, validator=whole(20, 60_000))
    batch_ms: int = field(default=0, validator=whole(0, 200))
    gate: bool = field(default=False, validator=flag())
    gate_pre_roll_ms: int = field(default=500, validator=whole(100, 5000))
    gate_hangover_ms: int = field(default=1000, validator=whole(100, 30_000))
    socket_limit_s: float = field(default=5.0, validator=number(0.1, 120.0))
    created_limit_s: float = field(default=5.0, validator=number(0.1, 120.0))
    updated_limit_s: float = field(default=5.0, validator=number(0.1, 120.0))
    send_limit_s: float = field(default=4.0, validator=number(0.1, 120.0))
    ping_every_s: float = field(default=20.0, validator=number(1.0, 3600.0))
    ping_limit_s: float = field(default=10.0, validator=number(0.5, 600.0))
    largest_message_mb: int = field(default=32, validator=whole(1, 256))


@frozen(kw_only=True)
class Link:
    """What to do when the link is lost."""

    first_pause_s: float = field(default=1.0, validator=number(0.1, 60.0))
    longest_pause_s: float = field(default=30.0, validator=number(1.0, 45.0))
    healthy_after_s: float = field(default=60.0, validator=number(1.0, 3600.0))
    fault_retry_s: float = field(default=900.0, validator=number(60.0, 86_400.0))
    probe_after_s: float = field(default=30.0, validator=number(0.0, 3600.0))
    probe_limit_s: float = field(default=5.0, validator=number(0.5, 120.0))


@frozen(kw_only=True)
class Network:
    """What stands between this machine and the service."""

    proxy: str = field(default="auto", validator=and_(text(), proxy_url))
    proxy_credentials_file: str = field(default="", validator=text())
    ca_file: str = field(default="", validator=text())
