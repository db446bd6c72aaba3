# SPDX-License-Identifier: MIT
"""The table of ruche-tasks(7), "What becomes of a task": each cell provoked and looked at.

    table.py DAEMON PLUGIN MANUAL FOLDER

Each column is a way to bring a task to a moment of its life, each row a fault; a cell's name is its column's
letter and its row's number, as the manual has it. At the end the cells that were tested must be those
of the manual.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import time

import msgpack

daemon_path, plugin, manual, folder = sys.argv[1:5]
SLOW = 10 if os.environ.get("RUCHE_TEST_VALGRIND") else 1
PATIENCE = 20 * SLOW


class Gone(Exception):
    """The connection has ended."""


class Client:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(path)
        self.unpacker = msgpack.Unpacker(raw=False)
        self.answers = {}
        self.id = 0

    def send(self, method, *params):
        self.id += 1
        self.sock.sendall(msgpack.packb([0, self.id, method, params]))
        return self.id

    def read(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Gone
        self.unpacker.feed(data)
        for message in self.unpacker:
            if message[0] == 1:
                assert message[1] not in self.answers, "two answers"
                self.answers[message[1]] = message[2:]

    def wait(self, msgid):
        while msgid not in self.answers:
            self.read()
        return self.answers[msgid]

    def call(self, method, *params):
        return self.wait(self.send(method, *params))

    def good(self, method, *params):
        error, result = self.call(method, *params)
        assert error is None, error
        return result


class Daemon:
    count = 0

    def __init__(self, config=""):
        Daemon.count += 1
        self.path = f"{folder}/{Daemon.count}.sock"
        with open(self.path + ".conf", "w", encoding="ascii") as file:
            file.write("[pool default]\nworkers = 2\ngrace = 300ms\n" + config)
        self.process = subprocess.Popen(
            [daemon_path, "--config", self.path + ".conf", "--socket", self.path, "--plugin", plugin])
        until(self.answers)

    def answers(self):
        try:
            return Client(self.path).good("ruche.status")["workers"]["idle"] == 2
        except OSError:
            return False

    def end(self):
        self.process.terminate()
        assert self.process.wait() == 0


def until(condition):
    end = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


# ---- moments: each gives a task by its client, its id and the answer that it would have -------------

LONG = 1000


class Task:
    def __init__(self, client, task, goes_on):
        self.client, self.id, self.goes_on = client, task, goes_on

    def state(self, watcher):
        return watcher.good("ruche.task", self.id)


def submit(client, function, args, options):
    return client.good("ruche.submit", function, args, options)


def delayed(watcher, client, options, short):
    options = dict(options, delay=0.2 * SLOW if short else LONG)
    task = Task(client, submit(client, "cube", [3], options), 27)
    assert task.state(watcher)["state"] == "delayed"
    return task


def queued(watcher, client, options, short):
    watcher.good("ruche.pause")
    task = Task(client, submit(client, "cube", [3], options), 27)
    assert task.state(watcher)["state"] == "queued"
    return task


def running(watcher, client, options, short):
    task = Task(client, submit(client, "sleep", [0.3 * SLOW if short else LONG], options), None)
    until(lambda: task.state(watcher)["state"] == "running")
    # It was handed to its worker; the worker begins with it a moment later.
    until(lambda: task.state(watcher)["ran"] > 0.03 * SLOW)
    return task


def between(watcher, client, options, short):
    options = dict(options, attempts=2, backoff=0.4 * SLOW if short else LONG)
    task = Task(client, submit(client, "crash.segv", [], options), "crashed")
    until(lambda: task.state(watcher)["attempts"] == 1 and task.state(watcher)["state"] == "delayed")
    return task


def finished(watcher, client, options, short):
    task = Task(client, submit(client, "cube", [3], options), 27)
    until(lambda: task.state(watcher)["state"] == "finished")
    return task


MOMENTS = {"D": delayed, "Q": queued, "R": running, "B": between, "F": finished}

# ---- what is to be seen -------------------------------------------------------------------------------


def resume(watcher):
    watcher.good("ruche.resume")


def outcome(watcher, task):
    """The answer as "code executed", or "goes on" if it is the one that would have been."""
    error, result = watcher.call("ruche.result", task.id, {"timeout": PATIENCE})
    again = watcher.call("ruche.result", task.id)
    assert again == [error, result], "another answer the second time"
    if error is None:
        assert result == task.goes_on, (result, task.goes_on)
        return "goes on"
    if error["code"] == task.goes_on and error["attempts"] == 2:
        return "goes on"
    return f"{error['code']} {error['executed']}"


tested = {}


def claim(cell, expected, got):
    good = got == expected
    tested[cell] = good
    print(f"{'ok' if good else 'not ok'} [{cell}] {expected}" + ("" if good else f", not {got}"), flush=True)


def try_cell(daemon, cell, fault, expected, options=None, short=False, look=outcome):
    """Brings a task to the moment, does what the fault says, and looks."""
    watcher, client = Client(daemon.path), Client(daemon.path)
    task = MOMENTS[cell[0]](watcher, client, options or {}, short)
    fault(watcher, task)
    if short:
        resume(watcher)
    claim(cell, expected, look(watcher, task))
    resume(watcher)
    watcher.good("ruche.release", "crash.segv")
    watcher.sock.close()
    client.sock.close()


def has_begun(watcher):
    """Some task was handed to a worker, and that long ago that it has begun with it."""
    return any((worker["running_for"] or 0) > 0.03 * SLOW for worker in watcher.good("ruche.workers"))


# ---- rows -----------------------------------------------------------------------------------------------


def row_cancelled_by_caller(daemon):
    """Of a call: the caller knows its msgid."""
    watcher = Client(daemon.path)
    ways = {
        "D1": ("cube", [3], {"delay": LONG}, "cancelled no"),
        "Q1": ("cube", [3], {}, "cancelled no"),
        "R1": ("sleep", [LONG], {}, "cancelled maybe"),
        "B1": ("crash.segv", [], {"attempts": 2, "backoff": LONG}, "cancelled maybe"),
    }
    for cell, (function, args, options, expected) in ways.items():
        client = Client(daemon.path)
        if cell[0] == "Q":
            watcher.good("ruche.pause")
        crashed = watcher.good("ruche.status")["restarts"]
        msgid = client.send("ruche.call", function, args, options)
        status = lambda: watcher.good("ruche.status")
        until(lambda: status()["open"] == 1)
        if cell[0] == "R":
            until(lambda: has_begun(watcher))
        if cell[0] == "B":
            until(lambda: status()["restarts"] > crashed)
        assert client.good("ruche.cancel", msgid) is True
        error = client.wait(msgid)[0]
        claim(cell, expected, f"{error['code']} {error['executed']}")
        resume(watcher)
    client = Client(daemon.path)
    msgid = client.send("cube", 3)
    assert client.wait(msgid) == [None, 27]
    claim("F1", False, client.good("ruche.cancel", msgid))


def row_cancelled_by_id(daemon):
    for cell, word, expected in (("D2", "cancelled", "cancelled no"), ("Q2", "cancelled", "cancelled no"),
            ("R2", "stopping", "cancelled maybe"), ("B2", "cancelled", "cancelled maybe"), ("F2", "finished", "goes on")):
        def fault(watcher, task, word=word):
            assert watcher.good("ruche.cancel_task", task.id) == word
        try_cell(daemon, cell, fault, expected)


def nothing(watcher, task):
    pass


def row_timeout(daemon):
    def wait_longer_than_that(watcher, task):
        until(lambda: task.state(watcher)["queued"] > 0.2 * SLOW)
    try_cell(daemon, "Q3", wait_longer_than_that, "goes on", {"timeout": 0.1 * SLOW}, short=True)
    try_cell(daemon, "R3", nothing, "timeout maybe", {"timeout": 0.1 * SLOW})


def row_deadline(daemon):
    for cell, expected in (("D4", "timeout no"), ("Q4", "timeout no"), ("R4", "timeout maybe"), ("B4", "timeout maybe")):
        try_cell(daemon, cell, nothing, expected, {"deadline": time.time() + 0.3 * SLOW})
    try_cell(daemon, "F4", lambda w, t: until(lambda: time.time() > began + 0.4 * SLOW), "goes on",
        {"deadline": (began := time.time()) + 0.3 * SLOW})


def row_expires(daemon):
    for cell in ("D5", "Q5"):
        try_cell(daemon, cell, nothing, "timeout no", {"expires": 0.2})
    for cell in ("R5", "B5", "F5"):
        def fault(watcher, task):
            until(lambda: time.time() - task.state(watcher)["submitted"] > 0.2 * SLOW)
        try_cell(daemon, cell, fault, "goes on", {"expires": 0.15 * SLOW}, short=True)


def hang_up(watcher, task):
    task.client.sock.close()


def row_caller_goes(daemon):
    for cell, expected in (("D6", "cancelled no"), ("Q6", "cancelled no"), ("R6", "cancelled maybe"),
            ("B6", "cancelled maybe"), ("F6", "goes on")):
        def gone(watcher, task):
            hang_up(watcher, task)
            until(lambda: task.state(watcher)["state"] == "finished")
        try_cell(daemon, cell, gone, expected)


def row_caller_goes_but_it_stays(daemon):
    for cell in ("D7", "Q7", "R7", "B7", "F7"):
        try_cell(daemon, cell, hang_up, "goes on", {"detach": True}, short=True)
    # Not detached, but somebody else waits for it.
    watcher, client = Client(daemon.path), Client(daemon.path)
    task = running(watcher, client, {}, True)
    waits = watcher.send("ruche.result", task.id)
    watcher.good("ruche.ping")
    client.sock.close()
    assert watcher.wait(waits) == [None, None], "somebody waited for it"


def workers(watcher):
    return watcher.good("ruche.workers")


def kill_workers(watcher, task):
    """The one that runs the task; else all."""
    there = workers(watcher)
    at = task.state(watcher)["worker"]
    for worker in there:
        if worker["pid"] and at in (None, worker["worker"]):
            os.kill(worker["pid"], signal.SIGKILL)
    old = {worker["pid"] for worker in there}
    until(lambda: any(worker["pid"] and worker["pid"] not in old for worker in workers(watcher)))


def row_worker_killed(daemon):
    for cell in ("D8", "Q8", "B8", "F8"):
        try_cell(daemon, cell, kill_workers, "goes on", short=True)
    try_cell(daemon, "R8", kill_workers, "crashed maybe")


def row_attempts(daemon):
    watcher = Client(daemon.path)
    error = watcher.call("ruche.call", "crash.segv", [], {"attempts": 3, "backoff": 0.01})[0]
    claim("R9", "crashed after 3", f"{error['code']} after {error['attempts']}")
    watcher.good("ruche.release", "crash.segv")


def row_worker_stands_still(daemon):
    def stop(watcher, task):
        at = task.state(watcher)["worker"]
        os.kill(next(worker["pid"] for worker in workers(watcher) if worker["worker"] == at), signal.SIGSTOP)
    try_cell(daemon, "R10", stop, "timeout maybe", {"timeout": 0.2 * SLOW})


def row_forkserver_killed(daemon):
    def fault(watcher, task):
        status = watcher.good("ruche.status")["forkserver"]
        os.kill(status["pid"], signal.SIGKILL)
        until(lambda: watcher.good("ruche.status")["forkserver"]["restarts"] > status["restarts"])
    for moment in "DQRBF":
        try_cell(daemon, moment + "11", fault, "goes on", short=True)


def row_quarantine(daemon):
    """Its tenth crash comes while others of the function are in each moment."""
    def tasks(watcher, client):
        journal = f"{folder}/journal"
        ok = lambda mode: [journal, 1, mode]
        yield "D12", submit(client, "test.mixed", ok("ok"), {"delay": LONG}), "quarantined no"
        yield "F12", submit(client, "test.mixed", ok("ok"), {}), "ok"
        yield "B12", submit(client, "test.mixed", ok("segv"), {"attempts": 2, "backoff": LONG}), "quarantined maybe"

    watcher, client = Client(daemon.path), Client(daemon.path)
    all_tasks = list(tasks(watcher, client))
    described = lambda task: watcher.good("ruche.task", task)
    until(lambda: described(all_tasks[1][1])["state"] == "finished")
    until(lambda: described(all_tasks[2][1])["attempts"] == 1)
    until(lambda: watcher.good("ruche.status")["workers"]["idle"] == 2)
    # One worker is in a task of the function, the other crashes in it; what waits is queued.
    journal = f"{folder}/journal"
    runs = submit(client, "test.mixed", [journal, 1, "wait"], {})
    until(lambda: described(runs)["state"] == "running")
    for _ in range(8):
        client.call("test.mixed", journal, 1, "segv")
    watcher.good("ruche.pause")
    last = submit(client, "test.mixed", [journal, 1, "segv"], {"priority": 1})
    queue = submit(client, "test.mixed", [journal, 1, "ok"], {"delay": 0})
    watcher.good("ruche.resize", "default", 2, 2)
    resume(watcher)
    until(lambda: described(last)["state"] == "finished")
    for cell, task, expected in all_tasks:
        answer = described(task)
        got = f"{answer['code']} {answer['executed']}" if answer["code"] != "ok" else "ok"
        claim(cell, expected, got)
    answer = watcher.call("ruche.result", queue, {"timeout": PATIENCE})[0]
    claim("Q12", "quarantined no", f"{answer['code']} {answer['executed']}" if answer else "ok")
    with open(journal + ".go", "w", encoding="ascii"):
        pass
    claim("R12", "goes on", "goes on" if watcher.good("ruche.result", runs, {"timeout": PATIENCE}) == 1 else "?")
    for wait, cell in ((True, "L3"), (False, "L4")):
        error = watcher.call("ruche.call", "test.mixed", [journal, 1, "ok"], {"wait": wait})[0]
        claim(cell, "quarantined no", f"{error['code']} {error['executed']}")
    watcher.good("ruche.release", "test.mixed")


def row_reload(daemon):
    def fault(watcher, task):
        watcher.good("ruche.reload")
    for moment in "DQRBF":
        try_cell(daemon, moment + "15", fault, "goes on", short=True)


def all_moments(daemon, running_for):
    watcher = Client(daemon.path)
    finished_one = submit(watcher, "cube", [3], {})
    watcher.good("ruche.result", finished_one)
    client = Client(daemon.path)
    calls = {
        "B": client.send("ruche.call", "crash.segv", [], {"attempts": 2, "backoff": LONG}),
        "D": client.send("ruche.call", "cube", [3], {"delay": LONG}),
    }
    until(lambda: watcher.good("ruche.status")["restarts"] >= 1)
    calls["R"] = client.send("sleep", running_for)
    until(lambda: has_begun(watcher))
    watcher.good("ruche.pause")
    calls["Q"] = client.send("cube", 3)
    until(lambda: watcher.good("ruche.status")["open"] == 4)
    return watcher, client, calls, finished_one


def row_daemon_ends():
    expected = {"D": "shutting_down no", "Q": "shutting_down no", "B": "shutting_down maybe"}
    for running_for, result in ((0.3 * SLOW, None), (LONG, "shutting_down maybe")):
        daemon = Daemon(f"[daemon]\nstop_grace = {1 * SLOW}s\n")
        _, client, calls, finished_one = all_moments(daemon, running_for)
        daemon.process.terminate()
        for moment in "DQB":
            error = client.wait(calls[moment])[0]
            claim(moment + "13", expected[moment], f"{error['code']} {error['executed']}")
        error = client.wait(calls["R"])[0]
        claim("R13", result, error and f"{error['code']} {error['executed']}")
        assert daemon.process.wait() == 0
        daemon = Daemon()
        error = Client(daemon.path).call("ruche.result", finished_one)[0]
        claim("F13", "unknown_task", error["code"])
        daemon.end()


def row_daemon_killed():
    daemon = Daemon()
    _, client, calls, finished_one = all_moments(daemon, LONG)
    daemon.process.kill()
    daemon.process.wait()
    for moment in "DQRB":
        try:
            got = client.wait(calls[moment])
        except Gone:
            got = "the connection ends"
        claim(moment + "14", "the connection ends", got)
    os.unlink(daemon.path)
    daemon = Daemon()
    error = Client(daemon.path).call("ruche.result", finished_one)[0]
    claim("F14", "unknown_task", error["code"])
    daemon.end()


def rows_of_limits():
    daemon = Daemon("[limits]\nuser_tasks = 2\n")
    watcher, client = Client(daemon.path), Client(daemon.path)
    two = [client.send("sleep", LONG) for _ in range(2)]
    until(lambda: watcher.good("ruche.status")["open"] == 2)
    error = watcher.call("ruche.call", "cube", [3], {"wait": False})[0]
    claim("L2", "busy no", f"{error['code']} {error['executed']}")
    late = Client(daemon.path)
    waits = late.send("cube", 3)
    assert watcher.good("ruche.status")["open"] == 2
    assert client.good("ruche.cancel", two[0]) is True
    claim("L1", [None, 27], late.wait(waits))
    client.good("ruche.cancel", two[1])
    watcher.good("ruche.drain")
    for wait, cell in ((True, "L5"), (False, "L6")):
        error = watcher.call("ruche.call", "cube", [3], {"wait": wait})[0]
        claim(cell, "unavailable no", f"{error['code']} {error['executed']}")
    daemon.end()


def cells_of_manual():
    with open(manual, encoding="utf-8") as file:
        return set(re.findall(r"\[([DQRBFL]\d+)\]", file.read()))


def main():
    daemon = Daemon()
    for row in (row_cancelled_by_caller, row_cancelled_by_id, row_timeout, row_deadline, row_expires,
            row_caller_goes, row_caller_goes_but_it_stays, row_worker_killed, row_attempts,
            row_worker_stands_still, row_forkserver_killed, row_quarantine, row_reload):
        row(daemon)
    daemon.end()
    row_daemon_ends()
    row_daemon_killed()
    rows_of_limits()
    manual_cells = cells_of_manual()
    print(f"cells: {len(manual_cells)}, not tested: {sorted(manual_cells - set(tested))}, "
        f"not in the manual: {sorted(set(tested) - manual_cells)}")
    if manual_cells != set(tested) or not all(tested.values()):
        raise SystemExit(1)


main()
