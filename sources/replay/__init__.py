"""General corpora and instruction sets from the hub: pinned, frozen, fetched file by file or row group by row group."""
