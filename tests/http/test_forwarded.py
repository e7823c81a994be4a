"""The address of a client behind proxies: which header is believed, and which of its entries."""

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encore.http.forwarded import FORWARDED, UNIX_SOCKETS, X_FORWARDED_FOR, TrustedProxies

PROXY = "10.0.0.1"
NETWORKS = ("10.0.0.0/8", "fd00::/8")


def address(
    *fields: str | bytes,
    header: str = X_FORWARDED_FOR,
    peer: str | None = PROXY,
    trusted: tuple[str, ...] = NETWORKS,
) -> str:
    """Return the client's address for the fields of a header, sent by a peer."""
    values = [field.encode() if isinstance(field, str) else field for field in fields]
    scope: dict[str, Any] = {
        "client": None if peer is None else (peer, 50_000),
        "headers": [(b"host", b"x"), *((header.encode(), value) for value in values)],
    }
    return TrustedProxies(trusted, header).client_address(scope)


def forwarded(*fields: str | bytes) -> str:
    return address(*fields, header=FORWARDED)


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        (None, ""),
    ],
)
def test_client_address_without_proxies_is_that_of_the_connection(
    peer: str | None, expected: str
) -> None:
    assert address("203.0.113.9", peer=peer, trusted=()) == expected


def test_header_of_an_untrusted_peer_is_ignored() -> None:
    assert address("203.0.113.9", peer="192.0.2.1") == "192.0.2.1"
    assert address("203.0.113.9", peer="::ffff:10.0.0.1") == "203.0.113.9"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::9]:4711"], "2001:db8::9"),
        (["[2001:db8::9]"], "2001:db8::9"),
        (["2001:db8::9"], "2001:db8::9"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6,203.0.113.9\t, 10.0.0.2, fd00::2"], "203.0.113.9"),
        (["6.6.6.6", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # A client among the proxies.
        ([], PROXY),
    ],
)
def test_rightmost_untrusted_address_is_the_client(fields: list[str], expected: str) -> None:
    assert address(*fields) == expected


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "unknown",
        "unix:",
        "_hidden",
        "example.com",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.09",
        "203.0.113.9:",
        "203.0.113.9:port",
        "203.0.113.9:123456",
        "203.0.113.9 x",
        "[2001:db8::9",
        "2001:db8::9]",
        "2001:db8::9%eth0",
        "[fe80::1%25eth0]",
        '"203.0.113.9"',
        "٣.0.113.9",
        "203.0.113.9\x00",
        "1" * 5_000,
        ":" * 5_000,
        b"\xff\xfe",
    ],
)
def test_malformed_entry_ends_the_search_at_the_proxy_that_sent_it(entry: str | bytes) -> None:
    raw = entry if isinstance(entry, bytes) else entry.encode()
    assert address(raw) == PROXY
    assert address(b"6.6.6.6, " + raw) == PROXY
    assert address(raw + b", 10.0.0.2") == "10.0.0.2"
    assert address(raw + b", 203.0.113.9, 10.0.0.2") == "203.0.113.9"


def test_only_the_configured_header_is_read() -> None:
    proxies = TrustedProxies(NETWORKS)
    headers = [(b"forwarded", b"for=6.6.6.6"), (b"x-real-ip", b"6.6.6.6")]
    assert proxies.client_address({"client": (PROXY, 1), "headers": headers}) == PROXY


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["for=203.0.113.9"], "203.0.113.9"),
        (["For=203.0.113.9;proto=https;by=10.0.0.1"], "203.0.113.9"),
        (['proto=https; for="203.0.113.9:4711" ;host=x'], "203.0.113.9"),
        (['for="[2001:db8::9]"'], "2001:db8::9"),
        (['for="[2001:db8::9]:4711"'], "2001:db8::9"),
        (['for="[2001:db8::9]:_port"'], "2001:db8::9"),
        (['for="203.0\\.113.9"'], "203.0.113.9"),
        (["for=6.6.6.6, for=203.0.113.9, for=10.0.0.2"], "203.0.113.9"),
        (["for=6.6.6.6", "for=203.0.113.9", 'for="[fd00::2]"'], "203.0.113.9"),
        ([';for=203.0.113.9;host="a,b;for=6.6.6.6"; '], "203.0.113.9"),
        ([], PROXY),
    ],
)
def test_forwarded_of_rfc_7239_is_read(fields: list[str], expected: str) -> None:
    assert forwarded(*fields) == expected


@pytest.mark.parametrize(
    "element",
    [
        "for=unknown",
        "for=_hidden",
        'for="_SEVKISEK"',
        "for=",
        "for",
        "by=203.0.113.9",
        "for=203.0.113.9;for=203.0.113.10",
        "for=203.0.113.9;FOR=203.0.113.9",
        "for = 203.0.113.9",
        "for=203.0.113.9:80",  # A colon needs quotation marks.
        "for=[2001:db8::9]",
        'for="2001:db8::9"',  # IPv6 needs square brackets.
        'for="203.0.113.9',
        'for=203.0.113.9"',
        'for="203.0.113.9"x',
        "203.0.113.9",
        "\xa0for=203.0.113.9",
        "",
    ],
)
def test_unusable_element_of_forwarded_ends_the_search(element: str) -> None:
    raw = element.encode("latin-1")
    assert forwarded(raw) == PROXY
    assert forwarded(raw + b", for=203.0.113.9") == "203.0.113.9"
    assert forwarded(raw + b', for="[2001:db8::9]:1";host="a,b"') == "2001:db8::9"


@pytest.mark.parametrize(
    "host", ['evil\\", for=6.6.6.6;x=\\"', "a,for=6.6.6.6", '\\",\\"', "\\\\", "", ",,"]
)
def test_quoted_string_of_a_proxy_cannot_be_left_by_a_client(host: str) -> None:
    assert forwarded(f'for=6.6.6.6, for=203.0.113.9;host="{host}"') == "203.0.113.9"


@given(st.text(alphabet='for=6.;,"\\ []:_\t', max_size=60), st.sampled_from(["", '"[::9]"']))
def test_what_a_client_sends_never_changes_what_a_proxy_appends(sent: str, quoted: str) -> None:
    node, expected = (quoted, "::9") if quoted else ("203.0.113.9", "203.0.113.9")
    assert forwarded(f'{sent}, for={node};host="a,b"') == expected
    assert address(f"{sent}, {expected}") == expected


@given(st.lists(st.binary(max_size=80), max_size=3), st.sampled_from([X_FORWARDED_FOR, FORWARDED]))
def test_any_header_yields_an_address(fields: list[bytes], header: str) -> None:
    found = address(*fields, header=header)
    assert str(ip_address(found)) == found


def test_chain_longer_than_any_real_one_is_not_followed_to_its_end() -> None:
    assert address("203.0.113.9" + ", 10.0.0.2" * 31) == "203.0.113.9"
    assert address("203.0.113.9" + ", 10.0.0.2" * 5_000) == "10.0.0.2"


@pytest.mark.parametrize("sent", ["\\" * 60_000, ";" * 60_000, '"' * 60_000, "10.0.0.2," * 7_000])
def test_header_longer_than_any_real_one_is_read_from_its_end(sent: str) -> None:
    assert address(sent, "203.0.113.9, 10.0.0.2") == "203.0.113.9"
    assert forwarded(sent, "for=203.0.113.9, for=10.0.0.2") == "203.0.113.9"
    # What is cut is not read: it might be the end of another entry.
    long = f"203.0.113.{'9' * 5_000}"
    assert address(f"{long}, 10.0.0.2") == forwarded(f"for={long}, for=10.0.0.2") == "10.0.0.2"
    assert address(f"1{'.2' * 2_046}.3.4") == PROXY


def test_unix_socket_is_trusted_only_by_its_name() -> None:
    for peer in (None, ""):
        assert address("203.0.113.9", peer=peer) == ""
        assert address("203.0.113.9", peer=peer, trusted=(UNIX_SOCKETS,)) == "203.0.113.9"
        assert address("unknown", peer=peer, trusted=(UNIX_SOCKETS,)) == ""
    assert address("203.0.113.9", peer="192.0.2.1", trusted=(UNIX_SOCKETS,)) == "192.0.2.1"


def test_network_that_is_mapped_to_ipv6_is_that_of_ipv4() -> None:
    assert address("203.0.113.9", trusted=("::ffff:10.0.0.0/104",)) == "203.0.113.9"
    assert address("203.0.113.9", peer="11.0.0.1", trusted=("::ffff:10.0.0.0/104",)) == "11.0.0.1"
