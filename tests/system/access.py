# SPDX-License-Identifier: MIT
"""Who may do what: clients of several users at one daemon, whose configuration is changed under way.

    access.py connect SOCKET UID [GID...]    may this user connect? exit status 0 or 1
    access.py all SOCKET CONFIG FOLDER RUCHE  everything else

To be run as root. The kernel tells the daemon who a client was when it connected, so one process can be
all of them, one after another.
"""
import contextlib
import json
import os
import signal
import sys
import time

import msgpack

import rpc
from rpc import PATIENCE

ALICE, BOB, CAROL = 12001, 12002, 12003
HIVE, STAFF = 12050, 12051
failures = 0


def check(claim, good, seen=""):
    global failures
    print("ok -" if good else "not ok -", claim)
    if not good:
        failures += 1
        print("# seen:", seen)


@contextlib.contextmanager
def being(uid, groups):
    """The first group is the primary one."""
    os.setgroups(groups[1:])
    os.setegid(groups[0])
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([])


class Client(rpc.Client):
    def __init__(self, uid=0, *groups, path=None):
        self.who = uid, list(groups) or [uid]
        super().__init__(path or PATH)

    def connect(self, path):
        with being(*self.who):
            self.sock.connect(path)

    def code(self, method, *params):
        """How it ends, in a word."""
        error, _ = self.call(method, *params)
        return "ok" if error is None else error["code"]

    def raw(self, method, *params):
        """The response's bytes, of which the msgid is always the same; nothing else may be under way."""
        self.send_bytes(msgpack.packb([0, 0, method, params]))
        data = b""
        while True:
            data += self.sock.recv(65536)
            try:
                msgpack.unpackb(data)
                return data
            except ValueError:
                pass


def wait_for(what):
    end = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def configure(text):
    """The daemon has this and nothing else."""
    with open(CONFIG, "w", encoding="ascii") as file:
        file.write("[pool default]\nworkers = 2\n[pool other]\nworkers = 1\n"
                   f"plugin = {os.environ['RUCHE_PLUGIN_DIR']}/*.so\n" + text)
    root.good("ruche.reload")


def submit(client, function, *args, **options):
    return client.good("ruche.submit", function, list(args), options)


def output(client, *command, **options):
    """Exit status and stdout."""
    result = client.good("ruche.run", list(command), options)
    return result["exit_status"], bytes(result["stdout"]).decode()


def state(task):
    return root.good("ruche.task", task)["state"]


def cancel(*tasks):
    for task in tasks:
        root.call("ruche.cancel_task", task)
    assert wait_for(lambda: all(state(task) == "finished" for task in tasks))


# ---- others' tasks -------------------------------------------------------------------------

def over_an_upgrade():
    configure(f"[allow a]\nusers = {ALICE}\nfunctions = sleep\ncommands = yes\n[allow b]\ngroups = {HIVE}\nfunctions = cube\n"
              f"[pool default]\nplugin = {os.environ['NESTED']}\n[allow c]\nusers = {BOB}\nfunctions = nested.*\n")
    alice, hive, bob, nobody = Client(ALICE), Client(CAROL, CAROL, STAFF, HIVE), Client(BOB), Client(CAROL)
    waits = os.path.join(FOLDER, "waits")
    open(waits, "w", encoding="ascii").close()
    task = submit(alice, "ruche.run", ["sh", "-c", f"while [ -e {waits} ]; do sleep 0.01; done; "
                                       f"{RUCHE} --socket {PATH} reload 2>&1; {RUCHE} --socket {PATH} call sleep 0"])
    assert wait_for(lambda: state(task) == "running")
    root.good("ruche.upgrade")
    check("over an upgrade all stay who they were", alice.code("sleep", 0) == "ok" and
          alice.code("cube", 3) == "denied" and hive.good("cube", 3) == 27 and hive.code("sleep", 0) == "denied" and
          bob.code("ruche.task", task) == "unknown_task" and nobody.code("cube", 3) == "denied")
    os.unlink(waits)
    result = alice.good("ruche.result", task)
    check("and a running task is still its caller's", f"uid {ALICE}" in bytes(result["stdout"]).decode() and
          result["exit_status"] == 0, result)
    error, _ = bob.call("nested.rest", 0)
    check("and new ones too", error["code"] == "failed" and f"uid {BOB}" in error["message"], error)


def others_tasks(note, owner, other):
    alice, bob = Client(owner), Client(other)
    runs = submit(alice, "sleep", 600, key=note, tag="secret")
    ended = submit(alice, "cube", 3)
    log = submit(alice, "ruche.run", ["sh", "-c", "echo hidden; exec sleep 600"], {"stream": True})
    alice.good("ruche.wait", [ended])
    assert wait_for(lambda: state(runs) == state(log) == "running")

    asks = [("ruche.task",), ("ruche.result", {"timeout": 0}), ("ruche.result",), ("ruche.cancel_task",),
            ("ruche.cancel_task", 9), ("ruche.log",), ("ruche.log", {"follow": True}),
            ("ruche.result", {"forget": True})]
    for task, kind in (runs, "a running"), (ended, "an ended"), (log, "a logged"):
        for method, *rest in asks:
            about = bob.raw(method, task, *rest)
            unknown = bob.raw(method, task + 1000, *rest)
            check(f"{note}: {method} {rest} of {kind} task of another's is as of none",
                  about.replace(str(task).encode(), b"ID") ==
                  unknown.replace(str(task + 1000).encode(), b"ID") and b"unknown_task" in about,
                  (about, unknown))
    about = bob.raw("ruche.wait", [runs], {"timeout": 0})
    unknown = bob.raw("ruche.wait", [runs + 1000], {"timeout": 0})
    check(f"{note}: ruche.wait as well", about.replace(str(runs).encode(), b"ID") ==
          unknown.replace(str(runs + 1000).encode(), b"ID"), (about, unknown))
    check(f"{note}: what another wants to cancel goes on", state(runs) == state(log) == "running")
    check(f"{note}: another lists nothing", bob.good("ruche.tasks") == [], bob.good("ruche.tasks"))

    seen = bob.good("ruche.status")
    check(f"{note}: the status tells another of no task",
          [seen[k] for k in ("queued", "running", "open", "kept", "kept_bytes")] == [0] * 5 and
          all(seen[k] is None for k in ("accepted", "done", "failed", "crashed", "cancelled", "timed_out",
                                        "clients", "unread_bytes")), seen)
    seen = bob.good("ruche.workers")
    check(f"{note}: nor do the workers",
          all(w[k] is None for w in seen for k in ("function", "running_for", "in_flight", "done", "crashed",
                                                   "restarts", "last_death")), seen)
    seen = bob.good("ruche.functions")
    check(f"{note}: nor do the functions", seen and all(f["running"] is None for f in seen), seen)
    seen = bob.good("ruche.pools")
    check(f"{note}: nor do the pools", all(p["queued"] is None and p["open"] is None for p in seen), seen)
    check(f"{note}: a key is its user's", submit(bob, "cube", 2, key=note) != runs)
    check(f"{note}: bob sees his own", len(bob.good("ruche.tasks")) == 1)

    check(f"{note}: alice lists hers, by any connection",
          {t["id"] for t in Client(owner).good("ruche.tasks")} == {runs, ended, log})
    seen = Client(owner).good("ruche.status")
    check(f"{note}: and counts hers", seen["open"] == seen["running"] == 2 and seen["kept"] == 1, seen)
    seen = [w["function"] for w in alice.good("ruche.workers")]
    check(f"{note}: and sees what runs of hers", sorted(f for f in seen if f) == ["ruche.run", "sleep"], seen)
    check(f"{note}: root lists everybody's", {runs, ended, log} <= {t["id"] for t in root.good("ruche.tasks")})
    check(f"{note}: root fetches everybody's", root.good("ruche.result", ended) == 27)
    cancel(runs, log)
    check(f"{note}: root cancels everybody's", state(runs) == "finished")
    check(f"{note}: the owner fetches", alice.good("ruche.result", ended) == 27)


METHODS = {"reload": ("ruche.reload",), "upgrade": ("ruche.upgrade",), "pause": ("ruche.pause", "other"), "resume": ("ruche.resume", "other"),
           "drain": ("ruche.drain", "other"), "resize": ("ruche.resize", "other", 1, 1),
           "release": ("ruche.release", "cube")}


def bounds():
    alice = Client(ALICE)
    task = submit(alice, "sleep", 600)
    waits = [alice.send("ruche.wait", [task] * 16384) for _ in range(5)]
    error, _ = alice.wait(waits[-1])
    check("a connection waits for so many tasks and no more", error["code"] == "busy" and "65536" in error["message"], error)
    alice.send_note("ruche.cancel", waits[0])
    alice.wait(waits[0])
    more = alice.send("ruche.wait", [task] * 16384)
    check("and for others when it waits for less", alice.code("ruche.task", task) == "ok" and more not in alice.answers)
    start = time.monotonic()
    alice.sock.close()
    root.good("ruche.ping")
    print(f"# its end took {time.monotonic() - start:.3f} s")
    cancel(task)


def without_rules():
    bounds()
    others_tasks("without rules", 12010, 12011)
    bob = Client(BOB)
    check("without rules everybody calls", bob.good("cube", 3) == 27)
    check("and runs commands", output(bob, "echo", "x") == (0, "x\n"))
    for word, request in METHODS.items():
        check(f"but has no business with {request[0]}", bob.code(*request) == "denied", bob.call(*request))


# ---- whom a section means --------------------------------------------------------------------

def whom():
    kept = Client(BOB)
    check("before there are rules, anybody calls", kept.good("cube", 2) == 8)
    configure(f"[allow a]\nusers = root {ALICE}\nfunctions = *\n")
    check("users: who is named may", Client(ALICE).good("cube", 3) == 27)
    error, _ = Client(BOB).call("cube", 3)
    check("users: who is not named may not, and is told who he is and what it takes",
          error["code"] == "denied" and error["executed"] == "no" and f"uid {BOB}" in error["message"] and
          "in no section [allow]" in error["message"] and "[allow NAME]" in error["message"], error)
    check("a connection that was there before is judged anew", kept.code("cube", 3) == "denied")
    for request in [("ruche.status",), ("ruche.tasks",), ("ruche.workers",), ("ruche.functions",), ("ruche.pools",),
                    ("ruche.quarantine",), ("ruche.task", 5), ("ruche.wait", [5]), ("ruche.result", 5),
                    ("ruche.cancel_task", 5), ("ruche.log", 5), ("ruche.arena",), ("ruche.run", ["true"]),
                    ("ruche.map", "cube", [1]), ("ruche.submit", "cube", [3]), ("ruche.call", "cube", [3]),
                    ("no.such.function",), ("ruche.nothing",), ("other/cube", 3)] + list(METHODS.values()):
        check(f"who is in no section is denied {request[0]}", kept.code(*request) == "denied", kept.call(*request))
    check("but may say hello", kept.good("ruche.ping")["protocol"] == 1)

    configure(f"[allow a]\ngroups = {HIVE}\nfunctions = *\n")
    check("groups: the primary one counts", Client(BOB, HIVE).good("cube", 3) == 27)
    check("groups: a supplementary one counts", Client(BOB, BOB, STAFF, HIVE).good("cube", 3) == 27)
    many = list(range(20000, 20300))
    check("groups: one of very many counts", Client(BOB, BOB, *many, HIVE).good("cube", 3) == 27)
    check("groups: others do not", Client(BOB, BOB, STAFF, *many).code("cube", 3) == "denied")
    check("groups: a user of that number does not", Client(HIVE, BOB).code("cube", 3) == "denied")
    configure("[allow a]\nusers = *\nfunctions = cube\n")
    check("users = * is everybody", Client(CAROL).good("cube", 3) == 27 and kept.good("cube", 3) == 27)
    configure(f"[allow a]\nusers = {ALICE}\n[allow b]\nusers = {BOB}\nfunctions = cube\n")
    check("a section gives nothing that it does not say", Client(ALICE).code("cube", 3) == "denied")
    configure(f"[allow a]\nusers = *\nfunctions = cube\n[allow b]\ngroups = {HIVE}\nfunctions = sleep\n")
    both = Client(BOB, BOB, HIVE)
    check("sections add up", both.good("cube", 3) == 27 and both.code("sleep", 0) == "ok" and
          Client(BOB).code("sleep", 0) == "denied")
    check("root may everything, without being named", root.good("cube", 3) == 27 and root.code("ruche.tasks") == "ok")


# ---- functions, pools ----------------------------------------------------------------------------

def functions():
    configure(f"[allow a]\nusers = {ALICE}\nfunctions = cu* other/sleep\n"
              f"[allow b]\nusers = {BOB}\nfunctions = *\npools = oth*\n")
    alice, bob = Client(ALICE), Client(BOB)
    error, _ = alice.call("sleep", 0)
    check("functions: what no pattern names is denied, in words that say who, what, where and in which sections",
          error["code"] == "denied" and all(w in error["message"] for w in (
              f"uid {ALICE}", "[allow a]", "'sleep'", "'default'", "functions")), error)
    for request, want in [
            (("cube", 3), "ok"), (("default/cube", 3), "ok"), (("other/cube", 3), "ok"),
            (("other/sleep", 0), "ok"), (("default/sleep", 0), "denied"),
            (("ruche.call", "sleep", [0], {"pool": "other"}), "ok"), (("ruche.call", "sleep", [0], {}), "denied"),
            (("ruche.call", "sleep", [0], {"pool": "default"}), "denied"),
            (("ruche.submit", "sleep", [0], {}), "denied"), (("ruche.submit", "other/sleep", [0], {}), "ok"),
            (("ruche.submit", "sleep", [0], {"detach": True, "key": "k"}), "denied"),
            (("ruche.map", "cube", [1, 2]), "ok"), (("ruche.map", "sleep", [0]), "denied"),
            (("other/ruche.map", "sleep", [0]), "ok"), (("ruche.call", "ruche.map", ["sleep", [0]]), "denied"),
            (("ruche.map", b"sleep", [0]), "denied"), (("ruche.map", b"ruche.run", [["true"]]), "denied"),
            (("ruche.map", "ruche.run", [["true"]]), "unknown_function"),
            (("ruche.run", ["true"]), "denied"), (("other/ruche.run", ["true"]), "denied"),
            (("ruche.call", "ruche.run", [["true"]]), "denied"), (("no.such",), "unknown_function")]:
        check(f"functions: {request} ends {want}", alice.code(*request) == want, alice.call(*request))
    names = {(f["pool"], f["name"]) for f in alice.good("ruche.functions")}
    check("functions: those are listed that may be called",
          ("default", "cube") in names and ("other", "sleep") in names and ("default", "sleep") not in names, names)
    for request, want in [(("other/cube", 3), "ok"), (("cube", 3), "denied"), (("other/sleep", 0), "ok")]:
        check(f"pools: {request} ends {want}", bob.code(*request) == want)
    check("pools: the others are not listed", [p["name"] for p in bob.good("ruche.pools")] == ["other"])
    check("pools: and their functions are not", {f["pool"] for f in bob.good("ruche.functions")} == {"other"})


# ---- commands -----------------------------------------------------------------------------------------

def commands():
    configure(f"[allow a]\nusers = {ALICE}\ncommands = yes\nfunctions = *\n[allow b]\nusers = {BOB}\n"
              f"commands = echo /bin/e* /usr/bin/env\n[allow c]\nusers = {CAROL}\ncommands = no\nfunctions = *\n")
    alice, bob, carol = Client(ALICE), Client(BOB), Client(CAROL)
    check("commands = yes: any, with any environment",
          output(alice, "sh", "-c", "echo $A", env={"A": "1"}, cwd="/") == (0, "1\n"))
    check("commands = no: none", carol.code("ruche.run", ["true"]) == "denied")
    check("commands = no: functions go on", carol.good("cube", 3) == 27)
    evil = {"PATH": FOLDER, "LD_PRELOAD": "/x.so"}
    for argv, options, want in [
            (["echo", "x"], {}, "ok"), (["echo", "x"], None, "ok"), (["/bin/echo", "x"], {"env": {}}, "ok"),
            (["echo", "x"], {"cwd": "/tmp", "stdin": "", "stream": True}, "ok"),
            (["sh", "-c", "true"], {}, "denied"), (["/bin/sh"], {}, "denied"), (["/bin/../bin/echo"], {}, "denied"),
            (["./echo"], {"cwd": "/bin"}, "denied"), ([b"/bin/echo"], {}, "denied"), ([b"sh"], {}, "denied"),
            ([], {}, "denied"), ("echo", {}, "denied"), (["echo\0"], {}, "denied"),
            (["echo"], {"env": evil}, "denied"), (["echo"], {b"env": evil}, "denied"),
            (["echo"], {"env": {}, b"env": evil}, "denied"), (["echo"], {1: 2}, "denied"),
            (["echo"], {"other": 1}, "denied"), (["echo"], [["env", evil]], "denied")]:
        request = ("ruche.run", argv) + (() if options is None else (options,))
        check(f"commands: {argv} {options} is {want}", bob.code(*request) == want, bob.call(*request))
    error, _ = bob.call("ruche.run", ["echo"], {"env": {"A": "1"}})
    check("commands: it is told what would do", "--clear-env" in error["message"], error)
    check("commands: submitted or called they are the same",
          bob.code("ruche.submit", "ruche.run", [["sh"]], {}) == "denied" and
          bob.code("ruche.call", "ruche.run", [["sh"]], {}) == "denied" and
          bob.code("ruche.submit", "ruche.run", [["echo"]], {}) == "ok")
    check("commands: they are no function", bob.code("cube", 3) == "denied")


# ---- methods ------------------------------------------------------------------------------------------------

def methods():
    for word in METHODS:
        configure(f"[allow a]\nusers = {ALICE}\nmethods = {word}\n[allow b]\nusers = {BOB}\nfunctions = *\n")
        alice, bob = Client(ALICE), Client(BOB)
        for other, request in METHODS.items():
            want = "ok" if other == word else "denied"
            check(f"methods = {word}: {request[0]} ends {want}", alice.code(*request) == want, alice.call(*request))
            check(f"who has none is denied {request[0]}", bob.code(*request) == "denied")
        root.good("ruche.resume", "other")
        check(f"methods = {word} shows nobody's tasks", alice.good("ruche.status")["accepted"] is None)
    configure(f"[allow a]\nusers = {ALICE}\nmethods = tasks\n[allow b]\nusers = {BOB}\nfunctions = *\n")
    alice, bob = Client(ALICE), Client(BOB)
    task = submit(bob, "sleep", 600)
    check("methods = tasks: everybody's are listed", task in [t["id"] for t in alice.good("ruche.tasks")])
    check("methods = tasks: and counted", alice.good("ruche.status")["accepted"] > 0)
    check("methods = tasks: and cancelled",
          alice.good("ruche.cancel_task", task) in ("cancelled", "stopping") and
          wait_for(lambda: state(task) == "finished"))
    check("methods = tasks: and nothing else", alice.code("ruche.pause", "other") == "denied")
    configure(f"[allow a]\nusers = {ALICE}\nmethods = admin\n")
    alice = Client(ALICE)
    check("methods = admin: all of them", [alice.code(*r) for r in METHODS.values()] == ["ok"] * len(METHODS))
    check("methods = admin: of all pools", alice.code("ruche.pause") == "ok" and alice.code("ruche.resume") == "ok")
    check("methods = admin: but no call", alice.code("cube", 3) == "denied")
    configure(f"[allow a]\nusers = {ALICE}\nmethods = pause resume\npools = other\n")
    alice = Client(ALICE)
    check("pools: methods are about those", alice.code("ruche.pause", "other") == "ok" and
          alice.code("ruche.resume", "other") == "ok" and alice.code("ruche.pause", "default") == "denied")
    check("pools: all of them are others, too", alice.code("ruche.pause") == "denied")


# ---- quotas ------------------------------------------------------------------------------------------------------

def quotas():
    configure("[limits]\nuser_tasks = 3\nuser_bytes = 64K\n[allow all]\nusers = *\nfunctions = *\n"
              f"[allow a]\nusers = {ALICE}\nuser_tasks = 5\n[allow a2]\nusers = {ALICE}\nuser_tasks = 2\n"
              f"[allow b]\nusers = {BOB}\nuser_bytes = 256K\nuser_tasks = 9\n"
              f"[allow c]\nusers = {CAROL}\nuser_running = 1\n")

    def fill(client, function, argument):
        tasks = []
        while len(tasks) < 20:
            error, result = client.call("ruche.submit", function, [argument], {"wait": False, "delay": 600})
            if error is not None:
                break
            tasks.append(result)
        cancel(*tasks)
        return len(tasks), error["code"], error["message"]

    check("user_tasks: the largest that is given", fill(Client(ALICE), "sleep", 0)[:2] == (5, "busy"))
    check("user_tasks: else that of [limits]", fill(Client(HIVE), "sleep", 0)[:2] == (3, "busy"))
    seen = fill(Client(BOB), "echo", "x" * 60000)
    check("user_bytes: what is given", seen[:2] == (5, "busy") and "bytes" in seen[2], seen)
    seen = fill(Client(HIVE), "echo", "x" * 60000)
    check("user_bytes: else that of [limits]", seen[:2] == (2, "busy") and "bytes" in seen[2], seen)

    carol = Client(CAROL)
    first, second = submit(carol, "sleep", 600), submit(carol, "sleep", 600)
    assert wait_for(lambda: state(first) == "running")
    check("user_running: others' calls pass", Client(ALICE).good("cube", 3) == 27)
    check("user_running: hers waits", state(second) == "queued")
    cancel(first)
    check("user_running: until the first has ended", wait_for(lambda: state(second) == "running"))
    third = submit(carol, "sleep", 600)
    configure(f"[allow c]\nusers = {CAROL}\nfunctions = *\n")
    check("user_running: or until there is another limit", wait_for(lambda: state(third) == "running"))
    cancel(second, third)


# ---- what is open when rules come --------------------------------------------------------------------

def rules_under_way():
    configure(f"[allow a]\nusers = {ALICE}\ncommands = yes\n")
    alice = Client(ALICE)
    call = alice.send("ruche.run", ["cat"], {"stream_input": True})
    while not alice.notes: # that there is room
        alice.read()
    alice.send_note("ruche.input", call, b"one ")
    configure("[allow b]\nusers = root\n")
    alice.send_note("ruche.input", call, b"two")
    alice.send_note("ruche.input", call, None)
    error, result = alice.wait(call)
    check("who may nothing any more can feed what is open", error is None and bytes(result["stdout"]) == b"one two",
          (error, result))

    configure("")
    alice = Client(ALICE)
    calls, answers = (os.path.join(FOLDER, name) for name in ("calls", "answers"))
    for name in calls, answers:
        os.mkfifo(name, 0o666)
        os.chmod(name, 0o666)
    task = submit(alice, "ruche.run", [sys.executable, "-c",
                                       "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                                       "open(sys.argv[3], 'w').write('there')\n"
                                       "s.sendall(open(sys.argv[2], 'rb').read())\n"
                                       "open(sys.argv[3], 'wb').write(s.recv(65536))", PATH, calls, answers],
                  {"env": {}})
    with open(answers, encoding="ascii") as file:
        assert file.read() == "there"
    configure(f"[allow a]\nusers = {ALICE}\nfunctions = *\n")
    with open(calls, "wb") as file:
        file.write(msgpack.packb([0, 1, "ruche.pause", ["other"]]))
    with open(answers, "rb") as file:
        error = msgpack.unpackb(file.read())[2]
    check("what hid its token while there were none is its caller's when there are",
          error is not None and error["code"] == "denied", error)
    cancel(task)


# ---- calls of tasks -------------------------------------------------------------------------------------------------

def nested():
    plugin = f"[pool default]\nplugin = {os.environ['NESTED']}\n"
    rules = f"[allow a]\nusers = {ALICE}\nfunctions = nested.*\n"
    configure(plugin + rules)
    alice = Client(ALICE)
    error, _ = alice.call("nested.rest", 0)
    check("a task's call has its caller's rights", error["code"] == "failed" and "denied" in error["message"] and
          f"uid {ALICE}" in error["message"], error)
    check("so it may what the caller may", alice.good("nested.deep", 3) == 3)
    check("and of root's tasks everything", root.good("nested.deep", 3) == 3)
    configure(plugin + rules + f"user_tasks = 1\nuser_running = 1\n[allow b]\nusers = {ALICE}\nfunctions = sleep\n")
    check("a caller's limits do not have a task wait for itself for ever", alice.good("nested.deep", 3) == 3)

    configure(plugin + f"[allow a]\nusers = {ALICE}\nfunctions = *\ncommands = yes\nuser_tasks = 1\n")
    result = alice.good("ruche.run", [RUCHE, "--socket", PATH, "submit", "cube", "4"])
    check("what a task submits does not wait for it to end", result["exit_status"] == 75, result)

    configure(plugin + f"[allow a]\nusers = {ALICE} {BOB}\nfunctions = *\ncommands = yes\n")
    bob = Client(BOB)
    hidden = submit(bob, "sleep", 600)
    own = submit(alice, "cube", 3)

    def ids(text):
        return [t["id"] for t in json.loads(text)]

    for how in [], ["env", "-u", "RUCHE_TASK"], ["sh", "-c", 'unset RUCHE_TASK; "$@"; exit $?', "sh"]:
        status, out = output(alice, *how, RUCHE, "--socket", PATH, "tasks", "--json")
        check(f"a command sees its caller's tasks, {how}", status == 0 and own in ids(out) and hidden not in ids(out),
              (status, out))
        status, out = output(alice, *how, RUCHE, "--socket", PATH, "reload")
        check(f"and administrates no more than its caller, {how}", status != 0, (status, out))
        status, out = output(root, *how, RUCHE, "--socket", PATH, "tasks", "--json")
        check(f"and root's everything, {how}", status == 0 and {own, hidden} <= set(ids(out)), (status, out))
    submitted = int(output(alice, RUCHE, "--socket", PATH, "submit", "cube", "4")[1])
    check("what it submits is its caller's", alice.good("ruche.result", submitted) == 64 and
          bob.code("ruche.result", submitted) == "unknown_task")

    token_file = os.path.join(FOLDER, "token")
    task = submit(alice, "ruche.run", ["sh", "-c", f'printf %s "$RUCHE_TASK" >{token_file}.new; '
                                       f"mv {token_file}.new {token_file}; exec sleep 600"])
    assert wait_for(lambda: os.path.exists(token_file))
    with open(token_file, encoding="ascii") as file:
        token = file.read()
    check("a token is of no use to another user", bob.good("ruche.hello", {"task": token}) is False)
    check("and not to the caller, who is no task", Client(ALICE).good("ruche.hello", {"task": token}) is False)
    mine = Client()
    check("to those who tasks run as it is", mine.good("ruche.hello", {"task": token}) is True)
    check("who then are the caller", hidden not in [t["id"] for t in mine.good("ruche.tasks")] and
          mine.code("ruche.reload") == "denied")
    cancel(task)
    check("and when the task has ended, nobody", wait_for(lambda: mine.code("ruche.tasks") == "denied") and
          mine.code("cube", 3) == "denied", mine.call("ruche.tasks"))
    check("who may still ask whether the daemon is there", mine.code("ruche.ping") == "ok")
    os.unlink(token_file)
    task = submit(alice, "ruche.run", ["sh", "-c", f'printf %s "$RUCHE_TASK" >{token_file}.new; '
                                       f"mv {token_file}.new {token_file}; exec sleep 600"])
    assert wait_for(lambda: os.path.exists(token_file))
    mine = Client()
    with open(token_file, encoding="ascii") as file:
        assert mine.good("ruche.hello", {"task": file.read()})
    os.kill(next(w["pid"] for w in root.good("ruche.workers") if w["function"] == "ruche.run"), signal.SIGKILL)
    assert wait_for(lambda: state(task) == "finished")
    check("nor is it anybody when its worker was killed", wait_for(lambda: mine.code("ruche.tasks") == "denied"))
    cancel(hidden)


# ---- all ---------------------------------------------------------------------------------------------------------------

if sys.argv[1] == "connect":
    try:
        Client(int(sys.argv[3]), *map(int, sys.argv[4:]), path=sys.argv[2])
    except PermissionError:
        sys.exit(1)
    sys.exit(0)

PATH, CONFIG, FOLDER, RUCHE = sys.argv[2:]
root = Client()
configure("")
without_rules()
whom()
configure("[allow all]\nusers = *\nfunctions = *\ncommands = yes\n")
others_tasks("with rules", 12020, 12021)
functions()
commands()
methods()
quotas()
rules_under_way()
nested()
over_an_upgrade()
sys.exit(failures > 0)
