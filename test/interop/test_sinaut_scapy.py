"""What a site and a Sinaut pair really exchanged, recorded by LNTRACE: `komet dump --order sinaut` and scapy, which gets the
addresses turned round and is no code of ours, say the same of every APDU.

Where scapy reads a type otherwise than the standard, test_agree.py has it in KNOWN; nothing else is forgiven.

KOMET  the program; without it build/komet
"""

import pathlib
import sys

import pytest
import scapy.contrib.scada.iec104 as iec104

from asdu_decoders import FLOATS, captured_apdus, float_bits, komet_asdu, komet_lines, scapy_built, scapy_frame
from test_agree import RANGES, said_by

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "test" / "system"))

from komet_site import wait_for  # noqa: E402
from test_sinaut_pair import Ends  # noqa: E402

COMMON_ADDRESS = 513
VALUES = [type_id for type_id in RANGES if type_id <= 40]
OF_THE_PAIR = [type_id for type_id in VALUES if type_id not in (17, 18, 19, 20)]  # komet sim has no points of these
COMMANDS = [*range(45, 52), *range(58, 65)]
INTERROGATION, COUNTER_INTERROGATION = 100, 101
LAST = 99.5


def numbers_for(numbers, types):
    """The types one by one, with the number that stands for them."""
    return {type_id: number for group, number in zip(types, numbers, strict=True) for type_id in group}


# What is sent in each type, other than 0, and with other octets in each place where there are several.
BINARY, DOUBLE, STEP, BITS, NORMALIZED = (1, 2, 30), (3, 4, 31), (5, 6, 32), (7, 8, 33), (9, 10, 21, 34)
SCALED, SHORT, TOTAL = (11, 12, 35), (13, 14, 36), (15, 16, 37)
ELAPSED, EVENT = (17, 38), (17, 38, 18, 19, 39, 40)  # of which each sends what flag B or J says, beside a number
SENT = numbers_for((1, 2, -17, 0x01020304, 0.3125, -1234, -12.75, 0x01020304, 2, 0x00050006),
                   (BINARY, DOUBLE, STEP, BITS, NORMALIZED, SCALED, SHORT, TOTAL, EVENT, (20,)))
GIVEN = numbers_for((1, 2, 2, -0.25, -2345, 21.5, 0x0A0B0C0D),
                    ((45, 58), (46, 59), (47, 60), (48, 61), (49, 62), (50, 63), (51, 64)))

# The three octets of an address are three numbers: the type, which list below it is in, and one more.
INPUT, OUTPUT, ORDER, ORDERED = (1, 7), (2, 9), (3, 11), (4, 13)


def octets_of(type_id, kind):
    return type_id, *kind


def address(type_id, kind):
    return int.from_bytes(octets_of(type_id, kind), "big")


def written(type_id, kind):
    return '"{},{},{}"'.format(*octets_of(type_id, kind))


def input_type(type_id):
    if type_id in BINARY + (45, 58):
        return "Di"
    if type_id in DOUBLE + (46, 47, 59, 60):
        return "Qi"
    if type_id in (17, 38):
        return "TiR"
    return "Ai" if type_id in NORMALIZED + SHORT + (48, 61, 50, 63) else "Ci"


def output_type(type_id):
    if type_id in BINARY + (45, 47, 58, 60):
        return "Dout"
    return "Ao" if type_id in NORMALIZED + SHORT + (48, 61, 50, 63) else "Co"


TAGS = "".join([
    *(f"I.{t},{input_type(t)},{written(t, INPUT)},\n" for t in OF_THE_PAIR),
    *(f"O.{t},{output_type(t)},{written(t, OUTPUT)},{t}\n" for t in VALUES),
    *(f"C.{t},{output_type(t)},{written(t, ORDER)},{t}\n" for t in COMMANDS),
    *(f"G.{t},{input_type(t)},{written(t, ORDERED)},\n" for t in COMMANDS),
])
STATIONS = f"stations:\n  - ca: {COMMON_ADDRESS}\n    points:\n" + "".join(
    [f"      - {{ioa: {address(t, INPUT)}, type: {t}, constant: 0}}\n" for t in OF_THE_PAIR]
    + [f"      - {{ioa: {address(t, ORDER)}, type: {t}}}\n" for t in COMMANDS])


def flags_of(type_id):
    if type_id == 21:
        return []
    return ["BFG" if type_id in ELAPSED else "JFG" if type_id in EVENT else "FG"]


def set_all(komet):
    """Each output, with flags where its type has them; each command, with a qualifier where it has one."""
    for type_id in VALUES:
        value = "on" if output_type(type_id) == "Dout" else str(SENT[type_id])
        assert komet.tell("SET", f"O.{type_id}", value, *flags_of(type_id))
    for type_id in COMMANDS:
        value = "on" if output_type(type_id) == "Dout" else str(GIVEN[type_id])
        komet.run_tell("SET", f"C.{type_id}", value)
        komet.run_tell("SET", f"C.{type_id}", value, *([] if type_id in (51, 64) else ["CDE"]))


def exchange(ends):
    """Values, commands, interrogations both ways; what is refused, negative, of a test and of no station."""
    komet, pair = ends.komet, ends.pair
    set_all(komet)
    for type_id in OF_THE_PAIR:
        pair.order(f"value {COMMON_ADDRESS} {address(type_id, INPUT)} {SENT[type_id]}")
    for type_id in COMMANDS:
        pair.order(f"command {COMMON_ADDRESS} {address(type_id, ORDERED)} {type_id} {GIVEN[type_id]}")
    for system in "ab":
        pair.order(f"interrogate {system}")
        pair.order(f"interrogate {system} {COMMON_ADDRESS}")
    assert komet.tell("INTERROGATE", "B.S")
    assert komet.tell("INTERROGATE", "B.S", "COUNTERS")
    pair.order("misbehave negative")
    assert "negative confirmation" in komet.run_tell("SET", "C.45", "off").stdout
    for misbehaviour in ("mark-test", "wrong-ca"):
        pair.order(f"misbehave {misbehaviour}")
        pair.order(f"value {COMMON_ADDRESS} {address(36, INPUT)} {len(misbehaviour)}")
    pair.order("behave")
    pair.order(f"value {COMMON_ADDRESS} {address(36, INPUT)} {LAST}")
    wait_for(lambda: komet.value("I.36") == LAST, "the pair's last event")
    wait_for(lambda: {int(row["type"]) for row in pair.got(cause=10)} >= {*COMMANDS, INTERROGATION}, "the pair's commands end")


class Recorded:
    """What LNTRACE has, as scapy reads it: frames by (source, destination), and how they are seen from the site."""

    def __init__(self, komet, path):
        self.path = path
        saved = komet.tell("LNTRACE", "L.S", "SAVE", str(path))
        assert saved["missing"] == 0
        self.apdus = captured_apdus(path)
        self.frames = {ends: [scapy_frame(apdu, True) for apdu in apdus] for ends, apdus in self.apdus.items()}

    def asdus(self, received=None):
        """All; or those that the site received, or sent: the pair's ends have the port of the standard."""
        return [frame["asdu"] for (source, _), frames in self.frames.items() for frame in frames
                if "asdu" in frame and received in (None, source.endswith(":2404"))]

    def types(self, received, *causes):
        return {asdu["type"] for asdu in self.asdus(received) if asdu["cot"] in causes}

    def functions(self):
        return {frame["function"] for frames in self.frames.values() for frame in frames if "function" in frame}


@pytest.fixture(name="recorded", scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sinaut")
    ends = Ends(folder, parameters="WT1: 2000, WT2: 500, WT3: 500", stations=STATIONS, tags=TAGS)
    try:
        ends.ready()
        exchange(ends)
        yield wait_for(lambda: has_tests(Recorded(ends.komet, folder / "line.pcap")), "test frames on the quiet paths")
    finally:
        ends.end()


def has_tests(recorded):
    return recorded if {"TESTFR act", "TESTFR con"} <= recorded.functions() else None


def meant_by(asdu):
    """What scapy should have said: its faults in KNOWN turn octets round, so that twice is not at all."""
    return said_by("scapy", asdu)


def test_every_type_goes_both_ways(recorded):
    assert recorded.types(True, 3) == set(OF_THE_PAIR) and recorded.types(False, 3) == set(VALUES)
    assert recorded.types(True, 6) == {*COMMANDS, INTERROGATION}  # the pair asks for no totals alone
    assert recorded.types(False, 6) == {*COMMANDS, INTERROGATION, COUNTER_INTERROGATION}
    for received in (True, False):
        assert recorded.types(received, 7) == recorded.types(received, 10) == recorded.types(not received, 6)
    assert recorded.types(True, 37) == {15, 16, 37} and recorded.types(False, 20) == set(VALUES)


def test_every_kind_of_frame_is_among_them(recorded):
    assert recorded.functions() == {"STARTDT act", "STARTDT con", "TESTFR act", "TESTFR con"}
    assert {frame["format"] for frames in recorded.frames.values() for frame in frames} == {"I", "S", "U"}
    asdus = recorded.asdus()
    assert {asdu["negative"] for asdu in asdus} == {asdu["test"] for asdu in asdus} == {0, 1}
    assert {asdu["ca"] for asdu in asdus} == {COMMON_ADDRESS, 65534, 65535}
    assert {asdu["oa"] for asdu in asdus if asdu["type"] in COMMANDS} == {1, 7}
    assert len(recorded.frames) == 8  # four connections, each with two directions


def raw(type_id, number):
    """A number as the field of an ASDU has it."""
    if type_id in FLOATS:
        return float_bits(number)
    return int(number * 32768) if type_id in NORMALIZED + (48, 61) else number


def test_addresses_and_values_are_those_that_were_given(recorded):
    """As scapy reads them with the octets of addresses turned round: so these are in Sinaut's order on the wire."""
    found = {(received, asdu["type"], fields["ioa"], fields["value"]) for received in (True, False)
             for asdu in map(meant_by, recorded.asdus(received)) for fields in asdu["objects"] if "value" in fields}
    assert found >= {(True, t, address(t, INPUT), raw(t, SENT[t])) for t in OF_THE_PAIR}
    assert found >= {(False, t, address(t, OUTPUT), raw(t, SENT[t])) for t in VALUES}
    assert found >= {(received, t, address(t, kind), raw(t, GIVEN[t])) for received in (True, False) for t in COMMANDS
                     for kind in (ORDER, ORDERED)}
    kinds = {True: (INPUT, ORDER, ORDERED), False: (OUTPUT, ORDER, ORDERED)}
    assert all(ioa in [address(t, kind) for kind in kinds[received]] for received, t, ioa, _ in found)


def test_dump_says_of_every_apdu_what_scapy_says(recorded):
    lines = {}
    for line in komet_lines(recorded.path, "--order", "sinaut"):
        lines.setdefault((line["source"], line["destination"]), []).append(line)
    assert lines.keys() == recorded.frames.keys()
    for ends, frames in recorded.frames.items():
        for number, (line, frame) in enumerate(zip(lines[ends], frames, strict=True)):
            expected = dict(frame)
            said = {name: line[name] for name in ("format", "ns", "nr", "function", "asdu") if name in line}
            if "asdu" in frame:
                meant = meant_by(frame["asdu"])
                expected["asdu"] = said_by("komet", meant)
                said["asdu"] = komet_asdu(line, meant)
            assert said == expected, (ends, number, recorded.apdus[ends][number].hex())


def test_scapy_builds_the_same_octets_of_it(recorded):
    for ends, frames in recorded.frames.items():
        for frame, apdu in zip(frames, recorded.apdus[ends], strict=True):
            if frame["format"] == "U":
                name = frame["function"].lower().replace(" ", "_")
                built = bytes(iec104.IEC104_U_Message(**{name: 1}))
            elif frame["format"] == "S":
                built = bytes(iec104.IEC104_S_Message(rx_seq_num=frame["nr"]))
            else:
                built = scapy_built(frame["asdu"], frame["ns"], True, frame["nr"])
            assert built == apdu, frame
