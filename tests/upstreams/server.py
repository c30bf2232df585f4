"""The simulated sites as one process: a port per site (each has its own robots.txt), and one for the control."""

import asyncio
import contextlib
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from aiohttp import web
from tests.upstreams.contracts import ContractsSite
from tests.upstreams.faults import Fault, FaultKind, Faults, answer_of
from tests.upstreams.fencers import FencersSite
from tests.upstreams.flights import FlightsSite
from tests.upstreams.games import GamesSite
from tests.upstreams.hiscores import HiscoresSite
from tests.upstreams.log import LoggedRequest, RequestLog
from tests.upstreams.site import Answer, Refused, Request, Site

SITES: Final[tuple[type[Site], ...]] = (
    GamesSite,
    HiscoresSite,
    FencersSite,
    ContractsSite,
    FlightsSite,
)
"""Every simulated site; a further one is one more entry."""

HOST: Final = "127.0.0.1"
_CHUNK: Final = 65_536
_JSON: Final = "application/json"


class SimulatedServer:
    """All sites, their faults and the log, behind listening sockets on this machine only."""

    def __init__(self, *, seed: int, clock: Callable[[], datetime], options: Mapping[str, Mapping[str, Any]]):
        known = {site.name for site in SITES}
        if unknown := set(options) - known:
            raise Refused(f"no such site: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
        self.sites = {site.name: site(seed=seed, clock=clock, options=options.get(site.name, {})) for site in SITES}
        self.faults = Faults()
        self.log = RequestLog()
        self.urls: dict[str, str] = {}
        self._released = asyncio.Event()
        self._bombs: dict[int, bytes] = {}

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[None]:
        """Listen: the control on `port`, the sites on the ports after it (any free ones if 0)."""
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            handlers = {"control": self._control, **{name: self._serving(site) for name, site in self.sites.items()}}
            for offset, (name, handler) in enumerate(handlers.items()):
                runner = web.Server(handler, access_log=None, keepalive_timeout=3600)
                listener = await loop.create_server(
                    runner, HOST, port + offset if port else 0, backlog=1024, reuse_address=True
                )
                stack.push_async_callback(runner.shutdown, 0)
                stack.callback(listener.close)
                self.urls[name] = f"http://{HOST}:{listener.sockets[0].getsockname()[1]}"
            stack.callback(self._release)
            yield

    def _release(self) -> None:
        """Let go of hanging requests."""
        self._released.set()
        self._released = asyncio.Event()

    # ---- the sites ----

    def _serving(self, site: Site) -> Callable[[web.BaseRequest], Any]:
        async def serve(http: web.BaseRequest) -> web.StreamResponse:
            path, _, query = http.raw_path.partition("?")
            logged = self.log.arrived(site.name, http.method, path, query, http.headers)
            request = Request(http.method, path, query, http.headers)
            if self.faults:
                for fault in self.faults.hitting(site.name, request):
                    logged.fault = fault.kind
                    if fault.kind is FaultKind.LATENCY:
                        with suppress(TimeoutError):
                            await asyncio.wait_for(self._released.wait(), fault.ms / 1000)
                        continue
                    return await self._failing(fault, site, request, http, logged)
            answer = site.robots if path == "/robots.txt" else site.answer(request)
            logged.status = answer.status
            return _response(answer)

        return serve

    async def _failing(
        self, fault: Fault, site: Site, request: Request, http: web.BaseRequest, logged: LoggedRequest
    ) -> web.StreamResponse:
        answer = answer_of(fault, site, request)
        if answer is not None:
            logged.status = answer.status
            return _response(answer)
        match fault.kind:
            case FaultKind.HUGE:
                logged.status = 200
                return await _stream(http, fault.size, chunked=fault.chunked)
            case FaultKind.GZIP_BOMB:
                logged.status = 200
                bomb = self._bombs.setdefault(fault.size, gzip.compress(b" " * fault.size, compresslevel=6))
                return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": _JSON})
            case FaultKind.TRUNCATED:
                logged.status = 200
                _send_raw(http, _cut_off(site.answer(request)))
            case FaultKind.BAD_STATUS_LINE:
                _send_raw(http, b"!! this is no HTTP !!\r\n\r\n")
            case FaultKind.RESET:
                _reset(http)
            case _:  # hang
                await self._released.wait()
                if http.transport is not None:
                    http.transport.abort()
        return web.Response()  # to a connection that is closed already

    # ---- the control ----

    async def _control(self, http: web.BaseRequest) -> web.StreamResponse:
        path, _, query = http.raw_path.partition("?")
        arguments = {name: values[-1] for name, values in parse_qs(query).items()}
        try:
            result = self._controlled(f"{http.method} {path}", arguments, await http.read())
        except (Refused, msgspec.MsgspecError) as error:
            return web.Response(status=400, body=msgspec.json.encode({"error": str(error)}), content_type=_JSON)
        return web.Response(body=msgspec.json.encode(result), content_type=_JSON)

    def _controlled(self, what: str, query: dict[str, str], body: bytes) -> Any:
        match what.split("/"):
            case ["GET ", "_control", ""]:
                return {"urls": self.urls, "requests": self.log.counts(), "faults": self.faults.all()}
            case ["POST ", "_control", "reset"]:
                self._reset_everything()
            case ["GET ", "_control", "requests"]:
                return self.log.entries(
                    site=query.get("site"), path_prefix=query.get("path_prefix", ""), after=int(query.get("after", "0"))
                )
            case ["DELETE ", "_control", "requests"]:
                self.log.clear()
            case ["GET ", "_control", "faults"]:
                return self.faults.all()
            case ["POST ", "_control", "faults"]:
                return self.faults.add(msgspec.json.decode(body, type=Fault))
            case ["DELETE ", "_control", "faults"]:
                self.faults.remove(int(query["id"]) if "id" in query else None)
                self._release()
            case ["POST ", "_control", "sites", name, action] if name in self.sites:
                return self.sites[name].control(action, msgspec.json.decode(body or b"{}", type=dict[str, Any]))
            case _:
                raise Refused(f"no such control: {what}")
        return None

    def _reset_everything(self) -> None:
        self.faults.remove()
        self._release()
        for site in self.sites.values():
            site.reset()
        self.log.clear()


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.body, headers={"Content-Type": answer.content_type, **answer.headers}
    )


async def _stream(http: web.BaseRequest, size: int, *, chunked: bool) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _JSON})
    if not chunked:
        response.content_length = size
    with contextlib.suppress(ConnectionError):  # the client has seen enough
        await response.prepare(http)
        for start in range(0, size, _CHUNK):
            await response.write(b" " * min(_CHUNK, size - start))
        await response.write_eof()
    return response


def _cut_off(answer: Answer) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n\r\n"
    )
    return head.encode() + answer.body[: len(answer.body) // 2]


def _send_raw(http: web.BaseRequest, sent: bytes) -> None:
    if http.transport is not None:
        http.transport.write(sent)
        http.transport.close()


def _reset(http: web.BaseRequest) -> None:
    if http.transport is not None:
        connection = http.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        http.transport.abort()
