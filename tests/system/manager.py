# SPDX-License-Identifier: MIT
"""A service manager as far as a daemon can tell: it listens for it, hears its notifications, and writes them down.

	manager.py LOG SOCKET[,SOCKET]… [WATCHDOG_USEC] -- COMMAND…

Each notification is one line of LOG, its parts divided by spaces; so is PID=N when the daemon is started. It keeps the
descriptors that the daemon stores. When the daemon ends and the file LOG.again is there, that is removed and the daemon started again,
with what it stored; else the manager ends with the daemon's status."""
import array, os, socket, sys

log, paths, *rest = sys.argv[1:]
command = rest[rest.index("--") + 1:]
watchdog = rest[0] if rest[0] != "--" else None

heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(log + ".sock")
heard.settimeout(0.05)
listening = []
for path in filter(None, paths.split(",")):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(100)
    listening.append(("given", s.fileno(), s))
stored = []  # (name, descriptor)


def start():
    pid = os.fork()
    if pid > 0:
        return pid
    passed = [given[:2] for given in listening] + stored
    for i, (_, fd) in enumerate(passed):
        os.dup2(fd, 100 + i)
    for i in range(len(passed)):
        os.dup2(100 + i, 3 + i)
    os.closerange(3 + len(passed), 200)
    os.environ["NOTIFY_SOCKET"] = log + ".sock"
    if passed:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(passed)),
                          LISTEN_FDNAMES=":".join(name for name, _ in passed))
    if watchdog:
        os.environ.update(WATCHDOG_PID=str(os.getpid()), WATCHDOG_USEC=watchdog)
    os.execv(command[0], command)


def hear():
    """One notification; descriptors that come with it are kept, or closed."""
    data, ancillary, _, _ = heard.recvmsg(4096, socket.CMSG_SPACE(64))
    text = data.decode().replace("\n", " ")
    said = dict(part.partition("=")[::2] for part in data.decode().splitlines())
    fds = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content)
    if "FDSTOREREMOVE" in said:
        stored[:] = [one for one in stored if one[0] != said["FDNAME"]]
    for fd in fds:
        if "FDSTORE" in said:
            stored.append((said["FDNAME"], fd))
        else:
            os.close(fd)
    return text


def run(out):
    """The daemon once, to its end: its status."""
    pid = start()
    print("PID=%d" % pid, file=out)
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        try:
            while True:
                print(hear(), file=out)
        except TimeoutError:
            pass
        if ended:
            return os.waitstatus_to_exitcode(status) & 255


with open(log, "w", buffering=1) as out:
    while True:
        status = run(out)
        if not os.path.exists(log + ".again"):
            sys.exit(status)
        os.unlink(log + ".again")
