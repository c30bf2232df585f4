"""PostgreSQL: engine, unit of work, questions, declarative base."""

from shared.database.base import Base, Repository
from shared.database.engine import (
    Database,
    NoUnitOfWorkError,
    PooledQueries,
    Queries,
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
    "TransactionQueries",
    "connection_was_lost",
    "create_engine",
    "is_locked",
    "is_passing",
    "normalised_url",
    "sqlstate_of",
]
