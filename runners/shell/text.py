"""What a machine's shell is told: the process that owns the wires, and a command whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from posixpath import dirname

from engine.machine import Command, Layout

LARGEST = 128 * 1024  # bytes of one NAME=VALUE that Linux lets a process start with
SMALL = LARGEST // 8  # characters of a value that certainly fits, with its name

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names that some shell holds readonly or gives a meaning of its own, and PATH, which must not yet
# count when `setsid` and `env` are looked up.
_OWN = re.compile(
    "PATH|IFS|E?UID|PPID|GROUPS|OPTIND|LINENO|RANDOM|SECONDS|SHELLOPTS|BASHOPTS|BASH_VERSINFO|"
    "BASH_ARG[CV]|DIRSTACK|FUNCNAME|HISTCMD|PIPESTATUS|PWD|OLDPWD|_"
)
# An image of glibc may have musl's loader too, and Alpine that of glibc.
_MUSL = (
    "m=0; for f in /lib/ld-musl-*; do [ -e $f ] && m=1; done; [ -e /etc/alpine-release ] || "
    "for f in /lib*/ld-linux*; do [ -e $f ] && m=0; done"
)


def quote(text: str) -> str:
    """Text as one word of shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def folders(layout: Layout) -> tuple[str, ...]:
    """The directories that must exist in a machine before its first command."""
    made = (layout.workspace, layout.tool_cache, layout.commands, dirname(layout.event))
    return (*made, layout.home) if layout.home else made


def boot(secret: str, prepare: str = ":") -> str:
    """The text of the process that owns the wires and restarts the shell when a command kills it.

    Its stdin takes commands, its stdout is output, its stderr is control. It greets on stdout,
    telling whether there is bash and whether programs use musl, and ends when its stdin does.
    """
    return (
        f"s={secret}; {prepare}; "
        "command -v setsid >/dev/null || { echo 'It has no setsid: add util-linux.'; exit 97; }; "
        "exec 3>&2 5>&1 >/dev/null 2>&1; "
        f"b=0; command -v bash && b=1; {_MUSL}; "
        "printf '\\001%s %s %s\\n' $s $b $m >&5; "
        'while sh -s; [ $? -gt 128 ]; do echo "H $s" >&3; done'
    )


def refusal(command: Command) -> str:
    """Why no process can be started with the environment of a command; '' where one can."""
    for name, value in command.env.items():
        if "\0" in value or "\0" in name:
            return f"environment variable '{name}' holds a NUL character, which no process can take"
        if len(value) < SMALL:
            continue
        size = len(f"{name}={value}".encode("utf-8", "surrogateescape")) + 1
        if size > LARGEST:
            return (
                f"environment variable '{name}' is {size // 1024} KiB; Linux starts no process "
                "with more than 128 KiB in one variable: put it in a file"
            )
    return ""


def begin(number: int, command: Command, layout: Layout, env: Mapping[str, str]) -> str:
    """The first part of a command's text; its `end` must follow in one piece."""
    script = f"{layout.commands}/step-{number}{command.extension}"
    # One compound: a shell that is killed in it must not leave its rest to the next shell.
    return (
        f"{{ {_parent(script)}"
        + "".join(_input(path, text) for path, text in command.inputs.items())
        + "".join(_empty(path) for path in command.files)
        + f"w=1; printf %s {quote(command.script)} >{quote(script)} && w=0\n"
        # In the foreground, as a shell's background children can never again be interrupted.
        '( while read -r k p r; do [ "$k" = Tgid: ] && break; done </proc/self/status\n'
        f'echo "P {number} $p" >&3\n'
        "exec >&5 2>&5 </dev/null 3>&- 5>&-\n"
        f"[ $w = 0 ] || {{ echo {_unwritten(script)}; exit 1; }}\n"
        f"cd {quote(command.cwd)} 2>/dev/null || {{ echo {_nowhere(command)}; exit 1; }}\n"
        f"{_start(command, script, env)} )\n"
        "e=$?\n"
    )


def end(number: int, nonce: str, files: tuple[str, ...], lost: bool = False) -> str:
    """What is said when a command has ended; where its shell was lost too, it was killed."""
    told = "".join(
        f"[ -f {quote(path)} ] && [ -s {quote(path)} ] && {{ n=$((n+1)); "
        f"echo 'F {number} {nonce} {index}'; cat {quote(path)}; "
        f"printf '\\n%s\\n' {nonce}; }} >&3\n"
        for index, path in enumerate(files)
    )
    opening = "{ e=137\n" if lost else ""
    return f"{opening}n=0\n{told}printf '\\001%s %s %s\\n' {nonce} $e $n >&5; }}\n"


def _unwritten(script: str) -> str:
    return quote(f"the script can't be written to '{script}': is there no space left?")


def _nowhere(command: Command) -> str:
    return quote(f"working directory '{command.cwd}' does not exist")


def _empty(path: str) -> str:
    # Not `:`, whose failed redirection ends a shell.
    word = quote(path)
    return f"{_parent(path)}[ -d {word} ] && rm -rf {word}; true >{word}\n"


def _parent(path: str) -> str:
    folder = quote(path.rpartition("/")[0] or "/")
    return f"[ -d {folder} ] || mkdir -p {folder}\n"


def _input(path: str, text: str) -> str:
    return f"{_parent(path)}printf %s {quote(text)} >{quote(path)}\n"


def _start(command: Command, script: str, env: Mapping[str, str]) -> str:
    wanted = dict(command.env)
    if "GIT_CONFIG_COUNT" not in wanted:
        wanted |= env
    plain = {k: v for k, v in wanted.items() if _exportable(k)}
    exports = " ".join(f"{k}={quote(v)}" for k, v in plain.items())
    operands = [quote(f"{k}={v}") for k, v in wanted.items() if k and k not in {*plain, "PATH"}]
    if command.path or "PATH" in wanted:
        rest = quote(wanted["PATH"]) if "PATH" in wanted else '"${PATH-}"'
        operands.append("PATH=" + "".join(quote(entry + ":") for entry in command.path) + rest)
    words = [quote(word.replace("{0}", script)) for word in command.shell]
    through = ["env", "--", *operands] if operands else []
    return (f"export {exports}\n" if exports else "") + " ".join(["exec setsid", *through, *words])


@cache  # the same names come with every step
def _exportable(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not _OWN.fullmatch(name)
