"""Every capture read by `komet dump --json` and by tshark: both must say the same of every ASDU and object.

KOMET           the program; without it build/komet
KOMET_CAPTURES  a folder with more captures; without it ../shared/captures beside the project, if it is there
"""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import xml.etree.ElementTree

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
KOMET = os.environ.get("KOMET", str(PROJECT / "build" / "komet"))
OWN = PROJECT / "test" / "data" / "captures"
MORE = pathlib.Path(os.environ.get("KOMET_CAPTURES", PROJECT.parent / "shared" / "captures"))

# Types of which values, quality and time are compared; of others only the header.
TYPES = {1, 3, 9, 11, 13, 30, 31, 34, 35, 36, 45, 46, 50, 58, 59, 63, 70, 100, 101, 103}


def captures_in(folder):
    return sorted(p for p in folder.glob("*") if p.suffix in (".pcap", ".pcapng", ".cap"))


def dump(path, *options):
    return subprocess.run([KOMET, "dump", "--json", *options, str(path)], capture_output=True, text=True, timeout=60)


def lines_of(path):
    run = dump(path)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def port_of(end):
    return int(end.rsplit(":", 1)[1])


def ours(lines):
    """By direction (source, destination): the ASDUs in order, each reduced to what is compared."""
    streams = {}
    for line in lines:
        asdu = line.get("asdu")
        if asdu is None:
            continue
        entry = {k: asdu[k] for k in ("type", "sq", "cot", "negative", "test", "oa", "ca")}
        if asdu["type"] in TYPES:
            assert "error" not in line, line
            entry["objects"] = [our_object(o) for o in asdu["objects"]]
        streams.setdefault((line["source"], line["destination"]), []).append(entry)
    return streams


def our_object(o):
    value = o.get("raw", o["value"])
    if isinstance(value, float) or value in ("NaN", "Infinity", "-Infinity"):
        value = struct.pack("<f", float(value))
    return {
        "ioa": o["ioa"],
        "value": value,
        "quality": set(o["quality"]),
        "time": o["time"],
        "time_invalid": o.get("time_invalid", False),
        "summer_time": o.get("summer_time", False),
        "qualifier": o.get("qualifier"),
        "select": o.get("select"),
    }


def theirs(path, lines):
    """The same out of tshark's PDML, which keeps order and repeated fields."""
    command = ["tshark", "-r", str(path), "-T", "pdml", "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", "iec60870_asdu"]
    for port in {port_of(l["source"]) for l in lines} | {port_of(l["destination"]) for l in lines}:
        ends = [e for l in lines for e in (l["source"], l["destination"]) if port_of(e) == port]
        if port != 2404 and not any(2404 in (port_of(l["source"]), port_of(l["destination"])) for l in lines
                                    if ends[0] in (l["source"], l["destination"])):
            command += ["-d", f"tcp.port=={port},iec60870_104"]
    run = subprocess.run(command, capture_output=True, timeout=300)
    assert run.returncode == 0, run.stderr
    streams = {}
    for packet in xml.etree.ElementTree.fromstring(run.stdout).iter("packet"):
        fields = {f.get("name"): f.get("show") for f in packet.iter("field")
                  if f.get("name") in ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport")}
        ends = tuple(f"[{fields[v6]}]:{fields[port]}" if v6 in fields else f"{fields[v4]}:{fields[port]}"
                     for v4, v6, port in (("ip.src", "ipv6.src", "tcp.srcport"), ("ip.dst", "ipv6.dst", "tcp.dstport")))
        for proto in packet.iter("proto"):
            if proto.get("name") == "iec60870_asdu":
                streams.setdefault(ends, []).append(their_asdu(proto))
    return streams


def their_asdu(proto):
    prefix = "iec60870_asdu."
    header = {}
    objects = []
    for field in proto.iter("field"):
        name = field.get("name")
        if not name.startswith(prefix):
            continue
        name = name[len(prefix):]
        if name == "ioa":
            objects.append({})
        (objects[-1] if objects else header)[name] = field
    number = lambda name: int(header[name].get("show"), 0)
    entry = {"type": number("typeid"), "sq": bool(number("sq")), "cot": number("causetx"),
             "negative": bool(number("nega")), "test": bool(number("test")), "oa": number("oa"), "ca": number("addr")}
    if entry["type"] in TYPES:
        assert len(objects) == number("numix")
        entry["objects"] = [their_object(entry["type"], o) for o in objects]
    return entry


def their_object(type_id, fields):
    show = {name: int(f.get("show"), 0) for name, f in fields.items()
            if name not in ("float", "normval") and f.get("show").replace("0x", "").strip("-").isalnum()
            and f.get("show")[:1] in "-0123456789"}
    value = None
    for name in ("siq.spi", "sco.on"):
        if name in show:
            value = bool(show[name])
    for name in ("diq.dpi", "dco.on", "scalval"):
        if name in show:
            value = show[name]
    if "normval" in fields:
        value = struct.unpack("<h", bytes.fromhex(fields["normval"].get("value")))[0]
    if "float" in fields:
        value = bytes.fromhex(fields["float"].get("value"))
    qualifier = None
    for name in ("sco.qu", "dco.qu", "qos.ql", "qoi", "qcc", "coi"):
        if name in show:
            qualifier = show[name]
    select = None
    for name in ("sco.se", "dco.se", "qos.se"):
        if name in show:
            select = bool(show[name])
    return {
        "ioa": show["ioa"],
        "value": value,
        "quality": {bit.upper() for bit in ("iv", "nt", "sb", "bl", "ov")
                    for octet in ("siq", "diq", "qds") if show.get(f"{octet}.{bit}") == 1},
        "time": their_time(show),
        "time_invalid": show.get("cp56time.iv") == 1,
        "summer_time": show.get("cp56time.su") == 1,
        "qualifier": qualifier,
        "select": select,
    }


def their_time(show):
    if "cp56time.ms" not in show:
        return None
    part = {name.split(".")[1]: n for name, n in show.items() if name.startswith("cp56time.")}
    text = (f"{2000 + part['year']:04}-{part['month']:02}-{part['day']:02}"
            f"T{part['hour']:02}:{part['min']:02}:{part['ms'] // 1000:02}.{part['ms'] % 1000:03}")
    plausible = (1 <= part["month"] <= 12 and 1 <= part["day"] <= 31 and part["hour"] < 24 and part["min"] < 60
                 and part["ms"] < 60000)
    return text + ("Z" if plausible else "")


def agree(path):
    lines = lines_of(path)
    mine, other = ours(lines), theirs(path, lines)
    assert mine.keys() == other.keys()
    objects = 0
    for ends, asdus in other.items():
        assert len(mine[ends]) == len(asdus), ends
        for number, (a, b) in enumerate(zip(mine[ends], asdus)):
            for key in b:
                if key == "objects":
                    for one, two in zip(a[key], b[key]):
                        # tshark prints a whole-numbered float's octets; so do we, from the number
                        if isinstance(two["value"], bytes) and not isinstance(one["value"], bytes):
                            one["value"] = struct.pack("<f", one["value"])
                assert a[key] == b[key], (ends, number, key)
            objects += len(b.get("objects", []))
    return objects


def need_tshark():
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")


@pytest.mark.parametrize("path", captures_in(OWN), ids=lambda p: p.name)
def test_own_captures_agree_with_tshark(path):
    need_tshark()
    agree(path)


def test_own_captures_have_objects_to_compare():
    need_tshark()
    assert sum(agree(path) for path in captures_in(OWN)) > 0


@pytest.mark.parametrize("path", captures_in(MORE) or [None], ids=lambda p: p.name if p else "none")
def test_more_captures_agree_with_tshark(path):
    if path is None:
        pytest.skip("no folder with more captures: set KOMET_CAPTURES")
    need_tshark()
    agree(path)


def test_octets_through_a_pipe_give_the_same():
    path = captures_in(OWN)[0]
    run = subprocess.run([KOMET, "dump", "--json", "-"], stdin=path.open("rb"), capture_output=True, text=True,
                         timeout=60)
    assert run.returncode == 0
    assert run.stdout == dump(path).stdout


def test_one_line_an_apdu_for_people():
    path = OWN / "sequence_of_elements.pcapng"
    run = subprocess.run([KOMET, "dump", str(path)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0
    assert len(run.stdout.splitlines()) == len(lines_of(path))
    assert " M_SP_NA_1 " in run.stdout.splitlines()[0]


def test_a_truncated_file_is_said_and_read_as_far_as_it_is_whole(tmp_path):
    whole = OWN / "set_point_with_time.pcap"
    part = tmp_path / "part.pcap"
    part.write_bytes(whole.read_bytes()[:-7])
    run = dump(part)
    assert run.returncode == 1
    assert "part.pcap: at octet " in run.stderr and "ends within a record" in run.stderr
    assert dump(whole).stdout.startswith(run.stdout) and run.stdout != ""


def test_what_cannot_be_read_is_said(tmp_path):
    run = dump(tmp_path / "absent.pcap")
    assert run.returncode == 1 and "absent.pcap" in run.stderr
    text = tmp_path / "text.pcap"
    text.write_text("this is no capture")
    run = dump(text)
    assert run.returncode == 1 and "no capture file" in run.stderr and run.stdout == ""


@pytest.mark.parametrize("options", [[], ["a", "b"], ["--order", "upside-down", "a"], ["--order=x", "a"],
                                     ["--port", "0", "a"], ["--port=65536", "a"], ["--unknown", "a"], ["--order"],
                                     ["--json=yes", "a"]])
def test_a_wrong_command_line_is_refused(options):
    run = subprocess.run([KOMET, "dump", *options], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and run.stdout == "" and run.stderr.startswith("komet dump: ")


def test_help_and_version():
    run = subprocess.run([KOMET, "dump", "--help"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and "--order" in run.stdout
    run = subprocess.run([KOMET, "dump", "--version"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and run.stdout.startswith("komet ")


def test_sinaut_order_turns_the_addresses_round():
    path = OWN / "sequence_of_elements.pcapng"
    standard = lines_of(path)[0]["asdu"]
    run = dump(path, "--order=sinaut")
    turned = json.loads(run.stdout.splitlines()[0])["asdu"]
    assert turned["ca"] == int.from_bytes(standard["ca"].to_bytes(2, "little"), "big")
    assert turned["objects"][0]["ioa"] == int.from_bytes(standard["objects"][0]["ioa"].to_bytes(3, "little"), "big")
