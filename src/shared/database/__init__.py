"""PostgreSQL: engine, unit of work, queries, declarative base."""

from shared.database.base import Base, Repository
from shared.database.engine import (
    Database,
    NoUnitOfWorkError,
    PooledQueries,
    Queries,
    StandaloneWriter,
    TransactionQueries,
    connection_was_lost,
    create_engine,
    is_locked,
    is_passing,
    normalised_url,
    sqlstate_of,
)

__all__ = [
    "Base",
    "Database",
    "NoUnitOfWorkError",
    "PooledQueries",
    "Queries",
    "Repository",
    "StandaloneWriter",
    "TransactionQueries",
    "connection_was_lost",
    "create_engine",
    "is_locked",
    "is_passing",
    "normalised_url",
    "sqlstate_of",
]
