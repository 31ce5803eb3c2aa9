"""Mixture-ratio experiments: designs, proxies, fits, proposals and the record of them."""
