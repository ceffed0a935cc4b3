# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Builds of the small tree of the farm tests, without nodes and with one job at
# a time, so that the order of events is fixed.
PATH=$PATH:/usr/bin:/bin
if ! command -v aarch64-linux-gnu-gcc >/dev/null; then
	skip build-all "no aarch64-linux-gnu-gcc"
	return
fi
"$root/tests/farm/mini/generate" "$work/tree" 3 2
find tree -exec touch -h -d "@$now" {} +
cd tree || exit
all=(wall progress gcc digest bytes)
build()
{
	masked "${all[@]}" -- "build-$1" kfarm build -a arm64 -j 1 "${@:2}"
}
build help help
build kernelversion kernelversion
build image-name image_name kernelrelease
build no-target Imag
build no-configuration -k tinyconfg
build no-unit alpha/unit_33.o
build plan -n Image
build plain -k tinyconfig --ui plain --json "$work/events" --sizes \
	-o "$work/out" Image
cd "$work" || exit
# The load and the figures of the machine are sent at varying times.
grep -v -E '"event":"(load|host|node|counts|steps)"' events >steady
masked t pid times gcc digest bytes -- build-events cat steady
masked times gcc tools digest bytes kernel os -- build-metadata cat out/metadata.json
masked wall gcc digest -- build-log cat out/build.log
masked gcc digest -- build-reproducer cat out/reproducer.sh
record build-config cat out/config
record build-output ls out
masked took gcc -- build-history kfarm history
masked times gcc digest bytes -- build-history-json kfarm history --json
cd tree || exit
build again -o "$work/out2" Image
build warnings -o "$work/out3" Image warn/seven.o
build warnings-fatal -W -o "$work/out4" Image warn/seven.o
build failure -o "$work/out5" broken/
build missing-header -o "$work/out6" broken/missing.o
build local -o "$work/out7" local/
build quiet -q -o "$work/out8" beta/
build verbose -v -o "$work/out9" prepare
build line --ui line -o "$work/out10" prepare
build none --ui none -o "$work/out11" prepare
build kcflags KCFLAGS=-DX -o "$work/out12" alpha/unit_3.o
build require --require-remote 50 -o "$work/out13" gamma/unit_2.o
masked took gcc -- build-history-after kfarm history

# ---- commands ----
cd "$work" || exit
printf 'int one(void) { return 1; }\n' >one.c
printf 'int two(void) { return x; }\n' >two.c
masked wall -- build-run kfarm run -- gcc -c one.c
masked wall -- build-run-failure kfarm run -- gcc -c two.c
masked wall -- build-run-status kfarm run -- sh -c 'echo out; exit 7'
record build-run-quiet kfarm run -q -- true
kfarm run -q --json run-events -- gcc -c one.c
grep -v -E '"event":"(load|host|node|counts|steps)"' run-events >steady
masked t pid times gcc digest bytes -- build-run-events cat steady
