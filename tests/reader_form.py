"""A workflow in the JSON form in which GitHub's reader hands it on: its serialized template."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine import actions
from engine.availability import SPECIAL_FUNCTIONS, STATUS_FUNCTIONS
from engine.expr import Expr, compile_condition, compile_template
from engine.model import Job, Step, Workflow
from engine.permissions import Permissions, all_at
from engine.source import Mapping, Node, Scalar, Sequence, plain
from engine.tree import Text, has_expression, is_insert, literal

Json: TypeAlias = Any
# what a file says, and the model of it; None is not to be followed
Read: TypeAlias = tuple[Node, Workflow]
Find: TypeAlias = Callable[[str], Read | None]

# the scopes that `read-all` and `write-all` meant when the corpus was written
KNOWN = {
    *("actions", "checks", "contents", "deployments", "discussions", "id-token", "issues"),
    *("packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses"),
}
# the keys whose values stay what they are, however deep; all other values become strings
TYPED = {
    *("strategy", "deployment", "cancel-in-progress", "required", "continue-on-error"),
    *("timeout-minutes", "cancel-timeout-minutes", "background"),
}
ROOT = ("env", "defaults", "concurrency")
JOB = (
    *("strategy", "continue-on-error", "timeout-minutes", "cancel-timeout-minutes"),
    *("concurrency", "env", "environment", "defaults", "runs-on", "container", "services"),
    *("outputs", "snapshot"),
)
CALL = ("concurrency", "strategy")
STEP = (
    *("name", "continue-on-error", "timeout-minutes", "env", "working-directory", "shell"),
    *("run", "uses", "with"),
)


@dataclass
class Form:
    """How a workflow and what it calls are written."""

    find: Find
    with_source: bool = False
    with_events: bool = False
    files: list[str] = field(default_factory=list)

    def workflow(self, root: Node, flow: Workflow) -> Json:
        self.files.append(flow.file)
        on = get(root, "on")
        result = {
            **({"events": events(on)} if self.with_events else input_types(on)),
            **self.keys(root, ROOT),
            **levels(flow.permissions),
            "jobs": self.jobs(root, flow, flow.permissions),
        }
        return result | ({"file-table": sorted(self.files)} if self.with_source else {})

    # --- jobs -------------------------------------------------------------------------------------

    def jobs(self, root: Node, flow: Workflow, granted: Permissions | None) -> list[Json]:
        nodes = entries(get(root, "jobs"))
        pairs = zip(nodes, flow.jobs, strict=True)
        return [self.job(key, node, job, granted) for (key, node), job in pairs]

    def job(self, key: Scalar, node: Node, job: Job, granted: Permissions | None) -> Json:
        own = job.permissions or granted
        needs = get(node, "needs")
        names = needs.items if isinstance(needs, Sequence) else [needs] if needs else []
        name = get(node, "name")
        result = {
            "type": "reusableWorkflowJob" if job.uses else "job",
            "id": self.token(key),
            "name": self.token(name if name and plain(name) not in (None, "") else key),
            "if": self.condition(get(node, "if")),
        }
        if job.uses is not None:
            result["needs"] = [self.token(name) for name in names]
            return result | self.keys(node, CALL) | self.call(node, job.uses, own)
        result |= {"needs": [self.token(name) for name in names]} if names else {}
        steps = self.steps(get(node, "steps"), job.steps)
        return result | self.keys(node, JOB) | levels(own) | ({"steps": steps} if steps else {})

    def call(self, node: Node, uses: Scalar, granted: Permissions | None) -> Json:
        result: Json = {"ref": self.token(uses), "jobs": []}
        given, secrets = get(node, "with"), get(node, "secrets")
        if given is not None:
            result["input-values"] = self.token(given, typed=True, nullable=False)
        if isinstance(secrets, Mapping):
            result["secret-values"] = self.token(secrets, typed=True, nullable=False)
        elif secrets is not None:
            result["inherit-secrets"] = True
        found = self.find(uses.text)
        if found is None:
            return result | levels(granted)
        root, flow = found
        self.files += [flow.file] if flow.file not in self.files else []
        inside = flow.permissions or granted
        result |= self.declared(get(get(root, "on"), "workflow_call")) | levels(inside)
        result |= self.keys(root, ("env", "defaults"))
        embedded = get(root, "concurrency")
        result |= {"embedded-concurrency": self.token(embedded)} if embedded is not None else {}
        return result | {"jobs": self.jobs(root, flow, inside)}

    def declared(self, call: Node | None) -> Json:
        inputs, secrets, outputs = (get(call, key) for key in ("inputs", "secrets", "outputs"))
        result = {}
        if isinstance(inputs, Mapping):
            result["input-definitions"] = self.token(inputs, typed=True, nullable=False)
        if isinstance(secrets, Mapping):
            result["secret-definitions"] = self.token(secrets, typed=True)
        if isinstance(outputs, Mapping):
            result["outputs"] = self.token(outputs)
        return result

    # --- steps ------------------------------------------------------------------------------------

    def steps(self, node: Node | None, steps: tuple[Step, ...]) -> list[Json]:
        counts: Counter[str] = Counter()
        items = node.items if isinstance(node, Sequence) else ()
        return [self.step(*pair, counts) for pair in zip(items, steps, strict=True)]

    def step(self, node: Node, step: Step, counts: Counter[str]) -> Json:
        name = step.id
        if not name:
            name = actions.generated_id(step)
            counts[name] += 1
            name += f"_{counts[name]}" if counts[name] > 1 else ""
        return {"id": name, "if": self.condition(get(node, "if"))} | self.keys(node, STEP)

    # --- values -----------------------------------------------------------------------------------

    def keys(self, node: Node, names: tuple[str, ...]) -> dict[str, Json]:
        """The keys that stand in the file."""
        found = ((name, get(node, name)) for name in names)
        return {
            name: self.token(value, typed=name in TYPED)
            for name, value in found
            if value is not None
        }

    def token(self, node: Node, typed: bool = False, nullable: bool = True) -> Json:
        """A node; `typed` keeps numbers, booleans and, where it is nullable, null."""
        match node:
            case Scalar():
                return self.scalar(node, typed, nullable)
            case Sequence():
                items = [self.token(item, typed, nullable) for item in node.items]
                return self.placed(node, {"type": 1} | ({"seq": items} if items else {}))
        pairs = [
            {
                "Key": self.scalar(key),
                "Value": self.token(value, typed or key.text in TYPED, nullable),
            }
            for key, value in node.entries
        ]
        return self.placed(node, {"type": 2} | ({"map": pairs} if pairs else {}))

    def scalar(self, node: Scalar, typed: bool = False, nullable: bool = True) -> Json:
        if is_insert(Text(node)):
            return self.placed(node, {"type": 4, "directive": "insert"})
        plain_text = literal(node, [])
        if has_expression(node) and plain_text is node:
            return self.expression(node, as_expression(node))
        kept = typed and (nullable or node.value is not None)
        return self.literal(node, node.value if kept and plain_text is node else plain_text.text)

    def literal(self, node: Scalar, value: bool | float | str | None) -> Json:
        if isinstance(value, float) and not math.isfinite(value):
            number: Json = node.text
        else:
            number = value
        if not self.with_source:
            return number
        match value:
            case None:
                return self.placed(node, {"type": 7})
            case bool():
                return self.placed(node, {"type": 5, "bool": value})
            case str():
                return self.placed(node, {"type": 0, "lit": value})
        return self.placed(node, {"type": 6, "num": number})

    def expression(self, node: Scalar, text: str) -> Json:
        return self.placed(node, {"type": 3, "expr": text})

    def condition(self, node: Node | None) -> Json:
        """The value of an `if:`, as if nothing were there where it is blank."""
        if not isinstance(node, Scalar):
            return {"type": 3, "expr": "success()"}
        written = as_expression(node) if has_expression(node) else node.text
        if not written.strip():
            written = "success()"
        elif not asks_for_status(written):
            written = f"success() && ({written})"
        return self.expression(node, written)

    def placed(self, node: Node, token: Json) -> Json:
        if not self.with_source:
            return token
        place = node.place
        index = self.files.index(place.file) + 1
        return token | {"file": index, "line": place.line, "col": place.column}


# --- expressions ----------------------------------------------------------------------------------


def as_expression(node: Scalar) -> str:
    """A lone expression's text; with text around it, one call of `format`."""
    parts = compile_template(node.text, functions=SPECIAL_FUNCTIONS).parts
    texts = [part.text for part in parts if isinstance(part, Expr)]
    if len(parts) == 1:
        return texts[0]
    numbers = iter(range(len(texts)))
    pattern = "".join(
        f"{{{next(numbers)}}}" if isinstance(part, Expr) else escaped(part) for part in parts
    )
    return f"format('{pattern}', {', '.join(texts)})"


def escaped(text: str) -> str:
    return text.replace("'", "''").replace("{", "{{").replace("}", "}}")


def asks_for_status(written: str) -> bool:
    """Whether a status function is called, other than the one that is put before."""
    calls = compile_condition(written, functions=SPECIAL_FUNCTIONS).calls
    folded = written.lower()
    return any(
        c.name in STATUS_FUNCTIONS and folded.startswith(c.name, c.position - 1) for c in calls
    )


# --- the rest of a file ---------------------------------------------------------------------------


def get(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, Mapping) else None


def entries(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    return node.entries if isinstance(node, Mapping) else ()


def levels(found: Permissions | None) -> Json:
    if found is None:
        return {}
    everything = found in (all_at("read"), all_at("write"))
    named = found.given.items()
    return {"permissions": {scope: has for scope, has in named if not everything or scope in KNOWN}}


def input_types(on: Node | None) -> Json:
    inputs = entries(get(get(on, "workflow_dispatch"), "inputs"))
    types = {key.text: plain(get(about, "type")) or "string" for key, about in inputs}
    return {"input-types": types} if types else {}


def events(on: Node | None) -> Json:
    match on:
        case Mapping():
            return {key.text: event(key.text, filters) for key, filters in on.entries}
        case Sequence():
            return {item.text: {} for item in on.items if isinstance(item, Scalar)}
    return {on.text: {}} if on else {}


def event(name: str, filters: Node) -> Json:
    if name == "schedule":
        return [strings(item) for item in filters.items] if isinstance(filters, Sequence) else []
    if name in ("workflow_dispatch", "workflow_call"):
        parts = {"inputs": input_form, "secrets": secret_form}
        found = ((key.text, entries(value)) for key, value in entries(filters))
        return {
            part: {name.text: parts[part](about) for name, about in declared}
            for part, declared in found
            if part in parts
        }
    return {key.text: texts(value) for key, value in entries(filters)}


def input_form(about: Node) -> Json:
    """A declared input; GitHub's form knows no numbers, and no defaults that are expressions."""
    result = {"type": "string"} | secret_form(about)
    for key, value in entries(about):
        if key.text == "options":
            result["options"] = texts(value)
        elif key.text == "default" and isinstance(value, Scalar) and not has_expression(value):
            result["default"] = value.value if result["type"] == "boolean" else value.text
    hidden = ("type", "default") if result["type"] == "number" else ()
    return {key: value for key, value in result.items() if key not in hidden}


def secret_form(about: Node) -> Json:
    kept = {key.text: value for key, value in entries(about) if isinstance(value, Scalar)}
    texts = {key: kept[key].text for key in ("type", "description") if key in kept}
    return texts | ({"required": kept["required"].value} if "required" in kept else {})


def texts(node: Node) -> list[str]:
    items = node.items if isinstance(node, Sequence) else (node,)
    return [item.text for item in items if isinstance(item, Scalar)]


def strings(node: Node) -> Json:
    return {key.text: value.text for key, value in entries(node) if isinstance(value, Scalar)}
