"""``python tests/mutants/outside.py FILE``: leave to Cosmic Ray what stands outside functions.

FILE is what `cosmic-ray init` made. Left out are functions, which mutmut changes; operators, for
`int | None` is a type and `2**63` is changed by its numbers; and ``if TYPE_CHECKING``.
"""

from __future__ import annotations

import sqlite3
import sys

LEFT_OUT = (
    "SELECT job_id FROM mutation_specs WHERE definition_name IS NOT NULL"
    " OR operator_name LIKE 'core/Replace%Operator%' OR operator_name = 'core/AddNot'"
)

with sqlite3.connect(sys.argv[1]) as session:
    session.execute(f"DELETE FROM work_items WHERE job_id IN ({LEFT_OUT})")
    session.execute(f"DELETE FROM mutation_specs WHERE job_id IN ({LEFT_OUT})")
