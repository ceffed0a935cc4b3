#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# toolchain/hostlib.sh - a compiler whose cc1 needs a library that current
# systems lack, like gcc 7.3.0 and older.  kfarm rejects it with advice,
# installs it with a file or a package as the library, verifies it, and its
# objects equal those of the same compiler with all libraries.
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/toolchain/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/toolchain/archives.sh
. "$here/archives.sh"

triplet=aarch64-linux
id=gcc-$archives_version-$triplet
within=gcc-$archives_version-nolibc/$triplet
data=

# Repack the archive with an old name of libmpfr, but without the library.
make_old()
{
	local tree=$work/tree/$within cc1

	mkdir -p "$work"/{tree,old,pkg/DEBIAN,pkg/usr/lib}
	tar -C "$work/tree" -xf "$archive" || return
	cc1=$(echo "$tree"/libexec/gcc/"$triplet"/*/cc1)
	mv "$tree/lib/libmpfr.so.6" "$work/libmpfr.so.4.1.4" &&
		patchelf --set-soname libmpfr.so.4 "$work/libmpfr.so.4.1.4" &&
		patchelf --replace-needed libmpfr.so.6 libmpfr.so.4 \
			"$cc1" "$tree/lib/libmpc.so.3" &&
		tar -C "$work/tree" -c "gcc-$archives_version-nolibc" |
		xz -0 -T2 >"$old" || return
	cp "$work/libmpfr.so.4.1.4" "$work/pkg/usr/lib/" &&
		ln -s libmpfr.so.4.1.4 "$work/pkg/usr/lib/libmpfr.so.4" &&
		printf '%s\n' 'Package: libmpfr4' 'Version: 1' \
			'Architecture: all' 'Description: a test' \
			'Maintainer: nobody <nobody@example.org>' \
			>"$work/pkg/DEBIAN/control" &&
		dpkg-deb --root-owner-group --build "$work/pkg" \
			"$work/libmpfr4.deb" >/dev/null
}

# install ARCHIVE [OPTION...]: install into a private data directory.
install()
{
	local archive=$1

	shift
	data=$work/data.$((++count))
	XDG_DATA_HOME=$data "$bin/kfarm" toolchain install --file "$archive" \
		--sha256 "$(sha256sum <"$archive" | cut -d ' ' -f 1)" "$@" \
		>"$work/log" 2>&1
}

said()
{
	grep -q -F -e "$1" "$work/log" || {
		cat "$work/log"
		return 1
	}
}

home()
{
	echo "$data/kfarm/toolchains/$id/$within"
}

# Print its messages and make its objects, under the name "gcc".
results()
{
	local gcc

	gcc=$(home)/bin/$triplet-gcc
	(exec -a gcc "$gcc" --version) &&
		"$gcc" -O2 -g0 -c -o "$work/unit.o" -x c - <<<"$unit" &&
		sha256sum <"$work/unit.o"
}

verified()
{
	XDG_DATA_HOME=$data "$bin/kfarm" toolchain verify "$id"
}

unit='double f(void) { return __builtin_sin(1.25) * __builtin_pow(3., .5); }'
count=0
toolchain_begin
archives_make || exit 1
archive=$archives/made/$archives_host/$(archives_name "$archives_host" \
	$triplet).tar.xz
old=$work/old/$(basename "$archive")
check "an archive without its libmpfr" make_old
listed=$(find /usr/lib /lib /etc/ld.so.cache -name 'libmpfr*' -o \
	-name ld.so.cache | sort | xargs ls -ld --time-style=full-iso)

install "$archive"
is "what lacks nothing is installed" 0 $?
check "and got nothing" sh -c "! test -e '$(home)/hostlib'"
wanted=$(results)

install "$old"
is "a library that is nowhere is refused" 1 $?
check "it is named" said libmpfr.so.4
check "who needs it is named" said cc1
check "--library is named" said '--library FILE'
check "--deb is named" said '--deb FILE'
is "nothing is left" "" "$(find "$data/kfarm/toolchains" -name 'gcc-*')"

cp "$work/libmpfr.so.4.1.4" "$work/any-name"
for option in "--library=$work/any-name" "--deb=$work/libmpfr4.deb"; do
	install "$old" "$option"
	is "installed with ${option%%=*}" 0 $?
	check "the library lies in it" test -f "$(home)/hostlib/libmpfr.so.4"
	is "the compiler says and makes the same" "$wanted" "$(results)"
	check "it is verified" verified
	is "what was done is recorded" 3 "$(jq '.hostlibs | length' \
		"$data/kfarm/toolchains/$id/toolchain.json")"
done

# A library with the right name but without functions.
echo 'int nothing;' >"$work/bad.c"
cc -shared -Wl,-soname,libmpfr.so.4 -o "$work/libmpfr.so.4" "$work/bad.c"
install "$old" --library "$work/libmpfr.so.4"
is "a library that lacks functions is refused" 1 $?
check "a function is named" said 'undefined symbol: mpfr_'
install "$old" --deb "$work/bad.c"
is "what is no package is refused" 1 $?
check "it is named too" said "$work/bad.c"

is "the system is as it was" "$listed" "$(find /usr/lib /lib \
	/etc/ld.so.cache -name 'libmpfr*' -o -name ld.so.cache | sort |
	xargs ls -ld --time-style=full-iso)"
farm_end
