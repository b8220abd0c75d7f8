"""Stands between the instances and the station, or the server, and keeps what went over the wire, and when."""

import socket
import struct
import threading
import time

STARTDT_ACT = bytes.fromhex("680407000000")
TEST_FRAMES = (bytes.fromhex("680443000000"), bytes.fromhex("680483000000"))


def frames_of(octets):
    """The APDUs of one direction, the last one only when it is whole."""
    at, frames = 0, []
    while at + 2 <= len(octets) and at + 2 + octets[at + 1] <= len(octets):
        frames.append(bytes(octets[at:at + 2 + octets[at + 1]]))
        at += 2 + octets[at + 1]
    return frames


def acknowledges(frame):
    """N(R) of an I or S format, else 0."""
    return struct.unpack("<H", frame[4:6])[0] >> 1 if frame[2] & 3 != 3 else 0


class Connection:
    """Octets both ways as they came; times are those of time.monotonic()."""

    def __init__(self, port):
        self.port = port  # that called
        self.sent, self.received = bytearray(), bytearray()
        self.begun, self.ended = time.monotonic(), None
        self.started = None  # STARTDT act was sent
        self.acknowledged = None  # the first N(R) above 0 was sent: what it covers is stored
        self.looked_at = 0
        self.held, self.sink = bytearray(), None

    def look(self):
        """What was sent has grown."""
        for frame in frames_of(self.sent[self.looked_at:]):
            self.looked_at += len(frame)
            if frame == STARTDT_ACT and self.started is None:
                self.started = time.monotonic()
            if self.acknowledged is None and acknowledges(frame) > 0:
                self.acknowledged = time.monotonic()

    def passive_frames(self):
        """What was sent before STARTDT act."""
        frames = frames_of(self.sent)
        return frames[:frames.index(STARTDT_ACT)] if STARTDT_ACT in frames else frames


class Wire:
    """A relay of TCP connections. `keep` False: the octets are not kept, and what is sent may be held back."""

    def __init__(self, listen, target, host="127.0.0.1", keep=True):
        self.target, self.keep = (host, target), keep
        self.connections = []  # in the order in which they came
        self.holds, self.lock = False, threading.Lock()
        self.listener = socket.create_server((host, listen), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, (_, port) = self.listener.accept()
                far = socket.create_connection(self.target)
            except OSError:
                if self.listener.fileno() < 0:
                    return
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            kept = Connection(port)
            kept.sink = far
            self.connections.append(kept)
            threading.Thread(target=self.pass_on, args=(near, far, kept, True), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(far, near, kept, False), daemon=True).start()

    def pass_on(self, source, sink, kept, sends):
        try:
            while octets := source.recv(65536):
                if self.keep and sends:
                    kept.sent += octets
                    kept.look()
                elif self.keep:
                    kept.received += octets
                with self.lock:
                    if sends and self.holds:
                        kept.held += octets
                        continue
                sink.sendall(octets)
        except OSError:
            pass
        kept.ended = kept.ended or time.monotonic()
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def hold(self):
        """From now on nothing that is sent comes through, until let_through."""
        self.holds = True

    def held(self):
        """Octets that wait."""
        return sum(len(connection.held) for connection in self.connections)

    def let_through(self):
        with self.lock:
            self.holds = False
            for connection in self.connections:
                if connection.ended is None:
                    connection.sink.sendall(connection.held)
                connection.held.clear()

    def open(self):
        return [connection for connection in self.connections if connection.ended is None]

    def end(self):
        self.listener.close()
