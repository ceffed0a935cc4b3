#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# The reports of nightly runs in an environment like cron's (env -i, no
# terminal): to stdout, by mail and to a command, with hostile commits and
# branch names and with a failing sendmail.  Also the output of list, and the
# templates.
. "$(dirname "$0")/lib.sh"
farm_begin

src=$work/src
export GIT_CONFIG_NOSYSTEM=1
git_in()
{
	git -C "$src" -c user.name=n -c user.email=n@example.org "$@"
}

# commit WORDS: commit a change with WORDS as the subject.
commit()
{
	git_in add -A && printf '%s\n' "$1" |
		git_in commit -q --cleanup=verbatim -F -
}

# night NAME [ARG]...: run; put output and status into $work/NAME.*.
night()
{
	local name=$1

	shift
	env -i HOME="$work/home" PATH="$work/mailer:/usr/bin:/bin" \
		KFARM_CONFIG="$KFARM_CONFIG" XDG_DATA_HOME="$work/data" \
		XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache" \
		TZ=UTC0 MAILS="$work/mails" setsid "$bin/kfarm" nightly "$@" \
		</dev/null >"$work/$name.out" 2>"$work/$name.err"
}

# Mask values that differ each time: commits, dates, directories.
steady()
{
	sed -E -e "s|$work|WORK|g" -e 's/\b[0-9a-f]{40}\b/COMMIT/g' \
		-e 's/\b[0-9a-f]{12}\b/SHA/g' -e 's/-g[0-9a-f]{12}/-gSHA/g' \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{4})?/DATE/g' \
		-e 's/gcc-[0-9.]+[0-9]/gcc-N/g' -e 's/report [0-9]+/report N/' "$@"
}

# golden NAME FILE: compare FILE with tests/nightly/NAME.out.
golden()
{
	local want=$root/tests/nightly/$1.out

	[ ! "${KFARM_UPDATE:-}" ] || steady "$2" >"$want"
	check "$1 is as it should be" diff -u "$want" <(steady "$2")
}

# headers FILE NAME...: print the decoded headers, one per line, then the text.
read_mail()
{
	python3 - "$@" <<-'END'
		import email, email.policy, sys
		mail = email.message_from_binary_file(open(sys.argv[1], "rb"),
		                                      policy=email.policy.default)
		assert not mail.defects and len(set(mail.keys())) == len(mail)
		for name in sys.argv[2:]:
		    print("%s: %s" % (name, mail[name]))
		print(mail.get_content(), end="")
	END
}

"$root/tests/farm/mini/generate" "$src" 4 2
find "$src" -type d -empty -exec touch {}/.keep \;
git_in init -q -b main
commit first
git_in tag -am v1 v1
mkdir -p "$work"/{mailer,mails}
cat >"$work/mailer/sendmail" <<'END'
#!/bin/sh
[ ! -e "$MAILS/down" ] || { echo 'relay is down' >&2; exit 75; }
n=$(ls "$MAILS" | wc -l)
[ "$*" = '-t -oi' ] && cat >"$MAILS/$n"
END
chmod +x "$work/mailer/sendmail"
job='	tree = mini
	kconfig = tinyconfig
	target = Image
	keep-free = 1M'
cat >"$KFARM_CONFIG" <<END
[nightly "board"]
	arch = arm64
$job
[nightly "mailed"]
	arch = arm64
	rev = main
	mail = Kernel Folk <kernel@example.org>, root
	mail-from = farm@example.org
	command = "cat >$work/told; env | grep ^KFARM_NIGHTLY | sort >>$work/told"
$job
END
XDG_DATA_HOME=$work/data "$bin/kfarm" tree add mini "$src" \
	>"$work/tree.log" 2>&1

# ---- three runs with reports on stdout ----

night list-none list
golden list-none "$work/list-none.out"
night first run board
is "first night: status" 0 $?
golden first "$work/first.out"
night unchanged run board
is "nothing changed: status" 0 $?
is "nothing changed: output" "" "$(cat "$work"/unchanged.{out,err})"

echo 'int more;' >>"$src/alpha/unit_3.c"
commit 'alpha: more'
echo 'int broken(void) { return nothing; }' >>"$src/alpha/unit_3.c"
commit "$(printf 'alpha: <b>break</b> it \033[31m=?utf-8?q?x?= \342\200\256gnp.exe\nBcc: victim@example.org')"
echo '/* x */' >>"$src/alpha/unit_3.c"
commit 'alpha: comment'
night fails run -q board --bisect
is "it fails: status" 2 $?
golden fails "$work/fails.out"
is "it fails: stderr" "" "$(cat "$work/fails.err")"
# The command in the report repeats the nightly build.
env -i HOME="$work/home" PATH="$bin:/usr/bin:/bin" \
	KFARM_CONFIG="$KFARM_CONFIG" XDG_DATA_HOME="$work/data" \
	sh -c "$(sed -n '/^To build it again/{n;p}' "$work/fails.out") --ui none" \
	>"$work/again.log" 2>&1
is "to build it again: status" 2 $?
check "to build it again: its error" grep -q nothing \
	"$work"/home/.cache/kfarm/builds/*/build.log
night again run board
is "it goes on failing: status" 0 $?
is "it goes on failing: output" "" "$(cat "$work"/again.{out,err})"
night list list board
golden list "$work/list.out"
check "list has 80 columns" [ "$(wc -L <"$work/list.out")" -le 80 ]
night json list board --json
is "list --json" "FAIL 1 v1 1 null" "$(jq -r '.nightlies[0].builds[0] |
	"\(.result) \(.errors) \(.last_good.describe) \(.new_errors | . >= 0 |
	if . then 1 else 0 end) \(.nothing)"' "$work/json.out")"

# ---- by mail, and to a command ----

touch "$work/mails/down"
night down run -q mailed
is "sendmail is down: status" 1 $?
check "sendmail is down: it is reported" grep -q \
	'mail to .*: exit status 75: relay is down' "$work/down.err"
check "sendmail is down: where the report is" grep -q \
	'report not sent, but saved in .*/report.txt' "$work/down.err"
check "sendmail is down: the report is there" grep -q "$(head -n 1 \
	"$work/down.out" | cut -c1-40 | sed 's/[][]/./g')" \
	"$work"/data/kfarm/results/mailed/latest/report.txt
check "sendmail is down: the command runs" grep -q nothing "$work/told"
rm "$work/mails/down"
night up run -q mailed
is "sendmail is up: status" 0 $?
is "sendmail is up: output" "" "$(cat "$work"/up.{out,err})"
read_mail "$work/mails/0" Subject >"$work/up.txt"
golden untold "$work/up.txt"
night up run -q mailed
is "what was told is told once: mails" 1 "$(find "$work/mails" -type f | wc -l)"

sed -i '/broken/d' "$src/alpha/unit_3.c"
commit "$(printf 'alpha: mend ‘it’, \377\033]0;title\007 \342\200\256')"
night mended run -q mailed
is "it is good again: status" 0 $?
is "it is good again: output" "" "$(cat "$work"/mended.{out,err})"
is "it is good again: mails" 2 "$(find "$work/mails" -type f | wc -l)"
read_mail "$work/mails/1" Subject From To X-Kfarm-Result >"$work/mail.txt"
golden mended "$work/mail.txt"
golden told "$work/told"

night fixed run board
check "it is good again, on stdout" grep -q '^\[kfarm\] PASS board .*: fixed' \
	"$work/fixed.out"
printf 'int %s(void) { int %s; return 0; }\n' wrong_name '<i>left</i>' |
	tr -d '<>/' >>"$src/alpha/unit_3.c"
commit 'alpha: leave one'
night warns run board
is "a new warning: status" 0 $?
golden warns "$work/warns.out"
echo '/* y */' >>"$src/alpha/unit_3.c"
commit 'alpha: another comment'
night same run -q board
is "an old warning: status, output" "0 " "$? $(cat "$work"/same.{out,err})"

# ---- a tree that cannot be fetched ----

mv "$src" "$src.away"
night trouble run -q mailed
is "the tree is gone: status" 1 $?
check "the tree is gone: stderr" grep -q 'cannot update the tree mini' \
	"$work/trouble.err"
check "the tree is gone: subject" grep -q \
	'^Subject: \[kfarm\] ERROR mailed: cannot update the tree' \
	"$work/mails/2"
read_mail "$work/mails/2" X-Kfarm-Result >"$work/trouble.txt"
golden trouble "$work/trouble.txt"
night trouble run -q mailed
is "the tree is still gone: mails" 3 "$(find "$work/mails" -type f | wc -l)"
mv "$src.away" "$src"
night back run -q mailed
is "the tree is back: status, output" "0 " "$? $(cat "$work"/back.{out,err})"
# The failure left no file that prevents the next build.
check "the tree is back: the mail reports the build" grep -q \
	'^Subject: \[kfarm\] WARN mailed ' "$work/mails/3"
mv "$src" "$src.away"
night trouble run -q mailed
is "the tree is gone again: mails" 5 "$(find "$work/mails" -type f | wc -l)"
mv "$src.away" "$src"

# ---- the templates ----

for template in "$root"/templates/nightly/*.config; do
	name=${template##*/}
	printf '[include]\n\tpath = %s\n' "$template" >"$KFARM_CONFIG"
	night template list
	is "$name: status" 0 $?
	is "$name: nothing to say of it" "" "$(cat "$work/template.err")"
	# Settings that are commented out must be valid, too.
	sed -E 's/^\t;/\t/' "$template" >"$KFARM_CONFIG"
	night template list
	is "$name, all of it" "0 " "$? $(cat "$work/template.err")"
	check "$name: builds" grep -q 'never built' "$work/template.out"
done
farm_end
