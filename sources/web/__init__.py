"""Bringing pages in: guarded fetching, robots, pace, the crawl and its store."""
