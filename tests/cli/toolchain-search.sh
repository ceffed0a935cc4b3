# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# The catalog from its cache: rows, filters, JSON, nearest versions, ages.
only date
mirror=https://127.0.0.1:1/pub/tools
bin=crosstool/files/bin
printf '[toolchain]\n\tmirror = %s\n' $mirror >"$config"

# catalog AGE PATH...: write a cache that is AGE seconds old.
catalog()
{
	local age=$1 path list=

	shift
	for path; do
		list="$list${list:+,}\"$path\""
	done
	mkdir -p .cache/kfarm
	printf '{"format":1,"fetched":%d,"mirrors":["%s"],"archives":[%s]}\n' \
		$(($(date +%s) - age)) $mirror "$list" >.cache/kfarm/catalog
}

# gcc HOST VERSION TRIPLET
gcc()
{
	echo "$bin/$1/$2/$1-gcc-$2-nolibc-$3.tar.xz"
}

catalog 10900 "$(gcc x86_64 13.3.0 aarch64-linux)" \
	"$(gcc x86_64 13.3.0 arm-linux-gnueabi)" \
	"$(gcc x86_64 13.3.0 sparc64-linux)" \
	"$(gcc arm64 13.3.0 aarch64-linux)" \
	"$(gcc x86_64 12.4.0 aarch64-linux)" \
	"$bin/x86_64/7.3.0/x86_64-gcc-7.3.0-nolibc_aarch64-linux.tar.xz" \
	"$(gcc x86_64 4.6.3 bfin-uclinux)" \
	llvm/files/llvm-18.1.8-x86_64.tar.xz \
	llvm/files/llvm-18.1.8-aarch64.tar.xz
run kfarm toolchain search
run kfarm toolchain search arm64
run kfarm toolchain search gcc-13
run kfarm toolchain search gcc-13 arm
run kfarm toolchain search clang --host arm64
run kfarm toolchain search bfin-uclinux
run kfarm toolchain search gcc-99
run kfarm toolchain search gcc-12 --json |
	sed -E 's/^(  "(fetched|age_seconds)": )[0-9]+/\1N/'

run kfarm toolchain install gcc-13.4 --arch arm64 --host x86_64
run kfarm toolchain install gcc-12 --arch arm --host x86_64
run kfarm toolchain install gcc-12 --triplet vax-linux --host x86_64
run kfarm toolchain install gcc-12 --arch arm64 --host arm64
run kfarm toolchain install gcc-13 --arch arm64 --host i686
run kfarm toolchain install clang-19 --host x86_64
# A clang needs no architecture.
ARCH=hexagon run kfarm toolchain install clang-19 --host x86_64

# An expired, a future and a damaged cache: kfarm fetches again, which fails.
stale()
{
	kfarm toolchain search 2>&1 | sed -n -e 's/^[gV]/&/p' \
		-e 's/.*127\.0\.0\.1 port.*\(using a listing .*\)/\1/p' \
		-e 's/.*toolchain search: .*127\.0\.0\.1 port.*/none/p'
}
catalog 100000 "$(gcc x86_64 13.3.0 aarch64-linux)"
stale
catalog -100000 "$(gcc x86_64 13.3.0 aarch64-linux)"
stale
echo '{' >.cache/kfarm/catalog
stale

# Each mirror fails with a line; the cached listing still works.
printf '\tmirror = %s\n' https://127.0.0.2:1/pub/tools >>"$config"
run kfarm toolchain search | sed "s|\\(pub/tools/\\).*|\\1...|"

# The output contains neither the user nor the password of a mirror.
mirror=https://me:secret@127.0.0.1:1/pub/tools
printf '[toolchain]\n\tmirror = %s\n' $mirror >"$config"
catalog 10900 "$(gcc x86_64 13.3.0 aarch64-linux)"
run kfarm toolchain search
run kfarm toolchain search --refresh | sed "s|\\(pub/tools/\\).*|\\1...|"
