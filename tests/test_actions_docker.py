"""Actions of every kind in real containers: JavaScript, Docker and composite ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from e2e import Ran, repository, run, workflow
from gitserver import Origin, github
from test_actions_cli import origin

__all__ = ["origin"]  # a fixture

pytestmark = pytest.mark.docker
CI = ".github/workflows/ci.yml"

JAVASCRIPT = """
name: A JavaScript action
description: Says what it was given
inputs:
  who-to-greet: {default: world}
  from: {default: '${{ github.actor }}', deprecationMessage: use who-to-greet}
outputs:
  greeting: {description: What it said}
runs: {using: node20, pre: pre.js, main: main.js, post: post.js, post-if: success() || failure()}
"""
NODE = """
const fs = require('fs');
const put = (file, text) => fs.appendFileSync(process.env[file], text + '\\n');
"""
MAIN = (
    NODE
    + """
console.log(`main: hello ${process.env['INPUT_WHO-TO-GREET']} from ${process.env.INPUT_FROM}`);
console.log(`node ${process.versions.node.split('.')[0]} in ${process.cwd()}`);
console.log(`action ${process.env.GITHUB_ACTION_REPOSITORY}@${process.env.GITHUB_ACTION_REF}`);
console.log(`state of pre: ${process.env.STATE_from_pre}`);
put('GITHUB_OUTPUT', 'greeting=hi');
put('GITHUB_STATE', 'from_main=kept');
put('GITHUB_ENV', 'FROM_ACTION=yes');
"""
)
ACTION = {
    "action.yml": JAVASCRIPT,
    "pre.js": NODE + "console.log('pre'); put('GITHUB_STATE', 'from_pre=first');",
    "main.js": MAIN,
    "post.js": "console.log(`post: ${process.env.STATE_from_pre} ${process.env.STATE_from_main}`);",
}


def with_action(tmp_path: Path, steps: str, action: dict[str, str] = ACTION, **keys: str) -> Ran:
    """A run in which `octo/action@v1` is a folder."""
    folder = repository(tmp_path / "action", action)
    repo = repository(tmp_path / "repo", {CI: workflow(steps, **keys)})
    return run(repo, "--local-repository", f"octo/action@v1={folder}", "--actor", "mona")


@pytest.mark.covers("ACT-001", "ACT-006", "ACT-007", "ACT-008", "ACT-010", "ACT-011", "STEP-030")
def test_a_javascript_action(tmp_path: Path) -> None:
    ran = with_action(
        tmp_path,
        """
- uses: octo/action@v1
  id: it
  with: {Who-To-Greet: you, extra: x}
- run: echo "${{ steps.it.outputs.greeting }} $FROM_ACTION $(command -v node || echo no node)"
""",
    )
    assert ran.code == 0, ran.errors
    assert ran.printed().splitlines() == [
        "pre",
        "main: hello you from mona",
        "node 24 in /home/runner/work/repo/repo",
        "action octo/action@v1",
        "state of pre: first",
        "hi yes no node",
        "post: first kept",
    ]
    assert list(ran.ends()) == [
        "Pre Run octo/action@v1",
        "Run octo/action@v1",
        'Run echo "hi $FROM_ACTION $(command -v node || echo no node)"',
        "Post Run octo/action@v1",
    ]
    valid = "valid inputs are ['who-to-greet', 'from']"
    assert ran.annotations("warning") == [f"Unexpected input(s) 'extra', {valid}"]


@pytest.mark.covers("ACT-011", "STEP-030")
def test_posts_come_in_reverse_and_after_a_failure(tmp_path: Path) -> None:
    use = "- uses: octo/action@v1\n  name: "
    ran = with_action(tmp_path, f"{use}first\n{use}second\n- run: exit 1")
    assert ran.code == 1
    names = [name for name in ran.ends() if name.startswith("Post")]
    assert names == ["Post second", "Post first"]


@pytest.mark.covers("ACT-011")
def test_a_skipped_main_has_no_post(tmp_path: Path) -> None:
    quiet = {**ACTION, "action.yml": JAVASCRIPT.replace("pre: pre.js, ", "")}
    ran = with_action(tmp_path, "- uses: octo/action@v1\n  if: false", quiet)
    assert ran.code == 0 and ran.ends() == {"Run octo/action@v1": "skipped"}


@pytest.mark.covers("ACT-011")
def test_a_post_that_fails_fails_the_job(tmp_path: Path) -> None:
    ran = with_action(tmp_path, "- uses: octo/action@v1", {**ACTION, "post.js": "process.exit(3)"})
    assert ran.code == 1 and ran.ends()["Post Run octo/action@v1"] == "failure"
    assert ran.annotations("error") == ["Process completed with exit code 3."]


@pytest.mark.covers("ACT-003", "ACT-012")
def test_a_local_action_has_no_pre(tmp_path: Path) -> None:
    files = {f".github/actions/a/{name}": text for name, text in ACTION.items()}
    steps = "- uses: actions/checkout@v4\n- uses: ./.github/actions/a"
    ran = run(repository(tmp_path, {CI: workflow(steps), **files}))
    assert ran.code == 0, ran.errors
    assert "state of pre: undefined" in ran.printed()
    assert ran.annotations("warning")[-1].startswith("`pre` execution is not supported for local")


@pytest.mark.covers("ACT-010", "ACT-005")
def test_an_action_of_the_same_repository(tmp_path: Path) -> None:
    files = {f"tools/a/{name}": text for name, text in ACTION.items()}
    ran = run(repository(tmp_path, {CI: workflow("- uses: $/tools/a"), **files}))
    assert ran.code == 0, ran.errors
    assert "main: hello world" in ran.printed()


@pytest.mark.covers("ACT-010", "CTR-011")
def test_javascript_in_an_image_without_node_bash_or_root(tmp_path: Path) -> None:
    folder = repository(tmp_path / "action", ACTION)
    container = "runwright-test/musl"
    repo = repository(
        tmp_path / "repo", {CI: workflow("- uses: octo/action@v1", container=container)}
    )
    ran = run(repo, "--local-repository", f"octo/action@v1={folder}")
    assert ran.code == 0, ran.errors + ran.printed()
    assert "node 24 in /__w/repo/repo" in ran.printed()


# --- the toolkit ----------------------------------------------------------------------------------

TOOLKIT = """
import * as core from '@actions/core';
import * as exec from '@actions/exec';
import * as glob from '@actions/glob';
import * as tools from '@actions/tool-cache';
import * as fs from 'fs';

core.group('A group', async () => core.info('inside'));
core.setSecret('hunter2');
core.info(`input ${core.getInput('text', {required: true})} hunter2`);
core.warning('look', {title: 'T', file: 'a.txt', startLine: 3});
core.exportVariable('EXPORTED', 'line one\\nline two');
core.addPath('/opt/added');
core.setOutput('answer', {n: 42});
core.saveState('s', 'kept');
await core.summary.addHeading('Summary of the toolkit').write();
const found = await (await glob.create('*.txt')).glob();
core.info(`glob ${found.map(f => f.split('/').pop())}`);
const said = await exec.getExecOutput('sh', ['-c', 'echo from exec; exit 0'], {silent: true});
core.info(`exec ${said.exitCode} ${said.stdout.trim()}`);
fs.mkdirSync('tool', {recursive: true}); fs.writeFileSync('tool/t.sh', 'echo tool');
const cached = await tools.cacheDir('tool', 'mytool', '1.2.3');
core.info(`tool ${tools.find('mytool', '1.x') === cached}`);
"""


def toolkit() -> Path:
    """The toolkit from npm, installed once into a cache."""
    if shutil.which("npm") is None:
        pytest.fail("npm is missing; the toolkit's tests need it: `sh tests/run` installs it")
    home = os.environ.get("RUNWRIGHT_TEST_CACHE") or Path.home() / ".cache" / "runwright-tests"
    cache = Path(home) / "toolkit-1"
    packages = ["@actions/core@3", "@actions/exec@3", "@actions/glob@0.7", "@actions/tool-cache@4"]
    if not (cache / "done").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(cache), *packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"`{' '.join(command)}` failed; is the registry reachable?\n{done.stderr}")
        (cache / "done").touch()
    return cache / "node_modules"


@pytest.mark.covers("ACT-010", "ACT-011", "CMD-001", "CMD-010", "CMD-013")
def test_an_action_made_with_the_real_toolkit(tmp_path: Path) -> None:
    manifest = "name: T\ndescription: T\ninputs: {text: {required: true}}\n"
    manifest += "runs: {using: node24, main: main.mjs, post: post.mjs}\n"
    post = "import * as core from '@actions/core';\ncore.info(`post ${core.getState('s')}`);\n"
    folder = tmp_path / "action"
    shutil.copytree(toolkit(), folder / "node_modules", symlinks=True)
    repository(folder, {"action.yml": manifest, "main.mjs": TOOLKIT, "post.mjs": post})
    steps = """
- uses: octo/action@v1
  id: it
  with: {text: hi}
- run: echo "$EXPORTED "'${{ steps.it.outputs.answer }}'" ${PATH%%:*}"
"""
    repo = repository(tmp_path / "repo", {CI: workflow(steps), "a.txt": "", "b.txt": ""})
    ran = run(repo, "--local-repository", f"octo/action@v1={folder}")
    assert ran.code == 0, ran.errors + ran.printed()
    said = ran.printed()
    for line in ("inside", "input hi ***", "glob a.txt,b.txt", "exec 0 from exec", "tool true"):
        assert line in said, said
    assert 'line one\nline two {"n":42} /opt/added' in said
    assert said.rstrip().endswith("post kept")
    [warning] = ran.of("annotation", level="warning")
    assert (warning["title"], warning["file"], warning["line"]) == ("T", "a.txt", 3)
    assert "Summary of the toolkit" in ran.of("summary")[0]["text"]


# --- Docker actions -------------------------------------------------------------------------------

DOCKERFILE = """
FROM runwright-test/debian:bookworm
COPY say.sh /say.sh
RUN chmod 755 /say.sh && cp /say.sh /pre.sh && cp /say.sh /post.sh
ENTRYPOINT ["/say.sh"]
"""
DOCKER = """
name: A Docker action
description: D
inputs: {text: {default: none}}
outputs: {made: {description: M}}
runs:
  using: docker
  image: Dockerfile
  args: ['main', '${{ inputs.text }}', '']
  env: {OWN: mine, GITHUB_ACTIONS: never}
  pre-entrypoint: /pre.sh
  post-entrypoint: /post.sh
"""
SAY = """#!/bin/sh
echo "said $# $1|$2|$3 in $(pwd) as $GITHUB_WORKSPACE home $HOME own $OWN actions $GITHUB_ACTIONS"
[ -f /github/workflow/event.json ] && echo event
echo "state $STATE_s"
echo s=kept >>"$GITHUB_STATE"
[ "$0" = /say.sh ] || exit 0
ls; touch made-by-docker
echo "input $INPUT_TEXT"
echo "made=it" >>"$GITHUB_OUTPUT"
echo "FROM_DOCKER=yes" >>"$GITHUB_ENV"
"""
DOCKER_ACTION = {"Dockerfile": DOCKERFILE, "action.yml": DOCKER, "say.sh": SAY}


@pytest.mark.covers("ACT-018", "ACT-019", "ACT-020", "ACT-021")
@pytest.mark.parametrize("container", [None, "runwright-test/debian:bookworm"])
def test_a_docker_action(tmp_path: Path, container: str | None) -> None:
    keys = {} if container is None else {"container": container}
    steps = """
- run: touch here
- uses: octo/action@v1
  id: it
  with: {text: a b, args: ignored}
- run: echo "${{ steps.it.outputs.made }} $FROM_DOCKER"; ls
"""
    ran = with_action(tmp_path, steps, DOCKER_ACTION, **keys)
    assert ran.code == 0, ran.errors + ran.printed()
    where = "in /github/workspace as /github/workspace home /github/home own mine actions true"
    said = ran.printed()
    assert f"said 3 main|a b| {where}" in said, said
    assert "event\n" in said and "here\n" in said and "input a b\n" in said
    assert "it yes\n" in said and "made-by-docker" in said.partition("it yes")[2]
    assert said.count("state kept") == 2  # main and post have what pre left
    assert list(ran.ends())[-1] == "Post Run octo/action@v1"


@pytest.mark.covers("ACT-004")
def test_an_image_as_a_step(tmp_path: Path) -> None:
    steps = """
- uses: docker://runwright-test/debian:bookworm
  with: {entrypoint: /bin/sh, args: -c "echo $INPUT_X in $PWD; exit $INPUT_X", x: 3}
  continue-on-error: true
"""
    ran = run(repository(tmp_path, {CI: workflow(steps)}))
    assert ran.code == 0, ran.errors
    assert ran.printed() == "3 in /github/workspace\n"
    assert ran.of("step.finished")[0]["exit_code"] == 3


@pytest.mark.covers("ACT-022")
def test_a_folder_with_only_a_dockerfile(tmp_path: Path) -> None:
    files = {"act/Dockerfile": DOCKERFILE, "act/say.sh": SAY}
    steps = "- uses: ./act\n  with: {args: main 'two words'}"
    ran = run(repository(tmp_path, {CI: workflow(steps), **files}))
    assert ran.code == 0, ran.errors
    assert "said 2 main|two words|" in ran.printed()


@pytest.mark.covers("ACT-018")
def test_a_dockerfile_that_fails(tmp_path: Path) -> None:
    broken = {**DOCKER_ACTION, "Dockerfile": DOCKERFILE.replace("chmod 755", "false &&")}
    ran = with_action(tmp_path, "- uses: octo/action@v1", broken)
    assert ran.code == 1
    assert any("octo/action@v1" in message for message in ran.annotations("error"))


@pytest.mark.covers("ACT-004")
def test_an_image_that_does_not_exist(tmp_path: Path) -> None:
    ran = run(repository(tmp_path, {CI: workflow("- uses: docker://runwright-test/absent")}))
    assert ran.code == 1
    assert "runwright-test/absent" in ran.annotations("error")[0]


# --- composite actions ----------------------------------------------------------------------------


def composite(steps: str, more: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in steps.strip("\n").split("\n"))
    return f"name: C\ndescription: C\n{more}runs:\n  using: composite\n  steps:\n{lines}"


@pytest.mark.covers("ACT-013", "ACT-015", "ACT-016", "ACT-017")
def test_three_levels_of_composites(tmp_path: Path) -> None:
    outer = composite(
        """
- run: echo "outer ${{ inputs.a }} ${GITHUB_ACTION_PATH##*/} ${INPUT_A:-none}"
  shell: bash
- uses: ./middle
  id: m
  with: {b: '${{ inputs.a }}!'}
- uses: octo/action@v1
  with: {who-to-greet: outer}
""",
        "inputs: {a: {default: x}}\noutputs: {o: {value: '${{ steps.m.outputs.o }}'}}\n",
    )
    middle = composite(
        "- uses: ./inner\n  id: i\n  with: {c: '${{ inputs.b }}'}\n",
        "inputs: {b: {}}\noutputs: {o: {value: 'm-${{ steps.i.outputs.o }}'}}\n",
    )
    inner = composite(
        """
- run: echo "inner ${{ inputs.c }}"; echo "o=${{ inputs.c }}" >>"$GITHUB_OUTPUT"
  id: s
  shell: ${{ 'sh' }}
- uses: octo/action@v1
  with: {who-to-greet: inner}
""",
        "inputs: {c: {}}\noutputs: {o: {value: '${{ steps.s.outputs.o }}'}}\n",
    )
    files = {"outer/action.yml": outer, "middle/action.yml": middle, "inner/action.yml": inner}
    steps = (
        "- uses: ./outer\n  id: top\n  with: {a: y}\n- run: echo 'got ${{ steps.top.outputs.o }}'"
    )
    action = repository(tmp_path / "action", ACTION)
    repo = repository(tmp_path / "repo", {CI: workflow(steps), **files})
    ran = run(repo, "--local-repository", f"octo/action@v1={action}")
    assert ran.code == 0, ran.errors + ran.printed()
    said = ran.printed().splitlines()
    assert "outer y outer none" in said and "inner y!" in said and "got m-y!" in said
    assert [line for line in said if line.startswith("main: hello")] == [
        "main: hello inner from " + _actor(ran),
        "main: hello outer from " + _actor(ran),
    ]
    posts = [e for e in ran.of("step.finished") if e["phase"] == "post"]
    assert [event["depth"] for event in posts] == [1, 3]


def _actor(ran: Ran) -> str:
    return next(
        line.rpartition(" ")[2]
        for line in ran.printed().splitlines()
        if line.startswith("main: hello")
    )


@pytest.mark.covers("ACT-015")
def test_a_cycle_of_composites(tmp_path: Path) -> None:
    files = {
        "a/action.yml": composite("- uses: ./b"),
        "b/action.yml": composite("- uses: ./a"),
    }
    ran = run(repository(tmp_path, {CI: workflow("- uses: ./a"), **files}))
    assert ran.code == 3 and "./a" in ran.errors + "".join(ran.annotations("error"))


ANEW = composite("""
- {name: by default within, run: 'echo "within: ${{ github.action_status }}"', shell: sh}
- {name: success within, if: success(), run: echo, shell: sh}
- {name: failure within, if: failure(), run: echo, shell: sh}
""")
FAILING = composite("""
- {name: fails, run: exit 7, shell: sh}
- {name: by default, run: echo, shell: sh}
- {name: if success, if: success(), run: echo, shell: sh}
- {name: if failure, if: failure(), run: 'echo "${{ github.action_status }}"', shell: sh}
- {name: if always, if: always(), run: echo always, shell: sh}
- {name: deeper, if: failure(), uses: ./anew}
- {name: at last, run: echo, shell: sh}
""")


@pytest.mark.covers("ACT-014")
def test_a_step_of_a_composite_fails(tmp_path: Path) -> None:
    """Those after it run as their conditions say; a composite among them begins with success."""
    steps = """
- {uses: ./failing, id: it, continue-on-error: true}
- run: echo "${{ steps.it.outcome }}, ${{ steps.it.conclusion }}, ${{ job.status }}"
  name: after
"""
    files = {"failing/action.yml": FAILING, "anew/action.yml": ANEW}
    ran = run(repository(tmp_path, {CI: workflow(steps), **files}))
    assert ran.code == 0, ran.errors + ran.printed()
    assert ran.ends() == {
        "fails": "failure",
        "by default": "skipped",
        "if success": "skipped",
        "if failure": "success",
        "if always": "success",
        "by default within": "success",
        "success within": "success",
        "failure within": "skipped",
        "deeper": "success",
        "at last": "skipped",
        "Run ./failing": "success",
        "after": "success",
    }
    said = ran.printed().split("\n")
    assert said[:2] == ["failure", "always"]
    assert "within: success" in said and "failure, success, success" in said
    assert ran.annotations("error") == ["Process completed with exit code 7."]


@pytest.mark.covers("ACT-014")
def test_a_composite_after_a_failure_begins_with_success(tmp_path: Path) -> None:
    steps = """
- {name: fails, run: exit 1}
- {name: always, uses: ./anew, if: always()}
- {name: by default, uses: ./anew}
"""
    ran = run(repository(tmp_path, {CI: workflow(steps), "anew/action.yml": ANEW}))
    assert ran.code == 1
    assert ran.ends() == {
        "fails": "failure",
        "by default within": "success",
        "success within": "success",
        "failure within": "skipped",
        "always": "success",
        "by default": "skipped",
    }
    assert "within: success" in ran.printed()


LENIENT = composite(
    """
- {id: one, name: one, run: exit 3, shell: sh, continue-on-error: true}
- {id: two, name: two, run: exit 4, shell: sh, continue-on-error: "${{ inputs.lenient == 'yes' }}"}
- {name: three, if: steps.one.outcome == 'failure' && inputs.go, run: echo, shell: sh}
- {name: four, if: inputs.go == 'no', run: echo, shell: sh}
- {name: five, run: 'echo "${{ steps.two.outcome }}, ${{ steps.two.conclusion }}"', shell: sh}
""",
    "inputs: {go: {default: 'yes'}, lenient: {}}\n",
)


@pytest.mark.covers("ACT-014")
@pytest.mark.parametrize("lenient", ["yes", "no"])
def test_what_a_composite_allows_to_fail(tmp_path: Path, lenient: str) -> None:
    steps = f"- {{name: all, uses: ./lenient, with: {{lenient: '{lenient}'}}}}"
    ran = run(repository(tmp_path, {CI: workflow(steps), "lenient/action.yml": LENIENT}))
    passes = lenient == "yes"
    assert ran.code == (0 if passes else 1), ran.errors + ran.printed()
    assert ran.ends() == {
        "one": "success",
        "two": "success" if passes else "failure",
        "three": "success" if passes else "skipped",
        "four": "skipped",
        "five": "success" if passes else "skipped",
        "all": "success" if passes else "failure",
    }
    assert ("failure, success\n" in ran.printed()) is passes


# --- inputs ---------------------------------------------------------------------------------------

NEEDED = "name: N\ndescription: N\ninputs: {needed: {required: true}, given: {required: true}}\n"
TOLD = 'echo "docker [${INPUT_NEEDED-unset}] $INPUT_GIVEN"'
NEEDY = {
    "js/action.yml": NEEDED + "runs: {using: node24, main: main.js}\n",
    "js/main.js": "console.log(`js [${process.env.INPUT_NEEDED}] ${process.env.INPUT_GIVEN}`);",
    "composite/action.yml": NEEDED + "runs:\n  using: composite\n  steps:\n"
    "    - {run: 'echo composite [${{ inputs.needed }}] ${{ inputs.given }}', shell: sh}\n",
    "docker/action.yml": NEEDED + "runs: {using: docker, image: Dockerfile}\n",
    "docker/Dockerfile": "FROM runwright-test/debian:bookworm\n"
    f"ENTRYPOINT {json.dumps(['sh', '-c', TOLD])}\n",
}


@pytest.mark.covers("ACT-009")
def test_a_required_input_that_is_not_given_is_empty(tmp_path: Path) -> None:
    """Nobody complains: GitHub's runner does not look at `required`."""
    kinds = ("js", "composite", "docker")
    steps = "\n".join(f"- {{uses: ./{kind}, with: {{given: it}}}}" for kind in kinds)
    ran = run(repository(tmp_path, {CI: workflow(steps), **NEEDY}))
    assert ran.code == 0, ran.errors + ran.printed()
    assert ran.printed() == "js [] it\ncomposite [] it\ndocker [] it\n"
    assert ran.of("annotation") == []


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.covers("ACT-003")
def test_a_local_action_that_is_not_there(tmp_path: Path) -> None:
    ran = run(repository(tmp_path, {CI: workflow("- uses: ./absent")}))
    assert ran.code == 1
    assert "Did you forget to run actions/checkout" in ran.annotations("error")[0]


def test_a_bad_manifest(tmp_path: Path) -> None:
    bad = "name: B\ndescription: B\nruns: {using: node9, main: x.js}\n"
    ran = run(repository(tmp_path, {CI: workflow("- uses: ./bad"), "bad/action.yml": bad}))
    said = ran.errors + "".join(ran.annotations("error"))
    assert ran.code in (1, 3) and "bad/action.yml:3:" in said and "node9" in said


@pytest.mark.covers("ACT-023")
def test_a_remote_action_that_is_not_there(tmp_path: Path) -> None:
    empty = tmp_path / "gitconfig"
    base = tmp_path / "nowhere"
    base.mkdir()
    empty.write_text(f'[url "file://{base}/"]\n\tinsteadOf = https://github.com/\n')
    steps = "- run: echo first\n- uses: octo/absent@v1"
    repo = repository(tmp_path / "repo", {CI: workflow(steps)})
    ran = run(repo, env={"GIT_CONFIG_GLOBAL": str(empty)})
    assert ran.code != 0 and "octo/absent@v1" in ran.errors
    assert "first" not in ran.printed()


# --- checkout -------------------------------------------------------------------------------------

CHECKED_OUT = """
- uses: actions/checkout@v4
  id: it
  with: {fetch-depth: 0}
- run: |
    echo "${{ steps.it.outputs.ref }} ${{ steps.it.outputs.commit }}"
    git rev-parse HEAD
    git status --short; ls; cat file
    echo theirs >file; touch made
"""


@pytest.mark.covers("ACT-024")
def test_a_checkout_of_the_repository_itself_is_a_copy_of_it(
    tmp_path: Path, origin: Origin
) -> None:
    """No server is asked: what is here is there, but what git ignores, and nothing comes back."""
    files = {CI: workflow(CHECKED_OUT), "file": "first\n", ".gitignore": "hidden\n"}
    repo = repository(tmp_path / "repo", files)
    (repo / "file").write_text("changed\n")
    (repo / "hidden").touch()
    head = subprocess.check_output(["git", "-C", str(repo), "rev-parse", "HEAD"], text=True)
    ran = run(repo)
    assert ran.code == 0, ran.errors + ran.printed()
    assert ran.printed() == f"refs/heads/main {head}{head} M file\nfile\nchanged\n"
    assert origin.asked == []
    assert (repo / "file").read_text() == "changed\n" and not (repo / "made").exists()


CHECKOUT = composite(
    """
- shell: sh
  run: |
    echo "asked for ${{ inputs.repository }} at '${{ inputs.ref }}'"
    mkdir "${{ inputs.path }}"; touch "${{ inputs.path }}/cloned"
""",
    "inputs: {repository: {default: '${{ github.repository }}'}, ref: {}, path: {}}\n",
)


@pytest.mark.covers("ACT-024")
def test_any_other_checkout_is_left_to_the_action(tmp_path: Path, origin: Origin) -> None:
    origin.repository("actions/checkout").commit({"action.yml": CHECKOUT}, "v4")
    steps = """
- uses: actions/checkout@v4
- uses: actions/checkout@v4
  with: {repository: octo/other, ref: v1, path: other}
- uses: actions/checkout@v4
  with: {path: again}
- run: ls -d file other/cloned again/cloned
"""
    ran = run(repository(tmp_path / "repo", {CI: workflow(steps), "file": ""}))
    assert ran.code == 0, ran.errors + ran.printed()
    assert ran.printed().splitlines() == [
        "asked for octo/other at 'v1'",
        "asked for local/repo at ''",
        "again/cloned",
        "file",
        "other/cloned",
    ]


# --- offline and private --------------------------------------------------------------------------

TOOL = {
    "action.yml": composite("- {run: echo the action, shell: sh}"),
    ".github/workflows/called.yml": "on: workflow_call\n"
    "jobs: {inner: {runs-on: ubuntu-latest, steps: [run: echo the workflow]}}\n",
}
USING = """
on: push
jobs:
  call: {uses: octo/tool/.github/workflows/called.yml@v1}
  test: {runs-on: ubuntu-latest, steps: [uses: octo/tool@v1]}
"""


def with_both(ran: Ran) -> bool:
    """Whether the action and the called workflow of TOOL ran."""
    assert ran.code == 0, ran.errors + ran.printed()
    return (ran.printed("test"), ran.printed("call/inner")) == ("the action\n", "the workflow\n")


@pytest.mark.covers("ACT-002", "RWF-002")
def test_what_was_fetched_once_is_used_without_a_network(tmp_path: Path, origin: Origin) -> None:
    sha = origin.repository("octo/tool").commit(TOOL, "v1")
    repo = repository(tmp_path / "repo", {CI: USING})
    first = run(repo)
    assert with_both(first) and f"Getting octo/tool@v1 ({sha[:12]})" in first.errors
    asked = len(origin.asked)
    offline = run(repo, "--action-offline-mode")
    assert with_both(offline) and offline.errors == "" and len(origin.asked) == asked
    origin.goes_to("http://127.0.0.1:1/")  # where nothing answers
    again = run(repo)
    assert with_both(again)
    assert f"the commit that it was last time is used ({sha[:12]})" in again.errors


@pytest.mark.covers("ACT-002")
@pytest.mark.parametrize("ci", [USING, workflow("- run: echo first\n- uses: octo/tool@v1")])
def test_what_was_never_fetched_is_not_to_be_had_offline(
    tmp_path: Path, origin: Origin, ci: str
) -> None:
    origin.repository("octo/tool").commit(TOOL, "v1")
    ran = run(repository(tmp_path / "repo", {CI: ci}), "--action-offline-mode")
    assert ran.code == 4 and ran.events == () and origin.asked == []
    assert "octo/tool@v1 was never fetched here; run once without --action-offline" in ran.errors


@pytest.mark.covers("ACT-025", "RWF-002")
def test_a_private_repository_is_fetched_with_the_token(tmp_path: Path, origin: Origin) -> None:
    origin.repository("octo/tool").commit(TOOL, "v1")
    repo = repository(tmp_path / "repo", {CI: USING})
    with github(origin, token="t0ken-of-mine") as server:
        without = run(repo)
        wrong = run(repo, "-s", "GITHUB_TOKEN=wr0ng")
        ran = run(repo, "-s", "GITHUB_TOKEN=t0ken-of-mine")
    for refused, advice in (
        (without, "it is private: give a token with -s GITHUB_TOKEN"),
        (wrong, "the token given (GITHUB_TOKEN) may not read it"),
    ):
        assert refused.code == 4 and refused.events == ()
        assert 'there is no repository "octo/tool" at https://github.com' in refused.errors
        assert advice in refused.errors and "wr0ng" not in refused.errors
    assert with_both(ran) and server.given[-1].lower() == server.wanted.lower()
    assert "t0ken" not in ran.errors + json.dumps(ran.events)


@pytest.mark.covers("ACT-025")
def test_the_users_own_credentials_open_a_private_repository(
    tmp_path: Path, origin: Origin
) -> None:
    origin.repository("octo/tool").commit(TOOL, "v1")
    repo = repository(tmp_path / "repo", {CI: USING})
    helper = "!f() { echo username=x-access-token; echo password=t0ken-of-mine; }; f"
    with github(origin, token="t0ken-of-mine"):
        with origin.settings.open("a") as settings:
            settings.write(f'[credential]\n  helper = "{helper}"\n')
        ran = run(repo)
    assert with_both(ran) and "t0ken" not in ran.errors + json.dumps(ran.events)
