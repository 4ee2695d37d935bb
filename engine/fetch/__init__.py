"""What runs need from elsewhere, kept on this computer: actions with git, Node with pip."""

from __future__ import annotations


class Unavailable(Exception):
    """Something can't be had: a sentence with the next step, for a user to read."""
