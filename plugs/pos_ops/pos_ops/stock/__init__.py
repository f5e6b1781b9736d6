"""Stock: a ledger of moves per product and store, and the level that they add up to."""
