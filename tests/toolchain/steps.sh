#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# timeout: 1200
#
# steps.sh - genksyms on nodes with a native toolchain.  It is built from the
# tree's sources for their host, and trusted once its results equal local ones.
# All files equal plain make's.  A genksyms with wrong results is never trusted,
# and a compiler that cannot build it does no harm.  The nodes' host is this
# machine's own, and arm64 by qemu if its C library is installed.
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/toolchain/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/toolchain/archives.sh
. "$here/archives.sh"
# shellcheck source=tests/toolchain/qemu.sh
. "$here/qemu.sh"

id=gcc-$archives_version-aarch64-linux
names=aarch64-gcc${archives_version//./}-linux-
targets=(lib/math/)
own=$(uname -m)-linux-gnu-gcc

# configure NODE [COMMAND...]: add a node that runs kfarmd by COMMAND.
configure()
{
	local name=$1 options=

	shift
	[ "$name" != q ] || options="--host $archives_foreign"
	no_nodes
	cat >"$KFARM_CONFIG" <<-END
	[toolchain]
		key-file = $archives_keys
		sums-key = $archives_sums_key
		tar-key = $archives_tar_key
		mirror = https://127.0.0.1:9/
	[farm]
		shell = kfarm
	END
	node "$name" "$* $bin/kfarmd --stdio --store $work/$name/store $options"
}

# Print units with symbol versions; assembler units have another pipeline.
units_in()
{
	(cd "$1" && find "${targets[@]}" -name '.*.o.cmd' -exec \
		grep -l '^#SYMVER' {} + | xargs grep -L '^source_.*\.S$' | sort)
}

# Print the number of tool steps that nodes ran in the last build.
steps()
{
	meta .farm.shell.steps
}

# again NAME: rebuild the units, whose objects are removed.
again()
{
	find "$build/lib/math" -name '*.o' -delete
	kfarm_build --json "$work/events" "${targets[@]}"
	is "$1: kfarm ends with" 0 $?
	equal "$1"
}

# until_so NAME COMMAND...: rebuild until COMMAND succeeds.  On a busy machine
# the units can be finished before the node is ready for them.
until_so()
{
	local name=$1 round

	shift
	for round in {1..10}; do
		again "$name"
		! "$@" >/dev/null || break
	done
	check "$name: $*" "$@"
}

# More steps than those that are compared, so genksyms is trusted.
by_nodes()
{
	[ "$(steps)" -gt 3 ]
}

says_here()
{
	grep -q "genksyms runs on the build host.*$1" "$work/kfarm.log"
}

# Install a local compiler at the front of PATH that links by this command.
links_by()
{
	mkdir -p "$work/bin"
	cat >"$work/bin/$own" <<-END
	#!/bin/sh
	for word; do
		[ "\$word" != -static ] || static=1
		[ "\$out" != next ] || out=\$word
		[ "\$word" != -o ] || out=next
	done
	[ "\$static" ] || exec "$(command -v "$own")" "\$@"
	$1
	END
	chmod +x "$work/bin/$own"
}

toolchain_begin
archives_make || exit 1
archives_begin "$work"
trap 'archives_end; farm_cleanup' EXIT
configure n1
check "install" install_archive "$archives_host"
check "a node is given a build" kfarm toolchain install \
	"gcc-$archives_version" --triplet aarch64-linux \
	--host "$archives_host" --nodes n1
check "tune" kfarm toolchain tune "$id" --nodes n1
check "the node's own is chosen" choose n1 "$id"

PATH=$XDG_DATA_HOME/kfarm/bin:$PATH
vars=(ARCH=arm64 "CROSS_COMPILE=$names")
settings=$work/settings
printf 'CONFIG_MODULES=y\nCONFIG_MODVERSIONS=y\n' >"$settings"
farm_linux allnoconfig prepare
farm_reference "${targets[@]}"
is "plain make ends with" 0 "$plain_status"
versions=$(units_in "$ref" | wc -l)
check "units with versions: $versions" test "$versions" -ge 5

farm_fresh
kfarm_build --json "$work/events" "${targets[@]}"
is "the first build: kfarm ends with" 0 $?
equal "the first build"
no_temporaries "the first build"
check "it compiles with its own build" \
	grep -q "using node-native toolchain $id" "$work/events"
until_so "its own host" by_nodes

# A genksyms in the tree that was not built from its sources: a cross-built
# genksyms would print other versions.
genksyms=$build/scripts/genksyms/genksyms
unit=$(units_in "$build" | head -n 1)
cp -a "$genksyms" "$work/genksyms"
sed -i 's/#SYMVER/#SYMVOR/' "$genksyms"
# The build connects to the node only if it compiles at least two units, and on
# a busy machine they can be finished before the node is ready for them.
for _ in {1..10}; do
	find "$build/lib/math" -name '*.o' -delete
	kfarm_build "${targets[@]}"
	status=$?
	[ $status = 0 ] && ! says_here 'differs from a rebuild' || break
done
is "another genksyms: kfarm ends with" 0 $status
check "another genksyms: it ran" grep -q '^#SYMVOR' "$build/$unit"
check "another genksyms: a warning" says_here 'differs from a rebuild'
is "another genksyms: steps" 0 "$(steps)"
cp -a "$work/genksyms" "$genksyms"

# A genksyms that prints versions of another source.
cat >"$work/liar.c" <<'END'
#include <stdio.h>
int main(void)
{
	while (getchar() != EOF)
		;
	puts("#SYMVER int_sqrt 0x00000001");
	return 0;
}
END
check "a genksyms that lies" cc -static -o "$work/liar" "$work/liar.c"
links_by "cp '$work/liar' \"\$out\""
PATH=$work/bin:$PATH until_so "a liar" \
	says_here 'stdout differs from the local run'
is "a liar: steps" 0 "$(steps)"

links_by 'echo "no C library" >&2; exit 1'
PATH=$work/bin:$PATH until_so "no C library" says_here 'no C library'
is "no C library: steps" 0 "$(steps)"
farm_end
