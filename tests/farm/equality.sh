#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# timeout: 1500
#
# equality.sh [--config quickstart|tiny] - build a kernel with two nodes, then
# the same by plain make, at the same path, as kfarm's own reproducer.sh says:
# every file of the two build directories is equal.  A plain make in kfarm's
# directory afterwards compiles nothing.
. "$(dirname "$0")/lib.sh"

config=quickstart
[ "${1:-}" != --config ] || config=$2
case $config in
quickstart)
	ask=(-K "$root/templates/configs/nanopi-neo4.config")
	targets=(Image modules dtbs)
	;;
tiny)
	ask=()
	targets=(Image)
	;;
*)
	echo "usage: equality.sh [--config quickstart|tiny]" >&2
	exit 1
	;;
esac

farm_begin
tree=$(kernel_tree) || exit 1
nodes 2 slots=$((cores + 1))

# kfarm chooses the build directory, so it fixes date, user and host, too.
"$bin/kfarm" build --arch arm64 -C "$tree" -k tinyconfig "${ask[@]}" \
	-o "$work/out" "${targets[@]}" >"$work/kfarm.log" 2>&1
is "kfarm ends with" 0 $?
tail -n 5 "$work/kfarm.log"
build=$(find "$XDG_CACHE_HOME/kfarm/build" -mindepth 1 -maxdepth 1 -type d)
[ -d "$build" ] || {
	bad "no build directory"
	tail -n 30 "$work/kfarm.log"
	farm_end
}
mv "$build" "$work/by-kfarm"

# The compilers of a plain make are not kfarm's links.
sh "$work/out/reproducer.sh" >"$work/make.log" 2>&1
is "reproducer.sh ends with" 0 $?
mv "$build" "$work/by-make"

compare_trees "$work/by-kfarm" "$work/by-make" >"$work/compare"
is "files that differ, or are only in one" 0 $?
head -n 20 "$work/compare" | grep -v ' files, '
tail -n 1 "$work/compare"

mv "$work/by-kfarm" "$build"
sh "$work/out/reproducer.sh" >"$work/again.log" 2>&1
is "the make after it ends with" 0 $?
compiles=$(grep -cE '^  (HOSTCC|HOSTCXX|CC|AS|LD|AR)( \[M\])? ' "$work/again.log")
is "compiles" 0 "$compiles"
echo "$compiles compiles"

remote=$(meta .farm.remote)
here=$(meta .farm.local)
echo "$remote jobs remote, $here local: $(meta '.farm.reasons | tostring')"
check "at least 95 % of the jobs are remote" \
	test $((remote * 100)) -ge $(((remote + here) * 95))
if [ $config = quickstart ]; then
	check "there is an Image" test -s "$work/out/Image"
	is "modules" 10 "$(tar -tf "$work/out/modules.tar.xz" |
		grep -c '\.ko$')"
	is "dtbs" 76 "$(tar -tf "$work/out/dtbs.tar.xz" | grep -c '\.dtb$')"
fi
farm_end
