"""A site of real processes does what the README says, and goes on when something in it is killed."""

import json
import signal
import socket
import subprocess
import time

from komet_site import KOMET, Process, free_port, wait_for


def test_values_arrive_and_the_process_runs(site):
    value = site.value("M.U")
    assert value["type"] == "Ai" and value["value"] == 12.5 and value["status"] == "Valid"
    process = site.tell("PROCESS", "SELF.KOM")[0]
    assert process["value"] == "Run" and process["flags"] == "BC"
    status = site.tell("STATUS")
    assert status["lines"][0]["value"] is True
    assert status["lines"][0]["connections"][0]["state"] == "started"
    assert status["stations"][0]["value"] == "StON"
    assert status["servers"][0]["state"] == "HOT"


def test_the_passive_instance_takes_over_when_the_active_one_is_killed(site):
    before = site.instance(1)["epoch"]
    site.kom1.signal(signal.SIGKILL)
    wait_for(lambda: site.active() == 2, "instance 2 is active", seconds=5)
    assert site.instance(2)["epoch"] > before
    wait_for(lambda: site.tell("STATION", "B.RTU")[0]["value"] == "StON", "the station is on again")
    assert site.tell("PROCESS")[0]["flags"] == "C"


def test_a_stopped_instance_loses_its_lease_and_is_silent_afterwards(site):
    site.kom1.signal(signal.SIGSTOP)
    wait_for(lambda: site.active() == 2, "instance 2 is active after the lease", seconds=10)
    wait_for(lambda: site.tell("LINE", "L.RTU")[0]["connections"][0]["state"] == "started", "the line works")
    site.kom1.signal(signal.SIGCONT)
    wait_for(lambda: (site.instance(1) or {}).get("role") == "passive", "instance 1 is back and passive")
    assert site.active() == 2


def test_set_act_inst_moves_the_role(site):
    answer = site.tell("SET_ACT_INST", "SELF.KOM", "2")
    assert answer["result"] == "done"
    wait_for(lambda: site.active() == 2, "instance 2 is active")
    wait_for(lambda: site.tell("STATION", "B.RTU")[0]["value"] == "StON", "the station is on again")
    refused = site.run_tell("SET_ACT_INST", "SELF.KOM", "7")
    assert refused.returncode == 1 and refused.stderr.strip()


def test_a_command_is_confirmed_and_its_feedback_arrives(site):
    answer = site.tell("SET", "M.P.SET", "42.5")
    assert answer["result"] == "done" and answer["value"] == 42.5
    wait_for(lambda: site.value("M.P")["value"] == 42.5, "the set point's feedback")
    assert site.tell("SET", "M.Q.CMD", "true")["result"] == "done"
    wait_for(lambda: site.value("M.Q")["value"] is True, "the breaker's feedback")
    refused = site.run_tell("SET", "M.NONE.CMD", "true")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["result"] == "refused"
    results = [row["result"] for row in site.tell("COMMANDS")]
    assert results == ["done", "done", "refused"]


def test_interrogate_ends_as_done(site):
    assert site.tell("INTERROGATE", "B.RTU")["result"] == "done"


def test_the_same_instance_twice_and_mixed_numbering_are_refused(site):
    for name in ("SELF.KOM,1", "SELF.KOM"):
        second = subprocess.run([KOMET, "kom", "-W", name, "-S", site.server_address], capture_output=True, text=True,
                                timeout=20, check=False)
        assert second.returncode == 1
        assert "SELF.KOM" in second.stderr
    assert site.active() == 1


def test_a_wrong_command_says_what_would_be_right(site):
    wrong = site.run_tell("STATSU")
    assert wrong.returncode in (1, 2) and "STATUS" in wrong.stderr
    unknown = site.run_tell("SET", "M.NOWHERE", "1")
    assert unknown.returncode == 1 and "M.NOWHERE" in unknown.stderr


def test_watch_goes_on_over_a_kill(site):
    watch = subprocess.Popen([KOMET, "tell", "-s", site.server_address, "-o", "json", "WATCH", "M.D*"], text=True,
                             stdout=subprocess.PIPE)
    try:
        assert json.loads(watch.stdout.readline())["name"].startswith("M.D")
        site.kom1.signal(signal.SIGKILL)
        wait_for(lambda: site.active() == 2, "instance 2 is active")
        wait_for(lambda: site.tell("STATION", "B.RTU")[0]["value"] == "StON", "the station is on again")
        for _ in range(40):
            assert json.loads(watch.stdout.readline())["status"] == "Valid"
    finally:
        watch.kill()
        watch.wait()
        watch.stdout.close()


def test_a_wrong_site_starts_nothing(new_site):
    site = new_site()
    text = (site.folder / "site.yaml").read_text().replace("hosts:", "hots:").replace("tcp", "tpc")
    (site.folder / "site.yaml").write_text(text)
    for command in (["check", str(site.folder)], ["server", "--site", str(site.folder), "--data", "data"]):
        done = subprocess.run([KOMET, *command], capture_output=True, text=True, timeout=20, cwd=site.folder,
                              check=False)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "hots" in said and "tpc" in said and "site.yaml:" in said


def test_a_station_that_sends_garbage_closes_only_its_own_line(new_site):
    site = new_site()
    site.start_server()
    with socket.socket() as station:
        station.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        station.bind(("127.0.0.1", site.station_port))
        station.listen()
        station.settimeout(20)
        site.start_kom(1)
        peer, _ = station.accept()
        with peer:
            peer.settimeout(20)
            assert peer.recv(6) == bytes.fromhex("680407000000")
            peer.sendall(b"\x55garbage")
            wait_for(lambda: site.tell("LINE")[0]["connections"][0]["reason"] == "bad-start", "the reason is shown")
    assert site.active() == 1


def test_a_server_that_comes_back_loses_no_journal(site):
    wait_for(lambda: len(site.tell("EVENTS")) > 20, "some events")
    before = [row["seq"] for row in site.tell("EVENTS")]
    server = site.processes[1]
    server.signal(signal.SIGKILL)
    server.popen.wait(20)
    site.start_server()
    wait_for(lambda: site.active() in (1, 2), "an instance is active again")
    after = site.tell("EVENTS")
    assert [row["seq"] for row in after][: len(before)] == before


def test_the_d2000_spelling_starts_an_instance(new_site):
    site = new_site()
    site.start_station()
    site.start_server()
    (site.folder / "kom").symlink_to(KOMET)  # D2000's name of the program
    kom = Process("kom-d2000", site.folder, ["/WSELF,3", f"/S{site.server_address}", "/DBSH"], program=site.folder / "kom")
    site.processes.append(kom)
    wait_for(lambda: site.active() == 3, "instance 3 is active")
    assert site.tell("PROCESS")[0]["flags"] == "D"


def test_an_instance_finds_the_servers_of_its_group(new_site):
    site = new_site()
    site.start_server()
    site.start("kom-group", "kom", "-W", "SELF.KOM,2", "--group", "TEST", "--site", ".")
    wait_for(lambda: site.active() == 2, "instance 2 is active")
    wrong = subprocess.run([KOMET, "kom", "/WSELF,1", "/RDOTHER", "--site", "."], capture_output=True, text=True,
                           timeout=20, cwd=site.folder, check=False)
    assert wrong.returncode == 1 and "TEST" in wrong.stderr


def test_a_port_that_is_taken_is_said(new_site):
    site = new_site()
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = subprocess.run([KOMET, "server", "--site", ".", "--data", "data", "--listen", f"127.0.0.1:{port}"],
                              capture_output=True, text=True, timeout=20, cwd=site.folder, check=False)
    assert done.returncode == 1 and str(port) in done.stderr


def test_a_hundred_thousand_tags_start_within_a_second(new_site):
    site = new_site(tags="".join(f"M.T{n:06d},Ai,{n + 1},,,\n" for n in range(100_000)))
    site.start_server().end()  # makes the journal
    taken = []
    for number in range(3):  # the best counts: this machine has other things to do
        begin = time.monotonic()
        server = site.start(f"server{number}", "server", "--site", ".", "--data", "data")
        wait_for(lambda process=server: "listening on" in process.text(), "the server listens")
        taken.append(time.monotonic() - begin)
        if number < 2:
            server.end()
    assert min(taken) < 1, taken
    assert len(site.tell("TAG", "M.T09999?")) == 10


def test_a_journal_of_another_site_is_told(new_site):
    site = new_site()
    site.start_server().end()
    text = (site.folder / "site.yaml").read_text()
    (site.folder / "site.yaml").write_text(text.replace("site: test", "site: other"))
    server = site.start_server()
    assert "begun for the site 'test', and this is 'other'" in server.text()


def test_an_instance_without_a_server_says_so(new_site):
    site = new_site()
    kom = site.start_kom(1)
    wait_for(lambda: f"no connection to the server {site.server_address}" in kom.text(), "it says that nobody answers")
    site.start_server()
    wait_for(lambda: site.active() == 1, "and goes on trying")


def open_files(process):
    """The limits that hold for it: soft, hard."""
    with open(f"/proc/{process.popen.pid}/limits", encoding="ascii") as file:
        return next(tuple(line.split()[3:5]) for line in file if line.startswith("Max open files"))


def test_an_instance_may_open_as_many_files_as_the_system_allows(new_site):
    """Shells and services begin with fewer than many lines need."""
    site = new_site()
    words = ["--nofile=64:", KOMET, "kom", "-W", "SELF.KOM,1", "-S", site.server_address]
    kom = Process("kom1", site.folder, words, program="prlimit")
    site.processes.append(kom)
    wait_for(lambda: "started" in kom.text(), "the instance has started")
    soft, hard = open_files(kom)
    assert soft == hard and int(hard) > 64
