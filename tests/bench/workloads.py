# SPDX-License-Identifier: MIT
"""What is measured: a row a workload.

A row names its metrics and, for each system, the words that its program is given. The floor is what
the ratios are against; `tasks` is how many tasks a run of ruche and of the floor is, for the cost of
one.
"""

SECONDS, RATE, ITEMS, KIB, BYTES = "s", "tasks/s", "items/s", "KiB", "B"


def peers(words, **counts):
    """The same words for each peer, with as many tasks as it can do in about a second."""
    return {name: words.format(n=count) for name, count in counts.items()}


class Workload:
    def __init__(self, name, title, metrics, floor=None, ruche=None, others=None, tasks=None, slow=False):
        self.name, self.title, self.metrics, self.tasks, self.slow = name, title, metrics, tasks, slow
        self.systems = {}
        if floor:
            self.systems["floor"] = floor
        if ruche:
            self.systems["ruche"] = ruche
        self.systems.update(others or {})


def echo(name, size, count, others):
    words = f"echo bytes={size} count={count}"
    return Workload(f"echo-{name}", f"{name}iB in and out", {"seconds": SECONDS}, words, words,
        dict({"memcpy": f"copy bytes={size} count={count}"}, **peers(f"echo bytes={size} count={{n}}", **others)),
        tasks=count, slow=size >= 16 << 20)


WORKLOADS = [
    Workload("one", "one call at a time", {"p50": SECONDS, "p99": SECONDS},
        "one count=3000", "one count=3000",
        peers("one calls={n}", pool=2000, executor=1000, zeromq=2000, gearman=2000, beanstalkd=2000, nats=2000),
        tasks=3000),
    Workload("flood", "one client, 256 tiny tasks outstanding", {"rate": RATE},
        "flood outstanding=256 count=1000000", "flood outstanding=256 count=1000000",
        peers("flood tasks={n} outstanding=256", pool=20000, executor=6000, zeromq=200000, gearman=20000,
            beanstalkd=8000, nats=200000), tasks=1000000),
    Workload("unlimited", "one client, no limit", {"rate": RATE},
        "flood outstanding=0 count=1000000", "flood outstanding=0 count=1000000",
        peers("flood tasks={n} outstanding=0", pool=20000, executor=6000, zeromq=200000, gearman=20000,
            beanstalkd=8000, nats=200000), tasks=1000000),
    Workload("clients-8x1", "8 clients, one call at a time each", {"rate": RATE},
        "clients clients=8 outstanding=1 count=100000", "clients clients=8 outstanding=1 count=100000",
        peers("clients clients=8 outstanding=1 tasks={n}", pool=5000, zeromq=10000, gearman=10000,
            beanstalkd=5000, nats=10000), tasks=100000),
    Workload("clients-64x16", "64 clients, 16 tiny tasks outstanding each", {"rate": RATE},
        "clients clients=64 outstanding=16 count=1000000", "clients clients=64 outstanding=16 count=1000000",
        peers("clients clients=64 outstanding=16 tasks={n}", zeromq=100000, gearman=15000, beanstalkd=6000,
            nats=100000), tasks=1000000),
    Workload("map", "a map of a million tiny items", {"seconds": SECONDS},
        None, "map count=1000000",
        {"ruche map": "seq 1 1000000 | {ruche} map square >/dev/null", "pool": "map items=1000000",
            "executor": "map items=1000000"}, tasks=1000000),
    echo("1K", 1 << 10, 3000, dict(pool=2000, executor=1000, zeromq=2000, gearman=2000, beanstalkd=2000, nats=2000)),
    echo("64K", 64 << 10, 1000, dict(pool=500, executor=300, zeromq=500, gearman=500, beanstalkd=500, nats=500)),
    echo("1M", 1 << 20, 50, dict(pool=30, executor=20, zeromq=30, beanstalkd=30, nats=20)),
    echo("64M", (64 << 20) - 65536, 3, dict(pool=1, executor=1, zeromq=2, beanstalkd=2, nats=2)),
    echo("1G", 1 << 30, 1, {}),
    Workload("mixed", "92 tasks of 1 us and 8 of 50 ms: all done (ideal: 0.2 s)", {"seconds": SECONDS},
        None, "mixed", {"ideal": 0.200046}, tasks=100),
    Workload("primes", "primes from 100000 to 300000", {"seconds": SECONDS},
        "primes", "primes", dict({"sequential": "primes workers=1"},
            **peers("primes lo=100000 hi=300000 chunk=1000", zeromq=0, gearman=0, beanstalkd=0, nats=0)), tasks=200),
    Workload("primes-long", "primes from 100000 to 2100000", {"seconds": SECONDS},
        "primes hi=2100000 chunk=10000", "primes hi=2100000 chunk=10000",
        dict({"sequential": "primes hi=2100000 chunk=10000 workers=1"},
            **peers("primes lo=100000 hi=2100000 chunk=10000", zeromq=0, gearman=0, nats=0)), tasks=200),
    Workload("commands", "300 times /bin/true", {"seconds": SECONDS},
        "commands count=300", None,
        {"ruche map": "seq 1 300 | {ruche} map -- /bin/true", "pool": "commands count=300",
            "xargs": "commands count=300", "parallel": "commands count=300"}),
    Workload("crash", "a worker is killed: until the next task is done", {"seconds": SECONDS},
        "crash", "crash", peers("crash", pool=0, executor=0)),
    Workload("startup", "from nothing to the first answer", {"seconds": SECONDS},
        None, "startup", peers("startup", pool=0, executor=0, zeromq=0, gearman=0, beanstalkd=0, nats=0)),
    Workload("memory", "memory (PSS), idle; and for each queued task", {"supervisor_kib": KIB, "forkserver_kib": KIB,
        "worker_kib": KIB, "bytes_per_task": BYTES}, None, "memory"),
]

# Objects.  `busy` is what a client spent on a processor, which a busy machine leaves as it is.
WORKLOADS += [
    Workload("lock", "an increment of a shared value under its own lock", {"seconds": SECONDS, "busy": SECONDS},
        "lock count=5000000", "lock count=5000000", {"multiprocessing": "lock count=500000",
            "get_lock": "lock way=1 count=500000",
            "with_lock": "lock way=2 count=500000", "raw": "lock way=4 count=500000"}, tasks=5000000),
    Workload("lock-8", "the same, by 8 processes at once", {"seconds": SECONDS, "busy": SECONDS},
        None, "lock processes=8 count=1000000", {"multiprocessing": "lock processes=8 count=50000"}, tasks=8000000),
    Workload("add", "an increment of a shared value by an atomic addition", {"seconds": SECONDS, "busy": SECONDS},
        "lock atomic=1 count=10000000", "lock atomic=1 count=10000000",
        {"multiprocessing": "lock count=500000"}, tasks=10000000),
    Workload("acquire", "a lock in another process, acquired and released", {"seconds": SECONDS},
        None, "acquire count=10000", {"multiprocessing": "acquire count=5000"}, tasks=10000),
    Workload("queue", "items of 100 bytes to another process, by thousands", {"rate": ITEMS},
        None, "queue bytes=100 batch=1000 count=2000000", {"multiprocessing": "queue bytes=100 count=100000"},
        tasks=2000000),
    Workload("queue-ahead", "one item a request, 256 requests under way", {"rate": ITEMS},
        None, "queue bytes=100 ahead=256 count=500000", {"multiprocessing": "queue bytes=100 count=100000"},
        tasks=500000),
    Workload("queue-single", "one item a request, one request at a time", {"rate": ITEMS},
        None, "queue bytes=100 count=30000", {"multiprocessing": "queue bytes=100 count=100000"}, tasks=30000),
    Workload("pipe", "a small message to another process and back", {"p50": SECONDS, "p99": SECONDS},
        "pipe count=20000", "pipe count=20000", {"multiprocessing": "pipe count=20000"}, tasks=20000),
]

# How cost grows: only ruche, and the floor where it can.
for queued in (100, 10000, 1000000):
    WORKLOADS.append(Workload(f"queue-{queued}", f"one client, {queued} tiny tasks outstanding", {"rate": RATE},
        None, f"flood outstanding={queued} count={max(queued, 500000)}", tasks=max(queued, 500000), slow=True))
for clients in (1, 10, 100, 1000):
    words = f"clients clients={clients} outstanding=1 count=50000"
    WORKLOADS.append(Workload(f"clients-{clients}", f"{clients} clients, one call at a time each", {"rate": RATE},
        words, words, tasks=50000, slow=True))
for workers in (1, 2, 8, 64):
    words = f"flood outstanding=256 count=300000 workers={workers}"
    WORKLOADS.append(Workload(f"workers-{workers}", f"{workers} workers, 256 tiny tasks outstanding", {"rate": RATE},
        words, words, tasks=300000, slow=True))
