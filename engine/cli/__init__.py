"""The only room that knows all the others."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

SUCCESS, FAILED, USAGE, INVALID, ENVIRONMENT, NOTHING_RAN = 0, 1, 2, 3, 4, 5
DEFECT, TIMED_OUT, CANCELLED = 70, 124, 130


def main() -> NoReturn:
    """The command `runwright`: run it with sys.argv and leave with its exit code."""
    gc.set_threshold(100_000)  # importing makes many objects and no garbage
    _open_streams()
    try:
        code = run_command(sys.argv[1:])
    except (KeyboardInterrupt, BrokenPipeError):  # nobody reads our output any more
        code = CANCELLED
    code = _flushed(code)
    sys.stderr.flush()
    atexit._run_exitfuncs()
    os._exit(code)  # nothing is left to be closed, and taking the interpreter down takes a while


def _flushed(code: int) -> int:
    """The exit code, when all that was printed has left us."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # say nothing more to it
        if not isinstance(error, BrokenPipeError):
            print(f"runwright: standard output: {error.strerror}", file=sys.stderr)
            return code or ENVIRONMENT
    return code


def _open_streams() -> None:
    """Standard output and error are there, and take any text: a file name may be no Unicode."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")


def run_command(arguments: list[str]) -> int:
    """Run one command line; its exit code. Raises KeyboardInterrupt and BrokenPipeError only."""
    import click

    from engine.cli.app import app, normalized
    from engine.problems import Refused

    try:
        code = app.main(normalized(arguments), prog_name="runwright", standalone_mode=False)
    except Refused as refused:
        from engine.cli.show import show

        show(refused.problems)
        return refused.exit_code
    except click.exceptions.Abort:
        return CANCELLED
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except SystemExit:  # how click ends when the reader of our output went away
        sys.stdout = sys.__stdout__  # which click has replaced
        raise BrokenPipeError from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            print(f"runwright: {error}; make room and try again", file=sys.stderr)
            return ENVIRONMENT
        return _defect(error)
    return code if isinstance(code, int) else SUCCESS


def _defect(error: Exception) -> int:
    """Our own breakage: a sentence on the terminal, the traceback in a file."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="runwright-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    print(
        f"runwright: this is a defect of Runwright, not of your workflow: {error!r}\n"
        f"Please report it with the file {file.name}.",
        file=sys.stderr,
    )
    return DEFECT
