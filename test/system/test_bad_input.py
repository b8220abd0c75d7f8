"""What no station and no client should send: the connection closes with its reason, nothing else is disturbed."""

import contextlib
import os
import socket
import struct

import pytest

from komet_site import wait_for

STARTDT_ACT, STARTDT_CON = bytes.fromhex("680407000000"), bytes.fromhex("68040b000000")


def i_format(asdu, sent=0, received=0):
    return struct.pack("<BBHH", 0x68, 4 + len(asdu), sent << 1, received << 1) + asdu


SINGLE_POINT = bytes.fromhex("01010300010001000001")  # M_SP_NA_1, 1 object, spontaneous, CA 1, address 1
VOLTAGE_25 = bytes.fromhex("0d0103000100b90b000000c84100")  # M_ME_NC_1, address 3001 (M.U), 25.0
BAD = {
    "wrong start byte": (b"\x55" + b"\0" * 5, "bad-start"),
    "length 3": (bytes.fromhex("680301000000"), "bad-length"),
    "length 254": (bytes.fromhex("68fe") + b"\0" * 254, "bad-length"),
    "S format with an ASDU": (bytes.fromhex("68060100000000000000"), "bad-length"),
    "U format with two functions": (bytes.fromhex("68040f000000"), "bad-control"),
    "N(S) that skips one": (i_format(SINGLE_POINT, sent=1), "bad-sequence"),
    "N(R) for what was never sent": (i_format(SINGLE_POINT, received=700), "bad-acknowledge"),
    "ASDU shorter than its objects": (i_format(bytes.fromhex("0102030001000100000101")), "bad-asdu"),
    "ASDU without an object": (i_format(bytes.fromhex("010003000100")), "bad-asdu"),
    "ASDU of two octets": (i_format(b"\x01\x01"), "bad-asdu"),
}


class Station:
    """The station's side of a plain socket."""

    def __init__(self, site):
        self.site = site
        self.listener = socket.create_server(("127.0.0.1", site.station_port))
        self.listener.settimeout(20)

    def accept(self):
        peer, _ = self.listener.accept()
        peer.settimeout(20)
        return peer

    def start(self):
        peer = self.accept()
        assert peer.recv(6) == STARTDT_ACT
        peer.sendall(STARTDT_CON)
        return peer


@pytest.fixture(name="station")
def listening_station(new_site):
    site = new_site()
    station = Station(site)
    with contextlib.closing(station.listener):
        site.start_server()
        site.kom1 = site.start_kom(1)
        yield station


def connection(site):
    return site.tell("LINE")[0]["connections"][0]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_apdu_closes_its_connection_with_the_reason(station, name):
    octets, reason = BAD[name]
    with station.start() as peer:
        peer.sendall(octets)
        wait_for(lambda: connection(station.site)["reason"] == reason, f"the reason {reason}")
    # The line connects again and works: nothing else was disturbed.
    with station.start() as peer:
        wait_for(lambda: connection(station.site)["state"] == "started", "the line is started again")
        assert station.site.active() == 1


def test_an_i_format_before_startdt_closes(station):
    with station.accept() as peer:
        assert peer.recv(6) == STARTDT_ACT
        peer.sendall(i_format(SINGLE_POINT))
        wait_for(lambda: connection(station.site)["reason"] == "not-started", "the reason")


def test_a_confirmation_that_never_comes_ends_in_t1(station):
    with station.accept() as peer:
        assert peer.recv(6) == STARTDT_ACT
        wait_for(lambda: connection(station.site)["reason"] == "t1-function", "the reason")


def test_an_apdu_in_single_octets_is_understood(station):
    with station.start() as peer:
        for octet in i_format(VOLTAGE_25):
            peer.sendall(bytes([octet]))
        wait_for(lambda: station.site.value("M.U")["value"] == 25.0, "the value")


def test_addresses_that_no_tag_has_are_told_once(station):
    stranger = bytes.fromhex("0101030001000f270001")  # address 9999
    with station.start() as peer:
        for number in range(5):
            peer.sendall(i_format(stranger, sent=number))
        peer.sendall(i_format(VOLTAGE_25, sent=5))
        wait_for(lambda: station.site.value("M.U")["value"] == 25.0, "the value behind them")
        assert station.site.kom1.text().count("object address 9999") == 1


@pytest.mark.parametrize("octets", [os.urandom(200), b"\xff" * 64, b"\0" * 64, b"GET / HTTP/1.1\r\n\r\n",
                                    struct.pack(">I", 0x7FFFFFFF)], ids=["random", "ones", "zeros", "http", "huge"])
def test_garbage_at_the_servers_port_disturbs_nobody(site, octets):
    with socket.create_connection(("127.0.0.1", site.server_port)) as client:
        client.settimeout(20)
        client.sendall(octets)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""  # closed
    assert site.active() == 1
    assert site.tell("STATION")[0]["value"] == "StON"


def hello_of_a_console():
    body = b"\x08\x01" + b"\x12\x04tell"  # version 1, program "tell"
    message = b"\x0a" + bytes([len(body)]) + body
    return struct.pack(">I", len(message)) + message


def test_more_clients_than_the_server_takes(site):
    clients = []
    try:
        for _ in range(70):
            with contextlib.suppress(ConnectionResetError):  # refused so fast that connect() saw it
                clients.append(socket.create_connection(("127.0.0.1", site.server_port)))
        wait_for(lambda: "gives way to another one" in site.processes[1].text(), "who has not said who it is gives way")
        assert site.active() == 1  # also to this console
        assert site.kom1.runs() and site.kom2.runs()
    finally:
        for client in clients:
            client.close()


def test_consoles_leave_places_for_instances(site):
    clients, refused = [], []
    try:
        for _ in range(60):
            client = socket.create_connection(("127.0.0.1", site.server_port))
            clients.append(client)
            client.settimeout(20)
            client.sendall(hello_of_a_console())
            if b"consoles are connected already" in client.recv(4096):
                refused.append(client)
        assert len(refused) >= 60 - 44
        third = site.start_kom(3)
        wait_for(lambda: "connected to server" in third.text(), "another instance finds a place")
    finally:
        for client in clients:
            client.close()
    assert site.active() == 1


def test_a_console_that_floods_and_never_reads_disturbs_nobody(site):
    ask = b"\x62\x08" + b"\x08\x01\x12\x04HELP"  # Ask: id 1, words "HELP"
    flood = (struct.pack(">I", len(ask)) + ask) * 50_000
    epoch = site.instance(1)["epoch"]
    with socket.create_connection(("127.0.0.1", site.server_port)) as client:
        client.sendall(hello_of_a_console())
        client.setblocking(False)
        sent, since = 0, len(site.tell("EVENTS"))
        with contextlib.suppress(BlockingIOError):
            while sent < len(flood):
                sent += client.send(flood[sent:sent + 65536])
        wait_for(lambda: len(site.tell("EVENTS")) > since + 100, "values go on")
        assert site.instance(1)["epoch"] == epoch, "the active instance kept its grant"


def test_a_station_that_sends_more_than_a_batch_takes(new_site):
    """Frames without waiting for an acknowledgement, more values than one batch has room for: none is read twice."""
    site = new_site(tags="".join(f"M.T{n:03d},Di,{n + 1},,,\n" for n in range(120)))
    with contextlib.closing(socket.create_server(("127.0.0.1", site.station_port))) as listener:
        listener.settimeout(20)
        site.start_server()
        site.start_kom(1)
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(20)
            assert peer.recv(6) == STARTDT_ACT
            frames = 300
            sequence = bytes.fromhex("01f803000100010000")  # M_SP_NA_1, SQ, 120 objects from address 1
            octets = b"".join(i_format(sequence + bytes((n + i) & 1 for i in range(120)), sent=n) for n in range(frames))
            peer.sendall(STARTDT_CON + octets)
            acknowledged, buffer = 0, b""
            while acknowledged < frames:
                buffer += peer.recv(4096) or pytest.fail("the connection was closed")
                while len(buffer) > 1 and len(buffer) >= buffer[1] + 2:
                    if buffer[2] & 3 != 3:
                        acknowledged = int.from_bytes(buffer[4:6], "little") >> 1
                    buffer = buffer[buffer[1] + 2:]
        wait_for(lambda: len(site.tell("EVENTS", "M.T000")) == frames, "every value is an event")
