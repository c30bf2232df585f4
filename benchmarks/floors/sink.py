"""An endpoint that takes every webhook, a while after it was asked: `python -m benchmarks.floors.sink SECONDS`."""

import asyncio
import sys

import msgspec
from aiohttp import web


async def main(takes: float) -> None:
    """Until stdin closes; says its port, then answers every line with how many messages it has taken."""
    taken = 0

    async def take(request: web.BaseRequest) -> web.Response:
        nonlocal taken
        await request.read()
        await asyncio.sleep(takes)
        taken += 1
        return web.Response(status=204)

    runner = web.ServerRunner(web.Server(take, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    say(runner.addresses[0][1])
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.buffer.readline):
        say(taken)
    await runner.cleanup()


def say(what: int) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
