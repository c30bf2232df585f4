"""pytest-bdd calls a step and throws away what it returns: an `async def` step never runs, and its scenario passes."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest


def pytest_bdd_before_step_call(step: Any, step_func: Callable[..., object]) -> None:
    """Fail a step that nobody would await."""
    if inspect.iscoroutinefunction(step_func) or inspect.isasyncgenfunction(step_func):
        name = getattr(step_func, "__name__", repr(step_func))
        pytest.fail(f"the step {step.name!r} is a coroutine function ({name}): pytest-bdd would never await it")
