"""Jobs that talk to real servers in service containers, on localhost and by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e import repository, run, workflow

pytestmark = pytest.mark.docker
CI = ".github/workflows/ci.yml"
SERVERS = "runwright-test/servers"
SERVICES = f"""
      db:
        image: {SERVERS}
        entrypoint: postgres
        env: {{POSTGRES_PASSWORD: s3cret}}
        ports: ['5433:5432']
        options: >-
          --health-cmd "pg_isready -h localhost"
          --health-interval 1s --health-timeout 5s --health-retries 30
      cache:
        image: {SERVERS}
        command: redis-server --protected-mode no
        ports: [6379]
        options: --health-cmd "redis-cli ping" --health-interval 1s --health-retries 30"""
ASK = """
- run: |
    psql -h {db} -p {port} -U postgres -tAc "select 'answer ' || 6 * 7"
    redis-cli -h {cache} -p {redis} set key value
    redis-cli -h {cache} -p {redis} get key
  env: {{PGPASSWORD: s3cret}}
"""
HERE = ASK.format(
    db="localhost", port=5433, cache="localhost", redis="${{ job.services.cache.ports['6379'] }}"
)
BY_NAME = ASK.format(db="db", port=5432, cache="cache", redis=6379)


@pytest.mark.covers("SVC-001", "SVC-002", "SVC-004", "SVC-005", "SVC-007", "SVC-009", "CTX-008")
def test_on_localhost(tmp_path: Path) -> None:
    ran = run(repository(tmp_path, {CI: workflow(HERE, services=SERVICES)}), image=SERVERS)
    assert ran.code == 0, ran.errors + ran.printed() + ran.reason("test")
    assert ran.printed() == "answer 42\nOK\nvalue\n"


@pytest.mark.covers("SVC-003", "CTR-003")
def test_by_name_from_a_job_container(tmp_path: Path) -> None:
    text = workflow(BY_NAME, services=SERVICES, container=SERVERS)
    ran = run(repository(tmp_path, {CI: text}))
    assert ran.code == 0, ran.errors + ran.printed() + ran.reason("test")
    assert ran.printed() == "answer 42\nOK\nvalue\n"


@pytest.mark.covers("SVC-004")
def test_legs_with_the_same_ports_side_by_side(tmp_path: Path) -> None:
    strategy = "{matrix: {n: [1, 2]}}"
    text = workflow(HERE, services=SERVICES, strategy=strategy)
    ran = run(repository(tmp_path, {CI: text}), image=SERVERS)
    assert ran.code == 0, ran.errors + ran.printed()
    assert ran.jobs() == {"test.0": "success", "test.1": "success"}


@pytest.mark.covers("SVC-005", "SVC-009")
def test_a_service_that_never_gets_healthy(tmp_path: Path) -> None:
    services = f"""
      db:
        image: {SERVERS}
        command: sh -c "echo what went wrong; sleep 100"
        options: --health-cmd false --health-interval 1s --health-retries 1"""
    ran = run(repository(tmp_path, {CI: workflow("- run: echo no", services=services)}))
    assert ran.code != 0 and ran.printed() == ""
    said = ran.reason("test") + "".join(event["message"] for event in ran.of("log"))
    assert "db" in ran.reason("test") and "what went wrong" in said


CHOSEN = f"""
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {{matrix: {{image: [{SERVERS}, ""]}}}}
    services:
      cache:
        image: ${{{{ matrix.image }}}}
        command: redis-server --protected-mode no
        ports: [6379]
        options: --health-cmd "redis-cli ping" --health-interval 1s --health-retries 30
      named: ${{{{ vars.NONE }}}}
      other: {{image: {SERVERS}, command: sleep 600}}
    steps:
      - env:
          CACHE: ${{{{ job.services.cache.id && 'cache' }}}}
          NAMED: ${{{{ job.services.named.id && 'named' }}}}
          OTHER: ${{{{ job.services.other.id && 'other' }}}}
        run: echo up are $CACHE $NAMED $OTHER
      - if: matrix.image
        run: redis-cli -p "${{{{ job.services.cache.ports['6379'] }}}}" ping
"""


@pytest.mark.covers("SVC-008")
def test_a_service_whose_image_turns_out_empty_is_not_started(tmp_path: Path) -> None:
    """It is said, and the job runs with the others."""
    ran = run(repository(tmp_path, {CI: CHOSEN}), image=SERVERS)
    assert ran.code == 0, ran.errors + ran.printed() + ran.reason("test.0")
    assert ran.printed("test.0") == "up are cache other\nPONG\n"
    assert ran.printed("test.1") == "up are other\n"
    said = {(event["job"], event["message"]) for event in ran.of("log")}
    skipped = {(job, text) for job, text in said if "so it is not started" in text}
    assert skipped == {
        ("test.0", "The service 'named' has no image, so it is not started."),
        ("test.1", "The service 'named' has no image, so it is not started."),
        ("test.1", "The service 'cache' has no image, so it is not started."),
    }
