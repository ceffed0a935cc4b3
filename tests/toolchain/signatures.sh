#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# toolchain/signatures.sh DIR - make keys and signatures, good and bad, in DIR
#
#	keys/NAME.asc, .fpr	the keys of archives_make_keys
#	keys/NAME.gpg		the same in binary form
#	keys/unrevoked.asc	"revoked" before its revocation
#	keys/extended.asc, .gpg	"expired" with an extended validity
#	keys/two.asc, two.gpg	"other", then "sums"
#	keys/BAD.asc		invalid key files: see bad_keys
#	text, data		the signed files
#	CASE.asc		text, clearsigned
#	CASE.sig		data, detached
. "$(dirname "$0")/archives.sh"

out=$1
text=$out/text

# signed CASE KEY [OPTION...]
signed()
{
	archives_gpg "${@:3}" -u "$2@kfarm.test" --clearsign \
		-o "$out/$1.asc" "$text" &&
		archives_gpg "${@:3}" -u "$2@kfarm.test" --detach-sign \
			-o "$out/$1.sig" "$out/data"
}

# A primary key that expires in 2022, with three signing subkeys: one until
# the end of 2020, one without an end, and one that had expired before the
# others signed.
twice()
{
	local fpr

	archives_generate twice ed25519 cert 2y &&
		archives_export twice "$out/keys" || return
	fpr=$(cat "$out/keys/twice.fpr")
	archives_gpg --faked-system-time 20200110T000000 \
		--quick-add-key "$fpr" ed25519 sign 30d &&
		archives_gpg --faked-system-time 20200301T000000 \
			--quick-add-key "$fpr" ed25519 sign 10m &&
		signed subkey twice --faked-system-time 20201201T000000 &&
		archives_gpg --faked-system-time 20210201T000000 \
			--quick-add-key "$fpr" ed25519 sign never &&
		signed primary twice --faked-system-time 20210601T000000 &&
		archives_export twice "$out/keys"
}

# Damage the signed files and signatures.
spoil()
{
	sed 's/^first/worst/' "$out/good.asc" >"$out/edited.asc"
	{ echo 'unsigned before' && cat "$out/good.asc" &&
		echo 'unsigned after'; } >"$out/around.asc"
	sed '2i unsigned: header' "$out/good.asc" >"$out/header.asc"
	cat "$out/good.asc" "$out/good.asc" >"$out/double.asc"
	cat "$out/good.sig" "$out/good.sig" >"$out/double.sig"
	sed '/BEGIN PGP SIGNATURE/,$d' "$out/good.asc" >"$out/unsigned.asc"
	head -c 40 "$out/good.sig" >"$out/cut.sig"
	echo '<html>404 Not Found</html>' >"$out/page.sig"
	cp "$text" "$out/plain.asc"
}

# Secret keys, a wrong checksum, truncated keys, and oversized ones.
bad_keys()
{
	local keys=$out/keys

	cat "$keys"/{other,sums}.asc >"$keys/two.asc"
	cat "$keys"/{other,sums}.gpg >"$keys/two.gpg"
	archives_gpg --armor --export-secret-keys sums@kfarm.test \
		>"$keys/secret.asc" || return
	cat "$keys"/{sums,secret}.asc >"$keys/also-secret.asc"
	sed 's,^=[A-Za-z0-9+/]\{4\}$,=AAAA,' "$keys/sums.asc" >"$keys/sum.asc"
	head -n 6 "$keys/sums.asc" >"$keys/endless.asc"
	head -c 300 "$keys/sums.gpg" >"$keys/cut.asc"
	head -c 100000 /dev/urandom >"$keys/random.asc"
	head -c 1000000 /dev/zero >"$keys/zeros.asc"
	head -c 9000000 /dev/zero >"$keys/huge.asc"
	: >"$keys/empty.asc"
}

all()
{
	local name

	printf 'first line\n- dash\nFrom here  \nlast\n' >"$text"
	seq 100000 >"$out/data"
	archives_make_keys "$out/keys" || return
	# In this keyring, keys can sign although their public form is expired
	# or revoked.
	rm -rf "$archives_gnupg"/{pubring.kbx*,private-keys-v1.d} &&
		cp -r "$out/keys/gnupg/." "$archives_gnupg/" &&
		twice && signed good sums && signed tar tar &&
		signed other other && signed late late &&
		signed revoked revoked && signed expired expired \
			--faked-system-time 20210601T000000 &&
		signed old sums --faked-system-time 20210601T000000 \
			--default-sig-expire 1d &&
		signed both sums -u other@kfarm.test || return
	spoil
	archives_gpg --armor --export revoked@kfarm.test \
		>"$out/keys/unrevoked.asc" &&
		archives_gpg --quick-set-expire "$(cat "$out/keys/expired.fpr")" \
			never &&
		archives_gpg --armor --export expired@kfarm.test \
			>"$out/keys/extended.asc" || return
	for name in sums tar other expired extended late revoked twice; do
		archives_gpg --dearmor <"$out/keys/$name.asc" \
			>"$out/keys/$name.gpg" || return
	done
	bad_keys || return
	rm -rf "$out/keys/gnupg"
}

mkdir -p "$out" && archives_gpg_open || exit 1
trap archives_gpg_close EXIT
trap 'exit 1' INT TERM HUP
all
