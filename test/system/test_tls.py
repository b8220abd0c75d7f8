"""Who may speak to the server: TLS 1.3 with certificates of the site's own CA, and a sentence for whoever may not."""

import contextlib
import datetime
import socket
import ssl
import subprocess
import threading
import time

import pytest

from komet_site import KOMET, wait_for


@pytest.fixture(name="tls_site")
def running_site_with_tls(new_site):
    """Station, server and two instances, all of them with certificates."""
    site = new_site()
    site.use_tls()
    site.start_station()
    site.server = site.start_server()
    site.kom1 = site.start_kom(1)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    site.kom2 = site.start_kom(2)
    wait_for(lambda: site.instance(2), "instance 2 is connected")
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "the first value")
    return site


def undisturbed(site):
    """Both instances are connected, the line works, and nobody had to begin again."""
    assert site.active() == 1 and site.instance(2)
    assert site.tell("LINE")[0]["connections"][0]["state"] == "started"
    for kom in (site.kom1, site.kom2):
        assert "is lost" not in kom.text()


def run_tell(site, *options):
    return subprocess.run([KOMET, "tell", "-s", site.server_address, *options, "VERSION"], text=True, capture_output=True,
                          timeout=30, check=False)


def folder(site, name):
    return str(site.folder / name)


def test_a_whole_site_works_over_tls(tls_site):
    site = tls_site
    assert "with TLS" in site.server.text()
    assert site.tell("SET", "M.P.SET", "42.5")["result"] == "done"
    wait_for(lambda: site.value("M.P")["value"] == 42.5, "the feedback")
    assert site.tell("SET_ACT_INST", "SELF.KOM", "2")["result"] == "done"
    site.kom2.popen.kill()
    wait_for(lambda: site.active() == 1, "instance 1 takes over", seconds=10)
    wait_for(lambda: len(site.tell("EVENTS")) > 100, "events, in more than one page of a record of TLS")


def test_the_user_is_who_the_certificate_says(tls_site):
    site = tls_site
    tell = [KOMET, "tell", "-s", site.server_address, *site.tell_tls, "-u", "somebody-else", "SET", "M.P.SET", "7"]
    assert subprocess.run(tell, capture_output=True, timeout=30, check=False).returncode == 0
    assert site.tell("SET_ACT_INST", "SELF.KOM", "2")["result"] == "done"
    wait_for(lambda: len(site.tell("COMMANDS")) == 2, "both are recorded")
    given, switched = site.tell("COMMANDS")
    assert (given["tag"], given["value"], given["user"], given["authenticated"]) == ("M.P.SET", 7, "operator", True)
    assert (given["command"], switched["command"]) == ("SET", "SET_ACT_INST")
    assert (switched["tag"], switched["value"], switched["user"], switched["authenticated"]) == ("SELF.KOM", 2, "operator", True)
    event = site.tell("EVENTS", "M.P.SET")[-1]
    assert (event["value"], event["user"], event["authenticated"]) == (7, "operator", True)
    event = site.tell("EVENTS", "SELF.KOM")[-1]
    assert (event["value"], event["instance"], event["user"], event["authenticated"]) == ("Run", 2, "operator", True)
    assert site.tell("EVENTS", "M.U")[-1]["user"] is None


def test_a_user_without_a_certificate_is_marked(site):
    tell = [KOMET, "tell", "-s", site.server_address, "-u", "anna", "SET", "M.P.SET", "7"]
    assert subprocess.run(tell, capture_output=True, timeout=30, check=False).returncode == 0
    for row in (site.tell("COMMANDS")[-1], site.tell("EVENTS", "M.P.SET")[-1]):
        assert (row["user"], row["authenticated"]) == ("anna", False)


def test_another_ca_is_refused(tls_site):
    site = tls_site
    site.certificate("--user", "operator", "--kom", "SELF.KOM", folder="foreign")
    own_ca = (site.folder / "tls" / "ca.crt").read_text()
    for name in ("user-operator", "kom-SELF.KOM"):  # it trusts the right server, and shows a wrong certificate
        (site.folder / "foreign" / name / "ca.crt").write_text(own_ca)
    refused = run_tell(site, "--tls", folder(site, "foreign/user-operator"))
    assert refused.returncode == 1
    assert "tls-wrong-ca" in refused.stderr and "does not know the CA of our certificate, of user operator" in refused.stderr
    wait_for(lambda: "tls-wrong-ca: the certificate of user operator is not from this site's CA" in site.server.text(),
             "the server says so too")
    kom = site.start("foreign", "kom", "-W", "SELF.KOM,3", "-S", site.server_address, "--tls",
                     folder(site, "foreign/kom-SELF.KOM"))
    wait_for(lambda: "tls-wrong-ca" in kom.text(), "the KOM says why")
    assert site.instance(3) is None and kom.runs()
    undisturbed(site)
    assert kom.text().count("tls-wrong-ca") == 1  # it tries on, and does not fill the log


def test_a_server_of_another_ca_is_refused_by_its_clients(tls_site):
    site = tls_site
    site.certificate("--user", "operator", folder="foreign")
    refused = run_tell(site, "--tls", folder(site, "foreign/user-operator"))
    assert refused.returncode == 1
    assert "tls-wrong-ca: the certificate of server A is not from this site's CA" in refused.stderr
    undisturbed(site)


def test_a_certificate_that_has_expired_is_refused(tls_site):
    site = tls_site
    site.certificate("--user", "late", "--from", "2020-01-01", "--days", "30")
    refused = run_tell(site, "--tls", folder(site, "tls/user-late"))
    assert refused.returncode == 1
    assert "user late, has ended" in refused.stderr and "tls-expired" in refused.stderr
    wait_for(lambda: "tls-expired: the certificate of user late ended on 2020-01-31" in site.server.text(), "the server's log")
    undisturbed(site)


def test_a_certificate_of_tomorrow_is_refused(tls_site):
    site = tls_site
    site.certificate("--user", "early", "--from", "2099-01-01", "--days", "1")
    assert run_tell(site, "--tls", folder(site, "tls/user-early")).returncode == 1
    wait_for(lambda: "tls-not-yet-valid: the certificate of user early" in site.server.text(), "the server's log")
    undisturbed(site)


def handshake(site, context):
    """As a client that is not ours: what the server answers to a message, or the error."""
    context.check_hostname = False
    context.load_verify_locations(folder(site, "tls/ca.crt"))
    with socket.create_connection(("127.0.0.1", site.server_port), timeout=20) as plain:
        with context.wrap_socket(plain) as client:
            client.sendall(b"\0\0\0\0")
            return client.recv(1)


def test_a_client_without_a_certificate_is_refused(tls_site):
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        handshake(tls_site, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    wait_for(lambda: "tls-no-certificate: the client shows no certificate" in tls_site.server.text(), "the server's log")
    undisturbed(tls_site)


def test_a_client_of_tls_1_2_is_refused(tls_site):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        handshake(tls_site, context)
    wait_for(lambda: "tls-version: the client does not speak TLS 1.3" in tls_site.server.text(), "the server's log")
    undisturbed(tls_site)


def test_a_plain_client_is_refused_on_a_port_of_tls(tls_site):
    site = tls_site
    refused = run_tell(site)
    assert refused.returncode == 1
    assert "tls-required: the server speaks TLS; right would be --tls DIR" in refused.stderr
    wait_for(lambda: "tls-not-spoken: the client does not speak TLS" in site.server.text(), "the server's log")
    kom = site.start("plain", "kom", "-W", "SELF.KOM,3", "-S", site.server_address)
    wait_for(lambda: "tls-required" in kom.text(), "the KOM says why")
    undisturbed(site)


def test_a_client_of_tls_is_refused_on_a_plain_port(site):
    server = next(process for process in site.processes if process.name == "server")
    site.certificate("--user", "operator")
    refused = run_tell(site, "--tls", folder(site, "tls/user-operator"))
    assert refused.returncode == 1
    assert "tls-not-spoken: the server closed it without a word of TLS" in refused.stderr
    wait_for(lambda: "tls-required: the client speaks TLS, and this server does not" in server.text(), "the server's log")
    undisturbed(site)


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\x16\x03\x01\xff\xff" + b"\0" * 64, b"\x16"],
                         ids=["http", "ones", "a record too long", "one octet"])
def test_garbage_disturbs_nobody(tls_site, octets):
    with socket.create_connection(("127.0.0.1", tls_site.server_port), timeout=20) as client:
        client.sendall(octets)
        with contextlib.suppress(ConnectionResetError):
            while client.recv(100):
                pass  # until it is closed
    undisturbed(tls_site)


def test_a_kom_may_not_speak_as_another_one(tls_site):
    site = tls_site
    site.certificate("--kom", "OTHER.KOM", "--kom", "SELF.KOM,4")
    for name, shown in (("SELF.KOM,3", "tls/kom-OTHER.KOM"), ("SELF.KOM,3", "tls/kom-SELF.KOM,4"),
                        ("SELF.KOM,3", "tls/user-operator"), ("SELF.KOM", "tls/kom-SELF.KOM,4")):
        kom = subprocess.run([KOMET, "kom", "-W", name, "-S", site.server_address, "--tls", folder(site, shown)], text=True,
                             capture_output=True, timeout=30, check=False)
        whose = shown.removeprefix("tls/").replace("-", " ")
        assert kom.returncode == 1
        assert f"{name}: tls-wrong-role: its certificate is that of {whose}; right would be that of kom SELF.KOM" in kom.stderr
    undisturbed(site)
    site.start("kom4", "kom", "-W", "SELF.KOM,4", "-S", site.server_address, "--tls", folder(site, "tls/kom-SELF.KOM,4"))
    wait_for(lambda: site.instance(4), "its own instance is welcome")


def test_roles_are_not_mixed(tls_site):
    site = tls_site
    refused = run_tell(site, *site.kom_tls)
    assert refused.returncode == 1 and "right would be that of a user" in refused.stderr
    # A user's certificate makes no server: it does not start, and no client would take it.
    for shown, said in (("tls/user-operator", "is that of user operator; right would be that of server A"),
                        ("tls", "own.key cannot be read")):
        server = subprocess.run([KOMET, "server", "--site", ".", "--data", "other", "--tls", shown], text=True,
                                capture_output=True, timeout=30, check=False, cwd=site.folder)
        assert server.returncode == 1 and said in server.stderr
    undisturbed(site)


def test_a_server_that_shows_a_users_certificate_is_not_believed(tls_site):
    site = tls_site
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder(site, "tls/kom-SELF.KOM/own.crt"), folder(site, "tls/kom-SELF.KOM/own.key"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        tell = subprocess.Popen([KOMET, "tell", "-s", address, *site.tell_tls, "VERSION"], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        peer, _ = listener.accept()
        with contextlib.suppress(OSError), peer:
            context.wrap_socket(peer, server_side=True).recv(1)
        _, said = tell.communicate(timeout=30)
    assert tell.returncode == 1
    assert "tls-wrong-role: the server shows the certificate of kom SELF.KOM; right would be that of a server" in said


def test_a_key_that_others_can_read_is_not_used(tls_site):
    key = tls_site.folder / "tls" / "user-operator" / "own.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    refused = run_tell(tls_site, *tls_site.tell_tls)
    key.chmod(0o600)
    assert refused.returncode == 1 and "chmod 600" in refused.stderr


def test_beyond_this_machine_there_is_no_server_without_tls(new_site):
    site = new_site()
    refused = subprocess.run([KOMET, "server", "--site", ".", "--listen", "0.0.0.0:0"], text=True, capture_output=True,
                             timeout=30, check=False, cwd=site.folder)
    assert refused.returncode == 2  # port 0 is none
    refused = subprocess.run([KOMET, "server", "--site", ".", "--listen", f"0.0.0.0:{site.server_port}"], text=True,
                             capture_output=True, timeout=30, check=False, cwd=site.folder)
    assert refused.returncode == 1
    assert "0.0.0.0 may be reached from other machines" in refused.stderr and "--tls DIR" in refused.stderr
    text = (site.folder / "site.yaml").read_text()
    (site.folder / "site.yaml").write_text(text.replace(f"127.0.0.1:{site.server_port}", f"10.1.2.3:{site.server_port}"))
    for words in (["check", "."], ["server", "--site", "."]):
        refused = subprocess.run([KOMET, *words], text=True, capture_output=True, timeout=30, check=False, cwd=site.folder)
        assert refused.returncode == 1
        said = refused.stdout + refused.stderr
        assert "site.yaml:2:" in said and "10.1.2.3 may be reached from other machines" in said
        assert "tls: FOLDER" in said


def test_certificates_are_added_and_never_written_over(new_site):
    site = new_site()
    said = site.certificate("--site", ".")
    assert "the CA of site test" in said and "tls/server-A" in said and "tls/kom-SELF.KOM" in said
    authority = (site.folder / "tls" / "ca.key").read_bytes()
    assert "is there already" in site.certificate("--site", ".", "--user", "anna")
    for path in (site.folder / "tls").rglob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    again = subprocess.run([KOMET, "certificate", "tls", "--user", "anna"], text=True, capture_output=True, timeout=30,
                           check=False, cwd=site.folder)
    assert again.returncode == 1 and "nothing is written over" in again.stderr
    assert (site.folder / "tls" / "ca.key").read_bytes() == authority
    for words in (["tls"], [], ["tls", "--user", "../anna"], ["tls", "--user", "anna", "--days", "0"],
                  ["tls", "--user", "anna", "--from", "yesterday"]):
        wrong = subprocess.run([KOMET, "certificate", *words], text=True, capture_output=True, timeout=30, check=False,
                               cwd=site.folder)
        assert wrong.returncode == 2 and len(wrong.stderr.splitlines()) == 1


def test_strangers_who_shake_hands_all_the_time_cost_nobody_the_role(new_site):
    site = new_site(lease="600 ms")
    site.use_tls()
    site.certificate("--user", "flood", folder="foreign")  # the server does all the work before it refuses
    site.start_station()
    site.start_server()
    site.kom1 = site.start_kom(1)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    epoch = site.instance(1)["epoch"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(folder(site, "foreign/user-flood/own.crt"), folder(site, "foreign/user-flood/own.key"))
    end = time.monotonic() + 3
    done = []

    def knock():
        while time.monotonic() < end:
            with contextlib.suppress(OSError, ssl.SSLError):
                handshake(site, context)
            done.append(1)

    strangers = [threading.Thread(target=knock) for _ in range(8)]
    for stranger in strangers:
        stranger.start()
    slowest = 0.0
    while time.monotonic() < end:
        asked = time.monotonic()
        site.tell("SERVER")
        slowest = max(slowest, time.monotonic() - asked)
    for stranger in strangers:
        stranger.join()
    print(f"{len(done)} handshakes in 3 s; the slowest answer to a console took {slowest * 1000:.0f} ms")
    assert len(done) > 50
    assert site.active() == 1 and site.instance(1)["epoch"] == epoch


def test_the_other_instance_takes_over_at_once(tls_site):
    """From the kill to the first value that the other instance brought, printed."""
    site = tls_site
    killed = datetime.datetime.now(datetime.timezone.utc)
    site.kom1.popen.kill()
    wait_for(lambda: any(row["instance"] == 2 for row in site.tell("EVENTS", "M.*")), "values from instance 2", seconds=10)
    first = min(row["arrived"] for row in site.tell("EVENTS", "M.*") if row["instance"] == 2)
    took = datetime.datetime.fromisoformat(first.replace("Z", "+00:00")) - killed
    print(f"from kill -9 to the first value of the other instance: {took.total_seconds() * 1000:.0f} ms")
    assert 0 < took.total_seconds() < 2
