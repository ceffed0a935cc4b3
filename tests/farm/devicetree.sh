#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# devicetree.sh - device trees of arm64.  Nodes preprocess them and run dtc;
# every file of the build directory equals that of a plain make: the
# preprocessed text, both dependency lists and the saved commands.  Also tested:
# device trees that are built locally, a changed .dtsi, `steps = no`, a node
# that dies, and a device tree with an error.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/farm/step.sh
. "$(dirname "$0")/step.sh"

targets=(dtbs)
dts=arch/arm64/boot/dts

# Copy the tree, so that changes do not affect other tests.  Hard links would
# change the ctime of the files in the original, and kfarm takes such files for
# modified ones.
copy_tree()
{
	local from

	from=$(kernel_tree) || exit 1
	tree=$work/linux
	cp -a "$from" "$tree"
	# A third of the many similar boards suffices.
	sed -n -i '1~3p' "$tree/$dts/rockchip/Makefile"
}

# add NAME TEXT: add a device tree.
add()
{
	sed -i "1i dtb-y += $1.dtb" "$tree/$dts/ti/Makefile"
	echo "/dts-v1/; $2" >"$tree/$dts/ti/$1.dts"
}

# said LOG: print dtc's messages about the added device trees.
said()
{
	grep -h 'Warning (\|^Error: \|^FATAL ERROR' "$1" | sort
}

farm_begin
settings=$work/settings
printf 'CONFIG_ARCH_K3=y\nCONFIG_ARCH_ROCKCHIP=y\n' >"$settings"
copy_tree
add warns '/ { n { reg = <1>; }; };'
add includes '/include/ "more.dtsi"'
add reads '/ { d = /incbin/("more.dtsi"); };'
echo '/ { more; };' >"$tree/$dts/ti/more.dtsi"
farm_prepare tinyconfig
farm_reference "${targets[@]}"
is "plain make ends with" 0 "$plain_status"
trees=$(cd "$ref" && find $dts -name '*.dtb' | wc -l)
check "device trees: $trees" test "$trees" -ge 35
words=$(said "$work/plain.log")
check "dtc warns" test "$words"

with_nodes 1
kfarm_build "${targets[@]}"
farm_fresh
kfarm_build "${targets[@]}"
built "steps" $((trees - 3))
is "steps: words of dtc" "$words" "$(said "$work/kfarm.log")"
is "steps here" "3 compile ran locally" "$(steps_here)"
is "steps here, and why" "2 device tree with /include/ or /incbin/
1 warnings of a device tree" \
	"$(meta '.farm.reasons | to_entries[] | "\(.value) \(.key)"')"

# make rebuilds only the device trees whose included files have changed.
changed=$dts/rockchip/rk3399.dtsi
users=$(cd "$ref" && grep -l 'rk3399\.dtsi' $dts/rockchip/.*.dtb.cmd | wc -l)
check "trees that include a file: $users" test "$users" -ge 5
sed -i 's/serial0 = &uart0;/serial0 = \&uart1;/' "$tree/$changed"
kfarm_build "${targets[@]}"
is "it changes: kfarm ends with" 0 $?
is "it changes: steps" "$users" "$(steps)"
mv "$build" "$work/later"
farm_reference "${targets[@]}"
mv "$work/later" "$build"
equal "it changes"

farm_fresh
with_nodes 1 steps=no
kfarm_build "${targets[@]}"
built "steps = no" 0
is "steps = no: steps here" "$trees steps = no" "$(steps_here)"

cached_steps "$trees" 3
is "full cache: words of dtc" "$words" "$(said "$work/kfarm.log")"

made()
{
	[ "$(find "$build/$dts" -name '*.dtb' 2>/dev/null | wc -l)" -gt "$1" ]
}

farm_fresh
with_nodes 2
kfarm_start "${targets[@]}"
wait_for 600 made 5
kill -KILL "$(node_pid node1)"
kfarm_wait
built "a node dies"
check "a node dies: steps: $(steps)" test "$(steps)" -gt 5
gone "a node dies"

# dtc fails with the message of a plain make, and writes no blob.
echo '/dts-v1/; / { n = <&nowhere>; ' >"$tree/$dts/ti/warns.dts"
farm_fresh
plain ti/warns.dtb >"$work/plain.log" 2>&1
is "in error: plain make ends with" 2 $?
farm_fresh
with_nodes 1
kfarm_build ti/warns.dtb
is "in error: kfarm ends with" 2 $?
is "in error: words" "$(said "$work/plain.log")" "$(said "$work/kfarm.log")"
check "in error: no blob" test ! -e "$build/$dts/ti/warns.dtb"
no_temporaries "in error"

farm_end
