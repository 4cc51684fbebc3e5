"""What the way out refuses, and that it connects to what it tested."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import httpx
import pytest

from bugwatch.outbound import ANYWHERE, EXTERNAL, Policy, client, look_up

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "::ffff:1.1.1.1"]
PUBLIC += ["64:ff9b::101:101", "2002:101:101::1"]
PRIVATE = ["127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "::1"]
PRIVATE += ["fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::1"]
PRIVATE += ["::7f00:1", "64:ff9b:1::a00:1"]
NEVER = ["169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254", "fd20:ce::254", "168.63.129.16"]
NEVER += ["100.100.100.200", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"]
NEVER += ["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1", "192.0.0.192"]
NEVER += ["192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "192.88.99.1"]
NEVER += ["2001:0:a9fe:a9fe::1", "4000::1", "fec0::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_open(address: str) -> None:
    assert EXTERNAL.allows(ip_address(address))
    assert ANYWHERE.allows(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_are_open_on_demand(address: str) -> None:
    assert not EXTERNAL.allows(ip_address(address))
    assert ANYWHERE.allows(ip_address(address))


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_special_networks_are_closed(address: str) -> None:
    assert not EXTERNAL.allows(ip_address(address))
    assert not ANYWHERE.allows(ip_address(address))


def test_what_is_listed_is_open() -> None:
    policy = Policy(listed=(ip_network("169.254.169.0/24"), ip_network("fd00::/8")))

    assert policy.allows(ip_address("169.254.169.254"))
    assert policy.allows(ip_address("::ffff:169.254.169.254"))
    assert policy.allows(ip_address("fd00:ec2::254"))
    assert not policy.allows(ip_address("10.0.0.1"))


class Network(httpx.AsyncBaseTransport):
    """Remembers where it was sent; answers by address."""

    def __init__(self, **answers: Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = answers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await request.aread()
        return self._answers.get(request.url.host, lambda _: httpx.Response(200))(request)


def names(**addresses: list[str]) -> Callable[[str, int], object]:
    async def resolve(host: str, port: int) -> list[str]:
        if host not in addresses:
            raise OSError("no such name")
        return addresses[host]

    return resolve


async def test_it_connects_to_the_address_that_was_tested_under_the_original_name() -> None:
    network = Network()
    async with client(network=network, resolve=names(**{"hooks.example.com": ["93.184.216.34"]})) as http:  # type: ignore[arg-type]
        await http.post("https://hooks.example.com:8443/a?b=c", content=b"hello")

    [request] = network.requests
    assert str(request.url) == "https://93.184.216.34:8443/a?b=c"
    assert request.headers["Host"] == "hooks.example.com:8443"
    assert request.extensions["sni_hostname"] == "hooks.example.com"
    assert request.content == b"hello"


async def test_one_bad_address_among_good_ones_is_enough(caplog: pytest.LogCaptureFixture) -> None:
    network = Network()
    async with client(network=network, resolve=names(**{"evil.example": ["1.1.1.1", "10.0.0.1"]})) as http:  # type: ignore[arg-type]
        with pytest.raises(httpx.ConnectError):
            await http.get("http://evil.example/")

    assert network.requests == []
    assert "10.0.0.1" in caplog.text


async def test_closed_refused_and_unknown_look_the_same() -> None:
    def closed(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    network = Network(**{"1.1.1.1": closed})
    resolve = names(closed=["1.1.1.1"], inside=["10.0.0.1"])
    said = set()
    async with client(network=network, resolve=resolve) as http:  # type: ignore[arg-type]
        for host in ("closed", "inside", "unknown"):
            with pytest.raises(httpx.ConnectError) as error:
                await http.get(f"http://{host}/")
            said.add(str(error.value).replace(host, "…"))

    assert said == {"… cannot be reached."}


async def test_where_one_address_does_not_answer_the_next_is_tried() -> None:
    def closed(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("", request=request)

    network = Network(**{"2606:4700:4700::1111": closed})
    resolve = names(**{"example.com": ["2606:4700:4700::1111", "1.1.1.1"]})
    async with client(network=network, resolve=resolve) as http:  # type: ignore[arg-type]
        response = await http.post("http://example.com/", content=b"x")

    assert response.status_code == 200
    assert [request.url.host for request in network.requests] == ["2606:4700:4700::1111", "1.1.1.1"]


async def test_redirects_are_not_followed_and_where_they_are_each_hop_is_tested() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "http://inside.example/"})

    network = Network(**{"1.1.1.1": away})
    resolve = names(**{"example.com": ["1.1.1.1"], "inside.example": ["127.0.0.1"]})
    async with client(network=network, resolve=resolve) as http:  # type: ignore[arg-type]
        assert (await http.get("http://example.com/")).status_code == 302
        with pytest.raises(httpx.ConnectError):
            await http.get("http://example.com/", follow_redirects=True)

    assert len(network.requests) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]", "localhost"])
async def test_our_own_machine_in_any_spelling_is_closed(host: str) -> None:
    network = Network()
    async with client(network=network) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://{host}:1/")

    assert network.requests == []


async def test_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://192.0.2.1:1")
    async with serving() as port, client(ANYWHERE) as http:
        assert (await http.get(f"http://127.0.0.1:{port}/")).text == "localhost or not"


async def test_a_scoped_address_is_judged_without_its_scope() -> None:
    network = Network()
    async with client(ANYWHERE, network=network, resolve=names(x=["fe80::1%eth0"])) as http:  # type: ignore[arg-type]
        with pytest.raises(httpx.ConnectError):
            await http.get("http://x/")


async def test_the_certificate_must_be_for_the_name_not_for_the_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, other = certificate(tmp_path, "hooks.example"), certificate(tmp_path, "other.example")
    trusting = ssl.create_default_context(cafile=str(good))
    trusting.load_verify_locations(str(other))
    resolve = names(**{"hooks.example": ["127.0.0.1"]})

    async def ask(shown: Path) -> httpx.Response:
        async with serving(shown) as port:
            network = httpx.AsyncHTTPTransport(verify=trusting)
            async with client(ANYWHERE, network=network, resolve=resolve) as http:  # type: ignore[arg-type]
                return await http.get(f"https://hooks.example:{port}/")

    assert (await ask(good)).status_code == 200
    with caplog.at_level(logging.INFO), pytest.raises(httpx.ConnectError):
        await ask(other)
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


async def test_a_name_is_looked_up() -> None:
    assert set(await look_up("localhost", 80)) <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError):
        await look_up("no-such-host.invalid", 80)


@asynccontextmanager
async def serving(shown: Path | None = None) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\nConnection: close\r\n\r\nlocalhost or not")
        writer.close()

    context = None
    if shown:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(shown)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def certificate(folder: Path, name: str) -> Path:
    """A file with a certificate for `name` that vouches for itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path
