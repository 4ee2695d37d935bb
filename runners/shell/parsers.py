"""What a machine's shell sends back, however it was cut, becomes output and records."""

from __future__ import annotations

from msgspec import Struct, field


class OutputParser(Struct):
    """Cuts the line that ends a command out of its output: a marker, an exit code, how many files.

    Holds back only what may be the beginning of that line.
    """

    marker: bytes
    code: int = 0
    files: int = 0
    seen: bool = False
    _held: bytes = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes that are certainly not that line's."""
        if self.seen:
            return data
        data = self._held + data
        before, found, rest = data.partition(self.marker)
        if found:
            return self._end(before, rest)
        held = self._overlap(data)
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def _end(self, before: bytes, rest: bytes) -> bytes:
        line, newline, after = rest.partition(b"\n")
        if not newline:
            self._held = self.marker + rest
            return before
        self.seen, self._held = True, b""
        self.code, self.files = map(int, line.split())
        return before + after

    def _overlap(self, data: bytes) -> int:
        start = data.rfind(self.marker[:1], -len(self.marker))
        while start >= 0:
            if self.marker.startswith(data[start:]):
                return len(data) - start
            start = data.find(self.marker[:1], start + 1)
        return 0


class Record(Struct, frozen=True):
    """One message on control: its kind, its words, and a file's content.

    P: a command runs as process group; F: a file's content;
    H: the shell was killed and started anew; Q: that shell is listening.
    """

    kind: str
    words: tuple[str, ...] = ()
    content: bytes = b""


class ControlParser(Struct):
    """Bytes of the control channel in, records out."""

    hello: bytes
    _buffer: bytearray = field(default_factory=bytearray)
    _file: Record | None = None

    def feed(self, data: bytes) -> list[Record]:
        """The records that are now complete."""
        self._buffer += data
        records = []
        while record := self._next():
            records.append(record)
        return records

    def _next(self) -> Record | None:
        if self._file:
            return self._content(self._file)
        line = self._until(b"\n")
        if line is None:
            return None
        if line.endswith(self.hello):  # perhaps behind a line that the killed shell left undone
            return Record("H")
        kind, *words = line.decode("ascii", "replace").split(" ")
        if kind == "F":
            self._file = Record(kind, tuple(words))
            return self._next()
        return Record(kind, tuple(words))

    def _content(self, file: Record) -> Record | None:
        end = self._buffer.find(b"\n" + file.words[1].encode() + b"\n")
        again = self._buffer.find(self.hello + b"\n")
        if end < 0 and again < 0:
            return None
        self._file = None
        if end < 0 or 0 <= again < end:
            self._until(self.hello + b"\n")
            return Record("H")
        content = bytes(self._buffer[:end])
        del self._buffer[: end + len(file.words[1]) + 2]
        return Record("F", file.words, content)

    def _until(self, mark: bytes) -> bytes | None:
        at = self._buffer.find(mark)
        if at < 0:
            return None
        taken = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return taken
