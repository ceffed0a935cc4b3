# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion of kfarm's command line in bash.  `kfarm complete` prints the
# matches.  The package bash-completion is not required.

_kfarm()
{
	local answer at

	COMPREPLY=()
	mapfile -t answer < <(command kfarm complete bash \
		"$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
	[ ${#answer[@]} -gt 0 ] || return 0
	COMPREPLY=("${answer[@]:1}")
	case ${answer[0]} in
	:command*)
		at=${answer[0]#:command }
		compopt +o nospace
		if declare -F _command_offset >/dev/null; then
			_command_offset "$at"
		elif [ "$at" -ge "$COMP_CWORD" ]; then
			mapfile -t COMPREPLY < <(compgen -c -- \
				"${COMP_WORDS[COMP_CWORD]}")
		else
			compopt -o default
		fi
		;;
	# If no other match exists, readline completes and quotes file names.
	:files)
		[ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default +o nospace
		;;
	:dirs)
		compopt -o dirnames -o filenames
		;;
	esac
}

complete -o nospace -F _kfarm kfarm
