# SPDX-License-Identifier: MIT
"""Sends every kind of malformed input to the daemon at argv[1], whose pid is argv[2].

After each piece an honest client, connected all the time, must still be answered, and the
daemon must not have grown beyond a bound.
"""
import os
import socket
import struct
import sys
import time

import msgpack

PATH, PID = sys.argv[1], int(sys.argv[2])
GROWTH_MAX = 100 << 20  # one frame of 64 MiB in a buffer that grows by doubling

failures = 0


def memory():
    with open(f"/proc/{PID}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(PATH)
    s.settimeout(20)
    return s


def converse(data, half_close=True):
    """Sends bytes; all the daemon says until it closes, or until it has nothing more to say."""
    s = connect()
    try:
        s.sendall(data)
        if half_close:
            s.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it closed before it took everything
    unpacker = msgpack.Unpacker(strict_map_key=False)
    try:
        while piece := s.recv(65536):
            unpacker.feed(piece)
    except ConnectionResetError:
        pass
    s.close()
    return list(unpacker)


honest = connect()
honest_unpacker = msgpack.Unpacker()
honest_id = 0


def honest_works():
    global honest_id
    honest_id += 1
    honest.sendall(msgpack.packb([0, honest_id, "cube", [3]]))
    while True:
        for message in honest_unpacker:
            return message == [1, honest_id, None, 27]
        honest_unpacker.feed(honest.recv(65536))


def expect(claim, condition, detail=""):
    global failures
    if not condition:
        failures += 1
        print("not ok -", claim, detail)


def codes(messages):
    """What was said: the code of each error, or "done"."""
    said = []
    for m in messages:
        error = m[2] if m[0] == 1 else m[2][0]
        said.append(error["code"] if error else "done")
    return said


def refused(claim, data, code="protocol"):
    said = codes(converse(data, half_close=False))
    expect(claim, said == [code], f"{data[:40].hex()}: {said}")
    expect(claim + ": others notice nothing", honest_works())


start = memory()
frame = msgpack.packb([0, 1, "echo", [[1, "two", b"three", {"four": [5.0, None, True]}]]])

for n in range(len(frame)):  # each prefix, and then silence
    expect(f"prefix of {n} bytes", converse(frame[:n]) == [], n)
expect("the whole frame", codes(converse(frame)) == ["done"])

for first in range(256):  # each first byte, with something behind it
    data = bytes([first]) + frame[1:]
    said = codes(converse(data))
    if first in (0x94,):
        expect(f"first byte {first:#x}", said == ["done"], said)
    else:
        # array 16 and 32 take the next bytes as a count: an unfinished frame, or a fault
        expect(f"first byte {first:#x}", said in (["protocol"], ["too_large"], []), said)
expect("after every first byte", honest_works())

SHAPES = {
    "an array of none": [],
    "of one": [0],
    "of two": [0, 1],
    "of three, as a request": [0, 1, "cube"],
    "of five": [0, 1, "cube", [3], 4],
    "a type that is none": [3, 1, "cube", [3]],
    "a negative type": [-1, 1, "cube", [3]],
    "a text for a type": ["0", 1, "cube", [3]],
    "a text for a msgid": [0, "1", "cube", [3]],
    "a negative msgid": [0, -1, "cube", [3]],
    "a msgid over 32 bits": [0, 1 << 32, "cube", [3]],
    "a number for a method": [0, 1, 2, [3]],
    "bytes for a method": [0, 1, b"cube", [3]],
    "an empty method": [0, 1, "", [3]],
    "a method of 256 bytes": [0, 1, "x" * 256, [3]],
    "a map for params": [0, 1, "cube", {}],
    "nil for params": [0, 1, "cube", None],
    "a response": [1, 1, None, 27],
    "a notification of two": [2, "cube"],
    "a notification of four": [2, "cube", [3], 4],
    "a map": {"cube": 3},
    "a number": 7,
}
for name, value in SHAPES.items():
    refused(name, msgpack.packb(value))

HEAD = b"\x94\x00\x01\xa4echo"
refused("the byte that means nothing", HEAD + b"\x91\xc1")
for bomb, code in (
    (b"\xdd\x10\x00\x00\x00", "too_large"),
    (b"\xdd\xff\xff\xff\xff", "too_large"),
    (b"\x91\xdf\xff\xff\xff\xff", "too_large"),
    (b"\x91\xdb\xff\xff\xff\xff", "too_large"),
    (b"\x91\xc6\xff\xff\xff\xff", "too_large"),
    (b"\x91\xc9\xff\xff\xff\xff\x01", "too_large"),
):
    refused("an allocation bomb behind a good head", HEAD + bomb, code)
refused("five bytes that ask for 8 GiB", b"\xdd\x10\x00\x00\x00")
refused("the 155-byte bomb", HEAD + b"\xdd\x00\xff\xff\xff" * 31, "too_large")
refused("depth 100,000", HEAD + b"\x91" * 100000)
refused("depth 100,000 of maps", HEAD + b"\x91" + b"\x81\x01" * 100000)
refused("random bytes", b"\xc1" + os.urandom(100000))

# A string without end: it takes no more than its declared length, which has a limit.
s = connect()
s.sendall(HEAD + b"\x91\xdb" + struct.pack(">I", (64 << 20) - 100))
for _ in range(60):
    s.sendall(b"x" * (1 << 20))
expect("a string without end: others notice nothing", honest_works())
s.close()

# Calls of the daemon's own methods that make no sense.
for method, params in (
    ("ruche.call", []), ("ruche.call", ["cube"]), ("ruche.call", [1, []]),
    ("ruche.call", ["cube", 3]), ("ruche.call", ["cube", [3], {"colour": 1}]),
    ("ruche.call", ["cube", [3], {}, 4]), ("ruche.run", []), ("ruche.run", [[]]),
    ("ruche.run", [["true"], {"colour": 1}]), ("ruche.run", [[1]]),
    ("ruche.run", [["true"], 7]), ("ruche.cancel", []), ("ruche.cancel", ["x"]),
    ("ruche.cancel", [1, 1000]), ("ruche.nothing", []), ("ruche.", []), ("cu\0be", [3]),
):
    said = codes(converse(msgpack.packb([0, 1, method, params])))
    expect(f"{method} {params}", said and said[0] in ("bad_arguments", "unknown_function"), said)

# And of those that take a task's id: an option that they do not know is not passed over.
task = converse(msgpack.packb([0, 1, "ruche.submit", ["cube", [3], {"detach": True}]]))[0][3]
for method, params, words in (
    ("ruche.result", [task, {"colour": 1}], "'colour'; there are timeout, forget"),
    ("ruche.result", [task, {"timeout": -1}], "'timeout' takes seconds, at least 0"),
    ("ruche.result", [task, {"forget": 1}], "'forget' takes true or false"),
    ("ruche.result", [task, 5], "must be a map"),
    ("ruche.result", [task, {}, 6], "one more parameter"),
    ("ruche.wait", [[task], {"forget": True}], "'forget'; there are timeout, any"),
    ("ruche.wait", [[task], {"timeout": "soon"}], "'timeout' takes"),
    ("ruche.log", [task, {"timeout": 1}], "'timeout'; there are follow"),
):
    error = converse(msgpack.packb([0, 1, method, params]))[0][2]
    expect(f"{method} {params}", error["code"] == "bad_arguments" and words in error["message"], error)
for params in ([task], [task, None], [task, {}], [task, {"timeout": None}]):
    said = converse(msgpack.packb([0, 1, "ruche.result", params]))
    expect(f"ruche.result {params}", said == [[1, 1, None, 27]], said)

# Faults after good calls: the calls are answered all the same.
good = msgpack.packb([0, 1, "cube", [3]]) + msgpack.packb([0, 2, "sleep", [0.2]])
said = codes(converse(good + b"\xc1", half_close=False))
expect("what was open is answered", sorted(said) == ["done", "done", "protocol"], said)
said = codes(converse(good))
expect("a half-close waits for its answers", said == ["done", "done"], said)

# Input for commands that nobody granted, or that are not there.
refused("input that was not asked for", msgpack.packb([2, "ruche.input", ["x", b""]]))
refused("input as a request", msgpack.packb([0, 1, "ruche.input", [1, b""]]))
expect("input for nobody is dropped",
       codes(converse(msgpack.packb([2, "ruche.input", [99, b"x"]]) + frame)) == ["done"])
s = connect()
s.sendall(msgpack.packb([0, 1, "ruche.run", [["sleep", "1"], {"stream_input": True}]]))
time.sleep(0.3)
try:
    for _ in range(64):
        s.sendall(msgpack.packb([2, "ruche.input", [1, b"x" * (1 << 20)]]))
    time.sleep(0.2)
except OSError:
    pass
s.close()
expect("a flood of input: others notice nothing", honest_works())

# A notification calls a function and nobody is told; a fault in it neither.
s = connect()
s.sendall(msgpack.packb([2, "cube", [3]]) + msgpack.packb([2, "nonsense", []]) + frame)
unpacker = msgpack.Unpacker()
unpacker.feed(s.recv(65536))
expect("notifications are not answered", codes(unpacker) == ["done"])
s.close()

# Many who connect and say nothing, or close at once.
crowd = [connect() for _ in range(300)]
expect("300 silent clients: others notice nothing", honest_works())
for s in crowd:
    s.close()
for _ in range(300):
    connect().close()
expect("300 that close at once", honest_works())

expect("memory is bounded", memory() - start < GROWTH_MAX, f"{start} to {memory()}")
print("failures:", failures)
sys.exit(failures > 0)
