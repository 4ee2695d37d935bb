"""The runs of one command, side by side, and those that follow others."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import trio
from msgspec.structs import replace

from engine import git
from engine.cli import chain, settings
from engine.cli.prepare import Prepared
from engine.cli.reporting import Reports
from engine.cli.starts import Start
from engine.contexts import RunFacts
from engine.events import Emit, Event, JobStarted, WorkflowSkipped
from engine.expr.values import lookup
from engine.job import Cancellation
from engine.run import NO_SUPPLIES, Choose, RunResult, Settings
from engine.run import run as run_plan
from engine.store import groups


class Runs:
    """Everything that one command runs; `results` grows as runs end."""

    def __init__(
        self,
        prepared: Prepared,
        nursery: trio.Nursery,
        choose: Choose,
        cancellation: Cancellation,
        reports: Reports,
    ) -> None:
        self.followers = prepared.followers
        self.nursery = nursery
        self.choose = choose
        self.cancellation = cancellation
        self.reports = reports
        self.settings = _settings(prepared)
        most = prepared.request.concurrent_jobs or max(4, os.cpu_count() or 1)
        self.slots = trio.CapacityLimiter(most)
        self.results: list[RunResult] = []
        self._told: set[tuple[str, str]] = set()

    async def run(self, start: Start, level: int = 0) -> None:
        """One run, whose facts are final, and what follows it; `level` counts what it follows."""
        facts = start.facts
        self._follow(facts, level, "requested")
        # a run that another one replaces is cancelled alone, not with its neighbours
        stop = Cancellation()
        with self.cancellation.heard_by(lambda: stop.request(self.cancellation.reason)):
            result = await run_plan(
                start.plan,
                facts,
                replace(self.settings, inputs=start.inputs),
                self.choose,
                stop,
                self._emit(facts, level),
                self.slots,
                partial(groups.member, facts.checkout.repository),
            )
        self.results.append(result)
        self._follow(facts, level, "completed", str(result.outcome))

    def _emit(self, facts: RunFacts, level: int) -> Emit:
        """Passes events on; with the first job that starts, a run is in progress."""
        waiting = [facts]

        def emit(event: Event) -> None:
            self.reports.emit(event)
            if waiting and isinstance(event, JobStarted):
                self._follow(waiting.pop(), level, "in_progress")

        return emit

    def _follow(self, facts: RunFacts, level: int, activity: str, conclusion: str = "") -> None:
        if self.cancellation.requested:
            return
        for found in chain.following(self.followers, facts, level, activity, conclusion):
            if isinstance(found, WorkflowSkipped):
                self._tell(found, facts)
            else:
                start = replace(found, facts=self.reports.begin(found.facts))
                self.nursery.start_soon(self.run, start, level + 1)

    def _tell(self, skipped: WorkflowSkipped, facts: RunFacts) -> None:
        """Once for each run that it does not follow, whatever has happened to that."""
        key = (skipped.file, facts.run_id)
        if key not in self._told:
            self._told.add(key)
            self.reports.emit(skipped)


def _settings(prepared: Prepared) -> Settings:
    request = prepared.request
    pull: Any = request.pull
    return Settings(
        environments=settings.environments(prepared.project.directory),
        source=prepared.project.root,
        hidden=git.ignored(prepared.project.root) if request.use_gitignore else (),
        secrets=prepared.secrets,
        variables=prepared.variables,
        env=prepared.environment,
        matrix=prepared.matrix,
        workspace_mode="bind" if request.bind else "copy" if request.copy else "overlay",
        pull=pull,
        options=request.container_options,
        network=request.network,
        platform=request.container_architecture,
        docker_socket=request.container_daemon_socket != "-",
        supplies=prepared.supplies or NO_SUPPLIES,
        debug=request.verbose or _debugs(prepared),
    )


def _debugs(prepared: Prepared) -> bool:
    """The secret wins over the variable (GitHub's documentation, enabling debug logging)."""
    name = "ACTIONS_STEP_DEBUG"
    said = lookup(prepared.secrets, name, lookup(prepared.variables, name, ""))
    return bool(said.lower() == "true")
