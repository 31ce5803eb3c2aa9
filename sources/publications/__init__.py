"""Articles from archives that publish them in bulk: frozen selections, fetched once and kept in packs."""
