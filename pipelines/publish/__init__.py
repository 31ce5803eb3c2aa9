"""What leaves the house: the layout of a release, the gate before it, the upload, and how two releases differ."""
