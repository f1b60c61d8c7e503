"""Writes python.json: what Python makes of values, for the tests to compare with. Run it with Python 3.11 or later."""
import json
import os
import random
import uuid

random.seed(7)


def number(v):
    try:
        return str(int(v))
    except ValueError:
        return None


def identifier(v):
    try:
        return str(uuid.UUID(v.decode()))
    except ValueError:
        return None


def seconds(v):
    try:
        return json.dumps(int(v) / 1000000.0)
    except (ValueError, OverflowError):
        return None


ints = [b"", b"0", b"-0", b"+0", b"007", b" 4 ", b"\t\n\v\f\r5\r\n", b"-1", b"+1", b"- 1", b"--1", b"1_000", b"1__0", b"_1", b"1_", b"-_1", b"0_0",
        b"0x10", b"1e3", b"1.0", b"12x", b"six", b"\xa05", b"5\x00", b"\x1c5", "٣".encode(), b"4294967295", b"18446744073709551616", b"9" * 30,
        b"1" * 4300, b"1" * 4301, b"0" * 10 + b"1" * 4295, b"-" + b"1" * 4300, b"1_" * 2200 + b"1", b"-000", b"+-1", b"1 2", b"127", b"128", b"-128", b"-129"]
ints += ["".join(random.choice(" +-_019") for _ in range(random.randrange(1, 7))).encode() for _ in range(300)]

h = "fc2e22bc6ee647b6b90729ab34a250b1"
uuids = [h, h.upper(), "fc2e22bc-6ee6-47b6-b907-29ab34a250b1", "{" + h + "}", "{{" + h, "urn:uuid:" + h, "uuid:urn:" + h, "urn:" + h[:8] + "uuid:" + h[8:], h[:31], h + "0",
         "nonsense", "", "g" + h[1:], "0x" + h[2:], "0X" + h[2:], "0x_" + h[3:], "+" + h[1:], " " + h[1:], h[1:] + "\n", "+0x" + h[3:], h[:5] + "_" + h[6:], "_" + h[1:],
         h[:31] + "_", h[:5] + "__" + h[7:], "-" * 9 + h, "0x" + "_" * 30, " " * 32, "+" + " " * 31, "uurn:rn:" + h, "urn:urn:" + h, "uuurn:uid:" + h, "é" + h[1:],
         h[:16] + "}{" + h[18:], "0x0x" + h[4:], "0x" + h[2:30] + "  ", "0_" + h[2:], "0x__" + h[4:], "x" + h[1:], "0x-" + h[2:]]
uuids = [u.encode() for u in uuids] + [b"\xff" + h.encode()[1:], h.encode() + b"\xff"]

times = [b"0", b"1", b"10", b"1000000", b"5000000", b"-5000000", b"-1", b"1700000000123456", b"1760000060775120", b" 17 ", b"9007199254740992", b"9007199254740993",
         b"999999999999999", b"1000000000000000", b"12345678901234567", b"99999999999999999999", b"1" * 25, b"-" + b"1" * 25, b"1" * 200, b"1" * 400, b"x", b""]
times += [str(random.randrange(10 ** random.randrange(1, 17))).encode() for _ in range(200)]

binaries = [b"\xff", b"'\xff", b'"\xff', b"'\"\xff", b"\\\xff\t\n\r\x00\x1b\x7f ~", b"caf\xe9 'quoted' \"double\"", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", bytes(range(256))]


def text(v):
    return v.decode("latin-1")


out = {
    "ints": [[text(v), number(v)] for v in ints],
    "uuids": [[text(v), identifier(v)] for v in uuids],
    "seconds": [[text(v), seconds(v)] for v in times],
    "binaries": [[text(v), repr(v)] for v in binaries],
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "python.json"), "w") as f:
    json.dump(out, f, indent=None, separators=(",", ":"))
    f.write("\n")
