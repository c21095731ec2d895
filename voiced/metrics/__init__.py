"""What monitoring may know of the daemon: numbers by name, and how they are written down.

Law of this room: pure, and bounded. A label takes its values from a table or an enum of ours, never
from what a server or a person said; nothing here holds words, ids or secrets. Names follow
Prometheus' conventions: base units, `_total` for what only grows.
"""
