# SPDX-License-Identifier: GPL-2.0-or-later
"""The two copies of a source tree and build directory of the shadow test.

Each side is a directory with the source tree in linux/ and the build directory
in build/.  Objects contain absolute paths, so a side is renamed to the same
path, `place`, while it is built.  The source trees share their files by hard
links, so an edit replaces a file and never writes to it.
"""
import contextlib
import hashlib
import os
import re
import shutil
import stat
import subprocess
import time

# Temporary files of recipes.  An interrupted make leaves some of them behind;
# the time of the interrupt determines the set.
LEFTOVER = re.compile(r'(^|/)(\.tmp_[^/]*|[^/]*\.(tmp|d))$')


class Side:
    def __init__(self, name, path):
        self.name = name
        self.path = path
        self.linux = os.path.join(path, 'linux')
        self.build = os.path.join(path, 'build')
        self.stamps = {}  # path -> mtime of the last scan
        self.digests = {}  # path -> (file stamp, digest)

    def digest(self, path, st):
        stamp = (st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns)
        known = self.digests.get(path)
        if known and known[0] == stamp:
            return known[1]
        with open(os.path.join(self.build, path), 'rb') as f:
            # The first line is a digest of the times of generated headers.
            if path == 'kernel/kheaders.md5':
                f.readline()
            digest = hashlib.sha256(f.read()).hexdigest()
        self.digests[path] = (stamp, digest)
        return digest

    def scan(self):
        """Return the entries of the build directory and the changed files.

        An entry is (type, mode, contents).  A file is changed if its mtime
        differs from that in the previous scan.
        """
        entries, stamps = {}, {}
        for directory, names, files in os.walk(self.build):
            for name in names + files:
                full = os.path.join(directory, name)
                path = os.path.relpath(full, self.build)
                st = os.lstat(full)
                kind, mode = stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode)
                if stat.S_ISLNK(st.st_mode):
                    entries[path] = (kind, mode, os.readlink(full))
                elif stat.S_ISREG(st.st_mode):
                    entries[path] = (kind, mode, self.digest(path, st))
                    stamps[path] = st.st_mtime_ns
                else:
                    entries[path] = (kind, mode, '')
        changed = {p for p, mtime in stamps.items()
                   if self.stamps.get(p) != mtime}
        self.stamps = stamps
        return entries, changed

    def remove_leftovers(self):
        for directory, names, files in os.walk(self.build):
            for name in names + files:
                full = os.path.join(directory, name)
                if not LEFTOVER.search(full[len(self.build):]):
                    continue
                if name in names:
                    names.remove(name)
                    shutil.rmtree(full)
                else:
                    os.unlink(full)


class World:
    """Both sides and the edits that have been made to their source trees.

    Every method that changes a tree changes both copies in the same way, with
    the same mtime.
    """

    def __init__(self, work, tree):
        self.place = os.path.join(work, 'place')
        self.sides = [Side(name, os.path.join(work, 'sides', name))
                      for name in ('make', 'kfarm')]
        self.applied = []  # edits that can be reverted
        self.temporary = []  # edits that the next step reverts
        for side in self.sides:
            os.makedirs(side.path)
            subprocess.run(['cp', '-al', tree, side.linux], check=True)
            os.mkdir(side.build)

    @contextlib.contextmanager
    def at_place(self, side):
        os.rename(side.path, self.place)
        try:
            yield
        finally:
            os.rename(self.place, side.path)

    def _path(self, path):
        return os.path.join(self.sides[0].linux, path)

    def exists(self, path):
        return os.path.lexists(self._path(path))

    def read(self, path):
        with open(self._path(path), encoding='utf-8', newline='') as f:
            return f.read()

    def mtime(self, path):
        return os.lstat(self._path(path)).st_mtime_ns

    def _put(self, path, text, mtime):
        for side in self.sides:
            full = os.path.join(side.linux, path)
            if text is None:
                os.unlink(full)
                continue
            os.makedirs(os.path.dirname(full), exist_ok=True)
            mode = stat.S_IMODE(os.lstat(full).st_mode) \
                if os.path.lexists(full) else 0o644
            with open(full + '.shadow', 'w', encoding='utf-8',
                      newline='') as f:
                f.write(text)
            os.chmod(full + '.shadow', mode)
            os.utime(full + '.shadow', ns=(mtime, mtime))
            os.rename(full + '.shadow', full)

    def touch(self, path, mtime=None):
        self._put(path, self.read(path), mtime or time.time_ns())

    def apply(self, changes, mtimes=None, temporary=False):
        """Write the texts of the dictionary `changes`; None removes a file."""
        now = time.time_ns()
        before = {}
        for path, text in changes.items():
            before[path] = (self.read(path), self.mtime(path)) \
                if self.exists(path) else (None, now)
            self._put(path, text, (mtimes or {}).get(path, now))
        (self.temporary if temporary else self.applied).append(
            (before, changes))

    def can_revert(self, edit):
        return all((self.read(path) if self.exists(path) else None) == text
                   for path, text in edit[1].items())

    def revert(self, edit, old_mtimes):
        now = time.time_ns()
        for path, (text, mtime) in edit[0].items():
            if text is not None or self.exists(path):
                self._put(path, text, mtime if old_mtimes else now)

    def end_temporary(self, rng):
        """Revert the edits with which the last step broke its build."""
        for edit in reversed(self.temporary):
            self.revert(edit, rng.random() < 0.3)
        reverted = [p for edit in self.temporary for p in edit[1]]
        self.temporary = []
        return reverted

    def remove_output(self, path):
        for side in self.sides:
            # With --only, the steps before did not build it.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(side.build, path))

    def copy_output(self, path):
        """Copy a file of make's build directory to kfarm's.

        -K of kfarm changes a .config in one step, so .config.old differs from
        that of scripts/config and `make olddefconfig`.
        """
        source, target = (os.path.join(s.build, path) for s in self.sides)
        shutil.copy2(source, target)
        for side in self.sides:
            side.stamps[path] = os.lstat(
                os.path.join(side.build, path)).st_mtime_ns

    def equalize(self):
        """Replace kfarm's build directory by a copy of make's."""
        make, kfarm = self.sides
        shutil.rmtree(kfarm.build)
        subprocess.run(['cp', '-a', make.build, kfarm.build], check=True)
        for side in self.sides:
            side.scan()
