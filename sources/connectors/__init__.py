"""How kinds of sites list what they hold: pure functions from a page to the links on it."""
