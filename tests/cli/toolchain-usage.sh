# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Errors on the command line of kfarm toolchain are reported before any request;
# this test contacts no server.
only
printf '[toolchain]\n\tmirror = https://127.0.0.1:1/pub/tools\n' >"$config"
run kfarm help toolchain
run kfarm toolchain install --help
run kfarm toolchain --nodes all remove x --help
run kfarm help toolchain default
run kfarm toolchain
run kfarm toolchain instal gcc-13
run kfarm toolchain list --node all
run kfarm toolchain fetch
run kfarm toolchain search --arch arm64
run kfarm toolchain list --refresh
run kfarm toolchain adopt
run kfarm toolchain remove

run kfarm toolchain install
run kfarm toolchain install gcc13
run kfarm toolchain install gcc-13 --arch aarch64
run kfarm toolchain install gcc-13 --arch vax
run kfarm toolchain install gcc-13 --arch hexagon
ARCH=hexagon run kfarm toolchain install clang-18 gcc-13
ARCH=aarch64 run kfarm toolchain install gcc-13
run kfarm toolchain install gcc-13 --host aarch64
run kfarm toolchain install gcc-13 --host vax
run kfarm toolchain install gcc-13 --sha256 00
run kfarm toolchain install gcc-13 --nodes all
run kfarm toolchain install --file x.tar.xz --arch arm64
# The options of $KFARM that --file excludes are ignored.
KFARM='-a arm64' run kfarm toolchain install --file x.tar.xz
run kfarm toolchain install --file x.tar.xz
: >x.tar.xz
run kfarm toolchain install --file x.tar.xz
: >x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz
run kfarm toolchain install --sha256 00 \
	--file x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz
run kfarm toolchain install --sha256 "$(printf %064d 0)" \
	--file x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz
run kfarm toolchain install gcc-12 \
	--file x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz

run kfarm toolchain list
run kfarm toolchain list --json
run kfarm toolchain list --nodes nobody
run kfarm toolchain verify --nodes nobody
run kfarm toolchain list --nodes all
run kfarm toolchain tune --nodes none
run kfarm toolchain verify gcc-13.3.0
run kfarm toolchain remove gcc-13.3.0
run kfarm toolchain default
run kfarm toolchain default aarch64
run kfarm toolchain default vax gcc
run kfarm toolchain default arm46 gcc
run kfarm toolchain default arm64 gcc-13
run kfarm toolchain default arm64 none
run kfarm toolchain adopt nothing-like-that-

# A broken toolchain is reported, makes the listing fail, and can be removed.
broken=.local/share/kfarm/toolchains/gcc-1.2.3-vax-linux
mkdir -p $broken
echo '{' >$broken/toolchain.json
run kfarm toolchain list
run kfarm toolchain list --json
run kfarm toolchain remove gcc-1.2.3-vax-linux
run ls $broken

# Defaults come from the configuration; an unreachable node is reported.
printf '[arch "arm"]\n\ttoolchain = gcc-13\n[node "gone"]\n%s\n' \
	'	address = "exec:echo no such board >&2; exit 1"' >>"$config"
run kfarm toolchain default
run kfarm toolchain default arm --json
run kfarm toolchain default arm64
run kfarm toolchain list --nodes nobody
run kfarm toolchain list --nodes none
run kfarm toolchain list
