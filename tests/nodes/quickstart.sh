#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 7200
#
# quickstart.sh - the steps of a user with three machines, from the first
# command to a kernel.  The machines are enrolled over ssh, listed and checked,
# and build the kernel of scripts/quickstart over TLS.  Then make alone builds
# it, and every file is compared.  kfarm's output is displayed.  Takes a quarter
# of an hour and requires `make nodes`.
. "$(dirname "$0")/lab.sh"
lab_begin "$@"

fragment=$root/templates/configs/nanopi-neo4.config
targets=(Image modules dtbs)

# run WORDS...: print and run a command that the user types.
run()
{
	local status

	printf '\n$ %s\n' "$*"
	"$bin/kfarm" "${@:2}"
	status=$?
	[ $status -eq 0 ] || echo "(exit status $status)"
	return $status
}

build_here()
{
	run kfarm build --arch arm64 -C "$tree" -k tinyconfig -K "$fragment" \
		-o "$work/out" "$@" "${targets[@]}"
}

# Run make by kfarm's own script at the same path.
build_by_make()
{
	rm -rf "$dir"
	sh "$work/out/reproducer.sh" >"$work/make.log" 2>&1
}

[ -x "$bin/nodes/kfarmd-x86_64" ] ||
	lab_cannot "no static kfarmd: run make nodes first"
tree=$(kernel_tree) || exit 1
for name in neo4a neo4b neo4c; do
	lab_node $name
	lab_sshd $name || lab_cannot "no sshd that lets anybody in"
	run kfarm nodes add $name ssh:root@$name
	is "$name is enrolled" 0 $?
done
run kfarm nodes list
run kfarm nodes limits
run kfarm nodes check
is "the nodes are sound" 0 $?
run kfarm nodes tune neo4a --dry-run
is "tune --dry-run" 0 $?
build_here
is "kfarm build ends with" 0 $?
dir=$(find "$XDG_CACHE_HOME/kfarm/build" -mindepth 1 -maxdepth 1 -type d)
[ -d "$dir" ] || farm_end
meta '.nodes | to_entries[] | "\(.key): \(.value.jobs) jobs"'
mv "$dir" "$work/by-kfarm"
build_by_make
is "make ends with" 0 $?
compare_trees "$dir" "$work/by-kfarm" >"$work/compare"
is "files that differ, or are only in one" 0 $?
tail -n 1 "$work/compare"
farm_end
