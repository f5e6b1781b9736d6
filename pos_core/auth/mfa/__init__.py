"""Second factors: who needs one, what counts as one, and what happens when it is lost."""
