#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# The result cache: builds with and without nodes, changes of the tree, damaged
# entries, a full disk, killed builds and concurrent builds.
. "$(dirname "$0")/lib.sh"

own_mounts "$@"
farm_begin
unset CCACHE_DISABLE
farm_mini 8 3
ln -sfn "$tree" "$prepared/source" # as kbuild does
farm_reference vmlinux
is "plain make ends with" 0 "$plain_status"
results=$XDG_CACHE_HOME/kfarm/results

# cached_build NAME ARG...: build from scratch, and compare with plain make's.
cached_build()
{
	farm_fresh
	check "$1: kfarm builds" kfarm_build "${@:2}" vmlinux
	equal "$1"
	no_temporaries "$1"
}

n_results()
{
	"$bin/kfarm" cache stats --json | jq .results
}

cached_build "empty cache"
is "empty cache: no job is cached" 0 "$(meta .farm.cached)"
is "empty cache: all results are stored" "$(n_jobs)" "$(n_results)"
cached_build "full cache"
hits "full cache"
check "full cache: the summary shows the hits" grep -q \
	"^jobs $(n_jobs): $(n_jobs) cached (100.0 %), 0 remote, 0 local" \
	"$work/kfarm.log"
plain vmlinux >"$work/again.log" 2>&1
is "plain make then compiles nothing" 0 \
	"$(grep -cE '^  (HOST)?(CC|AS) ' "$work/again.log")"

cached_build "--no-cache" --no-cache
is "--no-cache: no job is cached" 0 "$(meta .farm.cached)"
export CCACHE_DISABLE=1
cached_build "CCACHE_DISABLE"
is "CCACHE_DISABLE: no job is cached" 0 "$(meta .farm.cached)"
unset CCACHE_DISABLE
cached_build "--recache" --recache
is "--recache: no job is cached" 0 "$(meta .farm.cached)"

# ---- changes of the tree ----

source=$(cd "$tree" && find alpha -name '*.c' | sort | head -n 1)
cp "$tree/$source" "$work/source"
printf '#warning "the cache prints this warning"\n' >>"$tree/$source"
for round in first second; do
	farm_fresh
	check "warning: $round build" kfarm_build vmlinux
	is "warning: the log of the $round build has it" 1 "$(grep -c \
		'warning: #warning "the cache prints this warning"' \
		"$work/out/build.log")"
done
hits "warning"
cp "$work/source" "$tree/$source"
cached_build "source as before"
hits "source as before"

# ---- a changed option ----

# Only the assembler sources look up the option.
mapfile -t asm_objects < <(cd "$tree" &&
	find alpha beta gamma -name '*.S' | sed 's/S$/o/')
cp -a "$prepared" "$work/saved-prepared"
mv "$ref" "$work/saved-ref"
sed -i 's/^CONFIG_MINI_LEVEL=.*/CONFIG_MINI_LEVEL=4/' "$prepared/.config"
farm_reference vmlinux
cached_build "another option"
is "another option: the assembler sources are not cached" \
	"${#asm_objects[@]}" $(($(n_jobs) - $(meta .farm.cached)))
is "another option: the cause" "{\"definition\":${#asm_objects[@]}}" \
	"$("$bin/kfarm" cache stats --json | jq -c \
		'.builds[0].missed | with_entries(select(.value > 0))')"
"$bin/kfarm" cache explain -b "$build" "${asm_objects[0]}" \
	>"$work/explain.log" 2>&1
is "explain: the option" 1 "$(grep -c \
	'^  CONFIG_MINI_LEVEL: 3 -> 4, looked up by .*\.S:7$' \
	"$work/explain.log")"
rm -rf "$prepared" "$ref"
mv "$work/saved-prepared" "$prepared"
mv "$work/saved-ref" "$ref"
cached_build "option as before"
hits "option as before"

# ---- host programs that one command compiles and links ----

mkdir "$work/host"
cat >"$work/host/Makefile" <<'END'
all: prog other
prog: prog.c second.o
	gcc -Wp,-MMD,.prog.d -Wall -O2 -g -I. -o $@ $^ -lm
other: other.c
	gcc -O2 -o $@ $<
second.o: second.c
	gcc -c -o $@ $<
END
cat >"$work/host/prog.c" <<'END'
#include <math.h>
#include <stdio.h>
int second(void);
int unused_here(double x) { return cos(x) > 0; }
int main(int argc, char **argv)
{
	(void)argv;
	printf("%d %.3f\n", second(), sin(argc));
	return 0;
}
END
echo 'int main(void) { int unused; return 0; }' >"$work/host/other.c"
echo 'int second(void) { return 2; }' >"$work/host/second.c"

# run_make ARG...: make the programs by kfarm; the log is $work/host.log.
run_make()
{
	rm -f "$work/host"/{prog,other,second.o,.prog.d}
	(cd "$work/host" && "$bin/kfarm" run "$@" -- make -k) \
		>"$work/host.log" 2>&1 </dev/null
}
make -C "$work/host" >"$work/make.log" 2>&1
cp -a "$work/host" "$work/host-ref"
jobs()
{
	sed -n 's/^kfarm: jobs //p' "$work/host.log"
}
check "host programs: empty cache" run_make
check "host programs: empty cache: as make's" \
	compare_trees "$work/host-ref" "$work/host"
check "host programs: full cache" run_make
check "host programs: full cache: as make's" \
	compare_trees "$work/host-ref" "$work/host"
is "host programs: all are cached" "3: 3 cached (100.0 %)" "$(jobs | cut -d, -f1)"
check "host programs: the program runs" \
	grep -qx '2 0.841' <("$work/host/prog")
check "host programs: --no-cache" run_make --no-cache
is "host programs: --no-cache: only the object is a job" 1 \
	"$(jobs | cut -d: -f1)"
sed -i 's/second();/sekond();/; s/, sin/, second(), sin/' "$work/host/prog.c"
echo 'int main(void) { return nothing; }' >"$work/host/other.c"
echo 'int other(void) { return 3; }' >"$work/host/second.c"
run_make
is "host programs: errors: status" 2 $?
check "host programs: the message of a failed link" \
	grep -q "undefined reference to .second'" "$work/host.log"
check "host programs: the message of a failed compile" \
	grep -q "other.c:1:.*error: .nothing. undeclared" "$work/host.log"
check "host programs: no program after an error" \
	test ! -e "$work/host/prog" -a ! -e "$work/host/other"
is "host programs: no temporaries" "" "$(find "$work/host" -name '.*.kfarm.*')"

# ---- nodes ----

nodes 1
cached_build "node, full cache" --require-remote 1
hits "node, full cache"
check "cache clear" "$bin/kfarm" cache clear
is "cache clear: no result is left" 0 "$(n_results)"
# Otherwise, the build host can compile all units before the node has the
# compiler.
farm_warm --no-cache vmlinux
cached_build "node, empty cache" --require-remote 1
is "node, empty cache: no job is cached" 0 "$(meta .farm.cached)"
check "node, empty cache: the node compiles" test "$(meta .farm.remote)" -gt 0
remote=$(meta .farm.remote)
cached_build "node, results of nodes"
check "node, results of nodes: they are cached" \
	test "$(meta .farm.cached)" -ge "$remote"

# ---- other mount namespaces ----

mkdir -p "$work/view"/{include,other}
echo '#define NAME from_the_build_host' >"$work/view/include/name.h"
echo '#define NAME from_the_namespace' >"$work/view/other/name.h"
printf '#include "name.h"\nint NAME;\n' >"$work/view/x.c"
cat >"$work/view/in-namespace" <<'END'
#!/bin/sh
mount --bind other include && gcc -Iinclude -c x.c
END
chmod +x "$work/view/in-namespace"

# view_run COMMAND...: compile x.c, and print the name that it defines.
view_run()
{
	rm -f "$work/view/x.o"
	(cd "$work/view" && "$bin/kfarm" run "$@") >"$work/view.log" 2>&1 \
		</dev/null
	nm "$work/view/x.o" | cut -d ' ' -f 3
}

is "build host: its header" from_the_build_host \
	"$(view_run gcc -Iinclude -c x.c)"
is "build host: the result is in the cache" from_the_build_host \
	"$(view_run gcc -Iinclude -c x.c)"
check "build host: the result is cached" \
	grep -q '^kfarm: jobs 1: 1 cached' "$work/view.log"
if unshare -m true 2>/dev/null; then
	is "mount namespace, cache: its header" from_the_namespace \
		"$(view_run unshare -m ./in-namespace)"
	is "mount namespace, node: its header" from_the_namespace \
		"$(view_run --no-cache --require-remote 1 -- unshare -m \
			./in-namespace)"
	check "mount namespace: the reason" grep -q \
		'1 another root directory or mount namespace' "$work/view.log"
else
	left_out "mount namespace" "unshare is not permitted"
fi

# ---- a program that executes the driver, as in buildroot ----

wrapped=$work/wrapped/bin
mkdir -p "$wrapped"
real=$(readlink -f "$(command -v gcc)")
# The driver finds its cc1 relative to its own directory.
ln -s "${real%/*/*}/lib" "$work/wrapped/lib"
cat >"$wrapped/wrapper.c" <<'END'
#include <limits.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static char path[PATH_MAX + 16];
	(void)argc;
	if (readlink("/proc/self/exe", path, PATH_MAX) < 0)
		return 1;
	strcpy(strrchr(path, '/'), "/wrapped-gcc.br_real");
	argv[0] = path;
	execv(path, argv);
	return 1;
}
END
gcc -o "$wrapped/toolchain-wrapper" "$wrapped/wrapper.c"
ln -s toolchain-wrapper "$wrapped/wrapped-gcc"
cp "$real" "$wrapped/wrapped-gcc.br_real"
echo 'int wrapped;' >"$work/view/x.c"

# wrapped_run ARG...: compile x.c by the wrapper, and print the first count of
# kfarm's summary, such as "1 cached".
wrapped_run()
{
	(export PATH="$wrapped:$PATH" && view_run "$@" -- wrapped-gcc -c x.c) |
		grep -qx wrapped || echo "no object"
	sed -n 's/^kfarm: jobs 1: \([^(]*[^ (]\) *(.*/\1/p' "$work/view.log"
}

# Compile until the node, which first receives the toolchain, has compiled x.c.
cat >"$work/view/until-remote" <<'END'
#!/bin/sh
until grep -qs '"remote":true' "$1"; do
	wrapped-gcc -c x.c || exit
done
END
chmod +x "$work/view/until-remote"
is "wrapped driver: node: the symbol" wrapped \
	"$(PATH=$wrapped:$PATH view_run --no-cache --json "$work/view.events" \
		-- timeout 60 ./until-remote "$work/view.events")"
check "wrapped driver: the node compiles" \
	grep -q '"remote":true' "$work/view.events"
is "wrapped driver: empty cache" "0 remote" "$(wrapped_run --no-remote)"
is "wrapped driver: full cache" "1 cached" "$(wrapped_run --no-remote)"
echo >>"$wrapped/wrapped-gcc.br_real"
is "another wrapped driver: no result is cached" "0 remote" \
	"$(wrapped_run --no-remote)"

# ---- a variable that moves the headers of the C library ----

headers=$work/binutils/$(gcc -dumpmachine)/include
mkdir -p "$headers"
: >"$headers/kfarm-name.h"
printf '%s\n' '#if __has_include(<kfarm-name.h>)' 'int moved;' '#else' \
	'int usual;' '#endif' >"$work/view/x.c"
is "no BINUTILS_ROOT" usual "$(view_run gcc -c x.c)"
export BINUTILS_ROOT=$work/binutils
if gcc -c "$work/view/x.c" -o "$work/view/plain.o" &&
	nm "$work/view/plain.o" | grep -q moved; then
	is "BINUTILS_ROOT, cache" moved "$(view_run gcc -c x.c)"
	is "BINUTILS_ROOT, node" moved \
		"$(view_run --no-cache --require-remote 1 -- gcc -c x.c)"
else
	left_out "BINUTILS_ROOT" "this gcc does not look for headers there"
fi
unset BINUTILS_ROOT

# ---- a variable that adds lines to messages ----

printf '%s\n' '#include <stdio.h>' \
	'void f(long x) { printf("%i", x); }' >"$work/view/x.c"
export GCC_EXTRA_DIAGNOSTIC_OUTPUT=fixits-v2
for wanted in --require-remote=1 --no-remote; do
	view_run "$wanted" -- gcc -Wformat -c x.c >/dev/null
	is "GCC_EXTRA_DIAGNOSTIC_OUTPUT, $wanted: the line" \
		"$(cd "$work/view" && gcc -Wformat -c x.c 2>&1 | grep ^fix-it)" \
		"$(grep ^fix-it "$work/view.log")"
done
unset GCC_EXTRA_DIAGNOSTIC_OUTPUT
no_nodes

# ---- objects that name a temporary file ----

if command -v clang >/dev/null; then
	# In DWARF 5, clang names this source after its copy in TMPDIR.
	printf '\t.section .rodata\n\t.long 3\n' >"$work/view/data.S"
	(cd "$work/view" && clang -gdwarf-5 -c data.S -o plain.o)
	for round in first second; do
		(cd "$work/view" && "$bin/kfarm" run -- \
			clang -gdwarf-5 -c data.S) >"$work/view.log" 2>&1
		check "clang -gdwarf-5: $round compile: as without kfarm" \
			cmp "$work/view/plain.o" "$work/view/data.o"
	done
else
	left_out "clang -gdwarf-5" "no clang"
fi

# ---- faults ----

cached_build "results of nodes, no node"
hits "results of nodes, no node"
find "$results"/{action,sha256} -type f | while read -r file; do
	chmod u+w "$file"
	printf '%s' "$file" | dd of="$file" conv=notrunc bs=1 seek=8 status=none
done
cached_build "damaged results"
is "damaged results: no job is cached" 0 "$(meta .farm.cached)"
cached_build "replaced results"
hits "replaced results"

rm -rf "$results"
if small_disk "$results" 64; then
	chmod 700 "$results"
	cached_build "full disk"
	is "full disk: one warning" 1 \
		"$(grep -c 'no more results are stored' "$work/kfarm.log")"
	umount "$results"
else
	left_out "full disk" "mount is not permitted"
fi
# read_only NAME DIR: build while the directory is read-only.
read_only()
{
	mkdir -p "$2"
	if mount --bind "$2" "$2" 2>/dev/null &&
		mount -o remount,bind,ro "$2" 2>/dev/null; then
		cached_build "$1"
		is "$1: one note" 1 \
			"$(grep -c 'the result cache is not used' "$work/kfarm.log")"
	else
		left_out "$1" "mount is not permitted"
	fi
	umount "$2"
}

read_only "read-only results" "$results"
read_only "read-only caches" "$XDG_CACHE_HOME"
rm -rf "$results"
: >"$results"
cached_build "no directory"
is "no directory: one note" 1 \
	"$(grep -c 'the result cache is not used' "$work/kfarm.log")"
rm "$results"

for n in 2 5; do
	farm_fresh
	kfarm_start_held vmlinux
	check "kill -9 after $n objects: they appear" \
		wait_for 60 objects_beyond "$n"
	kill -KILL "$kfarm"
	rm "$work/hold"
	kfarm_wait 2>/dev/null
	stop_all
	gone "kill -9 after $n objects"
	cached_build "after kill -9"
done

# A clear at any time during two builds costs only hits.  The other build has its
# own build directory.
farm_fresh
cp -a "$build" "$work/second"
kfarm_start vmlinux
env "$bin/kfarm" build -C "$tree" -b "$work/second" -o "$work/out2" \
	"${vars[@]}" vmlinux >"$work/second.log" 2>&1 </dev/null &
second=$!
while kill -0 "$kfarm" 2>/dev/null || kill -0 "$second" 2>/dev/null; do
	"$bin/kfarm" cache clear >"$work/clear.log" 2>&1 ||
		bad "two builds and a clear: $(cat "$work/clear.log")"
done
kfarm_wait
is "two builds and a clear: the first ends with" 0 $?
wait "$second"
is "two builds and a clear: the second ends with" 0 $?
equal "two builds and a clear: the first"
build=$work/second
equal "two builds and a clear: the second"
farm_end
