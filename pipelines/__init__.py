"""The room where work is planned, run, committed and reported; see `pipelines.cli` for the verbs."""
