#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# timeout: 900
#
# Faults of files, disks and machines during a build: headers that change,
# appear, vanish or cannot be read; unusual paths; full and damaged stores;
# nodes that die while they receive a toolchain; two builds with one store.
#
# FAULTS= selects some of them.
. "$(dirname "$0")/lib.sh"

farm_begin
badnode=$(badnode) || exit 1

# The build stops at the gate, when only alpha/ is compiled, until $gate/go
# exists.
gate=$work/gate
gated_tree()
{
	farm_mini 16 1 prepare
	cat >>"$tree/Makefile" <<-END
	ifneq (\$(objects),)
	.PHONY: gate
	gate: | \$(call units,alpha); @test ! -e $gate || \
		{ touch $gate/reached; \
		until test -e $gate/go; do sleep 0.05; done; }
	\$(call units,beta) \$(call units,gamma): | gate
	endif
	END
	cp -a "$tree" "$work/tree.before"
}

restore()
{
	rm -rf "$tree"
	cp -a "$work/tree.before" "$tree"
	farm_fresh
	rm -rf "$gate"
}

# staged CHANGE COMMAND...: make the change while the build waits at the gate.
staged()
{
	local change=$1 pid

	shift
	mkdir -p "$gate"
	"$@" &
	pid=$!
	wait_for 300 test -e "$gate/reached" || echo "no gate is reached"
	$change
	touch "$gate/go"
	wait $pid
}

plain_words()
{
	plain -k Image >"$work/plain.log" 2>&1
}

# at_gate NAME CHANGE: check that the build gives the files of plain make.
at_gate()
{
	local name=$1 change=$2 status

	[ "${3:-}" ] || restore
	staged "$change" plain_words
	status=$?
	rm -rf "$ref"
	mv "$build" "$ref"
	restore
	[ ! "${3:-}" ] || "$3"
	nodes 2 slots=3
	staged "$change" kfarm_build -j 6 Image
	is "$name: exit status" $status $?
	equal "$name"
	no_temporaries "$name"
	[ $status = 0 ] || check "$name: says why" \
		grep -qE 'error: .*(common|local)\.h' "$work/out/build.log"
	rm -rf "$gate"
}

# A link to itself, because permissions do not stop root.
unreadable()
{
	mv "$tree/include/linux/common.h" "$tree/include/linux/kept.h"
	ln -s common.h "$tree/include/linux/common.h"
}

is_directory()
{
	mv "$tree/include/linux/common.h" "$tree/include/linux/kept.h"
	mkdir "$tree/include/linux/common.h"
}

vanishes()
{
	rm "$tree/beta/local.h" "$tree/gamma/local.h"
}

# -I$(srctree)/include precedes -I./include.
appears()
{
	mkdir -p "$tree/include/generated"
	printf '#define CONFIG_MINI_LEVEL 77\n#define LOCAL_SEED 99\n' \
		>"$tree/include/generated/autoconf.h"
	sed -i 's/LOCAL_SEED/CONFIG_MINI_LEVEL + LOCAL_SEED/' \
		"$tree"/{beta,gamma}/unit_*.c
}

is_there()
{
	mkdir -p "$tree/include/generated"
	printf '#define CONFIG_MINI_LEVEL 55\n' \
		>"$tree/include/generated/autoconf.h"
}

goes_again()
{
	rm -r "$tree/include/generated"
}

# Keep the size and the modification time of the old file.
changes_unseen()
{
	local f=$tree/include/linux/common.h

	cp -p "$f" "$work/common.h"
	sed -i 's/x \* 7UL/x * 9UL/' "$f"
	touch -r "$work/common.h" "$f"
}

files_change()
{
	at_gate "a header turns unreadable" unreadable
	restore
	kfarm_build -j 6 Image
	is "it can be read again: exit status" 0 $?
	at_gate "a header turns into a directory" is_directory
	at_gate "headers vanish" vanishes
	at_gate "a header appears earlier on the path" appears
	restore
	is_there
	at_gate "a header that was earlier on the path goes" goes_again \
		is_there
	at_gate "a header changes, but not its size and time" changes_unseen
}

# rewrite A B: write A and B to alpha/local.h in turn, every 50 ms.
rewrite()
{
	while :; do
		for f in "$1" "$2"; do
			cp "$f" "$tree/alpha/.new"
			mv "$tree/alpha/.new" "$tree/alpha/local.h"
			sleep 0.05
		done
	done
}

# Check that each object was compiled from one of the two states entirely.
of_either()
{
	local f name

	for f in "$build"/{alpha,beta,gamma}/*.o; do
		name=${f#"$build"/}
		cmp -s "$f" "$work/ref.a/$name" ||
			cmp -s "$f" "$work/ref.b/$name" || echo "$name"
	done
}

rewritten()
{
	local state writer

	echo '#define LOCAL_SEED SMART(5, 2)' >"$work/local.a"
	echo '#define LOCAL_SEED SMART(5, 3)' >"$work/local.b"
	for state in b a; do
		restore
		cp "$work/local.$state" "$tree/alpha/local.h"
		farm_reference Image
		mv "$ref" "$work/ref.$state"
	done
	restore
	nodes 2 slots=3
	rewrite "$work/local.a" "$work/local.b" &
	writer=$!
	children+=("$writer")
	kfarm_build -j 6 Image
	is "rewritten every 50 ms: exit status" 0 $?
	kill "$writer"
	wait "$writer" 2>/dev/null
	is "rewritten every 50 ms: objects of no state" "" "$(of_either)"
	cp "$work/local.a" "$tree/alpha/local.h"
	plain Image >"$work/again.txt" 2>&1
	is "a make after it" 0 $?
	mv "$work/ref.a" "$ref"
	equal "a make after it"
	rm -rf "$work/ref.b"
}

# ---- unusual paths ----

elsewhere()
{
	rm -rf "$build"
	if ! small_disk "$build" 65536; then
		left_out "another file system" "none can be mounted here"
		return
	fi
	cp -a "$work/prepared/." "$build"
	nodes 2 slots=3
	kfarm_build -j 6 Image
	is "the build directory on another file system: exit status" 0 $?
	equal "the build directory on another file system"
	no_temporaries "the build directory on another file system"
	small_disk_gone "$build"
}

# Run a small make in the current directory, with debug information that
# contains local paths.
project_files()
{
	cat >Makefile <<-'END'
	all: one.o two.o sub,dir/three.o
	%.o: %.c; $(CC) -g -O2 -Wall -MMD -Iinclude -c -o $@ $<
	END
	mkdir -p 'sub,dir' include
	echo '#define ONE 1' >include/one,1.h
	printf '#include "one,1.h"\nint one(void) { return ONE; }\n' >one.c
	printf '#include "one,1.h"\nconst char two[] = __FILE__;\n' >two.c
	printf '#include "../include/one,1.h"\nint three = ONE;\n' \
		>'sub,dir/three.c'
}

all_remote()
{
	grep -q 'jobs 3: 3 remote' "$work/kfarm.log" ||
		{ cat "$work/kfarm.log" && return 1; }
}

# Three compiles run locally before a busy node has its sandbox, so try again.
project_run()
{
	local round

	for round in {1..10}; do
		[ "$round" = 1 ] || rm -f ./*.[od] 'sub,dir'/*.[od]
		env KFARM_BUILD_MARK="$work" "$bin/kfarm" run -- \
			make CC=aarch64-linux-gnu-gcc >"$work/kfarm.log" 2>&1 ||
			return
		! all_remote >/dev/null || return 0
	done
}

# project NAME: build it by kfarm run and by make alone.
project()
{
	local name=$1

	project_files
	make CC=aarch64-linux-gnu-gcc >"$work/plain.log" 2>&1
	is "$name: plain make ends with" 0 $?
	mkdir "$work/kept"
	mv ./*.[od] "$work/kept/"
	mv 'sub,dir'/three.[od] "$work/kept/"
	project_run
	is "$name: kfarm run ends with" 0 $?
	mv 'sub,dir'/three.[od] .
	rm -f "$work"/kept/.[a-z]*
	mkdir "$work/made"
	mv ./*.[od] "$work/made/"
	check "$name: equal to plain make's" \
		compare_trees "$work/kept" "$work/made"
	check "$name: the jobs are remote" all_remote
	is "$name: nothing else is left" "Makefile include one.c sub,dir two.c" \
		"$(echo *)"
	rm -r "$work/kept" "$work/made"
	cd "$work" || exit 1
}

# deep N: print a directory whose path has about N bytes.
deep()
{
	local part

	part=$(printf '%0199d' 7)
	mkdir "$work/deep" && cd "$work/deep" || exit 1
	while [ $((${#PWD} + 200)) -le "$1" ]; do
		mkdir "$part" && cd "$part" || exit 1
	done
	part=${part:0:$(($1 - ${#PWD} - 1))}
	[ ! "$part" ] || { mkdir "$part" && cd "$part"; } || exit 1
}

places()
{
	local dir

	nodes 1 slots=3
	farm_warm -j 6 Image
	for dir in 'with space' 'a,comma' 'größe-日本' "quote'd" 'hash#'; do
		mkdir "$work/$dir" && cd "$work/$dir" || exit 1
		project "in '$dir'"
	done
	deep 3900
	project "in a path of ${#PWD} bytes"
	mkdir "$work/größe, mehr"
	tree_was=$tree build_was=$build prepared_was=$work/prepared
	mv "$work/prepared" "$work/prepared.was"
	mv "$tree" "$work/tree.was"
	tree=$work/größe,x/tree build=$work/größe,x/build
	mkdir "$work/größe,x"
	"$root/tests/farm/mini/generate" "$tree" 12 3
	farm_prepare tinyconfig
	farm_reference Image
	farm_warm -j 6 Image
	equal "a tree in größe,x"
	at_most "a tree in größe,x: local jobs" 0 "$(meta .farm.local)"
	tree=$tree_was build=$build_was
	rm -rf "$work/prepared"
	mv "$work/prepared.was" "$prepared_was"
	mv "$work/tree.was" "$tree"
}

# ---- stores ----

live_is_empty()
{
	[ ! "$(ls -A "$1/live")" ]
}

# In each round, more of the toolchain is on the node.
killed_shipping()
{
	local cold=$work/cold bytes name

	for bytes in 1 3000000 30000000; do
		name="killed after $bytes bytes of the toolchain"
		no_nodes
		node dies "'$badnode' crash=$bytes 0 '$bin/kfarmd' --stdio" \
			"slots=4"
		sed -i "s|kfarmd' --stdio|& --store '$cold'|" "$KFARM_CONFIG"
		farm_fresh
		kfarm_build -j 6 Image
		is "$name: exit status" 0 $?
		equal "$name"
		check "$name: the node is lost" \
			test "$(meta .nodes.dies.errors)" -ge 1
	done
	no_nodes
	node whole "'$bin/kfarmd' --stdio --store '$cold'" slots=4
	farm_warm -j 6 Image
	equal "the node with that store"
	# kfarm ends the last node after a short time.  The next user of the
	# store removes its remains.
	"$bin/kfarmd" --stdio --store "$cold" </dev/null >/dev/null 2>&1
	wait_for 60 live_is_empty "$cold"
	is "what the dead have left in the store" "" "$(ls -A "$cold/live")"
}

# says NODE PATTERN: check the events about that node.
says()
{
	jq -r --arg n "$1" 'select(.event == "node" and .node == $n) |
		"\(.state): \(.reason)"' "$work/events" >"$work/said"
	grep -iE "$2" "$work/said" || { cat "$work/said" && return 1; }
}

full_store()
{
	local mib name

	for mib in 2 20; do
		name="a store without room ($mib MiB)"
		if ! small_disk "$work/small" $((mib * 1024)); then
			left_out "$name" "no file system can be mounted here"
			return
		fi
		chmod 700 "$work/small"
		no_nodes
		node full "'$bin/kfarmd' --stdio --store '$work/small/store'" \
			slots=3
		farm_fresh
		rm -f "$work/events"
		kfarm_start_held -j 6 --json "$work/events" Image
		check "$name: kfarm says so" wait_for 60 \
			says full 'space|room|full|limit'
		rm "$work/hold"
		kfarm_wait
		is "$name: exit status" 0 $?
		equal "$name"
		is "$name: jobs of the node" 0 "$(meta .farm.remote)"
		small_disk_gone "$work/small"
	done
}

has_both_toolchains()
{
	[ "$(grep -c '"event":"cell".*"state":"ready"' "$work/events")" = 2 ]
}

has_refused_both()
{
	[ "$(grep -c 'warning: node full: .*space' "$work/kfarm.log")" = 2 ]
}

# Wait until the node has refused both toolchains, then until it has them.
make_room()
{
	wait_for 60 has_refused_both || echo "the store has room"
	mount -o remount,size=1g "$work/small"
	wait_for 60 has_both_toolchains
}

enlarged_store()
{
	local name="a store that is enlarged"

	if ! small_disk "$work/small" 2048; then
		left_out "$name" "no file system can be mounted here"
		return
	fi
	chmod 700 "$work/small"
	no_nodes
	node full "'$bin/kfarmd' --stdio --store '$work/small/store' \
		--store-size 500M" slots=3
	: >"$work/kfarm.log"
	rm -f "$work/events"
	staged make_room kfarm_build -j 6 --json "$work/events" Image
	is "$name: exit status" 0 $?
	equal "$name"
	check "$name: jobs of the node" test "$(meta .farm.remote)" -gt 0
	is "$name: warnings about the two compilers" 2 \
		"$(grep -c 'warning: node full: .*space' "$work/kfarm.log")"
	small_disk_gone "$work/small"
}

# kfarmd survives a write beyond `ulimit -f`, here of 1,000 blocks of 512 bytes.
limited_store()
{
	local name="a limit of the file size"

	no_nodes
	echo "ulimit -f 1000; exec '$bin/kfarmd' --stdio --store '$work/small'" \
		>"$work/limited"
	node limited "sh '$work/limited'" slots=3
	farm_fresh
	kfarm_build -j 6 --json "$work/events" Image
	is "$name: exit status" 0 $?
	equal "$name"
	check "$name: kfarm says so" says limited 'node store: File too large'
}

# Damage one more blob, so that its content does not match its digest.
damage()
{
	local f n=0

	find "$work/store/sha256" -type f | sort -R | while read -r f; do
		n=$((n + 1))
		chmod u+w "$f" 2>/dev/null
		case $((n % 5)) in
		0) printf 'spoiled' | dd of="$f" conv=notrunc status=none ;;
		1) : >"$f" ;;
		2) rm -f "$f" ;;
		3) rm -f "$f" && ln -s /etc/passwd "$f" ;;
		4) rm -f "$f" && mkdir "$f" ;;
		esac 2>/dev/null
		[ ! "${1:-}" ] || sleep "$1"
	done
}

damaged_store()
{
	local pid

	nodes 2 slots=3
	farm_warm -j 6 Image
	damage
	farm_fresh
	kfarm_build -j 6 Image
	is "a store all of which is damaged: exit status" 0 $?
	equal "a store all of which is damaged"
	farm_fresh
	kfarm_start -j 6 Image
	while kill -0 "$kfarm" 2>/dev/null; do
		damage 0.02
		sleep 0.1
	done &
	pid=$!
	children+=("$pid")
	kfarm_wait
	is "a store damaged in use: exit status" 0 $?
	kill $pid
	wait $pid 2>/dev/null
	equal "a store damaged in use"
	farm_warm -j 6 Image
	equal "that store afterwards"
}

# The other build has its own build directory, because the tree does not imply
# one.
two_builds()
{
	local status build_was=$build

	rm -rf "$work/store"
	nodes 2 slots=3
	farm_fresh
	rm -rf "$work/second"
	cp -a "$work/prepared" "$work/second"
	kfarm_start -j 6 Image
	env "$bin/kfarm" build -C "$tree" -b "$work/second" -o "$work/out2" \
		"${vars[@]}" -j 6 Image >"$work/second.log" 2>&1 </dev/null
	status=$?
	kfarm_wait
	is "two builds, one store: the first ends with" 0 $?
	is "two builds, one store: the second ends with" 0 $status
	equal "two builds, one store: the first"
	build=$work/second
	equal "two builds, one store: the second"
	build=$build_was
	rm -rf "$work"/{second,out2}
}

gated_tree
restore
farm_reference Image
is "plain make ends with" 0 "$plain_status"
mv "$ref" "$work/ref.image"

for fault in ${FAULTS:-files_change rewritten elsewhere places killed_shipping \
	full_store enlarged_store limited_store damaged_store two_builds}; do
	restore
	rm -rf "$ref"
	cp -a "$work/ref.image" "$ref"
	"$fault"
done
farm_end
