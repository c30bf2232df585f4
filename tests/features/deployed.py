"""`make features-deployed`: the features against `trackers up`, as an operator runs it, on the simulated sites.

Everything is started here and gone at the end, also after a failure: the sites, a throw-away home with PostgreSQL and
Redis, the API and one worker, a bot's key and an admin by the command line. RUNS=2 runs the features twice against the
same deployment; arguments are pytest's.
"""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.demo.product import Product, free_port
from tests.features.deployment import SCOPES, settings_on
from tests.upstreams.client import SimulatedSites

ROOT: Final = Path(__file__).parents[2]
ADMIN: Final = "contract-admin"


def main() -> int:
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    runs = int(os.environ.get("RUNS", "1"))
    with SimulatedSites.started(games={"auto_players": True}) as sites, Product.started(settings_on(sites)) as product:
        product.wait_until_ready()
        password = secrets.token_urlsafe(16)
        product.command("users", "create-admin", "--username", ADMIN, "--password-stdin", entered=password)
        environ = {
            **os.environ,
            "BASE_URL": product.address,
            "BOT_KEY": product.create_key("features", list(SCOPES)),
            "ADMIN_LOGIN": ADMIN,
            "ADMIN_PASSWORD": password,
            "SITES_URL": sites.url,
            "RECEIVER_URL": f"http://127.0.0.1:{free_port()}",
            "RECEIVER_PORT": "",
        }
        codes = [_features(environ) for _ in range(runs)]
        if any(codes):
            sys.stderr.write(f"{product.log_tail()}\n")
        return max(codes)


def _features(environ: Mapping[str, str]) -> int:
    """What `make features` does; pytest's exit status."""
    return subprocess.call([sys.executable, "-m", "pytest", "tests/features", *sys.argv[1:]], cwd=ROOT, env=environ)  # noqa: S603 -- our own tests


if __name__ == "__main__":
    sys.exit(main())
