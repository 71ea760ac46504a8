"""The net-metering account: stored intervals, a tariff and a programme's terms in; statements in money out.

Money is exact until a line is printed (`money`). One period ledger serves every programme: intervals become cells
(`cells`: block x bucket), a programme makes lines and bank movements of them, a statement prints them. Bulk work on
int64 columns by numpy, so the daemon never imports this room: `netmeter statement` is a process of its own.
"""
