# SPDX-License-Identifier: MIT
"""Prints the pids of processes that carry RUCHE_TEST_MARK and do not descend from argv[1]."""
import os
import sys

mark = ("RUCHE_TEST_MARK=" + os.environ["RUCHE_TEST_MARK"]).encode()
shell = int(sys.argv[1])


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            fields = f.read().rsplit(b")", 1)[1].split()
        return 0 if fields[0] in (b"Z", b"X") else int(fields[1])
    except (OSError, IndexError):
        return 0


def descends(pid):
    while pid > 1:
        if pid == shell:
            return True
        pid = parent(pid)
    return False


for name in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{name}/environ", "rb") as f:
            if mark not in f.read().split(b"\0"):
                continue
    except OSError:
        continue
    if parent(int(name)) > 0 and not descends(int(name)):
        print(name)
