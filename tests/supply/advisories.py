"""Known advisories against what the lock file pins, from OSV, which gathers those of PyPI and GitHub.

One request asks for all packages at once, and for a release that is known to be bad: a database that
has nothing on that one (a mirror that answers with empty lists, say) knows nothing, and what it does not
say of the others means nothing, either.
"""

import http.client
import json
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from tests.supply.locks import ROOT, Pin

OSV: Final = "https://api.osv.dev/v1/querybatch"

_KNOWN_TO_BE_BAD: Final = Pin("jinja2", "2.4.1")  # CVE-2014-1402, and others since
_PATIENCE_S: Final = 20.0
_MOST_BYTES: Final = 16 * 2**20


class NotCheckedError(Exception):
    """The database can't be asked, or knows nothing; the text says why. Nothing was found out."""


@attrs.frozen
class Finding:
    """An advisory against a version that is pinned."""

    pin: Pin
    advisory: str  # "GHSA-..." or "PYSEC-..."

    def __str__(self) -> str:
        return f"{self.pin.name} {self.pin.version}: https://osv.dev/vulnerability/{self.advisory}"


def known(pinned: Sequence[Pin], url: str = OSV) -> list[Finding]:
    """All advisories against *pinned*. Raises NotCheckedError."""
    asked = [_KNOWN_TO_BE_BAD, *pinned]
    bad, *results = _advisories(_answer(url, asked), len(asked))
    if not bad:
        raise NotCheckedError(f"{url} knows of no advisory at all")
    return [
        Finding(pin, advisory)
        for pin, found in zip(pinned, results, strict=True)
        for advisory in found
    ]


def accepted() -> Mapping[str, str]:
    """Advisories that do not concern this project, and why: [tool.voiced.advisories] in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    reasons: dict[str, str] = project["tool"].get("voiced", {}).get("advisories", {})
    return reasons


def _answer(url: str, pins: Sequence[Pin]) -> bytes:
    queries = [
        {"package": {"name": pin.name, "ecosystem": "PyPI"}, "version": pin.version} for pin in pins
    ]
    request = urllib.request.Request(
        url,
        data=json.dumps({"queries": queries}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as response:
            answer: bytes = response.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        raise NotCheckedError(f"{url} answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:  # no name, no way, no trust, no time
        raise NotCheckedError(f"{url} can't be reached: {error}") from error
    return answer


def _advisories(answer: bytes, count: int) -> list[list[str]]:
    """Those of each package, in the order of the request."""
    try:
        results: list[dict[str, Any]] = json.loads(answer)["results"]
        found = [[each["id"] for each in result.get("vulns", [])] for result in results]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotCheckedError(f"that is no answer of OSV: {answer[:80]!r}") from error
    if len(found) != count:
        raise NotCheckedError(f"{count} packages were asked for, {len(found)} were answered")
    return found
