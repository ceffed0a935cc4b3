#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# recorded.py RECIPES DIR SHELL COMPILER [N/M] - run recorded recipes by two
# shells and compare
#
# Each recipe that recipe-record.c recorded runs by /bin/sh and by SHELL/sh, in a
# copy of SHELL, a directory with counters (create_counters of lib.sh).  Each run
# starts from the current state of DIR, under an overlay that is discarded.
# Output, exit status and files are compared.
#
# Requires root and a private mount namespace.  COMPILER (recipe-compiler.c)
# replaces compilers, so that a recipe takes milliseconds.  Recipes that start
# make are left out, because they would build more.  N/M selects the Nth of M
# parts.  Prints the differences, the reasons for fallbacks, and "N recipes, N
# left out, N handed on, N differ".
import collections
import ctypes
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
COMPILERS = re.compile(r'(.*-)?(gcc|cc|g\+\+|cpp|clang)(-[0-9]+)?$')
IS_MAKE = re.compile(rb'(^|[^A-Za-z0-9_.=+-])g?make($|[^A-Za-z0-9_.=+-])')
SECONDS = 120
RUNS = 20


def mount(source, target, kind, data):
    if libc.mount(source.encode(), target.encode(), kind.encode(), 0,
                  data.encode()) != 0:
        raise OSError(ctypes.get_errno(), 'mount ' + target)


def umount(target):
    if libc.umount2(target.encode(), 2) != 0:
        raise OSError(ctypes.get_errno(), 'umount ' + target)


def read_recipes(path):
    with open(path, 'rb') as f:
        data = f.read()
    at = 0
    while at < len(data):
        numbers = []
        for _ in range(5):
            end = data.index(b' ', at)
            numbers.append(int(data[at:end]))
            at = end + 1
        status, kind = numbers[:2]
        parts = []
        for n in numbers[2:]:
            parts.append(data[at:at + n].split(b'\0')[:-1])
            at += n
        assert data[at:at + 1] == b'\n', path
        at += 1
        yield status, kind, parts[0], parts[1][0], parts[2]


# The recorded environment without the recorder and without the old jobserver.
def environment(entries, tools):
    env = []
    for e in entries:
        name, _, value = e.partition(b'=')
        if name == b'MAKEFILES':
            continue
        if name in (b'MAKEFLAGS', b'MFLAGS'):
            value = re.sub(rb' *(-j[0-9]*|--jobserver-(auth|fds)=[^ ]*)', b'',
                           value)
        if name == b'PATH':
            value = tools.encode() + b':' + value
        env.append((name, value))
    return env


def what_is_left(upper):
    left = {}
    for top, dirs, files in os.walk(upper):
        for name in dirs + files:
            path = os.path.join(top, name)
            st = os.lstat(path)
            if stat.S_ISREG(st.st_mode):
                with open(path, 'rb') as f:
                    what = hashlib.sha256(f.read()).hexdigest()
            elif stat.S_ISLNK(st.st_mode):
                what = os.readlink(path)
            elif stat.S_ISCHR(st.st_mode):
                what = 'removed'
            else:
                what = ''
            left[os.path.relpath(path, upper)] = (oct(st.st_mode), what)
    return left


class Runner:
    def __init__(self, directory, scratch):
        self.dir = directory
        self.scratch = scratch

    def run(self, program, kind, argv, cwd, env):
        upper = os.path.join(self.scratch, 'upper')
        work = os.path.join(self.scratch, 'work')
        out = os.path.join(self.scratch, 'out')
        for d in upper, work:
            os.mkdir(d)
        mount('overlay', self.dir, 'overlay',
              f'lowerdir={self.dir},upperdir={upper},workdir={work}')
        try:
            with open(out + '1', 'wb') as one, open(out + '2', 'wb') as two:
                # A stdin that was closed in the recording is closed here.
                child = subprocess.Popen(
                    [program.encode()] + argv, cwd=cwd,
                    env=dict(env), stdout=one, stderr=two,
                    stdin=subprocess.DEVNULL, start_new_session=True,
                    preexec_fn=None if kind else lambda: os.close(0))
                try:
                    status = child.wait(SECONDS)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, 9)
                    status = 'timeout'
                    child.wait()
        finally:
            umount(self.dir)
        said = []
        for n in '12':
            with open(out + n, 'rb') as f:
                said.append(f.read())
        left = what_is_left(upper)
        shutil.rmtree(upper)
        shutil.rmtree(work)
        return status, said[0], said[1], left


# Concurrent programs of a pipe write in any order, so one of several runs of
# /bin/sh must give the result of kfarm's shell.
def is_seen(runner, ours, how):
    if b'|' not in how[1][-1]:
        return False
    return any(runner.run('/bin/sh', *how) == ours for _ in range(RUNS))


def show(name, a, b):
    print(f'  {name}:')
    if isinstance(a, dict):
        for path in sorted(set(a) | set(b)):
            if a.get(path) != b.get(path):
                print(f'    {path}: {a.get(path)} / {b.get(path)}')
        return
    print(f'    /bin/sh: {a[-1500:]!r}' if isinstance(a, bytes) else
          f'    /bin/sh: {a!r}')
    print(f'    ours:    {b[-1500:]!r}' if isinstance(b, bytes) else
          f'    ours:    {b!r}')


def handed_on(counts):
    reasons = collections.Counter()
    examples = {}
    with open(os.path.join(counts, 'handed'), 'rb') as f:
        for line in f:
            why, _, script = line.partition(b'\t')
            reasons[why.decode()] += 1
            examples.setdefault(why.decode(), script.decode().strip())
    return reasons, examples


def main():
    recipes, directory, shell, compiler = sys.argv[1:5]
    part, parts = map(int, (sys.argv[5] if len(sys.argv) > 5
                            else '1/1').split('/'))
    scratch = directory + '.scratch%d' % part
    os.makedirs(scratch)
    mount('tmpfs', scratch, 'tmpfs', '')
    tools = os.path.join(scratch, 'tools')
    counts = os.path.join(scratch, 'counts')
    os.mkdir(tools)
    shutil.copytree(shell, counts, symlinks=True)
    for d in ('/usr/bin', '/usr/local/bin'):
        for name in os.listdir(d):
            if COMPILERS.match(name):
                path = os.path.join(tools, name)
                if not os.path.lexists(path):
                    os.symlink(compiler, path)
    seen = set()
    ran = left_out = differ = 0
    runner = Runner(directory, scratch)
    for n, (status, kind, argv, cwd, env) in enumerate(read_recipes(recipes)):
        what = (tuple(argv), cwd, kind)
        if n % parts != part - 1 or what in seen:
            continue
        seen.add(what)
        if IS_MAKE.search(argv[-1]) or not os.path.isdir(cwd):
            left_out += 1
            continue
        env = environment(env, tools)
        ran += 1
        dash = runner.run('/bin/sh', kind, argv, cwd, env)
        ours = runner.run(os.path.join(counts, 'sh'), kind, argv, cwd, env)
        if dash != ours and not is_seen(runner, ours, (kind, argv, cwd, env)):
            differ += 1
            print(f'differs in {cwd.decode()}: {argv[-1].decode()[:1000]}')
            for name, a, b in zip(('status', 'stdout', 'stderr', 'files'),
                                  dash, ours):
                if a != b:
                    show(name, a, b)
            sys.stdout.flush()
    reasons, examples = handed_on(counts)
    for why, n in reasons.most_common():
        print(f'handed on, {why}: {n}, as {examples[why][:150]}')
    print(f'{ran} recipes, {left_out} left out, '
          f'{sum(reasons.values())} handed on, {differ} differ')
    umount(scratch)
    os.rmdir(scratch)
    return 1 if differ else 0


sys.exit(main())
