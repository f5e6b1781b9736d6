"""ops.tenders: the ways to pay that a shop accepts."""
