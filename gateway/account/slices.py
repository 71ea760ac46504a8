"""A part of an energy table, by time or by row. Nothing is copied but what is asked for, and nothing is taken apart."""

from .energy import EnergyTable, Flags, Flow


def table_between(table: EnergyTable, start_us: int | None, end_us: int) -> EnergyTable:
    """The rows that begin within [start_us, end_us); from the first one where `start_us` is None."""
    first_us = start_us if start_us is not None else (int(table.start_us[0]) if len(table) else end_us)
    return table_of_rows(table, table.rows_in(first_us, end_us))


def table_of_rows(table: EnergyTable, rows: slice | Flags) -> EnergyTable:
    """Some rows, in their order. What lies between them is no hole of the table's: only what it says itself."""
    return EnergyTable(
        meter=table.meter,
        source=table.source,
        start_us=table.start_us[rows],
        end_us=table.end_us[rows],
        flow_import=_rows_of(table.flow_import, rows),
        flow_export=_rows_of(table.flow_export, rows),
        estimated=table.estimated[rows],
        alone=None if table.alone is None else table.alone[rows],
        lines=None if table.lines is None else table.lines[rows],
        unknown=table.unknown,
        adjusted_milliwh=None if table.adjusted_milliwh is None else table.adjusted_milliwh[rows],
    )


def _rows_of(flow: Flow, rows: slice | Flags) -> Flow:
    return Flow(flow.milliwh[rows], flow.unassigned_milliwh[rows], flow.uncertain_milliwh[rows])
