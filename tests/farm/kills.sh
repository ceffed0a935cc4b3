#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kills.sh [--mini] [--cache | --relay] [KILLS] - kill a process of a build with
# SIGKILL at a random time, KILLS times (100)
#
# In turn, a node, kfarm and its make are killed, with kfarm's recipe shell,
# probe cache and, in a part of Linux, modversions made on nodes.  Each time all
# processes end, no temporary file remains, and a `kfarm build` afterwards gives
# every file of plain make's build directory.  Some builds start with only a
# .config.  Files .tmp_PID, which kbuild's try-run leaves when its make is
# killed, are ignored.  --mini uses the small tree of the other tests instead of
# Linux and is many times faster.
#
# With --relay, the nodes are behind a relay, which is the only process that is
# killed.
#
# With --cache, the builds have the result cache and no nodes.  Half of the
# disturbed builds begin with an empty cache.  A build from the start afterwards,
# which finds the results that the killed build has stored, must also give plain
# make's files.
. "$(dirname "$0")/lib.sh"

linux=1
cache=
relay=
[ "${1:-}" != --mini ] || { linux= && shift; }
[ "${1:-}" != --cache ] || { cache=1 && shift; }
[ "${1:-}" != --relay ] || { relay=1 && shift; }
kills=${1:-100}
victims=(node kfarm make)
[ ! "$cache" ] || victims=(kfarm make)
[ ! "$relay" ] || victims=(relay)

farm_begin
if [ "$linux" ]; then
	targets=(init/ lib/math/)
	settings=$work/settings
	cat >"$settings" <<-'END'
	CONFIG_MODULES=y
	CONFIG_MODVERSIONS=y
	END
	farm_linux tinyconfig
else
	targets=(Image)
	farm_mini 24 2
fi
farm_reference "${targets[@]}"
is "plain make ends with" 0 "$plain_status"
bare=$work/bare
mv "$prepared" "$bare"
cp -a "$bare" "$build"
if [ "$linux" ]; then
	plain prepare >"$work/prepare.log" 2>&1
	is "make prepare ends with" 0 $?
fi
mv "$build" "$prepared"

farm()
{
	if [ "$cache" ]; then
		no_nodes
		unset CCACHE_DISABLE
	else
		export CCACHE_DISABLE=1
		nodes 2 slots=3
		[ ! "$relay" ] || relay rack
	fi
	printf '[farm]\n\tshell = kfarm\n' >>"$KFARM_CONFIG"
}

# from DIR: replace the build directory by a copy of DIR.
from()
{
	rm -rf "$build"
	cp -a "$1" "$build"
}

# took DIR: print the duration of a build from DIR in milliseconds.
took()
{
	local began

	from "$1"
	began=$(date +%s%3N)
	kfarm_build "${targets[@]}"
	echo $(($(date +%s%3N) - began))
}

# victim WHO: print its process, or nothing if it no longer belongs to this
# build.
victim()
{
	local pid

	case $1 in
	node) pid=$(node_pid "node$((RANDOM % 2 + 1))") ;;
	relay) pid=$(node_pid rack) ;;
	kfarm) pid=$kfarm ;;
	make) pid=$(pgrep -x -P "$kfarm" make) ;;
	esac
	left_over | awk -v pid="$pid" '$1 == pid { print pid }'
}

# round WHO DIR MS: kill WHO after MS.  Return false if the build ended before.
round()
{
	local pid who=$1 status status_after after

	from "$2"
	farm
	kfarm_start "${targets[@]}"
	after=$(((RANDOM * 32768 + RANDOM) % $3))
	sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
	# The process has not started yet or has ended.
	pid=$(victim "$who")
	if [ ! "$pid" ] || ! kill -KILL "$pid" 2>/dev/null; then
		kfarm_wait
		return 1
	fi
	if ! wait_for 300 nothing_left; then
		bad "$who after $after ms: still running after five minutes"
		left_over | head -n 10 | sed 's/^/      /'
		stop_all
	fi
	{ kfarm_wait; } 2>/dev/null
	status=$?
	if [ "$who" = node ] || [ "$who" = relay ]; then
		is "$who after $after ms: kfarm ends with" 0 $status
		equal "$who after $after ms"
	fi
	kfarm_build "${targets[@]}"
	status_after=$?
	rm -rf "$build"/.tmp_[0-9]*
	is "$who after $after ms ($status, $(objects) objects): the next ends with" \
		0 $status_after
	equal "$who after $after ms"
	no_temporaries "$who after $after ms"
	check "$who after $after ms: no file remains" nothing_left
	[ ! "$cache" ] || cached_build "$who after $after ms"
	[ $failed = 0 ] || {
		tail -n 20 "$work/kfarm.log"
		farm_end
	}
}

# cached_build NAME: build from the start with the results in the cache.  Those of
# objects that were delivered just before the kill can be missing.
cached_build()
{
	from "$prepared"
	kfarm_build "${targets[@]}"
	is "$1: the build with results ends with" 0 $?
	equal "$1: the build with results"
	n_cached=$((n_cached + $(meta .farm.cached)))
	n_jobs=$((n_jobs + $(meta '.farm.cached + .farm.local')))
}

farm
took "$prepared" >/dev/null
is "the first build ends with" 0 $?
[ ! "$cache" ] || rm -rf "$XDG_CACHE_HOME/kfarm/results"
short=$(took "$prepared")
long=$(took "$bare")
equal "a build that nobody disturbs"
echo "undisturbed: $short ms, $long ms from nothing"

done=0
n_cached=0
n_jobs=0
declare -A hits
while [ "$done" -lt "$kills" ]; do
	who=${victims[done % ${#victims[@]}]}
	[ ! "$cache" ] || [ $((done / 2 % 2)) = 1 ] ||
		rm -rf "$XDG_CACHE_HOME/kfarm/results"
	if [ $((done / 3 % 18)) = 2 ]; then
		round "$who" "$bare" "$long" || continue
	else
		round "$who" "$prepared" "$short" || continue
	fi
	hits[$who]=$((${hits[$who]:-0} + 1))
	done=$((done + 1))
done
echo "killed: node ${hits[node]:-0}, relay ${hits[relay]:-0}," \
	"kfarm ${hits[kfarm]:-0}, make ${hits[make]:-0}"
[ ! "$cache" ] || echo "afterwards $n_cached of $n_jobs jobs were cached"
farm_end
