#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: first
#
# shadow.sh [--steps N] [--seed N] [--quick] [--only STEP] [--stop]
# [CONFIGURATION]... - compare incremental builds by kfarm and by make
#
# Two copies of Linux 6.1 and of its build directory get the same random edits,
# settings, variables and goals.  After each step, make builds one copy and
# kfarm the other, at the same path.  Exit status, output, all files with their
# modes, and the set of written files must be equal.
#
# CONFIGURATION is modules, modversions or objtool (tests/farm/configs); without
# it, the steps (40) are divided among the three, which run concurrently.  The
# steps depend only on the seed and on --quick, which omits first builds by
# kfarm and settings that recompile everything.  Without arguments, the test is
# quick, omits modversions and has 12 steps.
#
# After a difference, the copies are made equal, and the test continues unless
# --stop is given.  --only makes the edits of all steps before STEP, builds by
# make, and runs this step only.  The texts and files of steps that differ are
# in build/shadow.
. "$(dirname "$0")/lib.sh"

steps=40 seed=1 options=() configurations=()
[ $# -gt 0 ] || steps=12 options=(--quick) configurations=(modules objtool)
while [ $# -gt 0 ]; do
	case $1 in
	--steps) steps=$2 && shift ;;
	--seed) seed=$2 && shift ;;
	--only) options+=("$1" "$2") && shift ;;
	--stop | --quick) options+=("$1") ;;
	-*)
		sed -n '6,7s/^# //p' "$0" >&2
		exit 1
		;;
	*) configurations+=("$1") ;;
	esac
	shift
done
[ ${#configurations[@]} -gt 0 ] ||
	configurations=(modules modversions objtool)

farm_begin
linux=$(kernel_tree) || exit 1
tree=$work/linux
mkdir "$tree"
# Each side of each configuration consists of hard links to one copy, because
# links to the shared tree would change its ctimes while other tests build it.
# The copy lacks sources that are not compiled.
{
	tar -C "$linux" -cf - --exclude=./{drivers,fs,net,samples,sound}/'*.[chS]' \
		--exclude='./Documentation/*.*' --exclude=./tools/testing . |
		tar -C "$tree" -xf -
	tar -C "$linux" -cf - drivers/base | tar -C "$tree" -xf -
} || exit 1
nodes 2 slots=$((cores + 1))
share=$(((steps + ${#configurations[@]} - 1) / ${#configurations[@]}))

# start CONFIGURATION N: run N steps of the configuration in the background.
start()
{
	local log=$work/$1.log

	: >"$log"
	"$root/tests/farm/shadow/run" "$work/$1" "$tree" "$bin/kfarm" "$1" \
		"$root/tests/farm/configs/$1.config" --seed "$seed" \
		--steps "$2" --keep "$bin/shadow" "${options[@]}" \
		>"$log" 2>&1 &
	children+=($!)
	tail -n +1 -f --pid=$! "$log" &
	children+=($!)
}

for configuration in "${configurations[@]}"; do
	start "$configuration" $((steps < share ? steps : share))
	steps=$((steps - share))
done
wait "${children[@]}"
logs=()
for configuration in "${configurations[@]}"; do
	log=$work/$configuration.log
	logs+=("$log")
	last=$(tail -n 1 "$log")
	check "$configuration: $last" grep -q ', 0 differ$' <<<"$last"
done
# Few steps of a configuration have enough units to connect to the nodes, and on
# a busy machine the build host can execute all of them.
check "nodes execute jobs" grep -q '^jobs on nodes: [1-9]' "${logs[@]}"
farm_end
