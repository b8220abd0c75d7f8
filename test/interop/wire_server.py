"""The server's end of the wire for tests of consoles: frames and messages of src/wire/komet.proto, put together by hand."""

import queue
import socket
import struct
import threading

HELLO, WELCOME, HEARTBEAT, ASK, ANSWER, CANCEL = 1, 2, 3, 12, 13, 14
PATIENCE_S = 20


def varint(number):
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def field(number, value):
    """A field of an integer, a text, or octets; nothing for the zeros that proto3 leaves out."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    octets = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(octets)) + octets


def frame(body, content):
    message = field(body, content)
    return struct.pack(">I", len(message)) + message


def fields(octets):
    """[(number, value)]: integers and octets in the order in which they come."""
    found, at = [], 0

    def read_varint():
        nonlocal at
        number = shift = 0
        while True:
            octet = octets[at]
            at += 1
            number |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return number

    while at < len(octets):
        key = read_varint()
        if key & 7 == 0:
            found.append((key >> 3, read_varint()))
        else:
            assert key & 7 == 2, f"a wire type that komet.proto does not use: {key & 7}"
            size = read_varint()
            found.append((key >> 3, octets[at:at + size]))
            at += size
    return found


def text_of(message, number):
    return next((value.decode() for n, value in message if n == number), "")


def number_of(message, number):
    return next((value for n, value in message if n == number), 0)


class Console:
    """One connected console."""

    def __init__(self, peer):
        self.peer = peer
        peer.settimeout(PATIENCE_S)

    def read(self, size):
        octets = b""
        while len(octets) < size:
            more = self.peer.recv(size - len(octets))
            if not more:
                raise EOFError("the console has gone")
            octets += more
        return octets

    def take(self, body):
        """The fields of the next message, which is to be of that kind."""
        (size,) = struct.unpack(">I", self.read(4))
        ((found, content),) = fields(self.read(size))
        assert found == body, f"message {found} came instead of {body}"
        return fields(content)

    def send(self, octets):
        self.peer.sendall(octets)

    def welcome(self, name="A", refused=""):
        hello = self.take(HELLO)
        self.send(frame(WELCOME, field(1, 1) + field(2, name) + field(3, refused) + field(4, 3000)))
        return hello

    def take_ask(self):
        """Its number, words and user."""
        ask = self.take(ASK)
        return number_of(ask, 1), [value.decode() for n, value in ask if n == 2], text_of(ask, 3)

    def answer(self, number, rows=(), end=False, single=False, refused=""):
        content = field(1, number) + b"".join(field(2, row) for row in rows)
        self.send(frame(ANSWER, content + field(3, int(end)) + field(4, int(single)) + field(5, refused)))

    def wait_for_end(self):
        """Until the console closes the connection; what it still sends is passed over."""
        try:
            while self.peer.recv(4096):
                pass
        except ConnectionError:
            pass

    def close(self):
        self.peer.close()


class Server:
    """Listens; each connection is worked through by the next of `scripts`, functions of a Console, the last one again and
    again. A mistake in a script is raised by `end`."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.faults = queue.Queue()
        self.seen = queue.Queue()  # what scripts put there for the test
        self.threads = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.connections = 0
        self.accepting = threading.Thread(target=self.accept)
        self.accepting.start()

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self.serve, args=(script, Console(peer)))
            self.threads.append(thread)
            thread.start()

    def serve(self, script, console):
        try:
            script(console)
        except (EOFError, ConnectionError):
            pass  # the console has gone: what it says then is the test's business
        except Exception as fault:  # pylint: disable=broad-except
            self.faults.put(fault)
        finally:
            console.close()

    def end(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.accepting.join(PATIENCE_S)
        for thread in self.threads:
            thread.join(PATIENCE_S)
        if not self.faults.empty():
            raise self.faults.get()
