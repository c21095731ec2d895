"""Ask for known advisories against what is pinned: python -m tests.supply, as scripts/test does.

Exit code 1 when there are some. Without a database it says that nothing was checked, and that is no
failure: who has no network, or whose network is broken, has to be able to test.
"""

import os
import sys

from tests.supply.advisories import OSV, NotCheckedError, accepted, known
from tests.supply.locks import EVERYTHING, pins


def main() -> int:
    """The exit code."""
    pinned, reasons = pins(EVERYTHING), accepted()
    try:
        found = known(pinned, os.environ.get("VOICED_OSV_URL", OSV))
    except NotCheckedError as error:
        print(f"Known advisories: NOT CHECKED: {error}", file=sys.stderr)
        return 0
    open_ones = [finding for finding in found if finding.advisory not in reasons]
    for finding in open_ones:
        print(f"Known advisory: {finding}", file=sys.stderr)
    outdated = reasons.keys() - {finding.advisory for finding in found}
    for advisory in sorted(outdated):
        print(
            f"{advisory} concerns nothing that is pinned any more: take it out of "
            "[tool.voiced.advisories] in pyproject.toml",
            file=sys.stderr,
        )
    if open_ones:
        print(
            "Take a version without it (scripts/lock --upgrade-package NAME), or say why it does not "
            "concern voiced: [tool.voiced.advisories] in pyproject.toml",
            file=sys.stderr,
        )
    if not open_ones and not outdated:
        print(f"Known advisories against {len(pinned)} pins: none", file=sys.stderr)
    return 1 if open_ones or outdated else 0


if __name__ == "__main__":
    sys.exit(main())
