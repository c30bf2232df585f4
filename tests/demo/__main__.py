"""`make demo`: what the product does, on simulated sites, in under a minute.

Really through the product: `trackers up` with servers of its own on a throw-away home, a key from `trackers keys
create`, and the calls of a bot and of a member over HTTP. Only the foreign sites are simulated, and the mailbox is our
own. KEEP=1 leaves everything up until Ctrl-C, ROUNDS=n says how often everybody plays and is looked at (7). Nothing is
left behind.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

from rich.console import Console
from tests.demo.digest import CLUB_NAME, LEASE, DigestStory
from tests.demo.postbox import Postbox, postbox
from tests.demo.product import DemoFailed, Product
from tests.demo.screen import Screen
from tests.demo.story import DELAY, JITTER, MEMBER, MEMBERS_PASSWORD, PEOPLE, STAR, Demo
from tests.upstreams.client import SimulatedSites

INTERRUPTED: Final = 130
SHORTEST_INTERVAL: Final = "60"


def main() -> int:
    screen = Screen(Console(highlight=False))
    began = time.monotonic()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    product: Product | None = None
    try:
        with SimulatedSites.started(seed=7) as sites, postbox() as mails, running(sites, mails) as product:
            try:
                tell(screen, product, sites, mails, began)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the log says more while it is still there
                screen.failed(str(error) or type(error).__name__, product.log_tail())
                return 1
    except KeyboardInterrupt:
        screen.say("stopped; nothing is left of it")
        return 0 if os.environ.get("KEEP") else INTERRUPTED
    except (DemoFailed, OSError, RuntimeError) as error:
        screen.failed(str(error), "")
        return 1
    screen.say(f"done in {time.monotonic() - began:.0f} s; everything that was started is gone again")
    return 0


@contextmanager
def running(sites: SimulatedSites, mails: Postbox) -> Iterator[Product]:
    """The product, pointed at the simulated site; Ctrl-C during its end does not leave it half ended."""
    settings = {
        "TRACKERS_GAMES_BASE_URL": sites.games.url,
        "TRACKERS_GAMES_DELAY": str(DELAY),
        "TRACKERS_GAMES_JITTER": str(JITTER),
        "TRACKERS_GAMES_INTERVAL": SHORTEST_INTERVAL,
        "FENCER_BASE_URL": sites.fencers.url,
        "FENCER_SCRAPE_DELAY_SEC": str(DELAY),
        "FENCER_SCRAPE_JITTER_SEC": str(JITTER),
        "TRACKERS_SCRAPE_LEASE": str(LEASE),
        **mails.settings,
    }
    with Product.started(settings) as product:
        try:
            yield product
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def tell(screen: Screen, product: Product, sites: SimulatedSites, mails: Postbox, began: float) -> None:
    rounds = max(1, int(os.environ.get("ROUNDS", "7")))
    demo = Demo(product=product, sites=sites)

    screen.chapter("Trackers", "PostgreSQL, Redis, API and worker of its own, against a simulated Tracker Network")
    with screen.waiting("starting the servers, migrating the database"):
        demo.invent_players()
        product.wait_until_ready()
    screen.say(f"`trackers up` is ready after {time.monotonic() - began:.1f} s at {product.address}")
    with screen.waiting("trackers keys create demo"):
        key = product.create_key("demo", ["trackers", "users", "guilds"])

    demo.register()
    refusal = demo.register_again()
    total = len(demo.trackers)
    screen.chapter("Registered", f"{total} accounts of {len(PEOPLE)} people, as a bot hands their links in")
    screen.registered(demo.trackers, f"{refusal['status']} {refusal['code']}: {refusal['detail']}")

    token = demo.log_in()
    refusal = demo.peek(token)
    screen.chapter("Logged in", f"{MEMBER.name} has a code from the bot, makes a login with it, and sees what is hers")
    screen.followed(demo.trackers_of(token), f"{refusal['status']} {refusal['code']}: {refusal['detail']}")

    digest = DigestStory(demo, mails, token)
    digest.subscribe()
    screen.chapter("Wants a digest", f"{MEMBER.name} proves her mailbox by a code, and follows the club {CLUB_NAME}")

    screen.chapter("Watching them play", f"{rounds} rounds of matches, a fresh look at everybody after each")
    with screen.progress("the first look", total * (rounds + 1)) as move:
        for turn in range(rounds + 1):
            if turn:
                demo.play(turn - 1)
            what = f"round {turn} of {rounds}: what changed?" if turn else "the first look at everybody"
            move(total * turn, what)
            tasks = demo.refresh() if turn else [tracker.task for tracker in demo.trackers]
            demo.watch(tasks, lambda count, turn=turn, what=what: move(total * turn + count, what))  # type: ignore[misc]  # bound per turn

    screen.chapter("What came of it", "the largest moves of each player, as stored")
    screen.changes(list(demo.changes()))
    screen.chapter(f"{STAR.identifier} in Ranked Doubles", "rating over the rounds")
    screen.chart(demo.history())
    with screen.waiting("until all that was written is in, and the digest is sent"):
        told = digest.arrived()
    screen.chapter("What came by mail", f"{MEMBER.name}'s digest, as text; it comes as HTML, too")
    for line in told:
        screen.say(line)
    screen.chapter("How it was done", "from the site's own log and the finished tasks")
    screen.numbers(demo.pace(), demo.looks, product.processes())
    if os.environ.get("KEEP"):
        keep(screen, demo, key)


def keep(screen: Screen, demo: Demo, key: str) -> None:
    """Leave everything up, the players playing on, until Ctrl-C."""
    product, sites = demo.product, demo.sites
    sites.games.configure(mode="drift", period=20)
    snapshots = f"{product.address}/internal/trackers/{demo.trackers[0].id}/snapshots"
    login = MEMBER.name.lower()
    token = f"curl -s {product.address}/api/auth/login -d username={login} -d 'password={MEMBERS_PASSWORD}'"
    only_token = r"""sed -E 's/.*"access_token":"([^"]+)".*/\1/'"""
    screen.chapter("Still up", "everybody plays on and is looked at once a minute; Ctrl-C ends and removes it all")
    screen.addresses(
        [
            ("API, and its schema to look through", f"{product.address}  {product.address}/schema"),
            ("bot key", key),
            ("try it", f"curl -H 'Authorization: Bearer {key}' {snapshots}"),
            (f"{MEMBER.name}'s login", f"{login}, with the password {MEMBERS_PASSWORD!r}"),
            ("what she follows", f'curl --oauth2-bearer "$({token} | {only_token})" {product.address}/api/trackers/me'),
            ("simulated site, and its control", f"{sites.games.url}  {sites.url}"),
            ("home, with the log", f"{product.home}/demo.log"),
        ]
    )
    with screen.waiting("up until Ctrl-C") if screen.console.is_terminal else nullcontext():
        while product.process.poll() is None:
            time.sleep(0.2)  # until Ctrl-C
    raise DemoFailed("`trackers up` ended by itself")


if __name__ == "__main__":
    sys.exit(main())
