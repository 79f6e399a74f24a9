"""Addresses that a client's URL may lead to: those that are public for sure.

    IPv4   all but the special-purpose ones and multicast
    IPv6   2000::/3 without its special-purpose parts, tunnels among them; an IPv4 address in IPv6
           (::ffff:0:0/96, and NAT64's 64:ff9b::/96) is judged by what it is in IPv4

Source: IANA's registries of special-purpose addresses, IPv4 (RFC 6890) and IPv6, as of November 2026. The
services that hand out a cloud's credentials are among them (169.254.169.254, 100.100.100.200, 192.0.0.192,
fd00:ec2::254), but for Azure's 168.63.129.16. The standard library's `is_global` is not used: what it means
differs between versions of Python.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_SPECIAL = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, and what is reserved
        ),
    )
)
_UNICAST = IPv6Network("2000::/3")
_SPECIAL_UNICAST = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo among them
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)
_HOLD_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_ISATAP, _ISATAP_MASK = 0x0000_5EFE, 0xFDFF_FFFF  # RFC 5214, 6.1: the upper half of the interface's id


def is_public(address: str) -> bool:
    """Whether it is an address, in its usual form, and anybody's: not of a private or special network."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return _is_public_ipv4(found)
    if found.scope_id is not None:
        return False
    if any(found in network for network in _HOLD_IPV4):
        return _is_public_ipv4(IPv4Address(int(found) & 0xFFFF_FFFF))
    return _is_public_ipv6(found)


def _is_public_ipv4(address: IPv4Address) -> bool:
    return not any(address in network for network in _SPECIAL)


def _is_public_ipv6(address: IPv6Address) -> bool:
    tunnelled = (int(address) >> 32) & _ISATAP_MASK == _ISATAP
    return address in _UNICAST and not tunnelled and not any(address in net for net in _SPECIAL_UNICAST)
