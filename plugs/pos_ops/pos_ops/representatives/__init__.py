"""ops.representatives: who sells, beyond the cashier."""
