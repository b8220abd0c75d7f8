"""`komet tell` against a server that is played by hand: pages, refusals, lost connections, a hostile server, the prompt.

KOMET  the program; without it build/komet
"""

import csv
import io
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import time

import pytest

from wire_server import ANSWER, CANCEL, HEARTBEAT, HELLO, PATIENCE_S, Server, field, frame, number_of, text_of

KOMET = os.environ.get("KOMET", str(pathlib.Path(__file__).parents[2] / "build" / "komet"))
ROWS = [json.dumps({"name": f"M.{n}", "value": n + 0.5, "status": "Valid"}) for n in range(7)]


@pytest.fixture(name="serve")
def make_server():
    """A function that starts a server from scripts; all are ended with the test, which fails with their mistakes."""
    servers = []

    def start(*scripts):
        servers.append(Server(*scripts))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if name not in ("KOMET_SERVER", "XDG_STATE_HOME")}
    return {**clean, "LC_ALL": "C.UTF-8", "TERM": "vt100", **more}


def tell(server, *arguments, stdin=None, **more):
    return subprocess.run([KOMET, "tell", "-s", getattr(server, "address", server), *arguments], text=True, env=environment(),
                          capture_output=True, timeout=60, check=False, input="" if stdin is None else stdin, **more)


def answering(*pages, single=False, refused=""):
    """A script: greets, and answers every question with these pages of rows."""

    def script(console):
        console.welcome()
        while True:
            number, _, _ = console.take_ask()
            for count, page in enumerate(pages or [[]]):
                last = count + 1 == max(1, len(pages))
                console.answer(number, page, end=last, single=single, refused=refused)

    return script


# ---- questions and answers ----


def test_what_the_server_is_told(serve):
    def script(console):
        hello = console.welcome()
        server.seen.put((number_of(hello, 1), text_of(hello, 2), text_of(hello, 6), number_of(hello, 7)))
        ask = console.take_ask()
        server.seen.put(ask)
        console.answer(ask[0], ['{"result":"done"}'], end=True, single=True)

    server = serve(script)
    assert tell(server, "-u", "eva", "SET", "M.X", "-5", "AD").returncode == 0
    version, program, host, pid = server.seen.get(timeout=PATIENCE_S)
    assert (version, program, host) == (1, "tell", socket.gethostname()) and pid > 0
    number, words, user = server.seen.get(timeout=PATIENCE_S)
    assert number > 0 and words == ["SET", "M.X", "-5", "AD"] and user == "eva"


def test_the_login_name_is_the_user(serve):
    def script(console):
        console.welcome()
        number, _, user = console.take_ask()
        server.seen.put(user)
        console.answer(number, end=True)

    server = serve(script)
    assert tell(server, "TAG", "--").returncode == 0
    assert server.seen.get(timeout=PATIENCE_S) != ""


def test_pages_become_one_document(serve):
    server = serve(answering(ROWS[:3], [], ROWS[3:6], ROWS[6:]))
    done = tell(server, "-o", "json", "TAG")
    assert done.returncode == 0 and done.stderr == ""
    assert json.loads(done.stdout) == [json.loads(row) for row in ROWS]
    done = tell(server, "--output=csv", "TAG")
    assert [row["value"] for row in csv.DictReader(io.StringIO(done.stdout))] == [f"{n}.5" for n in range(7)]
    lines = tell(server, "TAG").stdout.splitlines()
    assert lines[0].split() == ["name", "value", "status"] and lines[7].split() == ["M.6", "6.5", "Valid"]
    assert len(lines) == 8


def test_many_rows_in_many_pages(serve):
    page = [json.dumps({"seq": n, "name": "M" * 50}) for n in range(500)]

    def script(console):
        console.welcome()
        number, _, _ = console.take_ask()
        for count in range(200):
            console.answer(number, page, end=count == 199)

    done = tell(serve(script), "-o", "json", "EVENTS")
    assert done.returncode == 0 and len(json.loads(done.stdout)) == 100000


def test_a_single_object_and_nothing(serve):
    done = tell(serve(answering(['{"version":"9"}'], single=True)), "-o", "json", "VERSION")
    assert done.returncode == 0 and json.loads(done.stdout) == {"version": "9"}
    nothing = serve(answering())
    done = tell(nothing, "-o", "json", "TAG", "X*")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    done = tell(nothing, "TAG", "X*")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "komet tell: nothing matches\n")


def test_a_refusal_is_told(serve):
    done = tell(serve(answering(refused="no tag 'X\x1b[2J'; did you mean Y?")), "-o", "json", "SET", "X", "1")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "komet tell: no tag 'X\\x1b[2J'; did you mean Y?\n"


ORDERS = [["SET", "M.X", "1"], ["INTERROGATE", "B.RTU"], ["CLOCK", "B.RTU"], ["SET_ACT_INST", "SELF.KOM", "2"]]


@pytest.mark.parametrize("command", ORDERS)
@pytest.mark.parametrize("result", ["refused", "expired", "unknown"])
def test_an_order_that_was_not_done_fails(serve, command, result):
    row = {"id": 7, "tag": "M.X", "result": result, "reason": "negative confirmation"}
    done = tell(serve(answering([json.dumps(row)], single=True)), "-o", "json", *command)
    assert done.returncode == 1
    assert json.loads(done.stdout) == row
    assert command[1] in done.stderr and f"{result}: negative confirmation" in done.stderr


@pytest.mark.parametrize("command", ORDERS)
@pytest.mark.parametrize("rows", [[], ['{"id":7,"result":null}']])
@pytest.mark.parametrize("output", ["table", "json"])
def test_an_order_without_a_result_fails(serve, command, rows, output):
    done = tell(serve(answering(rows, single=bool(rows))), "-o", output, *command)
    assert done.returncode == 1
    assert done.stderr.startswith(f"komet tell: {command[1]}: the answer has no result; whether ")
    assert done.stderr.count("\n") == 1


def test_a_listed_command_that_was_refused_is_no_failure(serve):
    done = tell(serve(answering(['{"id":7,"tag":"M.X","result":"refused","reason":"r"}'])), "-o", "json", "COMMANDS")
    assert done.returncode == 0 and done.stderr == ""


# ---- servers that do not answer ----


def test_no_server_names_all_addresses():
    first, second = free_address(), free_address()
    begin = time.monotonic()
    done = tell(f"{first},{second}", "STATUS")
    assert done.returncode == 1 and done.stdout == "" and time.monotonic() - begin < 5
    assert done.stderr.count("\n") == 1 and done.stderr.count("nobody listens there") == 2
    assert first in done.stderr and second in done.stderr


def test_servers_that_say_nothing_are_given_up(serve):
    def silent(console):
        console.take(HELLO)
        console.wait_for_end()

    servers = [serve(silent), serve(silent), serve(silent)]
    begin = time.monotonic()
    done = tell(",".join(server.address for server in servers), "STATUS")
    assert done.returncode == 1 and time.monotonic() - begin < 7
    assert done.stderr.count("no answer in time") == 3


def test_the_next_address_is_tried(serve):
    def refuses(console):
        console.welcome(refused="this server is not HOT")

    second = serve(answering(['{"version":"9"}'], single=True))
    done = tell(f"{free_address()},{serve(refuses).address},{second.address}", "-o", "json", "VERSION")
    assert done.returncode == 0 and done.stderr == "" and json.loads(done.stdout) == {"version": "9"}
    done = tell(serve(refuses), "VERSION")
    assert done.returncode == 1 and "this server is not HOT" in done.stderr


def test_the_environment_names_the_server(serve):
    server = serve(answering(['{"version":"9"}'], single=True))
    done = subprocess.run([KOMET, "tell", "VERSION"], env=environment(KOMET_SERVER=server.address), text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 0 and "9" in done.stdout
    done = subprocess.run([KOMET, "tell", "VERSION"], env=environment(KOMET_SERVER="x:y"), text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 2 and "KOMET_SERVER" in done.stderr


def cut_off(console):
    console.welcome()
    number, words, _ = console.take_ask()
    if words[0] != "SET":
        console.answer(number, ROWS[:2])


def test_an_answer_that_is_cut_off_is_no_document(serve):
    server = serve(cut_off)
    done = tell(server, "-o", "json", "TAG")
    assert done.returncode == 1 and server.address in done.stderr and "lost" in done.stderr
    assert done.stdout == f"[\n{ROWS[0]},\n{ROWS[1]}"


def test_of_a_command_that_is_cut_off_the_end_is_not_known(serve):
    done = tell(serve(cut_off), "SET", "M.X", "1")
    assert done.returncode == 1 and done.stdout == ""
    assert "not known" in done.stderr and "COMMANDS" in done.stderr


def test_a_reader_that_has_gone_ends_it_quietly(serve):
    page = [json.dumps({"seq": n, "name": "M" * 200}) for n in range(500)]

    def script(console):
        console.welcome()
        number, _, _ = console.take_ask()
        while True:
            console.answer(number, page)

    server = serve(script)
    process = subprocess.Popen([KOMET, "tell", "-s", server.address, "EVENTS"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    assert process.stdout.readline().startswith(b"seq")
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 1
    with process.stderr:
        assert process.stderr.read() == b""


# ---- a hostile server ----


@pytest.mark.parametrize("row", ["", "no JSON", "[1]", '{"a":1', '{"a":"\x1b[2J"}', '{"a":NaN}', "[" * 5000])
def test_rows_that_are_no_objects(serve, row):
    done = tell(serve(answering([ROWS[0], row, ROWS[1]])), "-o", "json", "TAG")
    assert done.returncode == 1 and "no JSON object" in done.stderr
    assert "\x1b" not in done.stderr and done.stdout == f"[\n{ROWS[0]}"


@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_control_characters_reach_no_terminal(serve, output):
    row = '{"name":"\\u001b[2J\\u0007\\u009b","va\\u001blue":"\\r\\u202e"}'
    done = tell(serve(answering([row])), "-o", output, "TAG")
    assert done.returncode == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout)


@pytest.mark.parametrize("octets", [
    b"\xff\xff\xff\xff" + b"x" * 50,
    struct.pack(">I", 0) + b"x",
    struct.pack(">I", 5) + b"\xff\xff\xff\xff\xff",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
], ids=["length", "empty", "malformed", "http"])
def test_what_is_no_message_ends_the_connection(serve, octets):
    def instead_of_welcome(console):
        console.take(HELLO)
        console.send(octets)
        console.wait_for_end()

    def instead_of_answer(console):
        console.welcome()
        console.take_ask()
        console.send(octets)
        console.wait_for_end()

    for script in (instead_of_welcome, instead_of_answer):
        done = tell(serve(script), "TAG")
        assert done.returncode == 1 and "message" in done.stderr and done.stdout == ""


def test_messages_for_others_are_passed_over(serve):
    def script(console):
        console.take(HELLO)
        console.send(frame(HEARTBEAT, field(1, 1)))
        console.send(frame(ANSWER, field(1, 1) + field(2, '{"a":0}') + field(3, 1)))
        console.send(frame(2, field(1, 1)))
        number, _, _ = console.take_ask()
        console.answer(number + 1, ['{"a":1}'], end=True)
        console.send(frame(HELLO, field(1, 1)))
        console.send(frame(2, field(1, 1) + field(3, "too late")))
        console.answer(number, ['{"a":2}'], end=True)

    done = tell(serve(script), "-o", "json", "TAG")
    assert done.returncode == 0 and json.loads(done.stdout) == [{"a": 2}]


# ---- WATCH ----


class Watch:
    """A running `komet tell … WATCH`."""

    def __init__(self, addresses, *options):
        self.popen = subprocess.Popen([KOMET, "tell", "-s", addresses, *options, "WATCH", "M.*"], bufsize=0,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.kill()
        self.popen.wait(PATIENCE_S)
        self.popen.stdout.close()
        self.popen.stderr.close()

    def line(self, stream):
        """Octet by octet: what is behind the line stays to be waited for."""
        octets = b""
        while not octets.endswith(b"\n"):
            assert select.select([stream], [], [], PATIENCE_S)[0], f"nothing came behind {octets!r} in time"
            octet = stream.read(1)
            assert octet, f"the end came behind {octets!r}"
            octets += octet
        return octets.decode()

    def value(self):
        return json.loads(self.line(self.popen.stdout))["value"]


def watching(value, and_then=None):
    def script(console):
        console.welcome()
        number, words, _ = console.take_ask()
        assert words == ["WATCH", "M.*"]
        console.answer(number, [json.dumps({"name": "M.1", "value": value})])
        if and_then:
            and_then(console, number)

    return script


def test_watch_goes_on_over_lost_connections_until_it_is_interrupted(serve):
    def until_cancelled(console, number):
        cancel = console.take(CANCEL)
        server.seen.put(number_of(cancel, 1) == number)

    server = serve(watching(1), watching(2), watching(3, until_cancelled))
    with Watch(server.address, "-o", "json") as watch:
        assert [watch.value() for _ in range(3)] == [1, 2, 3]
        for _ in range(2):
            lost = watch.line(watch.popen.stderr)
            assert server.address in lost and "lost" in lost
            assert "connected again" in watch.line(watch.popen.stderr)
        watch.popen.send_signal(signal.SIGINT)
        assert watch.popen.wait(PATIENCE_S) == 0
    assert server.seen.get(timeout=PATIENCE_S) is True


def test_watch_goes_to_another_server(serve):
    first = serve(watching(1), lambda console: console.welcome(refused="not HOT"))
    second = serve(watching(2, lambda console, _: console.wait_for_end()))
    with Watch(f"{first.address},{second.address}", "-o", "json") as watch:
        assert [watch.value() for _ in range(2)] == [1, 2]
        watch.popen.send_signal(signal.SIGTERM)
        assert watch.popen.wait(PATIENCE_S) == 0


def test_watch_waits_for_a_server_that_comes_back(serve):
    server = serve(watching(1))
    with Watch(server.address, "-o", "json") as watch:
        assert watch.value() == 1
        server.scripts[:] = [lambda console: console.welcome(refused="starting")] * 4 + [
            watching(5, lambda console, _: console.wait_for_end())]
        while (value := watch.value()) != 5:
            assert value == 1  # of a connection before the scripts were changed


def test_watch_as_a_table_is_a_line_a_change(serve):
    def changes(console, number):
        for value in (10, 100):
            console.answer(number, [json.dumps({"name": "M.1", "value": value})])
        console.wait_for_end()

    with Watch(serve(watching(1, changes)).address) as watch:
        lines = [watch.line(watch.popen.stdout).split() for _ in range(4)]
        assert lines == [["name", "value"], ["M.1", "1"], ["M.1", "10"], ["M.1", "100"]]


def test_watch_that_is_refused_fails(serve):
    done = tell(serve(answering(refused="no tag matches 'X'")), "WATCH", "X")
    assert done.returncode == 1 and "no tag matches" in done.stderr
    done = tell(free_address(), "WATCH", "X")
    assert done.returncode == 1 and "nobody listens" in done.stderr


# ---- the command line ----


@pytest.mark.parametrize("arguments", [["-o", "xml", "TAG"], ["-s", "host:0", "TAG"], ["-s", "a:1,,b:2", "TAG"], ["--what"],
                                       ["-s"], ["-u", "", "TAG"], ["-u", "u" * 64, "TAG"]])
def test_a_wrong_option_is_refused(arguments):
    done = subprocess.run([KOMET, "tell", *arguments], text=True, capture_output=True, timeout=60, env=environment(),
                          check=False)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("komet tell: ")


@pytest.mark.parametrize("words, hint", [(["STATSU"], "STATUS"), (["SET", "M.X"], "value is missing"),
                                         (["LNALTERPATH", "L.X", "ON"], "not built"), (["EVENTS", "2026-99-01"], "no time"),
                                         (["TAG", "M.*", "-o", "json"], "options come before")])
def test_a_wrong_command_needs_no_server(words, hint):
    done = tell(free_address(), *words)
    assert done.returncode == 2 and done.stdout == "" and hint in done.stderr
    assert "nobody listens" not in done.stderr


def test_help_and_version_need_no_server():
    done = tell(free_address(), "-o", "json", "HELP", "SET")
    assert done.returncode == 0 and json.loads(done.stdout)[0]["usage"].startswith("SET tag")
    done = tell(free_address(), "HELP")
    assert done.returncode == 0 and "WATCH [mask]" in done.stdout
    done = subprocess.run([KOMET, "tell", "--help"], text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0 and "--output" in done.stdout
    done = subprocess.run([KOMET, "tell", "--version"], text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stdout.startswith("komet ")


def echoing(console):
    """Answers with the words of the question, refuses those that name REFUSED."""
    console.welcome()
    while True:
        number, words, _ = console.take_ask()
        if "REFUSED" in words:
            console.answer(number, end=True, refused="as you wish")
        else:
            console.answer(number, [json.dumps({"words": " ".join(f"<{word}>" for word in words)})], end=True)


def test_commands_line_by_line(serve):
    server = serve(echoing)
    lines = "# a comment\n\nTAG 'M.A B'\n  LINE\tL*\nquit\nSTATUS\n"
    done = tell(server, "-o", "csv", stdin=lines)
    assert done.returncode == 0 and done.stdout == "words\n<TAG> <M.A B>\nwords\n<LINE> <L*>\n"
    assert server.connections == 1
    done = tell(server, "-o", "csv", stdin="TAG REFUSED\nWRONG\nTAG 'x\nTAG M")
    assert done.returncode == 1 and done.stdout == "words\n<TAG> <M>\n"
    assert [part in done.stderr for part in ("as you wish", "WRONG", "quote")] == [True] * 3
    assert tell(server, stdin="").returncode == 0


def test_a_connection_that_ended_between_two_lines_is_made_again(serve):
    def once(console):
        console.welcome()
        number, words, _ = console.take_ask()
        console.answer(number, [json.dumps({"words": words[0]})], end=True)
        console.close()
        server.seen.put(words[0])

    server = serve(once)
    process = subprocess.Popen([KOMET, "tell", "-s", server.address, "-o", "csv"], stdin=subprocess.PIPE, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    for word in ("TAG", "LINE"):
        process.stdin.write(word + "\n")
        process.stdin.flush()
        assert server.seen.get(timeout=PATIENCE_S) == word
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "") and out == "words\nTAG\nwords\nLINE\n"


# ---- the prompt ----


class Prompt:
    """`komet tell` on a terminal of its own."""

    def __init__(self, address, home, *options):
        self.text = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(KOMET, [KOMET, "tell", "-s", address, *options], environment(HOME=str(home)))

    def __enter__(self):
        self.expect("komet> ")
        return self

    def __exit__(self, *_):
        os.close(self.terminal)
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def expect(self, what):
        """Reads until `what` has come; the text before it is given back, what follows is kept."""
        end = time.monotonic() + PATIENCE_S
        while what not in self.text:
            assert select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0], f"{what!r} not in {self.text!r}"
            self.text += os.read(self.terminal, 4096).decode(errors="replace")
        before, _, self.text = self.text.partition(what)
        return before

    def status(self):
        end = time.monotonic() + PATIENCE_S
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < end, "the prompt did not end"
            if select.select([self.terminal], [], [], 0.05)[0]:
                try:
                    self.text += os.read(self.terminal, 4096).decode(errors="replace")
                except OSError:
                    pass  # the other end of the terminal is closed


def test_the_prompt_answers_and_ends(serve, tmp_path):
    server = serve(answering(['{"program":"komet server","version":"9.9"}'], single=True))
    with Prompt(server.address, tmp_path) as prompt:
        prompt.type("VERSION\r")
        assert "komet server" in prompt.expect("9.9")
        prompt.expect("komet> ")
        prompt.type("STATSU\r")
        assert "did you mean STATUS" in prompt.expect("komet> ")
        prompt.type("quit\r")
        assert prompt.status() == 0
    history = tmp_path / ".local" / "state" / "komet" / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert "VERSION" in history.read_text() and "STATSU" in history.read_text()
    with Prompt(server.address, tmp_path) as prompt:
        prompt.type("\x10\x10\x10\r")  # Ctrl-P: back to VERSION
        assert "komet server" in prompt.expect("9.9")
        prompt.expect("komet> ")
        prompt.type("\x04")  # Ctrl-D
        assert prompt.status() == 0


def test_a_history_that_cannot_be_kept_is_only_a_note(serve, tmp_path):
    (tmp_path / ".local").write_text("a file where a folder should be")
    server = serve(answering(['{"version":"9.9"}'], single=True))
    with Prompt(server.address, tmp_path) as prompt:
        prompt.type("VERSION\r")
        prompt.expect("9.9")
        prompt.expect("komet> ")
        prompt.type("exit\r")
        assert prompt.status() == 0


def test_ctrl_c_ends_a_watch_and_empties_a_line(serve, tmp_path):
    def script(console):
        console.welcome()
        number, _, _ = console.take_ask()
        console.answer(number, ['{"name":"M.1","value":"watched"}'])
        assert number_of(console.take(CANCEL), 1) == number
        console.answer(number, ['{"name":"M.1","value":"too late"}'])
        number, words, _ = console.take_ask()
        assert words == ["VERSION"]
        console.answer(number, ['{"version":"9.9"}'], end=True, single=True)
        console.wait_for_end()

    with Prompt(serve(script).address, tmp_path) as prompt:
        prompt.type("WATCH M.*\r")
        prompt.expect("watched")
        prompt.type("\x03")
        prompt.expect("komet> ")
        prompt.type("half a line")
        prompt.expect("half a line")
        prompt.type("\x03")
        prompt.expect("komet> ")
        prompt.type("VERSION\r")
        assert "too late" not in prompt.expect("9.9")
        prompt.expect("komet> ")
        os.kill(prompt.pid, signal.SIGTERM)
        assert prompt.status() == 0


def naming(console):
    """Answers TAG with names below the mask, anything else with its words."""
    names = [("M.RTU.P", "Ai"), ("M.RTU.P.SET", "Ao"), ("M.RTU.Q.CMD", "Dout"), ("M.RTU.Q.CME", "Dout"), ("x\x1b[2J", "Dout")]
    console.welcome()
    while True:
        number, words, _ = console.take_ask()
        if words[0] == "TAG":
            found = [(name, kind) for name, kind in names if name.lower().startswith(words[1][:-1].lower())]
            console.answer(number, [json.dumps({"name": name, "type": kind}) for name, kind in found], end=True)
        else:
            console.answer(number, [json.dumps({"result": "done", "words": "+".join(words)})], end=True, single=True)


def test_tab_completes_commands_and_names(serve, tmp_path):
    with Prompt(serve(naming).address, tmp_path) as prompt:
        prompt.type("sta\t")
        prompt.expect("STAT")
        prompt.type("\t")  # nothing to add: lists
        listed = prompt.expect("komet> ")
        assert "STATUS" in listed and "STATION" in listed and "SET" not in listed
        prompt.expect("STAT")
        prompt.type("\x15")  # Ctrl-U
        prompt.type("se\t m.rtu.p\t42\r")  # se can become several, and behind no command there are no names
        prompt.expect("no command 'se'")
        prompt.expect("komet> ")
        prompt.type("set m.rtu.p\t42\r")  # M.RTU.P is no output
        prompt.expect("set+M.RTU.P.SET+42")
        prompt.expect("komet> ")
        prompt.type("SET m.rtu.q\t\t")
        listed = prompt.expect("komet> ")
        assert "M.RTU.Q.CMD" in listed and "M.RTU.Q.CME" in listed
        prompt.type("D\t1\r")
        prompt.expect("SET+M.RTU.Q.CMD+1")
        prompt.expect("komet> ")
        prompt.type("quit\r")
        assert prompt.status() == 0


def test_a_prompt_without_a_server_goes_on(tmp_path):
    with Prompt(free_address(), tmp_path) as prompt:
        prompt.type("STATUS\r")
        prompt.expect("nobody listens there")
        prompt.expect("komet> ")
        prompt.type("TAG M\t\x15HELP SET\r")
        prompt.expect("SET tag value")
        prompt.expect("komet> ")
        prompt.type("\x04")
        assert prompt.status() == 0
