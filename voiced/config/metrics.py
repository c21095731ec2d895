"""What an owner may decide about monitoring. As `__init__.py` says."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Any

import attrs
from attrs import field, frozen
from attrs.validators import and_

from voiced.config.checks import flag, number, text

_LOCALHOST = "127.0.0.1"  # one of its two addresses: who asks for the name tries both


def address_of(listen: str) -> tuple[str, int]:
    """`127.0.0.1:9464` or `[::1]:9464` as address and port; ValueError if it is neither."""
    like = "must look like 127.0.0.1:9464 or [::1]:9464: an address, no name, and a port"
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or not 1 <= int(port) <= 65_535:
        raise ValueError(like)
    if host == "localhost":
        return _LOCALHOST, int(port)
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        raise ValueError(like) from None
    if bracketed is not (address.version == 6):
        raise ValueError(like)
    return str(address), int(port)


def _listenable(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """Where to listen, or nowhere."""
    if value:
        address_of(value)


def _prom_file(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A file that node_exporter would read, or none."""
    path = PurePosixPath(value)
    if value and (not path.is_absolute() or path.suffix != ".prom" or not value.isprintable()):
        raise ValueError("must be a whole path that ends in .prom, which node_exporter looks for")


@frozen(kw_only=True)
class Metrics:
    """Numbers for Prometheus: over HTTP, in a file, both, or (as it comes) neither."""

    listen: str = field(default="", validator=and_(text(), _listenable))
    allow_remote: bool = field(default=False, validator=flag())
    textfile: str = field(default="", validator=and_(text(), _prom_file))
    textfile_every_s: float = field(default=15.0, validator=number(1.0, 3600.0))

    @property
    def address(self) -> tuple[str, int] | None:
        """Where to listen; None: nowhere."""
        return address_of(self.listen) if self.listen else None


def metrics_across(metrics: Metrics) -> Iterator[str]:
    """Mistakes that no single value makes: whoever listens beyond this machine has to mean it."""
    if metrics.address is None or metrics.allow_remote:
        return
    host, _ = metrics.address
    if not ip_address(host).is_loopback:
        yield (
            f"[metrics] listen: others could reach {host}, and see when somebody speaks here; listen on "
            "127.0.0.1, or set allow_remote = true if you mean it"
        )
