#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# `kfarm build --tree NAME --rev REV`: private worktrees that switch between
# revisions.  The test checks which units are compiled, killed builds, full
# disks, two builds at once, and a user's own checkout, which stays unchanged.
#
# ROUNDS=N kills that many builds (8).
. "$(dirname "$0")/lib.sh"

farm_begin
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
export GIT_AUTHOR_DATE='@1700000000 +0000' GIT_COMMITTER_DATE='@1700000000 +0000'
unset XDG_DATA_HOME
data=$HOME/.local/share/kfarm/trees
mine=$work/mine # a checkout
"$root/tests/farm/mini/generate" "$mine" 12 3
find "$mine" -type d -empty -exec touch {}/.keep \;
git -C "$mine" init -q -b main

commit()
{
	git -C "$mine" add -A && git -C "$mine" commit -qm "$1" &&
		git -C "$mine" tag -a -m "$1" "$1"
}

# v2 changes a file and adds one.  v3 changes a header and removes that file.
commit v1
echo 'int more;' >>"$mine/alpha/unit_3.c"
touch "$mine/beta/gone.txt"
commit v2
echo '#define MORE 1' >>"$mine/gamma/local.h"
rm "$mine/beta/gone.txt"
commit v3
git -C "$mine" branch empty "$(git -C "$mine" commit-tree -m empty \
	"$(git -C "$mine" mktree </dev/null)")"
mkdir -p "$data/mini"
git clone -q --mirror "$mine" "$data/mini/repo.git"

# tree_build REV ARG...: build into $work/out; log to $work/kfarm.log.
tree_build()
{
	local rev=$1

	shift
	rm -rf "$work/out"
	env KFARM_BUILD_MARK="$work" "$bin/kfarm" build --tree mini \
		--rev "$rev" -a arm64 -o "$work/out" "$@" \
		>"$work/kfarm.log" 2>&1 </dev/null
}

place()
{
	echo "$data"/mini/worktrees/*
}

# newer DIR: print the objects that are newer than $work/mark.
newer()
{
	(cd "$1" && find . -name '*.o' -newer "$work/mark" | sort)
}

mark()
{
	touch "$work/mark"
	sleep 0.02
}

# is_right NAME REV: check that the worktree holds exactly that revision and
# that the build directory equals that of plain make at the same path.
is_right()
{
	local src want=$work/want

	src=$(place)/src
	is "$1: the worktree as git sees it" \
		"$(git -C "$mine" rev-parse "$2^0")" \
		"$(git -C "$src" rev-parse HEAD; git -C "$src" status --porcelain)"
	rm -rf "$want"
	mkdir "$want"
	git -C "$mine" archive "$2" | tar -x -C "$want"
	is "$1: its files" "" "$(diff -r --no-dereference -x .git "$want" "$src")"
}

# ---- compiled units ----

# Build the same manually at the same path, with the worktree moved away.
by_hand()
{
	local at rev targets

	at=$(place)
	mv "$at" "$work/aside"
	git clone -q "$mine" "$at/src"
	for rev in v1 v2 v3; do
		git -C "$at/src" checkout -q "$rev"
		mark
		targets=(all)
		[ $rev != v1 ] || targets=(defconfig all)
		make -C "$at/src" O="$at/build" "${vars[@]}" \
			KBUILD_BUILD_TIMESTAMP=@1700000000 KBUILD_BUILD_USER=kfarm \
			KBUILD_BUILD_HOST=kfarm "${targets[@]}" \
			>"$work/plain.log" 2>&1 || return
		newer "$at/build" >"$work/newer.$rev"
		rm -rf "$work/plain.$rev"
		cp -a "$at/build" "$work/plain.$rev"
	done
	rm -rf "$at"
	mv "$work/aside" "$at"
}

counts()
{
	local rev was=

	tree_build v1 || {
		bad "a first build"
		cat "$work/kfarm.log"
		return
	}
	rm -rf "$data/mini/worktrees"
	if ! tree_build v1 || ! by_hand; then
		bad "by hand"
	fi
	rm -rf "$(place)/build"
	for rev in v1 v2 v3; do
		mark
		tree_build "$rev"
		is "$rev: status" 0 $?
		newer "$(place)/build" >"$work/newer"
		check "$rev: compiles the units of make after git checkout" \
			cmp "$work/newer.$rev" "$work/newer"
		echo "      $rev: $(wc -l <"$work/newer") compiled"
		check "$rev: equal to plain make's" \
			compare_trees "$work/plain.$rev" "$(place)/build"
		is_right "$rev" "$rev"
		is "$rev: metadata" "$(git -C "$mine" rev-parse "$rev^0") $rev mini" \
			"$(meta '.git | "\(.git_commit) \(.rev) \(.tree)"')"
		was=$rev
	done
	is "link to the last build" "$work/out" \
		"$(readlink "$data/mini/last-build")"
	mark
	tree_build "$was" -v
	is "again: compiled" "" "$(newer "$(place)/build")"
	check "again: no file is written" grep -q ': 0 of .* files written' \
		"$work/out/build.log" "$work/kfarm.log"
}

# ---- failures ----

refused()
{
	local name=$1 pattern=$2 status

	shift 2
	"$bin/kfarm" build "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
	status=$?
	is "$name: exit status" 1 $status
	check "$name: says $pattern" grep -qE "$pattern" "$work/stderr"
}

usage()
{
	refused "no such tree" 'no such tree "nini"; did you mean "mini"' \
		--tree nini Image
	refused "no such revision" 'unknown revision "v4"; did you mean "v' \
		--tree mini --rev v4 -a arm64 Image
	refused "-C and --tree" 'mutually exclusive' --tree mini -C "$mine"
	refused "--rev without --tree" 'requires --tree' --rev v1
}

two_at_once()
{
	tree_build v1
	exec 9<"$(place)"
	flock 9
	refused "two at once" "in use by another build" --tree mini --rev v2 \
		-a arm64
	exec 9<&-
	is_right "two at once" v1
}

# Two commands that list their configurations in opposite orders must not wait
# for each other: both lock the worktree of defconfig first.
lock_order()
{
	local args=(--tree mini --rev v1 -a arm64 -k tinyconfig -k defconfig)
	local trees=$data/mini/worktrees

	rm -rf "$trees"
	"$bin/kfarm" build --dry-run "${args[@]}" >/dev/null 2>&1
	exec 9<"$(echo "$trees"/arm64-defconfig-*)"
	flock 9
	"$bin/kfarm" build --wait "${args[@]}" prepare >"$work/kfarm.log" 2>&1 \
		</dev/null 9<&- &
	children+=($!)
	wait_for 60 grep -q 'waiting: .*defconfig' "$work/kfarm.log"
	check "lock order: holds no lock while it waits" \
		flock -n "$(echo "$trees"/arm64-tinyconfig-*)" true
	exec 9<&-
	wait $!
	is "lock order: status" 0 $?
	rm -rf "$trees"
	tree_build v1
}

killed()
{
	local n=${ROUNDS:-8} i rev began=0 pid

	for ((i = 1; i <= n; i++)); do
		rev=v$((i % 3 + 1))
		[ $((i % 4)) != 1 ] || rm -rf "$data/mini/worktrees"
		setsid env KFARM_BUILD_MARK="$work" "$bin/kfarm" build \
			--tree mini --rev $rev -a arm64 -o "$work/out" \
			>/dev/null 2>&1 </dev/null &
		pid=$!
		children+=("$pid")
		sleep "$(awk -v s="$RANDOM" 'BEGIN { printf "%.3f", s % 700 / 1000 }')"
		kill -KILL $pid 2>/dev/null && began=$((began + 1))
		wait $pid 2>/dev/null
		wait_for 60 nothing_left
		if [ $((i % 4)) = 0 ] || [ $i = "$n" ]; then
			tree_build $rev
			is "after kill $i: status" 0 $?
			is_right "after kill $i" $rev
			check "after kill $i: equal to plain make's" \
				compare_trees "$work/plain.$rev" "$(place)/build"
		fi
	done
	echo "      $began of $n builds were killed"
}

full_disk()
{
	local kib

	rm -rf "$data/mini/worktrees"
	for kib in 64 200; do
		if ! small_disk "$data/mini/worktrees" $kib; then
			left_out "full disk" "no file system can be mounted"
			return
		fi
		refused "full disk ($kib KiB)" 'No space left' --tree mini \
			--rev v1 -a arm64 -b "$work/b"
		mount -o remount,size=8m "$data/mini/worktrees"
		tree_build v1 -b "$work/b"
		is "with room again ($kib KiB)" 0 $?
		is_right "with room again ($kib KiB)" v1
		small_disk_gone "$data/mini/worktrees"
	done
}

# ---- a checkout of the user's own ----

# List all files, including git's.
everything()
{
	(cd "$mine" && find . -printf '%p %y %m %s %T@ %C@ %i %l\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0 cksum)
}

own_build()
{
	rm -rf "$work/out"
	env KFARM_BUILD_MARK="$work" "$bin/kfarm" build -C "$mine" -a arm64 \
		-b "$work/own" -o "$work/out" >"$work/kfarm.log" 2>&1 </dev/null
}

own_checkout()
{
	local first

	git -C "$mine" status -s >/dev/null
	own_build
	is "clean checkout: metadata" "false null" \
		"$(meta '.git | "\(.dirty) \(.dirty_digest)"')"
	echo 'int dirty;' >>"$mine/alpha/unit_3.c"
	echo 'int staged;' >>"$mine/alpha/unit_6.c"
	git -C "$mine" add alpha/unit_6.c
	echo note >"$mine/notes"
	# The files are newer than the index and have times in the future.
	touch -d '+2 hours' "$mine/notes" "$mine/Makefile"
	everything >"$work/before"
	own_build
	is "dirty checkout: status" 0 $?
	everything >"$work/after"
	check "dirty checkout: byte-identical, dates and index too" \
		cmp "$work/before" "$work/after"
	is "dirty checkout: metadata" "true 3" \
		"$(meta '.git | "\(.dirty) \(.dirty_files)"')"
	first=$(meta .git.dirty_digest)
	git -C "$mine" add -A
	touch -d 2001-01-01 "$mine/notes"
	own_build
	is "the same content: the same digest" "$first" \
		"$(meta .git.dirty_digest)"
	echo more >>"$mine/notes"
	own_build
	check "other content: another digest" \
		[ "$first" != "$(meta .git.dirty_digest)" ]
	if mount --bind "$mine" "$mine" 2>/dev/null; then
		mounts+=("$mine")
		mount -o remount,bind,ro "$mine"
		own_build
		is "read-only checkout" "0 true" "$? $(meta .git.dirty)"
		umount "$mine" && mounts=("${mounts[@]/$mine/}")
	else
		left_out "read-only checkout" "no file system can be mounted"
	fi
	if [ "$(id -u)" = 0 ]; then
		chown -R 12345 "$mine"
		own_build
		is "another user's checkout" "0 true" "$? $(meta .git.dirty)"
		chown -R 0 "$mine"
	else
		left_out "another user's checkout" "not root"
	fi
}

counts
usage
two_at_once
lock_order
killed
full_disk
own_checkout
# ---- a revision that is not a kernel ----

tree_build empty Image
is "no kernel: status" 1 $?
check "no kernel: named by tree and revision" grep -q \
	"tree mini at $(git -C "$mine" rev-parse empty): not a Linux kernel" \
	"$work/kfarm.log"
farm_end
