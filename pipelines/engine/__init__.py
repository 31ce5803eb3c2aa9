"""How work is run and committed. Knows nothing of text or medicine, and imports no other room."""
