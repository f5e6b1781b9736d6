"""ops.customers: who buys."""
