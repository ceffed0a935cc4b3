# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # root, work and others are farm/lib.sh's
#
# farm/project.sh - builds of whole projects by make and by kfarm
#
# A test sources this file after lib.sh and calls farm_begin and project_begin.
# Then, for each project, it calls project_NAME or sets the variables below, and
# calls project_measure.
#
#	$tree	the clean sources
#	$arch	kfarm's -a, or empty: this machine's
#	$vars	make's variables, with ARCH and CROSS_COMPILE
#	$setup	a command that runs before either build
#	$settings	the file of lines to add to .config, or empty
#	$targets	of make
#	$varying	a file that differs between two plain builds (time,
#		random names), or empty
#	$by	run: copy the sources and build the copy by `kfarm run`;
#		build: build a kernel by `kfarm build`

table=()

# Start two nodes with separate stores, and fix the time and the host name that
# builds record.
project_begin()
{
	local n

	export SOURCE_DATE_EPOCH=1700000000 KCONFIG_NOTIMESTAMP=1
	export KBUILD_BUILD_TIMESTAMP='Tue Nov 14 22:13:20 UTC 2023'
	export KBUILD_BUILD_USER=kfarm KBUILD_BUILD_HOST=kfarm
	export PYTHONDONTWRITEBYTECODE=1
	no_nodes
	for n in 1 2; do
		node "node$n" "'$bin/kfarmd' --stdio --store '$work/store$n'" \
			slots=$((cores + 1))
	done
}

# debian_source NAME: set $tree to the sources unpacked by scripts/packages, which
# a mirror can lack.
debian_source()
{
	tree=$root/build/debian/source/$1
	[ -d "$tree" ] || {
		left_out "$1" "no $tree: run scripts/packages install test reach"
		return 1
	}
}

# linux VERSION ARCH TARGET...: a kernel with a tiny configuration and the
# settings on standard input.
linux()
{
	tree=$(kernel_tree "$1") || return
	by=build
	arch=$2
	setup=(tinyconfig)
	vars=(ARCH="$arch")
	targets=("${@:3}")
	varying=
	settings=$work/settings
	cat >"$settings"
	[ -s "$settings" ] || settings=
}

# run_of MAKE_ARGUMENT...: build in a copy of the sources.
run_of()
{
	by=run
	arch=
	vars=()
	setup=(true)
	settings=
	varying=
	targets=("$@")
}

# ---- the two builds ----

project_prepare()
{
	rm -rf "$build"
	cp -a "$tree" "$build" &&
		(cd "$build" && env "${vars[@]}" "${setup[@]}") \
			>"$work/prepare.log" 2>&1 || {
		bad "$1: ${setup[*]}: $(tail -n 20 "$work/prepare.log")"
		return 1
	}
	mv "$build" "$prepared"
}

# project_reference NAME: build it into $ref with plain make.
project_reference()
{
	rm -rf "$prepared"
	if [ "$by" = build ]; then
		farm_prepare "${setup[@]}"
		[ ! "$settings" ] || is "$1: settings that had no effect" "" \
			"$(no_effect "$settings" "$prepared/.config")"
		farm_reference "${targets[@]}"
	else
		project_prepare "$1" || return
		farm_fresh
		(cd "$build" && env "${vars[@]}" make -j "$cores" \
			"${targets[@]}") >"$work/plain.log" 2>&1
		plain_status=$?
		rm -rf "$ref"
		mv "$build" "$ref"
	fi
	is "$1: plain make ends with" 0 "$plain_status"
	[ "$plain_status" -eq 0 ] || {
		tail -n 20 "$work/plain.log"
		return 1
	}
}

# warm COMPILER: compile with it until a node does so, so that the nodes have it
# before the build.
warm()
{
	echo 'int warm;' >"$work/warm.c"
	: >"$work/events"
	timeout 300 "$bin/kfarm" run -q --json "$work/events" -- sh -c "
		until grep -q '\"remote\":true' '$work/events'; do
			'$1' -c -o '$work/warm.o' '$work/warm.c' || exit
			sleep 0.5
		done" || bad "$1: no node gets it"
}

project_warm()
{
	local v

	warm gcc
	for v in "${vars[@]}"; do
		case $v in
		CROSS_COMPILE=*) warm "${v#*=}gcc" ;;
		LLVM=*) warm clang ;;
		CC=*) warm "${v#*=}" ;;
		esac
	done
}

# Build the project with kfarm in $build; events go to $work/events.
project_by_kfarm()
{
	project_warm
	farm_fresh
	if [ "$by" = build ]; then
		kfarm_build --json "$work/events" "${targets[@]}"
	else
		(cd "$build" && env "${vars[@]}" KFARM_BUILD_MARK="$work" \
			"$bin/kfarm" run ${arch:+-a "$arch"} \
			--json "$work/events" -- make "${targets[@]}") \
			>"$work/kfarm.log" 2>&1 </dev/null
	fi
}

# ---- results ----

# jobs_done FILTER: apply a jq filter to all finished jobs.
jobs_done()
{
	jq -rs "[.[] | select(.event == \"job\" and .state == \"done\")] | $1" \
		"$work/events"
}

# Print the number of files that plain make wrote.
written()
{
	tree_list "$prepared" >"$work/list.before"
	tree_list "$ref" | grep -v $'\tdirectory$' |
		LC_ALL=C comm -13 "$work/list.before" - | wc -l
}

# project_measure NAME SHARE: build it both ways, unless $ref exists.  Every
# file must be equal, and nodes must make SHARE per cent of the objects.
project_measure()
{
	local units remote differ status

	[ -d "$ref" ] || project_reference "$1" || return
	project_by_kfarm
	status=$?
	is "$1: kfarm ends with" 0 $status
	[ $status -eq 0 ] || tail -n 20 "$work/kfarm.log"
	units=$(jobs_done length)
	[ "$units" -gt 0 ] || {
		bad "$1: no compile went through kfarm"
		return
	}
	remote=$(jobs_done 'map(select(.remote)) | length')
	check "$1: at least $2 % of $units objects are a node's ($remote)" \
		test $((remote * 100)) -ge $((units * $2))
	compare_trees "$ref" "$build" | grep '^[a-z ]*: ' |
		grep -vxF "${varying:+differs: ./$varying}" >"$work/compare"
	differ=$(wc -l <"$work/compare")
	is "$1: files that differ, or are only in one" 0 "$differ"
	head -n 20 "$work/compare"
	table+=("$(printf '| %s | %d | %s | %s | %d | %d |' "$1" "$units" \
		"$((remote * 100 / units)).$((remote * 1000 / units % 10))" \
		"$(jobs_done 'map(select(.remote | not)) | group_by(.reason) |
			sort_by(-length) |
			map("\(length) \(.[0].reason)") | join(", ")')" \
		"$(written)" "$differ")")
}

project_table()
{
	echo '| project | units | remote % | local |' \
		'files compared | differing |'
	echo '|---|---|---|---|---|---|'
	printf '%s\n' "${table[@]}"
}
