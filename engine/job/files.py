"""The command files of a step: where they are, and what was written to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from secrets import token_hex

from msgspec import Struct

from engine.commandfiles import FileCommandError, entries, pairs
from engine.job.result import Effects
from engine.masks import Masks

MAX_SUMMARY = 1024 * 1024  # bytes (actions/runner)

_PREFIXES = {
    "env": "set_env",
    "output": "set_output",
    "path": "add_path",
    "state": "save_state",
    "step_summary": "step_summary",
    "artifacts": "artifacts",
    "artifacts_list": "artifacts_list",
}


class CommandFiles(Struct, frozen=True):
    """The paths by their key in the `github` context (`output` is GITHUB_OUTPUT, and so on).

    `listing` is what the step finds in the one of GITHUB_ARTIFACTS_LIST.
    """

    paths: Mapping[str, str]
    listing: str = ""

    @property
    def empty(self) -> tuple[str, ...]:
        """Those that the step finds empty, and that are read back."""
        return tuple(path for path in self.paths.values() if path not in self.inputs)

    @property
    def inputs(self) -> dict[str, str]:
        """Those that the step finds with a content."""
        return {self.paths["artifacts_list"]: self.listing} if self.listing else {}

    @property
    def variables(self) -> dict[str, str]:
        return {f"GITHUB_{key.upper()}": path for key, path in self.paths.items()}


def fresh(directory: str, listing: str = "") -> CommandFiles:
    """Paths that no other step has."""
    suffix = token_hex(16)
    paths = {key: f"{directory}/{prefix}_{suffix}" for key, prefix in _PREFIXES.items()}
    return CommandFiles(paths, listing)


def effects(files: CommandFiles, contents: Mapping[str, bytes], masks: Masks) -> Effects:
    """What the files say; of a malformed one what comes before the mistake, which is an error."""
    errors: list[str] = []
    complaints: list[str] = []
    written = {
        key: contents[path].decode("utf-8", "replace")
        for key, path in files.paths.items()
        if path in contents
    }
    env = dict(_pairs("env", written, errors))
    for name in [name for name in env if name.upper() == "NODE_OPTIONS"]:
        del env[name]
        complaints.append("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.")
    return Effects(
        outputs=without_case(_pairs("output", written, errors)),
        env=env,
        path=tuple(entries(written.get("path", ""))),
        state=dict(_pairs("state", written, errors)),
        summary=_summary(written.get("step_summary", ""), masks, complaints),
        declaration=written.get("artifacts", ""),
        complaints=tuple(complaints),
        errors=tuple(errors),
    )


def _pairs(key: str, written: Mapping[str, str], errors: list[str]) -> Iterator[tuple[str, str]]:
    try:
        for name, value in pairs(written.get(key, "")):
            if not name and key == "output":
                raise FileCommandError("A name must not be empty.")
            yield name, value
    except FileCommandError as error:
        errors.append(f"Unable to process file command '{key}' successfully. {error}")


def without_case(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names that ignore case, as GitHub's outputs do: the first spelling and the last value."""
    spelled: dict[str, str] = {}
    values: dict[str, str] = {}
    for name, value in found:
        values[spelled.setdefault(name.lower(), name)] = value
    return values


def _summary(text: str, masks: Masks, complaints: list[str]) -> str:
    size = len(text.encode())
    if size > MAX_SUMMARY:
        complaints.append(
            "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, "
            f"got {size // 1024}k."
        )
        return ""
    return masks.hide(text)
