"""A step's raw bytes as masked output and commands, however they were cut."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.encodings import encodings
from engine.events import Annotation, Debug, Event, GroupEnded, GroupStarted, Output
from engine.masks import Masks
from engine.matchers import Matchers
from engine.transcript import LONGEST_HEAD, LONGEST_LINE, Transcript, parse

WHERE: dict[str, Any] = {"job": "build", "step": 3}


@dataclass
class Told:
    """What came of some bytes."""

    transcript: Transcript
    events: list[Event]

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Output))

    @property
    def joined(self) -> list[Event | str]:
        """The events in order, with neighbouring outputs joined."""
        found: list[Event | str] = []
        for event in self.events:
            if not isinstance(event, Output):
                found.append(event)
            elif found and isinstance(found[-1], str):
                found[-1] += event.text
            else:
                found.append(event.text)
        return found

    @property
    def effects(self) -> tuple[Any, ...]:
        t = self.transcript
        return dict(t.outputs), t.state, t.env, t.path, t.errors


def tell(
    data: bytes,
    *cuts: int,
    secrets: tuple[str, ...] = (),
    files: Mapping[str, str] = MappingProxyType({}),
    late: int = 0,
    **options: Any,
) -> Told:
    """Feed bytes, cut at the positions given; a file is there `late` pieces after it is wanted."""
    transcript = Transcript("build", 3, Masks(secrets), workspace="/w", **options)
    events: list[Event] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    waiting = 0
    for start, stop in pairwise(edges):
        events += transcript.feed(data[start:stop])
        waiting = waiting + 1 if transcript.wanted else 0
        if waiting > late:
            events += answers(transcript, files)
    events += transcript.close()
    events += answers(transcript, files)
    return Told(transcript, events)


def answers(transcript: Transcript, files: Mapping[str, str]) -> list[Event]:
    """Give all the files that are wanted."""
    events: list[Event] = []
    while path := transcript.wanted:
        if path in files:
            events += transcript.answer(files[path].encode())
        else:
            events += transcript.refuse(f"There is no '{path}'.")
    return events


def told(text: str, **options: Any) -> list[Event | str]:
    return tell(text.encode(), **options).joined


def note(level: Any, message: str, **more: Any) -> Annotation:
    return Annotation(**WHERE, level=level, message=message, **more)


def refused(line: str, message: str) -> list[Annotation]:
    return [
        note("error", f"Unable to process command '{line}' successfully."),
        note("error", message),
    ]


GROUP_END = GroupEnded(**WHERE)


def group(title: str) -> GroupStarted:
    return GroupStarted(**WHERE, title=title)


# --- plain output ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a\n",
        "a\nb",
        "\n\n",
        "a\r\nb\r\n",
        "a\rb",
        "é🙂\n",
        "a\x0bb\x85c\u2028d\n",
        "\x00\n",
    ],
)
def test_output_is_passed_on_as_it_is(text: str) -> None:
    assert tell(text.encode()).text == text


def test_only_whole_lines_come_out_before_the_end() -> None:
    transcript = Transcript("build", 3, Masks())
    assert transcript.feed(b"one\ntwo\nthr") == [Output(**WHERE, text="one\ntwo\n")]
    assert transcript.feed(b"ee") == []
    assert transcript.feed(b"\n") == [Output(**WHERE, text="three\n")]
    assert transcript.feed(b"end") == []
    assert transcript.close() == [Output(**WHERE, text="end")]
    assert transcript.close() == []


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"a\xffb\n", "a\ufffdb\n"),
        (b"\xc3\n\xa9", "\ufffd\n\ufffd"),
        (b"\xf0\x9f\x99", "\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    ],
)
def test_what_is_no_utf_8_is_replaced(data: bytes, wanted: str) -> None:
    assert tell(data).text == wanted


# --- commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("::group::Build\nx\n::endgroup::\n", [group("Build"), "x\n", GROUP_END],
                     id="group", marks=pytest.mark.covers("CMD-011")),
        pytest.param("::debug::hidden\n", [], id="debug is not shown",
                     marks=pytest.mark.covers("CMD-012")),
        pytest.param("::notice::hello\n", [note("notice", "hello")], id="notice",
                     marks=pytest.mark.covers("CMD-013")),
        pytest.param("::warning::hello\n", [note("warning", "hello")], id="warning",
                     marks=pytest.mark.covers("CMD-013")),
        pytest.param("::error::hello\n", [note("error", "hello")], id="error",
                     marks=pytest.mark.covers("CMD-013")),
        pytest.param("::error::\n", [note("error", "")], id="an empty message"),
        pytest.param(
            "::warning title=T,file=a.py,line=2,endLine=2,col=3,endColumn=5::m\n",
            [note("warning", "m", title="T", file="a.py", line=2, end_line=2, column=3,
                  end_column=5)], id="all properties", marks=pytest.mark.covers("CMD-013")),
        pytest.param("a\n  \t::notice::x\nb", ["a\n", note("notice", "x"), "b"],
                     id="after white space"),
        pytest.param("a ::notice::x\n", ["a ::notice::x\n"], id="not in mid-line"),
        pytest.param("::notice::a::b\n", [note("notice", "a::b")], id="ends at the second ::"),
        pytest.param("::notice ::a\n", [note("notice", "a")], id="no properties"),
        pytest.param("::NoTiCe FILE=a::x\n", [note("notice", "x", file="a")], id="any case",
                     marks=pytest.mark.covers("CMD-019")),
        pytest.param("::nope::x\n::nope a=b::x\n", ["::nope::x\n::nope a=b::x\n"],
                     id="unknown ones are printed", marks=pytest.mark.covers("CMD-019")),
        pytest.param(":: notice::x\n::::\n::\n:: ::\n", [":: notice::x\n::::\n::\n:: ::\n"],
                     id="no name"),
        pytest.param("::notice\n::notice:x\n", ["::notice\n::notice:x\n"], id="never ended"),
        pytest.param("::notice::x", [note("notice", "x")], id="without a newline"),
        pytest.param("::notice::x\r\n", [note("notice", "x")], id="CR LF"),
        pytest.param("::notice file=a,file=b::x\n", [note("notice", "x", file="b")],
                     id="the later property wins"),
        pytest.param("::notice file=,title::x\n", [note("notice", "x")],
                     id="properties without a value", marks=pytest.mark.covers("CMD-017")),
        pytest.param("::notice title=a=b::x\n", [note("notice", "x", title="a=b")],
                     id="a value with =", marks=pytest.mark.covers("CMD-017")),
        pytest.param("::notice title=a%2Cb%3Ac%0Ad%25::1%0A2%0D3%25 %2C\n",
                     [note("notice", "1\n2\r3% %2C", title="a,b:c\nd%")], id="escapes",
                     marks=pytest.mark.covers("CMD-017")),
        pytest.param("::notice::%250A%0a\n", [note("notice", "%0A%0a")], id="%25 is the last",
                     marks=pytest.mark.covers("CMD-017")),
        pytest.param("##[group]Build\n##[endgroup]\n", [group("Build"), GROUP_END], id="legacy",
                     marks=pytest.mark.covers("CMD-018")),
        pytest.param("text ##[error file=a;line=3]m]%5D%3B%0A\n",
                     [note("error", "m]];\n", file="a", line=3)],
                     id="legacy in mid-line", marks=pytest.mark.covers("CMD-018")),
        pytest.param("##[error file=a,b;line=3]m\n", [note("error", "m", file="a,b", line=3)],
                     id="legacy separator", marks=pytest.mark.covers("CMD-018")),
        pytest.param("##[nope]x\n##[]x\n##[error\n", ["##[nope]x\n##[]x\n##[error\n"],
                     id="no legacy command", marks=pytest.mark.covers("CMD-018", "CMD-019")),
        pytest.param("::add-mask::pw\nthe pw\n", ["the ***\n"], id="mask",
                     marks=pytest.mark.covers("CMD-010")),
        pytest.param("the pw\n::add-mask::pw\n::notice title=pw::pw\n::group::pw\n",
                     ["the pw\n", note("notice", "***", title="***"), group("***")],
                     id="a mask holds from there on", marks=pytest.mark.covers("CMD-010")),
        pytest.param("::add-mask::one%0Atwo\none\ntwo\n", ["***\n***\n"], id="mask of lines",
                     marks=pytest.mark.covers("CMD-010")),
        pytest.param("::add-mask:: \n", [note("warning", "Can't add secret mask for empty string "
                     "in ##[add-mask] command.")], id="blank mask",
                     marks=pytest.mark.covers("CMD-010")),
    ],
)  # fmt: skip
def test_commands(text: str, wanted: list[Event | str]) -> None:
    found = tell(text.encode())
    assert found.joined == wanted
    assert found.effects == ({}, {}, {}, [], [])


@pytest.mark.covers("CMD-012", "CMD-026")
def test_debug_is_shown_when_asked_for() -> None:
    assert told("::debug::x%0Apw\n", debug=True, secrets=("pw",)) == [
        Debug(**WHERE, message="x\n***")
    ]


@pytest.mark.covers("CMD-014")
@pytest.mark.parametrize(
    ("written", "line", "end_line", "column", "end_column"),
    [
        ("line=2", 2, 0, 0, 0),
        ("line=2,endLine=4", 2, 4, 0, 0),
        ("endLine=4", 4, 4, 0, 0),
        ("line=4,endLine=2", 0, 0, 0, 0),
        ("line=4,endLine=2,col=1,endColumn=2", 0, 0, 0, 0),
        ("line=2,col=3", 2, 0, 3, 0),
        ("line=2,endColumn=5", 2, 0, 5, 5),
        ("line=2,col=5,endColumn=3", 2, 0, 0, 0),
        ("line=2,endLine=2,col=3,endColumn=5", 2, 2, 3, 5),
        ("line=2,endLine=3,col=3,endColumn=5", 2, 3, 0, 0),
        ("endLine=3,col=4", 3, 3, 4, 0),
        ("col=3,endColumn=5", 0, 0, 0, 0),
        ("line=x,col=3", 0, 0, 0, 0),
        ("line=-1", 0, 0, 0, 0),
        ("line=0", 0, 0, 0, 0),
        ("line=99999999999", 0, 0, 0, 0),
    ],
)
def test_where_an_annotation_stands(
    written: str, line: int, end_line: int, column: int, end_column: int
) -> None:
    place = {"line": line, "end_line": end_line, "column": column, "end_column": end_column}
    assert told(f"::error {written}::m\n") == [note("error", "m", **place)]


@pytest.mark.covers("CMD-014")
def test_a_message_keeps_its_first_4096_characters() -> None:
    (found,) = told(f"::error::{'x' * 5000}\n")
    assert found == note("error", "x" * 4096)


@pytest.mark.covers("CMD-014")
@pytest.mark.parametrize("level", ["notice", "warning", "error"])
def test_ten_of_each_level_are_kept_in_a_step(level: str) -> None:
    found = tell(f"::{level}::x\n".encode() * 12 + b"::notice::y\n::error::y\n")
    over = [event.over_limit for event in found.events if isinstance(event, Annotation)]
    assert over[:12] == [False] * 10 + [True] * 2
    assert sorted(over[12:]) == ([False, False] if level == "warning" else [False, True])


@pytest.mark.covers("CMD-014")
@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("/w/src/a.py", "src/a.py"),
        ("src/a.py", "src/a.py"),
        ("/work/a.py", "/work/a.py"),
        ("/w", "/w"),
        ("C:\\a.py", "C:\\a.py"),
    ],
)
def test_files_are_told_relative_to_the_workspace(written: str, file: str) -> None:
    escaped = written.replace(":", "%3A")
    assert told(f"::error file={escaped}::m\n") == [note("error", "m", file=file)]


@pytest.mark.covers("CMD-008")
def test_outputs_and_state() -> None:
    found = tell(
        b"::set-output name=a::1\n::set-output name=b::x%0Ay\n::set-output name=a::2=3\n"
        b"::SAVE-STATE name=s::\n"
    )
    assert found.effects == ({"a": "2=3", "b": "x\ny"}, {"s": ""}, {}, [], [])


@pytest.mark.covers("CMD-008")
@pytest.mark.parametrize(
    ("name", "file"), [("set-output", "GITHUB_OUTPUT"), ("save-state", "GITHUB_STATE")]
)
def test_deprecated_commands_are_told_of_once(name: str, file: str) -> None:
    message = (
        f"The `{name}` command is deprecated and will be disabled soon. "
        f"Write to the file in ${file} instead."
    )
    text = f"::{name} name=a::1\n::{name} name=b::2\n::set-output name=c::3\n"
    assert told(text) == [note("warning", message)]


@pytest.mark.covers("CMD-008", "CMD-009")
@pytest.mark.parametrize("name", ["set-output", "save-state", "set-env"])
def test_a_name_is_required(name: str) -> None:
    message = f"Required field 'name' is missing in ##[{name}] command."
    found = tell(f"  ::{name} nam=x::y\n".encode(), unsecure_commands=True)
    assert found.joined == refused(f"::{name} nam=x::y", message)
    assert found.effects == ({}, {}, {}, [], [message])


@pytest.mark.covers("CMD-009")
@pytest.mark.parametrize(
    ("line", "name", "file"),
    [
        ("::set-env name=A::b", "set-env", "GITHUB_ENV"),
        ("::add-path::/x", "add-path", "GITHUB_PATH"),
    ],
)
def test_insecure_commands_are_disabled(line: str, name: str, file: str) -> None:
    message = (
        f"The `{name}` command is disabled. Write to the file in ${file} instead, or set "
        "ACTIONS_ALLOW_UNSECURE_COMMANDS to true if you must."
    )
    found = tell(f"{line}\n".encode())
    assert found.joined == refused(line, message)
    assert found.effects == ({}, {}, {}, [], [message])


@pytest.mark.covers("CMD-009")
def test_insecure_commands_can_be_allowed() -> None:
    found = tell(b"::set-env name=A::b\n::add-path::/x\n::add-path::/y\n", unsecure_commands=True)
    assert found.effects == ({}, {}, {"A": "b"}, ["/x", "/y"], [])
    assert found.events == []


@pytest.mark.covers("CMD-004", "CMD-009")
def test_node_options_are_never_set() -> None:
    found = tell(b"::set-env name=node_options::--inspect\n", unsecure_commands=True)
    message = "Can't update NODE_OPTIONS environment variable using ::set-env:: command."
    assert found.joined == [note("error", message)]
    assert found.effects == ({}, {}, {}, [], [])


@pytest.mark.covers("CMD-009")
def test_a_path_that_is_added_is_not_empty() -> None:
    found = tell(b"::add-path::\n", unsecure_commands=True)
    message = "The path of ##[add-path] must not be empty."
    assert found.joined == refused("::add-path::", message)


def test_an_error_is_masked() -> None:
    found = tell(b"::set-env name=pw::pw\n", secrets=("pw",))
    assert "pw" not in str(found.events)


QUIET = "::remove-matcher owner=x::\n"  # a command that shows nothing


@pytest.mark.covers("CMD-015")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(QUIET, [], id="off at first"),
        pytest.param(f"::echo::on\n{QUIET}", [QUIET], id="on"),
        pytest.param(f"::echo::ON\n::echo::off\n{QUIET}", ["::echo::off\n"], id="off again"),
        pytest.param("::echo::on\n::group::x\n", ["::group::x\n", group("x")], id="groups too"),
        pytest.param("::echo::on\n::debug::x\n::notice::y\n", [note("notice", "y")],
                     id="some never"),
        pytest.param("::echo::on\nthe pw\n::add-mask::pw\n", ["the pw\n::add-mask::***\n"],
                     id="masks without their value"),
        pytest.param("::echo::on\n::stop-commands::tok\n::tok::\n",
                     ["::stop-commands::tok\n::tok::\n"], id="not twice"),
    ],
)  # fmt: skip
def test_echo(text: str, wanted: list[Event | str]) -> None:
    assert told(text) == wanted


@pytest.mark.covers("CMD-015")
def test_echo_is_on_by_default_with_debug() -> None:
    removed = Debug(**WHERE, message="Removed matchers: 'x'.")
    assert told(QUIET, debug=True) == [QUIET, removed]
    assert told(f"::echo::off\n{QUIET}", debug=True) == ["::echo::off\n", removed]


@pytest.mark.covers("CMD-015")
@pytest.mark.parametrize("value", ["", "maybe", "true"])
def test_echo_knows_two_values(value: str) -> None:
    message = (
        "Invalid echo command value. Possible values can be: 'on', 'off'. "
        f"Current value is: '{value}'."
    )
    found = tell(f"::echo::{value}\n".encode())
    assert found.joined == refused(f"::echo::{value}", message)
    assert found.transcript.errors == [message]


@pytest.mark.covers("CMD-016")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("::stop-commands::tok\n::notice::x\n##[group]y\n::tok::\n::notice::z\n",
                     ["::stop-commands::tok\n::notice::x\n##[group]y\n::tok::\n",
                      note("notice", "z")], id="stop and go on"),
        pytest.param("::stop-commands::ToK\n::tOk::\n::notice::z\n",
                     ["::stop-commands::ToK\n::tOk::\n", note("notice", "z")], id="any case"),
        pytest.param("::stop-commands::tok\n##[TOK]\n::notice::z\n",
                     ["::stop-commands::tok\n##[TOK]\n", note("notice", "z")], id="legacy"),
        pytest.param("::stop-commands::tok\n::tok\n::token::\n::stop-commands::x\n::x::\n",
                     ["::stop-commands::tok\n::tok\n::token::\n::stop-commands::x\n::x::\n"],
                     id="only its own token"),
        pytest.param("::stop-commands::longer1\nlonger1\n::longer1::\nlonger1\n",
                     ["::stop-commands::***\n***\n::***::\n***\n"], id="long ones are hidden"),
        pytest.param("::stop-commands::short6\nshort6\n", ["::stop-commands::short6\nshort6\n"],
                     id="short ones are not"),
        pytest.param("::tok::\n", ["::tok::\n"], id="a token by itself means nothing"),
    ],
)  # fmt: skip
def test_stopping_commands(text: str, wanted: list[Event | str]) -> None:
    assert told(text) == wanted


@pytest.mark.covers("CMD-016")
@pytest.mark.parametrize("token", ["", "pause-logging", "Group", "add-mask"])
def test_a_bad_token_is_refused(token: str) -> None:
    found = tell(f"::stop-commands::{token}\n::group::x\n".encode())
    message = (
        f"Invalid stop token '{token}'; choose a random one that is no command's name, or set "
        "ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS to true if you must."
    )
    assert found.joined == [*refused(f"::stop-commands::{token}", message), group("x")]
    assert found.transcript.errors == [message]


@pytest.mark.covers("CMD-016")
@pytest.mark.parametrize("token", ["", "pause-logging", "Group"])
def test_a_bad_token_can_be_allowed(token: str) -> None:
    text = f"::stop-commands::{token}\n::notice::x\n::{token}::\n::endgroup::\n"
    found = tell(text.encode(), unsecure_tokens=True)
    stopped = text.removesuffix("::endgroup::\n").replace("pause-logging", "***")
    # nothing ends a stop whose token is empty
    assert found.joined == ([stopped, GROUP_END] if token else [text])
    assert found.transcript.errors == []


@pytest.mark.covers("CMD-017", "CMD-018", "CMD-019")
@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("::Known A=b, c = d::e", ("known", {"a": "b", "c": " d"}, "e")),
        ("::known a=b ::e", ("known", {"a": "b"}, "e")),  # no blank of the property's
        ("##[known a=b ]e", ("known", {"a": "b "}, "e")),
        ("::nope::x ##[known]e", ("known", {}, "e")),  # what is no command may hold an old one
        (":: ##[known]e", ("known", {}, "e")),
        ("::nope::e", None),
        ("##[nope]e", None),
        ("nothing", None),
    ],
)
def test_reading_a_line(line: str, read: tuple[str, dict[str, str], str] | None) -> None:
    found = parse(line, ["known"])
    assert (found and (found.name, found.properties, found.data)) == read


# --- problem matchers -----------------------------------------------------------------------------

PATTERN = {
    "regexp": r"^(\S+):(\d+):(\d+): (?:(warning|notice|fatal): )?(.*?)(?: \[(.+)\])?$",
    "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5, "code": 6,
}  # fmt: skip
LOOP = [{"regexp": "^in (.+)$", "file": 1}, {"regexp": r"^ (\d+) (.+)$", "line": 1, "message": 2,
                                            "loop": True}]  # fmt: skip


def matcher(owner: str, *patterns: dict[str, Any], **more: Any) -> str:
    return json.dumps({"problemMatcher": [{"owner": owner, "pattern": patterns, **more}]})


FILES = {
    "/w/m.json": matcher("m", PATTERN),
    "/w/loop.json": matcher("loop", *LOOP, severity="warning"),
    "/any.json": "\ufeff" + matcher("any", {"regexp": "^(any.*)", "message": 1}),
    "/bad.json": matcher("bad", {"regexp": "(", "message": 1}),
    "/none.json": "{}",
}


def problem(level: Any, text: str, message: str, **more: Any) -> Annotation:
    return note(level, message, text=text, **more)


@pytest.mark.covers("CMD-020")
def test_a_matcher_makes_annotations_of_lines() -> None:
    line = "src/a.c:3:5: warning: odd [-Wodd]"
    assert told(f"{line}\n::add-matcher::m.json\na\n{line}\nb\n", files=FILES) == [
        f"{line}\na\n",
        problem("warning", line, "odd", file="src/a.c", line=3, column=5, code="-Wodd"),
        "b\n",
    ]


@pytest.mark.covers("CMD-020", "CMD-021")
@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("a:1:2: m", problem("error", "a:1:2: m", "m", file="a", line=1, column=2)),
        ("a:1:2: notice: m",
         problem("notice", "a:1:2: notice: m", "m", file="a", line=1, column=2)),
        ("\x1b[31ma:1:2: \x1b[1mm\x1b[0m\r",
         problem("error", "a:1:2: m", "m", file="a", line=1, column=2)),
        ("/w/d/../a:1:0: m", problem("error", "/w/d/../a:1:0: m", "m", file="a", line=1)),
        ("/etc/a:1:2: m", problem("error", "/etc/a:1:2: m", "m", line=1, column=2)),
        ("../a:1:2: m", problem("error", "../a:1:2: m", "m", line=1, column=2)),
        ("a:99999999999:2: m", problem("error", "a:99999999999:2: m", "m", file="a", column=2)),
        ("a:1:2: pw", problem("error", "a:1:2: ***", "***", file="a", line=1, column=2)),
        ("a:1:2: ", "a:1:2: \n"),
    ],
)  # fmt: skip
def test_what_a_matcher_sees(line: str, event: Event | str) -> None:
    text = f"::add-matcher::/w/m.json\n{line}\n"
    assert told(text, files=FILES, secrets=("pw",)) == [event]


@pytest.mark.covers("CMD-021")
def test_a_matcher_of_several_lines() -> None:
    text = "::add-matcher::loop.json\nin a.py\n 1 one\n 2 two\nend\n 3 three\n"
    assert told(text, files=FILES) == [
        "in a.py\n",
        problem("warning", " 1 one", "one", file="a.py", line=1),
        problem("warning", " 2 two", "two", file="a.py", line=2),
        "end\n 3 three\n",
    ]


@pytest.mark.covers("CMD-021")
@pytest.mark.parametrize(
    ("project", "written", "file"),
    [
        ("lib/lib.csproj", "a.cs", "lib/a.cs"),
        ("/w/lib/lib.csproj", "b/a.cs", "lib/b/a.cs"),
        ("/w/lib/lib.csproj", "../a.cs", "a.cs"),
        ("/w/lib/lib.csproj", "/w/a.cs", "a.cs"),
        ("/src/lib.csproj", "a.cs", ""),
        ("lib.csproj", "a.cs", "a.cs"),
        ("", "a.cs", "a.cs"),
    ],
)
def test_a_file_is_relative_to_from_path(project: str, written: str, file: str) -> None:
    pattern = {"regexp": r"^(.+): (.+) \[(.*)\]$", "file": 1, "message": 2, "fromPath": 3}
    line = f"{written}: m [{project}]"
    found = told(f"::add-matcher::/m\n{line}\n", files={"/m": matcher("m", pattern)})
    assert found == [problem("error", line, "m", file=file)]


@pytest.mark.covers("CMD-014", "CMD-020")
def test_problems_count_to_the_limit() -> None:
    text = "::add-matcher::/any.json\n" + "any\n" * 9 + "::error::x\nany\n"
    over = [event.over_limit for event in tell(text.encode(), files=FILES).events
            if isinstance(event, Annotation)]  # fmt: skip
    assert over == [False] * 10 + [True]


@pytest.mark.covers("CMD-020")
def test_a_command_is_no_problem_and_a_stopped_one_may_be() -> None:
    everything = {"/m": matcher("m", {"regexp": "^(.+)$", "message": 1})}
    text = "::add-matcher::/m\n::group::x\n::stop-commands::tok\n::group::y\n::tok::\n"
    assert told(text, files=everything) == [
        group("x"),
        "::stop-commands::tok\n",
        problem("error", "::group::y", "::group::y"),
        "::tok::\n",
    ]


@pytest.mark.covers("CMD-020")
@pytest.mark.parametrize(
    "removal",
    ["owner=M::", "::m.json", "::/w/m.json"],
)
def test_a_matcher_can_be_removed(removal: str) -> None:
    command = "::remove-matcher" + (removal if removal[0] == ":" else f" {removal}")
    text = f"::add-matcher::m.json\n{command}\na:1:2: m\n"
    assert told(text, files=FILES) == ["a:1:2: m\n"]


@pytest.mark.covers("CMD-020")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("::add-matcher::", "File path must be specified."),
        ("::remove-matcher::",
         "##[remove-matcher] takes an owner or a file, and was given neither."),
        ("::remove-matcher owner=a::b",
         "##[remove-matcher] takes an owner or a file, and was given both."),
    ],
)  # fmt: skip
def test_a_matcher_must_be_named(command: str, message: str) -> None:
    found = tell(f"{command}\n".encode(), files=FILES)
    assert found.joined == [note("warning", message)]
    assert found.transcript.errors == []


@pytest.mark.covers("CMD-020")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("::add-matcher::nowhere.json", "There is no '/w/nowhere.json'."),
        ("::remove-matcher::/nowhere.json", "There is no '/nowhere.json'."),
        ("::add-matcher::/bad.json", "Invalid pattern '(': missing ) at position 1."),
    ],
)
def test_a_file_that_is_no_use_fails_the_step(command: str, message: str) -> None:
    found = tell(f"{command}\n::group::x\n".encode(), files=FILES)
    assert found.joined == [*refused(command, message), group("x")]
    assert found.transcript.errors == [message]


@pytest.mark.covers("CMD-020")
def test_a_file_without_matchers_is_none() -> None:
    assert told("::add-matcher::/none.json\na:1:2: m\n", files=FILES) == ["a:1:2: m\n"]


def test_matchers_are_told_of_when_debugging() -> None:
    assert told("::echo::off\n::add-matcher::m.json", files=FILES, debug=True) == [
        "::echo::off\n", Debug(**WHERE, message="Added matchers: 'm'."),
    ]  # fmt: skip


@pytest.mark.covers("CMD-020")
def test_matchers_stay_for_the_steps_that_follow() -> None:
    matchers = Matchers()
    tell(b"::add-matcher::/any.json\n", files=FILES, matchers=matchers)
    found = tell(b"any\n", matchers=matchers)
    assert found.joined == [problem("error", "any", "any")]


def test_what_comes_before_the_file_waits_for_it() -> None:
    transcript = Transcript("build", 3, Masks(), workspace="/w")
    first = transcript.feed(b"before\n::add-matcher::m.json\na:1:2: m\nhal")
    assert first == [Output(**WHERE, text="before\n")]
    assert transcript.wanted == "/w/m.json"
    assert transcript.feed(b"f\nlast") == transcript.close() == []
    assert transcript.answer(FILES["/w/m.json"].encode()) == [
        problem("error", "a:1:2: m", "m", file="a", line=1, column=2),
        Output(**WHERE, text="half\nlast"),
    ]
    assert transcript.answer(b"{") == transcript.refuse("no") == []


def test_a_pattern_that_thinks_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.matchers.LIMIT", 0.2)
    slow = {"/m": matcher("slow", {"regexp": "^((?:.*?,){11}P)", "message": 1})}
    line = "1,2,3,4,5,6,7,8,9,10,11,12,13" * 9
    message = "Removing issue matcher 'slow': a line took it over 0.2 s."
    assert told(f"::add-matcher::/m\n{line}\n{line}\n", files=slow) == [
        note("warning", message), f"{line}\n{line}\n",
    ]  # fmt: skip


# --- however they were cut ------------------------------------------------------------------------

SECRETS = ("pw", "sécret🙂", "one\ntwo words", "aba", "x")
PIECES = [
    *("pw", "p", "w", "sécret🙂", "é", "🙂", "one", "two words", "one\ntwo words", "ab", "aba"),
    *("\n", "\n", "\r\n", "\r", " ", "  ", "::", "::group::", "::endgroup::", "##[error]", "##["),
    *("::notice file=a,line=1::", "::add-mask::", "::stop-commands::", "tok", "::tok::", "%0A"),
    *("::set-output name=a::", "::echo::on", "::debug::", "::add-path::", "plain text", "\u2028"),
    *("::add-matcher::m.json\n", "::add-matcher::/any.json\n", "::add-matcher::/bad.json\n"),
    *("::add-matcher::loop.json\n", "::remove-matcher owner=m::\n", "::remove-matcher::/any.json"),
    *("a:1:2: ", "in a\n", " 3 x\n", "any", "\x1b[1m", "\x1b["),
]
TEXTS = st.lists(st.sampled_from(PIECES)).map(lambda pieces: "".join(pieces).encode())
BYTES = st.lists(st.one_of(TEXTS, st.binary(max_size=4))).map(b"".join)
CUTS = st.lists(st.integers(0, 10**6), max_size=12)


@given(BYTES, CUTS, st.integers(0, 3))
@example(b"one\ntwo words\n", [4], 0)
@example("sécret🙂".encode(), [2, 8, 9], 0)
@example(b"::stop-commands::tok\r\n::tok::\r\n", [20, 21], 0)
@example(b"::add-matcher::/any.json\nany\nany", [27, 28, 29], 2)
def test_cuts_make_no_difference(data: bytes, cuts: list[int], late: int) -> None:
    whole = tell(data, secrets=SECRETS, files=FILES)
    cut = tell(data, *cuts, secrets=SECRETS, files=FILES, late=late)
    assert cut.joined == whole.joined
    assert cut.effects == whole.effects


@given(BYTES)
def test_byte_by_byte_is_the_same(data: bytes) -> None:
    single = tell(data, *range(len(data)), secrets=SECRETS, files=FILES)
    assert single.joined == tell(data, secrets=SECRETS, files=FILES).joined


def leaks(events: list[Event], secrets: tuple[str, ...]) -> list[str]:
    """The forms of secrets, or of lines of them, that are still in what the events say."""
    shown = "\0".join(
        text
        for event in events
        for name in ("text", "title", "message", "file", "code")
        if isinstance(text := getattr(event, name, None), str)
    )
    values = [value for secret in secrets for value in (secret, *secret.splitlines())]
    forms = [form for value in values for form in (value, *encodings(value))]
    return [form for form in forms if form.strip() and form in shown]


FORMS = [form for secret in (*SECRETS[:4], "two words") for form in encodings(secret)]
SECRET_BYTES = st.lists(
    st.one_of(TEXTS, st.sampled_from(FORMS).map(str.encode), st.binary(max_size=4))
).map(b"".join)


@pytest.mark.covers("CMD-022", "CMD-023", "CMD-024")
@given(SECRET_BYTES, CUTS)
def test_no_secret_is_ever_emitted(data: bytes, cuts: list[int]) -> None:
    secrets = SECRETS[:4]
    found = tell(data, *cuts, secrets=secrets, files=FILES, debug=True)
    assert leaks(found.events, secrets) == []


@given(
    st.lists(st.sampled_from(["pw", "p", "sécret🙂", "aba", "ab", "::notice::", "##[error]x", "é"]),
             min_size=1, max_size=6),
    st.integers(0, 24),
    st.sampled_from([b"", b"\n", b"\n::notice::after\n"]),
    CUTS,
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_an_endless_line_is_the_same_however_it_is_cut(
    pieces: list[str], offset: int, end: bytes, cuts: list[int]
) -> None:
    unit = "".join(pieces)
    text = " " * offset + unit * (LONGEST_LINE * 5 // 4 // len(unit.encode()) + 1)
    secrets = SECRETS[:4]
    whole = tell(text.encode() + end, secrets=secrets)
    cut = tell(text.encode() + end, *cuts, secrets=secrets)
    assert cut.joined == whole.joined
    assert leaks(cut.events, secrets) == []


@pytest.mark.covers("CMD-022")
@pytest.mark.parametrize("secret", ["s3cret", "é🙂é", "aa", "x" * 5000, "y" * 100_000])
@pytest.mark.parametrize("before", [0, 1, 7])
def test_no_secret_gets_out_where_an_endless_line_is_cut(secret: str, before: int) -> None:
    rest = "." * 9973
    line = "é" * before + (rest + secret) * (3 * LONGEST_LINE // (9973 + len(secret)))
    found = tell(line.encode(), *range(0, 4 * LONGEST_LINE, 8192), secrets=(secret,))
    assert found.text == line.replace(secret, "***")
    assert len(found.events) > 1


@pytest.mark.parametrize("size", [9_999, 10_001, 10_002, 10_003])
def test_no_character_is_broken_where_an_endless_line_is_cut(size: int) -> None:
    line = "a" + "🙂é€" * (LONGEST_LINE // 4)
    assert tell(line.encode(), *range(size, 10**6, size)).text == line


def test_a_line_without_end_is_not_held_back() -> None:
    transcript = Transcript("build", 3, Masks(["secret"]))
    shown = 0
    for fed in range(1, 200):
        for event in transcript.feed(b"." * 10_000):
            assert isinstance(event, Output)
            shown += len(event.text)
        assert fed * 10_000 - shown <= LONGEST_LINE + 10_000


def test_a_line_of_nothing_but_a_secret_is_one_mask() -> None:
    assert tell(b"a" * (3 * LONGEST_LINE), *range(0, 10**6, 99_999), secrets=("aa",)).text == "***"


@pytest.mark.parametrize("cuts", [(), tuple(range(0, 10**6, 50_000))])
def test_a_long_command_is_obeyed_whole(cuts: tuple[int, ...]) -> None:
    value = "v" * (2 * LONGEST_LINE)
    found = tell(f"::set-output name=a::{value}\n::group::x\n".encode(), *cuts)
    assert found.transcript.outputs == [("a", value)]
    assert found.joined[1:] == [group("x")]


@pytest.mark.parametrize("cuts", [(), tuple(range(0, 10**6, 50_000))])
def test_no_command_begins_far_into_a_line(cuts: tuple[int, ...]) -> None:
    line = "." * LONGEST_HEAD + "##[error]x" + "." * LONGEST_LINE + "::error::y\n"
    assert tell(line.encode(), *cuts).joined == [line]
