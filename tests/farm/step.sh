# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# farm/step.sh - functions shared by the tests of tool steps.  A test sources
# this file after lib.sh, and sets targets=() and, for architectures other than
# arm64, vars=().

# step_begin <SETTINGS: configure Linux with additional settings, make its tools,
# and build the targets with plain make as the reference.
step_begin()
{
	settings=$work/settings
	cat >"$settings"
	farm_linux tinyconfig prepare
	is "settings that had no effect" "" \
		"$(no_effect "$settings" "$prepared/.config")"
	farm_reference "${targets[@]}"
	# shellcheck disable=SC2154
	is "plain make ends with" 0 "$plain_status"
}

# with_nodes N [KEY=VALUE]...: write a configuration with N nodes, kfarm's
# recipe shell and these settings of [farm].
with_nodes()
{
	local line n=$1

	shift
	nodes "$n"
	{
		echo '[farm]'
		for line in shell=kfarm "$@"; do
			printf '\t%s\n' "${line/=/ = }"
		done
	} >>"$KFARM_CONFIG"
}

# cached_steps STEPS [LOCAL]: build without nodes from an empty and from a full
# result cache; LOCAL jobs with a step cannot be cached.
cached_steps()
{
	with_nodes 0
	unset CCACHE_DISABLE
	farm_fresh
	kfarm_build "${targets[@]}"
	built "empty cache" 0
	is "empty cache: steps here" "$1" "$(meta .farm.shell.steps_here)"
	farm_fresh
	kfarm_build "${targets[@]}"
	built "full cache" 0
	is "full cache: steps here" "${2:-0}" "$(meta .farm.shell.steps_here)"
	is "full cache: local jobs" "${2:-0}" "$(meta .farm.local)"
	plain "${targets[@]}" >"$work/again.log" 2>&1
	is "full cache: plain make then compiles nothing" 0 \
		"$(grep -cE '^  (HOST)?(CC|AS|DTC) ' "$work/again.log")"
	export CCACHE_DISABLE=1
}

# step_units DIR PATTERN: print the targets' units whose .cmd file matches.
step_units()
{
	(cd "$1" && find "${targets[@]%/*}" -name '.*.o.cmd' -exec \
		grep -l "$2" {} + | sort -u)
}

# Print the number of tool steps that nodes ran in the last build.
steps()
{
	meta .farm.shell.steps
}

# Print "N REASON" for the tool steps that the build host ran.
steps_here()
{
	meta '.farm.shell.step_reasons | to_entries[] | "\(.value) \(.key)"'
}

# built NAME [STEPS]: check the kfarm build that has just ended: its exit
# status, all files and the number of tool steps.
built()
{
	is "$1: kfarm ends with" 0 $?
	equal "$1"
	no_temporaries "$1"
	[ $# -lt 2 ] || is "$1: steps" "$2" "$(steps)"
}
