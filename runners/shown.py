"""The folders of this computer that a machine sees read-only: actions and externals."""

from __future__ import annotations

from pathlib import Path

from engine.machine import Layout, MachineSpec


def shown(spec: MachineSpec, layout: Layout) -> dict[str, Path]:
    """The folders by where the machine sees them."""
    found = {f"{layout.actions}/{name}": path for name, path in spec.actions.items()}
    if spec.externals:
        found[layout.externals] = spec.externals
    return {place: path.absolute() for place, path in found.items()}
