#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# The unit of kfarmd, started by a systemd that is the init of some namespaces
# with a root of their own: it listens, and its jobs' sandbox can be built in
# spite of all that the unit shuts it off from.
. "$(dirname "$0")/../farm/lib.sh"

if [ ! "${KFARM_SYSTEMD:-}" ]; then
	farm_begin
	mkdir -p "$work/out"
	chmod 755 "$work" "$work/out"
	if [ "$(id -u)" -ne 0 ] || [ ! -x /lib/systemd/systemd ] ||
		[ ! -x "$bin/nodes/kfarmd-$(uname -m)" ]; then
		left_out systemd "not root, no systemd, or no static kfarmd"
		farm_end
	fi
	KFARM_SYSTEMD=$work timeout -s KILL 60 unshare -m -p -n -u -i -C -f \
		--kill-child --mount-proc "$0" >"$work/log" 2>&1
	if [ ! -e "$work/out/began" ]; then
		left_out systemd "it does not start in namespaces here"
		farm_end
	fi
	is "kfarmd runs" active "$(cat "$work/out/active")"
	check "it listens" grep -q ':3634 ' "$work/out/listens"
	check "and said so" grep -q 'listening at .*:3634' "$work/out/journal"
	is "as its own user" kfarm "$(cat "$work/out/user")"
	check "a sandbox can be built in it" grep -q '^sandbox: ok' \
		"$work/out/check"
	[ "$failed" -eq 0 ] || cat "$work/out"/*
	farm_end
fi

# From here on the first process of these namespaces: it makes the root, which is
# in memory, and becomes systemd.
set -e
trap - EXIT
new=$KFARM_SYSTEMD/root
mkdir "$new"
mount --make-rprivate /
mount -t tmpfs -o mode=755 root "$new"
cd "$new"
mkdir usr etc var run tmp proc sys dev root home srv old
for dir in bin sbin lib lib32 lib64 libx32; do
	[ ! -L /$dir ] || cp -a /$dir .
done
mount --bind /usr usr
mount -o remount,bind,ro usr
mount --bind "$KFARM_SYSTEMD/out" srv
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm dev/mqueue dev/hugepages
for node in null zero full random urandom tty; do
	: >dev/$node
	mount --bind /dev/$node dev/$node
done
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
: >dev/console
: >dev/kmsg
mount -t tmpfs run run
mount -t tmpfs tmp tmp
if [ -d /sys/fs/cgroup/systemd ]; then
	mount -t tmpfs cgroup sys/fs/cgroup
	mkdir sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd,xattr cgroup sys/fs/cgroup/systemd
else
	mount -t cgroup2 cgroup2 sys/fs/cgroup
fi

mkdir -p etc/systemd/system etc/kfarm root/bin
cp /etc/nsswitch.conf /etc/ld.so.cache /etc/os-release etc/
printf '%s\n' root:x:0:0::/root:/bin/sh kfarm:x:990:990::/:/bin/false \
	nobody:x:65534:65534::/:/bin/false >etc/passwd
printf '%s\n' root:x:0: kfarm:x:990: nogroup:x:65534: >etc/group
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
cp "$bin/nodes/kfarmd-$(uname -m)" var/kfarmd
chmod 755 var/kfarmd
var/kfarmd --config etc/kfarm --init
chown 990 etc/kfarm/key.pem
units=etc/systemd/system
sed 's|/usr/bin/kfarmd|/var/kfarmd|' "$root/templates/systemd/kfarmd.service" \
	>$units/kfarmd.service
# The same unit, but for what it runs.
sed -e 's|^ExecStart=.*|ExecStart=/var/kfarmd --check|' -e '/^Restart/d' \
	-e 's|^\[Service\]|&\nType=oneshot\nStandardOutput=file:/srv/check|' \
	$units/kfarmd.service >$units/checked.service
cat >$units/told.service <<'END'
[Unit]
After=kfarmd.service checked.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c ': >/srv/began; i=0; while [ $i -lt 50 ] && ! ss -Hltn | grep -q :3634; do sleep 0.2; i=$((i + 1)); done; systemctl is-active kfarmd >/srv/active; ss -Hltn >/srv/listens; ps -o user= -C kfarmd >/srv/user; journalctl -q -u kfarmd -u checked --no-pager >/srv/journal; systemctl exit --force --force'
END
printf '[Unit]\nDefaultDependencies=no\nWants=kfarmd.service %s\n' \
	'checked.service told.service' >$units/all.target
pivot_root . old
umount -l old
export container=unshare
exec /lib/systemd/systemd --system --unit=all.target </dev/null
