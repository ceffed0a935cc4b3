#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# The artifacts of a build.  Archives have the same bytes whatever the umask and
# the time, are not packed again while nothing has changed, and are complete or
# absent after kfarm is killed or a disk fills up.  Installations go to the
# given directories, reproducer.sh rebuilds the same files, and metadata.json is
# valid for readers of tuxmake's schema.
#
# KILLS is the number of times that kfarm is killed (8; 100 with SOAK=1).
. "$(dirname "$0")/lib.sh"
own_mounts "$@"

farm_begin
no_nodes
tree=$work/tree
"$root/tests/farm/mini/generate" "$tree" 12 2 || exit 1

# Add modules, device trees and headers to the small tree.  A file next to the
# tree counts the installations.
more_targets()
{
	cat <<'END'
modules: vmlinux
	@for m in alpha beta; do $(LD) -r -o $$m.ko.new $$m/start.o && \
		{ cmp -s $$m.ko.new $$m.ko || cp $$m.ko.new $$m.ko; }; \
		rm $$m.ko.new; done
	@[ -e big.ko ] || cat beta.ko $(srctree)/../random >big.ko
	@[ -e modules.order ] || printf '%s\n' alpha.ko beta.ko big.ko >modules.order
Image: modules.builtin
modules.builtin: vmlinux
	@echo kernel/start.ko >$@
modules_install:
	@cp modules.builtin $(srctree)/../
	@mkdir -p $(INSTALL_MOD_PATH)/lib/modules/6.1.77
	@cp *.ko $(INSTALL_MOD_PATH)/lib/modules/6.1.77
	@ln -sfn $(CURDIR) $(INSTALL_MOD_PATH)/lib/modules/6.1.77/build
	@echo modules >>$(srctree)/../installed
dtbs: prepare
	@mkdir -p arch/arm64/boot/dts && cp -u $(srctree)/arch/arm64/boot/dts/a.dts arch/arm64/boot/dts/a.dtb
dtbs_install:
	@mkdir -p $(INSTALL_DTBS_PATH)/x && cp arch/arm64/boot/dts/a.dtb $(INSTALL_DTBS_PATH)/x/
	@echo dtbs >>$(srctree)/../installed
headers: prepare
	@mkdir -p usr/include/linux && cp -u $(srctree)/include/linux/common.h usr/include/linux/
headers_install: headers
	@mkdir -p $(INSTALL_HDR_PATH) && cp -r usr/include $(INSTALL_HDR_PATH)/
	@echo headers >>$(srctree)/../installed
bindeb-pkg: Image
	@mkdir -p debian && echo deb >../linux-image.deb
	@echo 'linux-image.deb kernel optional' >debian/files
END
}

sed -i '/^modules dtbs modules_install dtbs_install: prepare$/,+1d' \
	"$tree/Makefile"
more_targets >"$work/more"
head -c 1500000 /dev/urandom >"$work/random"
sed -i "/^FORCE:$/r $work/more" "$tree/Makefile"
mkdir -p "$tree/arch/arm64/boot/dts"
echo dts >"$tree/arch/arm64/boot/dts/a.dts"
sed -i 's/CONFIG_MINI=y\\n/CONFIG_MINI=y\\nCONFIG_MODULES=y\\n/' \
	"$tree/Makefile"
farm_prepare defconfig
farm_fresh
targets=(Image modules dtbs headers)
archives=(modules.tar.xz dtbs.tar.xz headers.tar.xz)

installed()
{
	sort "$work/installed" 2>/dev/null | uniq -c | awk '{ print $2 $1 }' |
		paste -sd ' '
}

# same NAME: check that the archives in $work/out equal those in $work/first.
same()
{
	local f

	for f in "${archives[@]}" Image System.map; do
		check "$1: $f" cmp "$work/first/$f" "$work/out/$f"
	done
}

# build_into ARG...: like kfarm_build, but do not empty the output directory
# first.
build_into()
{
	env KFARM_BUILD_MARK="$work" "$bin/kfarm" build -C "$tree" \
		-b "$build" -o "$work/out" "${vars[@]}" "$@" \
		>"$work/kfarm.log" 2>&1 </dev/null
}

# ---- the same bytes, and once ----

check "the first build" kfarm_build "${targets[@]}"
is "the first build installs each once" "dtbs1 headers1 modules1" "$(installed)"
cp -a "$work/out" "$work/first"
check "the second build" build_into "${targets[@]}"
is "the second build installs nothing" "dtbs1 headers1 modules1" "$(installed)"
same "the second build"
check "into another directory" kfarm_build "${targets[@]}"
is "another directory installs nothing" "dtbs1 headers1 modules1" "$(installed)"
same "another directory"
chmod u+w "$work/out/modules.tar.xz"
echo spoilt >"$work/out/modules.tar.xz"
kfarm_build "${targets[@]}"
same "after a user's change in an output directory"

echo more >>"$tree/arch/arm64/boot/dts/a.dts"
kfarm_build "${targets[@]}"
is "a change of a device tree" "dtbs2 headers1 modules1" "$(installed)"
sed -i '$d' "$tree/arch/arm64/boot/dts/a.dts"
rm -f "$build/arch/arm64/boot/dts/a.dtb"
kfarm_build "${targets[@]}"
same "and back"

# Use another umask, a later time and an empty cache.
later()
{
	farm_fresh
	rm -rf "$XDG_CACHE_HOME/kfarm/kept"
	find "$tree" -mindepth 2 -exec touch -d '2001-01-01' {} +
	umask 077
	kfarm_build "${targets[@]}"
	umask 022
}
later
same "another umask, later"

# As in a kernel, `make modules` creates the modules but no list of builtin ones.
farm_fresh
check "modules without vmlinux" kfarm_build modules
check "modules without vmlinux: the module" test -s "$build/alpha.ko"
is "modules without vmlinux: no archive" "" "$(ls "$work/out" | grep modules)"
check "modules without vmlinux: the reason" grep -qF \
	'no modules.tar.xz: modules_install needs modules.builtin' \
	"$work/kfarm.log"
check "modules with vmlinux" kfarm_build "${targets[@]}"
check "modules with vmlinux: the archive" test -s "$work/out/modules.tar.xz"

# ---- installations ----

mkdir -p "$work/here"
(cd "$work/here" && rm -rf "$work/out" && build_into modules_install \
	dtbs_install INSTALL_MOD_PATH=board INSTALL_DTBS_PATH=board/boot)
is "installed where it was sent, as seen from the caller" \
	"board/boot/x/a.dtb board/lib/modules/6.1.77/big.ko" \
	"$(cd "$work/here" && find . -name a.dtb -o -name big.ko | sort |
		sed 's,^\./,,' | paste -sd ' ')"
is "and nowhere else" "" "$(find "$build" "$work/out" -path '*lib/modules*')"
is "which is not packed" "" "$(find "$work/out" -name '*.tar*')"
refused=$(build_into modules_install; echo $?; cat "$work/kfarm.log")
check "a foreign kernel's modules stay out of /lib/modules" \
	grep -q 'INSTALL_MOD_PATH=DIR' <<<"$refused"
is "that is status" 1 "${refused%%$'\n'*}"
check "a package" kfarm_build bindeb-pkg
is "is in the output directory" deb "$(cat "$work/out/linux-image.deb")"
sed 's/CONFIG_MODULES=y/# CONFIG_MODULES is not set/' -i "$build/.config"
check "modules that there are none of" kfarm_build modules Image
check "are skipped with the reason" grep -q \
	'^skipped modules: CONFIG_MODULES is not set$' "$work/kfarm.log"
is "in metadata.json" SKIP "$(meta .results.targets.modules.status)"

# ---- metadata.json for readers that know only tuxmake's schema ----

farm_fresh
kfarm_build "${targets[@]}" kselftest
# The optional fields and their types, from docs/metadata.md of tuxmake 1.43.
schema='
def strings: type == "array" and all(.[]; type == "string");
def number: type == "number";
def text: type == "string";
def int: type == "number" and . == floor;
def optional(f): . == null or f;
(.build | (.targets | strings) and (.target_arch | text) and
	(.toolchain | text) and (.wrapper | text) and
	(.environment | type == "object" and all(.[]; text)) and
	(.kconfig | text) and (.kconfig_add | strings) and (.jobs | int) and
	(.reproducer_cmdline | strings) and (.runtime | text) and
	(.verbose | type == "boolean")),
(.results | (.status | IN("PASS", "FAIL", "WARNING")) and
	(.targets | all(.[]; (.status |
		IN("PASS", "FAIL", "SKIP", "WARNING")) and
		(.duration | number))) and
	(.artifacts | all(.[]; strings)) and (.errors | int) and
	(.warnings | int) and (.duration | all(.[]; number))),
(.source | (.kernelversion | text) and (.kernelrelease | optional(text))),
(.git // {} | all(.[]; text or type == "object" or type == "boolean")),
(.compiler | (.name | text) and (.version | text) and (.version_full | text)),
(.tools | all(.[]; text)),
(.artifacts | (.modules | strings) and (.dtbs | strings)),
(.vmlinux | (.text_size | int) and (.data_size | int) and
	(.bss_size | int) and (.file_size | int)),
(.system_map // {} | .text_offset | optional(test("^0x[0-9a-f]+$"))),
(.resources.disk_space | int),
(.hardware | (.cores | int) and (.ram | int) and (.free_disk_space | int)),
(.os | (.name | text) and (.version | text)),
(.uname | (.kernel | text) and (.kernel_release | text) and
	(.kernel_version | text) and (.machine | text) and
	(.operating_system | text))'
is "metadata.json as tuxmake's readers expect it" "true" \
	"$(jq "$schema" "$work/out/metadata.json" 2>&1 | sort -u | paste -sd ' ')"
is "the files that it lists are there" "" "$(meta '.results.artifacts[][]' |
	while read -r f; do [ -e "$work/out/$f" ] || echo "$f"; done)"
is "modules as tar lists them" \
	"$(tar tf "$work/out/modules.tar.xz" | grep -v '/$' | sort)" \
	"$(meta '.artifacts.modules[]')"
is "vmlinux as size(1) counts" \
	"$(size "$build/vmlinux" | awk 'NR == 2 { print $1, $2, $3 }')" \
	"$(meta '.vmlinux | "\(.text_size) \(.data_size) \(.bss_size)"')"
is "a module, too" "$(size "$build/alpha.ko" | awk 'NR == 2 { print $1 }')" \
	"$(meta '.sizes["alpha.ko"].text')"

# ---- reproducer.sh ----

farm_fresh
kfarm_build Image modules dtbs
rm -rf "$work/kfarms"
mv "$build" "$work/kfarms"
mkdir "$work/kept"
cp "$work/out/reproducer.sh" "$work/out/config" "$work/kept/"
check "reproducer.sh with make alone" env -i HOME="$HOME" \
	PATH=/usr/bin:/bin sh "$work/kept/reproducer.sh"
check "makes the same files as kfarm" compare_trees "$work/kfarms" "$build"
rm -rf "$build"
check "reproducer.sh --kfarm" env PATH="$bin:$PATH" \
	sh "$work/kept/reproducer.sh" --kfarm
check "makes it, too" compare_trees "$work/kfarms" "$build"

# ---- killed at any time ----

# whole: check that each file with a final name in $work/out is complete.
whole()
{
	local f

	for f in "$work"/out/*.tar.xz; do
		[ ! -e "$f" ] || xz -t "$f" || return
	done
	for f in Image System.map; do
		[ ! -e "$work/out/$f" ] || cmp "$work/first/$f" "$work/out/$f" ||
			return
	done
	[ ! -e "$work/out/metadata.json" ] ||
		jq . "$work/out/metadata.json" >/dev/null
}

left()
{
	find "$work/out" "$XDG_CACHE_HOME/kfarm/kept" -name '.stage' -o \
		-name '.*.kfarm.*' 2>/dev/null
}

kills=0
torn=0
wrong=0
swept=0
reached=0
for round in $(rounds "${KILLS:-8}" 100); do
	rm -rf "$XDG_CACHE_HOME/kfarm/kept"
	rm -rf "$work/out"
	setsid env KFARM_BUILD_MARK="$work" "$bin/kfarm" build -C "$tree" \
		-b "$build" -o "$work/out" --ui plain "${vars[@]}" \
		"${targets[@]}" >"$work/kfarm.log" 2>&1 </dev/null &
	kfarm=$!
	wait_for 60 grep -q '] artifacts$' "$work/kfarm.log"
	sleep "0.$(printf %03d $((RANDOM * 250 / 32768)))"
	kill -KILL "$kfarm" 2>/dev/null && kills=$((kills + 1))
	wait "$kfarm" 2>/dev/null
	stop_all
	[ -z "$(left)" ] || reached=$((reached + 1))
	whole || torn=$((torn + 1))
	build_into "${targets[@]}" || wrong=$((wrong + 1))
	for f in "${archives[@]}"; do
		cmp -s "$work/first/$f" "$work/out/$f" || wrong=$((wrong + 1))
	done
	[ -z "$(left)" ] || { swept=$((swept + 1)); left; }
done
echo "      round $round: $kills killed, $reached of them while writing"
is "killed while artifacts are written: torn files" 0 "$torn"
is "killed: wrong files of the next run" 0 "$wrong"
is "killed: left-overs after the next run" 0 "$swept"

# ---- a disk that is full at each stage ----

small=$work/small
if small_disk "$small" 20000; then
	said=0
	ends=0
	for kib in 1100 1400 2000 2600 4000; do
		rm -rf "$XDG_CACHE_HOME/kfarm/kept" "$small/out" "$work/out"
		mount -o "remount,size=${kib}k" "$small"
		"$bin/kfarm" build -C "$tree" -b "$build" -o "$small/out" \
			"${vars[@]}" "${targets[@]}" >"$work/kfarm.log" 2>&1
		status=$?
		[ $status != 0 ] || break
		ends=$((ends + 1))
		if [ $status = 2 ] && tail -n 1 "$work/kfarm.log" | grep -q \
			"kfarm: .*$small/out.*No space left on device.*free some space"
		then
			said=$((said + 1))
		else
			sed 's/^/      /' "$work/kfarm.log"
		fi
		cp -a "$small/out" "$work/out"
		check "disk of $kib KiB: no file is incomplete" whole
	done
	at_most "disks that were too small" 4 "$ends"
	is "each said so, and what to do" "$ends" "$said"
	mount -o remount,size=30000k "$small"
	"$bin/kfarm" build -C "$tree" -b "$build" -o "$small/out" \
		"${vars[@]}" "${targets[@]}" >"$work/kfarm.log" 2>&1
	is "with room again" 0 $?
	check "the archive" cmp "$work/first/modules.tar.xz" \
		"$small/out/modules.tar.xz"
	# An archive cache without room is not a failure.
	rm -rf "$XDG_CACHE_HOME/kfarm/kept"
	mkdir -p "$XDG_CACHE_HOME/kfarm/kept"
	mount -t tmpfs -o size=64k full "$XDG_CACHE_HOME/kfarm/kept"
	check "no room for what is kept" build_into "${targets[@]}"
	same "no room for what is kept"
	umount "$XDG_CACHE_HOME/kfarm/kept"
	small_disk_gone "$small"
else
	left_out "full disks" "cannot mount a tmpfs"
fi
farm_end
