#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/bench/uneven.py NODE CORES... - the cores of a node as control groups

NODE is a control group with the processes of a node, NODE-rest has the CPU time
of one core, and NODE-N is core N, counted from 0.  The arguments CORES are the
processors of the cores: a compiler that is bound to one processor runs on the
cores with this number, any other compiler on all cores.

Each compiler runs on the first core that has the fewest compilers, older
compilers first.  So if a fast core becomes free, a compiler moves to it from a
slow core, as on Linux with asymmetric cores.  All other processes in sandboxes
move to NODE-rest.
"""
import sys
import time


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def move(group, pid):
    try:
        with open(group + "/cgroup.procs", "w") as file:
            file.write(str(pid))
    except OSError:
        pass  # The process has ended.


def members(group):
    return [int(pid) for pid in read(group + "/cgroup.procs").split()]


node, cores = sys.argv[1], sys.argv[2:]
groups = ["%s-%d" % (node, n) for n in range(len(cores))]
allowed = {}  # compiler: its processors
while True:
    where = {}
    for group in groups:
        for pid in members(group):
            where[pid] = group
    for group in node, node + "-rest":
        for pid in members(group):
            status = dict(line.split(":\t", 1) for line in
                          read("/proc/%d/status" % pid).splitlines()
                          if ":\t" in line)
            if status.get("Name") in ("cc1", "as"):
                where[pid] = group
                allowed[pid] = status["Cpus_allowed_list"]
            elif group == node and len(status.get("NSpid", "").split()) > 1:
                move(node + "-rest", pid)
    load = [0] * len(cores)
    for pid in sorted(where):
        cpus = allowed.get(pid)
        usable = [n for n in range(len(cores)) if cores[n] == cpus]
        core = min(usable or range(len(cores)), key=lambda n: load[n])
        load[core] += 1
        if where[pid] != groups[core]:
            move(groups[core], pid)
    allowed = {pid: allowed[pid] for pid in where if pid in allowed}
    time.sleep(0.01)
