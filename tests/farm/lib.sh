# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# farm/lib.sh - functions shared by the farm tests
#
# A test sources this file, calls farm_begin, checks with `check NAME
# COMMAND...` and ends with farm_end, which prints "N passed, N failed, N
# skipped".
#
#	$root	the project's directory
#	$bin	the directory of kfarm, kfarmd and kfarm-cc
#	$work	the test's own directory, removed at the end
#	$tree	the source tree that is built
#	$build	the build directory (O=); the same path for every build
#	$prepared	the build directory after farm_prepare
#	$ref	plain make's build directory, moved there by farm_reference
#	$kfarmd	the command of a good node; all nodes share one store, so that
#		a toolchain is uploaded once
#	$settings	a file with lines for .config; empty: no lines
#
# SOAK=1 requests many more rounds (make soak).
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/farm/tree.sh
. "$root/tests/farm/tree.sh"
bin=$(cd "$root" && realpath "${KFARM_BUILD:-build}")
soak=${SOAK:-}
cores=$(nproc)
passed=0
failed=0
skipped=0
work=
mounts=()
children=()
vars=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)

# own_mounts ARG...: restart this script with these arguments in its own mount
# namespace, so that later mounts are private.
own_mounts()
{
	[ -z "${KFARM_NAMESPACE:-}" ] || return 0
	export KFARM_NAMESPACE=1
	[ "$(id -u)" -ne 0 ] || exec unshare -m "$0" "$@"
	exec unshare -rm "$0" "$@"
}

farm_begin()
{
	[ -x "$bin/kfarm" ] || {
		echo "no $bin/kfarm: run make first" >&2
		exit 1
	}
	work=$(mktemp -d "${TMPDIR:-/tmp}/kfarm-farm.XXXXXX") || exit 1
	trap farm_cleanup EXIT
	trap 'exit 130' INT
	trap 'stands_at; exit 143' TERM HUP
	unset KFARM ARCH CROSS_COMPILE O KBUILD_OUTPUT LLVM MAKEFLAGS MFLAGS
	unset MAKELEVEL "${!KBUILD_BUILD_@}"
	# `git config --global` would change the user's file.
	unset GIT_CONFIG_GLOBAL
	mkdir -p "$work"/{home,run,nodes}
	chmod 700 "$work/run"
	export HOME=$work/home XDG_RUNTIME_DIR=$work/run LC_ALL=C.UTF-8
	export XDG_CACHE_HOME=$work/cache XDG_CONFIG_HOME=$HOME/.config
	export XDG_DATA_HOME=$HOME/.local/share XDG_STATE_HOME=$HOME/.local/state
	export KFARM_CONFIG=$work/config
	# Most tests count the jobs of nodes and of the build host.
	export CCACHE_DISABLE=1
	# The host programs of Linux run shorter than their optimization takes.
	export HOSTCFLAGS=-O0
	build=$work/build
	prepared=$work/prepared
	ref=$work/ref
	settings=
	kfarmd="'$bin/kfarmd' --stdio --store '$work/store'"
	: >"$KFARM_CONFIG"
}

# Print the position of the test if tests/run ends it after its timeout.
stands_at()
{
	local i at

	echo "ended from outside at"
	for ((i = 0; ; i++)); do
		at=$(caller $i) || break
		echo "      line $at"
	done
}

farm_cleanup()
{
	local m

	trap - EXIT
	for m in "${children[@]}"; do
		kill -KILL "$m" 2>/dev/null
	done
	stop_all
	for m in "${mounts[@]}"; do
		umount "$m" 2>/dev/null || umount -l "$m" 2>/dev/null
	done
	[ "$work" ] && [ ! "${KEEP:-}" ] || return
	# A mount there can belong to the machine.
	if cut -d ' ' -f 5 /proc/self/mountinfo | grep -qF "$work/"; then
		echo "something is still mounted in $work: it is left" >&2
		return
	fi
	rm -rf "$work"
}

farm_end()
{
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}

# ---- checks ----

good()
{
	passed=$((passed + 1))
	echo "ok    $*"
}

bad()
{
	failed=$((failed + 1))
	echo "FAIL  $*"
}

# left_out NAME WHY: skip a test that this machine does not support.
left_out()
{
	skipped=$((skipped + 1))
	echo "skip  $*"
}

# create_counters DIR: let kfarm create the counters of its recipe shell, and
# copy them to DIR.  A shell that starts as DIR/sh uses them.
create_counters()
{
	mkdir "$1" "$work/counters"
	printf 'all: ; @cp $(dir $(SHELL))counts $(DEST)\n' \
		>"$work/counters/Makefile"
	(cd "$work/counters" && "$bin/kfarm" run -q --no-remote --shell -- \
		make DEST="$1") && : >"$1/handed"
}

# check NAME COMMAND...: pass if COMMAND succeeds; print its output otherwise.
check()
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		good "$name"
	else
		bad "$name"
		printf '%s\n' "$out" | head -n 30 | sed 's/^/      /'
	fi
}

# is NAME WANTED GOT
is()
{
	if [ "$2" = "$3" ]; then
		good "$1"
	else
		bad "$1: wanted '$2', got '$3'"
	fi
}

# at_most NAME LIMIT GOT (whole numbers)
at_most()
{
	if [ "$3" -le "$2" ]; then
		good "$1 ($3 of at most $2)"
	else
		bad "$1: $3 is more than $2"
	fi
}

# ---- trees ----

# farm_mini [UNITS [WEIGHT [TARGET...]]]: create the small tree, configure it
# once, and make the targets.  With "prepare", builds execute no host compiler,
# so that the nodes need only one toolchain.
farm_mini()
{
	tree=$work/tree
	"$root/tests/farm/mini/generate" "$tree" "${@:1:2}" || exit 1
	farm_prepare tinyconfig "${@:3}"
}

farm_linux()
{
	tree=$(kernel_tree) || exit 1
	farm_prepare "$@"
}

plain()
{
	make -C "$tree" O="$build" "${vars[@]}" -j "$cores" "$@"
}

# farm_prepare CONFIG [TARGET...]: configure, add the lines of the file $settings
# if it is set, and make the targets.
farm_prepare()
{
	rm -rf "$build"
	{ plain "$1" && { [ ! "$settings" ] || add_settings; } &&
		{ [ $# -eq 1 ] || plain "${@:2}"; }; } \
		>"$work/prepare.log" 2>&1 || {
		echo "make $*:" >&2
		tail -n 20 "$work/prepare.log" >&2
		exit 1
	}
	mv "$build" "$prepared"
}

add_settings()
{
	"$tree/scripts/kconfig/merge_config.sh" -m -O "$build" \
		"$build/.config" "$settings" && plain olddefconfig
}

# no_effect SETTINGS CONFIG: print the settings that CONFIG lacks.
no_effect()
{
	grep '^CONFIG_' "$1" | grep -vxFf "$2"
}

# Reset the build directory to its state after configuration.
farm_fresh()
{
	rm -rf "$build" || return
	cp -a "$prepared" "$build"
}

# farm_reference TARGET...: build the targets with plain make into $ref.
farm_reference()
{
	local began=$SECONDS

	farm_fresh
	plain "$@" >"$work/plain.log" 2>&1
	plain_status=$?
	plain_seconds=$((SECONDS - began))
	rm -rf "$ref"
	mv "$build" "$ref"
}

# Print path, type and digest of each file in a directory.
tree_list()
{
	(cd "$1" && {
		find . -type f -print0 | xargs -0 -r sha256sum |
			awk '{ d = $1; sub(/^[^ ]*  /, ""); print $0 "\t" d }'
		find . -type l -printf '%p\t-> %l\n'
		find . -type d -printf '%p\tdirectory\n'
	} | LC_ALL=C sort)
}

# compare_trees A B: print "N files, N differ, N only in one"; false unless
# equal.
compare_trees()
{
	if diff -rq --no-dereference "$1" "$2" >/dev/null 2>&1; then
		echo "$(find "$1" -type f -o -type l | wc -l) files," \
			"0 differ, 0 only in one"
		return
	fi
	tree_list "$1" >"$work/list.a"
	tree_list "$2" >"$work/list.b"
	awk -F'\t' '
	NR == FNR { a[$1] = $2; next }
	{ b[$1] = $2 }
	END {
		for (f in a) {
			if (a[f] == "directory" && b[f] == "directory")
				continue
			files++
			if (!(f in b)) { only++; print "only in the first: " f }
			else if (a[f] != b[f]) { differ++; print "differs: " f }
		}
		for (f in b)
			if (!(f in a)) {
				files++; only++; print "only in the second: " f
			}
		printf "%d files, %d differ, %d only in one\n", files,
			differ, only
		exit differ + only ? 1 : 0
	}' "$work/list.a" "$work/list.b"
}

# equal NAME: check that the build directory equals that of plain make.
equal()
{
	check "$1: equal to plain make's" compare_trees "$ref" "$build"
}

# kfarm must not leave temporary files next to the targets.
no_temporaries()
{
	local left

	left=$(find "${2:-$build}" -name '.*.kfarm.*' 2>/dev/null | head -n 5)
	is "$1: no temporaries" "" "$left"
}

# ---- nodes ----

# node NAME COMMAND [KEY=VALUE...]: add a node that a shell command starts; its
# process id is in $work/nodes/NAME.
node()
{
	local name=$1 command=$2 line

	shift 2
	{
		printf '[node "%s"]\n' "$name"
		printf '\taddress = "exec:echo $$ >%s; exec %s"\n' \
			"$work/nodes/$name" "$command"
		for line in "$@"; do
			printf '\t%s = %s\n' "${line%%=*}" "${line#*=}"
		done
	} >>"$KFARM_CONFIG"
}

no_nodes()
{
	: >"$KFARM_CONFIG"
	rm -f "$work"/nodes/*
}

# nodes N [KEY=VALUE...]: replace all nodes by N good ones.
nodes()
{
	local i n=$1

	shift
	no_nodes
	for i in $(seq "$n"); do
		node "node$i" "$kfarmd" "$@"
	done
}

# relay_command NAME: print the command of a relay in front of the present nodes,
# which are then no longer nodes of kfarm.  $relay_kfarmd replaces its kfarmd.
relay_command()
{
	local dir=$work/relay-$1

	mkdir -p "$dir"
	mv "$KFARM_CONFIG" "$dir/nodes"
	: >"$KFARM_CONFIG"
	echo "env KFARM_CONFIG='$dir/nodes' '${relay_kfarmd:-$bin/kfarmd}' --relay \
--stdio --config '$dir' --store '$dir/store'"
}

# relay NAME [KEY=VALUE...]: put all nodes behind a relay, which is then the only
# node.
relay()
{
	local command

	command=$(relay_command "$1")
	node "$1" "$command" "${@:2}"
}

# toolchains_of STORE DIR: copy STORE to DIR without the blobs of the source
# tree and the build directory.
toolchains_of()
{
	rm -rf "$2"
	cp -a "$1" "$2"
	find "$tree" "$build" -type f -exec sha256sum {} + |
		sed -E 's|^(..)([0-9a-f]*).*|\1/\2|' |
		(cd "$2/sha256" && xargs rm -f)
}

node_pid()
{
	cat "$work/nodes/$1" 2>/dev/null
}

# ---- kfarm ----

# kfarm_build ARG...: build in $build, into $work/out; log to $work/kfarm.log.
kfarm_build()
{
	rm -rf "$work/out"
	env KFARM_BUILD_MARK="$work" "$bin/kfarm" build -C "$tree" \
		-b "$build" -o "$work/out" "${vars[@]}" "$@" \
		>"$work/kfarm.log" 2>&1 </dev/null
}

# The same in the background, in its own session with the id $kfarm.
kfarm_start()
{
	rm -rf "$work/out"
	# A caller that waits for a line must not find that of an earlier build.
	: >"$work/kfarm.log"
	# A shell starts background commands with SIGINT ignored.
	setsid env --default-signal=INT,QUIT KFARM_BUILD_MARK="$work" \
		"$bin/kfarm" build -C "$tree" -b "$build" -o "$work/out" \
		"${vars[@]}" "$@" >"$work/kfarm.log" 2>&1 </dev/null &
	kfarm=$!
	children+=("$kfarm")
}

# Likewise, but a build of the small tree does not end before the file $work/hold
# is removed.
kfarm_start_held()
{
	: >"$work/hold"
	FARM_HOLD=$work/hold kfarm_start "$@"
}

kfarm_wait()
{
	wait "$kfarm"
}

# meta .KEY.KEY: print a value of the last build's metadata.json.
meta()
{
	jq -r "$1" "$work/out/metadata.json" 2>&1
}

# n_jobs: print the number of jobs of the last build, which is not 0.
n_jobs()
{
	meta '.farm.cached + .farm.local + .farm.remote' |
		grep -x '[1-9][0-9]*' || echo "no number of jobs"
}

# hits NAME: check that the result of each job was cached.
hits()
{
	is "$1: all jobs are cached" "$(n_jobs)" "$(meta .farm.cached)"
}

# farm_retry PREPARE TARGET...: run the command PREPARE and build, until no job of
# the build is local.  A job is local if its node lacks blobs, or if a busy
# machine delays the node.  With --require-remote, a build connects to the nodes
# before it compiles; status 125 means that all jobs were local.
farm_retry()
{
	local round prepare=$1

	shift
	for round in {1..20}; do
		"$prepare"
		kfarm_build --require-remote 1 "$@" || [ $? -eq 125 ] || break
		[ "$(meta .farm.local)" != 0 ] || return 0
	done
	bad "round $round: still local: $(meta '.farm.reasons | tostring')"
	tail -n 5 "$work/kfarm.log"
	return 1
}

# farm_warm TARGET...: build until the nodes' store has all files, so that no
# later job is local because of a blob upload.
farm_warm()
{
	farm_retry farm_fresh "$@"
}

# wait_for SECONDS COMMAND...: repeat COMMAND until it succeeds.  A minute
# suffices for events that take milliseconds on an idle machine; tests/run
# multiplies it for tests that run concurrently.  In a long wait, the pauses
# become longer, because each try starts programs.
wait_for()
{
	local end=$((SECONDS + $1 * ${TEST_PATIENCE:-1})) pause_ms=50 pause

	shift
	while ! "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $end ] || {
			echo "waited in vain for: $*" >&2
			return 1
		}
		printf -v pause '0.%03d' $pause_ms
		sleep "$pause"
		pause_ms=$((pause_ms < 250 ? pause_ms + pause_ms / 10 : 250))
	done
}

objects()
{
	find "$build" -name '*.o' 2>/dev/null | wc -l
}

objects_beyond()
{
	[ "$(objects)" -gt "$1" ]
}

# Print the running processes of a build, found by a variable in their
# environment or by the session of kfarm_start.
left_over()
{
	local pids

	pids=$({
		grep -lzxsF "KFARM_BUILD_MARK=$work" /proc/[0-9]*/environ |
			tr -dc '0-9\n'
		[ ! "${kfarm:-}" ] || pgrep -s "$kfarm"
	} | tr '\n' ' ')
	# shellcheck disable=SC2086
	[ ! "$pids" ] || ps -o pid=,stat=,args= $pids | awk '$2 !~ /^Z/'
}

nothing_left()
{
	[ -z "$(left_over)" ]
}

# gone NAME: check that all of the build's processes end.
gone()
{
	if wait_for 60 nothing_left; then
		good "$1: all processes gone"
	else
		bad "$1: still running after a minute"
		left_over | head -n 10 | sed 's/^/      /'
		stop_all
	fi
}

# End the remaining processes of a test's builds, identified by its mark.
stop_all()
{
	local pid

	[ "$work" ] || return 0
	left_over | while read -r pid _; do
		kill -KILL "$pid" 2>/dev/null
	done
}

# rounds FEW MANY: print FEW, or MANY with SOAK=1.
rounds()
{
	if [ "$soak" ]; then seq "$2"; else seq "$1"; fi
}

# ---- helpers in C ----

# helper NAME [SOURCE|ARCHIVE|-lLIBRARY]...: compile tests/farm/NAME.c with the
# given files of kbuild-farm/ unless the program is up to date.  Print its path.
helper()
{
	local out=$bin/farm/$1 source stale=

	set -- "../tests/farm/$1.c" "${@:2}"
	mkdir -p "$bin/farm"
	for source; do
		[ "${source#-l}" != "$source" ] ||
			(cd "$root/kbuild-farm" && [ "$out" -nt "$source" ]) ||
			stale=1
	done
	[ ! -e "$out" ] || [ -z "$(find "$root/kbuild-farm" "$root/tests/farm" \
		-name '*.h' -newer "$out" -print -quit)" ] || stale=1
	[ ! "$stale" ] || (cd "$root/kbuild-farm" && cc -std=gnu17 \
		-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -g -Wall -I. \
		-o "$out.$$" "$@" && mv "$out.$$" "$out") || return
	echo "$out"
}

# Compile the misbehaving node, tests/farm/badnode.c.
badnode()
{
	helper badnode ../tests/farm/bad{cell,spoil}.c \
		"$bin"/lib/{wire,base}.a -levent -llzo2 -lzstd -lcrypto
}

# small_disk DIR KIB: mount a file system of that size; false without root.
small_disk()
{
	mkdir -p "$1"
	mount -t tmpfs -o "size=${2}k" kfarm-farm "$1" 2>/dev/null || return 1
	mounts+=("$1")
}

small_disk_gone()
{
	# A sandbox that uses the mount can end shortly after its node.
	wait_for 60 umount "$1" && mounts=("${mounts[@]/$1/}")
}
