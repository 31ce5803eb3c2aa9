"""Which addresses the crawler may connect to: those of the public internet, by an own table.

`ipaddress.is_global` of Python 3.11 lets through multicast, 6to4, NAT64 and IPv4-compatible forms of private addresses,
so it is not used. IPv4 follows the IANA special-purpose registry (RFC 6890 and successors) plus 224.0.0.0/4; of IPv6
only 2000::/3 minus its special blocks is public, and 64:ff9b::/96 (NAT64, RFC 6052) when the IPv4 address inside is.
All other forms that carry an IPv4 address are refused, whatever they carry. Not here: names and look-ups.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_IPV4 = {
    IPv4Network(network): name
    for network, name in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by carriers",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "a cloud's host agent",
        "169.254.0.0/16": "link-local, metadata services",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "protocol assignments",
        "192.0.2.0/24": "documentation",
        "192.88.99.0/24": "6to4 relay",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "255.255.255.255/32": "broadcast",
        "240.0.0.0/4": "reserved",
    }.items()
}
_PUBLIC_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_IPV6 = {
    IPv6Network(network): name
    for network, name in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::ffff:0:0/96": "IPv4-mapped",
        "::ffff:0:0:0/96": "IPv4-translated",
        "::/96": "IPv4-compatible",
        "64:ff9b:1::/48": "local NAT64",
        "100::/64": "discard only",
        "2001::/32": "Teredo",
        "2001::/23": "protocol assignments",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "3ffe::/16": "returned by the 6bone",
        "3fff::/20": "documentation",
        "5f00::/16": "segment routing",
        "fc00::/7": "unique local",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local",
        "ff00::/8": "multicast",
    }.items()
}


def refusal(ip: str) -> str | None:
    """Return why `ip` is no public address, or None when it is one.

    Only the plain notations of `ipaddress` are addresses here: no octal, hexadecimal or short forms, no zone id.
    """
    if "%" in ip:
        return f"{ip} has a zone id"
    try:
        address = ip_address(ip)
    except ValueError:
        return f"{ip!r} is no IP address"
    kind = _ipv4(address) if isinstance(address, IPv4Address) else _ipv6(address)
    return None if kind is None else f"{ip} is not public: {kind}"


def _ipv4(address: IPv4Address) -> str | None:
    return next((name for network, name in _IPV4.items() if address in network), None)


def _ipv6(address: IPv6Address) -> str | None:
    if address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
        kind = _ipv4(inner)
        return None if kind is None else f"NAT64 of {inner}, {kind}"
    special = next((name for network, name in _IPV6.items() if address in network), None)
    if special is None and address not in _PUBLIC_IPV6:
        return "outside 2000::/3"
    return special
