# SPDX-License-Identifier: MIT
"""What clients should not do with objects: objects_abuse.py CASE SOCKET PID.

Each case prints "good" when it was answered truthfully, and nobody but the one who did it has suffered.
"""
import array
import os
import random
import select
import signal
import socket
import sys
import time

import msgpack

import rpc
from rpc import until

PATH, PID = sys.argv[2], int(sys.argv[3])
NO_TIME = {"timeout": 0}
METHODS = [
    "open", "close", "remove", "objects", "object", "queue.put", "queue.put_many", "queue.get",
    "queue.get_many", "queue.ack", "queue.give_back", "queue.task_done", "queue.join", "queue.end",
    "lock.acquire", "lock.release", "event.set", "event.clear", "event.wait", "condition.wait",
    "condition.notify", "barrier.wait", "barrier.abort", "barrier.reset", "pipe.hand",
]
KINDS = ["queue", "lock", "rlock", "semaphore", "event", "condition", "barrier", "pipe", "value"]
# What may be said against a request about an object.
CODES = {
    "bad_arguments", "unknown_object", "exists", "not_held", "deadlock", "broken", "closed", "removed",
    "busy", "timeout", "cancelled", "unknown_task",
}


class Client(rpc.Client):
    """One that takes descriptors as well."""

    def __init__(self):
        super().__init__(PATH)
        self.fds = []

    def read(self):
        data, control, _, _ = self.sock.recvmsg(65536, socket.CMSG_SPACE(64 * 4))
        for level, kind, body in control:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            fds = array.array("i", body)
            self.fds += fds
        if not data:
            raise rpc.Gone
        self.unpacker.feed(data)
        for message in self.unpacker:
            if message[0] == 1:
                assert message[1] not in self.answers, "two answers"
                self.answers[message[1]] = message[2:]

    def ask(self, method, *params):
        """The result of ruche.METHOD, or the code of its error."""
        error, result = self.call("ruche." + method, *params)
        if error is not None:
            assert error["executed"] == "no", error
            return error["code"]
        return result

    def open(self, kind, name, **options):
        return self.ask("open", kind, name, options)

    def later(self, method, *params):
        return self.send("ruche." + method, *params)

    def code(self, msgid):
        error, _ = self.wait(msgid)
        return error["code"] if error else None

    def leave(self):
        self.sock.close()
        for fd in self.fds:
            os.close(fd)


def expect(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def waiting(client, name, count):
    until(lambda: client.ask("object", name)["waiting"] == count)


def memory():
    with open(f"/proc/{PID}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors():
    return len(os.listdir(f"/proc/{PID}/fd"))


def nothing_left():
    """And the daemon is as it was."""
    me = Client()
    until(lambda: me.ask("objects") == [])
    expect(me.call("cube", 3), [None, 27])
    me.leave()


# ---- whatever comes


def junk(rng):
    plain = [
        None, True, False, 0, 1, -1, 2, 64, 255, 2 ** 31, 2 ** 63, 2 ** 64 - 1, -(2 ** 63), 0.0, 0.5, -0.5,
        float("nan"), float("inf"), "", "x", "x" * 255, "x" * 256, "a\0b", b"", b"x", b"x" * 300, [], {},
        [1], [1, 2, 3], [[]], {"timeout": 0}, {1: 2}, msgpack.ExtType(1, b"x" * 16),
    ]
    return rng.choice(plain)


def options(rng):
    keys = [
        "create", "exclusive", "persistent", "maxsize", "value", "parties", "count", "duplex", "end", "type",
        "data", "timeout", "ack", "call", "task", "none",
    ]
    some = {key: junk(rng) for key in rng.sample(keys, rng.randrange(3))}
    some.update(rng.choice([{}, {"parties": 2}, {"type": "int8"}, {"ack": True}, NO_TIME]))
    return some


def likely(rng, method):
    """What such a request has, more or less."""
    name = rng.choice("abcdefghi")
    if method == "open":
        return [rng.choice(KINDS), name, options(rng)]
    return [name] + [
        rng.choice([junk(rng), options(rng), rng.randrange(4), [rng.randrange(8) for _ in range(3)]])
        for _ in range(rng.randrange(3))
    ]


def anything():
    """Requests of all shapes, some of which are right: each is answered once."""
    rng = random.Random(int(os.environ.get("RUCHE_TEST_SEED", 1)))
    clients = [Client(), Client(), Client()]
    for _ in range(int(os.environ.get("RUCHE_TEST_REQUESTS", 6000))):
        client, method = rng.choice(clients), rng.choice(METHODS)
        params = likely(rng, method) if rng.random() < 0.8 else [junk(rng) for _ in range(rng.randrange(5))]
        if rng.random() < 0.1:
            client.send_note("ruche." + method, *params)
        else:
            client.send("ruche." + method, *params)
        if rng.random() < 0.05:
            client.wait(client.send("ruche.ping"))
        if rng.random() < 0.01:
            client.leave()
            clients[clients.index(client)] = Client()
    for client in clients:
        client.wait(client.send("ruche.ping"))
        for msgid in range(1, client.id + 1):
            client.send_note("ruche.cancel", msgid)
        for msgid in range(1, client.id + 1):
            error, _ = client.wait(msgid)
            assert error is None or error["code"] in CODES, error
    for client in clients:
        client.leave()
    me = Client()
    for name in "abcdefghi":
        me.ask("remove", name)  # what was persistent


def wrong_shapes():
    """No method takes these, and none changes anything."""
    me = Client()
    for method in METHODS:
        if method == "objects":
            continue
        for params in ([], [None], [1], [""], ["x" * 256], ["a\0b"], [b"a"], [["a"]], [{}]):
            expect(me.ask(method, *params), "bad_arguments")
    for params in (["lock"], ["Lock", "a"], ["", "a"], [1, "a"], ["lock", "a", 1], ["lock", "a", {}, 1],
                   ["lock", "a", {"creat": True}], ["lock", "a", {1: True}], ["lock", "a", {"create": 1}]):
        expect(me.ask("open", *params), "bad_arguments")
    for kind, name in (("lock", "x" * 255), ("event", "\u00fc\U0001f41d"), ("queue", "x")):
        expect(me.open(kind, name), {"kind": kind, "created": True})
        expect(me.ask("object", name)["name"], name)
    for uid in ("x", -1, 1 << 32, 0.5, None):
        expect(me.ask("object", "x", uid), "bad_arguments")
        expect(me.ask("remove", "x", uid), "bad_arguments")
    for method in ("put", "put_many", "get_many", "ack", "give_back"):
        expect(me.ask("queue." + method, "x"), "bad_arguments")
    for items in (1, "ab", {}, None):
        expect(me.ask("queue.put_many", "x", items), "bad_arguments")
        expect(me.ask("queue.ack", "x", items), "bad_arguments")
    for tokens in ([-1], ["a"], [1.0], [None], list(range(65537))):
        expect(me.ask("queue.ack", "x", tokens), "bad_arguments")
    for most in (0, -1, 0.5, "1", None):
        expect(me.ask("queue.get_many", "x", most, NO_TIME), "bad_arguments")
    for count in (-1, "1", 0.5):
        expect(me.ask("queue.task_done", "x", count), "bad_arguments")
    me.leave()


def wrong_kinds():
    """A method of another kind is refused, whatever is open."""
    serves = {
        "queue": ["queue." + m for m in ("put", "get", "join", "end", "task_done")],
        "event": ["event.set", "event.clear", "event.wait"],
        "barrier": ["barrier.abort", "barrier.reset"],
        "condition": ["condition.notify"],
        "lock": ["lock.release"],
    }
    locks = ("lock", "rlock", "semaphore", "condition")
    me = Client()
    for kind in KINDS:
        me.open(kind, kind, **{"barrier": {"parties": 2}, "value": {"type": "int8"}}.get(kind, {}))
    for of, methods in serves.items():
        for method in methods:
            for kind in KINDS:
                if kind == of or (of == "lock" and kind in locks):
                    continue
                more = {"queue.put": [1]}.get(method, [])
                expect(me.ask(method, kind, *more), "bad_arguments")
    for other in KINDS:
        for kind in KINDS:
            if other != kind:
                expect(me.open(other, kind, parties=2) if other == "barrier" else me.open(other, kind),
                       "bad_arguments")
    me.leave()


def wrong_options():
    me = Client()
    for kind, name, value in (
        ("queue", "maxsize", -1), ("queue", "maxsize", 2 ** 63), ("queue", "maxsize", 1.0),
        ("semaphore", "value", 0), ("semaphore", "value", -1), ("barrier", "parties", 0), ("lock", "value", 1),
        ("barrier", "parties", "2"), ("pipe", "end", 2), ("pipe", "end", -1), ("pipe", "persistent", True),
        ("pipe", "duplex", 1), ("value", "count", 0), ("value", "count", 2 ** 63), ("value", "type", "int7"),
        ("value", "type", ""), ("value", "type", 5), ("value", "data", "text"), ("lock", "timeout", 1),
        ("event", "persistent", None), ("event", "exclusive", 0),
    ):
        expect(me.open(kind, "x", **{name: value}), "bad_arguments")
    expect(me.open("barrier", "x"), "bad_arguments")
    expect(me.open("value", "x"), "bad_arguments")
    expect(me.open("lock", "x", create=False), "unknown_object")
    expect(me.ask("objects"), [])
    for kind, terms, others in (
        ("queue", {"maxsize": 3}, {"maxsize": 4}), ("semaphore", {"value": 2}, {"value": 3}),
        ("barrier", {"parties": 2}, {"parties": 3}), ("pipe", {"duplex": False}, {"duplex": True}),
        ("value", {"type": "int8", "count": 2}, {"type": "int8", "count": 3}),
        ("value", {"type": "int8", "count": 2}, {"type": "uint8", "count": 2}),
    ):
        assert me.open(kind, "x", **terms)["created"]
        expect(me.open(kind, "x", **others), "bad_arguments")
        expect(me.open(kind, "x", exclusive=True, **terms), "exists")
        assert not me.open(kind, "x")["created"]
        expect([me.ask("close", "x") for _ in range(3)], [None, None, "unknown_object"])
    me.leave()


def wrong_times():
    me = Client()
    me.open("event", "e")
    for timeout in (-1, -0.1, float("nan"), float("inf"), 1.1e10, 2 ** 64 - 1, "1", True, [1], b"1"):
        expect(me.ask("event.wait", "e", {"timeout": timeout}), "bad_arguments")
    expect(me.ask("event.wait", "e", {"timeout": 1, "ack": True}), "bad_arguments")
    expect(me.ask("event.wait", "e", NO_TIME, 1), "bad_arguments")
    expect(me.ask("event.wait", "e", {"timeout": -0.0}), "busy")
    expect(me.ask("event.wait", "e", NO_TIME), "busy")
    for timeout in (1e-300, 5e-324, 1e-9, 0.001):
        expect(me.ask("event.wait", "e", {"timeout": timeout}), "timeout")
    ids = [me.later("event.wait", "e", {"timeout": timeout}) for timeout in (1e10, 10 ** 10, None, 9e9)]
    waiting(me, "e", 4)
    me.ask("event.set", "e")
    expect([me.code(i) for i in ids], [None] * 4)
    me.leave()


# ---- what nobody asked for


def notifications():
    """They are done, and not answered."""
    me, other = Client(), Client()
    me.send_note("ruche.open", "lock", "l", {})
    me.send_note("ruche.lock.acquire", "l", {})
    me.send_note("ruche.open", "queue", "q", {"maxsize": 1})
    me.send_note("ruche.queue.put", "q", "item")
    me.send_note("ruche.queue.put", "q", "later")
    me.send_note("ruche.lock.acquire", "nothing")
    me.send_note("ruche.open", "value", "v", {"type": "int8"})
    me.send_note("ruche.open", "pipe", "p", {"end": 0})
    me.send_note("ruche.objects")
    me.good("ruche.ping")
    expect(me.answers.keys(), {1})
    other.open("lock", "l")
    expect(other.ask("lock.acquire", "l", NO_TIME), "busy")
    other.open("queue", "q")
    expect([other.ask("queue.get", "q", NO_TIME) for _ in range(3)], ["item", "later", "busy"])
    wait = other.later("lock.acquire", "l")
    me.leave()
    expect(other.wait(wait), [None, "abandoned"])
    other.send_note("ruche.queue.get", "q")  # takes what comes, and nobody has it
    other.ask("queue.put", "q", 1)
    expect(other.ask("object", "q")["size"], 0)
    other.leave()


# ---- who waits


def very_many_waits():
    """As many as one connection may have; all end at once, in each of the ways."""
    most = 65536
    me, other = Client(), Client()
    for end in ("close", "remove", "leave"):
        me.open("event", "e")
        other.open("event", "e")
        first = me.id + 1
        me.send_bytes(b"".join(
            msgpack.packb([0, first + i, "ruche.event.wait", ["e"]]) for i in range(most + 1)))
        me.id += most + 1
        expect(me.code(me.id), "busy")
        expect(me.ask("queue.get", "e"), "bad_arguments")
        expect(other.ask("object", "e")["waiting"], most)
        expect(len(other.ask("object", "e")["waiters"]), 64)
        if end == "leave":
            me.leave()
            waiting(other, "e", 0)
            break
        for msgid in (first, first + most - 1, first + most // 2):
            me.send_note("ruche.cancel", msgid)
            expect(me.code(msgid), "cancelled")
        me.send_note("ruche.cancel", first)
        (me if end == "close" else other).ask(end, "e")
        codes = {me.code(first + i) for i in range(most)}
        expect(codes, {"cancelled", "cancelled" if end == "close" else "removed"})
        me.answers.clear()
        me.ask("close", "e")
    other.leave()


def half_closed():
    """A client that sends no more still gets its answer, and holds it until it has gone."""
    me = Client()
    me.open("lock", "l")
    me.ask("lock.acquire", "l")
    halves = [Client() for _ in range(3)]
    ids = []
    for i, half in enumerate(halves):
        half.open("lock", "l")
        ids.append(half.later("lock.acquire", "l"))
        half.sock.shutdown(socket.SHUT_WR)
        waiting(me, "l", i + 1)
    halves[1].leave()  # while it waits
    waiting(me, "l", 2)
    me.ask("lock.release", "l")
    expect(halves[0].wait(ids[0]), [None, "acquired"])
    assert halves[2].wait(ids[2])[1] in ("abandoned", "acquired")
    until(lambda: me.ask("object", "l")["holders"] == [])
    me.leave()


def gone_with_answers_unread():
    """It sends something that is not answered, and goes before that is read: all comes at once, and what it held is free."""
    other = Client()
    other.open("lock", "l")
    for last in (("ruche.lock.acquire", "m"), None):
        me = Client()
        me.open("lock", "l")
        me.ask("lock.acquire", "l")
        other.open("lock", "m")
        other.ask("lock.acquire", "m")
        me.open("lock", "m")
        me.send("ruche.ping")
        select.select([me.sock], [], [])  # the answer is there
        os.kill(PID, signal.SIGSTOP)
        if last:
            me.send(*last)
        else:
            me.send_note("ruche.event.set", "none")
        me.leave()
        os.kill(PID, signal.SIGCONT)
        expect(other.ask("lock.acquire", "l", {"timeout": 20}), "abandoned")
        other.ask("lock.release", "l")
        other.ask("close", "m")
    other.leave()


def gone_while_waiting():
    """close, remove, and the end of a connection, with requests of every kind that wait."""
    asks = {
        "lock": ("lock.acquire", "l"), "event": ("event.wait", "e"), "barrier": ("barrier.wait", "b"),
        "queue": ("queue.get", "q"),
    }
    terms = {"barrier": {"parties": 3}}
    for end in ("close", "remove", "leave"):
        me, other = Client(), Client()
        for kind, (_, name) in asks.items():
            other.open(kind, name, **terms.get(kind, {}))
            me.open(kind, name)
        other.ask("lock.acquire", "l")
        ids = {kind: me.later(*ask) for kind, ask in asks.items()}
        for _, name in asks.values():
            waiting(other, name, 1)
        if end == "leave":
            me.leave()
            for _, name in asks.values():
                waiting(other, name, 0)
        else:
            for kind, (_, name) in asks.items():
                expect((me if end == "close" else other).ask(end, name), None)
                expect(me.code(ids[kind]), "cancelled" if end == "close" else "removed")
                expect(me.ask(*asks[kind]), "unknown_object" if end == "close" else "removed")
            me.leave()
        if end != "remove":
            expect(other.ask("object", "b")["broken"], True)
        other.leave()
        nothing_left()


def removed_and_made_anew():
    """What was removed has nothing to do with another of the same name, also for who has both."""
    me, other = Client(), Client()
    for client in (me, other):
        client.open("lock", "x")
    me.ask("lock.acquire", "x")
    expect(other.ask("remove", "x"), None)
    expect(other.ask("remove", "x"), "unknown_object")
    expect(me.ask("lock.acquire", "x"), "removed")
    expect(me.ask("lock.release", "x"), "removed")
    expect(me.ask("object", "x"), "unknown_object")
    expect(other.open("queue", "x")["created"], True)
    expect(other.ask("queue.put", "x", 1), None)
    expect(me.ask("lock.acquire", "x"), "removed")
    expect(me.open("lock", "x"), "bad_arguments")
    expect(me.open("queue", "x")["created"], False)
    expect(me.ask("queue.get", "x"), 1)
    # There are as many closes to come as there were opens, of both: by the first of them, of what is no more, nothing is lost.
    expect(me.ask("close", "x"), None)
    expect(me.ask("queue.put", "x", 2), None)
    expect(me.ask("close", "x"), None)
    expect(me.ask("queue.put", "x", 2), "unknown_object")
    expect(other.ask("close", "x"), None)
    expect(other.ask("close", "x"), None)
    me.leave()
    other.leave()


# ---- queues, conditions, barriers


def queues():
    me, other = Client(), Client()
    for client in (me, other):
        client.open("queue", "q", maxsize=4)
    expect(me.ask("queue.put_many", "q", [], NO_TIME), 0)
    expect(me.ask("queue.put_many", "q", list(range(6)), NO_TIME), 4)
    expect(me.ask("queue.put_many", "q", [1], NO_TIME), "busy")
    expect(me.ask("queue.put_many", "q", [1], {"timeout": 0.01}), "timeout")
    got = me.ask("queue.get_many", "q", 2 ** 64 - 1, {"ack": True})
    tokens = [token for token, _ in got]
    expect([item for _, item in got], [0, 1, 2, 3])
    for foreign in (tokens, [0, 2 ** 64 - 1, 12345], []):
        expect(other.ask("queue.ack", "q", foreign), 0)
        expect(other.ask("queue.give_back", "q", foreign), 0)
    expect(me.ask("queue.ack", "q", [tokens[1]] * 3 + [0]), 1)
    me.ask("queue.put", "q", "new")
    expect(me.ask("queue.give_back", "q", [tokens[3], tokens[0], tokens[3]]), 2)
    expect(other.ask("queue.get_many", "q", 9), [0, 3, "new"])
    expect(other.ask("queue.task_done", "q", 4), "not_held")
    expect(other.ask("queue.task_done", "q", 2 ** 64 - 1), "not_held")
    expect(other.ask("queue.task_done", "q", 3), 1)
    expect(other.ask("queue.task_done", "q"), "not_held")
    expect(other.ask("queue.task_done", "q", 0), 1)
    expect(me.ask("queue.task_done", "q"), "not_held")
    expect(me.ask("queue.join", "q", NO_TIME), "busy")
    join = other.later("queue.join", "q")
    waiting(other, "q", 1)
    me.ask("queue.end", "q")
    me.ask("queue.end", "q")
    expect(me.ask("queue.put", "q", 1), "closed")
    expect(me.ask("queue.put_many", "q", [1, 2]), "closed")
    expect(me.ask("queue.get", "q"), "closed")
    me.leave()  # its item comes back
    until(lambda: other.ask("object", "q")["size"] == 1)
    expect(other.ask("queue.get", "q", {"timeout": 20}), 2)
    expect(other.ask("queue.task_done", "q"), 0)
    expect(other.code(join), None)
    expect(other.ask("queue.get", "q"), "closed")
    other.leave()


def conditions_and_barriers():
    me, other = Client(), Client()
    for client in (me, other):
        client.open("condition", "c")
        client.open("barrier", "one", parties=1)
        client.open("barrier", "b", parties=2)
        client.open("semaphore", "s", value=2)
    expect(me.ask("condition.wait", "c"), "not_held")
    expect(me.ask("condition.notify", "c"), "not_held")
    expect(me.ask("lock.release", "c"), "not_held")
    expect(me.ask("lock.acquire", "c"), "acquired")
    expect(me.ask("condition.wait", "c", NO_TIME), "timeout")
    expect(me.ask("condition.wait", "c", {"timeout": 0.001}), "timeout")
    expect(me.ask("object", "c")["holders"][0]["count"], 1)
    expect(other.ask("condition.wait", "c"), "not_held")
    for count in (0, 1, None, 2 ** 64 - 1):
        expect(me.ask("condition.notify", "c", count), 0)
    for count in (-1, "1", 1.5, []):
        expect(me.ask("condition.notify", "c", count), "bad_arguments")
    wait = me.later("condition.wait", "c")
    waiting(other, "c", 1)
    me.send_note("ruche.cancel", wait)
    expect(me.code(wait), "cancelled")
    expect([me.ask("barrier.wait", "one") for _ in range(3)], [0, 0, 0])
    expect(me.ask("barrier.wait", "b", NO_TIME), "busy")
    expect(me.ask("object", "b")["broken"], False)
    expect(me.ask("barrier.wait", "b", {"timeout": 0.001}), "timeout")
    expect(other.ask("barrier.wait", "b"), "broken")
    expect(other.ask("barrier.reset", "b"), None)
    first = me.later("barrier.wait", "b")
    waiting(me, "b", 1)
    expect(other.ask("barrier.wait", "b"), 1)
    expect(me.wait(first), [None, 0])
    expect([me.ask("lock.acquire", "s", NO_TIME) for _ in range(3)], ["acquired", "acquired", "busy"])
    expect([me.ask("lock.release", "s") for _ in range(3)], [None, None, "not_held"])
    expect(me.ask("object", "s")["value"], 2)
    me.leave()
    other.leave()


# ---- memory and descriptors


def values():
    me = Client()
    for count in (2 ** 62, 2 ** 61, 2 ** 60, 2 ** 63 - 1):
        expect(me.open("value", "v", type="int64", count=count), "bad_arguments")
    for count in (2 ** 50, 2 ** 40):
        assert me.open("value", "v", type="int64", count=count, persistent=True) in ("busy", "bad_arguments")
    expect(me.open("value", "v", type="int8", count=1, data=b"x" * 100000, persistent=True), "bad_arguments")
    expect(me.ask("objects"), [])
    made = me.open("value", "v", type="int16", count=3, data=b"\1\0\2\0\3\0")
    expect(made, {"kind": "value", "created": True, "type": "int16", "count": 3, "size": made["size"], "fd": True})
    expect(os.fstat(me.fds[0]).st_size, made["size"])
    expect(os.pread(me.fds[0], 6, 4096), b"\1\0\2\0\3\0")
    for size in (0, 1, made["size"] + 1):
        try:
            os.ftruncate(me.fds[0], size)
            assert False, "its size can be changed"
        except PermissionError:
            pass
    me.leave()


def unread_descriptors():
    """Who never reads keeps few of the daemon's descriptors, and none when it has gone."""
    before = descriptors()
    deaf, me = Client(), Client()
    deaf.sock.setblocking(False)
    ask = msgpack.packb([0, 1, "ruche.open", ["value", "v", {"type": "int8"}]])
    end = time.monotonic() + 1
    while time.monotonic() < end:
        try:
            deaf.sock.send(ask * 64)
        except BlockingIOError:
            time.sleep(0.01)
        assert descriptors() < before + 100, descriptors()
    for _ in range(100):
        me.open("value", "v", type="int8")
    expect(len(me.fds), 100)
    expect(me.ask("object", "v")["users"], 2)
    me.leave()
    deaf.leave()
    until(lambda: descriptors() <= before)


def unread_items():
    """They go to somebody who reads none of them: that is bounded by what any client may leave unread."""
    start = memory()
    deaf, me = Client(), Client()
    deaf.open("queue", "q")
    me.open("queue", "q")
    deaf.send_bytes(b"".join(msgpack.packb([0, i, "ruche.queue.get", ["q"]]) for i in range(2000)))
    waiting(me, "q", 2000)
    for _ in range(500):
        me.ask("queue.put", "q", b"x" * (1 << 20))
    left = me.ask("object", "q")
    assert left["size"] > 0, "it was not cut off"
    grown = memory() - start - left["bytes"]
    assert grown < 200 << 20, grown
    deaf.leave()
    me.leave()


def very_many_items():
    """Given back, acknowledged in any order, and left by who dies: nobody waits long for the daemon."""
    count, many = 240000, 60000
    me, other = Client(), Client()
    me.open("queue", "q")
    other.open("queue", "q")
    for _ in range(count // many):
        expect(me.ask("queue.put_many", "q", [1] * many), many)
    tokens = []
    while len(tokens) < count:
        tokens += [token for token, _ in me.ask("queue.get_many", "q", count, {"ack": True})]
    rng = random.Random(1)

    def briskly(client, method, some):
        start = time.monotonic()
        expect(client.ask(method, "q", some), len(some))
        other.good("ruche.ping")
        seconds = time.monotonic() - start
        assert seconds < rpc.PATIENCE / 2, f"{method}: {seconds} s"

    briskly(me, "queue.give_back", tokens[:many])
    expect(other.ask("queue.get_many", "q", many, {"ack": True})[0][0], tokens[0])
    briskly(me, "queue.ack", tokens[: many - 1 : -1][:many])
    some = rng.sample(tokens[many : 3 * many], many)
    briskly(me, "queue.give_back", some)
    for token in rng.sample(tokens[many : 3 * many], 100):
        me.ask("queue.give_back", "q", [token])
    start = time.monotonic()
    me.leave()
    other.good("ruche.ping")
    until(lambda: other.ask("object", "q")["users"] == 1)
    assert time.monotonic() - start < rpc.PATIENCE / 2, "the end of a client"
    got = [token for token, _ in other.ask("queue.get_many", "q", count, {"ack": True})]
    assert got == sorted(got) and len(got) == 2 * many, "not in their old order"
    other.leave()


# ---- limits and users


def limits():
    """user_objects = 20, user_object_bytes = 1M."""
    me, other = Client(), Client()
    for i in range(20):
        expect((me if i % 2 else other).open("lock", f"l{i}")["created"], True)
    expect(me.open("lock", "l20"), "busy")
    expect(me.open("lock", "l1")["created"], False)
    me.ask("remove", "l2")  # it is there until nobody has it open
    expect(me.open("lock", "l20"), "busy")
    other.ask("close", "l2")
    expect(me.open("queue", "l20")["created"], True)
    expect(me.open("value", "v", type="int8", count=1 << 20), "busy")
    item = b"x" * 100000
    expect([me.ask("queue.put", "l20", item) for _ in range(12)], [None] * 10 + ["busy"] * 2)
    expect(me.ask("queue.put_many", "l20", [item]), "busy")
    expect(me.ask("queue.get_many", "l20", 3, {"ack": True})[0][1], item)
    expect(me.ask("queue.put", "l20", item), "busy")  # they are still there
    expect(me.ask("queue.get", "l20"), item)
    expect(me.ask("queue.put", "l20", item), None)
    bytes_before = me.ask("object", "l20")["bytes"]
    for _ in range(100):
        expect(me.ask("queue.put_many", "l20", [1] * 100 + [b"x" * 400000]), "busy")
    expect(me.ask("object", "l20")["bytes"], bytes_before)
    expect(me.ask("queue.put", "l20", 1, {"none": 1}), "bad_arguments")
    expect(me.ask("object", "l20")["bytes"], bytes_before)
    for _ in range(3):
        other.leave()
        other = Client()
        expect(other.open("lock", "again")["created"], True)
        expect(other.open("value", "v", type="int8", count=100000), "busy")
    me.leave()
    other.leave()


def mine():
    """As one user; persistent, for theirs() to look at."""
    me = Client()
    for name in ("x", "y"):
        me.open("queue", name, persistent=True)
        me.ask("queue.put", name, "secret")
    me.leave()


def theirs():
    """As another user: the first one's are not there."""
    me = Client()
    owner = int(sys.argv[4])
    assert os.getuid() != owner
    expect(me.ask("objects"), [])
    for more in ([], [owner]):
        expect(me.ask("object", "x", *more), "unknown_object")
        expect(me.ask("remove", "x", *more), "unknown_object")
    expect(me.open("queue", "x", create=False), "unknown_object")
    expect(me.ask("queue.get", "x", NO_TIME), "unknown_object")
    expect(me.open("queue", "x", exclusive=True)["created"], True)
    expect(me.ask("queue.get", "x", NO_TIME), "busy")
    expect([o["uid"] for o in me.ask("objects")], [os.getuid()])
    me.leave()


def mine_again():
    me = Client()
    expect(sorted(o["name"] for o in me.ask("objects")), ["x", "y"])
    for name in ("x", "y"):
        me.open("queue", name)
        expect(me.ask("queue.get", name, NO_TIME), "secret")
        me.ask("remove", name)
    me.leave()


globals()[sys.argv[1]]()
if sys.argv[1] not in ("mine", "theirs"):
    nothing_left()
print("good")
