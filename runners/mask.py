"""A thin layer that, laid over a repository, hides what a fresh checkout would not have."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from functools import cache
from pathlib import Path


@cache
def mask(source: Path, hidden: tuple[str, ...]) -> Path | None:
    """A directory of overlay whiteouts for these paths below `source`; None where there are none,
    or where this computer can't make whiteouts (Linux lets anybody since 5.8).

    It is removed when the process ends.
    """
    if not hidden:
        return None
    folder = Path(tempfile.mkdtemp(prefix=f"runwright-mask-{os.getpid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        shutil.copystat(source, folder)
        for name in hidden:
            _hide(source, folder, Path(name))
    except OSError:
        return None
    return folder


def _hide(source: Path, folder: Path, name: Path) -> None:
    for above in reversed(name.parents[:-1]):
        if not (folder / above).exists():
            (folder / above).mkdir()
            # the upper of two directories is the one whose mode counts
            shutil.copystat(source / above, folder / above)
    os.mknod(folder / name, stat.S_IFCHR, os.makedev(0, 0))
