"""A control centre for the system tests: one 104 connection over a plain socket, with its own codec."""

import select
import socket
import struct
import time

PATIENCE_S = 20
STARTDT, STOPDT, TESTFR = 0x04, 0x10, 0x40
ELEMENT_SIZES = {1: 1, 3: 1, 5: 2, 7: 5, 9: 3, 11: 3, 13: 5, 15: 5, 20: 5, 21: 2, 30: 8, 31: 8, 32: 9, 33: 12, 34: 10,
                 35: 10, 36: 12, 37: 12, 45: 1, 46: 1, 47: 1, 48: 3, 49: 3, 50: 5, 51: 4, 58: 8, 59: 8, 60: 8, 61: 10,
                 62: 10, 63: 12, 64: 11, 70: 1, 100: 1, 101: 1, 102: 0, 103: 7, 104: 2, 105: 1, 107: 9}


class Asdu:
    """One ASDU: header and [(address, octets of the element)]."""

    def __init__(self, octets):
        self.type, vsq, cause, self.oa, self.ca = struct.unpack("<BBBBH", octets[:6])
        self.cause, self.negative, self.test = cause & 0x3F, bool(cause & 0x40), bool(cause & 0x80)
        size, at = ELEMENT_SIZES[self.type], 6
        self.objects = []
        for index in range(vsq & 0x7F):
            if index == 0 or not vsq & 0x80:
                address = int.from_bytes(octets[at:at + 3], "little")
                at += 3
            else:
                address += 1
            self.objects.append((address, octets[at:at + size]))
            at += size
        assert at == len(octets), f"type {self.type}: {octets.hex()}"

    def __repr__(self):
        return f"type {self.type} cause {self.cause}{' negative' if self.negative else ''} oa {self.oa} {self.objects}"


def number(kind, octets):
    """The value of an element: single, double, float, counter."""
    if kind in (1, 30, 45, 58):
        return octets[0] & 1
    if kind in (3, 31, 46, 59):
        return octets[0] & 3
    if kind in (13, 36, 50, 63):
        return struct.unpack("<f", octets[:4])[0]
    assert kind in (15, 37), kind
    return struct.unpack("<i", octets[:4])[0]


def quality(kind, octets):
    return octets[0] & 0xF0 if kind in (1, 3, 30, 31) else octets[4]


class Master:
    """A connection to a listening line. What came is kept in `asdus`; N(R) goes out with `acknowledge`, or at once."""

    def __init__(self, address, own="127.0.0.1", ca=1, oa=7, acknowledges=True):
        self.ca, self.oa, self.acknowledges = ca, oa, acknowledges
        self.buffer, self.asdus, self.functions = b"", [], []
        self.sent = self.received = self.answered = 0
        self.closed = False
        self.socket = socket.create_connection(address, PATIENCE_S, source_address=(own, 0))
        self.socket.setblocking(False)

    # ---- frames ----

    def send_u(self, function):
        self.socket.sendall(bytes([0x68, 4, function | 3, 0, 0, 0]))

    def acknowledge(self):
        self.socket.sendall(struct.pack("<BBHH", 0x68, 4, 1, self.received << 1))
        self.answered = self.received

    def send(self, kind, cause, address, element):
        asdu = struct.pack("<BBBBH", kind, 1, cause, self.oa, self.ca) + address.to_bytes(3, "little") + element
        self.socket.sendall(struct.pack("<BBHH", 0x68, 4 + len(asdu), self.sent << 1, self.received << 1) + asdu)
        self.sent += 1
        self.answered = self.received

    def take_frame(self, octets):
        first = octets[2]
        if first & 1 == 0:
            ns = struct.unpack("<H", octets[2:4])[0] >> 1
            assert ns == self.received & 0x7FFF, f"N(S) {ns}, expected {self.received}"
            self.received += 1
            self.asdus.append(Asdu(octets[6:]))
        elif first & 3 == 3:
            self.functions.append(first & 0xFC)
            if first & 0xFC == TESTFR:
                self.send_u(TESTFR << 1)

    def read(self, seconds=0.02):
        """Takes what has come, waiting a moment for it."""
        if self.closed or not select.select([self.socket], [], [], seconds)[0]:
            return
        try:
            self.receive()
        except ConnectionError:
            self.closed = True

    def receive(self):
        octets = self.socket.recv(65536)
        self.closed = not octets
        self.buffer += octets
        while len(self.buffer) >= 2 and len(self.buffer) >= self.buffer[1] + 2:
            size = self.buffer[1] + 2
            self.take_frame(self.buffer[:size])
            self.buffer = self.buffer[size:]
        if self.acknowledges and self.received != self.answered and not self.closed:
            self.acknowledge()

    # ---- conversations ----

    def wait(self, condition, what, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what}: not within {seconds} s; {self.asdus[-5:]}"
            assert not self.closed, f"{what}: the connection was closed; {self.asdus[-5:]}"
            self.read()

    def start(self):
        self.send_u(STARTDT)
        self.wait(lambda: STARTDT << 1 in self.functions, "STARTDT con")
        return self

    def found(self, kind, cause, address=None, since=0):
        """Elements of a type and cause, in order."""
        return [octets for asdu in self.asdus[since:] for at, octets in asdu.objects
                if asdu.type == kind and asdu.cause == cause and address in (None, at)]

    def interrogate(self, group=0):
        """General interrogation, or that of a group: {address: (type, element)}."""
        since = len(self.asdus)
        self.send(100, 6, 0, bytes([20 + group]))
        self.wait(lambda: self.found(100, 10, 0, since), "the interrogation's end")
        return {at: (asdu.type, octets) for asdu in self.asdus[since:] if asdu.cause == 20 + group
                for at, octets in asdu.objects}

    def command(self, kind, address, element, cause=6):
        """Gives a command; returns where its answers will stand."""
        since = len(self.asdus)
        self.send(kind, cause, address, element)
        return since

    def answers(self, since, kind):
        return [(asdu.cause, asdu.negative) for asdu in self.asdus[since:] if asdu.type == kind and
                asdu.cause in (7, 9, 10, 44, 45, 46, 47)]

    def close(self):
        self.socket.close()
        self.closed = True
