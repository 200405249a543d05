"""Rules: what activity is worth, what makes a lead, how long customers wait; and what depends on them."""
