"""What is done to documents, one file a stage."""
