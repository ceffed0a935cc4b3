# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# toolchain/qemu.sh - arm64 programs on this machine by qemu-user, in private
# user and mount namespaces, for which Linux 6.7 supports binfmt_misc
#
# After `qemu_begin`, the prefix "${qemu_inside[@]}" runs a command there.  If
# this machine lacks a requirement, qemu_begin prints it and returns false.

# The registration for the kernel.  F: qemu is opened now, so that it is
# available in a sandbox too.
qemu_write()
{
	local qemu=$1 libraries=$2 zero='\x00\x00\x00\x00\x00\x00\x00\x00'

	mkdir -p "$work/libs/aarch64-linux-gnu" "$work/overlay"
	cp -L "$libraries"/ld-linux-aarch64.so.1 "$work/libs/" &&
		cp -L "$libraries"/lib{c.so.6,m.so.6,dl.so.2,pthread.so.0} \
			"$work/libs/aarch64-linux-gnu/" || return
	cat >"$work/inside" <<END
#!/bin/sh
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 77
printf '%s' ':kfarm-arm64:M::\\x7fELF\\x02\\x01\\x01\\x00$zero\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$qemu:F' \\
	>/proc/sys/fs/binfmt_misc/register || exit 77
mount -t overlay -o "userxattr,lowerdir=/usr/lib,upperdir=$work/libs,workdir=$work/overlay" none /usr/lib || exit 77
exec "\$@"
END
	chmod +x "$work/inside"
}

qemu_begin()
{
	local qemu libraries=/usr/aarch64-linux-gnu/lib

	qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64)
	qemu_inside=(unshare -Urm "$work/inside")
	if [ "$archives_host" != x86_64 ]; then
		left_out "arm64 by qemu" "this machine runs arm64 by itself"
	elif [ ! "$qemu" ] || [ ! -e "$libraries/ld-linux-aarch64.so.1" ]; then
		left_out "arm64 by qemu" "no qemu-user-static or libc for arm64"
	elif ! qemu_write "$qemu" "$libraries" ||
		! "${qemu_inside[@]}" true 2>"$work/inside.log"; then
		left_out "arm64 by qemu" "no binfmt_misc in a namespace:" \
			"$(tail -n 1 "$work/inside.log")"
	else
		return 0
	fi
	return 1
}
