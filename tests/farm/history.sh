#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Builds in the history: successful, failed, interrupted and killed builds,
# several builds of one command, two concurrent builds, and commands of `kfarm
# run`.  Also builds while the history is locked or its disk is full.
. "$(dirname "$0")/lib.sh"
own_mounts "$@"

farm_begin
export XDG_STATE_HOME=$work/state
db=$XDG_STATE_HOME/kfarm/history.db
farm_mini 16 2

# rows ARG...: print the rows of the history, oldest first, one per line.
rows()
{
	local filter=$1

	shift
	"$bin/kfarm" history --all --json "$@" | jq -c ".builds[] | $filter"
}

last()
{
	rows "$@" | tail -n 1
}

key()
{
	last .key
}

# build NAME STATUS ARG...: build from scratch and check the exit status.
build()
{
	local name=$1 wanted=$2

	shift 2
	farm_fresh
	kfarm_build "$@"
	is "$name: status" "$wanted" $?
}

nodes 1
build "a good build" 0 Image
first=$(key)
is "a good build" '["good",0,"Image","arm64",true,false]' \
	"$(last '[.state, .status, .what, .arch, .fresh, .dirty]')"
is "its jobs" "$(meta '.farm.remote + .farm.local')" "$(last .jobs)"
is "its directories" "[\"$tree\",\"$build\",\"$work/out\"]" \
	"$(last '[.tree, .dir, .output]')"
is "its release" '"6.1.77"' "$(last .release)"
mkdir "$work/links"
ln -s "$tree" "$work/links/tree"
for word in "$tree" "$tree/" . ./ "../${tree##*/}" "${tree##*/}" \
	"$work/links/tree"; do
	is "builds of the tree ${word#"$work/"}" 1 \
		"$(cd "$tree" && rows .build --tree "$word" | wc -l)"
done
is "builds of another directory" 0 \
	"$(cd "$work" && rows .build --tree ./links/ | wc -l)"
check "its compiler" grep -q '^"gcc-[0-9.]*-[0-9a-f]\{12\}"$' \
	<<<"$(last .toolchain_id)"
kfarm_build -j 3 Image
is "once more: nothing to do, not fresh, the same key" \
	"[\"good\",false,0,$first]" "$(last '[.state, .fresh, .jobs, .key]')"
kfarm_build Image KCFLAGS=-g0
check "other flags have another key" test "$first" != "$(key)"
kfarm_build Image V=1
is "a wordy one has not" "$first" "$(key)"

build "an error" 2 broken/ Image
is "an error" '["failed",2]' "$(last '[.state, .status]')"

farm_fresh
kfarm_start FARM_HOLD="$work/hold" Image
: >"$work/hold"
wait_for 60 objects_beyond 3
kill -INT "$kfarm"
kfarm_wait
rm -f "$work/hold"
is "interrupted" '["stopped",130]' "$(last '[.state, .status]')"
gone "interrupted"

farm_fresh
: >"$work/hold"
kfarm_start FARM_HOLD="$work/hold" Image
wait_for 60 objects_beyond 3
is "while it runs" '["running",null]' "$(last '[.state, .status]')"
kill -KILL "$kfarm"
kfarm_wait 2>/dev/null
rm -f "$work/hold"
is "killed" '["killed",null]' "$(last '[.state, .status]')"
stop_all
kfarm=

# Each build has its own directory, and so its own series key.
before=$(rows .build | wc -l)
for i in 1 2; do
	"$bin/kfarm" build -C "$tree" -b "$work/at-once$i" -o "$work/out$i" \
		"${vars[@]}" -k tinyconfig Image >"$work/log$i" 2>&1 &
	pids[i]=$!
done
for i in 1 2; do
	wait "${pids[i]}"
	is "at once, $i: status" 0 $?
done
is "two at once" $((before + 2)) "$(rows .build | wc -l)"
is "with one key, as they were asked for the same" 1 \
	"$(rows .key | tail -n 2 | sort -u | wc -l)"

before=$(rows .build | wc -l)
"$bin/kfarm" build -C "$tree" -b "$work/several" -o "$work/out" "${vars[@]}" \
	-k tinyconfig -k defconfig alpha/ >"$work/kfarm.log" 2>&1
is "two of a command: status" 0 $?
is "two of a command" "$(printf '["good","%s"]\n' tinyconfig defconfig)" \
	"$(rows '[.state, .config]' | tail -n 2)"
is "and no more" $((before + 2)) "$(rows .build | wc -l)"

printf 'int x;\n' >"$work/x.c"
(cd "$work" && "$bin/kfarm" run -q -- sh -c 'gcc -c x.c; exit 3')
is "a command" '["failed",3,"sh -c gcc -c x.c; exit 3",1]' \
	"$(last '[.state, .status, .what, .jobs]')"
script -qec "stty cols 80 && TERM=dumb '$bin/kfarm' history --all" /dev/null \
	</dev/null | tr -d '\r' >"$work/table"
check "the table names the builds" grep -q defconfig "$work/table"
at_most "columns of the table on a terminal" 80 "$(wc -L <"$work/table")"

# ---- locks and full disks ----

# Another process holds a write lock for a long time.
cat >"$work/lock.py" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin exclusive")
print("locked", flush=True)
sys.stdin.read()
END
mkfifo "$work/hold.in" "$work/hold.out"
python3 "$work/lock.py" "$db" <"$work/hold.in" >"$work/hold.out" &
children+=($!)
exec 7>"$work/hold.in"
read -r _ <"$work/hold.out"
before=$(rows .build | wc -l)
build "locked" 0 Image
exec 7>&-
is "locked: told once" 1 "$(grep -c "is not recorded in the history: $db: \
locked by another process" "$work/kfarm.log")"
is "locked: nothing added" "$before" "$(rows .build | wc -l)"

small=$work/small
if small_disk "$small" 64; then
	export XDG_STATE_HOME=$small
	build "a full disk" 0 Image
	is "a full disk: told once" 1 \
		"$(grep -c "is not recorded in the history: $small.*No space left" \
			"$work/kfarm.log")"
	mount -o remount,ro "$small"
	build "a disk that is read only" 0 Image
	is "a disk that is read only: told once" 1 \
		"$(grep -c "is not recorded in the history: $small.*Read-only" \
			"$work/kfarm.log")"
else
	left_out "full disks" "cannot mount a tmpfs"
fi
export XDG_STATE_HOME=$work/state
head -c 50000 /dev/urandom | dd of="$db" conv=notrunc bs=1000 seek=1 status=none
last=$(find "$XDG_CACHE_HOME/kfarm/builds" -mindepth 1 -maxdepth 1 -name '[0-9]*' \
	-printf '%f\n' | sort -n | tail -n 1)
build "a damaged file" 0 Image
is "a damaged file: told once" 1 "$(grep -c "the build history was damaged; \
moved it to $db.damaged-[0-9]*-[0-9]* and " \
	"$work/kfarm.log")"
is "a damaged file: the build is in the new one" "[$((last + 1)),\"good\"]" \
	"$(rows '[.build, .state]')"
farm_end
