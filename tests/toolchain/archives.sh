# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# toolchain/archives.sh - a server's files for the toolchain tests: real
# compilers in archives laid out and named like kernel.org's, their checksums
# and signatures, and damaged variants of each
#
# A test sources this file.
#
#	archives_make		make the compilers below $archives/made, once
#				per build directory
#	archives_begin DIR	make signing keys in a directory below DIR;
#				archives_end ends it
#	archives_server DIR	create a server's files below DIR/pub/tools
#	archives_end		end the agent that gpg started
#
#	$archives_version	12.2.0
#	$archives_triplets	targets hosted on this machine
#	$archives_host		this machine's host directory, x86_64
#	$archives_foreign	the other host, of target aarch64-linux: arm64
#	$archives_sums_key, $archives_tar_key	fingerprints, the pins
#	$archives_keys		both public keys, armored, one file
#	archives_path HOST TRIPLET	print an archive's path below DIR
#	archives_key NAME	print the path of a key's armored file
#	archives_fingerprint NAME	print its fingerprint
#
# The compilers are Debian's: for this machine from the installed packages, for
# the other host from packages that are fetched and unpacked separately.  They
# are changed in the triplet (aarch64-linux instead of Debian's
# aarch64-linux-gnu), the vendor in --version ("(GCC)", so that all builds of a
# release make equal objects), and the directories of libc's headers, which do
# not exist.  The compiler's own directory is called 12, not 12.2.0.  Shared
# libraries other than libc's are next to the programs (RUNPATH).
#
# The bad cases are at the end.  Each changes the files below a server's DIR;
# archives_server DIR restores them.

archives_version=12.2.0
archives_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
archives=$(realpath -m "${KFARM_BUILD:-$archives_root/build}")/toolchains

# TRIPLET and Debian's triplet for each target.
archives_table='aarch64-linux aarch64-linux-gnu
arm-linux-gnueabi arm-linux-gnueabihf
riscv64-linux riscv64-linux-gnu
x86_64-linux x86_64-linux-gnu'
archives_triplets=$(cut -d ' ' -f 1 <<<"$archives_table")

archives_host=x86_64 archives_multiarch=x86_64-linux-gnu
archives_foreign=arm64 archives_foreign_multiarch=aarch64-linux-gnu

archives_fail()
{
	echo "archives: $*" >&2
	return 1
}

archives_name()
{
	echo "$1-gcc-$archives_version-nolibc-$2"
}

archives_path()
{
	echo "pub/tools/crosstool/files/bin/$1/$archives_version/$(
		archives_name "$1" "$2").tar.xz"
}

# ---- a compiler's tree ----

# Replace strings in a file: pairs of FROM and TO, where TO is not longer.
archives_patch()
{
	perl -e '
	my @pairs = splice(@ARGV, 0, shift);
	for my $name (@ARGV) {
		open(my $f, "+<:raw", $name) or die "$name: $!";
		my $all = do { local $/; <$f> };
		for (my $i = 0; $i < @pairs; $i += 2) {
			my ($from, $to) = @pairs[$i, $i + 1];
			$to .= "\0" x (length($from) - length($to));
			die "$to: too long" if length($to) > length($from);
			$all =~ s/(?<=\0)\Q$from\E(?=\0)/$to/g;
		}
		seek($f, 0, 0) and print $f $all and close($f)
			or die "$name: $!";
	}' "$@"
}

# archives_libraries FILE ROOT DIR: copy the libraries of FILE, and theirs, to
# DIR.
archives_libraries()
{
	local root=$1 multiarch=$2 dir=$3 file=$4 lib from

	for lib in $(readelf -d "$file" | sed -n \
		's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		case $lib in
		libc.so.*|libm.so.*|libdl.so.*|libpthread.so.*|ld-linux*)
			continue ;;
		esac
		[ ! -e "$dir/$lib" ] || continue
		for from in "$root"/{usr/,}lib/"$multiarch"/"$lib"; do
			[ ! -e "$from" ] || break
		done
		mkdir -p "$dir"
		cp -L "$from" "$dir/$lib" &&
			patchelf --set-rpath "\$ORIGIN" "$dir/$lib" &&
			archives_libraries "$root" "$multiarch" "$dir" \
				"$dir/$lib" || return
	done
}

# Add the libraries that the programs need.
archives_provide()
{
	local root=$1 multiarch=$2 tree=$3 file up
	shift 3

	for file; do
		archives_libraries "$root" "$multiarch" "$tree/lib" \
			"$file" || return
		up=$(realpath --relative-to "$(dirname "$file")" "$tree/lib")
		readelf -d "$file" | grep -q 'NEEDED.*\[lib[^cm][^.]' ||
			continue
		# The path must also work from the link in TRIPLET/bin.
		patchelf --set-rpath "\$ORIGIN/$up:\$ORIGIN/../$up" \
			"$file" || return
	done
}

archives_binutils()
{
	local from=$1 tree=$2 triplet=$3 tool

	mkdir -p "$tree/bin" "$tree/$triplet/bin"
	for tool in addr2line ar as c++filt elfedit ld.bfd nm objcopy \
		objdump ranlib readelf size strings strip; do
		cp -L "$from-$tool" "$tree/bin/$triplet-$tool" || return
	done
}

# Create the links that binutils' own installation has.
archives_links()
{
	local tree=$1 triplet=$2 tool

	for tool in ar as ld.bfd nm objcopy objdump ranlib readelf strip; do
		ln "$tree/bin/$triplet-$tool" "$tree/$triplet/bin/$tool" ||
			return
	done
	ln "$tree/bin/$triplet-ld.bfd" "$tree/$triplet/bin/ld" &&
		ln "$tree/bin/$triplet-ld.bfd" "$tree/bin/$triplet-ld" &&
		ln "$tree/bin/$triplet-gcc" \
			"$tree/bin/$triplet-gcc-$archives_version"
}

archives_gcc()
{
	local from=$1 own=$2 tree=$3 triplet=$4 tool
	local lib=$tree/lib/gcc/$triplet/12
	local libexec=$tree/libexec/gcc/$triplet/12

	mkdir -p "$lib" "$libexec"
	for tool in gcc cpp gcc-ar gcc-nm gcc-ranlib gcov; do
		cp -L "$from-$tool-12" "$tree/bin/$triplet-$tool" || return
	done
	cp -rL "$own/include" "$own/libgcc.a" "$lib/" || return
	# Replace the only prefix that Debian's driver has by lib.
	for tool in cc1 collect2 lto-wrapper liblto_plugin.so; do
		cp -L "$own/$tool" "$libexec/" || return
		ln -s "../../../../libexec/gcc/$triplet/12/$tool" "$lib/$tool"
	done
}

# archives_tree ROOT MULTIARCH TRIPLET DEBIAN'S DIR
archives_tree()
{
	local root=$1 multiarch=$2 triplet=$3 debian=$4
	local tree=$5/gcc-$archives_version-nolibc/$triplet own programs

	own=$root/usr/lib/gcc-cross/$debian/12
	[ -d "$own" ] || own=$root/usr/lib/gcc/$debian/12
	archives_binutils "$root/usr/bin/$debian" "$tree" "$triplet" &&
		archives_gcc "$root/usr/bin/$debian" "$own" "$tree" \
			"$triplet" || return
	programs=("$tree"/bin/* "$tree/libexec/gcc/$triplet/12"/*)
	archives_patch 14 "$debian" "$triplet" \
		/usr/lib/gcc-cross/ /usr/lib/gcc/ \
		/usr/include /nolibc /usr/local/include /nolibc \
		'(Debian 12.2.0-13) ' '(GCC) ' '(Debian 12.2.0-14) ' '(GCC) ' \
		'(Debian 12.2.0-14+deb12u1) ' '(GCC) ' "${programs[@]}" &&
		archives_provide "$root" "$multiarch" "$tree" \
			"${programs[@]}" &&
		archives_links "$tree" "$triplet"
}

# ---- the compiler for the other host ----

archives_packages='gcc-12 cpp-12 libgcc-12-dev binutils-aarch64-linux-gnu
	libbinutils libctf0 libctf-nobfd0 libjansson4
	libisl23 libmpc3 libmpfr6 libgmp10 libzstd1 zlib1g'

# archives_apt DIR COMMAND...: run apt-get for the other host, with lists below
# DIR, from the package sources of this machine.
archives_apt()
{
	local dir=$1
	shift
	apt-get -q -o Dir::State="$dir/state" -o Dir::Cache="$dir/cache" \
		-o Dir::State::status="$dir/status" \
		-o Dir::Etc::SourceList="$dir/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o APT::Architecture=arm64 -o APT::Architectures=arm64 \
		-o APT::Sandbox::User=root -o Acquire::Retries=5 \
		-o Acquire::Languages=none "$@"
}

# Print the machine's sources of its release for the other architecture.
archives_sources()
{
	local codename

	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format \
		'$(REPO_URI) $(RELEASE) $(COMPONENT) $(SIGNED_BY)' \
		'Created-By: Packages' | sort -u |
		awk -v codename="$codename" '
		$2 == codename && $3 == "main" {
			# Old versions of apt print an unset value literally.
			signed = $4 ~ /^\// ? " signed-by=" $4 : ""
			print "deb [arch=arm64" signed "] " $1, $2, $3
		}'
}

# Unpack Debian's packages for the other host below DIR/root.
archives_fetch()
{
	local dir=$1 deb

	mkdir -p "$dir"/{state/lists,cache/archives}/partial "$dir/debs" \
		"$dir/root"
	: >"$dir/status"
	archives_sources >"$dir/sources.list"
	# shellcheck disable=SC2086 # several words
	{ archives_apt "$dir" update && cd "$dir/debs" &&
		archives_apt "$dir" download $archives_packages; } \
		>"$dir/log" 2>&1 || {
		cat "$dir/log" >&2
		archives_fail "no packages for $archives_foreign"
		return
	}
	for deb in "$dir"/debs/*.deb; do
		dpkg-deb -x "$deb" "$dir/root" || return
	done
}

# ---- keys ----

# The directory of gpg's keys and its agent's socket, whose path must be short.
archives_gnupg=

archives_gpg()
{
	GNUPGHOME=$archives_gnupg gpg --batch --yes --quiet --passphrase '' \
		--pinentry-mode loopback "$@" 2>"$archives_gnupg/log" || {
		cat "$archives_gnupg/log" >&2
		return 1
	}
}

# Start the agent here, because gpg waits only five seconds for it.
archives_gpg_open()
{
	archives_gnupg=$(mktemp -d /tmp/kfarm-gpg.XXXXXX) &&
		gpg-agent --homedir "$archives_gnupg" --quiet --daemon \
			</dev/null >/dev/null 2>&1
}

archives_gpg_close()
{
	[ -n "$archives_gnupg" ] || return 0
	GNUPGHOME=$archives_gnupg gpgconf --kill all
	GNUPGHOME=$archives_gnupg gpgconf --remove-socketdir 2>/dev/null
	rm -rf "$archives_gnupg"
	archives_gnupg=
}

# archives_generate NAME ALGORITHM USAGE [EXPIRES]: make a key dated 2020.
archives_generate()
{
	archives_gpg --faked-system-time 20200101T000000 \
		--quick-generate-key "$1 <$1@kfarm.test>" "$2" "$3" \
		"${4:-never}"
}

archives_export()
{
	archives_gpg --armor --export "$1@kfarm.test" >"$2/$1.asc" &&
		archives_gpg --with-colons --list-keys "$1@kfarm.test" |
		awk -F : '$1 == "fpr" { print $10; exit }' >"$2/$1.fpr"
}

# Expire and revoke keys in their public form only, so that gpg still signs with
# them.
archives_age_keys()
{
	local late

	late=$(cat "$1/late.fpr")
	archives_gpg --faked-system-time 20200601T000000 \
		--quick-set-expire "$late" 2021-01-01 &&
		archives_export late "$1" &&
		sed 's/^:---/---/' "$archives_gnupg/openpgp-revocs.d/$(
			cat "$1/revoked.fpr").rev" >"$archives_gnupg/rev" &&
		archives_gpg --import "$archives_gnupg/rev" &&
		archives_export revoked "$1"
}

# archives_make_keys DIR: write NAME.asc and NAME.fpr for each key, and gnupg/
# for signing.
#
#	sums tar	the keys that sign a server's files
#	other		a key without trust
#	expired		expired in 2022, signs with dates of 2021
#	late		expired in 2021, signs with current dates
#	revoked
archives_make_keys()
{
	local dir=$1 name

	mkdir -p "$dir"
	archives_generate sums rsa2048 sign &&
		archives_generate tar ed25519 cert &&
		archives_generate other ed25519 sign &&
		archives_generate expired ed25519 sign 2y &&
		archives_generate late ed25519 sign &&
		archives_generate revoked ed25519 sign || return
	archives_export tar "$dir" &&
		archives_gpg --quick-add-key "$(cat "$dir/tar.fpr")" \
			ed25519 sign || return
	for name in sums tar other expired late revoked; do
		archives_export $name "$dir" || return
	done
	mkdir -m 700 "$dir/gnupg" &&
		cp -r "$archives_gnupg"/{pubring.kbx,private-keys-v1.d} \
			"$dir/gnupg/" && archives_age_keys "$dir"
}

archives_key()
{
	echo "$archives/made/keys/$1.asc"
}

archives_fingerprint()
{
	cat "$archives/made/keys/$1.fpr"
}

# ---- creation of all files ----

# archives_pack TREE TRIPLET NAME: write NAME.tar.xz and NAME.tar.sign.
archives_pack()
{
	tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner \
		--mode=a+rX,u+w,go-w --mtime=2022-08-19T09:00Z -cf "$3.tar" \
		"gcc-$archives_version-nolibc/$2" &&
		archives_gpg -u tar@kfarm.test --detach-sign \
			-o "$3.tar.sign" "$3.tar" &&
		xz -0 -T2 "$3.tar"
}

archives_make_all()
{
	local out=$1 work=$2 triplet debian host

	mkdir -p "$out/$archives_host" "$out/$archives_foreign"
	archives_make_keys "$out/keys" || return
	while read -r triplet debian; do
		archives_tree "" $archives_multiarch "$triplet" "$debian" \
			"$work/tree" && archives_pack "$work/tree" \
			"$triplet" "$out/$archives_host/$(archives_name \
				$archives_host "$triplet")" || return
	done <<<"$archives_table"
	archives_fetch "$work/apt" &&
		archives_tree "$work/apt/root" $archives_foreign_multiarch \
			aarch64-linux aarch64-linux-gnu "$work/foreign" &&
		archives_pack "$work/foreign" aarch64-linux \
			"$out/$archives_foreign/$(archives_name \
				$archives_foreign aarch64-linux)" || return
	for host in $archives_host $archives_foreign; do
		(cd "$out/$host" && sha256sum -- *.tar.xz) \
			>"$out/$host.sums" || return
	done
}

# Print the inputs of the archives, which are rebuilt when these change.
archives_stamp()
{
	cat "${BASH_SOURCE[0]}"
	dpkg-query -W -f '${Package} ${Version}\n' 'gcc-12*' 'cpp-12*' \
		'binutils*'
}

# In a subshell, so that an interrupt also ends gpg's agent.
archives_remake()
{
	(
		trap archives_gpg_close EXIT
		trap 'exit 1' INT TERM HUP
		rm -rf "$archives/made" "$archives/part"
		archives_gpg_open && archives_make_all "$archives/part/made" \
			"$archives/part" || exit 1
		echo "$1" >"$archives/part/made/stamp"
		mv "$archives/part/made" "$archives/made"
		rm -rf "$archives/part"
	) 9>&-
}

archives_make()
{
	local stamp

	[ "$(dpkg --print-architecture)" = amd64 ] || {
		archives_fail "they are made from packages of amd64"
		return
	}
	mkdir -p "$archives" && stamp=$(archives_stamp | sha256sum) || return
	{
		flock 9
		[ "$stamp" = "$(cat "$archives/made/stamp" 2>/dev/null)" ] ||
			archives_remake "$stamp" || return
	} 9>"$archives/lock"
	archives_sums_key=$(archives_fingerprint sums)
	archives_tar_key=$(archives_fingerprint tar)
}

# ---- a server's files ----

archives_begin()
{
	archives_keys=$1/keys.asc
	cat "$(archives_key sums)" "$(archives_key tar)" >"$archives_keys"
	archives_gpg_open && cp -r "$archives/made/keys/gnupg/." \
		"$archives_gnupg/"
}

archives_end()
{
	archives_gpg_close
}

archives_dir()
{
	dirname "$1/$(archives_path "$2" any)"
}

# archives_list DIR HOST: write the checksums of the existing files.
archives_list()
{
	local file name

	for file in "$(archives_dir "$1" "$2")"/*.tar.xz; do
		name=$(basename "$file")
		if [ "$file" -ef "$archives/made/$2/$name" ]; then
			grep -F "  $name" "$archives/made/$2.sums"
		else
			(cd "$(dirname "$file")" && sha256sum -- "$name")
		fi || return
	done
}

# archives_sums DIR HOST [KEY [OPTION...]]: list and sign the existing files.
archives_sums()
{
	local dir key=${3:-sums}

	dir=$(archives_dir "$1" "$2")
	archives_list "$1" "$2" >"$dir/.sums" || return
	archives_clearsign "$dir" "$key" "${@:4}"
}

# archives_clearsign DIRECTORY KEY [OPTION...]: sign its .sums as
# sha256sums.asc.
archives_clearsign()
{
	local as=()

	[ "$2" != expired ] || as=(--faked-system-time 20210601T000000)
	rm -f "$1/sha256sums.asc"
	archives_gpg "${as[@]}" "${@:3}" -u "$2@kfarm.test" --clearsign \
		-o "$1/sha256sums.asc" "$1/.sums" && rm "$1/.sums"
}

archives_server()
{
	local host dir file

	for host in "$archives_host" "$archives_foreign"; do
		dir=$(archives_dir "$1" "$host")
		mkdir -p "$dir"
		for file in "$archives/made/$host"/*; do
			ln -f "$file" "$dir/" 2>/dev/null ||
				cp "$file" "$dir/" || return
		done
		archives_sums "$1" "$host" || return
	done
}

# ---- bad cases: ... DIR HOST TRIPLET, the last two if needed ----

# archives_flip FILE [OFFSET]: flip one bit in a copy of the file.
archives_flip()
{
	local offset=${2:-$(($(stat -c %s "$1") / 2))}

	cp "$1" "$1.flip" && perl -e 'open(my $f, "+<:raw", $ARGV[0]) or die;
		seek($f, $ARGV[1], 0); read($f, my $c, 1) == 1 or die;
		seek($f, $ARGV[1], 0); print $f chr(ord($c) ^ 1)' \
		"$1.flip" "$offset" && mv -f "$1.flip" "$1"
}

# The archive differs from the listed one at byte OFFSET.
archives_bad_flip()
{
	archives_flip "$1/$(archives_path "$2" "$3")" "${4-}"
}

# A line of the list differs from the signed text.
archives_bad_edited()
{
	sed -i 's/^[0-9a-f]\{8\}\(.*\)/00000000\1/' \
		"$(archives_dir "$1" "$2")/sha256sums.asc"
}

# The list ends before its signature.
archives_bad_truncated()
{
	sed -i '/BEGIN PGP SIGNATURE/,$d' \
		"$(archives_dir "$1" "$2")/sha256sums.asc"
}

archives_bad_unsigned()
{
	archives_list "$1" "$2" >"$(archives_dir "$1" "$2")/.sums" &&
		mv "$(archives_dir "$1" "$2")"/{.sums,sha256sums.asc}
}

archives_bad_wrong_key()
{
	archives_sums "$1" "$2" other
}

# archives_bad_lines DIR HOST TRIPLET WHERE: a line that names a damaged archive
# is before or after the signed block, or (header) among its armor headers.
archives_bad_lines()
{
	local archive dir line

	archive=$1/$(archives_path "$2" "$3")
	dir=$(dirname "$archive")
	archives_flip "$archive" || return
	line=$(cd "$dir" && sha256sum -- "$(basename "$archive")")
	case $4 in
	before) sed -i "1i $line" "$dir/sha256sums.asc" ;;
	after) echo "$line" >>"$dir/sha256sums.asc" ;;
	header) sed -i "2i $line" "$dir/sha256sums.asc" ;;
	esac
}

# Signed before the key expired: good, and reported.
archives_expired()
{
	archives_sums "$1" "$2" expired
}

# Signed after the key expired.
archives_bad_late()
{
	archives_sums "$1" "$2" late
}

archives_bad_revoked()
{
	archives_sums "$1" "$2" revoked
}

# The key is good, but the signature was valid for a day of 2021.
archives_bad_signature_expired()
{
	archives_sums "$1" "$2" sums --faked-system-time 20210601T000000 \
		--default-sig-expire 1d
}

archives_bad_two_signatures()
{
	archives_sums "$1" "$2" sums -u other@kfarm.test
}

# archives_bad_two_sums DIR HOST TRIPLET: signed, with two different checksums.
archives_bad_two_sums()
{
	local dir name

	dir=$(archives_dir "$1" "$2")
	name=$(archives_name "$2" "$3").tar.xz
	{ archives_list "$1" "$2" && printf '%064d  %s\n' 0 "$name"; } \
		>"$dir/.sums"
	archives_clearsign "$dir" sums
}

# The archive is not in the list.
archives_bad_unlisted()
{
	local dir name

	dir=$(archives_dir "$1" "$2")
	name=$(archives_name "$2" "$3").tar.xz
	archives_list "$1" "$2" | grep -v -F "$name" >"$dir/.sums"
	archives_clearsign "$dir" sums
}

# archives_bad_sign DIR HOST TRIPLET CASE: the tar's own signature is bad; CASE
# is one of flip other missing garbage.
archives_bad_sign()
{
	local sign tar

	sign=$1/$(archives_path "$2" "$3")
	tar=$sign sign=${sign%.xz}.sign
	case $4 in
	flip) archives_flip "$sign" $(($(stat -c %s "$sign") - 3)) ;;
	missing) rm "$sign" ;;
	garbage) rm "$sign" && echo "404 Not Found" >"$sign" ;;
	other)
		rm "$sign" && xz -dc "$tar" | archives_gpg \
			-u other@kfarm.test --detach-sign -o "$sign"
		;;
	esac
}

# archives_repack DIR HOST TRIPLET COMMAND...: run COMMAND in the tree, then
# pack and sign it again.
archives_repack()
{
	local archive tree name

	archive=$1/$(archives_path "$2" "$3")
	name=${archive%.tar.xz}
	tree=$(mktemp -d "$1/.tree.XXXXXX")
	tar -C "$tree" -xf "$archive" &&
		(cd "$tree/gcc-$archives_version-nolibc/$3" && "${@:4}") &&
		rm -f "$name".* && archives_pack "$tree" "$3" "$name" &&
		rm -rf "$tree" && archives_sums "$1" "$2"
}

# archives_bad_version DIR HOST TRIPLET: signed, but the driver reports 12.1.0.
archives_bad_version()
{
	archives_repack "$1" "$2" "$3" archives_patch 2 \
		"$archives_version" 12.1.0 "bin/$3-gcc"
}
