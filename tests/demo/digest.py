"""The member's digest: a mailbox that proves itself, a club to follow, and the mail that tells of both modules."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.demo.postbox import Postbox, text_of
from tests.demo.product import DemoFailed
from tests.demo.story import MEMBER, PATIENCE, POLL_INTERVAL_S, Demo

LEASE: Final = 10.0
"""Seconds that a worker may hold what it looks at: a digest tells what is older than two of these."""
CLUB: Final = 100_000_940
CLUB_NAME: Final = "Kettle Row Fencing"
ADMINS_PASSWORD: Final = "the keeper of the demo"


@dataclass
class DigestStory:
    """One member's, told to a running product."""

    demo: Demo
    mails: Postbox
    token: str

    def subscribe(self) -> None:
        """A mailbox, a club with two fencers, and a digest a day; and an admin, who will not wait until eight."""
        admin = ("--username", "keeper", "--password-stdin")
        self.demo.product.command("users", "create-admin", *admin, entered=ADMINS_PASSWORD)
        site, ask = self.demo.sites.fencers, self.demo.product.ask
        site.add_club(CLUB, CLUB_NAME)
        day = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()  # real date: a started product
        site.add_event(18_601, "Junior Women\u2019s Epee (JNRWE)", "Lakeside Open", day)
        site.add_event(18_602, "Division I Men\u2019s Foil (DV1MF)", "Lakeside Open", day)
        for fencer, name, event in ((100_000_041, "Greta Grünwald", 18_601), (100_000_042, "Fjodor Fontaine", 18_602)):
            site.add_fencer(fencer, name, CLUB)
            site.register(fencer, event)
        mailbox = {"kind": "email", "address": f"{MEMBER.name.lower()}@example.org"}
        made = ask("POST", "/api/users/me/channels", mailbox, expect=201, token=self.token)["channel"]
        proof = {"code": self.mails.code()}
        ask("POST", f"/api/users/me/channels/{made['id']}/verify", proof, token=self.token)
        ask("PUT", "/api/users/me/notifications", {"defaults": {"*": "digest"}}, token=self.token)
        ask("POST", "/api/clubs", {"club": str(CLUB)}, expect=201, token=self.token)
        ask("PUT", "/api/users/me/digest", {"period": "daily", "hour": 8}, token=self.token)

    def arrived(self) -> list[str]:
        """The digest's lines; the admin has it made now."""
        until = time.monotonic() + PATIENCE
        while (fetched_at := self._looked_at()) is None:
            if time.monotonic() > until:
                raise DemoFailed("the club was not looked at")
            time.sleep(POLL_INTERVAL_S)  # between two looks; the demo has errors of its own
        told_from = fetched_at + timedelta(seconds=2 * LEASE + 1)
        now = datetime.now(UTC)  # real date: the product notes by it when it looked
        time.sleep(max(0.0, (told_from - now).total_seconds()))  # the service's rule
        product = self.demo.product
        login = {"login": "keeper", "password": ADMINS_PASSWORD}
        admin = product.ask("POST", "/api/auth/login", login, token="")["access_token"]
        me = product.ask("GET", "/api/auth/me", token=self.token)["user_id"]
        ran = product.ask("POST", "/api/admin/digests/run", {"user_id": me}, token=admin)
        if not ran["sent_off"]:
            raise DemoFailed(f"no digest was made: {ran}")
        lines = text_of(self.mails.wait_for("Your digest")).splitlines()
        return [line for line in lines if line.strip(" -") and "unsubscribe?token=" not in line]

    def _looked_at(self) -> datetime | None:
        """When the club was."""
        (club,) = self.demo.product.ask("GET", "/api/clubs", token=self.token)["items"]
        at = club["last_success_at"]
        return None if at is None else datetime.fromisoformat(at)
