"""Jobs become a graph of needs; a job becomes its legs as soon as its matrix is known."""

from engine.plan.legs import Leg, expand, is_static
from engine.plan.needs import Plan, plan, unknown_jobs

__all__ = ["Leg", "Plan", "expand", "is_static", "plan", "unknown_jobs"]
