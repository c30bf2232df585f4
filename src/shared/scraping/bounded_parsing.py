"""Parsing of foreign HTML within limits of CPU time and memory.

lexbor's cost grows with the square of the depth, of the attributes of an element, and of unclosed formatting elements:
20,000 tags take a minute and gigabytes. No count of tags or depth bounds all of these, so a large page is parsed in a
process of its own, which the kernel ends at its limits. A page of up to MAX_INLINE_SIZE and MAX_INLINE_TAGS is parsed
in this process: the worst page of that size takes a third of a second.
"""

import asyncio
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, ParamSpec, TypeVar, get_type_hints

import msgspec
from msgspec import Struct

from shared.scraping.failures import PageChanged

P = ParamSpec("P")
R = TypeVar("R")

MAX_INLINE_SIZE: Final = 65_536
"""Bytes."""
MAX_INLINE_TAGS: Final = 2_000
CPU_LIMIT_S: Final = 10
MEMORY_LIMIT: Final = 1_073_741_824
"""Bytes of address space."""
TIMEOUT_S: Final = 120.0
"""Seconds to wait for the process, in case it gets no CPU."""


class _Call(Struct, frozen=True, kw_only=True):
    module: str
    function: str
    body: bytes
    arguments: dict[str, Any]
    cpu_limit_s: int = CPU_LIMIT_S


class _Outcome(Struct, frozen=True, kw_only=True):
    result: Any = None
    page_changed: str | None = None


async def parse_bounded(parse: Callable[..., R], body: bytes, **arguments: Any) -> R:
    """Return `parse(body, **arguments)`, from a process of its own if the page is large.

    `parse` is a function of a module, with msgspec types as arguments and result. Raises PageChanged if `parse` does,
    or if the page takes more than CPU_LIMIT_S or MEMORY_LIMIT.
    """
    if len(body) <= MAX_INLINE_SIZE and body.count(b"<") - body.count(b"</") <= MAX_INLINE_TAGS:
        return parse(body, **arguments)
    call = _Call(module=parse.__module__, function=parse.__qualname__, body=body, arguments=arguments)
    outcome = await _run(call)
    if outcome.page_changed is not None:
        raise PageChanged(outcome.page_changed)
    result: R = msgspec.convert(outcome.result, get_type_hints(parse)["return"])
    return result


async def _run(call: _Call) -> _Outcome:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "shared.scraping.bounded_parsing",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer, errors = await process.communicate(msgspec.msgpack.encode(call))
    except TimeoutError:
        return _too_much()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    if process.returncode is not None and process.returncode < 0:  # a signal ended it: it reached a limit
        return _too_much()
    if process.returncode != 0:
        raise RuntimeError(f"{call.function} failed: {errors.decode(errors='replace')[-2000:]}")
    return msgspec.msgpack.decode(answer, type=_Outcome)


def _too_much() -> _Outcome:
    return _Outcome(
        page_changed=f"parsing takes more than {CPU_LIMIT_S} s or {MEMORY_LIMIT >> 20} MB: this is not a normal page"
    )


def main() -> None:
    """Entry point of the separate process: read a call from standard input and write its outcome to standard output."""
    call = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Call)
    parse = getattr(import_module(call.module), call.function)
    hints = get_type_hints(parse)
    arguments = {name: msgspec.convert(value, hints[name]) for name, value in call.arguments.items()}
    resource.setrlimit(resource.RLIMIT_CPU, (call.cpu_limit_s, call.cpu_limit_s))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    try:
        outcome = _Outcome(result=msgspec.to_builtins(parse(call.body, **arguments)))
    except PageChanged as error:
        outcome = _Outcome(page_changed=str(error))
    except MemoryError:
        outcome = _too_much()
    sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    main()
