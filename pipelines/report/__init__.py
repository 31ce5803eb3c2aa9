"""What people read about a run, rendered from manifests alone."""
