#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kernels.sh [--cloud] [RELEASE[/ARCH[/COMPILER]]]... - build the kernels that
# Debian offers, and print a table
#
# Build each kernel with two nodes, then with plain make at the same path, by
# kfarm's own reproducer.sh.  Fails if kfarm fails, if a file differs, or if less
# than 97 % of the jobs or 95 % of the tool steps are remote.  A row without ARCH
# or COMPILER means x86_64 and arm64, gcc and clang; without rows, all releases of
# `scripts/packages install kernels`.  clang is the newest one in PATH.
#
# The configuration is tinyconfig with modules and symbol versions; on x86_64, also
# with objtool, ORC and ftrace.  With --cloud, it is the one that Debian builds
# for cloud machines, without its modules and with
# tests/farm/configs/cloud.config; only the newest release has one.
#
# TARGETS in the environment replaces the targets of make, "bzImage modules" or
# "Image modules dtbs".
#
# "CPU" is the CPU time of the build host with plain make divided by that with
# kfarm, both including the configuration.  The nodes have the compilers from an
# earlier build.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$root/tests/bench/lib.sh"

cloud=
[ "${1:-}" != --cloud ] || { cloud=1 && shift; }

# releases: print the versions of the source archives.
releases()
{
	find /usr/src "$root/build/debian/kernels/usr/src" -maxdepth 1 \
		-name 'linux-source-*.tar.xz' -printf '%f\n' 2>/dev/null |
		sed 's/linux-source-//; s/\.tar\.xz//' | sort -uV
}

# newest_clang: print the suffix of the newest clang in PATH.
newest_clang()
{
	compgen -c clang- | grep -xE 'clang-[0-9]+' | sort -uV | tail -n 1 |
		sed 's/clang//'
}

# rows WORD...: print RELEASE ARCH COMPILER of each row.
rows()
{
	local word release arch compiler

	for word; do
		IFS=/ read -r release arch compiler <<<"$word"
		for arch in ${arch:-x86_64 arm64}; do
			# shellcheck disable=SC2086 # words
			printf "$release $arch %s\n" ${compiler:-gcc clang}
		done
	done
}

# configure RELEASE ARCH: set $options to those of kfarm that configure.
configure()
{
	local arch=$2 configs=$root/tests/farm/configs

	if [ "$cloud" ]; then
		[ "$arch" = arm64 ] || arch=amd64
		xz -dc "$root"/build/debian/kernels/usr/src/linux-config-"$1"/*_none_cloud-"$arch".xz \
			>"$work/cloud.config" || exit 1
		make -s -C "$tree" O="$work/configured" "${vars[@]}" \
			KCONFIG_CONFIG="$work/cloud.config" mod2noconfig \
			>"$work/configure.log" 2>&1 || {
			tail -n 5 "$work/configure.log" >&2
			exit 1
		}
		options=(-k "$work/cloud.config" -K "$configs/cloud.config")
	elif [ "$arch" = x86_64 ]; then
		options=(-k tinyconfig -K "$configs/objtool.config")
	else
		options=(-k tinyconfig -K "$configs/modversions.config")
	fi
}

# build_row OUT TARGET...: build with kfarm in the group kfarm.
build_row()
{
	group_run kfarm "$bin/kfarm" build --no-cache --allow-config-mismatch \
		-C "$tree" "${options[@]}" \
		-o "$1" "${vars[@]}" "${@:2}" >"$1.log" 2>&1
}

# percent PART REST: print PART as a percentage of both, rounded down.
percent()
{
	echo $(($1 + $2 ? $1 * 1000 / ($1 + $2) : 1000)) | sed -E 's/.$/.&/'
}

# figures OUT: set $remote, $here, $steps and $steps_here of a build.
figures()
{
	read -r remote here steps steps_here < <(jq -r '.farm |
		"\(.remote) \(.local) \(.shell.steps) \(.shell.steps_here)"' \
		"$1/metadata.json")
}

# why OUT: print the reasons for local jobs and local steps.
why()
{
	jq -r '.farm | [(.reasons, .shell.step_reasons) | to_entries[] |
		"\(.value) \(.key)"] | join(", ")' "$1/metadata.json"
}

# row RELEASE ARCH COMPILER
row()
{
	local name="$1 $2 $3" out=$work/out build target kfarm_cpu differ options
	local compiler remote here steps steps_here cpu status prefix=

	tree=$(kernel_tree "$1") || exit 1
	vars=(ARCH="$2")
	if [ "$3" = clang ]; then
		vars+=(LLVM="$clang")
		compiler=$("clang$clang" --version | head -n 1)
	else
		[ "$2" = "$(uname -m)" ] || prefix=aarch64-linux-gnu-
		[ ! "$prefix" ] || vars+=(CROSS_COMPILE="$prefix")
		compiler=$("${prefix}gcc" --version | head -n 1)
	fi
	target=(bzImage modules)
	[ "$2" = x86_64 ] || target=(Image modules dtbs)
	[ ! "${TARGETS:-}" ] || read -ra target <<<"$TARGETS"
	configure "$1" "$2"
	rm -rf "$out"* "$XDG_CACHE_HOME/kfarm/build"
	build_row "$out.warm" prepare || {
		bad "$name: prepare"
		tail -n 20 "$out.warm.log" | sed 's/^/      /'
		return
	}
	rm -rf "$XDG_CACHE_HOME/kfarm/build"
	cpu_of kfarm build_row "$out" "${target[@]}"
	kfarm_cpu=$cpu
	is "$name: kfarm ends with" 0 "$status"
	[ "$status" -eq 0 ] || {
		tail -n 20 "$out.log" | sed 's/^/      /'
		return
	}
	build=$(find "$XDG_CACHE_HOME/kfarm/build" -mindepth 1 -maxdepth 1 \
		-type d)
	mv "$build" "$work/by-kfarm"
	cpu_of make group_run make sh "$out/reproducer.sh" >"$out.make" 2>&1
	is "$name: reproducer.sh ends with" 0 "$status"
	differ=$(compare_trees "$work/by-kfarm" "$build")
	is "$name: files that differ, or are only in one" 0 $?
	head -n 20 <<<"$differ" | grep -v ' files, '
	figures "$out"
	check "$name: remote, 97 % of $((remote + here)) jobs" \
		test $((remote * 100)) -ge $(((remote + here) * 97))
	check "$name: remote, 95 % of $((steps + steps_here)) steps" \
		test $((steps * 100)) -ge $(((steps + steps_here) * 95))
	printf '| %s | %s | %s | %s %% | %s | %s %% | %s | %s | %s |\n' "$name" \
		"$(sed -E 's/.*[ )]([0-9]+\.[0-9.]+).*/\1/' <<<"$compiler")" \
		$((remote + here)) "$(percent "$remote" "$here")" \
		$((steps + steps_here)) "$(percent "$steps" "$steps_here")" \
		"$(why "$out")" "$(tail -n 1 <<<"$differ")" \
		"$(awk -v a="$cpu" -v b="$kfarm_cpu" \
			'BEGIN { printf "%.1f", a / b }')" >>"$work/table"
	tail -n 1 "$work/table"
	rm -rf "$work/by-kfarm" "$build"
}

farm_begin
trap 'group_release; farm_cleanup' EXIT
group_find
group_new kfarm
group_new make
group_new nodes
# Host programs that are not optimized would make plain make slower.
unset HOSTCFLAGS
farm_nodes
clang=$(newest_clang)
if [ $# -eq 0 ]; then
	mapfile -t all < <(releases)
	set -- "${all[@]}"
fi
: >"$work/table"
while read -r release arch compiler; do
	row "$release" "$arch" "$compiler"
done < <(rows "$@")
{
	echo '| kernel | release of the compiler | jobs | remote | steps | remote | local because | files | CPU |'
	echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- |'
	cat "$work/table"
}
farm_end
