#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# The result cache in other directories: worktrees and build directories of one
# tree share results that do not depend on their paths.
. "$(dirname "$0")/lib.sh"

farm_begin
unset CCACHE_DISABLE

# in_place TREE BUILD COMMAND...: run the command with the variables of farm.
in_place()
{
	tree=$work/$1 build=$work/$2
	"${@:3}"
}

configure()
{
	[ -e "$tree" ] ||
		"$root/tests/farm/mini/generate" "$tree" 8 4 || exit 1
	[ "$build" = "$tree" ] || { mkdir -p "$build" &&
		ln -sfn "$tree" "$build/source"; }
	plain tinyconfig >"$work/configure.log" 2>&1 ||
		bad "$tree: tinyconfig: $(tail -n 3 "$work/configure.log")"
}

# cached NAME VARIABLE...: build with the cache, and compare all files with those
# of plain make in the same directory.  Sets $cached and $jobs.
cached()
{
	rm -rf "$build" "$work/reference"
	configure
	plain "${@:2}" vmlinux >"$work/plain.log" 2>&1 ||
		bad "$1: plain make: $(tail -n 3 "$work/plain.log")"
	mv "$build" "$work/reference"
	configure
	check "$1: kfarm builds" kfarm_build "${@:2}" vmlinux
	cached=$(meta .farm.cached) jobs=$(meta '.farm.cached + .farm.local')
	rm -rf "$build"/.kfarm* "$work/reference"/.kfarm*
	check "$1: all files equal those of plain make" \
		diff -rq "$work/reference" "$build"
	plain "${@:2}" vmlinux >"$work/again.log" 2>&1
	is "$1: plain make then compiles nothing" 0 \
		"$(grep -cE '^  (HOST)?(CC|AS) ' "$work/again.log")"
}

# shares NAME [N]: check that all jobs, except N of them, are cached.
shares()
{
	is "$1: cached jobs" $((jobs - ${2:-0})) "$cached"
}

map_source()
{
	echo "KCFLAGS=-fmacro-prefix-map=$tree/="
}

map_all()
{
	echo "KCFLAGS=-g -ffile-prefix-map=$tree=. -ffile-prefix-map=$build=out"
}

explain()
{
	"$bin/kfarm" cache explain -b "$build" "$1" >"$work/explain.log" 2>&1
}

# ---- absolute names of the sources ----

fill()
{
	cached "first tree" "$(map_source)"
	is "first tree: no job is cached" 0 "$cached"
}
in_place one/tree one/build fill

again()
{
	cached "$1" "$(map_source)"
	# No map applies to the host program, which mentions FILE (stdio.h).
	shares "$1"
}
in_place one/tree one/another again "second build directory"
in_place one/tree one/tree/out again "build directory in the tree"
in_place two/the-tree two/the-tree-build again "second tree"

# Without the map, __FILE__ has the path of the tree.  The assembler sources do
# not use it.

# not_shared NAME WANTED TEXT VARIABLE...: check the number of cached jobs and the
# explanation.
not_shared()
{
	cached "$1" "${@:4}"
	is "$1: cached jobs" "$2" "$cached"
	explain alpha/unit_3.o
	is "$1: explain names the path and the option" 1 "$(grep -c \
		"not shared with other directories: $3" "$work/explain.log")"
}

unmapped()
{
	not_shared "$1" "$2" "__FILE__ can contain $tree; -fmacro-prefix-map=$tree/="
}
in_place one/tree one/build unmapped "__FILE__, first tree" 4
# One C source, alpha/big.c, and the host program do not use __FILE__, either.
in_place two/tree two/build unmapped "__FILE__, second tree" 5
is "explain: the trees differ" \
	"  source-tree $work/one/tree -> $work/two/tree" \
	"$(grep '^  source-tree' "$work/explain.log")"

# ---- debug information ----

debug()
{
	not_shared "$1" 4 \
		"debug information contains $build; CONFIG_DEBUG_INFO=n" \
		KCFLAGS=-g
}
in_place one/tree one/build debug "debug information, first tree"
in_place two/tree two/build debug "debug information, second tree"

mapped_debug()
{
	cached "$1" "$(map_all)"
}
in_place one/tree one/build mapped_debug "mapped debug information, first tree"
in_place two/tree two/build mapped_debug "mapped debug information, second tree"
shares "mapped debug information"

# The map of the tree leaves the position of a build directory in the tree.
map_debug_of_tree()
{
	cached "$1" "KCFLAGS=-g -fdebug-prefix-map=$tree=."
}
for name in first second; do
	in_place one/tree one/tree/$name map_debug_of_tree \
		"debug information, $name build directory in the tree"
done

# ---- "kfarm run" in any directory ----

# run_in DIR: print the numbers of cached and of all jobs of a build with
# "kfarm run", as "N of M".
run_in()
{
	rm -rf "$build"
	configure
	(cd "$1" && "$bin/kfarm" run --cache -- make -C "$tree" O="$build" \
		"${vars[@]}" "$(map_source)" vmlinux) >"$work/run.log" 2>&1
	sed -nE 's/^.*jobs ([0-9]+): (([0-9]+) cached)?.*/\3 of \1/p' \
		"$work/run.log"
}

run_anywhere()
{
	is "kfarm run above both trees: cached jobs" \
		"$jobs of $jobs" "$(run_in "$work")"
	is "kfarm run in the tree: cached jobs" \
		"$jobs of $jobs" "$(run_in "$tree")"
	is "kfarm run in another directory: cached jobs" \
		"$jobs of $jobs" "$(run_in /usr)"
	explain alpha/unit_3.o
	is "kfarm run: explain finds the stored result" 1 "$(grep -c \
		"alpha/unit_3.o: a result was stored" "$work/explain.log")"
}
in_place one/tree one/build cached "first tree again" "$(map_source)"
in_place three/tree three/build run_anywhere

# ---- names relative to the working directory ----

# project DIR: create a program with a warning, an assembler source, and a
# constructor.
project()
{
	mkdir -p "$work/$1/src" "$work/$1/include"
	cd "$work/$1" || exit
	echo 'int two(void);' >include/two.h
	printf '#include <stdio.h>\n#include "two.h"\n%s\n%s\n' \
		'__attribute__((constructor)) static void f(void) { }' \
		'int main(void) { return puts(__FILE__) + two(); }' >src/one.c
	printf '#include "two.h"\n#warning told\nint two(void) { return 2; }\n' \
		>src/two.c
	printf '.globl three\nthree: .long 3\n' >src/three.S
}

# run_project OPTION...: compile the sources with the cache; print "N of M".
run_project()
{
	local source

	rm -rf build && mkdir build
	{
		echo 'all: build/one.o build/two.o build/three.o'
		for source in one.c two.c three.S; do
			echo "build/${source%.*}.o: src/$source"
			echo "	$compiler $* -O1 -Iinclude -MD -c -o \$@ \$<"
		done
	} >Makefile
	"$bin/kfarm" run --cache -- make >"$work/run.log" 2>&1
	sed -nE 's/^.*jobs ([0-9]+): (([0-9]+) cached)?.*/\3 of \1/p' \
		"$work/run.log" | sed 's/^ of/0 of/'
}

for compiler in gcc clang; do
	command -v $compiler >/dev/null || {
		left_out "$compiler" "not installed"
		continue
	}
	project "first-$compiler"
	is "$compiler: no job is cached" "0 of 3" "$(run_project)"
	[ "$(run_project)" = "3 of 3" ] || {
		left_out "$compiler" "identified too late for small builds"
		continue
	}
	project "second/$compiler"
	# The result with a warning belongs to the first directory.
	is "$compiler: the other directory shares" "2 of 3" "$(run_project)"
	mv build cached
	mkdir build && make -B >"$work/make.log" 2>&1
	check "$compiler: all files equal those of make" diff -r build cached
	is "$compiler: debug information is not shared" "0 of 3" \
		"$(run_project -g)"
	project "first-$compiler"
	is "$compiler: debug information is not shared with the first" \
		"0 of 3" "$(run_project -g)"
	is "$compiler: but in its directory" "3 of 3" "$(run_project -g)"
done

# length DIR: compile a source whose object depends on the length of its
# absolute name, but does not contain the name.
length()
{
	mkdir -p "$work/$1" && cd "$work/$1" || exit
	echo 'int n = sizeof(__FILE__);' >a.c
	gcc -c -o wanted.o "$PWD/a.c" &&
		"$bin/kfarm" run -q --cache -- gcc -c -o a.o "$PWD/a.c"
	check "sizeof(__FILE__) in $1: the object equals gcc's" cmp wanted.o a.o
}
length short
length much-longer
farm_end
