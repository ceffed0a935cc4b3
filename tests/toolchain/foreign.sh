#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# A node that runs another machine's programs by qemu-user (binfmt_misc), as
# --host announces.  The node installs the arm64 build of a compiler, queries
# its driver and compiles with it in sandboxes.  The object equals that of this
# machine's build of the same release.  All of it runs in private user and mount
# namespaces, for which Linux 6.7 supports binfmt_misc.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/archives.sh"
. "$(dirname "$0")/qemu.sh"

driver=gcc-12.2.0-nolibc/aarch64-linux/bin/aarch64-linux-gcc
toolchain_begin

# Compile the client program.
make_client()
{
	local lib=$bin/lib attack=$root/tests/farm/attack

	cc -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -g -Wall \
		-Wextra -I"$root/kbuild-farm" -o "$work/foreign" \
		"$root/tests/toolchain/foreign.c" "$attack"/{client,bundle}.c \
		-Wl,--start-group \
		"$lib"/{toolchain,compiler,fetch,wire,options,store,base}.a \
		-Wl,--end-group -llzo2 -lzstd -lcrypto -lcurl -levent -lpthread
}

# compile NAME ID HOST COMMAND...: compile x.c on the node that COMMAND starts.
compile()
{
	local name=$1 id=$2 host=$3

	shift 3
	"$@" "$work/foreign" "$work/$name" "$id" "$host" "$driver" \
		"$work/x.c" "$work/$name.o" "$bin/kfarmd" --stdio \
		--store "$work/nodes/$name/store" --host "$host"
}

unpack()
{
	mkdir -p "$work/$1" && tar -C "$work/$1" -xf "$archives/made/$2/"*"$3"
}

cat >"$work/x.c" <<'END'
#include <stddef.h>
struct s { double d; const char *s; };
size_t f(const struct s *s, int n)
{
	switch (n) {
	case 1: return s->d * 3.5;
	case 2: return s->s[4];
	case 3: return sizeof(*s);
	case 4: return offsetof(struct s, s);
	default: return s->s ? *s->s + n : 7;
	}
}
END
check "archives of compilers can be made" archives_make
check "the client can be made" make_client
check "this machine's build comes out of its archive" \
	unpack own "$archives_host" 12.2.0-nolibc-aarch64-linux.tar.xz
check "a node keeps this machine's build and compiles with it" \
	compile own gcc-12.2.0-aarch64-linux "$archives_host" env

if qemu_begin; then
	check "arm64's build comes out of its archive" \
		unpack arm64 arm64 12.2.0-nolibc-aarch64-linux.tar.xz
	check "a node with --host arm64 keeps it and compiles with it" \
		compile arm64 gcc-12.2.0-aarch64-linux-on-arm64 arm64 \
		"${qemu_inside[@]}"
	check "the two objects are equal" \
		cmp "$work/own.o" "$work/arm64.o"
fi
farm_end
