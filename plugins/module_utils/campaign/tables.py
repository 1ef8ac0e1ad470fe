# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger's tables."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

try:
    import sqlalchemy as sa
except ImportError:
    pass

__all__ = ["ANSWER", "Tables", "tables"]

ANSWER = "mdm.Connect"  # the topic of what a device says to a command; all others are check-ins


class Tables(NamedTuple):
    schema: Any
    ledger: Any
    device: Any
    record: Any
    fact: Any
    secret: Any
    event: Any


@functools.cache
def tables() -> Tables:
    data = sa.MetaData()

    def key(name: str) -> sa.Column:
        return sa.Column(name, sa.Text, primary_key=True)

    def text(name: str) -> sa.Column:
        return sa.Column(name, sa.Text, nullable=False)

    def told(name: str) -> sa.Column:
        return sa.Column(name, sa.Text)

    def number(name: str) -> sa.Column:
        return sa.Column(name, sa.Integer, nullable=False)

    prefix = "apple_mdm_ledger"
    return Tables(
        sa.Table(f"{prefix}_schema", data, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)),
        sa.Table(prefix, data, key("id"), number("generation")),
        sa.Table(f"{prefix}_device", data, key("campaign"), key("device"), text("tenant"), text("outcome")),
        sa.Table(
            f"{prefix}_record",
            data,
            key("campaign"),
            key("step"),
            key("device"),
            text("tenant"),
            text("state"),
            number("attempts"),
            number("failures"),
            sa.Column("repeatable", sa.Boolean, nullable=False),
            text("evidence"),
            told("reason"),
            told("intended_at"),
            told("settled_at"),
            told("runner"),
            sa.Column("claim", sa.Text, index=True),
        ),
        sa.Table(f"{prefix}_fact", data, key("campaign"), key("device"), text("tenant"), text("facts")),
        sa.Table(
            f"{prefix}_secret",
            data,
            key("campaign"),
            key("device"),
            key("name"),
            sa.Column("data", sa.LargeBinary, nullable=False),
        ),
        sa.Table(
            f"{prefix}_event",
            data,
            sa.Column("number", sa.Integer, primary_key=True),
            sa.Column("digest", sa.Text, nullable=False, unique=True),
            text("topic"),
            text("created_at"),
            text("enrollment_id"),
            told("serial"),
            sa.Column("command_uuid", sa.Text, index=True),
            told("status"),
            sa.Column("payload", sa.LargeBinary, nullable=False),
            *(_of_check_ins(f"{prefix}_event", name) for name in ("enrollment_id", "serial")),
        ),
    )


def _of_check_ins(table: str, name: str) -> sa.Index:
    """Answers, which are many, are looked up by their command alone."""
    check_ins = sa.text(f"topic != '{ANSWER}'")
    return sa.Index(f"{table}_{name}", name, sqlite_where=check_ins, postgresql_where=check_ins)
