"""Settings: everything wrong is told at once, and no secret is ever shown."""

from pathlib import Path

import pytest
from msgspec import inspect

from app.modules import all_settings
from shared.settings import Secret, Settings, SettingsError, Variable, example, load, markdown_table, unread, variables
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


@pytest.mark.parametrize("profile", ["production", "development"])
@pytest.mark.parametrize(
    ("previous", "what"), [("tiny-secret", "is too short"), (STRONG, "equals TRACKERS_SECRET_KEY")]
)
def test_a_weak_or_equal_previous_secret_is_refused_and_not_shown(profile: str, previous: str, what: str) -> None:
    environ = {"TRACKERS_ENV": profile, "TRACKERS_CONTACT": "ops@example.org", "TRACKERS_SECRET_KEY": STRONG}
    with pytest.raises(SettingsError, match=f"TRACKERS_SECRET_KEY_PREVIOUS: {what}") as caught:
        load(all_settings(), {**environ, "TRACKERS_SECRET_KEY_PREVIOUS": previous})
    assert previous not in str(caught.value)


def test_a_previous_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "previous"
    file.write_text("f" * 40)
    environ = {"TRACKERS_SECRET_KEY": STRONG, "TRACKERS_SECRET_KEY_PREVIOUS_FILE": str(file)}
    assert load(all_settings(), environ)[Settings].secret_key_previous == Secret("f" * 40)


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
        ({"TRACKERS_SECRET_KEY_FILE": str(binary)}, "is not UTF-8 text"),
    ):
        with pytest.raises(SettingsError) as caught:
            load(all_settings(), environ)
        assert told in str(caught.value)
        assert STRONG not in str(caught.value)


def test_files_are_for_secrets_alone() -> None:
    environ = {"TRACKERS_SMTP_PASSWORD_FILE": "/run/secrets/smtp", "TRACKERS_PORT_FILE": "/run/port"}
    assert unread(all_settings(), environ) == ["TRACKERS_PORT_FILE"]


EXTREMES = (
    *("-1", "0", "-0", "0.5", "2147483648", "9223372036854775808", "1" + "0" * 400, "9" * 5_000),
    *("1e308", "1e400", "-1e400", "nan", "inf", "-inf", "0x10", "1_000", "\u0663", "\u00b2", " 5 ", "5 days", "P1D"),
    *("true", "null", "[]", "{}", "00034", "0001-01-01", "99999-01-01", "9999-12-31T23:59:59-14:00", "25:00", "24:00"),
    *("a" * 10_000, "\U0001f680", "\udcff", "%", "'", '"', ",", ",,,", "-", "../..", "http://[", "http://a:99999"),
    *(
        "https://a:b",
        "https://\u2100.example",
        "redis://[::1",
        "postgresql://a:b@c:99999999999999/d",
        "1,2,-3",
        "1-2-3",
    ),
)
STRUCT_OF = {variable.env: struct for struct in all_settings() for variable in variables(struct)}
EVERY = [variable for struct in all_settings() for variable in variables(struct)]


@pytest.mark.parametrize("variable", EVERY, ids=lambda variable: variable.env)
def test_a_setting_beyond_sense_is_one_line_that_names_it(variable: Variable) -> None:
    for text in EXTREMES:
        mistakes = mistakes_of(variable.env, text)
        assert len(mistakes) <= 1, (text[:40], mistakes)
        for mistake in mistakes:
            assert mistake.startswith((f"{variable.env}: ", f"{variable.env} ")), mistake
            assert "\n" not in mistake
            assert len(mistake) < 600, mistake


def mistakes_of(env: str, text: str) -> list[str]:
    try:
        load([STRUCT_OF[env]], {env: text})
    except SettingsError as refused:
        return refused.mistakes
    return []


def _numbers(told: inspect.Type) -> list[inspect.IntType | inspect.FloatType]:
    if isinstance(told, inspect.Metadata):
        return _numbers(told.type)
    if isinstance(told, inspect.UnionType):
        return [number for one in told.types for number in _numbers(one)]
    return [told] if isinstance(told, inspect.IntType | inspect.FloatType) else []


@pytest.mark.parametrize("variable", EVERY, ids=lambda variable: variable.env)
def test_every_number_has_bounds(variable: Variable) -> None:
    for number in _numbers(inspect.type_info(variable.type)):
        assert number.ge is not None or number.gt is not None, "no least value"
        assert number.le is not None or number.lt is not None, "no largest value"


def test_several_mistakes_take_a_line_each() -> None:
    numbers = [variable.env for variable in EVERY if _numbers(inspect.type_info(variable.type))]
    with pytest.raises(SettingsError) as caught:
        load(all_settings(), dict.fromkeys(numbers, "1e400"))
    assert sorted(mistake.partition(":")[0] for mistake in caught.value.mistakes) == sorted(numbers)
