"""Everything that brings text in: the record, its rights, connectors and parsers."""
