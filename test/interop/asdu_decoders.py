"""ASDUs as fields, whoever read or wrote them: what interop-generate meant, and what komet, tshark and scapy say.

All give the same form, with the names of test/interop/content.c:

    {"type", "sq", "cot", "negative", "test", "oa", "ca", "objects": [{"ioa", "value", "iv", ...}, ...]}

Fields are whole numbers: flags 0 or 1, a normalized value its 16-bit integer, a float its 32 bits, a qualifier its
octet or the bits beside S/E; "segment" is hexadecimal. A field that a decoder does not give is not there.

KOMET  the program, for the folder that it was built in; without it build/komet
"""

import json
import math
import pathlib
import struct
import subprocess
import xml.etree.ElementTree

import scapy.contrib.scada.iec104 as iec104
from scapy.layers.inet import IP, TCP
from scapy.utils import rdpcap

from test_dump import KOMET

PROGRAMS = pathlib.Path(KOMET).resolve().parent / "test" / "interop"
FLOATS = {13, 14, 36, 50, 63, 112}
FLAGS = ("iv", "nt", "sb", "bl", "ov", "ei", "ca", "cy")
HEADER = ("type", "sq", "cot", "negative", "test", "oa", "ca")
APCI_SIZE = 6
ASDU_HEADER_SIZE = 6
IOA_SIZE = 3


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def whole_number(text):
    """-0, a float's, would lose its sign as a whole number."""
    return -0.0 if text == "-0" else int(text)


def json_lines(*words):
    return [json.loads(line, parse_int=whole_number) for line in run(*words).splitlines()]


def generated(*options):
    """What the library wrote, and what was meant: (APDUs, ASDUs)."""
    asdus = json_lines(PROGRAMS / "interop-generate", *options)
    return [bytes.fromhex(asdu.pop("octets")) for asdu in asdus], asdus


def write_capture(path, apdus):
    """A pcap file: each APDU in a TCP segment of its own, from a station to its centre."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        sequence = 1
        for number, apdu in enumerate(apdus):
            tcp = struct.pack(">HHIIBBHHH", 2404, 40000, sequence, 1, 0x50, 0x18, 65535, 0, 0) + apdu
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
            packet = bytes(12) + b"\x08\x00" + ip + tcp
            file.write(struct.pack("<IIII", 1700000000 + number, 0, len(packet), len(packet)) + packet)
            sequence += len(apdu)
    return path


def float_bits(number):
    return struct.unpack("<I", struct.pack("<f", number))[0]


# ---- komet dump --json ----

KOMET_NAMES = {"transient", "sequence", "elapsed_ms", "qualifier", "select", "pattern", "file", "section", "length",
               "checksum", "segment"}


def komet_time(text, prefix, o, of_the_tag, of_the_calendar):
    date, _, clock = text.rstrip("Z").rpartition("T")
    *hour, minute, second = clock.split(":")
    fields = {"minute": int(minute), "ms": int(second.replace(".", "")),
              "time_iv": int(o.pop(of_the_tag + "invalid", False)),
              "time_sub": int(o.pop(of_the_tag + "substituted", False))}
    if date:
        year, month, day = date.split("-")
        fields |= {"hour": int(hour[0]), "day": int(day), "month": int(month), "year": int(year) % 100,
                   "summer": int(o.pop(of_the_calendar + "summer_time", False)),
                   "weekday": o.pop(of_the_calendar + "day_of_week", 0)}
        assert o.pop(of_the_tag + "implausible", False) == (not text.endswith("Z"))
    return {prefix + name: number for name, number in fields.items()}


def komet_object(type_id, o, names):
    """`names`: the flags that the type has; only those that are set are in what komet prints."""
    fields = {"ioa": o.pop("ioa")}
    value = o.pop("raw", o["value"])
    o.pop("value")
    if type_id in FLOATS:
        value = float_bits(float(value))
    if value is not None:
        fields["value"] = int(value)
    quality = [bit.lower() for bit in o.pop("quality")]
    fields |= {flag: int(flag in quality) for flag in FLAGS if flag in quality or flag in names}
    time = o.pop("time")
    if time is not None:
        fields |= komet_time(time, "", o, "time_", "")
    for name, prefix in (("start", ""), ("stop", "stop_")):
        if name in o:
            fields |= komet_time(o.pop(name), prefix, o, name + "_", name + "_")
    assert o.keys() <= KOMET_NAMES, o
    return fields | {name: rest if name == "segment" else int(rest) for name, rest in o.items()}


def komet_asdu(line, meant):
    asdu = {name: int(line["asdu"][name]) for name in HEADER}
    asdu["objects"] = [komet_object(asdu["type"], o, meant["objects"][0]) for o in line["asdu"]["objects"]]
    return asdu


def komet_lines(path, *options):
    lines = json_lines(KOMET, "dump", "--json", *options, path)
    assert not [line for line in lines if "error" in line]
    return lines


def komet_asdus(path, meant, *options):
    """`meant`: for the names of the flags that each type has."""
    return [komet_asdu(line, what) for line, what in zip(komet_lines(path, *options), meant, strict=True)]


# ---- tshark ----

TSHARK_HEADER = {"typeid": "type", "sq": "sq", "causetx": "cot", "nega": "negative", "test": "test", "oa": "oa",
                 "addr": "ca"}
TSHARK_NAMES = {
    "ioa": "ioa", "siq.spi": "value", "diq.dpi": "value", "vti.v": "value", "vti.t": "transient", "bitstring": "value",
    "scalval": "value", "bcr.count": "value", "sco.on": "value", "dco.on": "value", "rco.up": "value",
    "bcr.sq": "sequence", "bcr.cy": "cy", "bcr.ca": "ca", "bcr.iv": "iv",
    **{f"{octet}.{bit}": bit for octet in ("siq", "diq", "qds") for bit in ("iv", "nt", "sb", "bl", "ov")},
    **{f"{octet}.qu": "qualifier" for octet in ("sco", "dco", "rco")}, "qos.ql": "qualifier",
    **{f"{octet}.se": "select" for octet in ("sco", "dco", "rco", "qos")},
    **{octet: "qualifier" for octet in ("coi", "qoi", "qcc", "qrp", "qpm")},
    **{f"{tag}.{name}": to for tag in ("cp24time", "cp56time")
       for name, to in (("ms", "ms"), ("min", "minute"), ("iv", "time_iv"), ("gen", "time_sub"), ("hour", "hour"),
                        ("su", "summer"), ("day", "day"), ("dow", "weekday"), ("month", "month"), ("year", "year"))},
}
# Octets and times of which the parts are named above; parts of octets that are named above.
TSHARK_WHOLES = {"siq", "diq", "vti", "qds", "qos", "sco", "dco", "rco", "cp24time", "cp56time"}
TSHARK_PARTS = {"coi_r", "coi_i", "rqt", "frz", "qpm.kpa", "qpm.lpc", "qpm.pop", "numix"}


def tshark_number(name, field):
    """The number of a field, which stands in its octets; what tshark prints of it must be near."""
    octets = bytes.fromhex(field.get("value"))
    shown = float(field.get("show"))
    if name == "normval":
        number = struct.unpack("<h", octets)[0]
        real = number / 32768
    else:
        number = struct.unpack("<I", octets)[0]
        real = struct.unpack("<f", octets)[0]
    near = shown == real or math.isnan(shown) and math.isnan(real) or abs(shown - real) <= abs(real) * 1e-5
    assert near, (name, shown, real)
    return number


def tshark_asdu(fields):
    asdu = {"objects": []}
    for field in fields:
        name = field.get("name").removeprefix("iec60870_asdu.")
        if name in TSHARK_HEADER:
            asdu[TSHARK_HEADER[name]] = int(field.get("show"), 0)
        elif name == "rawdata":  # of a type that it does not know
            asdu["raw"] = field.get("value")
        elif name in ("normval", "float"):
            asdu["objects"][-1]["value"] = tshark_number(name, field)
        elif name in TSHARK_NAMES:
            if name == "ioa":
                asdu["objects"].append({})
            asdu["objects"][-1][TSHARK_NAMES[name]] = int(field.get("show"), 0)
        else:
            assert name in TSHARK_WHOLES | TSHARK_PARTS | {""}, name
    return asdu


def tshark_asdus(path):
    """`raw`, hexadecimal, is in an ASDU of a type that tshark does not know; then there is one object, an address."""
    command = ["tshark", "-r", str(path), "-T", "pdml", "-J", "iec60870_asdu", "-Y", "iec60870_asdu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tshark:
        asdus = []
        for _, packet in xml.etree.ElementTree.iterparse(tshark.stdout):
            if packet.tag == "packet":
                asdus += [tshark_asdu(proto.iter("field")) for proto in packet.iter("proto")
                          if proto.get("name") == "iec60870_asdu"]
                packet.clear()
    assert tshark.returncode == 0
    return asdus


# ---- scapy ----

# Which field of ours, from which of its bits on.
SCAPY_NAMES = {
    **{name: ("value", 0) for name in ("spi_value", "dpi_value", "value", "normed_value", "scaled_value",
                                       "counter_value", "bsi", "es", "scs", "dcs", "rcs")},
    **{name: ("value", bit) for bit, name in enumerate(("gs", "sl1", "sl2", "sl3", "sie", "srd"))},
    **{name: ("value", bit) for bit, name in enumerate(("gc", "cl1", "cl2", "cl3"))},
    **{f"st_{n}": ("value", n - 1) for n in range(1, 17)}, **{f"cd_{n}": ("value", n + 15) for n in range(1, 17)},
    **{flag: (flag, 0) for flag in FLAGS}, "transient_state": ("transient", 0), "sq": ("sequence", 0),
    **{name: ("select", 0) for name in ("s_or_e", "action")},
    **{name: ("qualifier", 0) for name in ("qu", "ql", "coi", "qoi", "rqt", "qrp", "kpa", "qpa", "fr", "sr",
                                           "select_call", "lsq", "ack_file_or_sec", "status")},
    "local_param_state": ("qualifier", 7), "frz": ("qualifier", 6), "lpc": ("qualifier", 6), "pop": ("qualifier", 7),
    "fr_ack": ("qualifier", 7), "section_load_state": ("qualifier", 7), "errors": ("qualifier", 4),
    "lfd": ("qualifier", 5), "for_": ("qualifier", 6), "fa": ("qualifier", 7),
    **{f"{what}_sec_milli": ("elapsed_ms", 0) for what in ("elapsed", "prot_act", "prot_cmd")},
    "fbp": ("pattern", 0), "tsc": ("pattern", 0), "file_name": ("file", 0), "section_name": ("section", 0),
    "file_length": ("length", 0), "checksum": ("checksum", 0), "information_object_address": ("ioa", 0),
    "iv_time": ("time_iv", 0), "gen": ("time_sub", 0),
    **{prefix + name: (to + field, 0) for prefix, to in (("", ""), ("start_", ""), ("stop_", "stop_"))
       for name, field in (("sec_milli", "ms"), ("minutes", "minute"), ("iv", "time_iv"), ("gen", "time_sub"),
                           ("su", "summer"), ("hours", "hour"), ("weekday", "weekday"), ("day_of_month", "day"),
                           ("month", "month"), ("year", "year"))
       if prefix or name != "iv"},
}
DELAY = 106  # its CP16Time2a has the name that a time tag's milliseconds have elsewhere


def scapy_name(type_id, name):
    return ("elapsed_ms", 0) if type_id == DELAY and name == "sec_milli" else SCAPY_NAMES[name]


def scapy_object(type_id, io):
    fields = {}
    for field in io.fields_desc:
        value = getattr(io, field.name)
        if field.name.startswith("reserved") or "_reserved" in field.name:
            assert value == 0, (type_id, field.name)
        elif field.name == "segment_length":
            assert value == len(io.data)
        elif field.name == "data":
            fields["segment"] = value.hex()
        else:
            if field.name == "normed_value":
                value = int(value * 32768)
            elif field.name == "scaled_value" and type_id in FLOATS:
                value = float_bits(value)
            name, bit = scapy_name(type_id, field.name)
            fields[name] = fields.get(name, 0) + (value << bit)
    return fields


def turned(number, size):
    """An address whose octets are read in the other order."""
    return int.from_bytes(number.to_bytes(size, "little"), "big")


def scapy_asdu(apdu, sinaut):
    message = iec104.iec104_decode(apdu)
    asdu = {"type": message.type_id, "sq": message.sq, "cot": message.cot, "negative": message.ack,
            "test": message.test, "oa": message.origin_address, "ca": message.common_asdu_address,
            "objects": [scapy_object(message.type_id, io) for io in message.io]}
    assert message.num_io == len(message.io)
    turn = turned if sinaut else lambda number, size: number
    asdu["ca"] = turn(asdu["ca"], 2)
    for index, fields in enumerate(asdu["objects"]):
        if message.sq:
            fields["ioa"] = turn(message.information_object_address, IOA_SIZE) + index
        else:
            fields["ioa"] = turn(fields["ioa"], IOA_SIZE)
    return asdu


def scapy_asdus(apdus, sinaut=False):
    return [scapy_asdu(apdu, sinaut) for apdu in apdus]


U_FUNCTIONS = {f"{name.lower()}_{part}": f"{name} {part}" for name in ("STARTDT", "STOPDT", "TESTFR") for part in ("act", "con")}


def scapy_frame(apdu, sinaut=False):
    """`format` and, as the format has them, `ns`, `nr`, `function`, with the words of `komet dump --json`; and `asdu`."""
    message = iec104.iec104_decode(apdu)
    if isinstance(message, iec104.IEC104_U_Message):
        (function,) = [words for name, words in U_FUNCTIONS.items() if getattr(message, name)]
        return {"format": "U", "function": function}
    if isinstance(message, iec104.IEC104_S_Message):
        return {"format": "S", "nr": message.rx_seq_num}
    return {"format": "I", "ns": message.tx_seq_num, "nr": message.rx_seq_num, "asdu": scapy_asdu(apdu, sinaut)}


def captured_apdus(path):
    """The APDUs of a capture file without gaps, by (source, destination), as scapy finds packets and octets."""
    streams, expected = {}, {}
    for packet in rdpcap(str(path)):
        tcp = packet[TCP]
        ends = f"{packet[IP].src}:{tcp.sport}", f"{packet[IP].dst}:{tcp.dport}"
        octets = tcp.payload.original
        assert tcp.seq == expected.get(ends, tcp.seq), f"{ends}: a gap"
        expected[ends] = tcp.seq + len(octets) + ("S" in tcp.flags) + ("F" in tcp.flags)
        streams[ends] = streams.get(ends, b"") + octets
    apdus = {}
    for ends, octets in streams.items():
        while octets:
            size = 2 + octets[1]
            apdus.setdefault(ends, []).append(octets[:size])
            octets = octets[size:]
    return apdus


def scapy_field(type_id, field, fields):
    """The value of a field of scapy's for an object to be built."""
    if field.name == "data":
        return bytes.fromhex(fields["segment"])
    name, bit = scapy_name(type_id, field.name)
    value = fields[name]
    if field.name == "normed_value":
        return value  # it wants the integer, though it gives the fraction
    if field.name == "scaled_value" and type_id in FLOATS:
        return struct.unpack("<f", struct.pack("<I", value))[0]
    size = getattr(field, "size", None)
    return value if field.name == "value" or size is None else value >> bit & ((1 << size) - 1)


def scapy_built(asdu, number, sinaut=False, received=0):
    """The octets of an I format that scapy makes of the fields; N(S) is `number`, N(R) `received`."""
    turn = turned if sinaut else lambda number, size: number
    classes = iec104.IEC104_IO_CLASSES if asdu["sq"] else iec104.IEC104_IO_WITH_IOA_CLASSES
    io = []
    for fields in asdu["objects"]:
        fields = {**fields, "ioa": turn(fields["ioa"], IOA_SIZE)}
        names = [field for field in classes[asdu["type"]].fields_desc
                 if "reserved" not in field.name and field.name != "segment_length"]
        io.append(classes[asdu["type"]](**{field.name: scapy_field(asdu["type"], field, fields) for field in names}))
    header = {"tx_seq_num": number, "rx_seq_num": received, "type_id": asdu["type"], "test": asdu["test"], "ack": asdu["negative"],
              "cot": asdu["cot"], "origin_address": asdu["oa"], "common_asdu_address": turn(asdu["ca"], 2), "io": io}
    if asdu["sq"]:
        first = turn(asdu["objects"][0]["ioa"], IOA_SIZE)
        return bytes(iec104.IEC104_I_Message_SeqIOA(information_object_address=first, **header))
    return bytes(iec104.IEC104_I_Message_SingleIOA(**header))
