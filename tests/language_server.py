"""The real yaml-language-server, as an editor drives it."""

from __future__ import annotations

import json
import select
import subprocess
from pathlib import Path
from typing import Any

from npm import package

VERSION = "1.25.0"
PATIENCE = 60.0  # seconds until a silent server counts as broken


def server_command() -> list[str]:
    script = package("yaml-language-server", VERSION) / "bin" / "yaml-language-server"
    return ["node", str(script), "--stdio"]


class Editor:
    """One conversation with a language server over its standard streams."""

    def __init__(self, folder: Path, schemas: dict[str, list[str]]) -> None:
        pipe = subprocess.PIPE
        self.schemas = schemas
        self.process = subprocess.Popen(server_command(), stdin=pipe, stdout=pipe, bufsize=0)
        self.folder = folder
        self.buffer = b""
        self.sent = 0
        self.opened = 0
        self.configured = False  # whether the server has asked for the settings
        self.complaints: dict[str, list[dict[str, Any]]] = {}
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "completion": {
                    "completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}
                },
            },
        }
        self.ask("initialize", {"rootUri": folder.as_uri(), "capabilities": capabilities})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": {"yaml": self.settings()}})
        while not self.configured:
            self.next()

    def settings(self) -> dict[str, Any]:
        """Ours and no other schema; the stores stay off, so nothing goes over the network."""
        off = {"enable": False}
        return {
            "validate": True,
            "hover": True,
            "completion": True,
            "schemaStore": off,
            "kubernetesCRDStore": off,
            "schemas": self.schemas,
        }

    # --- the protocol

    def write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def tell(self, method: str, params: dict[str, Any] | None) -> None:
        self.write({"method": method, "params": params})

    def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        self.sent += 1
        number = self.sent
        self.write({"id": number, "method": method, "params": params})
        while (message := self.next()).get("id") != number or "method" in message:
            pass
        assert "error" not in message, message
        return message["result"]

    def next(self) -> dict[str, Any]:
        """The next message; the server's own requests are answered on the way."""
        head, body = self.read_until(b"\r\n\r\n"), b""
        length = int(head.split(b"Content-Length:")[1].split()[0])
        while len(self.buffer) < length:
            self.receive()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        message: dict[str, Any] = json.loads(body)
        if message.get("method") == "textDocument/publishDiagnostics":
            params = message["params"]
            self.complaints[params["uri"]] = params["diagnostics"]
        elif "method" in message and "id" in message:
            self.write({"id": message["id"], "result": self.answer(message)})
        return message

    def answer(self, message: dict[str, Any]) -> Any:
        if message["method"] != "workspace/configuration":
            return None
        self.configured = True
        items = message["params"]["items"]  # one entry for each, or the server waits for ever
        return [self.settings() if item.get("section") == "yaml" else {} for item in items]

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self.receive()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def receive(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        assert select.select([stream], [], [], PATIENCE)[0], "the language server is silent"
        piece = stream.read(65536)
        assert piece, "the language server has ended"
        self.buffer += piece

    def close(self) -> int:
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.process.wait(PATIENCE)

    # --- what a person does

    def open(self, text: str, kind: str = "workflow") -> str:
        self.opened += 1
        return self.open_as(f"{self.opened}.{kind}.yml", text)

    def open_as(self, name: str, text: str) -> str:
        uri = (self.folder / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def diagnostics(self, text: str, kind: str = "workflow") -> list[tuple[int, int, str]]:
        """What the editor underlines: line and column from 1, and its words."""
        return self.all_diagnostics([(text, kind)])[0]

    def all_diagnostics(self, texts: list[tuple[str, str]]) -> list[list[tuple[int, int, str]]]:
        """The same for many documents that are open at once."""
        uris = [self.open(text, kind) for text, kind in texts]
        return [self.complaints_of(uri) for uri in uris]

    def complaints_of(self, uri: str) -> list[tuple[int, int, str]]:
        while uri not in self.complaints:
            self.next()
        found = [(item["range"]["start"], item["message"]) for item in self.complaints[uri]]
        return sorted((start["line"] + 1, start["character"] + 1, said) for start, said in found)

    def hover(self, text: str, line: int, character: int) -> str:
        where = {"line": line - 1, "character": character - 1}
        asked = {"textDocument": {"uri": self.open(text)}, "position": where}
        said = self.ask("textDocument/hover", asked)
        return str(said["contents"]["value"]) if said else ""

    def completions(self, text: str) -> dict[str, dict[str, Any]]:
        """What is offered where the text has a `|`, by label."""
        before, _, after = text.partition("|")
        where = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        asked = {"textDocument": {"uri": self.open(before + after)}, "position": where}
        return {item["label"]: item for item in self.ask("textDocument/completion", asked)["items"]}
