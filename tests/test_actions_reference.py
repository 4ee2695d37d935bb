"""What the text of a `uses:` names, and what it can't."""

from __future__ import annotations

import pytest
from scripted import job, workflow

from engine.actions import is_checkout
from engine.reference import (
    Image,
    Itself,
    Local,
    Reference,
    ReferenceError_,
    Remote,
    key,
    parse,
    parse_call,
    placed,
)

TOOL = Remote("octo", "tool", "", "v1")


@pytest.mark.covers("ACT-001", "ACT-003", "ACT-004", "ACT-005")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("octo/tool@v1", TOOL),
        ("octo/tool/sub/dir@v1", Remote("octo", "tool", "sub/dir", "v1")),
        ("octo/tool/./sub//dir/@v1", Remote("octo", "tool", "sub/dir", "v1")),
        ("octo/.github/setup@main", Remote("octo", ".github", "setup", "main")),
        ("Octo/Tool.js@releases/v1", Remote("Octo", "Tool.js", "", "releases/v1")),
        ("octo/tool@refs/heads/main", Remote("octo", "tool", "", "refs/heads/main")),
        ("octo/tool@1.2.3+build-4", Remote("octo", "tool", "", "1.2.3+build-4")),
        ("octo\\tool\\sub@v1", Remote("octo", "tool", "sub", "v1")),
        ("./", Local("")),
        ("./.github/actions/setup", Local(".github/actions/setup")),
        ("./a/../b//c/", Local("b/c")),
        ("./a@v1", Local("a@v1")),
        ("./../beside", Local("../beside")),
        (".\\a\\b", Local("a/b")),
        ("$/", Itself("")),
        ("$/tools/setup", Itself("tools/setup")),
        ("$/..setup", Itself("..setup")),
        ("docker://alpine:3.20", Image("alpine:3.20")),
        ("docker://ghcr.io/octo/tool@sha256:0a", Image("ghcr.io/octo/tool@sha256:0a")),
    ],
)
def test_what_it_names(text: str, wanted: Reference) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no action; write owner/repository@ref"),
        ("tool", "did you mean ./tool?"),
        ("tool@v1", "names no action"),
        (".github/actions/setup", "did you mean ./.github/actions/setup?"),
        (
            "octo/tool",
            "has no version; add one, such as octo/tool@v1 (a tag, a branch or a",
        ),
        ("octo/tool@", "has no version"),
        ("octo/tool@v1@v2", 'has more than one "@"; write octo/tool@v1'),
        ("octo/tool@@v1", 'has more than one "@"'),
        ("octo/tool@-v1", '"-v1" in "octo/tool@-v1" can\'t be a version'),
        ("octo/tool@a..b", "can't be a version"),
        ("octo/tool@a b", "can't be a version"),
        ("octo/tool@v1/", "can't be a version"),
        ("octo/tool@v*", "can't be a version"),
        ("oc to/tool@v1", '"oc to" in "oc to/tool@v1" can\'t be the name of an owner'),
        ("../tool@v1", '".." in "../tool@v1" can\'t be the name of an owner'),
        ("octo/tool/../../x@v1", "is outside of the repository"),
        ("octo/tool/.github/workflows/ci.yml@v1", "is a workflow, and a step takes an action"),
        ("./.github/workflows/ci.yaml", "call it from a job of its own, with `jobs.<id>.uses`"),
        ("$/tools@v1", 'leave out "@" and what follows'),
        ("$/../x", "is outside of the repository"),
        ("docker://", "names no image; write one, such as docker://alpine:3.20"),
        ("docker://alpine 3", "names no image"),
        ("octo/${{ matrix.tool }}@v1", "no expression is possible in `uses`"),
    ],
)
def test_what_names_nothing_is_told_with_the_next_step(text: str, says: str) -> None:
    with pytest.raises(ReferenceError_) as error:
        parse(text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "reference",
    [TOOL, Remote("octo", "tool", "a/b", "v1"), Local("a"), Local(""), Itself("a"), Image("a:1")],
)
def test_a_reference_is_written_as_it_is_read(reference: Reference) -> None:
    assert parse(str(reference)) == reference


def test_the_same_action_has_one_key() -> None:
    assert key(parse_call("Octo/Tool/Sub@V1")) == "octo/tool/Sub@V1"  # type: ignore[arg-type]
    assert key(Local("a/b")) == "./a/b"


@pytest.mark.covers("ACT-005")
@pytest.mark.parametrize(
    ("reference", "home", "wanted"),
    [
        (Itself("sub"), None, Local("sub")),
        (Itself("sub"), Remote("octo", "tool", "other", "v2"), Remote("octo", "tool", "sub", "v2")),
        (Local("sub"), TOOL, Local("sub")),
        (TOOL, Remote("other", "one", "", "v9"), TOOL),
        (Image("alpine"), TOOL, Image("alpine")),
    ],
)
def test_only_the_repository_itself_depends_on_where_it_is_said(
    reference: Reference, home: Remote | None, wanted: Reference
) -> None:
    assert placed(reference, home) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "octo/tool/.github/workflows/ci.yml@v1",
            Remote("octo", "tool", ".github/workflows/ci.yml", "v1"),
        ),
        ("./.github/workflows/ci.yml", Local(".github/workflows/ci.yml")),
        ("$/.github/workflows/ci.yml", Itself(".github/workflows/ci.yml")),
    ],
)
def test_a_called_workflow(text: str, wanted: Reference) -> None:
    assert parse_call(text) == wanted


@pytest.mark.parametrize("text", ["octo/tool@v1", "docker://alpine", "./", "ci.yml"])
def test_no_workflow(text: str) -> None:
    with pytest.raises(ReferenceError_):
        parse_call(text)


@pytest.mark.covers("ACT-024")
@pytest.mark.parametrize(
    ("uses", "given", "wanted"),
    [
        ("actions/checkout@v4", "{}", True),
        ("Actions/Checkout@main", "{fetch-depth: 0}", True),
        ("actions/checkout@v4", "{repository: '${{ github.repository }}', path: ./}", True),
        ("actions/checkout@v4", "{path: ''}", True),
        ("actions/checkout@v4", "{repository: octo/other}", False),
        ("actions/checkout@v4", "{Repository: '${{ inputs.other }}'}", False),
        ("actions/checkout@v4", "{path: sub}", False),
        ("actions/checkout/sub@v4", "{}", False),
        ("octo/checkout@v4", "{}", False),
    ],
)
def test_only_a_checkout_of_the_repository_itself_is_satisfied(
    uses: str, given: str, wanted: bool
) -> None:
    found = workflow(job(f"- uses: {uses}\n  with: {given}"))
    assert is_checkout(found.jobs[0].steps[0]) is wanted
