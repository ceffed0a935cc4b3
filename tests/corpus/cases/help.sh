# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Usage of every program, command and verb.
commands='build run tree toolchain nodes nightly top history report cache clean scan
	doctor completion help'
declare -A verbs=(
	[tree]='add update list remove'
	[toolchain]='search install list verify adopt default remove tune'
	[nodes]='list add remove update rekey drain resume probe limits tune power
		check'
	[nightly]='run list install'
	[cache]='stats explain trim clear'
	[completion]='bash zsh fish'
)

record help-version kfarm --version
record help-no-command kfarm
record help-option kfarm --help
record help-h kfarm -h
record help-command kfarm help
for command in $commands; do
	record "help-$command" kfarm help "$command"
	record "help-$command-option" kfarm "$command" --help
	for verb in ${verbs[$command]:-}; do
		record "help-$command-$verb" kfarm help "$command" "$verb"
		record "help-$command-$verb-option" kfarm "$command" "$verb" --help
	done
done
for program in kfarmd kfarm-cc; do
	record "help-$program" $program --help
	record "help-$program-version" $program --version
	record "help-$program-none" $program
	record "help-$program-unknown" $program --no-such-option
done
record help-sh "$bin/sh" --help
record help-sh-unknown "$bin/sh" -Z
record help-sh-no-script "$bin/sh" no-such-script
record help-sh-syntax "$bin/sh" -c 'if true; fi'
