# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# farm/tree.sh - the kernel source for tests and benchmarks.  The script that
# sources this file must set `root` (the project's directory) first.
#
#	KFARM_LINUX	a clean kernel tree to use (default: build/linux)
#	KFARM_LINUX_TAR	the archive from which build/linux is unpacked

# kernel_tree [VERSION]: print the directory of a clean kernel tree.  The first
# call unpacks Debian's 6.1, which a later release lacks, else the newest one, or
# VERSION, unless the variables above name a tree or an archive.
kernel_tree()
{
	local tar=${KFARM_LINUX_TAR:-/usr/src/linux-source-6.1.tar.xz}
	# shellcheck disable=SC2154
	local dir=${KFARM_LINUX:-$root/build/linux}

	[ -e "$tar" ] || [ "${KFARM_LINUX_TAR:-}" ] ||
		tar=$(find /usr/src -name 'linux-source-*.tar.xz' | sort -V |
			tail -n 1)

	if [ "${1:-6.1}" != 6.1 ]; then
		tar=/usr/src/linux-source-$1.tar.xz
		# of `scripts/packages install kernels`
		[ -e "$tar" ] || tar=$root/build/debian/kernels$tar
		dir=$root/build/linux-$1
	fi
	mkdir -p "$root/build"
	(
		flock 9
		[ ! -e "$dir/Makefile" ] || exit 0
		if [ ! -e "$tar" ]; then
			echo "no kernel source $tar: set KFARM_LINUX to a" \
				"clean tree, or KFARM_LINUX_TAR" >&2
			exit 1
		fi
		rm -rf "$dir.part"
		mkdir -p "$dir.part" &&
			tar -xf "$tar" --strip-components=1 -C "$dir.part" &&
			mv "$dir.part" "$dir"
	) 9>"$root/build/linux.lock" && (cd "$dir" && pwd)
}
