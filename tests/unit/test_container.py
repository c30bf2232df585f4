"""The image and compose.yaml, read as an engine would read them: there is none here to build them with."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.cli import main
from app.modules import all_settings
from shared.secret_files import IN_FILE
from shared.settings import Environment, Settings, load, variables

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE = (ROOT / "compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
DEVELOPMENT: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.dev.yaml").read_text())["services"]
PRODUCT = ("api", "worker", "migrate")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VARIABLES = [variable for struct in all_settings() for variable in variables(struct)]
KNOWN = {variable.env for variable in VARIABLES} | {
    f"{variable.env}{IN_FILE}" for variable in VARIABLES if variable.secret
}


def dockerfile(instruction: str) -> list[str]:
    """What an instruction says, each time that it is there."""
    return re.findall(rf"^{instruction} +(.*)$", DOCKERFILE, re.MULTILINE)


def understood(words: list[str]) -> bool:
    """Whether our own command takes these words; nothing is run."""
    name, *arguments = words
    command = main.commands[name]
    command.make_context(name, arguments, parent=Context(main))
    return True


@pytest.mark.parametrize("name", PRODUCT)
def test_services_of_the_product_run_commands_that_there_are(name: str) -> None:
    service = SERVICES[name]
    assert json.loads(dockerfile("ENTRYPOINT")[0]) == ["trackers"]
    assert understood(service["command"])
    check = service["healthcheck"].get("test")
    if check is None:
        assert service["healthcheck"] == {"disable": True}  # it ends by itself, and its exit code is waited for
        return
    assert check[:2] == ["CMD", "trackers"]
    assert understood(check[2:])


def test_the_image_by_itself_serves_and_is_asked_whether_it_is_well() -> None:
    assert understood(json.loads(dockerfile("CMD")[0]))
    (check,) = dockerfile("HEALTHCHECK")
    assert understood(json.loads(check.partition("CMD ")[2])[1:])


def test_every_variable_is_a_setting() -> None:
    given = {name for service in (*SERVICES.values(), *DEVELOPMENT.values()) for name in service.get("environment", {})}
    given |= {name for line in dockerfile("ENV") for name in re.findall(r"(\w+)=", line)}
    ours = {name for name in given if name.startswith("TRACKERS_")}
    assert len(ours) > 5
    assert ours <= KNOWN


@pytest.mark.parametrize("name", PRODUCT)
def test_what_is_given_to_the_product_makes_production_settings(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("0123456789abcdef" * 4)
    (tmp_path / "metrics_token").write_text("fedcba9876543210" * 4)
    (tmp_path / "database_url").write_text("postgresql://trackers:sesame@database:5432/trackers\n")
    environ = {
        variable: text.replace("/run/secrets", str(tmp_path))
        for variable, text in SERVICES[name]["environment"].items()
    }
    settings = load(all_settings(), environ)[Settings]
    assert settings.env is Environment.PRODUCTION
    assert settings.database_url
    secrets = {Path(text).name for text in environ.values() if text.startswith(str(tmp_path))}
    assert secrets <= set(SERVICES[name]["secrets"])


def test_what_has_no_default_says_what_it_is_and_no_password_has_one() -> None:
    for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", COMPOSE):
        if rest.startswith(":-"):
            assert name == "PUBLISHED_PORT"
        else:
            assert re.fullmatch(r":\?.{20,}", rest), f"{name} fails without words"
    for service in SERVICES.values():
        for variable, text in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|DATABASE_URL", variable):
                assert str(text).startswith("/run/secrets/"), variable
    assert all(source["file"].startswith("${SECRETS_DIR:?") for source in yaml.safe_load(COMPOSE)["secrets"].values())


def test_images_are_of_a_version_and_ours_is_this_one() -> None:
    images = {service["image"] for service in SERVICES.values()} | set(
        re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    )
    assert all(re.search(r":v?\d+(\.\d+)*", image) for image in images)
    assert {SERVICES[name]["image"] for name in PRODUCT} == {f"trackers:{PROJECT['version']}"}
    assert f'image.version="{PROJECT["version"]}"' in DOCKERFILE


def test_only_the_api_and_prometheus_are_published_and_to_this_machine_alone() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["api", "prometheus"]
    ports = [port for service in (*SERVICES.values(), *DEVELOPMENT.values()) for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)
    networks = yaml.safe_load(COMPOSE)["networks"]
    for store in ("database", "valkey"):
        assert all(networks[network]["internal"] for network in SERVICES[store]["networks"])
    for name, service in SERVICES.items():
        if "ports" in service:
            assert any(not networks[network] for network in service["networks"]), (
                f"{name}: internal ones publish nothing"
            )


def test_alerts_are_told_to_somebody() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text())
    told = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())["alerting"]
    service = SERVICES["alertmanager"]
    assert service["profiles"] == SERVICES["prometheus"]["profiles"]
    assert told["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    assert set(service["networks"]) & set(SERVICES["prometheus"]["networks"])
    assert "outside" in service["networks"]
    receivers = {receiver["name"]: receiver for receiver in config["receivers"]}
    routes = [config["route"], *config["route"]["routes"]]
    for route in routes:
        (hook,) = receivers[route["receiver"]]["webhook_configs"]
        assert hook["url_file"] in {secret["target"] for secret in service["secrets"]}, "an address is a secret"
    assert f"{service['volumes'][0].partition(':')[2]}".removesuffix(":ro") in service["command"][0]


@pytest.mark.parametrize("name", list(SERVICES))
def test_nobody_has_more_than_they_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["networks"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert service["logging"]["options"]["max-size"]
    assert "healthcheck" in service
    assert not {"container_name", "privileged", "network_mode"} & set(service)


def test_nobody_works_before_the_schema_is_there() -> None:
    for name in ("api", "worker"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["database"] == {"condition": "service_healthy"}


def test_the_stores_keep_what_they_are_given() -> None:
    valkey = " ".join(SERVICES["valkey"]["command"])
    assert "--appendonly yes" in valkey
    assert "--maxmemory-policy noeviction" in valkey
    (most,) = re.findall(r"--maxmemory (\d+)mb", valkey)
    limit = SERVICES["valkey"]["deploy"]["resources"]["limits"]["memory"]
    assert int(most) <= 0.8 * int(limit.removesuffix("M")), "Valkey is to say that it is full before it is killed"
    volumes = yaml.safe_load(COMPOSE)["volumes"]
    for store in ("database", "valkey"):
        assert SERVICES[store]["volumes"][0].partition(":")[0] in volumes


def test_the_image_runs_unprivileged_and_hears_when_it_shall_stop() -> None:
    final = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER \d+:\d+$", final, re.MULTILINE)
    assert dockerfile("STOPSIGNAL") == ["SIGTERM"]
    assert "pip uninstall" in final
    assert not re.search(r"^RUN .*\b(pip|apt-get) install", final, re.MULTILINE)


def test_what_is_copied_into_the_image_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for line in dockerfile("COPY"):
        if line.startswith("--from"):
            continue
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored


def test_the_wheel_is_built_with_what_its_builder_needs() -> None:
    (names,) = re.findall(r"/\^\(([a-z|-]+)\)==/", DOCKERFILE)
    assert set(names.split("|")) == set(needed_by("hatchling"))


def needed_by(name: str) -> Iterator[str]:
    """A distribution and all that it needs here."""
    yield name
    for line in requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed_by(canonicalize_name(requirement.name))


def test_the_product_imports_nothing_that_the_image_lacks() -> None:
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements" / "app.txt").read_text(), re.MULTILINE))
    known = packages_distributions()
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (*(ROOT / "src").rglob("*.py"), *(ROOT / "migrations").rglob("*.py"))
        for name in imported(path)
        if name not in {"app", "shared", "users", "trackers"} | set(sys.stdlib_module_names)
        and not any(canonicalize_name(found) in locked for found in known.get(name, ()))
    }
    assert missing == set()


def imported(path: Path) -> Iterator[str]:
    """Top-level names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
