"""Work is done and its output told, also while a file that the output names is read."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable

import trio

from engine import tarball
from engine.events import Event
from engine.job.result import CANCELED
from engine.machine import Exit, Machine, MachineError, Output
from engine.transcript import Transcript

READING = 10.0  # seconds that a file may take to arrive
_LINKS = 8  # that lead from one to the next

Start = Callable[[Output], Awaitable[Exit]]
Tell = Callable[[list[Event]], None]
Read = Callable[[str], Awaitable[bytes | str]]


async def heard(start: Start, transcript: Transcript, read: Read, tell: Tell) -> Exit:
    """Do the work; when it returns, all that its output says has been told.

    As Machine.exec, it returns also when it is cancelled. `read` answers with a file's content or
    with why there is none. Raises what `start` raises.
    """
    lost: Exception | None = None
    async with trio.open_nursery() as nursery:

        def hear(data: bytes) -> None:
            waited = transcript.wanted
            tell(transcript.feed(data))
            if transcript.wanted and not waited:
                nursery.start_soon(_bring, transcript, read, tell)

        try:
            exit_ = await start(hear)
        except Exception as error:  # kept out of the nursery, which would group it
            lost = error
    tell(transcript.close())
    await _bring(transcript, read, tell)
    if lost is not None:
        raise lost
    return exit_


async def _bring(transcript: Transcript, read: Read, tell: Tell) -> None:
    """Give the transcript the files that it wants; once cancelled, it does without."""
    while path := transcript.wanted:
        if trio.current_effective_deadline() == float("-inf"):
            tell(transcript.refuse(CANCELED))
            continue
        found: bytes | str = f"'{path}' could not be read within {READING:g} seconds."
        with trio.move_on_after(READING, shield=True):
            found = await read(path)
        tell(transcript.refuse(found) if isinstance(found, str) else transcript.answer(found))


async def read_file(machine: Machine, path: str) -> bytes | str:
    """A file's content, or why it can't be had."""
    for _ in range(_LINKS):
        try:
            found = tarball.single(await machine.get(path))
        except MachineError as error:
            return f"Could not find file '{path}': {error}"
        if isinstance(found, bytes):
            return found
        if not found:
            return f"'{path}' is not a file."
        path = posixpath.join(posixpath.dirname(path), found)
    return f"'{path}' is a link to a link, and so on."
