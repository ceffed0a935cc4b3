#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 3600
#
# Build a small kernel through an emulated arm64 machine with the static kfarmd.
# With Debian's arm64 compiler of the same release, the node passes the canary
# and compiles.  With a compiler that writes another version into its objects,
# the canary fails, and the node gets no job.  Both builds equal make's.  The
# emulation takes minutes, so only `make emulated` runs this.
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/toolchain/lib.sh
. "$here/../toolchain/lib.sh"
# shellcheck source=tests/toolchain/archives.sh
. "$here/../toolchain/archives.sh"
# shellcheck source=tests/nodes/machine.sh
. "$here/machine.sh"

id=gcc-$archives_version-aarch64-linux
foreign=$id-on-$archives_foreign
names=aarch64-gcc${archives_version//./}-linux-
port=$((20000 + RANDOM % 20000))

# install FILE [OPTION...]
install()
{
	local file=$1 sum

	sum=$(sha256sum "$file")
	shift
	kfarm toolchain install --file "$file" --sha256 "${sum%% *}" "$@"
}

archive()
{
	echo "$archives/made/$1/$(archives_name "$1" aarch64-linux).tar.xz"
}

canary()
{
	jq -r '.canaries[] | "\(.node) \(.passed) \(.detail)"' \
		"$XDG_STATE_HOME/kfarm/canary.json"
}

# Repack the archive with a cc1 that reports another version.
spoil_compiler()
{
	local cc1

	mkdir "$work/spoiled" &&
		tar -C "$work/spoiled" -xf "$(archive arm64)" || return
	cc1=$(find "$work/spoiled" -name cc1 -type f)
	LC_ALL=C sed -i 's/12\.2\.0/12.2.9/g' "$cc1" || return
	mkdir "$work/spoiled.d" && tar -C "$work/spoiled" -cf - . |
		xz -0 >"$work/spoiled.d/$(basename "$(archive arm64)")"
}

# compile_until COMMAND: compile a small source repeatedly until COMMAND, a
# string, succeeds, because everything is slow on the emulated machine.
compile_until()
{
	cp "$root/templates/canary/structures.c" "$work/x.c"
	cat >"$work/until" <<-END
	cd $work || exit 1
	for i in \$(seq 3000); do
		${names}gcc -O2 -g -ffreestanding -c -o x.o x.c || exit 1
		! { $1; } || exit 0
		sleep 0.2
	done
	exit 1
	END
	kfarm run --json "$work/events" -- sh "$work/until"
}

build_through()
{
	farm_fresh
	kfarm_build --json "$work/events" all
}

used()
{
	local round

	check "used: the node is given arm64's compiler" \
		install "$(archive arm64)" --nodes board
	check "used: after its canary the node compiles" compile_until \
		"grep -q '\"done\".*\"node\":\"board\"' events"
	check "used: with its own compiler" \
		grep -q "using node-native toolchain $foreign" "$work/events"
	is "used: its canary" "board true " "$(canary)"
	for round in {1..10}; do
		build_through
		[ "$(meta .farm.remote)" = 0 ] || break
	done
	check "used: it has compiled units of the kernel" \
		grep -q '"done".*"node":"board"' "$work/events"
	echo "      $(jq -c .farm "$work/out/metadata.json")"
	equal "used"
}

refused()
{
	check "refused: another arm64 compiler is made" spoil_compiler
	check "refused: the old one is removed" \
		kfarm toolchain remove "$foreign" --nodes board
	"$bin/kfarm" toolchain remove "$foreign" >"$work/removed" 2>&1
	check "refused: the node is given that" \
		install "$work/spoiled.d"/*.tar.xz --nodes board
	rm -f "$XDG_STATE_HOME/kfarm/canary.json"
	check "refused: the node tries its canary" compile_until \
		"grep -q board '$XDG_STATE_HOME/kfarm/canary.json' 2>/dev/null"
	check "refused: which fails" grep -q '^board false ' <(canary)
	build_through
	echo "      $(canary)"
	is "refused: the node compiled nothing" 0 \
		"$(grep -c '"done".*"node":"board"' "$work/events")"
	equal "refused"
}

toolchain_begin
lacking=$(machine_lacks)
if [ "$lacking" ]; then
	left_out "an emulated node" "$(tail -n 1 <<<"$lacking")"
	farm_end
fi
archives_make || exit 1
archives_begin "$work"
trap 'machine_stop; archives_end; farm_cleanup' EXIT
cat >"$KFARM_CONFIG" <<END
[toolchain]
	key-file = $archives_keys
	sums-key = $archives_sums_key
	tar-key = $archives_tar_key
END
check "the machine boots" machine_start board "$port"
check "and its sandbox can be built" grep -q '^sandbox: ok' "$work/board.log"
sed -n 's/^layers:/      &/p' "$work/board.log"
machine_node board "$port"
check "it is listed" kfarm nodes list
check "as an arm64 machine that is up" says out '^board *up .* aarch64 '
check "this machine's compiler is installed" install "$(archive x86_64)"
PATH=$XDG_DATA_HOME/kfarm/bin:$PATH
vars=(ARCH=arm64 "CROSS_COMPILE=$names")
farm_mini 24 3
farm_reference all
is "plain make" 0 "$plain_status"
used
refused
farm_end
