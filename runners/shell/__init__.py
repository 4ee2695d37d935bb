"""Speaking to the POSIX shells of one machine, over whatever wires lead to them."""

from runners.shell.lanes import Lanes
from runners.shell.session import LADDER, TRUST, Greeting, Link, Session
from runners.shell.text import boot, folders, quote

__all__ = [
    "LADDER",
    "TRUST",
    "Greeting",
    "Lanes",
    "Link",
    "Session",
    "boot",
    "folders",
    "quote",
]
