#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# The full-screen view of kfarm build on a real terminal (tmux): keys, sizes,
# suspend and resume, a killed kfarm, a terminal that stops or closes, output of
# make with escape sequences, and cases without the view.
# shellcheck disable=SC2016 # words for the shell on the terminal
. "$(dirname "$0")/lib.sh"

farm_begin
socket=kfarm-view-$$
n_terminals=0
raw=$work/raw # all bytes that the terminal received
hold=$work/hold # a build of "Image" continues while this file exists
n_typed=0
farm_mini 9 4
# A target that prints a given file.
sed -i 's|^help: FORCE|noise: FORCE\n\t@cat $(NOISE)\nhelp: FORCE|' \
	"$tree/Makefile"

tm()
{
	env -u TMUX -u TMUX_PANE tmux -u -L "$socket-$n_terminals" -f /dev/null "$@"
}

cleanup()
{
	tm kill-server 2>/dev/null
	farm_cleanup
}
trap cleanup EXIT

# ---- the terminal ----

# terminal [COLUMNS ROWS]: open a new terminal with a job-control shell.
terminal()
{
	tm kill-server 2>/dev/null
	wait_for 60 eval '! tm list-sessions'
	# While the last server exits, it can still accept a client.
	n_terminals=$((n_terminals + 1))
	: >"$raw"
	# shellcheck disable=SC2094
	tm new-session -d -x "${1:-100}" -y "${2:-30}" \
		"env -u CI -u NO_COLOR PS1='\$ ' \
		TERM=${3:-screen-256color} bash --norc --noprofile -i" \; \
		set -g history-limit 5000 \; pipe-pane "cat >>$raw" || exit 1
	wait_for 60 shows '^\$' || bad "no shell on the terminal"
}

screen()
{
	tm capture-pane -p "$@"
}

# shows REGEX [-S -]
shows()
{
	local what=$1

	shift
	screen "$@" | grep -qE -- "$what"
}

# The line has an estimate if the compiles of an earlier build took 50 ms.
shows_progress()
{
	shows '^\[[0-9]+( done|/~)'
}

lacks()
{
	! shows "$@"
}

# Return true if the terminal shows a full-screen program.
is_full()
{
	[ "$(tm display -p '#{alternate_on}')" = 1 ]
}

is_plain()
{
	! is_full
}

keys()
{
	tm send-keys "$@"
}

# typed COMMAND: type a command line; `ended` reports its end.  The status is in a
# file, because the screen also shows the typed command, in as many lines as the
# paths in it require.
typed()
{
	n_typed=$((n_typed + 1))
	tm send-keys -l " $1; echo \$? >'$work/status-$n_typed'"
	keys Enter
}

ended()
{
	[ -s "$work/status-$n_typed" ]
}

status_of()
{
	cat "$work/status-$n_typed"
}

# ends NAME STATUS [SECONDS]: check that the typed command ends with STATUS.
ends()
{
	if wait_for "${3:-60}" ended; then
		is "$1: exit status" "$2" "$(status_of)"
	else
		bad "$1: no end"
		screen | tail -n 12 | sed 's/^/      /'
	fi
}

# ---- builds ----

command_of()
{
	rm -rf "$work/out"
	echo "KFARM_BUILD_MARK=$work '$bin/kfarm' build -C '$tree' -b '$build' -o '$work/out'" \
		"${vars[*]} FARM_HOLD=$hold $*"
}

# build ARG...: build from scratch on the terminal.
build()
{
	farm_fresh
	typed "$(command_of "$@")"
}

# view NAME ARG...: start a build with the view open until $hold is removed.
view()
{
	local name=$1

	shift
	touch "$hold"
	build "$@" Image
	if ! wait_for 60 shows '^q quit'; then
		bad "$name: no view"
		screen | tail -n 12 | sed 's/^/      /'
		return 1
	fi
}

kfarm_pid()
{
	pgrep -of "^$bin/kfarm build -C $tree"
}

# after NAME: check that the view is closed and the terminal is restored.
after()
{
	check "$1: the screen is the shell's" is_plain
	is "$1: the cursor is there" 1 "$(tm display -p '#{cursor_flag}')"
	typed "stty -a >'$work/modes'"
	wait_for 60 ended
	is "$1: modes of the terminal" 5 "$(tr '; ' '\n\n' <"$work/modes" |
		grep -cxE 'icanon|echo|isig|opost|icrnl')"
}

# ---- the tests ----

opens_and_ends()
{
	terminal
	view "a build" || return
	check "the view has the whole terminal" is_full
	check "it shows the nodes" wait_for 60 shows 'node1 .* up '
	check "and what is built" wait_for 60 shows 'arm64.*Image'
	rm "$hold"
	ends "a build" 0
	after "a build"
	check "the summary stays" shows '^built Image: arm64' -S -
	check "and where the output is" shows "output $work/out" -S -
	check "of the screen nothing" lacks '^q quit' -S -
}

keys_do()
{
	terminal
	# Without an earlier build of the series, -W prints a note.
	view "keys" -W SERIES=keys || return
	keys l
	check "l: the log" wait_for 60 shows '^ +CC +.*\.o'
	keys l '?'
	check "?: the keys" wait_for 60 shows 'abort the build'
	keys Escape
	check "Escape: back" wait_for 60 shows 'node1'
	keys w
	check "w: warnings" wait_for 60 shows '^.{,3}Warnings 0'
	keys w
	# An arrow key never acts as Escape and letters, however its bytes
	# arrive.
	keys Down Up Left Right PPage NPage Home End BTab F5 M-x
	check "arrows: the view is there" wait_for 60 shows '^q quit'
	keys q
	check "q: leaves the view" wait_for 60 is_plain
	check "q: the build goes on, in one line" \
		wait_for 60 shows_progress
	check "q: with what was said before it" shows "^\\[.*-W: no earlier build" -S -
	rm "$hold"
	ends "q" 0
	after "q"
	check "q: the summary" shows '^built Image' -S -
}

# The drain affects only this build; the other node does the remaining jobs.
drains()
{
	terminal
	view "drain" || return
	keys End
	check "the last node is selected" wait_for 60 shows '^>node2'
	keys d
	check "d: it is drained" wait_for 60 shows '^>node2 +drain'
	check "d: the other one is not" wait_for 60 shows 'node1 +up'
	keys d
	check "d: and resumed" wait_for 60 shows '^>node2 +up'
	rm "$hold"
	ends "drain" 0
}

leave_by_f10()
{
	terminal
	view "F10" || return
	keys F10
	check "F10: leaves the view" wait_for 60 is_plain
	# The shell receives what the user types ahead.
	keys -l ': for the shell'
	rm "$hold"
	ends "F10" 0
}

# A shell whose command was interrupted skips the rest of its line.
aborts()
{
	local name=$1

	shift
	terminal
	view "$name" || return
	keys "$@"
	wait_for 60 is_plain
	wait_for 60 nothing_left
	typed '(exit $?)'
	ends "$name" 130
	after "$name"
	check "$name: says so" shows '^interrupted Image' -S -
	rm -f "$hold"
	gone "$name"
}

resizes()
{
	local i

	terminal
	view "sizes" || return
	for i in {1..60}; do
		tm resize-window -x $((RANDOM % 220 + 1)) \
			-y $((RANDOM % 70 + 1)) 2>/dev/null
		[ $((i % 10)) != 0 ] || sleep 0.1
	done
	tm resize-window -x 132 -y 40
	check "sizes: the last one is drawn" wait_for 60 \
		shows '^q quit.{80}'
	is "sizes: once" 1 "$(screen | grep -c '^q quit')"
	tm resize-window -x 40 -y 10
	check "sizes: a tiny one is drawn" wait_for 60 shows node1
	rm "$hold"
	ends "sizes" 0
	after "sizes"
}

suspends()
{
	local i

	terminal
	view "Ctrl-Z" || return
	for i in 1 2; do
		keys C-z
		check "Ctrl-Z: stopped ($i)" wait_for 60 shows 'Stopped'
		after "Ctrl-Z ($i)"
		keys fg Enter
		check "fg: the view is back ($i)" wait_for 60 shows '^q quit'
		check "fg: all of it ($i)" wait_for 60 shows node1
	done
	# Do not suspend while another program owns the terminal.
	keys C-z
	wait_for 60 is_plain
	keys bg Enter
	sleep 1.5
	check "bg: the screen is the shell's" is_plain
	keys fg Enter
	check "fg after bg: the view is back" wait_for 60 shows '^q quit'
	# Signals from other processes, with changes to the terminal modes.
	kill -STOP "$(kfarm_pid)"
	wait_for 60 shows 'Stopped'
	keys fg Enter
	check "SIGSTOP, fg: the view is back" wait_for 60 shows '^q quit'
	keys l
	check "SIGSTOP, fg: keys are read" wait_for 60 shows '^ +CC +.*\.o'
	kill -STOP "$(kfarm_pid)"
	wait_for 60 shows 'Stopped'
	keys bg Enter
	check "SIGSTOP, bg: the screen is the shell's" wait_for 60 is_plain
	keys fg Enter
	check "SIGSTOP, bg, fg: the view is back" wait_for 60 shows '^q quit'
	rm "$hold"
	wait_for 60 test -e "$work/out/metadata.json"
	wait_for 60 shows '^built Image' -S -
	after "Ctrl-Z"
}

in_background()
{
	terminal
	touch "$hold"
	farm_fresh
	typed "$(command_of Image) & sleep 3"
	check "in the background: its progress" \
		wait_for 60 shows_progress
	check "in the background: no view" is_plain
	rm "$hold"
	check "in the background: it ends" wait_for 60 shows '^built Image' -S -
}

# The next view repairs the terminal after a killed kfarm.
killed()
{
	terminal
	view "kill -9" || return
	kill -KILL "$(kfarm_pid)"
	wait_for 60 ended
	check "kill -9: the terminal is left as it is" is_full
	rm "$hold"
	wait_for 60 nothing_left || bad "kill -9: make goes on"
	view "the next one" || return
	rm "$hold"
	ends "the next one" 0
	after "the next one"
}

closed()
{
	terminal
	view "a closed terminal" || return
	tm kill-server
	gone "a closed terminal"
	rm -f "$hold"
	no_temporaries "a closed terminal"
}

# Ctrl-S: make and kfarm continue until only output is left.
stands()
{
	terminal
	view "Ctrl-S" || return
	keys l C-s
	sleep 0.5
	rm "$hold"
	check "Ctrl-S: the build goes on" \
		wait_for 60 test -e "$build/arch/arm64/boot/Image"
	check "Ctrl-S: to its end" wait_for 60 test -e "$work/out/config"
	sleep 2
	keys C-q
	ends "Ctrl-S" 0
	after "Ctrl-S"
	check "Ctrl-S: the summary" shows '^built Image' -S -
}

# Sequences that set the title, clear the screen, change the character set or
# request an answer.
noise()
{
	{
		printf 'a title \033]0;STEERED\007 and clear \033[2J\033c\n'
		printf 'other letters \016 \033(0 and back\b\b\r\f\v\n'
		printf 'not UTF-8: \xff\xfe\x80 C1: \xc2\x9b31m \xc2\x85\n'
		printf 'who are you \033[c \033[6n \033Z\n'
		printf 'turned: \xe2\x80\xae abc\n'
		head -c 10000000 /dev/zero | tr '\0' x
		printf '\nthe last line\n'
		head -c 100000 /dev/urandom
		printf '\nbehind it all\n'
	} >"$work/noise"
}

hostile()
{
	noise
	terminal
	touch "$hold"
	build NOISE="$work/noise" -j1 noise Image
	wait_for 60 shows '^q quit' || bad "hostile words: no view"
	keys l
	check "hostile words: the log's end is there" \
		wait_for 60 shows '^ +CC +.*\.o'
	keys / && keys -l 'behind it' && keys Enter
	check "hostile words: and what was before it" \
		wait_for 60 shows '^> behind it all'
	keys Home End
	sleep 1
	check "hostile words: the view is whole" wait_for 60 \
		shows '^q quit'
	check "hostile words: its head, too" shows 'arm64.*Image'
	rm "$hold"
	ends "hostile words" 0
	after "hostile words"
	check "hostile words: the title is as it was" \
		[ "$(tm display -p '#{pane_title}')" != STEERED ]
	is "hostile words: nothing of it reached the terminal raw" 0 \
		"$(LC_ALL=C grep -acE \
		$'\033\\]|\033c|\033\\(0|\033\\[6n|\033\\[c|\xff|\xc2\x9b' "$raw")"
	# The terminal did not type an answer.
	check "hostile words: the terminal sent no reply" lacks '\?6c|\[[0-9]+;[0-9]+R'
}

fails()
{
	terminal
	# The build lasts long enough for the view.
	touch "$hold"
	(wait_for 60 shows '^q quit'; rm "$hold") &
	build -j1 Image broken/
	ends "a failure" 2
	wait
	after "a failure"
	check "a failure: the compiler's messages" shows 'undeclared' -S -
	check "a failure: whose it was" shows '^make.*broken/wrong\.o.* Error' -S -
	check "a failure: the summary" shows '^failed Image' -S -
	check "a failure: after the view" grep -qa 1049h "$raw"
}

# without NAME COLUMNS ROWS TERM BEFORE ARG...: check that a build has no such
# view; BEFORE precedes the command.
without()
{
	local name=$1 before=$5

	terminal "$2" "$3" "$4"
	shift 5
	farm_fresh
	typed "$before $(command_of "$@" Image)"
	ends "$name" 0
	check "$name: built" shows '^built Image' -S -
	check "$name: no full screen" eval '! grep -qa "1049h\|\[H" "$raw"'
}

# refused NAME TERM WORDS BEFORE ARG...: check that --ui=ncurses fails.
refused()
{
	local name=$1 words=$3 before=$4

	terminal 100 30 "$2"
	shift 4
	typed "$before $(command_of --ui=ncurses Image) $*"
	ends "$name, asked for" 1
	check "$name, asked for: why" shows "$words" -S -
	check "$name, requested: nothing was built" [ ! -e "$work/out" ]
}

elsewhere()
{
	without "a small terminal" 79 24 screen ""
	without "CI" 100 30 screen "CI=1"
	without "TERM=dumb" 100 30 dumb ""
	check "TERM=dumb: no escapes" eval '! LC_ALL=C grep -qaP \
		"\033\[\d*[A-JK]|\033\[\d+m" "$raw"'
	without "no terminfo" 100 30 nosuch ""
	without "--ui=line" 100 30 screen "" --ui=line
	without "--ui=plain" 100 30 screen "" --ui=plain
	without "-v" 100 30 screen "" -v
	refused "TERM=dumb" dumb 'TERM.* cannot move the cursor' ""
	refused "no terminfo" nosuch 'unknown terminal type "nosuch"' ""
	refused "a pipe" screen 'standard error is not a terminal' \
		"set -o pipefail;" "2>&1 | cat"
	refused "no standard input" screen 'standard input is not a terminal' "" \
		"</dev/null"
	refused "-v" screen 'ncurses and -v are mutually exclusive' "" "-v"
	refused "events on the terminal" screen 'json - are mutually exclusive' "" "--json -"
}

pipes()
{
	terminal
	farm_fresh
	typed "$(command_of Image) 2>&1 | cat >$work/piped"
	ends "| cat" 0
	check "| cat: the summary" grep -q '^built Image' "$work/piped"
	check "| cat: no escapes" eval '! grep -q "$(printf "\033")" \
		"$work/piped"'
	farm_fresh
	typed "$(command_of Image) 2>/dev/full >/dev/full"
	ends "> /dev/full" 0
	check "> /dev/full: built" test -e "$build/arch/arm64/boot/Image"
	check "neither had a view" eval '! grep -qa 1049h "$raw"'
}

# colours NAME BEFORE TERM REGEX|- ARG...: check the colours that the terminal
# received.
colours()
{
	local name=$1 before=$2 term=$3 want=$4
	local any='\033\[([0-9;]*;)?[34][0-9](;[0-9;]*)?m'

	shift 4
	terminal 100 30 "$term"
	touch "$hold"
	farm_fresh
	typed "$before $(command_of "$@" Image)"
	wait_for 60 shows '^q quit' || bad "$name: no view"
	[ "$want" = - ] || wait_for 60 eval 'LC_ALL=C grep -qaP "$want" "$raw"'
	keys q
	wait_for 60 is_plain
	if [ "$want" = - ]; then
		check "$name: none" eval '! LC_ALL=C grep -qaP "$any" "$raw"'
	else
		check "$name" eval 'LC_ALL=C grep -qaP "$want" "$raw"'
	fi
	rm "$hold"
	ends "$name" 0
}

# The nodes of a simulated build exceed the rows of the terminal.
groups()
{
	local top="'$bin/kfarm' top --simulate --nodes 200 --at 20"

	terminal
	typed "$top --speed 0"
	check "groups: a row for each site" wait_for 60 shows '^.site room1 +16/16 '
	check "groups: no row for each node" lacks ' rack'
	keys g
	check "g: all nodes" wait_for 60 shows '^.rack1 +up '
	keys / r a c k 7 7 Enter g
	check "g: the group of the selected node is open" \
		wait_for 60 shows '^>  rack77 +up '
	keys q
	ends "groups" 0
	terminal
	typed "$top --once"
	ends "groups as text" 0
	check "groups as text: a row for each site" shows '^site room1 +16/16 '
	check "groups as text: no row for each node" lacks '^rack'
	typed "$top --once | cat"
	ends "nodes as text" 0
	check "without a terminal: all nodes" shows '^rack194 +up '
}

nodes 2
farm_warm -j 6 Image
groups
opens_and_ends
keys_do
drains
leave_by_f10
aborts "Ctrl-C" C-c
aborts "Q twice" Q Q
resizes
suspends
in_background
killed
closed
stands
hostile
fails
elsewhere
pipes
colours "256 colours" "" screen-256color '\033\[[0-9;]*38;5;[0-9]+m'
colours "8 colours" "" screen '\033\[[0-9;]*3[1-7]m'
colours "NO_COLOR" "NO_COLOR=1" screen-256color -
colours "--color=never" "" screen-256color - --color=never
colours "a terminal without" "" vt100 -
farm_end
