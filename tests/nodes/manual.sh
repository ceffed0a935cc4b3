#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # the libraries set these names
# check: yes
# timeout: 1200
#
# The commands in the section EXAMPLES of every manual page, and those of the
# tutorial, work as printed.  They run on a small kernel tree with two releases,
# with boards behind a real sshd, a toolchain server and a user's project.
# Release 12.2.0, which the archives have, replaces the pages' 13.3.
#
# A page without a tested example fails the test.
# shellcheck source=tests/toolchain/lib.sh
. "$(dirname "$0")/../toolchain/lib.sh"
. "$(dirname "$0")/../toolchain/archives.sh"
. "$(dirname "$0")/lab.sh"
# The packages for the archives are outside the lab's network.
[ "${KFARM_LAB:-}" ] || archives_make || exit 1
lab_begin "$@"

url=https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git
# Pages that describe formats and terms, without a command;
# configuration_examples() tests kfarm.conf.5.
without_commands="kfarm-glossary.7 kfarm-protocol.7 kfarm.conf.5"

# commands PAGE SECTION: print its commands, each ended by a NUL.
commands()
{
	awk -v section="$2" '
	function flush() {
		if (command != "")
			printf "%s%c", command, 0
		command = ""
	}
	/^\.Sh / { inside = $0 == ".Sh " section }
	!inside { next }
	/^\.Bd -literal/ { literal = 1; next }
	/^\.Ed/ { flush(); literal = 0; next }
	!literal { next }
	{
		gsub(/\\\(aq/, "\047"); gsub(/\\\(dq/, "\"")
		gsub(/\\&/, ""); gsub(/\\e/, "\\")
		gsub(/13\.3/, "12.2"); gsub(/gcc1330/, "gcc1220")
	}
	sub(/^\$ /, "") { flush(); command = $0; next }
	command ~ /\\$|<</ { command = command "\n" $0 }' "$root/man/$1"
}

# page NAME DIR [SECTION]: run its commands in DIR in one shell.
page()
{
	local name=$1 dir=$2 status command log=$work/manual-$1.log

	: >"$work/statuses"
	(
		cd "$dir" || exit
		while IFS= read -r -d '' command; do
			echo "\$ $command" >>"$log"
			eval "$command" >>"$log" 2>&1 </dev/null
			printf '%s %s\0' $? "$command" >>"$work/statuses"
		done < <(commands "$name" "${3:-EXAMPLES}")
		# shellcheck disable=SC2046
		kill $(jobs -p) 2>/dev/null
	)
	[ -s "$work/statuses" ] || bad "$name: no command is run"
	while read -r -d '' status command; do
		# The command exits with 1 if it finds a problem of this
		# machine.
		case $command in
		"kfarm doctor"*) [ "$status" -ne 1 ] || status=0 ;;
		esac
		is "$name: $command" 0 "$status"
		[ "$status" -eq 0 ] ||
			grep -aF -A 15 "\$ $command" "$log" | sed 's/^/      /'
	done <"$work/statuses"
	pages+=" $name "
}

# A kernel tree with v6.1 and v6.2.  A commit in between adds a warning to
# drivers/mmc, and a later one breaks it.
make_tree()
{
	local at=$work/linux

	"$root/tests/farm/mini/generate" "$at" 20 6 || exit 1
	mkdir -p "$at/drivers/mmc" "$at/kernel" "$at/include/linux" \
		"$work/hello"
	echo 'obj-m := hello.o' >"$work/hello/Makefile"
	sed -i 's|^dirs := |dirs := drivers/mmc |' "$at/Makefile"
	echo '# syncconfig' >"$at/scripts/kconfig/Makefile"
	echo 'int mmc_core(void) { return 0; }' >"$at/drivers/mmc/core.c"
	git_commit "$at" v6.1 v6.1
	echo 'int mmc_host(void) { return 1; }' >"$at/drivers/mmc/host.c"
	git_commit "$at" "add host"
	echo 'int mmc_card(void) { int unused; return 2; }' \
		>"$at/drivers/mmc/card.c"
	git_commit "$at" "add card"
	echo 'int mmc_bus(void) { return nothing; }' >"$at/drivers/mmc/bus.c"
	git_commit "$at" "add bus"
	echo 'int mmc_sdio(void) { return 3; }' >"$at/drivers/mmc/sdio.c"
	git_commit "$at" v6.2 v6.2
	git -C "$at" checkout -q --detach v6.1 2>/dev/null
}

# git_commit DIR SUBJECT [TAG]
git_commit()
{
	[ -d "$1/.git" ] || git -C "$1" init -q -b master || exit 1
	git -C "$1" add -A && git -C "$1" commit -q -m "$2" || exit 1
	[ ! "${3:-}" ] || git -C "$1" tag "$3" || exit 1
}

# A user's home, in which git maps kernel.org to a directory and the archives'
# server is the toolchain mirror.
make_home()
{
	mkdir -p "$HOME/.config/kfarm" "$HOME/src" "$work/files"
	export KFARM_CONFIG=$HOME/.config/kfarm/config PATH=$bin:$PATH
	git config --global user.name A
	git config --global user.email a@example.org
	git config --global init.defaultBranch master
	make_tree
	git clone -q --bare "$work/linux" "$work/stable.git" &&
		git -C "$work/stable.git" branch -q linux-6.1.y v6.1 &&
		git clone -q "$work/linux" "$HOME/src/linux" || exit 1
	git config --global "url.file://$work/stable.git.insteadOf" "$url"
}

toolchain_server()
{
	archives_make && archives_begin "$work" &&
		archives_server "$work/files" || exit 1
	trap 'archives_end; lab_cleanup' EXIT
	server_start "$work/files"
	{
		printf '[toolchain]\n\tmirror = %s/pub/tools\n' "$server_url"
		printf '\tca-file = %s\n\tkey-file = %s\n' "$server_ca" \
			"$archives_keys"
		printf '\tsums-key = %s\n\ttar-key = %s\n' \
			"$archives_sums_key" "$archives_tar_key"
	} >>"$KFARM_CONFIG"
}

# Create the files that the examples of run, scan and kfarm-cc use.
make_project()
{
	local at=$work/project

	mkdir -p "$at/build/kernel" "$at/include/linux" "$at/kernel"
	echo 'int main(void) { return 0; }' | tee "$at/hello.c" "$at/a.c" \
		"$at/build/a.c" >"$at/main.c"
	printf '%s\n' 'all: hello' 'hello: hello.c' '	$(CC) -o $@ hello.c' \
		'rock-pi-4-rk3399_defconfig:' '	@echo configured' >"$at/Makefile"
	printf '%s\n' 'cmake_minimum_required(VERSION 3.13)' \
		'project(hello C)' 'add_executable(hello hello.c)' \
		>"$at/CMakeLists.txt"
	printf '%s\n' "project('hello', 'c')" "executable('hello', 'a.c')" \
		>"$at/build/meson.build"
	printf '%s\n' '#!/bin/sh' 'eval "$1" && $CC -c a.c' >"$at/build/configure"
	sed -i 's/eval "$1"/CC=${1#CC=}/' "$at/build/configure"
	chmod +x "$at/build/configure"
	echo '#define LIST 1' >"$at/include/linux/list.h"
	printf '%s\n' '#include <linux/list.h>' 'int fork = LIST;' \
		>"$at/kernel/fork.c"
	printf 'cmd_kernel/fork.o := gcc -I../include -c -o kernel/fork.o %s\n' \
		../kernel/fork.c >"$at/build/kernel/.fork.o.cmd"
	printf '\nsource_kernel/fork.o := ../kernel/fork.c\n' \
		>>"$at/build/kernel/.fork.o.cmd"
}

# Each example of a configuration file is accepted, and with a wrong value added
# it is rejected.
configuration_examples()
{
	local file n=0 dir=$work/examples

	mkdir -p "$dir"
	awk -v dir="$dir" '
	/^\.Bd -literal/ { n++; inside = 1; next }
	/^\.Ed/ { inside = 0 }
	inside { gsub(/\\e/, "\\"); print >(dir "/" n) }' \
		"$root/man/kfarm.conf.5"
	: >"$dir/more-nodes"
	for file in "$dir"/[0-9]*; do
		grep -q '^\[' "$file" || continue
		n=$((n + 1))
		KFARM_CONFIG=$file "$bin/kfarm" tree list >"$work/out" 2>&1
		is "kfarm.conf.5: example $n" 0 $?
		is "kfarm.conf.5: warnings about example $n" "" \
			"$(grep -F "$file" "$work/out")"
		printf '[farm]\n\trequire-remote = 101\n' >>"$file"
		KFARM_CONFIG=$file "$bin/kfarm" tree list >/dev/null 2>&1
		is "kfarm.conf.5: example $n with a wrong value" 1 $?
	done
	check "kfarm.conf.5 has examples" test "$n" -gt 2
}

every_page()
{
	local page

	for page in "$root"/man/*.[1-8]; do
		page=${page##*/}
		[ "${without_commands/$page/}" = "$without_commands" ] ||
			continue
		check "$page: its examples are run" \
			test "${pages/ $page /}" != "$pages"
	done
}

make_home
make_project
for board in neo4a neo4b board1; do
	lab_node $board && lab_sshd $board ||
		lab_cannot "no sshd"
done
toolchain_server
page kfarm-nodes.1 "$HOME"
page kfarm-build.1 "$work/linux"
page kfarm-top.1 "$work/linux"
page kfarm-report.1 "$work/linux"
page kfarm-history.1 "$HOME"
page kfarm.1 "$work/linux"
page kfarm-events.5 "$work/linux"
page kfarm-tree.1 "$HOME"
page kfarm-run.1 "$work/project"
page kfarm-scan.1 "$work/project"
page kfarm-cc.1 "$work/project/build"
page kfarm-doctor.1 "$HOME"
page kfarm-toolchain.1 "$HOME/src/linux"
"$bin/kfarm" tree remove stable >/dev/null
page kfarm-tutorial.7 "$work/linux" DESCRIPTION
page kfarm-nightly.1 "$HOME"
page kfarm-cache.1 "$work/project"
page kfarm-clean.1 "$HOME"
page kfarmd.8 "$HOME"
configuration_examples
every_page
farm_end
