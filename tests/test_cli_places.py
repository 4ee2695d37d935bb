"""Where a job runs: which runner, with which image, and what stands in for one that is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from test_plan import leg

from engine.cli import places
from engine.cli.settings import IMAGES, SELF_HOSTED
from engine.machine import ImageUnavailable, Layout, Log, Machine, MachineError, MachineSpec
from engine.run import Berth, NoPlace
from runners.fake import FakeRunner

DOCKER = places.Isolation("docker", "")
SPEC = MachineSpec("1", "a", Layout("/w", "/t", "/tools"), None, image="ours")
SERVICES = "services: {db: {image: postgres}}"


def berth(text: str, asked: str = "auto", isolation: places.Isolation = DOCKER) -> Berth:
    return places.chooser(isolation, asked, {**IMAGES, "mine": "mine:1", "host": SELF_HOSTED})(
        leg(text)
    )


@pytest.mark.covers("OPS-005")
@pytest.mark.parametrize(
    ("text", "asked", "image", "may_fall_back"),
    [
        ("runs-on: ubuntu-latest", "auto", IMAGES["ubuntu-latest"], True),
        ("runs-on: [self-hosted, Ubuntu-22.04]", "auto", IMAGES["ubuntu-22.04"], True),
        ("runs-on: ubuntu-latest", "docker", IMAGES["ubuntu-latest"], False),
        ("runs-on: mine", "auto", "mine:1", False),
        ("runs-on: ubuntu-latest, container: x", "auto", "x", False),
        (f"runs-on: ubuntu-latest, {SERVICES}", "auto", IMAGES["ubuntu-latest"], False),
    ],
)
def test_only_a_job_that_needs_no_docker_may_fall_back(
    text: str, asked: str, image: str, may_fall_back: bool
) -> None:
    found = berth(text, asked)
    assert found.image == image
    assert isinstance(found.runner, places.Fallback) is may_fall_back


def test_a_label_may_mean_this_machine() -> None:
    assert berth("runs-on: host").runner is places.runner("host")


def test_a_label_that_nothing_stands_for() -> None:
    with pytest.raises(NoPlace, match='no image stands for "runs-on: other" here'):
        berth("runs-on: other")


def test_without_docker_there_is_no_container() -> None:
    namespace = places.Isolation("namespace", "")
    assert berth("runs-on: ubuntu-latest", isolation=namespace).image == ""
    with pytest.raises(NoPlace, match='asks for the container "x"'):
        berth("runs-on: ubuntu-latest, container: x", isolation=namespace)


class Lacking(FakeRunner):
    """A runner that can't have the image, or fails in another way."""

    def __init__(self, error: MachineError) -> None:
        super().__init__()
        self.error = error
        self.tried = 0

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[Machine]:  # type: ignore[override]
        self.tried += 1
        raise self.error
        yield


async def test_an_image_that_can_not_be_had_is_done_without_and_said_once() -> None:
    first, told = Lacking(ImageUnavailable("No image.")), list[str]()
    runner = places.Fallback(first, FakeRunner)
    for _ in range(2):
        async with runner.open(SPEC, told.append) as machine:
            assert machine.facts.isolation == "fake"
    assert told == ["No image. Jobs that need it run in a namespace of this machine instead."]
    assert first.tried == 1


async def test_any_other_failure_is_a_failure() -> None:
    runner = places.Fallback(Lacking(MachineError("Broken.")), FakeRunner)
    with pytest.raises(MachineError, match="Broken"):
        async with runner.open(SPEC, print):
            raise AssertionError("it was opened")
