"""Jobs become a graph of needs; a job becomes its legs as soon as its matrix is known."""

from engine.plan.legs import Container, Leg, expand, is_static
from engine.plan.needs import Plan, plan, unknown_jobs

__all__ = ["Container", "Leg", "Plan", "expand", "is_static", "plan", "unknown_jobs"]
