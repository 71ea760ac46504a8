"""An arrangement's statements as one JSON object: a contract for programs (arrangement.schema.json).

Each member's part is what `netmeter statement` writes of an account (statement.schema.json); energy is integer
milliwatt-hours.
"""

from collections.abc import Sequence
from typing import Any

from ..statement_json import as_json, plain
from .arrange import Arranged

SCHEMA = 1


def arrangement_json(made: Arranged, chosen: Sequence[str]) -> dict[str, Any]:
    """The sharing, and the statements of the members that were asked for."""
    terms, allocation = made.file.terms, made.allocation
    members = [one.id for one in terms.member]
    return {
        "schema": SCHEMA,
        "arrangement": terms.id,
        "name": terms.name,
        "kind": terms.kind.value,
        "is_whole": made.is_whole_of(chosen),
        "generated_milliwh": int(allocation.plant.flow_export.milliwh.sum()),
        "lost_milliwh": int(allocation.lost.sum()),
        "notes": list(made.notes),
        "lease": [
            {
                "member": one.member,
                "name": one.name,
                "first_day": one.first_day.isoformat(),
                "last_day": one.last_day.isoformat(),
                "share_milliwh": one.share_milliwh,
                "amount": plain(one.amount),
            }
            for one in made.lease
            if one.member in chosen
        ],
        "members": [
            {
                "id": name,
                "share_milliwh": int(allocation.of_member(members.index(name)).sum()),
                "use_milliwh": made.used_milliwh[name],
                "account": as_json(made.statements[name], made.statements[name].statements),
            }
            for name in chosen
        ],
    }
