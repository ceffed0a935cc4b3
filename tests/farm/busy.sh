#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# busy.sh [--shares [SLOTS]]
#
# The build host compiles units for which all nodes are busy, unless it serves a
# node itself or the configuration or --require-remote forbids it.  Two build
# hosts that build on the same nodes at the same time get what make builds.
#
# With --shares, two build hosts with the weights 3 and 1 build on two nodes with
# SLOTS (4) slots each, in three rounds.  Print how many jobs the nodes completed
# for each of them between 1.5 s after its start and 1.5 s before the end of the
# jobs of weight 3.
. "$(dirname "$0")/lib.sh"

own_mounts "$@"
farm_begin

# host NAME WEIGHT [ARG...]: start a build on another build host, which has its
# own directories, among them a build directory at the path $build.
host()
{
	local dir=$work/$1

	mkdir -p "$dir/home"
	cp -a "$prepared" "$dir/build"
	printf '[farm]\n\tweight = %d\n' "$2" >"$dir/config"
	printf '[node "%s"]\n\taddress = unix:%s\n' shared-1 \
		"$work/run/1" shared-2 "$work/run/2" >>"$dir/config"
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' - \
		"$dir/build" "$build" env KFARM_CONFIG="$dir/config" \
		HOME="$dir/home" XDG_CACHE_HOME="$dir/home/cache" \
		XDG_STATE_HOME="$dir/home/state" KFARM_BUILD_MARK="$work" \
		"$bin/kfarm" build -C "$tree" -b "$build" -o "$dir/out" \
		"${vars[@]}" --require-remote 1 "${@:3}" vmlinux \
		>"$dir/log" 2>&1 </dev/null &
	children+=($!)
}

# shared_nodes [ARG...]: start the two nodes of these build hosts.
shared_nodes()
{
	local n

	for n in 1 2; do
		"$bin/kfarmd" --listen "unix:$work/run/$n" "$@" \
			--store "$work/store-$n" >"$work/kfarmd-$n.log" 2>&1 &
		children+=($!)
		check "kfarmd $n listens" wait_for 60 test -S "$work/run/$n"
	done
	rm -rf "$build"
	mkdir "$build"
}

# times NAME: print when the nodes completed jobs of this build host, in seconds.
times()
{
	jq 'select(.event == "job" and .state == "done" and .remote).t' \
		"$work/$1.json" | sort -g
}

# n_between NAME: print the number of its jobs from 1.5 s to $end - 1.5 s.
n_between()
{
	times "$1" | awk -v end="$end" '$1 >= 1.5 && $1 < end - 1.5 { n++ }
		END { print n + 0 }'
}

shares()
{
	local heavy light round end

	farm_mini 120 12 prepare
	shared_nodes --slots "$1"
	host first 100
	wait $!
	for round in 1 2 3; do
		rm -rf "$work/heavy" "$work/light"
		host light 33 --no-cache --json "$work/light.json"
		light=$!
		host heavy 99 --no-cache --json "$work/heavy.json"
		heavy=$!
		wait $light
		is "round $round: the build with the low weight" 0 $?
		wait $heavy
		is "round $round: the build with the high weight" 0 $?
		end=$(times heavy | tail -n 1)
		echo "round $round: $(n_between heavy) jobs of weight 3," \
			"$(n_between light) of weight 1"
	done
}

if [ "${1:-}" = --shares ]; then
	shares "${2:-4}"
	farm_end
fi
[ "$cores" -gt 1 ] || {
	left_out "local compiles while the node is busy" "one core"
	farm_end
}
farm_mini 10 40
farm_reference vmlinux
is "plain make ends with" 0 "$plain_status"

# one_slot COMMAND: one node with one slot.
one_slot()
{
	no_nodes
	node node1 "$1" slots=1
}

# Print the number of units that were compiled locally because of busy nodes.
n_busy()
{
	meta '.farm.reasons["nodes busy"] // 0'
}

# Succeed if a compile with nice value 10 runs.
low_priority_compile()
{
	local pid

	for pid in $(sed 's/(.*)/()/' /proc/[0-9]*/stat 2>/dev/null |
		awk '$19 == 10 { print $1 }'); do
		! tr '\0' '\n' <"/proc/$pid/environ" |
			grep -qxF "KFARM_BUILD_MARK=$work" || return 0
	done
	return 1
}

# A kfarmd that reports another boot id is on another machine.
echo 11111111-2222-3333-4444-555555555555 >"$work/boot_id"
cat >"$work/other-machine" <<END
#!/bin/sh
mount --bind '$work/boot_id' /proc/sys/kernel/random/boot_id
exec $kfarmd
END
chmod +x "$work/other-machine"
one_slot "unshare -m '$work/other-machine'"
farm_warm vmlinux
is "--require-remote: no unit is local because of busy nodes" 0 "$(n_busy)"

farm_fresh
kfarm_start vmlinux
check "a local compile has a low priority" wait_for 60 low_priority_compile
kfarm_wait
is "kfarm ends with" 0 $?
check "the build host compiles" test "$(n_busy)" -gt 0
check "the node compiles" test "$(meta .farm.remote)" -gt 0
equal "busy node"

printf '[farm]\n\tcompile-locally = when-necessary\n' >>"$KFARM_CONFIG"
farm_fresh
check "kfarm builds with compile-locally = when-necessary" kfarm_build vmlinux
is "when-necessary: no unit is local because of busy nodes" 0 "$(n_busy)"

one_slot "$kfarmd"
farm_fresh
check "kfarm builds with a node on the build host" kfarm_build vmlinux
is "a node on the build host: no unit is local because of busy nodes" \
	0 "$(n_busy)"

shared_nodes
host heavy 99
heavy=$!
host light 33
wait $!
is "the build with the low weight ends with" 0 $?
wait $heavy
is "the build with the high weight ends with" 0 $?
for name in heavy light; do
	check "$name: nodes compile" test "$(jq .farm.remote \
		"$work/$name/out/metadata.json")" -gt 0
	build=$work/$name/build equal "two build hosts, $name"
	no_temporaries "two build hosts, $name" "$work/$name/build"
done
farm_end
