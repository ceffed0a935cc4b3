#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# timeout: 1800
#
# nodes.sh - toolchains on nodes.  Three kfarmd with separate directories, of
# which one is configured as an arm64 machine too, receive only the files that
# they lack.  Each file is packed once, also after a kill.  Also tested: list,
# verify and remove; the canary and tune, with a build for this machine and,
# where binfmt_misc is available, for arm64 under qemu; and builds by the nodes.
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/toolchain/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/toolchain/archives.sh
. "$here/archives.sh"
# shellcheck source=tests/toolchain/qemu.sh
. "$here/qemu.sh"

id=gcc-$archives_version-aarch64-linux
foreign=$id-on-$archives_foreign
names=aarch64-gcc${archives_version//./}-linux-

# a_node NAME [COMMAND...] -- [OPTION...]: start a kfarmd with its own
# directory.
a_node()
{
	local name=$1 before=

	shift
	while [ "$1" != -- ]; do
		before="$before $1"
		shift
	done
	shift
	node "$name" "$before $bin/kfarmd --stdio --store $work/$name/store $*"
}

configure()
{
	no_nodes
	cat >"$KFARM_CONFIG" <<-END
	[toolchain]
		key-file = $archives_keys
		sums-key = $archives_sums_key
		tar-key = $archives_tar_key
	END
	a_node n1 --
	a_node n2 -- --host "$archives_foreign"
	a_node n3 -- --host "$archives_foreign"
}

here_dir()
{
	echo "$XDG_DATA_HOME/kfarm/toolchains/$foreign"
}

# Print the distinct digests of the toolchain's files.
contents()
{
	find "$(here_dir)" -type f ! -name toolchain.json -exec sha256sum {} + |
		cut -c 1-64 | sort -u
}

# Check that a node's files equal those of this machine.
same_on()
{
	diff -r --no-dereference -x toolchain.json -x .kfarm "$(here_dir)" \
		"$work/$1/toolchains/$foreign"
}

kept_by()
{
	find "$work/$1/toolchains" -mindepth 1 -maxdepth 1 -name 'gcc*' \
		2>/dev/null
}

sent_to()
{
	sed -n "s/^node $1: $foreign: ok, \([0-9]*\) files .*/\1/p" \
		"$work/said.out"
}

packed()
{
	sed -n 's/.* \([0-9]*\) files compressed once.*/\1/p' "$work/said.err"
}

installs()
{
	local all

	check "install for this machine" \
		install_archive "$archives_host" --nodes all
	check "its nodes need nothing" says err 'n1 .*nothing to install'
	is "nothing was sent" "" "$(kept_by n1)$(kept_by n2)"
	check "install for nodes" install_archive "$archives_foreign" --nodes all
	all=$(contents | wc -l)
	is "a node gets all of it" "$all" "$(sent_to n2)"
	is "another one, too" "$all" "$(sent_to n3)"
	is "each content is packed once" "$all" "$(packed)"
	check "it lies on the first node" same_on n2
	check "and on the second" same_on n3
	is "not on one that does not run it" "" \
		"$(kept_by n1)"
	check "install again" install_archive "$archives_foreign" --nodes all
	check "sends nothing" says out 'n2: .*: ok, already up to date'
	is "and packs nothing" "" "$(packed)"
}

# ---- list and verify ----

lists()
{
	check "list" kfarm toolchain list
	check "list: needs nothing, and holds" says out \
		"^$id .*ok  *not needed  *not needed  *not needed\$"
	check "list: the node that holds it" says out \
		"^$foreign .*ok  *-  *ok  *ok\$"
	check "verify" kfarm toolchain verify --nodes all
}

damages()
{
	local file sent

	file=$(find "$work/n3/toolchains/$foreign" -name cc1 -type f)
	chmod u+w "$file"
	archives_flip "$file"
	check "a flipped bit on a node's disk" \
		not kfarm toolchain verify --nodes all
	check "is found where it is" says out "^$foreign .*ok  *-  *ok  *different"
	check "and mended" install_archive "$archives_foreign" --nodes all
	check "mended: whole again" same_on n3
	sent=$(sent_to n3)
	at_most "mended: files that travel" 1 "${sent:-0}"
	check "verify, after that" kfarm toolchain verify --nodes all
}

# ---- unreachable, killed, resumed ----

down()
{
	node gone "/bin/sh -c 'echo no such host >&2; exit 1'"
	a_node n4 -- --host "$archives_foreign"
	check "a node that is down fails the command" \
		not install_archive "$archives_foreign" --nodes all
	check "down: is named, with its reason" says err 'node gone: .*no such host'
	check "down: the others get theirs" says out 'node n4: .*: ok'
	check "down: list names it" not kfarm toolchain verify --nodes gone
}

in_store()
{
	find "$work/n5/store/sha256" -type f -printf '%P\n' 2>/dev/null |
		tr -d / | sort
}

has_twenty()
{
	[ "$(in_store | wc -l)" -ge 20 ]
}

nobody_on_n5()
{
	! pgrep -f -- "--store $work/n5/store" >/dev/null
}

# A transport command that takes some seconds, so that it can be killed.
slow_line()
{
	cat >"$work/slow" <<-'END'
	#!/bin/sh
	perl -MErrno -e 'for (;;) {
		# Who shares the socket has made it one that does not block.
		vec($r = "", 0, 1) = 1;
		select($r, undef, undef, undef);
		$n = sysread(STDIN, $b, 32768);
		next if !defined $n && $!{EAGAIN};
		last unless $n;
		for ($at = 0; $at < $n; $at += $w) {
			$w = syswrite(STDOUT, $b, $n - $at, $at);
			exit unless defined $w;
		}
		select(undef, undef, undef, 0.03);
	}' | "$@"
	END
	chmod +x "$work/slow"
}

# install_slowly SIGNAL: end an installation with the signal while the node n5
# receives its files; set status.
install_slowly()
{
	local pid sum

	sum=$(sha256sum "$(archive "$archives_foreign")")
	env --default-signal=INT "$bin/kfarm" toolchain install \
		--file "$(archive "$archives_foreign")" \
		--sha256 "${sum%% *}" --nodes n5 >"$work/said.out" \
		2>"$work/said.err" </dev/null &
	pid=$!
	children+=("$pid")
	check "$1: the node has some of the files" wait_for 600 has_twenty
	kill -"$1" "$pid"
	wait "$pid" 2>/dev/null
	status=$?
}

killed()
{
	local rest status

	slow_line
	no_nodes
	configure
	a_node n5 "$work/slow" -- --host "$archives_foreign"
	install_slowly INT
	is "an interrupted upload has the status of an interruption" 130 "$status"
	check "the remedy after an interrupted upload is printed" says err \
		'run the same command again to continue the upload'
	check "the session of an interrupted upload ends" \
		wait_for 600 nobody_on_n5
	rm -rf "$work/n5"
	install_slowly KILL
	check "killed: the node's end ends" wait_for 600 nobody_on_n5
	is "killed: nothing is there by its name" "" "$(kept_by n5)"
	in_store >"$work/had"
	contents >"$work/all"
	rest=$(comm -13 "$work/had" "$work/all" | wc -l)
	# The same node without the slow transport command.
	configure
	a_node n5 -- --host "$archives_foreign"
	check "resumed" install_archive "$archives_foreign" --nodes n5
	is "resumed: only what was missing is sent" "$rest" "$(sent_to n5)"
	is "resumed: and packed" "$rest" "$(packed)"
	check "resumed: it is whole" same_on n5
}

# ---- canary, tune ----

canary()
{
	jq -r "$1" "$XDG_STATE_HOME/kfarm/canary.json"
}

# This machine's own build on a node of the same kind, as tune requires.
own_build()
{
	configure
	# No request to a server is needed, because both are installed.
	printf '[toolchain]\n\tmirror = https://127.0.0.1:9/\n' \
		>>"$KFARM_CONFIG"
	check "a node is given a build of its own kind" kfarm toolchain \
		install "gcc-$archives_version" --triplet aarch64-linux \
		--host "$archives_host" --nodes n1
	check "list shows it" kfarm toolchain list --nodes n1
	check "list: it is there" says out "^$id .*ok  *ok\$"
}

tunes()
{
	check "tune" kfarm toolchain tune "$id" --nodes n1
	check "tune: what ships is timed" says out 'sent with the build *[0-9]* ms'
	check "tune: its own build, too" says out "  $id *[0-9]* ms"
	is "tune: one of them is used" 1 "$(grep -c ' selected$' \
		"$work/said.out")"
	is "the canary is recorded" "n1 $id true" \
		"$(canary '.canaries[] | "\(.node) \(.id) \(.passed)"')"
	check "list has the canary" kfarm toolchain list --nodes n1
	check "list: it passed" says out "^$id .*ok, canary passed\$"
}

# builds NODE ID WHAT: build with the node's build and compare with plain make.
builds()
{
	configure_only "$1"
	check "$3: is chosen" choose "$1" "$2"
	farm_warm --json "$work/events" all
	check "$3: it is what the node compiled with" \
		grep -q "using node-native toolchain $2" "$work/events"
	equal "$3"
	is "$3: the node did all of it" 0 "$(meta .farm.local)"
}

configure_only()
{
	no_nodes
	case $1 in
	n1) a_node n1 -- ;;
	q) a_node q "${qemu_inside[*]}" -- --host arm64 ;;
	esac
}

# Build by plain make with the locally installed compiler.
prepare_build()
{
	PATH=$XDG_DATA_HOME/kfarm/bin:$PATH
	vars=(ARCH=arm64 "CROSS_COMPILE=$names")
	farm_mini 6 1
	farm_reference all
	is "plain make under its names" 0 "$plain_status"
}

# ---- arm64 by qemu ----

qemu_node()
{
	configure
	a_node q "${qemu_inside[*]}" -- --host arm64
	check "qemu: the node is given arm64's build" \
		install_archive arm64 --nodes q
	configure_only q
	check "qemu: arm64's build is chosen" choose q "$foreign"
	qemu_compiles
}

# Compile a small source repeatedly, because qemu is slow, until the node has
# made an object with its own compiler and after its canary.
qemu_compiles()
{
	cp "$root/templates/canary/structures.c" "$work/x.c"
	cat >"$work/until" <<-END
	cd $work || exit 1
	for i in \$(seq 200); do
		${names}gcc -O2 -g -ffreestanding -c -o x.o x.c || exit 1
		! grep -q '"done".*"node":"q"' events || exit 0
		sleep \$((i < 5 ? i : 5))
	done
	exit 1
	END
	check "qemu: a node's object comes" \
		kfarm run --json "$work/events" -- sh "$work/until"
	is "qemu: its compiler's canary is equal" "true " \
		"$(canary '.canaries[] | select(.node == "q") |
			"\(.passed) \(.detail)"')"
	check "qemu: its own compiler made it" \
		grep -q "using node-native toolchain $foreign" "$work/events"
	(cd "$work" && "${names}gcc" -O2 -g -ffreestanding -c -o plain.o x.c)
	check "qemu: it is plain gcc's" cmp "$work/plain.o" "$work/x.o"
}

removes()
{
	configure
	check "remove" kfarm toolchain remove "$foreign" --nodes n2,n3
	check "remove: says so" says out "node n2: $foreign: removed"
	is "remove: it is gone" "" "$(kept_by n2)$(kept_by n3)"
}

toolchain_begin
archives_make || exit 1
archives_begin "$work"
trap 'archives_end; farm_cleanup' EXIT
configure
installs
lists
damages
down
killed
own_build
tunes
prepare_build
builds n1 "$id" "a node's own build"
if qemu_begin; then
	qemu_node
fi
removes
farm_end
