#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: full
#
# The Debian packages of `make deb`.  lintian, if installed, reports nothing.
# In a copy of this system (an overlay that is discarded) the packages install,
# their programs work, and their removal leaves no file.
. "$(dirname "$0")/../farm/lib.sh"

own_mounts "$@"

make_packages()
{
	# The test checks the contents, so compress quickly.
	DPKG_DEB_COMPRESSOR_LEVEL=1 make -s -C "$root" deb
}

# Run a command in the copy as root, with a standard PATH.
inside()
{
	chroot "$copy" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

copy_system()
{
	copy=$work/copy
	mkdir -p "$copy" "$work/layer"
	mount -t tmpfs none "$work/layer" && mounts+=("$work/layer") &&
		mkdir "$work/layer"/{up,work} &&
		mount -t overlay -o "lowerdir=/,upperdir=$work/layer/up,workdir=\
$work/layer/work" none "$copy" && mounts=("$copy" "${mounts[@]}") &&
		mount -t proc none "$copy/proc" &&
		mounts=("$copy/proc" "${mounts[@]}") &&
		mount --bind /dev "$copy/dev" &&
		mounts=("$copy/dev" "${mounts[@]}") &&
		mkdir -p "$copy/tmp/deb" && cp "$debs"/*.deb "$copy/tmp/deb/"
}

complete_in_bash()
{
	# shellcheck disable=SC2016
	inside bash -c '. /usr/share/bash-completion/completions/kfarm.bash &&
		complete -p kfarm'
}

try_installed()
{
	check "they install" inside dpkg -i "/tmp/deb/kfarm_$version.deb" \
		"/tmp/deb/kfarmd_$version.deb"
	is "kfarm is there" "$("$bin/kfarm" --version)" \
		"$(inside kfarm --version)"
	is "kfarmd is there" "$("$bin/kfarmd" --version)" \
		"$(inside kfarmd --version)"
	check "kfarm's own wrapper is there" inside test -x /usr/bin/kfarm-cc
	check "so is make's shell" inside test -x /usr/lib/kfarm/sh
	is "the static kfarmds are there" \
		"$(cd "$bin/nodes" 2>/dev/null && echo kfarmd-*)" \
		"$(cd "$copy/usr/lib/kfarm/nodes" && echo kfarmd-*)"
	check "bash completes" complete_in_bash
	is "each program and each command has a page" \
		"$(cd "$root/man" && printf '%s.gz\n' kfarm*.[18] | LC_ALL=C sort | xargs)" \
		"$(cd "$copy/usr/share/man" && basename -a man1/kfarm*.gz \
			man8/kfarm*.gz | LC_ALL=C sort | xargs)"
	is "the node's key is the service's alone" "600 kfarm" \
		"$(inside stat -c '%a %U' /etc/kfarm/key.pem)"
	check "systemd knows all that the unit says" \
		inside systemd-analyze verify --man=no kfarmd.service
	key=$(sha256sum <"$copy/etc/kfarm/key.pem")
	check "they install again" inside dpkg -i \
		"/tmp/deb/kfarmd_$version.deb"
	is "and the key is the old one" "$key" \
		"$(sha256sum <"$copy/etc/kfarm/key.pem")"
	check "they go" inside dpkg -P kfarm kfarmd
	is "nothing stays" "" "$(inside sh -c 'ls -d /etc/kfarm \
		/var/lib/kfarm /usr/lib/kfarm /usr/share/kfarm \
		/usr/bin/kfarm* 2>/dev/null')"
}

# inside_machine COMMAND...: run a command in the copy with its own init,
# because user namespaces do not work in a chroot.
inside_machine()
{
	# shellcheck disable=SC2016
	unshare -m -p --fork --propagation private bash -c 'cd "$1" && shift &&
		mkdir -p old && mount --rbind . . && cd "$PWD" &&
		mount -t proc none proc && pivot_root . old && cd / &&
		umount -l old && env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
			"$@"' sh "$copy" "$@"
}

# Without user namespaces, the service runs as root with the capabilities that
# sandboxes need.  Once they are available, it drops them.
try_refused()
{
	local drop=etc/systemd/system/kfarmd.service.d/kfarm-root.conf

	cc -std=gnu17 -D_GNU_SOURCE -O1 -o "$copy/tmp/old-kernel" \
		"$root/tests/lib/old-kernel.c" || exit 1
	check "user namespaces refused: it installs" inside_machine \
		/tmp/old-kernel -u 6.1 dpkg -i "/tmp/deb/kfarmd_$version.deb"
	is "user namespaces refused: the unit's user is root" "kfarm root" \
		"$(users)"
	is "user namespaces refused: the key is root's" "600 root" \
		"$(inside stat -c '%a %U' /etc/kfarm/key.pem)"
	check "user namespaces refused: systemd knows what the unit says" \
		inside systemd-analyze verify --man=no kfarmd.service
	check "in a chroot no user is chosen" inside dpkg-reconfigure kfarmd
	is "and all stays" "kfarm root" "$(users)"
	check "user namespaces for all: it is configured again" \
		inside_machine dpkg-reconfigure kfarmd
	is "user namespaces for all: the unit's user is kfarm" kfarm "$(users)"
	is "user namespaces for all: so is the key's" "600 kfarm" \
		"$(inside stat -c '%a %U' /etc/kfarm/key.pem)"
	inside_machine /tmp/old-kernel -u 6.1 dpkg-reconfigure kfarmd
	check "user namespaces refused: it goes" inside dpkg -P kfarmd
	check "user namespaces refused: nothing stays" test ! -e \
		"$copy/${drop%/*}"
}

# Print the user of the unit and the selected one.
users()
{
	# shellcheck disable=SC2016
	inside sh -c 'cat /lib/systemd/system/kfarmd.service \
		/etc/systemd/system/kfarmd.service.d/* 2>/dev/null' |
		sed -n 's/^User=//p' | xargs
}

farm_begin
if ! command -v dpkg-deb >/dev/null; then
	left_out "packages" "no dpkg here"
	farm_end
fi
debs=$root/build/deb
check "they can be made" make_packages
version=$(sed -n 's/.*KFARM_VERSION "\(.*\)"/\1/p' \
	"$root/kbuild-farm/base/version.h")
version=$version-0kfarm1_$(dpkg --print-architecture)
if command -v lintian >/dev/null; then
	check "lintian reports nothing" lintian --allow-root --fail-on \
		error,warning,info "$debs/kfarm_$version.deb" \
		"$debs/kfarmd_$version.deb"
else
	left_out "lintian" "it is not installed"
fi
if [ "$(id -u)" -ne 0 ]; then
	left_out "installing" "that needs root"
elif ! copy_system 2>"$work/mount.log"; then
	left_out "installing" "no overlay: $(tail -n 1 "$work/mount.log")"
else
	try_installed
	try_refused
fi
farm_end
