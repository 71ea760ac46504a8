"""A consumer's database: what gateways sent, exactly once, as it came."""
