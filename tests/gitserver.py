"""Git servers for tests: real repositories behind real git, by another transport or over HTTP."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

SERVE = """#!/bin/sh
# what git runs instead of a connection to github.com: it keeps a record, and may be held up
echo "$2" >>"$0.asked"
while [ -e "$0.hold" ]; do sleep 0.02; done
exec "$1" "$2"
"""


class Repository:
    """A repository with a work tree, at a path that git takes for a server's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], *tags: str) -> str:
        """Commit the files and tag the commit; its id."""
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        self.git("add", "--all", "--force")
        self.git("commit", "-q", "--allow-empty", "-m", "more")
        for tag in tags:
            self.git("tag", "--force", tag)
        return self.git("rev-parse", "HEAD")


class Origin:
    """Stands for https://github.com/ in the settings of git: repositories in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "srv"
        self.folder.mkdir(parents=True)
        self.settings = folder / "gitconfig"
        self.serve = folder / "serve"
        self.serve.write_text(SERVE)
        self.serve.chmod(0o755)
        self.goes_to(f"ext::{self.serve} %S {self.folder}/")

    def goes_to(self, url: str) -> None:
        """Where git looks for what is at https://github.com/."""
        self.settings.write_text(
            f'[url "{url}"]\n  insteadOf = https://github.com/\n'
            '[protocol "ext"]\n  allow = always\n'
            "[user]\n  name = Mona\n  email = mona@example.org\n"
        )

    def repository(self, name: str) -> Repository:
        return Repository(self.folder / f"{name}.git")

    @property
    def asked(self) -> list[str]:
        """The repositories that git spoke with, once for each conversation."""
        record = self.serve.with_name("serve.asked")
        lines = record.read_text().splitlines() if record.exists() else []
        return [line.removeprefix(f"{self.folder}/").removesuffix(".git") for line in lines]

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """The server answers nobody while the body runs."""
        hold = self.serve.with_name("serve.hold")
        hold.touch()
        try:
            yield
        finally:
            hold.unlink()


class _Handler(BaseHTTPRequestHandler):
    """Git's smart protocol, by git's own program; for those who know the token, if there is one."""

    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length")
        self._answer(self.rfile.read(int(length)) if length else self._chunks())

    def do_CONNECT(self) -> None:
        """A proxy is asked for a way to a server, and is that server itself."""
        assert self.server.tls
        self.send_response(200)
        self.end_headers()
        with self.server.tls.wrap_socket(self.connection, server_side=True) as wire:
            self.rfile, self.wfile = wire.makefile("rb"), wire.makefile("wb")
            self.handle_one_request()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        given = self.headers.get("Authorization", "")
        self.server.given.append(given)
        if self.server.wanted and given.lower() != self.server.wanted.lower():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.server.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REMOTE_USER": "git",
            },
            capture_output=True,
            check=False,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def __init__(self, root: Path, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.given: list[str] = []  # the Authorization of each request
        secret = b64encode(f"x-access-token:{token}".encode()).decode()
        self.wanted = f"basic {secret}" if token else ""
        self.tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def http_server(root: Path, token: str = "") -> Iterator[_Server]:
    """The repositories below a folder over HTTP; only for those who know the token, if given."""
    server = _Server(root, token)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def github(origin: Origin, token: str) -> Iterator[_Server]:
    """https://github.com itself, with an origin's repositories; for those who know the token.

    Git is sent to a proxy that has a certificate for that name.
    """
    folder = origin.settings.parent
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    command += " -subj /CN=github.com -addext subjectAltName=DNS:github.com"
    words = [*command.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, capture_output=True, check=True)
    with http_server(origin.folder, token) as server:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(certificate, key)
        origin.settings.write_text(
            f'[http "https://github.com/"]\n  proxy = {server.url}\n  sslCAInfo = {certificate}\n'
        )
        yield server


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process of its own that runs a script, with all that it prints in one stream."""
    root = Path(__file__).parent.parent
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
