"""A step's raw bytes become masked output and commands, however they were cut."""

from __future__ import annotations

import re
from collections import Counter, deque
from functools import cached_property

from msgspec import Struct, field

from engine import matchers
from engine.events import Annotation, AnnotationLevel, Debug, Event
from engine.events import Output as OutputEvent
from engine.masks import Masks
from engine.matchers import MatcherError, Matchers, Scan
from engine.transcript import commands, places
from engine.transcript.commands import COMMANDS, NOT_ECHOED, Asked, CommandRefused
from engine.transcript.endless import LONGEST_LINE, Endless
from engine.transcript.places import NOWHERE, Place
from engine.transcript.syntax import Command, parse

__all__ = ["LONGEST_HEAD", "LONGEST_LINE", "Command", "Transcript", "parse"]

LONGEST_HEAD = LONGEST_LINE // 4 - 1  # characters in which a command's name must be complete
MAX_MESSAGE = 4096  # characters of an annotation (actions/runner)
MOST_ISSUES = 10  # annotations of one level in a step (actions/runner)

_COLOUR = re.compile(r"\x1b\[[0-9;]*m?")


class Transcript(Struct, dict=True):
    """Everything one step prints. `feed` it bytes, then `close` it; all answer with events.

    A command may need a file of the machine: `wanted` is its path then, and what comes later is
    held back until `answer` brings its content or `refuse` says why there is none.

    What commands changed is left in `outputs`, `state`, `env`, `path` and `errors`; each of the
    errors fails the step. `workspace` is the path that files are told relative to, `issues` the
    number of annotations of each level.
    """

    job: str
    step: int
    masks: Masks
    matchers: Matchers = field(default_factory=Matchers)
    workspace: str = ""
    debug: bool = False
    unsecure_commands: bool = False
    unsecure_tokens: bool = False
    issues: Counter[str] = field(default_factory=Counter)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    echo: bool | None = None  # None: as `debug`
    stopped: str | None = None  # the token that ends a stop of all commands
    warned: bool = False  # of commands that will be disabled
    asked: Asked | None = None
    _closed: bool = False
    _later: deque[bytes] = field(default_factory=deque)
    _held: bytes = b""
    _plain: list[str] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)

    @cached_property
    def _scan(self) -> Scan:
        return Scan(self.matchers)

    @cached_property
    def _endless(self) -> Endless:
        return Endless(self.masks)

    @property
    def wanted(self) -> str:
        return self.asked.path if self.asked else ""

    def feed(self, data: bytes) -> list[Event]:
        """Take in bytes as they came; whole lines come back."""
        self._later.append(data)
        return self._work()

    def close(self) -> list[Event]:
        """The step has ended: what was held back comes out."""
        self._closed = True
        return self._work()

    def answer(self, content: bytes) -> list[Event]:
        """The file that was wanted."""
        asked, self.asked = self.asked, None
        if asked:
            try:
                commands.change_matchers(self, asked, content.decode("utf-8-sig", "replace"))
            except MatcherError as error:
                self._fail(asked.command, str(error))
        return self._work()

    def refuse(self, why: str) -> list[Event]:
        """The file that was wanted can't be had."""
        asked, self.asked = self.asked, None
        if asked:
            self._fail(asked.command, why)
        return self._work()

    # --- bytes ----------------------------------------------------------------------------------

    def _work(self) -> list[Event]:
        while self._later and not self.asked:
            self._take(self._later.popleft())
        if self._closed and not self.asked:
            held, self._held = self._held, b""
            self._whole(held)
        self.flush()
        taken, self._events = self._events, []
        return taken

    def _take(self, data: bytes) -> None:
        head, newline, rest = data.rpartition(b"\n")
        if newline:
            whole, self._held = self._held + head + newline, rest
            self._whole(whole)
        else:
            self._held += data
        if len(self._held) > LONGEST_LINE:
            self._cut_endless_line()

    def _cut_endless_line(self) -> None:
        head = self._held[:LONGEST_LINE].decode("utf-8", "replace")
        if not self._endless.begun and self._command(head):
            return  # a command is obeyed once it is complete, however long it is
        shown, self._held = self._endless.cut(self._held)
        self._show(shown)

    def _whole(self, data: bytes) -> None:
        """Whole lines, of which the first may be the end of an endless one."""
        if self._endless.begun:
            end, newline, data = data.partition(b"\n")
            self._show(self._endless.end((end + newline).decode("utf-8", "replace")))
        self._lines(data.decode("utf-8", "replace"))

    # --- lines ----------------------------------------------------------------------------------

    def _lines(self, text: str) -> None:
        watched = self.stopped is not None or self.matchers.known
        if not watched and not _may_hold_command(text):
            return self.say(text)
        lines = _split(text)
        for index, line in enumerate(lines, 1):
            self._line(line)
            if self.asked:
                self._later.appendleft("".join(lines[index:]).encode() + self._held)
                self._held = b""
                break
        return None

    def _line(self, line: str) -> None:
        command = self._command(line)
        if command is not None:
            self._obey(command, line)
        elif not self._has_problem(line):
            self.say(line)

    def _command(self, line: str) -> Command | None:
        if not _may_hold_command(line):
            return None
        known = COMMANDS if self.stopped is None else (self.stopped,)
        command = parse(line[:LONGEST_HEAD].rstrip("\r\n"), known)
        if command is None or len(line) <= LONGEST_HEAD:
            return command
        return parse(line.rstrip("\r\n"), known)

    def _obey(self, command: Command, line: str) -> None:
        if self.stopped is not None:
            self.stopped = None
            return self.say(line)
        if self.echoes and command.name not in NOT_ECHOED:
            self.say(line)
        try:
            COMMANDS[command.name](self, command)
            if command.name == "stop-commands":
                self.say(line)
        except CommandRefused as refused:
            self._fail(command, str(refused))
        return None

    @property
    def echoes(self) -> bool:
        return self.debug if self.echo is None else self.echo

    def _fail(self, command: Command, why: str) -> None:
        self.issue("error", f"Unable to process command '{command.line}' successfully.")
        self.issue("error", why)
        self.errors.append(why)

    def _has_problem(self, line: str) -> bool:
        """Whether a matcher sees a problem in a line, which then is shown with it."""
        if not self.matchers.known:
            return False
        # actions/runner means to take colours away and, by a slip in its pattern, does not
        text = line.rstrip("\r\n")
        text = _COLOUR.sub("", text) if "\x1b[" in text else text
        found = self._scan.match(text)
        for owner in self._scan.given_up():
            self.issue(
                "warning",
                f"Removing issue matcher '{owner}': a line took it over {matchers.LIMIT:g} s.",
            )
        if found is None:
            return False
        place = places.of_problem(found, self.workspace)
        code = found.get("code", "").strip()
        self.issue(
            commands.LEVELS[found["severity"]], found["message"], place, code=code, text=text
        )
        return True

    # --- events ---------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Print whole lines, which are still to be masked."""
        if text:
            self._plain.append(text)

    def flush(self) -> None:
        """Mask what was said with the secrets known by now."""
        text = "".join(self._plain)
        self._plain.clear()
        if text:
            shown = self.masks.hide(text)
            self._events.append(OutputEvent(job=self.job, step=self.step, text=shown))

    def _show(self, masked: str) -> None:
        if masked:
            self.emit(OutputEvent(job=self.job, step=self.step, text=masked))

    def emit(self, event: Event) -> None:
        self.flush()
        self._events.append(event)

    def tell(self, message: str) -> None:
        """A message that only debug logging shows."""
        if self.debug:
            self.emit(Debug(job=self.job, step=self.step, message=self.masks.hide(message)))

    def issue(
        self,
        level: AnnotationLevel,
        message: str,
        place: Place = NOWHERE,
        *,
        title: str = "",
        code: str = "",
        text: str = "",
    ) -> None:
        """An annotation; all of it is still to be masked."""
        hide = self.masks.hide
        self.issues[level] += 1
        self.emit(
            Annotation(
                job=self.job,
                step=self.step,
                level=level,
                message=hide(message)[:MAX_MESSAGE],
                title=hide(title),
                code=hide(code),
                text=hide(text),
                over_limit=self.issues[level] > MOST_ISSUES,
                **place._replace(file=hide(place.file))._asdict(),
            )
        )


def _may_hold_command(text: str) -> bool:
    return "::" in text or "##[" in text


def _split(text: str) -> list[str]:
    """Lines at `\\n` only: other separators that str.splitlines knows stay in their line."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
