"""Settings: everything wrong is told at once, and no secret is ever shown."""

from pathlib import Path

import pytest

from app.modules import all_settings
from shared.settings import Secret, Settings, SettingsError, example, load, markdown_table, unread, variables
from trackers.games.settings import GamesSettings

STRONG = "0123456789abcdef" * 4
EXAMPLE = Path(__file__).parents[3] / ".env.example"


def test_an_empty_environment_gives_the_defaults() -> None:
    loaded = load(all_settings(), {})
    assert loaded[Settings].port == 8000
    assert loaded[GamesSettings].base_url is None


def test_values_are_converted_to_the_types_that_fields_have() -> None:
    loaded = load(all_settings(), {"TRACKERS_PORT": "9000", "TRACKERS_GAMES_DELAY": "0.5", "TRACKERS_HOME": "/srv/t"})
    assert (loaded[Settings].port, loaded[Settings].home) == (9000, Path("/srv/t"))
    assert loaded[GamesSettings].delay == 0.5


def test_all_mistakes_are_told_at_once_with_their_variables() -> None:
    wrong = {
        "TRACKERS_PORT": "70000",
        "TRACKERS_LOG_LEVEL": "LOUD",
        "TRACKERS_GAMES_BASE_URL": "tracker.example",
        "TRACKERS_ENV": "staging",
    }
    with pytest.raises(SettingsError) as caught:
        load(all_settings(), wrong)
    assert all(name in str(caught.value) for name in wrong)


def test_production_refuses_to_start_without_a_strong_secret_and_a_contact() -> None:
    with pytest.raises(SettingsError) as caught:
        load(all_settings(), {"TRACKERS_ENV": "production"})
    assert "TRACKERS_SECRET_KEY" in str(caught.value)
    assert "TRACKERS_CONTACT" in str(caught.value)


@pytest.mark.parametrize("weak", ["tiny-secret", "a" * 64])
def test_a_weak_secret_is_refused_in_production_and_not_shown(weak: str) -> None:
    environ = {"TRACKERS_ENV": "production", "TRACKERS_CONTACT": "ops@example.org", "TRACKERS_SECRET_KEY": weak}
    with pytest.raises(SettingsError) as caught:
        load(all_settings(), environ)
    assert weak not in str(caught.value)


def test_a_strong_secret_and_a_contact_satisfy_production() -> None:
    environ = {"TRACKERS_ENV": "production", "TRACKERS_CONTACT": "ops@example.org", "TRACKERS_SECRET_KEY": STRONG}
    assert load(all_settings(), environ)[Settings].secret_key == Secret(STRONG)


def test_secrets_are_masked_wherever_settings_are_printed() -> None:
    environ = {"TRACKERS_SECRET_KEY": STRONG, "TRACKERS_DATABASE_URL": "postgresql://me:sesame@db/t"}
    shown = repr(load(all_settings(), environ)[Settings])
    assert STRONG not in shown
    assert "sesame" not in shown


def test_the_example_file_says_what_the_settings_are() -> None:
    assert EXAMPLE.read_text() == example(all_settings()), "run: trackers settings --example > .env.example"


def test_the_readme_lists_every_setting() -> None:
    readme = (EXAMPLE.parent / "README.md").read_text()
    assert markdown_table(all_settings()) in readme, "put the output of `trackers settings --markdown` into the README"


def test_every_variable_explains_itself() -> None:
    for struct in all_settings():
        for variable in variables(struct):
            assert variable.description.endswith("."), variable.env


@pytest.mark.parametrize(
    ("variable", "wrong"),
    [
        ("TRACKERS_DATABASE_URL", "mysql://me:sesame@db/t"),
        ("TRACKERS_DATABASE_URL", "me:sesame@db/t"),
        ("TRACKERS_DATABASE_URL", "postgresql://me:sesame@db:70000/t"),
        ("TRACKERS_DATABASE_URL", "postgresql://me:sesame@db:port/t"),
        ("TRACKERS_REDIS_URL", "http://:sesame@redis:6379"),
        ("TRACKERS_REDIS_URL", "redis://:sesame@redis:70000"),
        ("TRACKERS_REDIS_URL", "redis://"),
        ("TRACKERS_REDIS_URL", "sesame"),
    ],
)
def test_addresses_of_servers_are_checked_at_once_and_not_shown(variable: str, wrong: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(all_settings(), {variable: wrong, "TRACKERS_PORT": "many"})
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == ["TRACKERS_PORT", variable]
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "right"),
    [
        ("TRACKERS_DATABASE_URL", "postgres://me:s%40same@db:5432/t"),
        ("TRACKERS_DATABASE_URL", "postgresql+asyncpg://trackers@/trackers?host=/run/pg&port=5432"),
        ("TRACKERS_REDIS_URL", "rediss://:sesame@redis/0"),
        ("TRACKERS_REDIS_URL", "unix:///run/redis.sock"),
    ],
)
def test_addresses_of_every_kind_that_the_clients_take_are_taken(variable: str, right: str) -> None:
    assert load(all_settings(), {variable: right})


@pytest.mark.parametrize("endless", ["inf", "-inf", "nan"])
def test_numbers_without_end_are_refused(endless: str) -> None:
    names = [v.env for struct in all_settings() for v in variables(struct) if isinstance(v.default, float)]
    with pytest.raises(SettingsError) as caught:
        load(all_settings(), dict.fromkeys(names, endless))
    assert len(caught.value.mistakes) == len(names)


def test_what_a_value_should_be_is_said_in_words() -> None:
    with pytest.raises(SettingsError) as caught:
        load(all_settings(), {"TRACKERS_LOG_LEVEL": "LOUD", "TRACKERS_GAMES_BASE_URL": "tracker.example"})
    assert "one of DEBUG, INFO, WARNING, ERROR" in str(caught.value)
    assert "regex" not in str(caught.value)


def test_a_misspelt_variable_is_found() -> None:
    environ = {"TRACKERS_PORT": "1", "TRACKERS_PROT": "2", "TRACKERS_GAMES_API_KEY": "x", "HOME": "/"}
    assert unread(all_settings(), environ) == ["TRACKERS_PROT"]


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    held = tmp_path / "secret_key"
    held.write_text(f"{STRONG}\n")
    loaded = load(all_settings(), {"TRACKERS_SECRET_KEY_FILE": str(held)})
    assert loaded[Settings].secret_key == Secret(STRONG)


def test_a_secret_is_given_in_one_way_only_and_its_file_can_be_read(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n")
    binary.write_bytes(b"\xff" * 40)
    for environ, told in (
        ({"TRACKERS_SECRET_KEY": STRONG, "TRACKERS_SECRET_KEY_FILE": str(empty)}, "not both"),
        ({"TRACKERS_SECRET_KEY_FILE": str(tmp_path / "nowhere")}, "cannot read"),
        ({"TRACKERS_SECRET_KEY_FILE": str(empty)}, "is empty"),
        ({"TRACKERS_SECRET_KEY_FILE": str(binary)}, "is no text"),
    ):
        with pytest.raises(SettingsError) as caught:
            load(all_settings(), environ)
        assert told in str(caught.value)
        assert STRONG not in str(caught.value)


def test_files_are_for_secrets_alone() -> None:
    environ = {"TRACKERS_SMTP_PASSWORD_FILE": "/run/secrets/smtp", "TRACKERS_PORT_FILE": "/run/port"}
    assert unread(all_settings(), environ) == ["TRACKERS_PORT_FILE"]
