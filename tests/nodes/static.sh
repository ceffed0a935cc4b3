#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# The static kfarmds of `make` and `make nodes`: their size, start and
# protocol; those of other machines run under qemu-user.  Only this machine's
# runs jobs, because qemu has a second thread, and a multithreaded process
# cannot create a user namespace.  An invalid openssl.cnf has no effect.
. "$(dirname "$0")/../farm/lib.sh"

# Use a private network, because port 3634 can be in use.
if [ ! "${KFARM_NETWORK:-}" ]; then
	export KFARM_NETWORK=1
	[ "$(id -u)" -ne 0 ] || exec unshare -n "$0" "$@"
	exec unshare -rn "$0" "$@"
fi
ip link set lo up
limit=$((7 << 20))

spoil_openssl()
{
	cat >"$work/openssl.cnf" <<-END
	openssl_conf = all
	[all]
	providers = some
	[some]
	none = one
	[one]
	activate = 1
	END
	kfarmd_env="env OPENSSL_CONF='$work/openssl.cnf'"
}

# said KEY: print the value from the last reply of a node.
said()
{
	jq -r ".nodes[0].$1" "$work/said"
}

listed_as()
{
	"$bin/kfarm" nodes list --json >"$work/said" 2>"$work/stderr"
	[ "$(said machine)" = "$1" ]
}

# talk_tls HOST MACHINE COMMAND...: test the linked OpenSSL.
talk_tls()
{
	local host=$1 machine=$2 dir=$work/$1.d pid

	shift 2
	mkdir -p "$dir"
	"$@" --config "$dir" --init >"$work/key" 2>"$work/stderr"
	echo "$(tail -n 1 "$work/own-key") build" >"$dir/clients"
	"$@" --config "$dir" --listen 127.0.0.1:3634 --store "$dir/store" \
		>"$work/listen.log" 2>&1 </dev/null &
	pid=$!
	children+=("$pid")
	wait_for 60 grep -q 'listening on' "$work/listen.log"
	cat >"$KFARM_CONFIG" <<-END
	[node "$host"]
		address = tls:127.0.0.1
		key = $(tail -n 1 "$work/key")
	END
	# Test a handshake in the same way.
	wait_for 60 listed_as "$machine"
	is "$host: talks by TLS" "$machine" "$(said machine)"
	check "$host: verifies its peer" \
		grep -q 'client build, TLS_' "$work/listen.log"
	kill "$pid"
	wait "$pid" 2>/dev/null
}

# try_program HOST MACHINE: HOST is kernel.org's name, MACHINE that of uname -m.
try_program()
{
	local program=$bin/nodes/kfarmd-$1 run=

	if [ ! -e "$program" ]; then
		left_out "kfarmd for $1" "no $program"
		return
	fi
	at_most "$1: bytes" $limit "$(stat -c %s "$program")"
	[ "$2" = "$(uname -m)" ] || run=qemu-$2
	[ "$2" != armv7l ] || run=qemu-arm
	# Since Debian 13, qemu-user itself is static.
	[ ! "$run" ] || ! command -v "$run-static" >/dev/null || run=$run-static
	if [ "$run" ] && ! command -v "$run" >/dev/null; then
		left_out "$1: starts" "no $run"
		return
	fi
	is "$1: --version" "$("$bin/kfarmd" --version)" \
		"$($run "$program" --version 2>&1)"
	no_nodes
	node "$1" "$kfarmd_env $run '$program' --stdio --store '$work/$1'"
	# On a busy machine, qemu can exceed the time limit for HELLO.
	wait_for 30 listed_as "$2"
	is "$1: says what it is" "$2" "$(said machine)"
	if [ "$run" ]; then
		check "$1: no more than a namespace is missing" \
			grep -qE '^no sandbox: (user: unshare|pid clone)' \
			<(said reason)
	else
		is "$1: jobs may run" up "$(said state)"
	fi
	# shellcheck disable=SC2086 # empty where none is needed
	talk_tls "$1" "$2" $run "$program"
}

try_builds()
{
	local host

	host=$(uname -m | sed s/aarch64/arm64/)
	if [ ! -e "$bin/nodes/kfarmd-$host" ]; then
		left_out "a build" "no kfarmd-$host"
		return
	fi
	farm_mini 8 6
	farm_reference Image
	kfarmd="$kfarmd_env '$bin/nodes/kfarmd-$host' --stdio --store '$work/store'"
	nodes 1
	farm_warm Image
	equal "a build by the static kfarmd"
}

farm_begin
spoil_openssl
"$bin/kfarmd" --config "$XDG_CONFIG_HOME/kfarm" --init >"$work/own-key"
try_program x86_64 x86_64
try_program arm64 aarch64
try_program arm armv7l
try_program riscv64 riscv64
try_builds
farm_end
