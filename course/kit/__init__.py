"""What the notebooks import. Ships to students: knows no solution and no hidden test."""

from course.kit.check import CheckFailedError, Checks
from course.kit.exercise import Call, call, draw

__all__ = ["Call", "CheckFailedError", "Checks", "call", "draw"]
