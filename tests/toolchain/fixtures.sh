#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# The archives of the other tests: the compilers work in any directory, good
# signatures are good, and gpgv rejects each bad signature for its own reason.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/archives.sh"

toolchain_begin
archives_make || exit 1
archives_begin "$work" || exit 1
trap 'archives_end; farm_cleanup' EXIT
site=$work/site
host=$archives_host

# ---- the compilers ----

cat >"$work/unit.c" <<'END'
#include <stdarg.h>
int first(int n, ...)
{
	va_list args;
	int got;

	va_start(args, n);
	got = va_arg(args, int);
	va_end(args);
	return got;
}
END

# compiles TRIPLET MACHINE: check the machine of its objects by `file`.
compiles()
{
	local triplet=$1 tree from=$work/trees/a to=$work/trees/b

	mkdir -p "$from"
	tar -C "$from" -xf "$site/$(archives_path "$host" "$triplet")"
	mv "$from" "$to"
	tree=$to/gcc-$archives_version-nolibc/$triplet
	is "$triplet: the driver's version" \
		"$triplet-gcc (GCC) $archives_version" \
		"$("$tree/bin/$triplet-gcc" --version | head -n 1)"
	is "$triplet: -dumpmachine" "$triplet" \
		"$("$tree/bin/$triplet-gcc" -dumpmachine)"
	check "$triplet: compiles" "$tree/bin/$triplet-gcc" -O2 -g \
		-c "$work/unit.c" -o "$work/unit.o"
	check "$triplet: links" "$tree/bin/$triplet-ld" -r \
		"$work/unit.o" -o "$work/linked.o"
	is "$triplet: nm" "T first" \
		"$("$tree/bin/$triplet-nm" "$work/linked.o" | cut -d ' ' -f 2-)"
	is "$triplet: objects" "$2" "$(readelf -h "$work/linked.o" |
		sed -n 's/ *Machine: *//p')"
	is "$triplet: nothing of the system but libc" "" "$(
		"$tree/bin/$triplet-gcc" -print-prog-name=cc1 |
		xargs -I{} env LD_TRACE_LOADED_OBJECTS=1 {} |
		grep -v -e "$work" -e 'lib[cm]\.so' -e linux)"
	rm -rf "$work/trees"
}

mkdir "$site"
check "a server's files" archives_server "$site"
compiles aarch64-linux AArch64
compiles arm-linux-gnueabi ARM
compiles riscv64-linux RISC-V
compiles x86_64-linux 'Advanced Micro Devices X86-64'
mkdir "$work/foreign"
tar -C "$work/foreign" -xf "$site/$(archives_path "$archives_foreign" \
	aarch64-linux)"
is "the other host's compiler" AArch64 "$(readelf -h \
	"$work/foreign/gcc-$archives_version-nolibc/aarch64-linux/bin/aarch64-linux-gcc" |
	sed -n 's/ *Machine: *//p')"

# ---- signatures ----

# verdict KEY FILE...: print gpgv's status words, one per line.
verdict()
{
	gpg --homedir "$archives_gnupg" --dearmor <"$(archives_key "$1")" \
		>"$work/ring.gpg"
	gpgv --status-fd 1 --keyring "$work/ring.gpg" --output "$work/text" \
		"${@:2}" 2>/dev/null | awk '$2 ~ /^[A-Z]+SIG$|^NODATA$|^BADARMOR$/ &&
		$2 !~ /NEWSIG|VALIDSIG/ { print $2 }' | sort | xargs
	rm -f "$work/text"
}

# sums NAME KEY WANTED COMMAND...: check the list after COMMAND has damaged it.
sums()
{
	archives_server "$site" && "${@:4}" || {
		bad "$1: not made"
		return
	}
	is "$1" "$3" "$(verdict "$2" \
		"$(archives_dir "$site" "$host")/sha256sums.asc")"
}

# listed NAME: check that the list has the checksum of the existing archive.
listed()
{
	(cd "$(archives_dir "$site" "$host")" && gpgv --output - \
		--keyring "$work/ring.gpg" sha256sums.asc 2>/dev/null |
		grep -F -- "-$target.tar" | sha256sum --quiet -c)
}

target=riscv64-linux
sums "the list" sums GOODSIG true
check "the list is right" listed
sums "a flipped bit" sums GOODSIG archives_bad_flip "$site" "$host" $target
check "is found by the list" eval '! listed'
sums "an edited list" sums BADSIG archives_bad_edited "$site" "$host"
sums "a truncated list" sums "NODATA NODATA" archives_bad_truncated \
	"$site" "$host"
sums "a list that is not signed" sums "NODATA NODATA" archives_bad_unsigned \
	"$site" "$host"
sums "another's key" sums ERRSIG archives_bad_wrong_key "$site" "$host"
for where in before after; do
	sums "a line $where the list" sums GOODSIG archives_bad_lines \
		"$site" "$host" $target $where
	check "a line $where the list does not count" eval '! listed'
done
sums "a line among the headers" sums ERRSIG archives_bad_lines "$site" "$host" \
	$target header
sums "a key that expired" expired EXPKEYSIG archives_expired "$site" "$host"
sums "signed after that" late EXPKEYSIG archives_bad_late "$site" "$host"
sums "a revoked key" revoked REVKEYSIG archives_bad_revoked "$site" "$host"
sums "an old signature" sums EXPSIG archives_bad_signature_expired \
	"$site" "$host"
sums "two signatures" sums "ERRSIG GOODSIG" archives_bad_two_signatures \
	"$site" "$host"
sums "two sums" sums GOODSIG archives_bad_two_sums "$site" "$host" $target
sums "an archive that is not listed" sums GOODSIG archives_bad_unlisted \
	"$site" "$host" $target

# sign NAME WANTED COMMAND...: check the tar's signature.
sign()
{
	local archive

	archive=$site/$(archives_path "$host" $target)
	archives_server "$site" && "${@:3}" || {
		bad "$1: not made"
		return
	}
	is "$1" "$2" "$(verdict tar "${archive%.xz}.sign" <(xz -dc "$archive"))"
}

sign "the tar" GOODSIG true
sign "the tar's signature, a bit flipped" BADSIG archives_bad_sign "$site" \
	"$host" $target flip
sign "the tar's signature by another" ERRSIG archives_bad_sign "$site" \
	"$host" $target other
sign "a page for the tar's signature" "NODATA NODATA" archives_bad_sign \
	"$site" "$host" $target garbage
sign "a driver of another version" GOODSIG archives_bad_version "$site" \
	"$host" $target
check "that is listed" listed

farm_end
