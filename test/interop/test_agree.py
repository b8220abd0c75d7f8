"""ASDUs of every type, decoded by three programs that know nothing of each other: all must say what was meant.

interop-generate writes the octets with libkomet and says what it meant by each field; `komet dump`, tshark and scapy
read them. Where one of these says something else, that stands in KNOWN below: the types, the field, what exactly it
says instead, and why. Nothing else is forgiven, and what stands there must still be so.

Cases of the conformance list: A33, quality bits, and A34, the values of types 1 to 40.
"""

import shutil
from typing import Callable, NamedTuple

import pytest

from asdu_decoders import (APCI_SIZE, ASDU_HEADER_SIZE, FLAGS, FLOATS, IOA_SIZE, PROGRAMS, generated, json_lines,
                           komet_asdus, scapy_asdus, scapy_built, tshark_asdus, write_capture)

# What can be in an object, by type: the value's range. Types without a value have None.
I16, I32, U32 = (-32768, 32767), (-2147483648, 2147483647), (0, 4294967295)
RANGES = {
    1: (0, 1), 2: (0, 1), 3: (0, 3), 4: (0, 3), 5: (-64, 63), 6: (-64, 63), 7: U32, 8: U32, 9: I16, 10: I16, 11: I16,
    12: I16, 13: U32, 14: U32, 15: I32, 16: I32, 17: (0, 3), 18: (0, 63), 19: (0, 15), 20: U32, 21: I16,
    30: (0, 1), 31: (0, 3), 32: (-64, 63), 33: U32, 34: I16, 35: I16, 36: U32, 37: I32, 38: (0, 3), 39: (0, 63),
    40: (0, 15),
    45: (0, 1), 46: (0, 3), 47: (0, 3), 48: I16, 49: I16, 50: U32, 51: U32,
    58: (0, 1), 59: (0, 3), 60: (0, 3), 61: I16, 62: I16, 63: U32, 64: U32,
    70: None, 100: None, 101: None, 102: None, 103: None, 104: None, 105: None, 106: None, 107: None,
    110: I16, 111: I16, 112: U32, 113: None,
    120: None, 121: None, 122: None, 123: None, 124: None, 125: None, 126: None, 127: None,
}
MONITORED = [type_id for type_id in RANGES if type_id <= 40]
SEQUENCES = {1, 3, 5, 7, 9, 11, 13, 15, 20, 21, 126}
FLOAT_MAX, FLOAT_MIN, QUIET_NAN = 0x7F7FFFFF, 0xFF7FFFFF, 0x7FC00000

# ---- what others say otherwise ----

# Types that tshark 4.0 names and whose objects it shows as octets.
TSHARK_SHOWS_OCTETS = {17, 18, 19, 20, 38, 39, 40, 104, 106, 107, 113, 120, 121, 122, 123, 124, 125, 126, 127}

ABSENT = None


class Known(NamedTuple):
    """One field that a decoder shows otherwise than it was meant."""
    decoder: str
    types: set
    field: str
    says: Callable  # the fields that were meant -> what the decoder gives for this one; ABSENT: nothing
    why: str


def other_order(size, field):
    return lambda o: int.from_bytes(o[field].to_bytes(size, "little"), "big")


def is_nan(bits):
    return bits & 0x7F800000 == 0x7F800000 and bits & 0x007FFFFF != 0


KNOWN = [
    Known("komet", {17, 38}, "value", lambda o: o["value"] | o["ei"] << 3 | o["bl"] << 4 | o["sb"] << 5 | o["nt"] << 6
          | o["iv"] << 7, "the value of a protection event is its whole octet, as asdu.h says; the quality is in it"),
    Known("komet", FLOATS, "value", lambda o: QUIET_NAN if is_nan(o["value"]) else o["value"],
          "JSON has one word for all that is no number"),
    Known("tshark", {2, 4, 6, 8, 10, 12, 14, 16}, "time_sub", lambda o: ABSENT,
          "tshark shows the substituted bit (RES1) of a CP56Time2a and not that of a CP24Time2a"),
    Known("tshark", {7, 8, 33, 51, 64}, "value", other_order(4, "value"),
          "tshark prints the octets of a bit string as they come; by -5-101 7.2.6.13 bit 1 of the 32 is the lowest bit "
          "of the first octet"),
    Known("scapy", {7, 8, 33, 51, 64}, "value", other_order(4, "value"),
          "scapy takes a bit string for a number with its high octet first"),
    Known("scapy", {20}, "value", other_order(4, "value"),
          "scapy names the bits of ST and CD from the wrong end: its cd_16 is the highest bit of the first octet, "
          "which is bit 8 of ST (-5-101 7.2.6.40)"),
    Known("scapy", {120, 121, 126}, "length", other_order(3, "length"),
          "scapy reads the length of a file or section with its high octet first, and all else of the same object with "
          "its low octet first"),
    Known("scapy", FLOATS, "value", lambda o: o["value"] | 0x00400000 if is_nan(o["value"]) else o["value"],
          "scapy holds a float as a double, and that makes a signalling NaN a quiet one"),
]


def said_by(decoder, asdu):
    """What was meant, as this decoder is known to say it."""
    known = [k for k in KNOWN if k.decoder == decoder and asdu["type"] in k.types]
    said = []
    for meant in asdu["objects"]:
        fields = meant | {k.field: k.says(meant) for k in known}
        said.append({name: value for name, value in fields.items() if value is not ABSENT})
    return {**asdu, "objects": said}


# ---- the traffic, and what was read of it ----


class Traffic:
    """What the library wrote; what each decoder read, at the same place in a list."""

    def __init__(self, folder, order):
        options = [] if order == "standard" else ["--order", order]
        self.apdus, self.meant = generated(*options)
        self.path = write_capture(folder / f"{order}.pcap", self.apdus)
        self.read = {"komet": komet_asdus(self.path, self.meant, *options),
                     "scapy": scapy_asdus(self.apdus, order == "sinaut")}
        if order == "standard" and shutil.which("tshark") is not None:
            self.read["tshark"] = tshark_asdus(self.path)

    def of_type(self, type_id, decoder=None):
        """(what was meant, the octets, what was read)"""
        if decoder is not None and decoder not in self.read:
            pytest.skip(f"{decoder} is not installed")
        read = self.meant if decoder is None else self.read[decoder]
        assert len(read) == len(self.meant)
        found = [parts for parts in zip(self.meant, self.apdus, read) if parts[0]["type"] == type_id]
        assert len(found) >= 64
        return found


@pytest.fixture(name="traffic", scope="module")
def read_traffic(tmp_path_factory):
    return Traffic(tmp_path_factory.mktemp("agree"), "standard")


@pytest.fixture(name="sinaut", scope="module")
def read_sinaut_traffic(tmp_path_factory):
    return Traffic(tmp_path_factory.mktemp("agree"), "sinaut")


def agree(traffic, decoder, type_id):
    for meant, apdu, read in traffic.of_type(type_id, decoder):
        expected = said_by(decoder, meant)
        if decoder == "tshark" and type_id in TSHARK_SHOWS_OCTETS:
            expected["objects"] = [{"ioa": meant["objects"][0]["ioa"]}]
            expected["raw"] = apdu[APCI_SIZE + ASDU_HEADER_SIZE + IOA_SIZE:].hex()
        assert read == expected, apdu.hex()


def object_size(type_id, apdu, meant):
    """Octets of an object behind its address."""
    size = len(apdu) - APCI_SIZE - ASDU_HEADER_SIZE
    count = len(meant["objects"])
    return (size - IOA_SIZE) // count if meant["sq"] else size // count - IOA_SIZE


# ---- A34: values ----


@pytest.mark.parametrize("type_id", MONITORED)
@pytest.mark.parametrize("decoder", ["komet", "tshark", "scapy"])
def test_A34_minimum_maximum_and_any_value_are_read_as_meant(traffic, decoder, type_id):
    agree(traffic, decoder, type_id)


@pytest.mark.parametrize("type_id", [type_id for type_id in RANGES if type_id not in MONITORED])
@pytest.mark.parametrize("decoder", ["komet", "tshark", "scapy"])
def test_commands_parameters_and_files_are_read_as_meant(traffic, decoder, type_id):
    agree(traffic, decoder, type_id)


@pytest.mark.parametrize("type_id", MONITORED)
def test_A34_the_traffic_has_both_ends_of_the_range_with_sq_0_and_sq_1(traffic, type_id):
    low, high = (FLOAT_MIN, FLOAT_MAX) if type_id in FLOATS else RANGES[type_id]
    found = traffic.of_type(type_id)
    for sq, many in ((0, False), (0, True), (1, True)) if type_id in SEQUENCES else ((0, False), (0, True)):
        values = {o["value"] for meant, _, _ in found for o in meant["objects"]
                  if meant["sq"] == sq and (len(meant["objects"]) > 1) == many}
        assert {low, high} <= values
        assert type_id in FLOATS or low == min(values) and high == max(values)
    assert any(meant["sq"] for meant, _, _ in found) == (type_id in SEQUENCES)


@pytest.mark.parametrize("type_id", MONITORED + [126])
def test_A34_full_apdus_have_no_room_for_one_more_object(traffic, type_id):
    full = [(meant, apdu) for meant, apdu, _ in traffic.of_type(type_id) if len(meant["objects"]) > 1]
    assert {meant["sq"] for meant, _ in full} == ({0, 1} if type_id in SEQUENCES else {0})
    for meant, apdu in full:
        needed = object_size(type_id, apdu, meant) + (0 if meant["sq"] else IOA_SIZE)
        assert len(meant["objects"]) == 127 or apdu[1] + needed > 253


def test_A34_apdus_of_253_octets_are_among_them(traffic):
    found = {(meant["type"], meant["sq"]) for meant, apdu in zip(traffic.meant, traffic.apdus) if apdu[1] == 253}
    # of the other types an object more or less is not so many octets
    assert found == {(10, 0), (12, 0), (17, 0), (5, 1), (7, 1), (9, 1), (11, 1), (13, 1), (15, 1), (20, 1), (21, 1),
                     (125, 0)}


# ---- A33: quality ----


def quality_bits_of(type_id):
    if type_id == 21:
        return set()
    if type_id in (15, 16, 37):
        return {"iv", "ca", "cy"}
    bits = {"iv", "nt", "sb", "bl"}
    if type_id in (17, 18, 19, 38, 39, 40):
        return bits | {"ei"}
    return bits if type_id in (1, 2, 3, 4, 30, 31) else bits | {"ov"}


@pytest.mark.parametrize("decoder, type_id", [
    (decoder, type_id) for decoder in ("komet", "tshark", "scapy") for type_id in MONITORED
    if quality_bits_of(type_id) and not (decoder == "tshark" and type_id in TSHARK_SHOWS_OCTETS)])
def test_A33_each_quality_bit_alone_all_and_none_are_preserved(traffic, decoder, type_id):
    seen = set()
    for meant, _, read in traffic.of_type(type_id, decoder):
        for meant_object, read_object in zip(meant["objects"], read["objects"], strict=True):
            quality = {flag: meant_object[flag] for flag in FLAGS if flag in meant_object}
            assert {flag: read_object[flag] for flag in FLAGS if flag in read_object} == quality
            assert quality.keys() == quality_bits_of(type_id)
            seen.add(frozenset(flag for flag in quality if quality[flag]))
    bits = quality_bits_of(type_id)
    assert {frozenset(), frozenset(bits)} | {frozenset({bit}) for bit in bits} <= seen


# ---- headers, addresses, times ----


def test_every_cause_with_every_p_n_and_t_bit_is_among_them(traffic):
    for type_id in RANGES:
        assert {meant["cot"] for meant, _, _ in traffic.of_type(type_id)} == set(range(64))
    assert len({(m["cot"], m["negative"], m["test"]) for m in traffic.meant}) == 256
    assert {0, 255} <= {m["oa"] for m in traffic.meant}
    assert {0, 255, 65535} <= {m["ca"] for m in traffic.meant}
    assert {0, 255, 0xFFFFFF} <= {o["ioa"] for m in traffic.meant for o in m["objects"]}


def test_both_ends_of_every_other_field_are_among_them(traffic):
    tag = {"ms": (0, 59999), "minute": (0, 59), "time_iv": (0, 1), "time_sub": (0, 1), "hour": (0, 23),
           "summer": (0, 1), "day": (1, 31), "weekday": (0, 7), "month": (1, 12), "year": (0, 99)}
    ends = {**tag, **{"stop_" + field: both for field, both in tag.items()}, "transient": (0, 1), "sequence": (0, 31),
            "elapsed_ms": (0, 59999), "select": (0, 1), "pattern": (0, 65535), "file": (0, 65535), "section": (0, 255),
            "length": (0, 0xFFFFFF), "checksum": (0, 255)}
    for type_id in RANGES:
        objects = [o for meant, _, _ in traffic.of_type(type_id) for o in meant["objects"]]
        for field in objects[0].keys() - {"ioa", "value", *FLAGS}:
            values = [o[field] for o in objects]
            if field == "segment":
                assert {len(value) // 2 for value in values} >= {0, 236}
            elif field == "qualifier":
                high = 31 if type_id in (45, 46, 47, 58, 59, 60) else 127 if type_id <= 64 else 255
                assert (min(values), max(values)) == (0, high), type_id
            else:
                assert (min(values), max(values)) == ends[field], (type_id, field)


# ---- the list of differences is true ----


@pytest.mark.parametrize("known", KNOWN, ids=lambda k: f"{k.decoder}-{min(k.types)}-{k.field}")
def test_a_listed_difference_is_still_there(traffic, known):
    for type_id in known.types:
        otherwise = [(o, r) for meant, _, read in traffic.of_type(type_id, known.decoder)
                     for o, r in zip(meant["objects"], read["objects"], strict=True)
                     if r.get(known.field) != o[known.field]]
        assert otherwise, f"{known.decoder} reads {known.field} of type {type_id} as it is meant"


@pytest.mark.parametrize("type_id", sorted(TSHARK_SHOWS_OCTETS))
def test_tshark_still_shows_octets_for(traffic, type_id):
    assert all("raw" in read for _, _, read in traffic.of_type(type_id, "tshark"))


def test_every_type_of_the_library_is_compared(traffic):
    assert {meant["type"] for meant in traffic.meant} == RANGES.keys()


# ---- Sinaut: common address and object addresses with the high octet first ----


@pytest.mark.parametrize("decoder", ["komet", "scapy"])
def test_sinaut_order_is_read_as_meant(sinaut, traffic, decoder):
    for type_id in RANGES:
        agree(sinaut, decoder, type_id)
    assert sinaut.meant == traffic.meant
    assert sinaut.apdus != traffic.apdus


# ---- from fields to octets and back, all in C ----


@pytest.mark.parametrize("order", ["standard", "sinaut"])
def test_what_was_written_comes_back_octet_for_octet(traffic, sinaut, order):
    options = [] if order == "standard" else ["--order", order]
    path = (traffic if order == "standard" else sinaut).path
    *others, summary = json_lines(PROGRAMS / "interop-recode", *options, path)
    assert not others
    assert summary["objects"] == summary["same"] == sum(len(meant["objects"]) for meant in traffic.meant)
    assert summary["types"].keys() == {str(type_id) for type_id in RANGES}


# ---- the other way: what scapy writes ----


def to_be_built(meant):
    """The same ASDU without the NaNs that scapy cannot hold."""
    if meant["type"] not in FLOATS:
        return meant
    return {**meant, "objects": [o | {"value": o["value"] | 0x00400000} if is_nan(o["value"]) else o
                                 for o in meant["objects"]]}


def test_what_scapy_builds_is_read_as_given(traffic, tmp_path):
    """The fields are those of the generated traffic: so scapy's octets must be ours, too."""
    given = [to_be_built(meant) for meant in traffic.meant]
    built = [scapy_built(said_by("scapy", asdu), number) for number, asdu in enumerate(given)]
    read = komet_asdus(write_capture(tmp_path / "built.pcap", built), given)
    for fields, octets, ours, asdu, meant in zip(given, built, traffic.apdus, read, traffic.meant, strict=True):
        assert asdu == said_by("komet", fields), octets.hex()
        assert octets == ours or fields != meant
    assert 0 < sum(fields != meant for fields, meant in zip(given, traffic.meant)) < 50


def test_what_scapy_builds_in_sinaut_order_is_read_as_given(sinaut, tmp_path):
    chosen = [to_be_built(meant) for meant in sinaut.meant if meant["cot"] % 8 == 0]
    assert {asdu["type"] for asdu in chosen} == RANGES.keys()
    built = [scapy_built(said_by("scapy", asdu), number, True) for number, asdu in enumerate(chosen)]
    read = komet_asdus(write_capture(tmp_path / "built.pcap", built), chosen, "--order", "sinaut")
    for fields, octets, asdu in zip(chosen, built, read, strict=True):
        assert asdu == said_by("komet", fields), octets.hex()
