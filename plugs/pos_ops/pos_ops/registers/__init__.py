"""ops.registers: the drawer's day, from the float to the count."""
