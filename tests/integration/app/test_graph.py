"""The graph is not type-checked: every provider of the container is built once."""

from dependency_injector import containers, providers
from tests.conftest import container_of

from app.container import AppContainer


def every_provider(container: containers.Container) -> list[tuple[str, providers.Provider[object]]]:
    found = []
    for name, provider in container.providers.items():
        if isinstance(provider, providers.Container):
            found += [(f"{name}.{inner}", value) for inner, value in every_provider(provider())]
        elif not isinstance(provider, providers.Self):
            found.append((name, provider))
    return found


async def test_every_provider_can_be_built(container: AppContainer) -> None:
    everything = every_provider(container)
    assert len(everything) > 40
    async with container.database().unit_of_work():
        for name, provider in everything:
            assert provider() is not None, name


async def test_two_containers_share_nothing(environ: dict[str, str], container: AppContainer) -> None:
    other = container_of(environ)
    assert other.engine() is not container.engine()
    await other.database().close()
