#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# CC="ccache gcc" and the like: kfarm runs the compiler without ccache and uses
# its own result cache, and all files equal those of plain make with that CC.
. "$(dirname "$0")/lib.sh"

farm_begin
unset CCACHE_DISABLE
export CCACHE_DIR=$work/ccache PATH=$work/launchers:$PATH
compiler=${vars[1]#*=}gcc
mkdir "$work/launchers"
for name in ccache distcc icecc sccache; do
	cat >"$work/launchers/$name" <<-END
		#!/bin/sh
		case \$1 in -*) echo "this is $name"; exit ;; esac
		: >"$work/started"
		exec "\$@"
	END
	chmod +x "$work/launchers/$name"
done
farm_mini 4 3
plain_vars=("${vars[@]}")

# launched NAME LAUNCHER: build with plain make, and twice with kfarm.
launched()
{
	vars=("${plain_vars[@]}" CC="$2 $compiler" HOSTCC="$2 gcc")
	farm_reference vmlinux
	is "$1: plain make ends with" 0 "$plain_status"
	rm -rf "$work/started" "$CCACHE_DIR" "$XDG_CACHE_HOME/kfarm/results"
	for round in empty full; do
		farm_fresh
		check "$1, $round cache: kfarm builds" kfarm_build vmlinux
		equal "$1, $round cache"
		is "$1, $round cache: one note" 1 "$(grep -c \
			'launchers are skipped; the result cache replaces' \
			"$work/kfarm.log")"
	done
	hits "$1"
	check "$1: kfarm does not start it" \
		test ! -e "$work/started" -a ! -e "$CCACHE_DIR"
	plain vmlinux >"$work/again.log" 2>&1
	is "$1: plain make then compiles nothing" 0 \
		"$(grep -cE '^  (HOST)?(CC|AS) ' "$work/again.log")"
}

for name in ccache distcc icecc sccache; do
	launched "$name" "$name"
done
launched "two launchers" "ccache distcc"
launched "launcher by its path" "$work/launchers/ccache"
printf '[farm]\n\tshell = system\n' >"$KFARM_CONFIG"
launched "without the recipe shell" ccache
no_nodes
installed=$(PATH=${PATH#*:} command -v ccache)
if [ "$installed" ]; then
	rm "$work/launchers/ccache"
	launched "installed ccache" ccache
	launched "installed ccache by its path" "$installed"
	printf '[farm]\n\tshell = system\n' >"$KFARM_CONFIG"
	farm_fresh
	rm -rf "$CCACHE_DIR"
	check "installed ccache, system shell: kfarm builds" kfarm_build vmlinux
	equal "installed ccache, system shell"
	check "installed ccache, system shell: it stores nothing" \
		test -z "$(find "$CCACHE_DIR" -name '*R' 2>/dev/null)"
	no_nodes
else
	left_out "installed ccache" "ccache is not installed"
fi

# ---- the cache disabled, and renewed ----

# cached NAME WANTED ARG...: build once more, with WANTED hits.
cached()
{
	farm_fresh
	check "$1: kfarm builds" kfarm_build "${@:3}" vmlinux
	equal "$1"
	is "$1: hits" "$2" "$(meta .farm.cached)"
}

launched "node" ccache
all=$(meta .farm.cached)
cached "--no-cache" 0 --no-cache
check "--no-cache: the note" grep -q \
	'launchers are skipped; the result cache is disabled' "$work/kfarm.log"
cached "--recache" 0 --recache
export CCACHE_DISABLE=1
cached "CCACHE_DISABLE" 0
cached "CCACHE_DISABLE, --cache" "$all" --cache
cached "CCACHE_DISABLE, --recache" 0 --recache
cached "CCACHE_DISABLE, --no-cache" 0 --no-cache
unset CCACHE_DISABLE
printf '[cache]\n\tenabled = false\n' >"$KFARM_CONFIG"
cached "[cache] enabled = false" 0
cached "[cache] enabled = false, --cache" "$all" --cache
no_nodes
vars=("${plain_vars[@]}")
farm_fresh
check "without a launcher: kfarm builds" kfarm_build vmlinux
is "without a launcher: hits" "$all" "$(meta .farm.cached)"

# ---- kfarm run ----

cd "$work" || exit 1
echo 'int one(void) { return 1; }' >one.c
printf 'one.o: one.c\n\t$(CC) -c $<\n' >Makefile

# run NAME HITS NOTES COMMAND...: run twice; the second time, HITS jobs are cached.
run()
{
	rm -rf "$XDG_CACHE_HOME/kfarm/results" one.o started
	"$bin/kfarm" run -- "${@:4}" >run.log 2>&1
	rm -f one.o
	check "$1: ends with 0" sh -c '"$@" >run.log 2>&1' - \
		"$bin/kfarm" run -- "${@:4}"
	is "$1: hits" "$2" "$(grep -cE 'jobs 1: 1 cached' run.log)"
	is "$1: notes" "$3" "$(grep -c 'launchers are skipped' run.log)"
	check "$1: makes the object" test -e one.o
}

run "run make CC=" 1 1 make CC="distcc gcc"
run "run make CC=PATH" 1 1 make CC="$work/launchers/distcc gcc"
CC="distcc gcc" run "run, CC in the environment" 1 1 make -e
run "run a script" 1 1 sh -c 'distcc gcc -c one.c'
check "run: no launcher is started" test ! -e started
run "run without a launcher" 1 0 make CC=gcc
run "run distcc of a C++ compiler" 0 0 sh -c 'distcc g++ -c -o one.o -x c++ one.c'
check "run distcc of a C++ compiler: it is started" test -e started
is "run distcc --version" "this is distcc" \
	"$("$bin/kfarm" run -q -- distcc --version)"

# ---- not installed ----

rm "$work/launchers/icecc"
if ! command -v icecc >/dev/null; then
	farm_fresh
	kfarm_build CC="icecc $compiler" vmlinux
	check "not installed: the error names it" grep -q \
		"^kfarm: icecc: not found in PATH; install it, or build with" \
		"$work/kfarm.log"
	check "not installed: a command fails as without kfarm" sh -c \
		"! '$bin/kfarm' run -q -- sh -c 'icecc gcc -c one.c'"
fi
farm_end
