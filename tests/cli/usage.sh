# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Messages for unknown commands and options.
run kfarm --version | sed 's/ [0-9.]*$/ N/'
run kfarm | sed '/^  build /d'
run kfarm help | sed '/^  build /d'
run kfarm --help | sed '/^  build /d'
run kfarm help help
run kfarm help nodes
run kfarm nodes --help
run kfarm nodes add --help
run kfarm nodes --help list | head -n 2
run kfarm help nodes remove
# The same option of several verbs is described for the verb.
run kfarm help nodes import
kfarm help nodes list | grep pool
run kfarm nodes add -h
run kfarm run -h | sed 3q
run kfarm run -q --no-remote --no-jobserver printf '%s %s\n' --help -h
run kfarm run -- --help
run kfarm help nosuch
run kfarm help nodes help
run kfarm help nodes lsit
run kfarm help toolchain instal
run kfarm help build list
run kfarm help --all
run kfarm nosuch
run kfarm ndoes list
run kfarm hepl
run kfarm version
run kfarm list
run kfarm --json
run kfarm ''
run kfarm nodes
run kfarm nodes show
run kfarm nodes lsit
run kfarm nodes list --jsno
run kfarm build --archh arm64
run kfarm run --arhc=arm64 -- make
run kfarm build --quite
run kfarm build --nothing-like-it
run kfarm help biuld
run kfarm nodes --json
run kfarm nodes list all
run kfarm nodes list --slots 3
run kfarm nodes add a
run kfarm nodes add a ssh:a --json
run kfarm nodes add a ssh:a b
run kfarm nodes remove
run kfarm nodes list --nosuch
run kfarm nodes list --hlep
run kfarm --hlep
run kfarm nodes add a ssh:a --slots
# An option with the value of an unset shell variable.
run kfarm build -a arm64 -o '' prepare
run kfarm build -a arm64 -b '' prepare
run kfarm build -a , prepare
run kfarm toolchain adopt --links '' aarch64-linux-gnu-
run kfarm nodes list --state=
run kfarm nodes check --burn-in=
# The option --nightly requires a section of the configuration.
run kfarm build -a arm64 --nightly nosuch prepare
printf '[nightly "board"]\n\ttree = t\n' >nightly.conf
KFARM_CONFIG=nightly.conf run kfarm build -a arm64 --nightly bord prepare
KFARM_CONFIG=nightly.conf run kfarm build -a arm64 --nightly board/bisect prepare
ls "$HOME/.config/kfarm"
# Each help text fits a terminal of 80 columns.
{
	kfarmd --help
	kfarm help
	for command in $(kfarm help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		kfarm help "$command"
	done
} | grep -E '^usage: |.{81}'
# The manual page of a command contains each long option of its help text.
# Options that a page lacks are printed.
for command in $(kfarm help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	page=$1/../../man/kfarm-$command.1
	[ -f "$page" ] || page=$1/../../man/kfarm.1
	kfarm help "$command" |
		sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\).*/\2/p' |
		while read -r option; do
			grep -qE "^\.(It )?Fl (.* )?-$option( |\$)" "$page" ||
				echo "${page##*/}: no --$option"
		done
done
# kfarm(1) lists each file below the home directory that another page names.
grep -hoE '[~]/\.(cache|config|local/[a-z]+)/kfarm/[a-z.-]+' \
	"$1"/../../man/*.[1-7] | sort -u | while read -r file; do
	grep -qF "$file" "$1/../../man/kfarm.1" || echo "kfarm.1: no $file"
done
# On a terminal, the manual page of a command if it is installed.
mkdir man-bin
cat >man-bin/man <<'END'
#!/bin/sh
case $* in
"-w kfarm-build") echo /usr/share/man/man1/kfarm-build.1.gz ;;
kfarm-build) echo "the page kfarm-build" ;;
*) exit 16 ;;
esac
END
chmod +x man-bin/man
terminal()
{
	echo "\$ $* (on a terminal)"
	PATH=$PWD/man-bin:$PATH script -qec "$*" /dev/null | tr -d '\r' | sed 2q
}
terminal "kfarm help build"
terminal "kfarm build --help"
terminal "kfarm build -h"
terminal "kfarm help completion"
PATH=$PWD/man-bin:$PATH kfarm help build | sed q
