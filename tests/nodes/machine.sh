# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# nodes/machine.sh - an emulated arm64 machine (qemu-system) as a node, with
# Debian's kernel and libc, busybox, and the static kfarmd of `make nodes` over
# TLS
#
#	machine_lacks		print why machines are unsupported, or nothing
#	machine_start NAME PORT	boot it; its address is 127.0.0.1, PORT, and it
#				admits the key in $XDG_CONFIG_HOME/kfarm
#	machine_node NAME PORT	add it to $KFARM_CONFIG
#	machine_stop		switch all machines off
#
# $work/NAME.log is the console.
machine_root=$root/build/debian/root/arm64
machine_modules='drivers/virtio/virtio_ring drivers/virtio/virtio
	drivers/virtio/virtio_pci_modern_dev
	drivers/virtio/virtio_pci_legacy_dev drivers/virtio/virtio_pci
	net/core/failover drivers/net/net_failover drivers/net/virtio_net'

machine_qemu=$(command -v qemu-aarch64-static || echo qemu-aarch64)

machine_lacks()
{
	local program

	for program in qemu-system-aarch64 "$machine_qemu" cpio; do
		command -v "$program" >/dev/null || echo "no $program"
	done
	[ -e "$bin/nodes/kfarmd-arm64" ] || echo "no $bin/nodes/kfarmd-arm64"
	[ -e "$machine_root/bin/busybox" ] ||
		echo "nothing to boot: scripts/packages install arm64"
}

# Move from the initramfs to a file system that pivot_root() can leave.
machine_write_init()
{
	cat >"$1/init" <<-'END'
	#!/bin/busybox sh
	/bin/busybox mount -t tmpfs -o size=80% none /new
	/bin/busybox cp -a /bin /etc /lib /run-node /proc /sys /dev /tmp /var /new/
	exec /bin/busybox switch_root /new /run-node
	END
	cat >"$1/run-node" <<-'END'
	#!/bin/busybox sh
	/bin/busybox --install -s /bin
	export PATH=/bin
	mount -t proc none /proc
	mount -t sysfs none /sys
	mount -t devtmpfs none /dev
	hostname emulated
	while read -r module; do
		insmod /lib/$module
	done </lib/order
	ip link set lo up
	ip link set eth0 up
	ip addr add 10.0.2.15/24 dev eth0
	ip route add default via 10.0.2.2
	kfarmd --check
	kfarmd --config /etc/kfarm --listen 3634
	poweroff -f
	END
	chmod +x "$1/init" "$1/run-node"
}

# machine_make DIR: fill DIR with the files of the initramfs.
machine_make()
{
	local from module

	mkdir -p "$1"/{bin,proc,sys,dev,tmp,new,lib,var/lib,etc/kfarm} &&
		cp "$machine_root/bin/busybox" "$1/bin/" &&
		cp "$bin/nodes/kfarmd-arm64" "$1/bin/kfarmd" || return
	# The dynamic loader and the libraries of a board's compilers.
	mkdir "$1/lib/aarch64-linux-gnu" && cp -L \
		"$machine_root"/lib/aarch64-linux-gnu/lib{c.so.6,m.so.6,dl.so.2} \
		"$machine_root"/lib/aarch64-linux-gnu/libpthread.so.0 \
		"$1/lib/aarch64-linux-gnu/" &&
		cp -L "$machine_root/lib/ld-linux-aarch64.so.1" "$1/lib/" ||
		return
	from=$(echo "$machine_root"/lib/modules/*/kernel)
	for module in $machine_modules; do
		cp "$from/$module.ko" "$1/lib/" || return
		echo "${module##*/}.ko" >>"$1/lib/order"
	done
	"$machine_qemu" "$1/bin/kfarmd" --config "$1/etc/kfarm" --init \
		>"$1.key" || return
	echo "$("$bin/kfarmd" --config "$XDG_CONFIG_HOME/kfarm" --init |
		tail -n 1) build" >"$1/etc/kfarm/clients"
	machine_write_init "$1"
}

machine_start()
{
	local dir=$work/$1

	machine_make "$dir" || return
	(cd "$dir" && find . | cpio -o -H newc --quiet | gzip -1) \
		>"$dir.initrd" || return
	qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 2 -m 3000 \
		-accel tcg,thread=multi -nographic -no-reboot \
		-kernel "$machine_root"/boot/vmlinuz-* -initrd "$dir.initrd" \
		-append "console=ttyAMA0 quiet panic=-1" \
		-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$2-:3634" \
		-device virtio-net-pci,netdev=net,romfile= \
		>"$dir.log" 2>&1 </dev/null &
	echo $! >"$dir.pid" # check runs this function in a subshell
	wait_for 300 grep -q 'listening on' "$dir.log"
}

machine_node()
{
	cat >>"$KFARM_CONFIG" <<-END
	[node "$1"]
		address = tls:127.0.0.1:$2
		key = $(tail -n 1 "$work/$1.key")
	END
}

machine_stop()
{
	local file

	for file in "$work"/*.pid; do
		[ ! -e "$file" ] || kill "$(cat "$file")" 2>/dev/null
	done
}
