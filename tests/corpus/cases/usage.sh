# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Unknown words, invalid options of commands and verbs, and bad values.
n=0
try()
{
	n=$((n + 1))
	record "usage-$1-$(printf %02d $n)" kfarm "${@:2}"
}

try word nosuch
try word ndoes list
try word hepl
try word version
try word list
try word ''
try word --json
try word help nosuch
try word help biuld
try word help nodes lsit
try word help nodes help
try word help --all
n=0
for command in build run tree toolchain nodes nightly top history report scan \
	doctor completion clean cache; do
	try option $command --nosuch
	try option $command --jsno
done
n=0
for command in tree toolchain nodes nightly completion cache; do
	try verb $command
	try verb $command nosuch
	try verb $command lis
done
n=0
try build build --quite
try build build -j 0
try build build -j many
try build build -C
try build build -C nowhere
try build build --arch vax
try build build -c sometimes
try build build --ui fancy
try build build -e WORD
try build build --require-remote 101
try build build --require-remote 50 --no-remote
try build build --tree nosuch
try build build --rev v6.1
try build build -q -v
try build build -t nosuch -a arm64
try build build
n=0
try run run
try run run --
try run run -j 0 -- true
try run run --arhc=arm64 -- make
try run run -a nosuch -- true
try run run -t nosuch- -- true
try run run -- nosuch
try run run --require-remote 101 -- true
n=0
try tree tree add
try tree tree add x
try tree tree add ../x clone
try tree tree add x nowhere
try tree tree add x clone --depth 0
try tree tree add x ftp://example.org/x
try tree tree add x ext::command
try tree tree remove
try tree tree remove nosuch
try tree tree update nosuch
try tree tree list --depth 1
n=0
try toolchain toolchain install
try toolchain toolchain install gcc13
try toolchain toolchain install gcc-13 --arch vax
try toolchain toolchain install gcc-13 --host vax
try toolchain toolchain install gcc-13 --sha256 00
try toolchain toolchain install --file x.tar.xz
try toolchain toolchain remove
try toolchain toolchain remove gcc-13.3.0
try toolchain toolchain verify gcc-13.3.0
try toolchain toolchain adopt
try toolchain toolchain adopt nothing-like-that
try toolchain toolchain default vax gcc
try toolchain toolchain default arm64 gcc-13
try toolchain toolchain list --refresh
try toolchain toolchain list --nodes nobody
try toolchain toolchain search --arch arm64
n=0
try nodes nodes list all
try nodes nodes list --slots 3
try nodes nodes add a
try nodes nodes add a ssh:a b
try nodes nodes add 'two words' ssh:a
try nodes nodes add local ssh:a
try nodes nodes add a tcp:a:3634
try nodes nodes add a ssh:a --slots 0
try nodes nodes add a ssh:a --slots
try nodes nodes add a ssh:a --codec gzip
try nodes nodes add a tls:a --key SHA256:short
try nodes nodes remove
try nodes nodes remove nosuch
try nodes nodes drain nosuch
try nodes nodes resume nosuch
try nodes nodes rekey nosuch
try nodes nodes update nosuch
try nodes nodes probe nosuch
try nodes nodes check nosuch
try nodes nodes check --burn-in=long
try nodes nodes tune nosuch
try nodes nodes power nosuch off
try nodes nodes power a
n=0
try nightly nightly run
try nightly nightly run nosuch
try nightly nightly list nosuch
try nightly nightly install --at 24:00
try nightly nightly install --user --system
try nightly nightly install --cron --now
n=0
try top top all
try top top --speed 3
try top top --simulate --speed fast
try top top --simulate --at -1
try top top --simulate --nodes 5000
try top top --simulate=nowhere --once
try top top --simulate=nowhere --seed 3
try top top --ui fancy
n=0
try history history 7
try history history -n 0
try history history -n 3 --all
try history history --state fine
try history history --since yesterday
try history history --since 2026-13-01
n=0
try clean clean 7
try clean clean --builds few
try clean clean --build-dirs yesterday
try clean clean --all --builds 3
try clean clean --all
n=0
try report report nosuch
try report report 1
try report report --html --json
try report report 1 2
try report report --all 1
try report report 1 --html page.html
try report report --trace trace.json 1
n=0
try scan scan
try scan scan --
try scan scan nosuch.c
try scan scan -j 4 a.c
try scan scan -b nowhere a.c
try scan scan --json --why x.h a.c
n=0
try doctor doctor all
try completion completion tcsh
n=0
for variable in list --nosuch '"--json' --slots --json; do
	n=$((n + 1))
	record usage-variable-$n env KFARM="$variable" kfarm nodes list
done
