"""Sales: priced, taxed, checked, written and numbered by the server in one transaction."""
