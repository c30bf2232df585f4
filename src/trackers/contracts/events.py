"""Events of contracts, and who may read them."""

from typing import Final

from shared.events import EventType, Readers
from trackers.contracts.messages import FOUND, ContractFound

CONTRACT_FOUND: Final = EventType(
    name=FOUND,
    when="A contract matches a person's watch.",
    payload=ContractFound,
    readers=Readers.OWNER,
)
EVENTS: Final = (CONTRACT_FOUND,)
