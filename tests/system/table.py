# SPDX-License-Identifier: MIT
"""The table of ruche-tasks(7), "What becomes of a task": each cell provoked and looked at.

    table.py DAEMON PLUGIN MANUAL FOLDER

Each column is a way to bring a task to a moment of its life, each row a fault; a cell's name is its column's
letter and its row's number, as the manual has it. What is to be seen is nowhere here but in the manual: what was seen
is said in its words, and must be what stands in the cell. At the end the cells that were tested must
be those of the manual.
"""
import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time

from rpc import PATIENCE, SLOW, Client, Gone, until

daemon_path, plugin, manual, folder = sys.argv[1:5]


class Daemon:
    count = itertools.count(1)

    def __init__(self, config=""):
        self.path = f"{folder}/{next(Daemon.count)}.sock"
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
    return told(error)


def cells_of_manual():
    """The text of each cell by its name; "-" has none."""
    with open(manual, encoding="utf-8") as file:
        cells = re.findall(r"^: +(.*) \[([DQRBFL]\d+)\]$", file.read(), re.MULTILINE)
    return {name: text for text, name in cells}


cells = cells_of_manual()
tested = {}


def claim(cell, got):
    good = got == cells.get(cell)
    assert cell not in tested, "tested twice"
    tested[cell] = good
    print(f"{'ok' if good else 'not ok'} [{cell}] {cells.get(cell)}" + ("" if good else f", not: {got}"), flush=True)


def told(error):
    return f"{error['code']} {error['executed']}"


def try_cell(daemon, cell, fault, options=None, short=False, words="{}"):
    """Brings a task to the moment, does what the fault says, and looks; `words` are around the outcome."""
    watcher, client = Client(daemon.path), Client(daemon.path)
    task = MOMENTS[cell[0]](watcher, client, options or {}, short)
    said = fault(watcher, task)
    if short:
        resume(watcher)
    claim(cell, words.format(outcome(watcher, task), said=said))
    resume(watcher)
    watcher.good("ruche.release", "crash.segv")
    watcher.sock.close()
    client.sock.close()


def has_begun(watcher):
    """Some worker is in a task."""
    return any(worker["running_for"] is not None for worker in watcher.good("ruche.workers"))


# ---- rows -----------------------------------------------------------------------------------------------


def row_cancelled_by_caller(daemon):
    """Of a call: the caller knows its msgid."""
    watcher = Client(daemon.path)
    ways = {
        "D1": ("cube", [3], {"delay": LONG}),
        "Q1": ("cube", [3], {}),
        "R1": ("sleep", [LONG], {}),
        "B1": ("crash.segv", [], {"attempts": 2, "backoff": LONG}),
    }
    for cell, (function, args, options) in ways.items():
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
        claim(cell, told(client.wait(msgid)[0]))
        resume(watcher)
    client = Client(daemon.path)
    msgid = client.send("cube", 3)
    assert client.wait(msgid) == [None, 27]
    claim("F1", "too late: " + str(client.good("ruche.cancel", msgid)).lower())


def row_cancelled_by_id(daemon):
    def fault(watcher, task):
        return watcher.good("ruche.cancel_task", task.id)
    for moment in "DQRBF":
        try_cell(daemon, moment + "2", fault, words='"{said}": {}')


def nothing(watcher, task):
    pass


def row_timeout(daemon):
    def wait_longer_than_that(watcher, task):
        until(lambda: task.state(watcher)["queued"] > 0.2 * SLOW)
    try_cell(daemon, "Q3", wait_longer_than_that, {"timeout": 0.1 * SLOW}, short=True, words="{}: it counts from the start")
    try_cell(daemon, "R3", nothing, {"timeout": 0.1 * SLOW})


def row_deadline(daemon):
    for moment in "DQRB":
        try_cell(daemon, moment + "4", nothing, {"deadline": time.time() + 0.3 * SLOW})
    try_cell(daemon, "F4", lambda w, t: until(lambda: time.time() > began + 0.4 * SLOW),
        {"deadline": (began := time.time()) + 0.3 * SLOW})


def row_expires(daemon):
    for cell in ("D5", "Q5"):
        try_cell(daemon, cell, nothing, {"expires": 0.2})
    for cell in ("R5", "B5", "F5"):
        def fault(watcher, task):
            until(lambda: time.time() - task.state(watcher)["submitted"] > 0.2 * SLOW)
        try_cell(daemon, cell, fault, {"expires": 0.15 * SLOW}, short=True)


def hang_up(watcher, task):
    task.client.sock.close()


def row_caller_goes(daemon):
    def gone(watcher, task):
        hang_up(watcher, task)
        until(lambda: task.state(watcher)["state"] == "finished")
    for moment in "DQRBF":
        try_cell(daemon, moment + "6", gone)


def row_caller_goes_but_it_stays(daemon):
    for moment in "DQRBF":
        try_cell(daemon, moment + "7", hang_up, {"detach": True}, short=True)
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
            with contextlib.suppress(ProcessLookupError):  # it has gone since, and will be replaced as well
                os.kill(worker["pid"], signal.SIGKILL)
    old = {worker["pid"] for worker in there}
    until(lambda: any(worker["pid"] and worker["pid"] not in old for worker in workers(watcher)))


def row_worker_killed(daemon):
    for moment in "DQBF":
        try_cell(daemon, moment + "8", kill_workers, short=True)
    try_cell(daemon, "R8", kill_workers, words="its own worker: {}")


def row_attempts(daemon):
    watcher = Client(daemon.path)
    error = watcher.call("ruche.call", "crash.segv", [], {"attempts": 3, "backoff": 0.01})[0]
    assert error["code"] == "crashed", error
    claim("R9", "another attempt" if error["attempts"] == 3 else told(error))
    watcher.good("ruche.release", "crash.segv")


def row_worker_stands_still(daemon):
    def stop(watcher, task):
        at = task.state(watcher)["worker"]
        os.kill(next(worker["pid"] for worker in workers(watcher) if worker["worker"] == at), signal.SIGSTOP)
    try_cell(daemon, "R10", stop, {"timeout": 0.2 * SLOW})


def row_forkserver_killed(daemon):
    def fault(watcher, task):
        status = until(lambda: (now := watcher.good("ruche.status")["forkserver"])["pid"] and now)
        os.kill(status["pid"], signal.SIGKILL)
        until(lambda: watcher.good("ruche.status")["forkserver"]["restarts"] > status["restarts"])
    for moment in "DQRBF":
        try_cell(daemon, moment + "11", fault, short=True)


def row_quarantine(daemon):
    """Its tenth crash comes while others of the function are in each moment."""
    journal = f"{folder}/journal"
    watcher, client = Client(daemon.path), Client(daemon.path)
    described = lambda task: watcher.good("ruche.task", task)
    begin = lambda mode, options: submit(client, "test.mixed", [journal, 1, mode], options)
    all_tasks = [("D12", begin("ok", {"delay": LONG})), ("F12", begin("ok", {}))]
    # It ends before the crashes begin: an end that is none starts their count again.
    until(lambda: described(all_tasks[1][1])["state"] == "finished")
    all_tasks.append(("B12", begin("segv", {"attempts": 2, "backoff": LONG})))
    until(lambda: described(all_tasks[2][1])["attempts"] == 1)
    until(lambda: watcher.good("ruche.status")["workers"]["idle"] == 2)
    # One worker is in a task of the function, the other crashes in it; what waits is queued.
    runs = begin("wait", {})
    until(lambda: described(runs)["state"] == "running")
    for _ in range(8):
        client.call("test.mixed", journal, 1, "segv")
    watcher.good("ruche.pause")
    last = begin("segv", {"priority": 1})
    queue = begin("ok", {"delay": 0})
    watcher.good("ruche.resize", "default", 2, 2)
    resume(watcher)
    until(lambda: described(last)["state"] == "finished")
    for cell, task in all_tasks:
        answer = described(task)
        claim(cell, "goes on" if answer["code"] == "ok" else told(answer))
    answer = watcher.call("ruche.result", queue, {"timeout": PATIENCE})[0]
    claim("Q12", told(answer) if answer else "goes on")
    with open(journal + ".go", "w", encoding="ascii"):
        pass
    claim("R12", "goes on" if watcher.good("ruche.result", runs, {"timeout": PATIENCE}) == 1 else "?")
    for wait, cell in ((True, "L3"), (False, "L4")):
        claim(cell, told(watcher.call("ruche.call", "test.mixed", [journal, 1, "ok"], {"wait": wait})[0]))
    watcher.good("ruche.release", "test.mixed")


def row_reload(daemon):
    def fault(watcher, task):
        watcher.good("ruche.reload")
    for moment in "DQBF":
        try_cell(daemon, moment + "15", fault, short=True)
    try_cell(daemon, "R15", fault, short=True, words="{}, in the old code")  # 45-reload.sh: which code it is


def row_upgrade(daemon):
    def fault(watcher, task):
        watcher.good("ruche.upgrade")
    for moment in "DQRBF":
        try_cell(daemon, moment + "16", fault, short=True)


def nothing_was_executed(daemon):
    """The maybe of column B is no when the run before has executed nothing."""
    watcher = Client(daemon.path)
    task = submit(watcher, "ruche.run", [["/nonexistent"], {}],
        {"attempts": 2, "retry_on": "failed", "backoff": LONG})
    until(lambda: watcher.good("ruche.task", task)["state"] == "delayed")
    assert watcher.good("ruche.cancel_task", task) == "cancelled"
    error = watcher.call("ruche.result", task)[0]
    assert told(error) == "cancelled no", error


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


def gone_with_the_daemon(task):
    daemon = Daemon()
    error = Client(daemon.path).call("ruche.result", task)[0]
    daemon.end()
    return "its answer is gone" if error["code"] == "unknown_task" else told(error)


def row_daemon_ends():
    def end(running_for):
        daemon = Daemon(f"[daemon]\nstop_grace = {1 * SLOW}s\n")
        _, client, calls, finished_one = all_moments(daemon, running_for)
        daemon.process.terminate()
        errors = {moment: client.wait(calls[moment])[0] for moment in "DQBR"}
        assert daemon.process.wait() == 0
        return errors, finished_one

    in_time, _ = end(0.3 * SLOW)
    assert in_time["R"] is None, in_time["R"]
    too_late, finished_one = end(LONG)
    for moment in "DQB":
        claim(moment + "13", told(too_late[moment]))
    claim("R13", "its result if it comes within _stop_grace_, else " + told(too_late["R"]))
    claim("F13", gone_with_the_daemon(finished_one))


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
        claim(moment + "14", got)
    claim("F14", gone_with_the_daemon(finished_one))


def rows_of_limits():
    daemon = Daemon("[limits]\nuser_tasks = 2\n")
    watcher, client = Client(daemon.path), Client(daemon.path)
    two = [client.send("sleep", LONG) for _ in range(2)]
    until(lambda: watcher.good("ruche.status")["open"] == 2)
    claim("L2", told(watcher.call("ruche.call", "cube", [3], {"wait": False})[0]))
    late = Client(daemon.path)
    waits = late.send("cube", 3)
    assert watcher.good("ruche.status")["open"] == 2
    assert client.good("ruche.cancel", two[0]) is True
    answer = late.wait(waits)
    claim("L1", "it waits until there is room" if answer == [None, 27] else answer)
    client.good("ruche.cancel", two[1])
    watcher.good("ruche.drain")
    for wait, cell in ((True, "L5"), (False, "L6")):
        claim(cell, told(watcher.call("ruche.call", "cube", [3], {"wait": wait})[0]))
    daemon.end()


def on_one_daemon(*rows):
    daemon = Daemon()
    for row in rows:
        row(daemon)
    daemon.end()


def on_daemons_of_their_own():
    row_daemon_ends()
    row_daemon_killed()
    rows_of_limits()


def main():
    # Most of the time is waited for time limits, so all of that is waited for at once. What goes wrong
    # in a thread is printed by it, and its cells are then missing.
    threads = [threading.Thread(target=group, args=rows) for group, *rows in (
        (on_one_daemon, row_cancelled_by_caller, row_cancelled_by_id, row_timeout, row_caller_goes,
            row_attempts, nothing_was_executed),
        (on_one_daemon, row_deadline, row_expires, row_worker_stands_still, row_quarantine),
        (on_one_daemon, row_caller_goes_but_it_stays, row_worker_killed),
        (on_one_daemon, row_forkserver_killed, row_reload, row_upgrade),
        (on_daemons_of_their_own,),
    )]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"cells: {len(cells)}, not tested: {sorted(set(cells) - set(tested))}")
    if set(cells) != set(tested) or not all(tested.values()):
        raise SystemExit(1)


main()
