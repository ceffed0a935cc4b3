#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# versions.sh [COMMIT]... - build a kernel with the kfarmd of earlier versions
#
# Builds kfarm and kfarmd of each commit.  By default, these are the last commits
# with the versions 9 to 11 of the wire protocol.  Then this kfarm builds a
# kernel with symbol versions, modules and device trees on two nodes that run the
# earlier kfarmd, and the earlier kfarm does so on two nodes that run this kfarmd.
# All files of the build directories must equal those of plain make.
. "$(dirname "$0")/lib.sh"

[ $# -gt 0 ] || set -- 46e30b2f^ 4cd1e730^ 8efe2484
farm_begin
export KBUILD_BUILD_TIMESTAMP=@1700000000 KBUILD_BUILD_USER=u KBUILD_BUILD_HOST=h
settings=$root/tests/farm/configs/modversions.config
targets=(Image modules dtbs)
farm_linux tinyconfig
farm_reference "${targets[@]}"
here=$bin

# build_version COMMIT: build the programs of the commit in $old.
build_version()
{
	mkdir "$old" || return
	git -C "$root" archive "$1" | tar -xC "$old" &&
		make -C "$old" -j "$cores" all >"$work/make.log" 2>&1
}

# compare NAME: build in a new directory with the programs in $bin on two nodes
# that run $kfarmd, and compare all files.
compare()
{
	local remote

	rm -rf "$work/store"
	nodes 2 slots=$((cores + 1))
	farm_fresh
	check "$1: builds" kfarm_build "${targets[@]}"
	equal "$1"
	remote=$(jq .farm.remote "$work/out/metadata.json")
	check "$1: $remote jobs on nodes" test "$remote" -gt 300
}

for commit; do
	commit=$(git -C "$root" rev-parse --short "$commit") || exit 1
	old=$work/version-$commit
	check "$commit: kfarm and kfarmd are built" build_version "$commit"
	[ -x "$old/build/kfarmd" ] || continue
	spoken=$(sed -n 's/^#define WIRE_VERSION  *//p' \
		"$old/kbuild-farm/wire/limits.h")
	bin=$here
	kfarmd="'$old/build/kfarmd' --stdio --store '$work/store'"
	compare "kfarmd of $commit (protocol $spoken)"
	bin=$old/build
	kfarmd="'$here/kfarmd' --stdio --store '$work/store'"
	compare "kfarm of $commit (protocol $spoken)"
done
farm_end
