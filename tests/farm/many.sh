#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Several architectures and configurations in one command.  Each build equals
# that of a plain make and has its own directories.  A build that is impossible,
# fails or is interrupted is a line of the table and sets the exit status.
. "$(dirname "$0")/lib.sh"

farm_begin
tree=$work/tree
"$root/tests/farm/mini/generate" "$tree" 6 2
mkdir "$tree"/arch/{x86,mips}
touch "$tree"/arch/{x86,mips}/Makefile
echo "# syncconfig" >"$tree/scripts/kconfig/Makefile"
printf 'CONFIG_MINI=y\nCONFIG_MINI_LEVEL=5\n' >"$work/board.config"
nodes 2
status=

# many ARG...: log to $work/kfarm.log, stdout to $work/stdout.
many()
{
	env KFARM_BUILD_MARK="$work" "$bin/kfarm" build -C "$tree" "$@" \
		>"$work/stdout" 2>"$work/kfarm.log" </dev/null
	status=$?
}

# Print the table without times, versions and the width that depends on them.
table()
{
	sed -n '/^ARCH .*OUTPUT$/,$p' "$work/kfarm.log" |
		sed -E -e 's/gcc-[0-9.]+/GCC/' -e 's/ [0-9]+:[0-9]+ / TIME /' \
			-e "s|$work|WORK|g" -e 's/ +/ /g'
}

# reference ARCH PREFIX CONFIG DIR: build into DIR with plain make.
reference()
{
	local make=(make -C "$tree" O="$4" ARCH="$1" CROSS_COMPILE="$2")

	if [ -f "$3" ]; then
		mkdir -p "$4" && cp "$3" "$4/.config" &&
			"${make[@]}" olddefconfig
	else
		"${make[@]}" "$3"
	fi && "${make[@]}" -j "$cores" Image
}

# equal_parts NAME: compare the four build directories at their paths.
equal_parts()
{
	local arch prefix config part

	for part in arm64-tinyconfig arm64-board x86_64-tinyconfig \
		x86_64-board; do
		arch=${part%-*} prefix='' config=tinyconfig
		[ "$arch" = x86_64 ] || prefix=aarch64-linux-gnu-
		[ "${part#*-}" = tinyconfig ] || config=$work/board.config
		mv "$build/$part" "$work/ours"
		reference "$arch" "$prefix" "$config" "$build/$part" \
			>"$work/plain.log" 2>&1
		mv "$build/$part" "$work/plain"
		check "$1: $part equals plain make's" \
			compare_trees "$work/plain" "$work/ours"
		rm -rf "$work/plain"
		mv "$work/ours" "$build/$part"
	done
}

# ---- two architectures, two configurations ----

many -a arm64,x86_64 -k tinyconfig -k "$work/board.config" -b "$build" \
	-o "$work/out" --json "$work/events" Image
is "four builds: status" 0 $status
is "four builds: nothing on stdout" "" "$(cat "$work/stdout")"
is "four builds: the table" "ARCH CONFIG TOOLCHAIN STATUS TIME REMOTE WARNINGS ERRORS OUTPUT
arm64 tinyconfig GCC built TIME SHARE 0 0 WORK/out/arm64-tinyconfig
arm64 WORK/board.config GCC built TIME SHARE 0 0 WORK/out/arm64-board
x86_64 tinyconfig GCC built TIME SHARE 1 0 WORK/out/x86_64-tinyconfig
x86_64 WORK/board.config GCC built TIME SHARE 1 0 WORK/out/x86_64-board" \
	"$(table | sed 's/[0-9.]* %/SHARE/')"
is "each says which of them it is" "1/4 2/4 3/4 4/4" \
	"$(grep -o '\] [0-9]/4 ' "$work/kfarm.log" | tr -d ']\n' | xargs)"
is "the events: four streams, each with its number" \
	"1 arm64 tinyconfig;2 arm64 $work/board.config;3 x86_64 tinyconfig;4 x86_64 $work/board.config" \
	"$(jq -rs 'map(select(.event == "build") |
		"\(.number) \(.arch) \(.config)") | join(";")' "$work/events")"
is "and each ends" "0 0 0 0" "$(jq -rs 'map(select(.event == "done").status) |
	map(tostring) | join(" ")' "$work/events")"
is "the board's own level" "LEVEL 5" \
	"$(grep -oh 'LEVEL 5' "$build/x86_64-board/include/generated/autoconf.h")"
is "metadata of each" "arm64 x86_64" "$(jq -r .build.target_arch \
	"$work"/out/*-board/metadata.json | xargs)"
equal_parts "four builds"

# A repetition compiles nothing, and a repeated architecture counts once.
many -a arm64 -a x86_64,arm64 -k tinyconfig -b "$build" -o "$work/out" Image
is "again: status" 0 $status
is "again: jobs" "jobs 0 jobs 0" "$(grep -o '^jobs 0' "$work/kfarm.log" | xargs)"

# A build directory in a variable, and $KFARM, whose -a the command line
# overrides.
KFARM='-a arm64,x86_64' many -a x86_64 -k tinyconfig -k "$work/board.config" \
	-o "$work/out" O="$build" Image
is "O= and KFARM: status" 0 $status
is "O= and KFARM: two, nothing is compiled" "jobs 0 jobs 0" \
	"$(grep -o '^jobs 0' "$work/kfarm.log" | xargs)"

KBUILD_OUTPUT=$build many -a arm64,x86_64 -k tinyconfig -o "$work/out" Image
is "KBUILD_OUTPUT: two, nothing is compiled" "jobs 0 jobs 0 0" \
	"$(grep -o '^jobs 0' "$work/kfarm.log" | xargs) $status"
rm "$build"/*-tinyconfig/lib/sort.o
many -a arm64,x86_64 -k tinyconfig -b "$build" -o "$work/out" lib/sort.o
is "one object each, which needs no node: REMOTE" "REMOTE - -" \
	"$(table | cut -d ' ' -f 6 | xargs)"
many -a arm64,x86_64 -k tinyconfig -b "$build" --json "$work/none/events" Image
is "events that cannot be written: status" 1 $status

# ---- dry runs and targets that print ----

many -a arm64,x86_64 image_name
is "a target that prints: once for each, and nothing else" \
	"arch/arm64/boot/Image arch/x86_64/boot/Image 0 0" \
	"$(xargs <"$work/stdout") $(wc -l <"$work/kfarm.log") $status"
many -n -a arm64,mips,x86_64 -k tinyconfig -b "$work/planned" -j 2 Image
is "-n: status as of the build" 1 $status
check "-n: one script of both" sh "$work/stdout"
is "-n: and it builds them" "arm64 x86_64" \
	"$(cd "$work/planned" && echo */arch/*/boot/Image |
		sed -E 's/[^ ]*arch\/([^/]*)[^ ]*/\1/g')"

# A tree that kfarm manages has a worktree for each build.
export XDG_DATA_HOME=$work/data
check "a managed tree" "$bin/kfarm" tree add mini "$tree"
managed()
{
	"$bin/kfarm" build --tree mini -a arm64,x86_64 -k tinyconfig \
		-b "$work/managed" Image >"$work/kfarm.log" 2>&1 </dev/null
	status=$?
}
managed
is "a managed tree: status" 0 $status
is "a managed tree: both are built" "arm64 x86_64" \
	"$(cd "$work/managed" && echo */arch/*/boot/Image |
		sed -E 's/[^ ]*arch\/([^/]*)[^ ]*/\1/g')"
managed
is "once more: jobs" "jobs 0 jobs 0" "$(grep -o '^jobs 0' "$work/kfarm.log" | xargs)"

# ---- failures ----

# kfarm builds all that it can, also after a failed build.
trouble()
{
	table | awk '{ print $1, $4 ($4 == "not" ? $5 : "") }' | tail -n +2 | xargs
}
many -a arm64,mips,x86_64 -k tinyconfig -b "$build" Image
is "no compiler in the middle: status" 1 $status
is "no compiler in the middle: the others are built" \
	"arm64 built mips refused x86_64 built" "$(trouble)"
check "the table has the reason" grep -qE '^mips .* refused .*(no compiler|not found|install)' \
	"$work/kfarm.log"
check "it is reported before the build" eval \
	'[ "$(grep -n "2/3 mips" "$work/kfarm.log" | head -n 1 | cut -d: -f1)" -lt \
	"$(grep -n "1/3 arm64 in" "$work/kfarm.log" | cut -d: -f1)" ]'

many -a arm64,x86_64 -k tinyconfig -b "$build" broken/
is "sources that fail: status" 2 $status
is "sources that fail: both were tried" "arm64 failed x86_64 failed" "$(trouble)"
many -F -a arm64,x86_64 -k tinyconfig -b "$build" broken/
is "-F: status" 2 $status
is "-F: the next is not begun" "arm64 failed x86_64 notstarted" "$(trouble)"
many -a arm64,mips -k tinyconfig -b "$build" broken/
is "what cannot be tried is worse than what fails" 1 $status
many -a arm64,x86_64 -k nosuch_defconfig Image
is "a configuration that is none: status" 1 $status
many -a , Image
is "no architecture: status" 1 $status
no_nodes
rm -rf "$build"
many -a x86_64,arm64 -k tinyconfig -b "$build" --require-remote 100 local/
is "too little on nodes: status" 125 $status
many -a arm64,x86_64 -k tinyconfig -b "$build" --require-remote 100 local/ \
	broken/
is "what fails is worse than that" 2 $status
nodes 2

# A configured source tree serves one build, but several builds cannot share it.
cp "$work/board.config" "$tree/.config"
many -a arm64,x86_64 Image
is "a configured source tree: status" 1 $status
check "and what to do" grep -q 'mrproper' "$work/kfarm.log"
rm "$tree/.config"

# ---- Ctrl-C ----

hold=$work/hold
touch "$hold"
rm -rf "$build"
FARM_HOLD=$hold setsid env --default-signal=INT,QUIT KFARM_BUILD_MARK="$work" \
	"$bin/kfarm" build -C "$tree" -b "$build" -a x86_64,arm64,mips \
	-k tinyconfig vmlinux >"$work/kfarm.log" 2>&1 </dev/null &
kfarm=$!
children+=($kfarm)
wait_for 60 test -e "$build/x86_64-tinyconfig/.hold.1.o"
check "kfarm top names it" eval '"$bin/kfarm" top --once |
	grep -q "vmlinux, 1/3 x86_64 tinyconfig, gcc"'
kill -INT $kfarm
wait $kfarm
is "interrupted: status" 130 $?
is "interrupted: the table" \
	"x86_64 interrupted arm64 notstarted mips refused" "$(trouble)"
gone "interrupted"
farm_end
