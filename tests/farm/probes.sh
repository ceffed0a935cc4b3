#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# probes.sh - the probe cache.  A kernel and a project are built twice from
# scratch, with gcc and clang, under kfarm build and kfarm run.  The files equal
# those without the cache, and a changed compiler is probed again.
. "$(dirname "$0")/lib.sh"

farm_begin
cache=$XDG_CACHE_HOME/kfarm/probes
real=$work/real
asked=$work/asked
mkdir "$real"
export ASK_LOG=$asked

# counting NAME: install a compiler before the system's one of that name that
# logs each probe and then executes the system's.
counting()
{
	local program

	program=$(helper askcc "$bin"/lib/{options,base}.a) || exit 1
	cp "$program" "$real/$1"
}

# kfarm makes a manifest only of files that have been unchanged for a moment.
settle()
{
	sleep 0.1
}

# questions: print the number of cacheable probes.
questions()
{
	grep -c . "$asked"
}

# A project whose makefiles probe the compiler like kbuild, so that no kernel is
# needed.
put_project()
{
	mkdir -p "$work/project"
	cat >"$work/project/Makefile" <<'END'
TMP = .tmp_$$$$/tmp
try-run = $(shell set -e; TMP=$(TMP); mkdir -p .tmp_$$$$; \
	trap "rm -rf .tmp_$$$$" EXIT; \
	if ($(1)) >/dev/null 2>&1; then echo "$(2)"; else echo "$(3)"; fi)
cc-option = $(call try-run,$(CC) -Werror $(1) -c -x c /dev/null -o "$$TMP",$(1),$(2))
as-instr = $(call try-run,printf "%b\n" "$(1)" | \
	$(CC) -c -x assembler-with-cpp -o "$$TMP" -,$(2),$(3))

FLAGS := $(call cc-option,-Wall) $(call cc-option,-Wno-such-warning,no) \
	$(call cc-option,-fno-such-option,none) $(call cc-option,-O2) \
	$(call cc-option,-fstack-protector-strong) \
	$(call as-instr,nop,nop) $(call as-instr,no such,yes,nothing)
all:
	@echo '$(FLAGS)' >flags
	@$(CC) --version | head -n 1 >version
	@$(CC) -dumpmachine >machine
	@printf 'int a;\n' | $(CC) -S -x c -o - - >text.s
	@$(CC) -c -x c /dev/null -o empty.o; stat -c %a empty.o >mode
	@printf '__VERSION__\n' | $(CC) -E -P -x c - 2>&1 >expanded
	@-$(CC) -Werror -fno-such-option -E -x c /dev/null -o x.i 2>errors; \
		echo $$? >>errors
END
}

# made HOW COMMAND...: put the files of the project's makefile into $work/HOW.
made()
{
	local how=$1

	shift
	rm -f "$work"/project/[a-z]* "$work/project/.tmp_"*
	: >"$asked"
	(cd "$work/project" && "$@" make -f "$work/project/Makefile" CC="$CC") \
		>"$work/$how.log" 2>&1 </dev/null
	is "$how: exit status" 0 $?
	rm -rf "${work:?}/$how"
	mkdir "$work/$how"
	cp -a "$work"/project/[a-z]* "$work/$how"
}

ours()
{
	"$bin/kfarm" run -q --no-remote --no-jobserver "$@"
}

# warm HOW: fill the cache.  A compiler without a manifest gets one in the
# second run, and its results are cached from then on.
warm()
{
	local i

	for i in 1 2 3; do
		made "$1-$i" ours --
		check "$1-$i: the same files" compare_trees "$work/$CC-plain" \
			"$work/$1-$i"
	done
}

put_project
compilers=()
for CC in gcc clang aarch64-linux-gnu-gcc; do
	if command -v $CC >/dev/null; then
		counting $CC
		compilers+=("$CC")
	else
		left_out $CC "is not installed"
	fi
done
PATH=$real:$PATH
settle
for CC in "${compilers[@]}"; do
	made "$CC-plain"
	all=$(questions)
	warm "$CC"
	made "$CC-known" ours --
	is "$CC: none is asked again" 0 "$(questions)"
	made "$CC-shell" ours --shell --
	is "$CC: nor by kfarm's shell" 0 "$(questions)"
	for how in known shell; do
		check "$CC-$how: the same files" compare_trees \
			"$work/$CC-plain" "$work/$CC-$how"
	done
	printf '[farm]\n\tremember-probes = no\n' >"$KFARM_CONFIG"
	made "$CC-off" ours --
	is "$CC: remember-probes = no" "$all" "$(questions)"
	: >"$KFARM_CONFIG"
	# A new modification time of a compiler has the effect of a replacement.
	touch "$real/$CC"
	settle
	made "$CC-touched" ours --
	check "$CC: a touched compiler is probed again" test "$(questions)" -gt 0
	warm "$CC-anew"
	made "$CC-again" ours --
	is "$CC: and remembered" 0 "$(questions)"
done

CC=gcc
for file in "$cache"/[0-9a-f]*; do
	printf 'damage' | dd of="$file" bs=1 seek=20 conv=notrunc status=none
done
made damaged ours --
check "damaged answers are none" test "$(questions)" -gt 0
check "damaged: the same files" compare_trees "$work/gcc-plain" "$work/damaged"
made mended ours --
is "and come back" 0 "$(questions)"
rm -rf "$XDG_CACHE_HOME"
: >"$XDG_CACHE_HOME"
made nowhere ours --
is "without a cache all are asked" "$all" "$(questions)"
check "without a cache: the same files" compare_trees "$work/gcc-plain" \
	"$work/nowhere"
check "without a cache: nothing is said" test ! -s "$work/nowhere.log"
rm -f "$XDG_CACHE_HOME"
umask 077
made masked-1 ours --
made masked-2 ours --
umask 022
made open ours --
is "another umask is no other question" 0 "$(questions)"
check "another umask: its own mode" compare_trees "$work/gcc-plain" \
	"$work/open"

# ---- a kernel's configuration from scratch ----

tree=$(kernel_tree) || exit 1
# The cache is empty, so kfarm makes the manifests of both compilers first.
CC=aarch64-linux-gnu-gcc
warm listed
for round in first second off; do
	[ $round != off ] ||
		printf '[farm]\n\tremember-probes = no\n' >"$KFARM_CONFIG"
	rm -rf "$build"
	: >"$asked"
	kfarm_build --no-remote -k tinyconfig -e KBUILD_BUILD_TIMESTAMP=1 \
		-e KBUILD_BUILD_USER=u -e KBUILD_BUILD_HOST=h init/
	is "tinyconfig, $round: exit status" 0 $?
	eval "$round=$(questions)"
	rm -rf "$work/made.$round"
	mv "$build" "$work/made.$round"
done
# Most probes are repeated within one build.
at_most "tinyconfig: asked the first time" $((off * 2 / 3)) "$first"
is "tinyconfig: asked again" 0 "$second"
check "tinyconfig, first: the same files" compare_trees "$work/made.off" \
	"$work/made.first"
check "tinyconfig, second: the same files" compare_trees "$work/made.off" \
	"$work/made.second"
farm_end
