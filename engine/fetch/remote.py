"""Asking a git server: which commit a ref is, and the files of one commit."""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
import tarfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from engine.fetch import Unavailable
from engine.secretive import Secretive

ASKING, FETCHING = 60, 1800  # seconds that one conversation may take


class NotThere(Unavailable):
    """The server answered: there is no such thing, or not for us."""


class Server(Secretive, Struct, frozen=True):
    """A git server by its URL, and the token that it knows us by, if any."""

    url: str
    token: str = ""

    def repository(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}.git"


def refs(server: Server, name: str, patterns: Sequence[str] = ()) -> dict[str, str]:
    """The commit of each ref of a repository, of those named or of all. Raises Unavailable.

    What an annotated tag points at counts, not the tag's own object.
    """
    printed = _talk(
        server, ["ls-remote", "--", server.repository(name), *patterns], Path("/"), ASKING
    )
    found: dict[str, str] = {}
    for line in printed.decode("utf-8", "replace").splitlines():
        sha, _, ref = line.partition("\t")
        found[ref] = sha
    peeled = {ref.removesuffix("^{}"): sha for ref, sha in found.items() if ref.endswith("^{}")}
    return {ref: peeled.get(ref, sha) for ref, sha in found.items() if not ref.endswith("^{}")}


def files(server: Server, name: str, sha: str, folder: Path) -> None:
    """Put the files of a commit into an empty folder, as GitHub's own archives have them.

    Attributes count (export-ignore, export-subst), so the commit's tags are fetched with it.
    Raises Unavailable.
    """
    with TemporaryDirectory(dir=folder.parent, prefix=folder.name, suffix=".draft") as bare:
        work, inside = Path(bare), f"--git-dir={bare}"
        _talk(server, ["init", "--quiet", "--bare", bare], work, ASKING)
        source = (server.repository(name), f"+{sha}:{_BRANCH}")
        _talk(server, [inside, "fetch", "--quiet", "--depth=1", "--", *source], work, FETCHING)
        packed = work / "action.tar"
        written = ["archive", "--format=tar", f"--output={packed}", _BRANCH]
        _talk(server, [inside, *_PLAIN, *written], work, FETCHING)
        _unpack(packed, folder)


_BRANCH = "refs/heads/action"
# whatever the user's own settings are, files come out as they were committed
_PLAIN = ("-c", "core.autocrlf=false", "-c", "core.attributesFile=/dev/null")


def _unpack(packed: Path, folder: Path) -> None:
    top = folder.resolve()
    with tarfile.open(packed) as tar:
        tar.extraction_filter = _readable  # Pythons before 3.11.4 know no `filter=`
        for entry in tar:
            path = top / entry.name
            if ".." in path.parts or not path.parent.resolve().is_relative_to(top):
                raise Unavailable(f'the repository holds "{entry.name}", which leads out of it')
            tar.extract(_readable(entry), top)


def _readable(entry: tarfile.TarInfo, _: str = "") -> tarfile.TarInfo:
    entry.mode &= 0o755  # nobody but the owner writes
    return entry


def _talk(server: Server, words: Sequence[str], directory: Path, seconds: float) -> bytes:
    """What git prints. It never asks anybody anything; the token is not among its arguments."""
    try:
        git = subprocess.Popen(
            ["git", *words],
            cwd=directory,
            env=_environment(os.environ, server),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that ssh has no terminal to ask at
        )
    except FileNotFoundError:
        raise Unavailable("git is not installed: install it") from None
    except OSError as error:
        raise Unavailable(f"git can't be started ({error.strerror})") from None
    printed, complaints = _ended(git, server, seconds)
    if git.returncode:
        raise _failure(complaints.decode("utf-8", "replace"))
    return printed


def _ended(git: subprocess.Popen[bytes], server: Server, seconds: float) -> tuple[bytes, bytes]:
    """Both streams of git when it has ended."""
    _speaking.add(git)
    try:
        return git.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _stop(git)
        git.communicate()
        raise Unavailable(f"{server.url} did not answer within {seconds:.0f} seconds") from None
    finally:
        _speaking.discard(git)


_speaking: set[subprocess.Popen[bytes]] = set()


@atexit.register
def _stop_all() -> None:
    """Nobody waits for git where a command is interrupted, and git does not go on alone."""
    for git in list(_speaking):
        _stop(git)


def _stop(git: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(git.pid, signal.SIGKILL)  # with the helpers that it started


def _environment(own: Mapping[str, str], server: Server) -> dict[str, str]:
    """Git's environment: the user's settings and credential helpers count, questions do not."""
    kept = {name: value for name, value in own.items() if name not in _OF_A_REPOSITORY}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_HTTP_LOW_SPEED_LIMIT": "1000",  # bytes a second
        "GIT_HTTP_LOW_SPEED_TIME": "30",  # seconds
        **_authorization(kept, server),
    }


# set where a hook of git started us (git rev-parse --local-env-vars)
_OF_A_REPOSITORY = frozenset(
    f"GIT_{name}"
    for name in "DIR WORK_TREE INDEX_FILE COMMON_DIR OBJECT_DIRECTORY PREFIX SHALLOW_FILE "
    "ALTERNATE_OBJECT_DIRECTORIES".split()
)


def _authorization(own: Mapping[str, str], server: Server) -> dict[str, str]:
    """The token as a header for this server alone, as actions/checkout gives it to git."""
    if not server.token:
        return {}
    written = own.get("GIT_CONFIG_COUNT", "")
    count = int(written) if written.isdigit() else 0
    secret = b64encode(f"x-access-token:{server.token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{server.url.rstrip('/')}/.extraheader",
        f"GIT_CONFIG_VALUE_{count}": f"AUTHORIZATION: basic {secret}",
    }


_SAYS_NO = re.compile(
    r"repository .*not found|does not appear to be a git repository|could not read Username"
    r"|Authentication failed|Permission denied|returned error: 40[134]|not our ref"
    r"|Invalid username or (?:password|token)|does not allow request",
    re.IGNORECASE,
)


def _failure(printed: str) -> Unavailable:
    """Git's own words, and whether they are an answer."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    said = [line.partition(": ")[2] for line in lines if line.startswith(("fatal: ", "error: "))]
    reason = (said or lines or ["git failed without a word"])[0]
    return NotThere(reason) if _SAYS_NO.search(printed) else Unavailable(reason)
