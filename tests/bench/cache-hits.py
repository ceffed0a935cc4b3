#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure the result cache after changes of a kernel.

cache-hits.py TREE toggles [N | OPTION=y,OPTION=n...] [SEED]
	Build an arm64 kernel (without vmlinux) with ccache and with kfarm, then
	again with another version string, and with each of N random options
	toggled, or each of the given ones.  Each build starts from an empty
	build directory.  For each change, print a line of JSON: objects, objects
	with the bytes of an earlier one ("unchanged"), jobs that kfarm found in
	its cache ("cached"), calls and hits of ccache, objects of kfarm's build
	that differ from those of ccache's ("differ"), and whether make failed.
	With TEXTS=yes, also units whose preprocessed text, without line markers,
	is that of an earlier one with the same command ("same text"): a cache
	that compares the text can find no more.
cache-hits.py TREE bisect NEWER_TREE [SEED]
	The same for the revisions that git bisect visits in a history of 64
	commits from one tree to the other, and for its first and last
	revision.  The first commit has the changed Makefiles and Kconfig files
	and all files that appear or disappear, a random one the shared headers,
	which depend on each other, and the others the files of a few
	directories.  A few files of a revision may need headers of another one,
	so make runs with -k.
cache-hits.py TREE pairs [N] [SEED]
	Build the tinyconfig of some architectures.  For N random pairs of a unit
	and a definition, change the definition in autoconf.h.  If the selected
	definitions (cpp/definitions.h) stay equal, the preprocessed text must be
	equal, and for each eighth pair the object.  Exit with status 1 if one
	differs.

CONFIG_FRAGMENT names a file with settings, by default cache-hits.config (1,500
objects), KFARM_BUILD the directory with kfarm, WORK the directory for all
files, by default /tmp/kfarm-cache-hits.  With CCACHE=no, the builds with ccache
are omitted, which takes less than half of the time.
"""
import concurrent.futures
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys

KFARM = os.path.join(os.path.abspath(os.environ.get("KFARM_BUILD", "build")),
                     "kfarm")
FRAGMENT = os.path.abspath(os.environ.get(
    "CONFIG_FRAGMENT", os.path.splitext(__file__)[0] + ".config"))
WORK = os.environ.get("WORK", "/tmp/kfarm-cache-hits")
BUILD = os.path.join(WORK, "build")
TARGETS = ("init/ kernel/ mm/ fs/ ipc/ security/ crypto/ block/ lib/ net/ "
           "drivers/").split()
VERSIONS = ["LOCALVERSION=-other", "EXTRAVERSION=-rc5", "SUBLEVEL=240"]
COMMITS = 64
COMPILERS = {"arm64": "aarch64-linux-gnu-", "riscv": "riscv64-linux-gnu-",
             "x86": ""}


def environment():
    env = dict(os.environ, LC_ALL="C", KBUILD_BUILD_TIMESTAMP="2026-01-01",
               KBUILD_BUILD_USER="user", KBUILD_BUILD_HOST="host",
               CCACHE_DIR=os.path.join(WORK, "ccache"), HOME=WORK)
    for name in ("CCACHE_BASEDIR", "CCACHE_NOHASHDIR", "KFARM",
                 "KFARM_CONFIG", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        env.pop(name, None)
    return env


def run(command, **options):
    return subprocess.run(command, env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False,
                          **options)


def must(command, **options):
    result = run(command, **options)
    if result.returncode:
        sys.exit(f"{' '.join(command)}:\n{result.stdout[-2000:]}")
    return result.stdout


def make(tree, arch, build=BUILD):
    return ["make", "-s", "-C", tree, "O=" + build, "ARCH=" + arch,
            "CROSS_COMPILE=" + COMPILERS[arch], f"-j{os.cpu_count()}"]


def empty_build(config=None, build=BUILD):
    shutil.rmtree(build, ignore_errors=True)
    os.makedirs(build)
    if config:
        shutil.copy(config, os.path.join(build, ".config"))


def saved_command(path):
    """Return the object and the compile command of a .cmd file, or None."""
    with open(path, encoding="utf-8") as f:
        match = re.match(r"(?:saved)?cmd_(\S+) := (\S*gcc [^;]* -c -o .*)",
                         f.readline())
    if not match:
        return None
    command = re.sub(r"-Wp,-MM?D,\S+", "", match[2].split(";")[0])
    return match[1], command.replace("$(pound)", "#")


def saved_commands(build):
    """Return the compile command of each object in a build directory."""
    return dict(filter(None, (
        saved_command(os.path.join(directory, name))
        for directory, _, names in os.walk(build)
        for name in names if name.endswith(".o.cmd"))))


def objects():
    """Return the digests of all objects in the build directory."""
    found = {}
    for directory, _, names in os.walk(BUILD):
        for name in names:
            path = os.path.join(directory, name)
            if name.endswith(".o"):
                with open(path, "rb") as f:
                    found[path] = hashlib.sha256(f.read()).hexdigest()
    return found


def build_with_ccache(tree, config, variables):
    empty_build(config)
    must(["ccache", "--zero-stats"])
    run(make(tree, "arm64") + [
        "-k", "CC=ccache aarch64-linux-gnu-gcc", "HOSTCC=ccache gcc"] +
        variables + TARGETS)
    stats = dict(line.split("\t") for line in
                 must(["ccache", "--print-stats"]).splitlines())
    hits = (int(stats["direct_cache_hit"]) +
            int(stats["preprocessed_cache_hit"]))
    return objects(), hits, hits + int(stats["cache_miss"])


def build_with_kfarm(tree, config, variables):
    empty_build(config)
    result = run([KFARM, "run", "--cache", "--"] + make(tree, "arm64") +
                 ["-k"] + variables + TARGETS)
    cached = re.search(r"(\d+) cached", result.stdout.replace(",", ""))
    return objects(), int(cached[1]) if cached else 0, result.returncode


def text_of(command):
    """Return the digest of a unit's preprocessed text and its command."""
    result = subprocess.run(
        re.sub(r" -c -o \S+", " -E -P", command), shell=True, cwd=BUILD,
        check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return hashlib.sha256(command.encode() + b"\0" + result.stdout).hexdigest()


def texts():
    """Return the digests of all preprocessed units in the build directory."""
    commands = saved_commands(BUILD)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(commands, pool.map(text_of, commands.values())))


def measure(tree, name, known, config, variables=()):
    """Build and print the figures; return the objects and the texts."""
    ours, cached, status = build_with_kfarm(tree, config, list(variables))
    line = {"change": name, "objects": len(ours),
            "unchanged": sum(pair in known for pair in ours.items()),
            "cached": cached, "failed": status != 0}
    results = set(ours.items())
    if os.environ.get("TEXTS") == "yes":
        found = set(texts().items())
        line.update({"units": len(found), "same text": len(found & known)})
        results |= found
    if os.environ.get("CCACHE") != "no":
        theirs, hits, calls = build_with_ccache(tree, config, list(variables))
        line.update({"ccache": hits, "ccache calls": calls, "differ": len(
            {path for path, _ in ours.items() ^ theirs.items()})})
    print(json.dumps(line), flush=True)
    return results


def complete_config(tree, path):
    """Write the configuration of the build directory with all options."""
    must(make(tree, "arm64") + ["olddefconfig"])
    shutil.copy(BUILD + "/.config", path)


def configure(tree, path):
    """Make the configuration of all builds."""
    empty_build()
    must(make(tree, "arm64") + ["tinyconfig"])
    must([tree + "/scripts/kconfig/merge_config.sh", "-m", "-O", BUILD,
          BUILD + "/.config", FRAGMENT], cwd=tree)
    complete_config(tree, path)


def toggle(tree, path, base, name, value):
    """Write a configuration with the option; return whether it took effect."""
    with open(base, encoding="utf-8") as f:
        text = f.read()
    text = re.sub(rf"^({name}=.*|# {name} is not set)$",
                  f"{name}=y" if value else f"# {name} is not set", text,
                  flags=re.M)
    empty_build()
    with open(BUILD + "/.config", "w", encoding="utf-8") as f:
        f.write(text)
    complete_config(tree, path)
    with open(path, encoding="utf-8") as f:
        return bool(re.search(rf"^{name}=[ym]$", f.read(), re.M)) == value


def run_toggles(tree, changes):
    base_config = os.path.join(WORK, "base.config")
    config = os.path.join(WORK, "toggled.config")
    configure(tree, base_config)
    base = measure(tree, "empty caches", set(), base_config)
    measure(tree, "no change", base, base_config)
    for variable in VERSIONS:
        measure(tree, variable, base, base_config, [variable])
    options = [(change[:-2], change[-1] == "y")
               for change in changes.split(",") if "=" in change]
    n = len(options) or int(changes)
    for name, value in options or all_options(base_config):
        if not n:
            break
        if toggle(tree, config, base_config, name, value):
            measure(tree, f"{name}={'y' if value else 'n'}", base, config)
            n -= 1


def all_options(config):
    """Return the options of a configuration with the other value."""
    options = []
    with open(config, encoding="utf-8") as f:
        for line in f:
            match = re.match(r"(CONFIG_\w+)=[ym]$", line)
            unset = re.match(r"# (CONFIG_\w+) is not set$", line)
            if match or unset:
                options.append(((match or unset)[1], not match))
    random.shuffle(options)
    return options


def make_history(old, new):
    """Make the history; return a function that runs git in its directory."""
    tree = os.path.join(WORK, "history")

    def git(*arguments, **options):
        return must(["git", "-C", tree, "-c", "user.name=name",
                     "-c", "user.email=email"] + list(arguments), **options)

    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(old, tree, symlinks=True)
    git("init", "-q")
    git("add", "-A", "-f")
    git("commit", "-q", "-m", "old")
    git("--work-tree=" + new, "add", "-A", "-f")
    newer = git("write-tree").strip()
    git("read-tree", "HEAD")
    lines = git("diff-tree", "-r", "--no-renames", "--name-status", "HEAD",
                newer).splitlines()
    # Kconfig and make fail if a file that they name does not exist.
    makefile = re.compile(r"[AD]\t|(.*/|.\t)(Kconfig|Makefile|Kbuild)[^/]*$")
    parts = [[line[2:] for line in lines if makefile.match(line)]]
    header = re.compile(r"(arch/\w+/)?include/")
    headers, files = [], []
    for line in lines:
        if not makefile.match(line):
            (headers if header.match(line[2:]) else files).append(line[2:])
    directories = sorted({os.path.dirname(f) for f in files})
    random.shuffle(directories)
    files.sort(key=lambda f: (directories.index(os.path.dirname(f)), f))
    n = COMMITS - 2
    for i in range(n):
        parts.append(files[i * len(files) // n:(i + 1) * len(files) // n])
    parts.insert(random.randint(1, n), headers)
    for i, part in enumerate(parts):
        git("restore", "--source=" + newer, "--staged", "--worktree",
            "--pathspec-from-file=-", input="\n".join(part))
        git("commit", "-q", "-m", f"part {i + 1}")
    return git, tree


def run_bisect(old, new):
    git, tree = make_history(old, new)
    base_config = os.path.join(WORK, "base.config")
    config = os.path.join(WORK, "revision.config")
    known = set()

    def measure_revision():
        empty_build(base_config)
        complete_config(tree, config)
        known.update(measure(
            tree, git("log", "-1", "--format=%s").strip(), known, config))

    commits = git("rev-list", "--reverse", "HEAD").split()
    culprit = random.choice(commits[1:])
    git("checkout", "-q", commits[0])
    configure(tree, base_config)
    measure_revision()
    git("checkout", "-q", commits[-1])
    measure_revision()
    text = git("bisect", "start", commits[-1], commits[0])
    while "first bad commit" not in text:
        measure_revision()
        bad = culprit in git("rev-list", "HEAD").split()
        text = git("bisect", "bad" if bad else "good")


class Units:
    """The units of a built kernel."""

    def __init__(self, tree, arch):
        self.build = os.path.join(WORK, arch)
        self.autoconf = self.build + "/include/generated/autoconf.h"
        if not os.path.exists(self.autoconf):
            empty_build(build=self.build)
            must(make(tree, arch, self.build) + ["tinyconfig"])
            must(make(tree, arch, self.build) + TARGETS)
        with open(self.autoconf, encoding="utf-8") as f:
            self.original = f.read()
        self.defined = re.findall(r"#define (CONFIG_\w+)", self.original)
        self.commands = saved_commands(self.build)

    def write(self, text):
        with open(self.autoconf, "w", encoding="utf-8") as f:
            f.write(text)

    def selected(self, unit):
        """Return all that cpp/ finds, or None if the unit is not scannable."""
        line = json.loads(subprocess.run(
            [KFARM, "scan", "-b", self.build, "--json", unit],
            stdout=subprocess.PIPE, check=False, text=True).stdout)
        return [(f["path"], f.get("definitions")) for f in
                line["files"]] if line["scannable"] else None

    def output(self, unit, preprocess):
        """Return the status and the text or the object of the compiler."""
        out = os.path.join(WORK, "output")
        option = "-E -P" if preprocess else "-c"
        status = subprocess.run(
            re.sub(r" -c -o \S+", f" {option} -o {out}", self.commands[unit]),
            shell=True, cwd=self.build, check=False,
            stderr=subprocess.DEVNULL).returncode
        if status:
            return status, b""
        with open(out, "rb") as f:
            return status, f.read()

    def change(self, names):
        """Return autoconf.h with a definition changed, and its name."""
        way = random.random()
        name = random.choice(self.defined if way < 0.5 else names)
        text = re.sub(rf"#define {name} .*\n", "", self.original)
        if way >= 0.3:
            value = random.choice(["1", "0", "x", '"s"', ""])
            text += f"#define {name} {value}\n"
        return name, text


def read_names(tree):
    names = set()
    for directory, _, files in os.walk(tree):
        for name in files:
            if name.startswith("Kconfig"):
                with open(os.path.join(directory, name),
                          encoding="utf-8", errors="replace") as f:
                    names.update(re.findall(r"^\s*(?:menu)?config\s+(\w+)",
                                            f.read(), re.M))
    return sorted(f"CONFIG_{n}{end}" for n in names for end in
                  ("", "_MODULE"))


def run_pairs(tree, n):
    names = read_names(tree)
    count = dict.fromkeys(("pairs", "selection equal", "text differs",
                           "objects compared", "wrong"), 0)
    kernels = [Units(tree, arch) for arch in COMPILERS]
    while count["pairs"] < n:
        kernel = random.choice(kernels)
        unit = random.choice(sorted(kernel.commands))
        kernel.write(kernel.original)
        selected = kernel.selected(unit)
        text, compiled = kernel.output(unit, True), None
        if selected is None or text[0]:
            continue
        for _ in range(10):
            name, changed = kernel.change(names)
            kernel.write(changed)
            equal = kernel.selected(unit) == selected
            text_after = kernel.output(unit, True)
            count["pairs"] += 1
            count["selection equal"] += equal
            count["text differs"] += text_after != text
            wrong = equal and text_after != text
            if equal and count["selection equal"] % 8 == 0:
                after = kernel.output(unit, False)
                kernel.write(kernel.original)
                compiled = compiled or kernel.output(unit, False)
                count["objects compared"] += 1
                wrong |= after != compiled
            if wrong:
                count["wrong"] += 1
                print(f"{kernel.build}: {unit}: {name}", flush=True)
        kernel.write(kernel.original)
        if count["pairs"] % 100 == 0:
            print(json.dumps(count), flush=True)
    print(json.dumps(count))
    return count["wrong"] > 0


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in ("toggles", "bisect", "pairs"):
        sys.exit(__doc__)
    tree, mode = os.path.abspath(sys.argv[1]), sys.argv[2]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(10**6)
    print(f"seed {seed}", flush=True)
    random.seed(seed)
    os.makedirs(WORK, exist_ok=True)
    if mode == "pairs":
        return run_pairs(tree, int(sys.argv[3]) if len(sys.argv) > 3 else 2000)
    if mode == "bisect":
        run_bisect(tree, os.path.abspath(sys.argv[3]))
    else:
        run_toggles(tree, sys.argv[3] if len(sys.argv) > 3 else "20")
    return 0


if __name__ == "__main__":
    sys.exit(main())
