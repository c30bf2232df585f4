"""Lists in the environment, and what is no such list."""

import pytest

from shared.settings import SettingsError, example, load, markdown_table
from shared.web.settings import WebSettings


def made(**environ: str) -> WebSettings:
    settings: WebSettings = load([WebSettings], {f"TRACKERS_{name.upper()}": text for name, text in environ.items()})[
        WebSettings
    ]
    return settings


def test_without_settings_no_origin_any_host_and_no_proxy() -> None:
    settings = made()
    assert (settings.cors_origins, settings.allowed_hosts, settings.trusted_proxies) == (None, None, None)
    assert (settings.rate_limit_person, settings.rate_limit_bot, settings.rate_limit_address) == (300, 3000, 120)


def test_lists_are_written_with_commas() -> None:
    settings = made(
        cors_origins="https://App.example.org, http://localhost:5173,",
        allowed_hosts="trackers.example.org,*.example.net,[::1]",
        trusted_proxies="127.0.0.1, 10.0.0.0/8, ::1",
    )
    assert settings.cors_origins == ("https://app.example.org", "http://localhost:5173")
    assert settings.allowed_hosts == ("trackers.example.org", "*.example.net", "[::1]")
    assert settings.trusted_proxies == ("127.0.0.1", "10.0.0.0/8", "::1")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cors_origins", "app.example.org"),
        ("cors_origins", "https://app.example.org/"),
        ("cors_origins", "https://app.example.org/path"),
        ("cors_origins", "https://*.example.org"),
        ("cors_origins", "https://user@app.example.org"),
        ("cors_origins", "https://a.example, *"),
        ("cors_origins", "null"),
        ("allowed_hosts", "https://trackers.example.org"),
        ("allowed_hosts", "trackers.example.org:8000"),
        ("allowed_hosts", "*"),
        ("allowed_hosts", "a b"),
        ("trusted_proxies", "*"),
        ("trusted_proxies", "proxy.example.org"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("body_limit", "10"),
        ("rate_limit_bot", "-1"),
    ],
)
def test_nonsense_is_named_with_its_variable_and_what_was_expected(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        made(**{name: text})
    assert f"TRACKERS_{name.upper()}: expected" in str(caught.value)


def test_an_empty_list_is_documented_as_nothing() -> None:
    assert "#TRACKERS_CORS_ORIGINS=\n" in example([WebSettings])
    assert "| `TRACKERS_TRUSTED_PROXIES` |  |" in markdown_table([WebSettings])
