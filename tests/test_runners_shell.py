"""The conversation with a shell: its parsers under every cut, its patience with a stubborn step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
import trio.testing

from engine.machine import Command, Exit, Layout, MachineError
from runners.docker.link import Demux
from runners.shell import Session
from runners.shell.parsers import ControlParser, OutputParser, Record

LAYOUT = Layout("/w", "/t", "/c")
NONCE = "0123456789abcdef"
HELLO = b"H secret"


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """The data whole, byte by byte, and cut in two at every place."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]


@pytest.mark.parametrize("after", [b"", b"late\n"])
@pytest.mark.parametrize("before", [b"", b"a\nb", b"\1", b"\1" + NONCE[:5].encode(), b"\1\1\1"])
def test_output_without_its_marker(before: bytes, after: bytes) -> None:
    marker = b"\1" + NONCE.encode()
    for pieces in cuts(before + marker + b" 7 2\n" + after):
        parser = OutputParser(marker)
        assert b"".join(map(parser.feed, pieces)) == before + after
        assert (parser.seen, parser.code, parser.files) == (True, 7, 2)


def test_output_is_held_back_only_as_long_as_it_must() -> None:
    parser = OutputParser(b"\1abc")
    assert parser.feed(b"x\1a") == b"x"
    assert parser.feed(b"d") == b"\1ad"
    assert not parser.seen


RECORDS = [
    (b"P 1 77\n", Record("P", ("1", "77"))),
    (b"F 1 " + NONCE.encode() + b" 0\nA=1\nE 1 0\n\n" + NONCE.encode() + b"\n", None),
    (HELLO + b"\n", Record("H")),
    (b"P 1" + HELLO + b"\n", Record("H")),
    (b"F 1 " + NONCE.encode() + b" 0\nhalf a fi" + HELLO + b"\n", Record("H")),
    (b"Q 1\n", Record("Q", ("1",))),
]


def test_control_records() -> None:
    data = b"".join(piece for piece, _ in RECORDS)
    file = Record("F", ("1", NONCE, "0"), b"A=1\nE 1 0\n")
    expected = [record or file for _, record in RECORDS]
    for pieces in cuts(data):
        parser = ControlParser(HELLO)
        assert [record for piece in pieces for record in parser.feed(piece)] == expected


def frame(kind: int, data: bytes) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def test_multiplexed_streams() -> None:
    data = frame(1, b"out") + frame(2, b"err") + frame(1, b"") + frame(1, b"more")
    for pieces in cuts(data):
        demux = Demux()
        parts = [demux.feed(piece) for piece in pieces]
        assert b"".join(out for out, _ in parts) == b"outmore"
        assert b"".join(err for _, err in parts) == b"err"


class FakeLink:
    """A shell whose step ends as `plan` says: the signal that ends it, and its exit code."""

    def __init__(self, ends_at: str, code: int = 0, files: int = 0, deaf: int = 0) -> None:
        self._deaf = deaf  # signals that come before the step has its process group
        self.signals: list[tuple[float, str, int]] = []
        self._ends_at, self._code, self._files = ends_at, code, files
        self._send, self._receive = trio.open_memory_channel[tuple[bytes, bytes]](100)
        self._number = self._nonce = ""

    async def send(self, data: bytes) -> None:
        text = data.decode()
        self._number = re.findall(r"P (\d+)", text)[0]
        self._nonce = re.findall(r" ([0-9a-f]{32}) \$e", text)[0]
        self._send.send_nowait((b"begun\n", f"P {self._number} 42\n".encode()))
        if not self._ends_at:
            self._end()

    async def receive(self) -> tuple[bytes, bytes]:
        return await self._receive.receive()

    async def signal(self, name: str, group: int) -> bool:
        self.signals.append((trio.current_time(), name, group))
        heard = len(self.signals) > self._deaf
        if heard and name == self._ends_at and len(self.signals) <= 3:
            self._end()
        return heard

    def tell(self, control: bytes) -> None:
        self._send.send_nowait((b"", control))

    def _end(self) -> None:
        line = f"\1{self._nonce} {self._code} {self._files}\n"
        self._send.send_nowait((line.encode(), b""))


async def cancelled(link: FakeLink, after: float = 3) -> Exit:
    out: list[bytes] = []
    with trio.move_on_after(after):
        return await Session(link, LAYOUT, "s").exec(Command("x", ("sh",), "/"), out.append)
    raise AssertionError("a cancelled command must still return its exit")


@pytest.mark.parametrize(
    ("ends_at", "code", "times"),
    [
        ("INT", 130, [("INT", 3.0), ("KILL", 3.0)]),
        ("TERM", 143, [("INT", 3.0), ("TERM", 10.5), ("KILL", 10.5)]),
        ("KILL", 137, [("INT", 3.0), ("TERM", 10.5), ("KILL", 13.0), ("KILL", 13.0)]),
    ],
)
async def test_the_ladder(
    autojump_clock: Any, ends_at: str, code: int, times: list[tuple[str, float]]
) -> None:
    link, start = FakeLink(ends_at, code), trio.current_time()
    assert await cancelled(link) == Exit(code)
    assert [(name, pytest.approx(when - start)) for when, name, _ in link.signals] == times
    assert {group for *_, group in link.signals} == {42}


async def test_an_interrupt_before_there_is_a_process_group(autojump_clock: Any) -> None:
    link = FakeLink("INT", 130, deaf=2)
    assert await cancelled(link) == Exit(130)
    assert [name for _, name, _ in link.signals] == ["INT", "INT", "INT", "KILL"]
    assert link.signals[-1][0] - link.signals[0][0] < 1


async def test_a_step_that_nothing_ends(autojump_clock: Any) -> None:
    with pytest.raises(MachineError, match="could not be ended"):
        await cancelled(FakeLink("never"))


async def test_a_step_that_never_begins(autojump_clock: Any) -> None:
    class Silent(FakeLink):
        async def receive(self) -> tuple[bytes, bytes]:
            await trio.sleep_forever()
            raise AssertionError

    link = Silent("INT")
    with pytest.raises(MachineError, match="never began"):
        await cancelled(link)
    assert not link.signals


async def test_files_that_come_after_the_end() -> None:
    link = FakeLink("", 7, files=1)
    text = f"F 1 {NONCE} 0\nA=1\n{NONCE}\n".encode()
    async with trio.open_nursery() as nursery:
        exits: list[Exit] = []

        async def exec_() -> None:
            command = Command("x", ("sh",), "/", files=("/f",))
            exits.append(await Session(link, LAYOUT, "s").exec(command, lambda data: None))

        nursery.start_soon(exec_)
        await trio.testing.wait_all_tasks_blocked()
        assert not exits
        link.tell(text)
    assert exits == [Exit(7, {"/f": b"A=1"})]


async def test_a_lost_machine() -> None:
    class Gone(FakeLink):
        async def receive(self) -> tuple[bytes, bytes]:
            return b"", b""

    ignore: Callable[[bytes], None] = lambda data: None  # noqa: E731
    with pytest.raises(MachineError, match="lost"):
        await Session(Gone(""), LAYOUT, "s").exec(Command("x", ("sh",), "/"), ignore)
    with pytest.raises(MachineError, match="did not start"):
        await Session(Gone(""), LAYOUT, "s").greet()
