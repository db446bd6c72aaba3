# SPDX-License-Identifier: MIT
"""A service's side of the systemd journal.

	journal.py run COMMAND…            becomes the command, with the journal as its stderr, as a service has it
	journal.py fill PID                fills the journal's socket, and the stderr of that process, until neither takes more
	journal.py show MATCH…             the one entry that matches, as lines of NAME=value, values as Python has them
	journal.py sum FIELD MATCH…        how many entries match, and the sum of that field"""
import ctypes, json, os, socket, subprocess, sys

JOURNAL = "/run/systemd/journal/"
PIDFD_GETFD = 438


def run(command):
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(JOURNAL + "stdout")
    stream.sendall(b"ruched\n\n6\n1\n0\n0\n0\n")
    os.dup2(stream.fileno(), 2)
    there = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = "%d:%d" % (there.st_dev, there.st_ino)
    os.execv(command[0], command)


def send_all(filled, text):
    """As often as it is taken."""
    count = 0
    try:
        while True:
            filled.send(text, socket.MSG_DONTWAIT)
            count += 1
    except BlockingIOError:
        return count


def fill(pid):
    # Each sender may have so much under way, and the receiver so many: until not even a new one is heard.
    senders = []
    while True:
        senders.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        senders[-1].connect(JOURNAL + "socket")
        if send_all(senders[-1], b"MESSAGE=filled") == 0:
            break
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(PIDFD_GETFD, os.pidfd_open(int(pid)), 2, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    send_all(socket.socket(fileno=fd), b"filled\n")


def entries(matches):
    lines = subprocess.run(["journalctl", "-q", "-a", "-o", "json", *matches], check=True, capture_output=True).stdout
    return [json.loads(line) for line in lines.splitlines()]


def show(matches):
    (entry,) = entries(matches)
    for name in sorted(entry):
        print("%s=%r" % (name, entry[name]))


def total(field, matches):
    found = entries(matches)
    print(len(found), sum(int(entry.get(field, 0)) for entry in found))


verb, *rest = sys.argv[1:]
if verb == "run":
    run(rest)
elif verb == "fill":
    fill(*rest)
elif verb == "show":
    show(rest)
elif verb == "sum":
    total(rest[0], rest[1:])
