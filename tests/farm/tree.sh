# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# farm/tree.sh - the kernel source that tests and benches build.  The script
# that sources it sets `root` (the project's directory) before.
#
#	KFARM_LINUX	a clean kernel tree to use (else build/linux)
#	KFARM_LINUX_TAR	what build/linux is unpacked from

# kernel_tree [VERSION]: print the directory of a clean kernel tree, unpacking it
# the first time; of Debian's 6.1, or of that version, unless the user has said
# which.
kernel_tree()
{
	local tar=${KFARM_LINUX_TAR:-/usr/src/linux-source-6.1.tar.xz}
	# shellcheck disable=SC2154
	local dir=${KFARM_LINUX:-$root/build/linux}

	if [ "${1:-6.1}" != 6.1 ]; then
		tar=/usr/src/linux-source-$1.tar.xz
		dir=$root/build/linux-$1
	fi
	mkdir -p "$root/build"
	(
		flock 9
		[ ! -e "$dir/Makefile" ] || exit 0
		if [ ! -e "$tar" ]; then
			echo "no kernel source: $tar; set KFARM_LINUX to a" \
				"clean tree, or KFARM_LINUX_TAR" >&2
			exit 1
		fi
		rm -rf "$dir.part"
		mkdir -p "$dir.part" &&
			tar -xf "$tar" --strip-components=1 -C "$dir.part" &&
			mv "$dir.part" "$dir"
	) 9>"$root/build/linux.lock" && (cd "$dir" && pwd)
}
