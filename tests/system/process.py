# SPDX-License-Identifier: MIT
"""Tasks that are processes of their own.

    process.py SOCKET FOLDER PROGRAM

The daemon has the pool default of one worker and second of two, each with the plugins crash and nested; [limits]
processes = 24 and user_running = 40; the grace period is 300 ms and, in the second, longer than anybody waits.  Functions of the test plugin that wait do so until a file is there.
"""
import os
import signal
import sys

from rpc import PATIENCE, Client, until

path, folder, program = sys.argv[1:4]
MANY = 20
LIMIT = 24


def check(claim, good):
    print(("ok" if good else "not ok") + " - " + claim, flush=True)
    check.failed |= not good


check.failed = False


class Gate:
    """Tasks that run until it is opened."""
    count = 0

    def __init__(self):
        Gate.count += 1
        self.path = f"{folder}/gate{Gate.count}"

    def args(self):
        return [self.path, 1, "wait"]

    def open(self):
        with open(self.path + ".go", "w", encoding="ascii"):
            pass


def start(client, function, args, **options):
    return client.good("ruche.submit", function, args, {"process": True, **options})


def state(client, task):
    return client.good("ruche.task", task)


def is_running(client, task):
    return state(client, task)["state"] == "running"


def running(client, *tasks):
    """Waits until all of them are, and tells their pids."""
    for task in tasks:
        until(lambda t=task: is_running(client, t))
    return [state(client, task)["pid"] for task in tasks]


def end_of(client, task):
    error, result = client.call("ruche.result", task, {"timeout": PATIENCE})
    return error or result


def workers(client, pool="default"):
    return [w for w in client.good("ruche.workers") if w["pool"] == pool]


def is_alone(client):
    """The workers are those of the pools again."""
    return [w["process"] for w in client.good("ruche.workers")] == [False] * 3


def command_of(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().split(b"\0")[:-1]


def exists(pid):
    assert pid > 1, pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def occupy(client, pool, count):
    """Plain tasks on all of the pool's workers, and the gate that ends them."""
    gate = Gate()
    tasks = [client.good("ruche.submit", "test.mixed", gate.args(), {"pool": pool}) for _ in range(count)]
    running(client, *tasks)
    return gate, tasks


# ---- beside the pool ----------------------------------------------------------------------------


def beside():
    client = Client(path)
    busy, tasks = occupy(client, "default", 1)
    plain = client.good("ruche.submit", "test.pid", [], {})
    gate = Gate()
    process = start(client, "test.mixed", gate.args())
    pid, = running(client, process)
    check("it starts though the pool's only worker is busy", True)
    check("while a plain task waits", state(client, plain)["state"] == "queued")
    all_of_them = workers(client)
    check("in a worker of its own", [w["process"] for w in all_of_them] == [False, True] and
          all_of_them[1]["pid"] == pid and pid != all_of_them[0]["pid"] and exists(pid))
    check("of which its status tells", state(client, process)["process"] is True and
          state(client, tasks[0])["process"] is False and state(client, tasks[0])["pid"] == all_of_them[0]["pid"])
    direct = client.send("ruche.call", "test.pid", [], {"process": True})
    error, other = client.wait(direct)
    check("a call may be one, too, and each has another", error is None and other not in (w["pid"] for w in all_of_them))
    gate.open()
    check("its result is its function's", end_of(client, process) == 1)
    check("its pid is still known", state(client, process)["pid"] == pid)
    check("and its worker, which was there for it alone, has gone", until(lambda: len(workers(client)) == 1) and not exists(pid))
    check("the plain one waits for the pool all the while", state(client, plain)["state"] == "queued")
    busy.open()
    check("and gets its turn", end_of(client, plain) == all_of_them[0]["pid"])


def many():
    client = Client(path)
    gate = Gate()
    busy, _ = occupy(client, "second", 2)
    tasks = [start(client, "test.mixed", gate.args(), pool="second") for _ in range(MANY)]
    pids = running(client, *tasks)
    check(f"{MANY} of them run at the same time beside a full pool of 2", len(set(pids)) == MANY and all(map(exists, pids)))
    check("all in workers of their own", sum(w["process"] for w in workers(client, "second")) == MANY)
    gate.open()
    check("each has its answer", [end_of(client, task) for task in tasks] == [1] * MANY)
    busy.open()
    check("and no worker is left", until(lambda: is_alone(client)))


def limited():
    client = Client(path)
    gate = Gate()
    tasks = [start(client, "test.mixed", gate.args()) for _ in range(LIMIT)]
    running(client, *tasks)
    error, _ = client.call("ruche.submit", "test.pid", [], {"process": True})
    check("one too many is refused at once", error["code"] == "busy" and error["executed"] == "no" and "[limits] processes" in error["message"])
    check("which is no matter of others", client.good("test.pid") > 0)
    gate.open()
    for task in tasks:
        end_of(client, task)
    check("when they have ended there is room", client.good("ruche.call", "test.pid", [], {"process": True}) > 0)


def user_limited():
    client = Client(path)
    gate = Gate()
    gate.path += "limit"
    client.good("ruche.resize", "second", 40, 40)
    busy, _ = occupy(client, "second", 39)
    tasks = [start(client, "test.mixed", gate.args()) for _ in range(10)]
    until(lambda: any(is_running(client, task) for task in tasks))
    states = sorted(state(client, task)["state"] for task in tasks)
    check("what a user may have running holds for processes", states == ["queued"] * 9 + ["running"])
    made = len(workers(client))
    check("no worker is made for one that may not begin", made <= 2)
    busy.open()
    running(client, *tasks)
    gate.open()
    check("they run when they may", [end_of(client, task) for task in tasks] == [1] * 10)
    client.good("ruche.resize", "second", 2, 2)
    check("the workers are those of before", until(lambda: is_alone(client)))


# ---- ends -------------------------------------------------------------------------------------------


def ends():
    client = Client(path)
    pid, = running(client, task := start(client, "sleep", [1000]))
    check("terminated, a function that asks whether it should ends", client.good("ruche.cancel_task", task) == "stopping" and
          end_of(client, task)["code"] == "cancelled")
    pid, = running(client, task := start(client, "test.spin", [1000]))
    client.good("ruche.cancel_task", task)
    end = end_of(client, task)
    check("one that does not is killed after the grace period", (end["code"], end["signal"]) == ("cancelled", 9) and not exists(pid))
    pid, = running(client, task := start(client, "test.spin", [1000], pool="second"))
    client.good("ruche.cancel_task", task, signal.SIGKILL)
    end = end_of(client, task)
    check("by SIGKILL it is killed at once", (end["code"], end["signal"]) == ("cancelled", 9) and "killed, as was asked for" in end["message"] and
          not exists(pid))
    running(client, task := start(client, "ruche.run", [["sleep", "1000"]]))
    until(lambda: state(client, task)["pid"])
    check("of a command it is the command's pid", until(lambda: command_of(state(client, task)["pid"]) == [b"sleep", b"1000"]))
    client.good("ruche.cancel_task", task)
    end = end_of(client, task)
    check("which SIGTERM ends", (end["code"], end["signal"]) == ("cancelled", 15))
    _, = running(client, task := start(client, "ruche.run", [["sh", "-c", "sleep 1000 & echo $! >" + folder + "/grandchild; wait"]]))
    until(lambda: os.path.exists(folder + "/grandchild") and os.path.getsize(folder + "/grandchild") > 1)
    client.good("ruche.cancel_task", task, signal.SIGKILL)
    end = end_of(client, task)
    with open(folder + "/grandchild", encoding="ascii") as file:
        grandchild = int(file.read())
    check("SIGKILL ends the whole tree", end["code"] == "cancelled" and until(lambda: not exists(grandchild)))
    task = start(client, "crash.segv", [])
    end = end_of(client, task)
    check("a crash is told with its signal", (end["code"], end["signal"], end["executed"]) == ("crashed", 11, "maybe"))
    task = start(client, "sleep", [1000], timeout=0.1)
    end = end_of(client, task)
    check("a time limit holds", end["code"] == "timeout")
    task = start(client, "crash.exit", [3], attempts=3, backoff=0.01)
    end = end_of(client, task)
    check("and so do attempts, each in a worker of its own", (end["code"], end["exit_status"], end["attempts"]) == ("crashed", 3, 3))
    task = start(client, "test.pid", [], delay=0.1)
    check("and a delay", state(client, task)["state"] == "delayed" and end_of(client, task) == state(client, task)["pid"])
    check("after all of these no worker is left", until(lambda: is_alone(client)))


def killed_from_outside():
    client = Client(path)
    pid, = running(client, task := start(client, "sleep", [1000]))
    assert pid > 1
    os.kill(pid, signal.SIGKILL)
    end = end_of(client, task)
    check("killed from outside, it has crashed", (end["code"], end["signal"]) == ("crashed", 9))
    check("and is not made anew", until(lambda: is_alone(client)))


def of_clients():
    other, client = Client(path), Client(path)
    stopped, goes_on = start(other, "sleep", [1000]), start(other, "sleep", [1000], detach=True)
    pids = running(client, stopped, goes_on)
    other.sock.close()
    until(lambda: not is_running(client, stopped)) # somebody who waits for it would keep it
    check("when its client goes it is stopped", end_of(client, stopped)["code"] == "cancelled" and until(lambda: not exists(pids[0])))
    check("but not one that is detached", is_running(client, goes_on) and exists(pids[1]))
    client.good("ruche.cancel_task", goes_on)
    end_of(client, goes_on)


# ---- the pool, the daemon ------------------------------------------------------------------------------


def calls():
    client = Client(path)
    check("it may call the pool itself", end_of(client, start(client, "nested.deep", [5])) == 5)
    busy, _ = occupy(client, "default", 1)
    task = client.good("ruche.submit", "ruche.run", [[program, path, "inside"]], {"process": True})
    end = end_of(client, task)
    check("and start others", end["exit_status"] == 0 and end["stdout"] == b"27\n")
    busy.open()
    until(lambda: is_alone(client)) # those that took places that were lent


def paused():
    client = Client(path)
    client.good("ruche.pause", "default")
    task = start(client, "test.pid", [])
    check("in a pool that is paused it waits", state(client, task)["state"] == "queued" and len(workers(client)) == 1)
    cancelled = start(client, "test.pid", [])
    client.good("ruche.cancel_task", cancelled)
    check("and may be cancelled meanwhile", end_of(client, cancelled)["executed"] == "no")
    client.good("ruche.resume", "default")
    check("until that is resumed", end_of(client, task) > 0)
    client.good("ruche.drain", "default")
    error, _ = client.call("ruche.submit", "test.pid", [], {"process": True})
    check("one that is drained takes none", error["code"] == "unavailable")
    client.good("ruche.resume", "default")


def reloaded():
    client, gate = Client(path), Gate()
    task = start(client, "test.mixed", gate.args())
    pid, = running(client, task)
    client.good("ruche.reload")
    check("a reload does not wait for it, and does not end it", is_running(client, task) and state(client, task)["pid"] == pid)
    check("others are new", end_of(client, start(client, "test.pid", [])) != pid)
    gate.open()
    check("and its answer comes", end_of(client, task) == 1 and until(lambda: is_alone(client)))


def upgraded():
    client, gate = Client(path), Gate()
    tasks = [start(client, "test.mixed", gate.args()) for _ in range(LIMIT - 1)]
    pids = running(client, *tasks)
    waits = client.send("ruche.result", tasks[0])
    client.good("ruche.pause", "second")
    queued = start(client, "second/test.pid", [])
    ended = client.good("ruche.submit", "test.pid", [], {})
    end_of(client, ended)
    client.good("ruche.upgrade")
    check("after an upgrade they run as before", [state(client, task)["pid"] for task in tasks] == pids and
          all(is_running(client, task) for task in tasks))
    check("they count", client.call("ruche.submit", "test.pid", [], {"process": True})[0]["code"] == "busy")
    check("what was queued still is a process", state(client, queued)["process"] and state(client, queued)["state"] == "queued")
    client.good("ruche.resume", "second")
    check("and gets a worker of its own", end_of(client, queued) == state(client, queued)["pid"])
    gate.open()
    check("answers come", [end_of(client, task) for task in tasks] == [1] * len(tasks) and client.wait(waits) == [None, 1])
    client.good("ruche.upgrade")
    check("their pids are kept", [state(client, task)["pid"] for task in tasks] == pids)
    check("and their workers leave", until(lambda: is_alone(client)))


def refused():
    client = Client(path)
    error, _ = client.call("ruche.submit", "test.pid", [], {"process": 1})
    check("the option is true or false", error["code"] == "bad_arguments" and "true or false" in error["message"])


def counted():
    client = Client(path)
    usable = len(os.sched_getaffinity(0))
    counts = client.good("ruche.cpu_count"), client.good("ruche.cpu_count", "second"), client.good("ruche.cpu_count", None)
    check("a pool's cores are counted", counts[0] == counts[2] == 1 and 1 <= counts[1] <= min(usable, 2))
    check("of a pool that is there", client.call("ruche.cpu_count", "third")[0]["code"] == "bad_arguments")


SCENES = [beside, many, limited, user_limited, ends, killed_from_outside, of_clients, calls, paused, reloaded, upgraded, refused, counted]
for scene in SCENES:
    if len(sys.argv) > 4 and scene.__name__ not in sys.argv[4:]:
        continue
    scene()
sys.exit(check.failed)
