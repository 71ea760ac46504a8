"""netmeter-gateway: from a register snapshot to a net-metering account. Knows time, money and people.

Must never import `hil`; knows meters only through `drivers`.
"""

__version__ = "0.1.0"
