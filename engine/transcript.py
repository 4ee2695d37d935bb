"""A step's raw bytes become masked output and commands, however they were cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.events import Annotation, AnnotationLevel, Debug, Event, GroupEnded, GroupStarted
from engine.events import Output as OutputEvent
from engine.masks import HIDDEN, Masks, hidden

LONGEST_LINE = 256 * 1024  # bytes held back while a line has not ended
LONGEST_HEAD = LONGEST_LINE // 4 - 1  # characters in which a command's name must be complete
MAX_MESSAGE = 4096  # characters of an annotation (actions/runner)

_ANNOTATIONS: dict[str, AnnotationLevel] = {
    "notice": "notice",
    "warning": "warning",
    "error": "error",
}
_NOT_ECHOED = frozenset(("debug", "notice", "warning", "error", "add-mask", "stop-commands"))
_MAYBE_COMMAND = re.compile(r"::|##\[")


@dataclass(frozen=True, slots=True)
class Command:
    """One workflow command, unescaped; property names in lower case."""

    name: str
    data: str
    properties: dict[str, str]


@dataclass(slots=True)
class Transcript:
    """Everything one step prints. `feed` it bytes, then `close` it; both answer with events.

    What commands changed is left in `outputs`, `state`, `env`, `path` and `errors`; each of the
    errors fails the step.
    """

    job: str
    step: int
    masks: Masks
    debug: bool = False
    unsecure_commands: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _echo: bool | None = None
    _stopped: str = ""
    _held: bytes = b""
    _endless: bool = False  # the start of the held line has been let out already
    _hiding: bool = False  # and it ended in a secret, which the rest may continue
    _events: list[Event] = field(default_factory=list)

    def feed(self, data: bytes) -> list[Event]:
        """Take in bytes as they came; whole lines come back."""
        head, newline, rest = data.rpartition(b"\n")
        if newline:
            self._whole(self._held + head + newline)
            self._held = rest
        else:
            self._held += data
        if len(self._held) > LONGEST_LINE:
            self._cut_endless_line()
        return self._taken()

    def close(self) -> list[Event]:
        """The step has ended: what was held back comes out."""
        held, self._held = self._held, b""
        if held:
            self._whole(held)
        return self._taken()

    def _taken(self) -> list[Event]:
        taken, self._events = self._events, []
        return taken

    def _cut_endless_line(self) -> None:
        """Let out the start of a line without end, but nothing that may be half a secret."""
        head = self._held[:LONGEST_LINE].decode("utf-8", "replace")
        if not self._endless and self._command(head):
            return  # a command is obeyed once it is complete, however long it is
        whole = self._held[: len(self._held) - _broken_tail(self._held)]
        text = whole.decode("utf-8", "replace")
        matches = self.masks.matches(text)
        cut = max(0, len(text) - max(4 * self.masks.longest, 16))
        cut = min((start for start, stop in matches if start < cut < stop), default=cut)
        self._held = text[cut:].encode() + self._held[len(whole) :]
        self._let_out(text[:cut], matches)

    def _let_out(self, text: str, matches: list[tuple[int, int]]) -> None:
        """Print a part of an endless line; a secret that touches the part before is one with it."""
        if not text:
            return
        size = len(text)
        spans = [(start, min(stop, size)) for start, stop in matches if start < size]
        shown = hidden(text, spans)
        if self._hiding and spans and spans[0][0] == 0:
            shown = shown.removeprefix(HIDDEN)
        self._endless = True
        self._hiding = any(stop == size for _, stop in spans)
        if shown:
            self._emit(OutputEvent(job=self.job, step=self.step, text=shown))

    # --- lines ----------------------------------------------------------------------------------

    def _whole(self, data: bytes) -> None:
        """Whole lines, of which the first may be the end of an endless one."""
        if self._endless:
            end, newline, data = data.partition(b"\n")
            text = (end + newline).decode("utf-8", "replace")
            self._let_out(text, self.masks.matches(text))
            self._endless = self._hiding = False
        self._lines(data.decode("utf-8", "replace"))

    def _lines(self, text: str) -> None:
        if not self._stopped and not _MAYBE_COMMAND.search(text):
            return self._print(text)
        plain: list[str] = []
        for line in _split(text):
            command = self._command(line)
            if command is None:
                plain.append(line)
                continue
            self._print("".join(plain))
            plain.clear()
            self._obey(command, line)
        return self._print("".join(plain))

    def _print(self, text: str) -> None:
        if text:
            self._emit(OutputEvent(job=self.job, step=self.step, text=self.masks.hide(text)))

    def _emit(self, event: Event) -> None:
        self._events.append(event)

    def _command(self, line: str) -> Command | None:
        command = parse(line[:LONGEST_HEAD].rstrip("\r\n"))
        known = (self._stopped,) if self._stopped else _COMMANDS
        if command is None or command.name not in known:
            return None
        return command if len(line) <= LONGEST_HEAD else parse(line.rstrip("\r\n"))

    def _obey(self, command: Command, line: str) -> None:
        if self._stopped:
            self._stopped = ""
            return self._print(line)
        if self._echoes() and command.name not in _NOT_ECHOED:
            self._print(line)
        try:
            _COMMANDS[command.name](self, command)
            if command.name == "stop-commands":
                self._print(line)
        except _Refused as refused:
            quoted = line.strip()
            self._error(f"Unable to process command '{quoted}' successfully.")
            self._error(str(refused))
            self.errors.append(str(refused))
        return None

    def _echoes(self) -> bool:
        return self.debug if self._echo is None else self._echo

    def _error(self, message: str) -> None:
        message = self.masks.hide(message)
        self._emit(Annotation(job=self.job, step=self.step, level="error", message=message))

    # --- commands -------------------------------------------------------------------------------

    def _group(self, command: Command) -> None:
        title = self.masks.hide(command.data)
        self._emit(GroupStarted(job=self.job, step=self.step, title=title))

    def _endgroup(self, _: Command) -> None:
        self._emit(GroupEnded(job=self.job, step=self.step))

    def _debug(self, command: Command) -> None:
        if self.debug:
            message = self.masks.hide(command.data)
            self._emit(Debug(job=self.job, step=self.step, message=message))

    def _annotate(self, command: Command) -> None:
        properties = {name: self.masks.hide(text) for name, text in command.properties.items()}
        line, end_line = _span(properties, "line", "endline")
        column, end_column = _span(properties, "col", "endcolumn")
        if not line or (end_line and line != end_line):
            column = end_column = 0
        self._emit(
            Annotation(
                job=self.job,
                step=self.step,
                level=_ANNOTATIONS[command.name],
                message=self.masks.hide(command.data)[:MAX_MESSAGE],
                title=properties.get("title", ""),
                file=properties.get("file", ""),
                line=line,
                end_line=end_line,
                column=column,
                end_column=end_column,
            )
        )

    def _add_mask(self, command: Command) -> None:
        if not command.data.strip():
            message = "Can't add secret mask for empty string in ##[add-mask] command."
            self._emit(Annotation(job=self.job, step=self.step, level="warning", message=message))
        self.masks.add(command.data)

    def _switch_echo(self, command: Command) -> None:
        switch = command.data.strip().lower()
        if switch not in ("on", "off"):
            raise _Refused("Invalid echo command value. Possible values can be: 'on', 'off'.")
        self._echo = switch == "on"

    def _stop(self, command: Command) -> None:
        token = command.data
        if not token or token.lower() in _COMMANDS or token.lower() == "pause-logging":
            raise _Refused(
                f"Invalid stop token '{token}'; choose a random one that is no command's name"
            )
        if len(token) > 6:
            self.masks.add(token)
        self._stopped = token.lower()

    def _set_output(self, command: Command) -> None:
        self.outputs[_named(command)] = command.data

    def _save_state(self, command: Command) -> None:
        self.state[_named(command)] = command.data

    def _set_env(self, command: Command) -> None:
        self._insecure(command.name, "GITHUB_ENV")
        self.env[_named(command)] = command.data

    def _add_path(self, command: Command) -> None:
        self._insecure(command.name, "GITHUB_PATH")
        self.path.append(command.data)

    def _insecure(self, name: str, file: str) -> None:
        if not self.unsecure_commands:
            raise _Refused(
                f"The `{name}` command is disabled. Write to the file in ${file} instead, or set "
                "ACTIONS_ALLOW_UNSECURE_COMMANDS to true if you must."
            )


class _Refused(Exception):
    pass


_COMMANDS: dict[str, Callable[[Transcript, Command], None]] = {
    "group": Transcript._group,
    "endgroup": Transcript._endgroup,
    "debug": Transcript._debug,
    "notice": Transcript._annotate,
    "warning": Transcript._annotate,
    "error": Transcript._annotate,
    "add-mask": Transcript._add_mask,
    "echo": Transcript._switch_echo,
    "stop-commands": Transcript._stop,
    "set-output": Transcript._set_output,
    "save-state": Transcript._save_state,
    "set-env": Transcript._set_env,
    "add-path": Transcript._add_path,
}


def parse(line: str) -> Command | None:
    """Read a line as `::name key=value::data` or `##[name key=value;…]data`.

    Rules of actions/runner, ActionCommand. Whether the name is known is not asked here.
    """
    trimmed = line.lstrip()
    if trimmed.startswith("::"):
        head, end, data = trimmed[2:].partition("::")
        return _parsed(head, ",", data, _DATA, _PROPERTY) if end and head else None
    start = line.find("##[")
    if start < 0:
        return None
    head, end, data = line[start + 3 :].partition("]")
    return _parsed(head, ";", data, _LEGACY, _LEGACY) if end and head else None


_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_LEGACY = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


def _parsed(
    head: str,
    separator: str,
    data: str,
    in_data: tuple[tuple[str, str], ...],
    in_properties: tuple[tuple[str, str], ...],
) -> Command:
    name, _, written = head.partition(" ")
    properties = {}
    for item in written.split(separator):
        key, _, value = item.partition("=")
        if key.strip() and value:
            properties[key.strip().lower()] = _unescape(value, in_properties)
    return Command(name.lower(), _unescape(data, in_data), properties)


def _unescape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    if "%" in text:
        for escape, character in escapes:
            text = text.replace(escape, character)
    return text


def _named(command: Command) -> str:
    name = command.properties.get("name")
    if not name:
        raise _Refused(f"Required field 'name' is missing in ##[{command.name}] command.")
    return name


def _span(properties: dict[str, str], first: str, last: str) -> tuple[int, int]:
    """A start and an end: either stands for the other; an end before the start is dropped."""
    start, end = _positive(properties.get(first)), _positive(properties.get(last))
    start = start or end
    return start, end if end >= start else 0


def _positive(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def _split(text: str) -> list[str]:
    """Lines at `\\n` only: other separators that str.splitlines knows stay in their line."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _broken_tail(data: bytes) -> int:
    """How many bytes at the end are the start of a UTF-8 character that is not complete."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if needed > back else 0
        if byte < 0x80:
            return 0
    return 0
