# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Messages of kfarm build for targets that print, ask, do not exist, or write
# only to the build directory, in the small tree of the farm tests.
export XDG_RUNTIME_DIR=$TMP/run
mkdir -p run
chmod 700 run
ln -s "$bin/kfarm-cc" bin/
"$1/../farm/mini/generate" "$TMP/tree" 3 2
cd tree || exit

# Mask times and the digits at the end of directory names.
plain()
{
	sed -E -e 's/^\[ *[0-9]+s\]/[Ns]/' -e 's/gcc-[0-9.]+/gcc-N/g' \
		-e 's/-[0-9a-f]{8}(\/|:| \(new|\.$|$)/-DIGITS\1/' \
		-e 's/[0-9:]+ wall, build host [0-9]+ s/T wall, build host T s/' \
		-e 's/[0-9:]+ wall, /T wall, /' \
		-e 's/-j [0-9]+: .*/-j N: .../' \
		-e 's/Makefile:[0-9]+/Makefile:N/'
}
# Print stdout and stderr separately, the status and the resulting files.
apart()
{
	local status

	printf '$ %s\n' "$*"
	"$@" >"$TMP/1" 2>"$TMP/2"
	status=$?
	sed 's/^/out: /' "$TMP/1"
	plain <"$TMP/2" | sed 's/^/err: /'
	[ $status -eq 0 ] || echo "[$status]"
}
left()
{
	(cd "$TMP" && find .cache/kfarm/build .cache/kfarm/builds -maxdepth 1 \
		2>/dev/null) | plain | LC_ALL=C sort
}

apart kfarm build -a arm64 help
apart kfarm build -a arm64 kernelversion
left
apart kfarm build -a arm64 kernelrelease
apart env --ignore-signal=CHLD kfarm build -a arm64 kernelrelease
apart kfarm build -a arm64 image_name kernelrelease
apart kfarm build -a arm64 no-help
left

apart kfarm build -a arm64 Imag
apart kfarm build -a arm64 -k tinyconfg
apart kfarm build -a arm64 alpha/unit_33.o
apart kfarm build -a arm64 alpha/unit_3.o beta/
apart kfarm build -a arm64 V=1 prepare
apart kfarm build -a arm64 -q V=1 prepare
KBUILD_VERBOSE=1 apart kfarm build -a arm64 V=0 prepare
apart kfarm build -a arm64 V=1 V=0 prepare

echo 7 | apart kfarm build -a arm64 menuconfig
grep LEVEL "$TMP"/.cache/kfarm/build/*/.config | plain
apart kfarm build -a arm64 prepare
echo 8 | apart kfarm build -a arm64 -k tinyconfig oldconfig prepare
apart kfarm build -a arm64 menuconfig

# The compiler that kfarm uses anyway is adopted and made the default, which
# recompiles nothing.
kfarm build -a arm64 -q alpha/unit_3.o 2>&1 | grep -o 'jobs [0-9]*:'
id=$(kfarm toolchain adopt aarch64-linux-gnu- | head -n 1)
run kfarm toolchain default arm64 "$id" | sed 's/-[0-9.]*-aarch64/-N-aarch64/'
apart kfarm build -a arm64 alpha/unit_3.o
apart kfarm build -a arm64 -t "$id" alpha/unit_3.o |
	sed 's/-[0-9.]*-aarch64-linux-gnu a/-N-aarch64-linux-gnu a/'

# A variable of make does not change the .config.
apart kfarm build -a arm64 -q -k tinyconfig CONFIG_EXT4_FS=y alpha/unit_3.o
apart kfarm build -a arm64 -k tinyconfig CONFIG_EXT4_FS=y CONFIG_SHELL=/bin/sh \
	alpha/unit_3.o

# Another configuration than .config is rejected before any file is written.
mkdir "$TMP/own"
echo CONFIG_LEVEL=5 >"$TMP/own/my.config"
KCONFIG_CONFIG=my.config apart kfarm build -a arm64 -b "$TMP/own" prepare
apart kfarm build -a arm64 -b "$TMP/own" -k tinyconfig \
	KCONFIG_CONFIG=my.config prepare
(cd "$TMP/own" && grep -r .)

# No path is relative to a working directory that was removed.
mkdir "$TMP/gone"
(
	cd "$TMP/gone" && rmdir "$TMP/gone" || exit
	apart kfarm build
	apart kfarm build -C tree
	for option in -brelative -orelative M=.; do
		apart kfarm build -C "$TMP/tree" -a arm64 -k tinyconfig \
			"$option" alpha/unit_3.o
	done
	apart kfarm build -q -C "$TMP/tree" -a arm64 -b "$TMP/absolute" \
		-k tinyconfig alpha/unit_3.o
)

# Each make here upgrades kfarm.  The running kfarm still finds kfarm-cc and sh
# by its path.
mkdir -p "$TMP"/inst/{bin,lib/kfarm,tools}
cp "$bin"/kfarm{,-cc} "$TMP/inst/bin"
cp "$bin/sh" "$TMP/inst/lib/kfarm"
cat >"$TMP/inst/tools/make" <<END
#!/bin/sh
cp "$TMP/inst/bin/kfarm" "$TMP/inst/bin/kfarm.\$\$" &&
	mv "$TMP/inst/bin/kfarm.\$\$" "$TMP/inst/bin/kfarm"
exec $(command -v make) "\$@"
END
chmod 755 "$TMP/inst/tools/make"
rm "$TMP/bin/kfarm-cc"
PATH=$TMP/inst/tools:$PATH apart "$TMP/inst/bin/kfarm" build -a arm64 -q \
	-b "$TMP/b" -o "$TMP/o" -k tinyconfig -k defconfig alpha/unit_3.o |
	grep -v -e '^err: ARCH' -e '^err: arm64'
jq '.farm.shell.compiles' "$TMP"/o/*/metadata.json
