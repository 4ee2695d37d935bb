"""An action's manifest as frozen, typed values; as strict as GitHub's runner, and no stricter."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from engine import availability as may
from engine.actions import FILES, block, steps
from engine.actions.block import Block
from engine.model import Step
from engine.problems import Place, Problem, errors
from engine.source import GITHUB, Node, load
from engine.tree import Condition, Tree

DOCKERFILES = ("Dockerfile", "dockerfile")  # one of these alone is an action, too
NODES = ("node12", "node16", "node20", "node24")
# what all of them run with: GitHub's third phase, and its names of folders (HandlerFactory)
NODE, NODE_FOR_MUSL = "node24", "node24_alpine"
USING = ("composite", "docker", *NODES)
LIMITS = replace(GITHUB, depth=100)  # of a manifest (actions/runner, ActionManifestManager)


class ActionInput(Struct, frozen=True):
    """One input; `required` is for people to read, since GitHub's runner does not insist on it."""

    name: str
    default: Tree | None = None
    required: bool = False
    deprecation: str = ""


class NodeRuns(Struct, frozen=True):
    """Scripts for Node; paths are relative to the action's directory, '' where there is none."""

    using: str
    main: str
    pre: str = ""
    pre_if: Condition | None = None
    post: str = ""
    post_if: Condition | None = None


class DockerRuns(Struct, frozen=True):
    """A container; `image` is docker://NAME, or a Dockerfile's path in the action's directory."""

    image: str
    entrypoint: str = ""
    args: Tree | None = None
    env: Tree | None = None
    pre_entrypoint: str = ""
    pre_if: Condition | None = None
    post_entrypoint: str = ""
    post_if: Condition | None = None


class CompositeRuns(Struct, frozen=True):
    """Steps, like a job's."""

    steps: tuple[Step, ...]


Runs: TypeAlias = NodeRuns | DockerRuns | CompositeRuns


class Action(Struct, frozen=True):
    """One action; `outputs` are the values of a composite action's, by name."""

    name: str
    runs: Runs
    inputs: tuple[ActionInput, ...] = ()
    outputs: Mapping[str, Tree] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of a composite action; others have none."""
        return self.runs.steps if isinstance(self.runs, CompositeRuns) else ()


Found: TypeAlias = tuple[Action | None, list[Problem]]


def look(file: Callable[[str], bytes | None], where: str) -> Found:
    """The action in a directory, in the order that GitHub looks for its files.

    `file` gives the content of a file of the directory; None where it has none of that name.
    `where` is how the directory is shown. Without any of the files there are no problems either.
    """
    for name in FILES:
        if (content := file(name)) is not None:
            return parse(content, posixpath.join(where, name))
    for name in DOCKERFILES:
        if file(name) is not None:
            return Action("", DockerRuns(name)), []
    return None, []


def parse(content: bytes, file: str) -> Found:
    """The action in the text of a manifest; None where any of the problems is an error."""
    if not content.strip():
        return None, [Problem(Place(file, 1, 1), f"the file is empty; {_NEEDS_RUNS}", "action")]
    node, problems = load(content, file, LIMITS)
    if node is None or errors(problems):
        return None, problems
    action, found = read(node)
    return action, [*problems, *found]


def read(node: Node) -> Found:
    """The action in the node of a manifest; None where any of the problems is an error."""
    problems: list[Problem] = []
    root = Block(node, "the action", problems)
    inputs = root.entries("inputs")
    action = Action(
        name=root.literal("name"),
        inputs=tuple(_input(name, about, problems) for name, about in inputs),
        outputs=_outputs(root, problems),
        runs=_runs(root, problems),
    )
    problems.sort(key=lambda problem: problem.place)
    return (None if errors(problems) else action), problems


def _input(name: str, about: Node, problems: list[Problem]) -> ActionInput:
    keys = Block(about, f'the input "{name}"', problems)
    return ActionInput(
        name,
        default=keys.text("default", may.INPUT_DEFAULT),
        required=keys.literal("required").lower() == "true",
        deprecation=keys.literal("deprecationMessage"),
    )


def _outputs(root: Block, problems: list[Problem]) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    for name, about in root.entries("outputs"):
        keys = Block(about, f'the output "{name}"', problems)
        keys.only("description", "value")
        value = keys.text("value", may.ACTION_OUTPUT)
        if value is not None:
            found[name] = value
    return found


# --- runs -----------------------------------------------------------------------------------------

_NEEDS_RUNS = "an action needs `runs`, which says what it does"
_IFS = ("pre-if", "post-if")
_NODE_KEYS = ("using", "main", "pre", "post", *_IFS)
_DOCKER_KEYS = ("using", "image", "entrypoint", "args", "env", "pre-entrypoint", "post-entrypoint")
_DOCKERFILE = re.compile(r"dockerfile\..*|.*dockerfile", re.IGNORECASE)


def _runs(root: Block, problems: list[Problem]) -> Runs:
    node = root.mapping.get("runs")
    if node is None:
        if root.is_mapping:
            root.complain("runs", _NEEDS_RUNS)
        return CompositeRuns(())
    keys = Block(node, "`runs`", problems)
    using = keys.literal("using").lower()  # GitHub compares it without regard to case
    match using:
        case "composite":
            return _composite(keys, problems)
        case "docker":
            return _docker(keys)
        case _ if using in NODES:
            return _node(keys, using)
    if keys.is_mapping:
        keys.complain("using", _unknown(using))
    return CompositeRuns(())


def _unknown(using: str) -> str:
    kinds = f"write {', '.join(USING[:-1])} or {USING[-1]}"
    if not using:
        return f"`runs` needs `using`, which says what kind of action it is; {kinds}"
    return f'"{using}" is no kind of action; {kinds}'


def _node(keys: Block, using: str) -> NodeRuns:
    keys.only(*_NODE_KEYS, of="a JavaScript action")
    return NodeRuns(
        using,
        main=keys.needed("main", "the script that it runs, such as dist/index.js"),
        pre=keys.literal("pre"),
        pre_if=keys.condition("pre-if", may.RUNS_PRE_IF),
        post=keys.literal("post"),
        post_if=keys.condition("post-if", may.RUNS_POST_IF),
    )


def _docker(keys: Block) -> DockerRuns:
    keys.only(*_DOCKER_KEYS, *_IFS, of="a Docker action")
    image = keys.needed("image", "Dockerfile, or docker://NAME for an image of a registry")
    name = image.rpartition("/")[2]
    if image and not image.startswith("docker://") and not _DOCKERFILE.fullmatch(name):
        keys.complain(
            "image",
            f'"{image}" names no Dockerfile; write docker://{image} for an image of a registry',
        )
    return DockerRuns(
        image,
        entrypoint=keys.literal("entrypoint"),
        args=keys.tree("args", may.RUNS_ARGS, block.LIST),
        env=keys.tree("env", may.RUNS_ENV, block.MAPPING),
        pre_entrypoint=keys.literal("pre-entrypoint"),
        pre_if=keys.condition("pre-if", may.RUNS_PRE_IF),
        post_entrypoint=keys.literal("post-entrypoint"),
        post_if=keys.condition("post-if", may.RUNS_POST_IF),
    )


def _composite(keys: Block, problems: list[Problem]) -> CompositeRuns:
    keys.only("using", "steps", of="a composite action")
    node = keys.mapping.get("steps")
    if node is None:
        keys.complain("steps", "a composite action needs `steps`")
    return CompositeRuns(steps.read(node, problems))
