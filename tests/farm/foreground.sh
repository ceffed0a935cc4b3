#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Interactive targets on a terminal: the real menuconfig of Linux 6.1 draws,
# ends with saved choices, and ends on Ctrl-C.  make's output and exit status
# equal those without kfarm.
. "$(dirname "$0")/lib.sh"

farm_begin
tree=$(kernel_tree) || exit 1
export TERM=xterm
# menuconfig uses these sizes without a query to the terminal.
export LINES=40 COLUMNS=100

# drawn BYTES: return true if menuconfig has drawn more than BYTES and is idle.
drawn()
{
	local bytes=0 last=-1

	while [ "$bytes" -ne $last ] || [ "$bytes" -le "$1" ]; do
		last=$bytes
		sleep 0.5
		bytes=$(stat -c %s "$work/screen")
		[ $SECONDS -lt "$latest" ] || return
	done
}

# on_terminal KEYS COMMAND...: run the command on its own terminal and send each
# of KEYS (printf formats) when the screen is drawn.  The terminal's output goes
# to $work/screen.  Return the exit status.
on_terminal()
{
	local keys=$1 typed=$work/typed status drawn=0 latest

	shift
	printf '%q ' "$@" >"$work/command"
	rm -f "$typed" "$work/screen"
	mkfifo "$typed"
	env --default-signal=INT,QUIT script -qefc "stty sane rows 40 cols 100; bash $work/command" \
		"$work/screen" <"$typed" >/dev/null &
	children+=($!)
	exec 7>"$typed"
	# menuconfig is compiled first, on a machine that other tests use as
	# well.
	wait_for 120 grep -q 'Arrow keys' "$work/screen"
	latest=$((SECONDS + 60 * ${TEST_PATIENCE:-1}))
	for key in $keys; do
		drawn "$drawn"
		drawn=$(stat -c %s "$work/screen")
		# shellcheck disable=SC2059
		printf "$key" >&7
	done
	wait_for 60 eval '! kill -0 $!' || kill $!
	exec 7>&-
	wait $!
	status=$?
	return $status
}

menu()
{
	on_terminal "$1" "$bin/kfarm" build -C "$tree" -a arm64 -k tinyconfig \
		-b "$build" "${@:2}"
}

# The first menu entry is General setup.  The ninth line is loadable modules, so
# keys such as / are unnecessary.
down='\033OB \033OB \033OB \033OB \033OB \033OB \033OB \033OB'
leave='\033\033 \r'

menu "$down y $leave" menuconfig
is "menuconfig, saved: status" 0 $?
check "the choice is in the .config" \
	grep -q '^CONFIG_MODULES=y' "$build/.config"
check "it prints the path" grep -q "configuration saved to $build/.config" \
	"$work/screen"
before=$(sha256sum <"$build/.config")
check "a build with the same options" "$bin/kfarm" build -C "$tree" -a arm64 \
	-k tinyconfig -b "$build" -o "$work/out" scripts
is "keeps it" "$before" "$(sha256sum <"$build/.config")"

# Ctrl-C reaches make and its programs.
menu '\003' --menuconfig -o "$work/none" scripts_basic
is "--menuconfig, Ctrl-C: status as of a signal" 130 $?
is "and the .config as it was" "$before" "$(sha256sum <"$build/.config")"
check "and nothing is built" [ ! -e "$work/none" ]
# make's message depends on which of the two processes dies first.  If GNU make
# is waiting for its child at that moment, its handler can collect the child
# first; make then complains about the missing child.
check "make was interrupted" grep -aqE \
	'menuconfig\] (Interrupt|Error [0-9]+)|make\[1\]: \*\*\* wait: No child' \
	"$work/screen"
wait_for 60 nothing_left
check "nothing remains" nothing_left
# GNU make can exit with status 2 after a signal.
mkdir "$work/bin"
printf '#!/bin/sh\ntrap "exit 2" INT\n%s "$@"\n' "$(command -v make)" \
	>"$work/bin/make"
chmod +x "$work/bin/make"
PATH=$work/bin:$PATH menu '\003' --menuconfig -o "$work/none" scripts_basic
is "--menuconfig, Ctrl-C, make exits with 2: status as of a signal" 130 $?
menu "$down n $leave" --menuconfig -o "$work/out" scripts_basic
is "--menuconfig, saved: status" 0 $?
check "the choice is in the .config" \
	grep -q '^# CONFIG_MODULES is not set' "$build/.config"
check "and what was built has it" cmp "$build/.config" "$work/out/config"
is "it says nothing of another build" 0 \
	"$(grep -c 'configuration saved to' "$work/screen")"

# oldconfig without a terminal reads its answers from a pipe.
sed -i '/CONFIG_EXPERT/d' "$build/.config"
check "oldconfig takes answers from a pipe" bash -c 'yes "" | "$@"' - \
	"$bin/kfarm" build -C "$tree" -a arm64 -b "$build" oldconfig
check "and asked" grep -q CONFIG_EXPERT "$build/.config"
farm_end
