"""Bytes to text, one format a file; every parser runs in the engine's sandbox."""
