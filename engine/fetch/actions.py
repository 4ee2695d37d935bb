"""Repositories of actions and called workflows: fetched with git, once for each commit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from threading import BoundedSemaphore, Lock, Thread
from urllib.parse import quote

from msgspec import Struct, field

from engine.actions.resolve import Absent, Located
from engine.fetch import Unavailable, remote
from engine.fetch.once import once
from engine.fetch.remote import NotThere, Server
from engine.problems import did_you_mean
from engine.reference import Remote
from engine.secretive import Secretive
from engine.store.home import home

AT_ONCE = 8  # conversations with servers
PUBLIC = "https://github.com"  # where an enterprise's server looks, too (GitHub Connect)

_SHA = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}", re.IGNORECASE)


class Sources(Secretive, Struct, frozen=True):
    """Where repositories come from.

    `server` is the URL of the run's own; `token` is shown to that one alone. `replaced` maps
    owner/repository or owner/repository@ref, in lower case but for the ref, to a folder that is
    used as it is. `offline` never asks a server.
    """

    server: str = PUBLIC
    token: str = ""
    replaced: Mapping[str, Path] = field(default_factory=dict)
    offline: bool = False


class Actions:
    """A Finder (engine.actions.resolve) whose answers stay the same as long as it lives."""

    def __init__(self, sources: Sources, log: Callable[[str], None]) -> None:
        self._sources = sources
        self._log = log
        self._answers: dict[str, Future[Located | Absent]] = {}
        self._lock = Lock()
        self._places = BoundedSemaphore(AT_ONCE)

    def find(self, wanted: Sequence[Remote]) -> list[Located | Absent]:
        """As Finder.find."""
        answers = [self._asked(one) for one in wanted]
        return [answer.result() for answer in answers]

    def _asked(self, wanted: Remote) -> Future[Located | Absent]:
        """The answer to come; the first who asks makes a thread for it."""
        key = f"{wanted.name.lower()}@{wanted.ref}"
        with self._lock:
            if key in self._answers:
                return self._answers[key]
            answer = self._answers[key] = Future()
        # a daemon, so that a command that is interrupted need not wait for a network
        Thread(target=self._answer, args=(wanted, answer), daemon=True).start()
        return answer

    def _answer(self, wanted: Remote, answer: Future[Located | Absent]) -> None:
        try:
            with self._places:
                answer.set_result(self._find(wanted))
        except Unavailable as error:
            answer.set_result(Absent(str(error)))
        except BaseException as error:
            answer.set_exception(error)

    def _find(self, wanted: Remote) -> Located:
        replaced = self._sources.replaced
        name = wanted.name.lower()
        folder = replaced.get(f"{name}@{wanted.ref}") or replaced.get(name)
        if folder is not None:
            return Located(folder, "")
        own = self._sources.server.rstrip("/")
        first: Unavailable | None = None
        for url in dict.fromkeys((own, PUBLIC)):
            try:
                return self._at(url, self._sources.token if url == own else "", wanted)
            except Unavailable as error:
                first = first or error
        raise first or Unavailable(str(wanted))

    def _at(self, url: str, token: str, wanted: Remote) -> Located:
        try:
            return self._on(Server(url, token), wanted)
        except NotThere:
            if not token:
                raise
            # a token that is wrong or too narrow must not hide what anybody may read
            with suppress(NotThere):
                return self._on(Server(url), wanted)
            raise

    def _on(self, server: Server, wanted: Remote) -> Located:
        kept = _kept(server, wanted)
        is_sha = _SHA.fullmatch(wanted.ref) is not None
        sha = wanted.ref.lower() if is_sha else self._commit(server, wanted, kept)
        folder = kept / sha
        if self._sources.offline and not folder.is_dir():
            raise NotThere(_offline(wanted))
        try:
            once(folder, partial(self._fetch, server, wanted, sha))
        except NotThere as error:
            raise NotThere(_no_commit(wanted, server, str(error))) from None
        except Unavailable as error:
            raise Unavailable(_unreachable(wanted, server, str(error))) from None
        return Located(folder, sha)

    def _fetch(self, server: Server, wanted: Remote, sha: str, folder: Path) -> None:
        self._log(f"Getting {wanted.name}@{wanted.ref} ({sha[:12]}) from {server.url}")
        remote.files(server, wanted.name, sha, folder)

    # --- which commit a ref is --------------------------------------------------------------------

    def _commit(self, server: Server, wanted: Remote, kept: Path) -> str:
        note = kept / "refs" / quote(wanted.ref, safe="")
        last = _read(note)
        if self._sources.offline:
            if not last:
                raise NotThere(_offline(wanted))
            return last
        try:
            sha = _asked(server, wanted)
        except NotThere:
            raise
        except Unavailable as error:
            if not last or not (kept / last).is_dir():
                raise Unavailable(_unreachable(wanted, server, str(error))) from None
            self._log(
                f"{wanted.name}@{wanted.ref}: {error}; "
                f"the commit that it was last time is used ({last[:12]})"
            )
            return last
        _write(note, sha)
        return sha


def _asked(server: Server, wanted: Remote) -> str:
    """The commit of a ref; a tag wins over a branch of the same name, as on GitHub."""
    ref = wanted.ref
    names = (f"refs/tags/{ref}", f"refs/heads/{ref}", f"refs/{ref}", ref)
    try:
        found = remote.refs(server, wanted.name, (*names, f"refs/tags/{ref}^{{}}"))
        for name in names:
            if name in found:
                return found[name]
        known = remote.refs(server, wanted.name)
    except NotThere as error:
        raise NotThere(_no_repository(wanted, server, str(error))) from None
    raise NotThere(_no_ref(wanted, known))


def _kept(server: Server, wanted: Remote) -> Path:
    host = quote(server.url.partition("://")[2].lower(), safe="")
    return home() / "actions" / host / wanted.owner.lower() / wanted.repository.lower()


def _read(note: Path) -> str:
    try:
        text = note.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
    return text if _SHA.fullmatch(text) else ""


def _write(note: Path, sha: str) -> None:
    """Keep which commit a ref was; a folder that can't be written to is no reason to complain."""
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        draft = note.parent / f".{token_hex(8)}"
        draft.write_text(f"{sha}\n", encoding="ascii")
        draft.replace(note)


# --- what a user reads ----------------------------------------------------------------------------


def _no_repository(wanted: Remote, server: Server, said: str) -> str:
    advice = (
        "the token given (GITHUB_TOKEN) may not read it"
        if server.token
        else "or it is private: give a token with -s GITHUB_TOKEN"
    )
    return (
        f'there is no repository "{wanted.name}" at {server.url}, {advice}; check the name, or use '
        f"a folder with --local-repository {wanted.name}@{wanted.ref}=DIR (git: {said})"
    )


def _no_ref(wanted: Remote, known: Mapping[str, str]) -> str:
    short = (name.partition("/")[2].partition("/")[2] for name in known if name != "HEAD")
    advice = did_you_mean(wanted.ref, short) or "; check the version after @"
    if _SHORT_SHA.fullmatch(wanted.ref):
        full = next((sha for sha in known.values() if sha.startswith(wanted.ref.lower())), "")
        advice = f"; GitHub takes whole commit ids only{f', so write {full}' if full else ''}"
    return f'"{wanted.name}" has no tag or branch "{wanted.ref}"{advice}'


def _no_commit(wanted: Remote, server: Server, said: str) -> str:
    return (
        f"{wanted.name}@{wanted.ref} is not to be had from {server.url} (git: {said}); check the "
        "name and the commit, or give a token with -s GITHUB_TOKEN if the repository is private"
    )


def _unreachable(wanted: Remote, server: Server, said: str) -> str:
    return (
        f"{wanted.name}@{wanted.ref} can't be fetched from {server.url}: {said}; try again, or use "
        f"a folder with --local-repository {wanted.name}@{wanted.ref}=DIR"
    )


def _offline(wanted: Remote) -> str:
    return (
        f"{wanted.name}@{wanted.ref} was never fetched here; "
        "run once without --action-offline-mode, while there is a network"
    )
