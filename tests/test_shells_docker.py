"""What steps run in, in real containers: their shells and their directories."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from e2e import Ran, workflow
from test_steps_docker import BUSYBOX, of_jobs, of_steps

pytestmark = pytest.mark.docker

# --- shells ---------------------------------------------------------------------------------------

SHELLS = """
on: push
jobs:
  host:
    runs-on: ubuntu-latest
    steps:
      - run: . bin/show
      - {run: . bin/show, shell: bash, if: always()}
      - {run: . bin/show, shell: sh, if: always()}
  default:
    runs-on: ubuntu-latest
    defaults: {run: {shell: bash}}
    steps: [{run: . bin/show}]
  without-bash:
    runs-on: small
    steps: [{run: . bin/show}]
  container:
    runs-on: ubuntu-latest
    container: runwright-test/debian:bookworm
    steps:
      - run: command -v bash >/dev/null; . bin/show
      - {run: . bin/show, shell: bash, if: always()}
"""
SHOW = r"""
tr '\0' ' ' </proc/$$/cmdline; echo
false | true
echo no pipefail
false
echo no -e
"""
BASH = "bash --noprofile --norc -e -o pipefail {0}"


def shown(ran: Ran, job: str) -> list[str]:
    """What the steps of a job printed, each script's path as `{0}`."""
    return [re.sub(r"/\S+\.sh", "{0}", line.strip()) for line in ran.printed(job).splitlines()]


@pytest.mark.covers("STEP-001", "STEP-002", "STEP-003", "STEP-004")
def test_how_a_shell_is_started(tmp_path: Path) -> None:
    ran = of_jobs(tmp_path, SHELLS, "-P", f"small={BUSYBOX}", show=SHOW)
    assert shown(ran, "host") == [
        *("bash -e {0}", "no pipefail"),
        BASH,
        *("sh -e {0}", "no pipefail"),
    ]
    assert shown(ran, "default") == [BASH]
    assert shown(ran, "without-bash") == ["sh -e {0}", "no pipefail"]
    assert shown(ran, "container") == ["sh -e {0}", "no pipefail", BASH]
    codes = [event["exit_code"] for event in ran.of("step.finished")]
    assert codes == [1] * 7 and ran.code == 1


PYTHON = '#!/bin/sh\nexec python3 "$@"\n'
# in place of the real one: it says what it was given, reads the script and ends as it is told
PWSH = r"""#!/bin/sh
printf 'argument %s\n' "$@"
file=${2#". '"}
cat "${file%"'"}"
exit 7
"""
ADD_BIN = '- run: echo "$PWD/bin" >>"$GITHUB_PATH"\n'


@pytest.mark.covers("STEP-005")
def test_shells_by_name(tmp_path: Path) -> None:
    steps = f"""{ADD_BIN}
- {{shell: bash, run: 'echo "${{0##*.}} ${{BASH_VERSION:+bash}}"'}}
- {{shell: sh, run: 'echo "${{0##*.}} [$BASH_VERSION]"'}}
- {{shell: python, run: 'import sys; print(sys.argv[0][-3:], sys.version_info.major)'}}
- {{shell: pwsh, run: Get-Date, continue-on-error: true}}
"""
    ran = of_jobs(tmp_path, workflow(steps), python=PYTHON, pwsh=PWSH)
    assert ran.code == 0, ran.errors
    lines = ran.printed().splitlines()
    assert lines[:3] == ["sh bash", "sh []", ".py 3"]
    assert lines[3] == "argument -command" and lines[4].endswith(".ps1'")


@pytest.mark.covers("STEP-005")
@pytest.mark.parametrize("shell", ["cmd", "powershell"])
def test_shells_of_windows_are_refused(tmp_path: Path, shell: str) -> None:
    ran = of_steps(tmp_path, f"- {{run: echo never, shell: {shell}}}\n- run: echo no more")
    assert (ran.code, ran.printed()) == (1, "")
    assert ran.annotations("error") == [
        f"the shell '{shell}' exists on Windows only; name bash, sh or pwsh"
    ]


@pytest.mark.covers("STEP-006")
def test_a_shell_of_ones_own(tmp_path: Path) -> None:
    steps = """
- shell: perl -w {0} one "two words"
  run: |
    print join("|", "$^W", $0 =~ m{/([^/.]+)$} ? "no extension" : $0, @ARGV), "\\n";
- {shell: perl, run: print 1, continue-on-error: true}
- {shell: 'absent {0}', run: echo never}
"""
    ran = of_steps(tmp_path, steps)
    assert ran.printed().splitlines()[0] == "1|no extension|one|two words"
    assert "absent" in ran.printed().splitlines()[1]
    assert ran.annotations("error") == [
        "Invalid shell option. Shell must be a valid built-in (bash, sh, cmd, powershell, pwsh) "
        "or a format string containing '{0}'",
        "Process completed with exit code 127.",
    ]
    assert list(ran.ends().values()) == ["success", "success", "failure"]


@pytest.mark.covers("STEP-007")
def test_a_script_of_powershell_stops_at_errors_and_keeps_the_exit_code(tmp_path: Path) -> None:
    steps = f"{ADD_BIN}- shell: pwsh\n  run: |\n    Get-Date\n    ./a.exe\n"
    ran = of_jobs(tmp_path, workflow(steps), pwsh=PWSH)
    first, second, *script = ran.printed().splitlines()
    assert first == "argument -command"
    assert re.fullmatch(r"argument \. '/home/runner/work/_temp/\S+\.ps1'", second)
    assert [line for line in script if line] == [
        "$ErrorActionPreference = 'stop'",
        "Get-Date",
        "./a.exe",
        r"if ((Test-Path -LiteralPath variable:\LASTEXITCODE)) { exit $LASTEXITCODE }",
    ]
    assert ran.annotations("error") == ["Process completed with exit code 7."]


# --- directories ----------------------------------------------------------------------------------

DIRECTORIES = """
on: push
env: {DIR: bin}
jobs:
  host:
    runs-on: ubuntu-latest
    steps:
      - run: pwd
      - {run: pwd, working-directory: bin}
      - {run: pwd, working-directory: ./bin/..}
      - {run: pwd, working-directory: /tmp}
      - {run: 'pwd; mkdir inner', working-directory: '${{ env.DIR }}'}
      - {run: pwd, working-directory: '${{ github.workspace }}/${{ env.DIR }}/inner'}
  container:
    runs-on: ubuntu-latest
    container: runwright-test/debian:bookworm
    defaults: {run: {working-directory: bin}}
    steps:
      - run: pwd
      - {run: pwd, working-directory: .}
      - {run: pwd, working-directory: '${{ runner.temp }}'}
"""


@pytest.mark.covers("STEP-008")
def test_working_directories(tmp_path: Path) -> None:
    ran = of_jobs(tmp_path, DIRECTORIES, file="")
    assert ran.code == 0, ran.errors + ran.printed()
    here = "/home/runner/work/repo/repo"
    assert ran.printed("host").splitlines() == [
        *(here, f"{here}/bin", here, "/tmp", f"{here}/bin", f"{here}/bin/inner")
    ]
    there = "/__w/repo/repo"
    assert ran.printed("container").splitlines() == [f"{there}/bin", there, "/__w/_temp"]


@pytest.mark.covers("STEP-008")
def test_a_working_directory_that_is_not_there(tmp_path: Path) -> None:
    ran = of_steps(tmp_path, "- {run: echo never, working-directory: no/where}")
    assert ran.code == 1 and ran.jobs() == {"test": "failure"}
    where = "/home/runner/work/repo/repo/no/where"
    assert ran.printed() == f"working directory '{where}' does not exist\n"
