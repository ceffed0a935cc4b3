# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# farm/step.sh - what the tests of steps beside compiles share.  A test sources
# it behind lib.sh, and sets targets=() and, where it is not arm64, vars=().

# step_begin <SETTINGS: Linux with these settings as well, and what plain make
# makes of the targets.
step_begin()
{
	settings=$work/settings
	cat >"$settings"
	farm_linux tinyconfig
	is "settings that had no effect" "" \
		"$(no_effect "$settings" "$prepared/.config")"
	farm_reference "${targets[@]}"
	# shellcheck disable=SC2154
	is "plain make ends with" 0 "$plain_status"
}

# with_nodes N [KEY=VALUE]...: nodes and a configuration with kfarm's shell
# and these settings of [farm].
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

# step_units DIR PATTERN: of the targets' units those whose .cmd matches.
step_units()
{
	(cd "$1" && find "${targets[@]%/*}" -name '.*.o.cmd' -exec \
		grep -l "$2" {} + | sort -u)
}

# Steps that nodes did in the last build.
steps()
{
	meta .farm.shell.steps
}

# "N REASON" of those that the build host ran in it.
steps_here()
{
	meta '.farm.shell.step_reasons | to_entries[] | "\(.value) \(.key)"'
}

# built NAME [STEPS]: by kfarm, the command right before this one, with all files
# as they should be.
built()
{
	is "$1: kfarm ends with" 0 $?
	equal "$1"
	no_temporaries "$1"
	[ $# -lt 2 ] || is "$1: steps" "$2" "$(steps)"
}
