"""The schemas are valid, explain themselves, and accept and reject what GitHub does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from engine import events
from engine.check import check
from engine.check.fit import KEYWORDS
from engine.schemas import schema_text
from engine.source import load, plain

ROOT = Path(__file__).parent.parent
CONFORMANCE = ROOT.parent / "shared" / "conformance"
NAMES = ("workflow", "action", "event")
EDITED = ("workflow", "action")  # those that people write by hand

needs_corpus = pytest.mark.skipif(
    not CONFORMANCE.exists(),
    reason="the conformance files are not here: ../shared/conformance, beside the repository",
)


def schema(name: str) -> Any:
    return json.loads(schema_text(name))


def parts(part: Any, route: str = "#") -> Iterator[tuple[str, Any]]:
    """Every subschema, with its JSON pointer."""
    if not isinstance(part, dict):
        return
    yield route, part
    for keyword in ("properties", "patternProperties", "definitions", "dependencies"):
        for name, inner in part.get(keyword, {}).items():
            yield from parts(inner, f"{route}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties", "propertyNames", "if", "then", "else"):
        yield from parts(part.get(keyword), f"{route}/{keyword}")
    for keyword in ("allOf", "anyOf"):
        for number, inner in enumerate(part.get(keyword, ())):
            yield from parts(inner, f"{route}/{keyword}/{number}")


def properties(name: str) -> Iterator[tuple[str, Any]]:
    """Every property that a document may have; conditions only repeat them."""
    for route, part in parts(schema(name)):
        if not {"if", "then", "else", "dependencies", "allOf"} & set(route.split("/")):
            for key, inner in part.get("properties", {}).items():
                yield f"{route}/properties/{key}", inner


# --- form -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_is_valid_draft_07(name: str) -> None:
    text = schema(name)
    assert text["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(text)


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_leads_to_a_definition_and_every_definition_is_used(name: str) -> None:
    whole = schema(name)
    used = {part["$ref"] for _, part in parts(whole) if "$ref" in part}
    assert used == {f"#/definitions/{known}" for known in whole["definitions"]}


@pytest.mark.parametrize("name", NAMES)
def test_beside_a_reference_stand_only_annotations(name: str) -> None:
    """Draft-07 ignores what stands there, editors and `engine.check` add it: both must agree."""
    notes = {"$ref", "description", "markdownDescription", "deprecationMessage", "errorMessage"}
    assert [r for r, part in parts(schema(name)) if "$ref" in part and set(part) - notes] == []


@pytest.mark.parametrize("name", EDITED)
def test_every_property_is_described_for_hovers(name: str) -> None:
    listed = list(properties(name))
    assert len(listed) > 30
    for route, part in listed:
        assert part["description"].endswith("."), route
        assert part["markdownDescription"].startswith(part["description"]), route
        assert "```yaml\n" in part["markdownDescription"], route
        ours = route.endswith(("/$schema", "/retry")) or "definitions/retry" in route
        assert ours or "https://docs.github.com/" in part["markdownDescription"], route


def values(node: Any, name: str) -> Iterator[Any]:
    """What stands under a key of this name, wherever it is."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == name)
    for inner in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from values(inner, name)


@pytest.mark.parametrize("name", EDITED)
def test_branches_of_a_choice_can_be_told_apart(name: str) -> None:
    """By title, description and properties: otherwise yaml-language-server takes one for all and
    shows nothing of the property itself."""
    definitions = schema(name)["definitions"]
    for route, part in parts(schema(name)):
        if "anyOf" in part and "if" not in route.split("/"):
            branches = [definitions.get(b.get("$ref", "")[14:], b) for b in part["anyOf"]]
            seen = [[b.get(k) for k in ("title", "description", "properties")] for b in branches]
            assert all(seen.count(one) == 1 for one in seen), route


@pytest.mark.parametrize("name", EDITED)
def test_every_example_is_right(name: str) -> None:
    definitions = {"definitions": schema(name)["definitions"]}
    for route, part in properties(name):
        (example,) = re.findall(r"```yaml\n(.*?)\n```", part["markdownDescription"], re.DOTALL)
        node, problems = load(example, route)
        assert problems == [], route
        shown = list(values(plain(node), route.rpartition("/")[2]))
        assert any(map(Draft7Validator(part | definitions).is_valid, shown)), (route, shown)


DECIDING = {"type", "enum", "const", "pattern", "minimum", "minItems", "minProperties", "required"}


@pytest.mark.parametrize("name", EDITED)
def test_nothing_fails_without_a_sentence(name: str) -> None:
    """So that editors, which have words of their own for what has none, say what we say."""
    decisions = [(r, p) for r, p in parts(schema(name)) if not {"if"} & set(r.split("/"))]
    silent = [
        route
        for route, part in decisions
        if "errorMessage" not in part
        and (
            DECIDING & set(part)
            or ("anyOf" in part)
            or part.get("additionalProperties") is False
            or False in part.get("properties", {}).values()
        )
    ]
    assert silent == []


@pytest.mark.parametrize("name", EDITED)
def test_the_sentence_of_a_mapping_names_its_keys(name: str) -> None:
    for route, part in parts(schema(name)):
        if part.get("additionalProperties") is False and route != "#/definitions/eventMap":
            keys = set(part["properties"]) - {"$schema"}
            assert keys <= set(re.findall(r"[\w-]+", part["errorMessage"])), route


@pytest.mark.parametrize("name", EDITED)
def test_mappings_with_known_keys_take_no_others(name: str) -> None:
    """Except where GitHub's runner ignores what it does not know, and a matrix' own variables."""
    loose = {
        "workflow": {"#/definitions/matrix"},
        "action": {"#", "#/definitions/actionInput", "#/definitions/branding"},
    }
    conditions = {"if", "then", "else", "dependencies", "allOf"}
    found = {
        route
        for route, part in parts(schema(name))
        if "properties" in part
        and not conditions & set(route.split("/"))
        and part.get("additionalProperties") is not False
    }
    assert found == loose[name]


NOTES = {"$schema", "$ref", "definitions", "title", "description", "markdownDescription"} | {
    *("markdownEnumDescriptions", "defaultSnippets", "deprecationMessage", "errorMessage"),
    *("examples", "then", "else"),
}


@pytest.mark.parametrize("name", EDITED)
def test_no_keyword_is_passed_over_by_the_quick_decision(name: str) -> None:
    used = {keyword for _, part in parts(schema(name)) for keyword in part}
    assert used - set(KEYWORDS) <= NOTES


# --- the tables of GitHub's documentation ---------------------------------------------------------


def keys(definition: str) -> set[str]:
    return set(schema("workflow")["definitions"][definition]["properties"])


def test_there_are_37_events_by_name_and_with_filters() -> None:
    names = schema("workflow")["definitions"]["eventName"]["enum"]
    assert len(names) == len(set(names)) == 37
    assert keys("eventMap") == set(names)


def test_the_tables_of_keys() -> None:
    run = {"shell", "working-directory"}
    control = {"wait", "wait-all", "cancel", "parallel", "background"}
    common = {"id", "if", "name", "env", "continue-on-error", "timeout-minutes"}
    assert keys("step") == common | control | run | {"run", "uses", "with", "retry"}
    container = {"image", "credentials", "env", "ports", "volumes", "options"}
    assert keys("container") == container
    assert keys("service") == container | {"entrypoint", "command"}
    assert keys("concurrency") == {"group", "cancel-in-progress", "queue"}
    assert keys("environment") == {"name", "url", "deployment"}
    assert keys("snapshot") == {"image-name", "version", "if"}
    assert keys("schedule") == {"cron", "timezone"}
    assert keys("strategy") == {"matrix", "fail-fast", "max-parallel"}
    assert keys("runsOn") == {"group", "labels"}
    assert keys("push") == {
        f"{kind}{suffix}" for kind in ("branches", "tags", "paths") for suffix in ("", "-ignore")
    }


def test_the_scopes_of_a_token_and_their_levels() -> None:
    definitions = schema("workflow")["definitions"]
    levels = {
        scope: definitions[part["$ref"].rpartition("/")[2]]["enum"]
        for scope, part in definitions["permissionScopes"]["properties"].items()
    }
    assert len(levels) == 20
    assert {s for s, known in levels.items() if "read" not in known} == {
        "id-token",
        "copilot-requests",
    }
    assert {s for s, known in levels.items() if "write" not in known} == {
        "models",
        "vulnerability-alerts",
    }


def test_the_blocks_of_the_superset() -> None:
    block = {"attempts", "backoff", "delay", "max-delay", "jitter", "timeout", "on"}
    assert keys("retry") == block
    assert keys("retryOn") == {"exit-codes", "output", "timeout"}


# --- verdicts -----------------------------------------------------------------------------------


def complaints(text: str, file: str, kind: Any) -> list[str]:
    node, problems = load(text, file)
    return [str(p) for p in (problems or (check(node, kind) if node else []))]


@needs_corpus
def test_schema_jsonl_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    lines = (CONFORMANCE / "schema.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    judged = [case for case in cases if "peer_conflict" not in case]
    wrong = {
        case["id"]: found
        for case in judged
        if bool(found := complaints(case["yaml"], case["id"], case["kind"])) is case["valid"]
    }
    with capsys.disabled():
        print(f" schema.jsonl: {len(judged) - len(wrong)} of {len(judged)} verdicts right")
    assert wrong == {}


@needs_corpus
def test_real_files_have_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    folder = CONFORMANCE / "real-workflows"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    cases = [case for case in index["files"] if case["must_accept"]]
    refused = {}
    for case in cases:
        text = (folder / case["file"]).read_text(encoding="utf-8")
        for placeholder, value in index["placeholder_values"].items():
            text = text.replace(placeholder, value)
        if found := complaints(text, case["file"], case["kind"]):
            refused[case["file"]] = found
    with capsys.disabled():
        print(f" real-workflows: {len(cases) - len(refused)} of {len(cases)} accepted")
    assert refused == {}


# --- events ---------------------------------------------------------------------------------------

EXAMPLES: tuple[events.Event, ...] = (
    events.WorkflowSkipped(event_name="push", workflow="CI", file="ci.yml", reason="paths: no"),
    events.RunStarted(
        run_id="1", run_number=1, event_name="push", workflow="CI", file="ci.yml", title="x",
        jobs=("test",),
    ),
    events.RunFinished(outcome=events.Outcome.SUCCESS, seconds=1.5),
    events.JobExpanded(job="test", legs=("test (1)", "test (2)")),
    events.JobStarted(job="test", name="test", runs_on=("x",), isolation="container", image="a"),
    events.JobCalled(job="call", name="call", workflow="W", file="w.yml", jobs=("call/test",)),
    events.JobAttemptFailed(job="test", attempt=1, attempts=3, reason="exit 2", delay=2),
    events.JobFinished(job="test", name="t", outcome=events.Outcome.SKIPPED, outputs={"a": "b"}),
    events.StepStarted(job="test", step=1, name="make", script="make", env={"A": "b"}),
    events.StepFinished(
        job="test", step=1, name="make", outcome=events.Outcome.FAILURE,
        conclusion=events.Outcome.SUCCESS, exit_code=2,
    ),
    events.AttemptFailed(job="test", step=1, attempt=1, attempts=3, reason="exit 2", delay=2),
    events.Output(job="test", step=1, text="hello\n"),
    events.GroupStarted(job="test", step=1, title="Build"),
    events.GroupEnded(job="test", step=1),
    events.Annotation(job="test", step=1, level="error", message="no", file="a.py", line=3),
    events.Debug(job="test", step=1, message="x"),
    events.Summary(job="test", step=1, text="# Done"),
    events.Log(message="pulled", level="info"),
)  # fmt: skip


def event_classes(base: type[events.Event] = events.Event) -> Iterator[type[events.Event]]:
    for kind in base.__subclasses__():
        if kind.type:
            yield kind
        yield from event_classes(kind)


def test_the_event_schema_lists_every_event_class() -> None:
    whole = schema("event")
    types = sorted({kind.type for kind in event_classes()})  # slots make a class twice
    assert sorted(whole["properties"]["type"]["enum"]) == types
    assert sorted(set(whole["definitions"]) - {"outcome"}) == types
    assert sorted(event.type for event in EXAMPLES) == types


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.type)
def test_an_event_as_json_is_valid(event: events.Event) -> None:
    line = json.loads(json.dumps(events.as_json(event)))
    Draft7Validator(schema("event")).validate(line)
    assert set(line) == set(schema("event")["definitions"][event.type]["required"])


@pytest.mark.parametrize("change", [{"v": 2}, {"type": "output.more"}, {"text": 3}, {"new": 1}])
def test_another_event_is_not_valid(change: dict[str, Any]) -> None:
    line = events.as_json(events.Output(job="test", step=1, text="hello\n")) | change
    assert not Draft7Validator(schema("event")).is_valid(line)
