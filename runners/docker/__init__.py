"""Jobs in Docker containers: each job in its own, spoken to over its attached streams."""

from runners.docker.doctor import Probe, probe
from runners.docker.machine import DockerMachine
from runners.docker.runner import DockerRunner

__all__ = ["DockerMachine", "DockerRunner", "Probe", "probe"]
