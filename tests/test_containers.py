"""The container of a job and its services: what is asked of the machine, and what steps see."""

from __future__ import annotations

import pytest
from scripted import FakeRunner, Ran, job, run

from engine.events import Log
from engine.machine import Credentials, MachineSpec, Service

REDIS = "{cache: {image: 'redis:7', ports: ['6379:6379']}}"


def spec(**keys: str) -> MachineSpec:
    ran = run(job("- run: echo", **keys), settings={"secrets": {"PASSWORD": "s3cret"}})
    assert ran.outcome == "success", ran.reasons
    return ran.runner.opened[0]


def of_service(written: str, **keys: str) -> Service:
    [found] = spec(services=f"{{db: {written}}}", **keys).services
    return found


@pytest.mark.covers("SVC-001", "SVC-006", "SVC-007")
@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("postgres", "image", "postgres"),
        ("'docker://postgres:16'", "image", "postgres:16"),
        ("{image: postgres}", "image", "postgres"),
        ("{image: '${{ github.ref_name }}:1'}", "image", "main:1"),
        ("{image: x, env: {A: 1, B: true}}", "env", {"A": "1", "B": "true"}),
        ("{image: x, env: {A: '${{ secrets.PASSWORD }}'}}", "env", {"A": "s3cret"}),
        ("{image: x, env: {A: '${{ env.OF_JOB }}'}}", "env", {"A": "j main"}),
        ("{image: x, ports: [80, '8080:80/udp']}", "ports", ("80", "8080:80/udp")),
        ("{image: x, volumes: ['/a:/b']}", "volumes", ("/a:/b",)),
        ("{image: x, options: --health-cmd x}", "options", "--health-cmd x"),
        ("{image: x, entrypoint: /run, command: -a b}", "entrypoint", "/run"),
        ("{image: x, entrypoint: /run, command: -a b}", "command", "-a b"),
        (
            "{image: x, credentials: {username: u, password: '${{ secrets.PASSWORD }}'}}",
            "credentials",
            Credentials("u", "s3cret"),
        ),
        ('"${{ fromJSON(\'{\\"image\\": \\"y\\"}\') }}"', "image", "y"),
    ],
)
def test_services(written: str, field: str, value: object) -> None:
    assert getattr(of_service(written, env="{OF_JOB: 'j ${{ github.ref_name }}'}"), field) == value


@pytest.mark.covers("SVC-008", "CTR-007")
def test_a_service_without_an_image_is_not_started() -> None:
    ran = run(job("- run: echo", services="{db: \"${{ vars.DB || '' }}\", cache: redis}"))
    assert [service.name for service in ran.runner.opened[0].services] == ["cache"]
    said = [event.message for event in ran.of(Log)]
    assert "The service 'db' has no image, so it is not started." in said


@pytest.mark.covers("CTX-008", "CTX-009", "SVC-002")
def test_what_steps_know_of_services() -> None:
    steps = "- run: echo ${{ job.services.cache.id }} ${{ job.services.cache.network }}"
    ran = run(job(steps, services=REDIS))
    assert ran.printed() == "id-cache network\n"


@pytest.mark.covers("SVC-003", "SVC-004")
@pytest.mark.parametrize(("keys", "localhost"), [({}, True), ({"container": "node:22"}, False)])
def test_where_services_answer(keys: dict[str, str], localhost: bool) -> None:
    assert spec(services=REDIS, **keys).localhost is localhost


@pytest.mark.covers("SVC-005")
def test_a_service_that_never_gets_healthy() -> None:
    runner = FakeRunner(refuse={"test": "Service container db failed."})
    ran: Ran = run(job("- run: echo", services=REDIS), runner=runner)
    assert ran.outcome == "failure" and not ran.finished()
    assert ran.reasons["test"] == "Service container db failed."


@pytest.mark.covers("CTR-001", "CTR-005")
@pytest.mark.parametrize(
    "written", ["node:22", "{image: 'node:22'}", '"${{ fromJSON(\'{\\"image\\": \\"y\\"}\') }}"']
)
def test_a_job_container_has_directories_of_its_own(written: str) -> None:
    found = spec(container=written).layout
    assert (found.workspace, found.home) == ("/__w/hello/hello", "/github/home")


@pytest.mark.covers("CTR-008")
def test_expressions_and_variables_agree_about_paths() -> None:
    steps = "- run: |\n    print-env GITHUB_WORKSPACE\n    echo ${{ github.workspace }}\n"
    ran = run(job(steps, container="x"))
    assert ran.printed() == "/__w/hello/hello\n" * 2


@pytest.mark.covers("CTR-007")
def test_a_container_without_an_image_is_none() -> None:
    assert spec(container='"${{ vars.NONE }}"').layout.home is None


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{image: x, env: '${{ 1 }}'}", 'expected a mapping here, but found "1"'),
        ("{image: \"${{ fromJSON('[1]') }}\"}", '"image" must be a string, not a list'),
        ("\"${{ fromJSON('[1]') }}\"", "expected a mapping here, but found a list"),
    ],
)
def test_values_of_the_wrong_kind(written: str, message: str) -> None:
    ran = run(job("- run: echo", services=f"{{db: {written}}}"))
    assert ran.outcome == "failure" and message in ran.reasons["test"]
