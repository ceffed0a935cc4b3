#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# kfarm itself is killed, stopped or interrupted: make finishes if it can, no
# process or file is left over, and the next build gives equal files.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 24 2 prepare
farm_reference Image

# Install a make that stores its exit status in a file.
watch_make()
{
	mkdir -p "$work/watch"
	cat >"$work/watch/make" <<-END
	#!/bin/sh
	$(command -v make) "\$@"
	status=\$?
	[ "\$MAKELEVEL" ] || echo \$status >>"$work/make.status"
	exit \$status
	END
	chmod +x "$work/watch/make"
	rm -f "$work/make.status"
}

killed()
{
	local round path=$PATH

	watch_make
	for round in $(rounds 2 20); do
		nodes 2 slots=3
		farm_fresh
		rm -f "$work/make.status"
		PATH=$work/watch:$PATH
		kfarm_start -j 6 Image
		PATH=$path
		wait_for 60 objects_beyond $((round * 4 % 20)) ||
			bad "kfarm is killed: no objects come"
		kill -KILL "$kfarm"
		kfarm_wait
		if wait_for 60 nothing_left; then
			good "kfarm is killed: nothing is left over"
		else
			bad "kfarm is killed: left over: $(left_over | head -n 5)"
			stop_all
		fi
		is "kfarm is killed: make ends with" 0 \
			"$(tail -n 1 "$work/make.status")"
		equal "kfarm is killed"
		no_temporaries "kfarm is killed"
	done
}

# make is killed: all processes end, and the next build succeeds.
make_killed()
{
	local round

	for round in $(rounds 1 20); do
		nodes 2 slots=3
		farm_fresh
		kfarm_start -j 6 Image
		wait_for 60 objects_beyond $((round * 4 % 20)) ||
			bad "make is killed: no objects come"
		pkill -KILL -x -P "$kfarm" make ||
			echo "make is killed: the build was over before"
		gone "make is killed"
		kfarm_wait
		no_temporaries "make is killed"
		torn "make is killed"
		kfarm_build -j 6 Image
		is "make is killed: the next run ends with" 0 $?
		torn "make is killed: the next run"
		check "make is killed: the same Image" cmp \
			"$ref/arch/arm64/boot/Image" \
			"$build/arch/arm64/boot/Image"
	done
}

# kfarm is silent for more than 5 s: the wrappers continue without it.
stopped()
{
	local began=$SECONDS

	nodes 2 slots=3
	farm_fresh
	kfarm_start_held -j 6 Image
	wait_for 60 objects_beyond 5
	kill -STOP "$kfarm"
	rm "$work/hold"
	wait_for 120 test -e "$build/arch/arm64/boot/Image"
	check "kfarm is stopped: make goes on" \
		test -e "$build/arch/arm64/boot/Image"
	at_most "kfarm is stopped: seconds" $((3 * plain_seconds + 60)) \
		$((SECONDS - began))
	kill -CONT "$kfarm"
	kfarm_wait
	is "kfarm is stopped: it ends with" 0 $?
	is "kfarm is stopped: all compiles are counted" \
		"$(meta .farm.shell.compiles)" "$(n_jobs)"
	check "kfarm is stopped: compiles without an answer are counted" test \
		"$(meta '.farm.reasons["no answer from kfarm"] // 0')" -gt 0
	equal "kfarm is stopped"
	no_temporaries "kfarm is stopped"
	gone "kfarm is stopped"
}

# interrupted SIGNAL WANTED WHOM
interrupted()
{
	local signal=$1 wanted=$2 whom=$3 name="SIG$1 to $3" status

	nodes 2 slots=3
	farm_fresh
	kfarm_start -j 6 Image
	# At any time between the start and the link.
	if [ $((RANDOM % 4)) = 0 ]; then
		sleep "0.$((RANDOM % 10))"
	else
		wait_for 60 objects_beyond $((RANDOM % 24))
	fi
	if ! kill -0 "$kfarm" 2>/dev/null; then
		kfarm_wait
		good "$name: the build was over before"
		return
	fi
	if [ "$whom" = group ]; then
		kill -s "$signal" -- "-$kfarm" 2>/dev/null
	else
		kill -s "$signal" "$kfarm" 2>/dev/null
	fi
	gone "$name"
	kfarm_wait
	status=$?
	# The signal arrived after the build, shortly before the process ended.
	if [ $status -eq 0 ] && grep -q '^built ' "$work/kfarm.log"; then
		wanted=0
	fi
	is "$name: exit status" "$wanted" $status
	no_temporaries "$name"
	torn "$name"
	kfarm_build -j 6 Image
	is "$name: the next run ends with" 0 $?
	equal "$name: the next run"
}

# Check that each existing file is complete.
torn()
{
	local f

	find "$build" -name '*.o' | while read -r f; do
		cmp -s "$f" "$ref/${f#"$build"/}" || echo "$f"
	done >"$work/torn"
	is "$1: no object is torn" "" "$(head -n 3 "$work/torn")"
}

# The reader of kfarm's output exits: a closed terminal, `kfarm build | head`.
closed_pipe()
{
	nodes 2 slots=3
	farm_fresh
	rm -rf "$work/out"
	env KFARM_BUILD_MARK="$work" "$bin/kfarm" build -v -C "$tree" \
		-b "$build" -o "$work/out" "${vars[@]}" -j 6 Image \
		2>&1 </dev/null | head -n 1 >/dev/null
	if wait_for 60 nothing_left; then
		good "closed pipe: nothing is left over"
	else
		bad "closed pipe: left over: $(left_over | head -n 5)"
		stop_all
	fi
	no_temporaries "closed pipe"
	kfarm_build -j 6 Image
	is "closed pipe: the next run ends with" 0 $?
	equal "closed pipe: the next run"
}

killed
make_killed
stopped
for round in $(rounds 5 100); do
	whom=kfarm
	[ $((round % 2)) = 1 ] || whom=group
	interrupted INT 130 $whom
done
interrupted TERM 143 kfarm
interrupted HUP 129 group
closed_pipe
farm_end
