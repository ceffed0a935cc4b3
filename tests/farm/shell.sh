#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# shell.sh - make with kfarm's recipe shell equals plain make in its output, its
# exit status, its files and the environment of its recipes.  The test uses
# unusual makefiles, make options and an interrupt, and checks which calls get
# the recipe shell.
. "$(dirname "$0")/lib.sh"

farm_begin
project=$work/project
mkdir -p "$project"

# Run the same makefile in the same directory by make and by kfarm run --shell.
put_project()
{
	rm -rf "$project"
	mkdir -p "$project/sub"
	cat >"$project/Makefile"
	printf 'all:\n\t@echo sub $(WORD) $(MAKELEVEL); echo $(MAKEFLAGS)\n' \
		>"$project/sub/Makefile"
}

# plain_words FILE: print it with /bin/sh instead of the path of kfarm's shell,
# and without the random name of the file to which make -f - copies stdin.
plain_words()
{
	sed -E -e "s|$work/run/kfarm/[0-9]+/shell/sh|/bin/sh|g" \
		-e 's|/Gm[[:alnum:]]{6}([]:])|/Gm\1|' "$1"
}

# same NAME ARG...: run `make ARG...` both ways and compare.  $limit is the
# `ulimit -f` of both.
same()
{
	local name=$1 how

	shift
	cp -a "$project" "$work/fresh"
	for how in plain ours; do
		local command=(make)
		rm -rf "$project"
		cp -a "$work/fresh" "$project"
		[ $how = plain ] || command=("$bin/kfarm" run -q --no-remote
			--no-jobserver --shell -- make)
		(cd "$project" && ulimit -f "${limit:-unlimited}" &&
			"${command[@]}" "$@") \
			>"$work/out.$how.raw" 2>"$work/err.$how.raw" </dev/null
		echo $? >"$work/status.$how"
		plain_words "$work/out.$how.raw" >"$work/out.$how"
		plain_words "$work/err.$how.raw" >"$work/err.$how"
		rm -rf "$work/left.$how"
		cp -a "$project" "$work/left.$how"
	done
	for how in status out err; do
		check "$name: the same $how" diff "$work/$how.plain" \
			"$work/$how.ours"
	done
	check "$name: the same files" compare_trees "$work/left.plain" \
		"$work/left.ours"
	rm -rf "$work/fresh"
}

# ---- constructs in recipes ----

put_project <<'END'
A = a b
export EXPORTED = $(A) "q" 'r'
all: one two three sub.made
one:
	@echo 'a  b' "c  d" e\ f $$((1 + 2)) $(words $(A)) >one; cat one
	@set -e; for i in $(A); do echo $$i; done; rm -f nothing
	printf '%s\n' "$$EXPORTED" "$${UNSET-unset}" `echo sub`
two: ; @test -f one && echo "one is there" || echo no
three:
	@echo first; \
	 echo second | sed 's/s/S/' ; \
	 if test -d sub; then echo dir; fi
	@# a comment
	@:
	-false
	-@exit 3
	@(cd sub && pwd | sed 's,.*/,,'); pwd | sed 's,.*/,,'
	@trap 'rm -f tmp.$$$$' EXIT; echo x >tmp.$$$$; cat tmp.*
	@env | grep -E '^(MAKEFILES|KFARM_SHELL|SHELL|EXPORTED|MAKELEVEL|MAKEFLAGS|MFLAGS)=' | sort; :
	@env -i /usr/bin/env; cat /dev/null
	@sed 's/\x0/\n/g' /proc/self/environ | grep -E '^(KFARM_SHELL|MAKEFILES)' || echo none
	@echo '$(shell echo from; echo shell; exit 4)' '$(.SHELLSTATUS)'
	@echo $(firstword $(MAKE)) ; $(MAKE) -C sub WORD=w
	+@cd sub && $(MAKE)
sub.made:
	@mkdir -p d/e && touch d/e/f && ln -s f d/e/g && mv d/e/f d/h; rm -rf d/e; ls d
	@cmp -s one two || echo differ
	@echo "$$(cat one)" > $@.tmp && mv $@.tmp $@
fails: ; @echo before; false; echo after
kills: ; @kill -9 $$$$
ends: ; @sh -c 'kill -SEGV $$$$'; :
ends2: ; @: a; sh -c 'kill -TERM $$$$'
ends3: ; @(sh -c 'kill -KILL $$$$')
ends4: ; @sh -c 'kill -KILL $$$$'
missing: ; no-such-program-of-any-kind a b
missing2: ; ./no/such a; echo $$?
denied: ; ./Makefile
both: fails missing kills denied ends ends2 ends3 ends4
END
same "recipes"
for flags in -n -s -t -i "-k both" "-n -k both" "V=1 W=1 C=1" -B "-j2 -Otarget" \
	--trace fails missing missing2 denied kills "-i both" "-q one" -rR; do
	# shellcheck disable=SC2086 # several words
	same "make $flags" $flags
done

# Lines that make runs without a shell.
put_project <<'END'
all: empty empty2 space escapes options posix
empty: ; ''
empty2: ; @'''' x
space: ; ' ' x
escapes: ; @echo 'a\tb\n' a\\tb c\\\\cd
options: ; @echo -e 'a\tb' -n
posix: export POSIXLY_CORRECT = 1
posix: ; @echo 'a\tb\n' -n a\\tb c\\\\cd
END
same "no shell, make -k" -k
POSIXLY_CORRECT=1 same "no shell, POSIXLY_CORRECT, make -k" -k

# Lines of this kind that a backslash and a newline continue.  make deletes the
# target of a program that a signal ends.
put_project <<'END'
backslash := $(subst x,\,x)
all: killed words quirks missing missing2 builtin end
killed:
	@sh ./kill \
	   killed
words:
	@printf '<%s>\n' a\
b 'c\
d' e \
	 f a\tb \
	g	\
	\
	h
	@echo 'a\tb' \
	-n
	@ec\
ho 'a\tb'
quirks:
	@printf '<%s>\n' ''\
	a \
	''\
	'' b''\
 c ''
	@printf '<%s>\n' a '' \

missing: ; nosuch a \
	b
missing2: ; @'' \
	b
builtin:
	@cd \
	sub
	@a=\
b
	@env a=b\
	c=d true
	@cd\
	sub
end:
	@echo 'a\tb'$(backslash)
	@echo '' $(backslash)
END
# shellcheck disable=SC2016 # for sh
echo 'echo half >$1; kill -KILL $$' >"$project/kill"
same "no shell, continued lines, make -k" -k
check "continued lines: a killed program leaves no target" \
	test ! -e "$work/left.ours/killed"

# Scripts in one string, with shell options, and for bash.
put_project <<'END'
.ONESHELL:
all: a b
a:
	@x=1
	echo "x is $$x"
	-cd sub
	@pwd | sed 's,.*/,,'
b:
	echo $(BIG) | wc -c
	false
	echo not reached, or is it
END
same ".ONESHELL"
put_project <<'END'
.SHELLFLAGS = -ec
all:
	@false; echo not reached
END
same ".SHELLFLAGS"
put_project <<'END'
.SHELLFLAGS = -x -c
all:
	@echo a; echo b
END
same "other .SHELLFLAGS"
put_project <<'END'
SHELL := /bin/bash
all:
	@a=(1 2); echo $${#a[@]} $$0
	@[[ abc == a* ]] && echo "$(SHELL)"
sub: ; @$(MAKE) -C sub
END
same "SHELL := /bin/bash"
put_project <<'END'
all: x y
x: SHELL = /bin/bash
x: ; @echo $${BASH_VERSION:+bash}
y: ; @echo $${BASH_VERSION:-no bash}
END
same "a target's SHELL"
put_project <<'END'
all: x y z
x y: export SHELL = /bin/bash
x: .SHELLFLAGS = -xc
x: z ; @echo $${BASH_VERSION:+bash}
y: ; @echo a; false || echo b
z: ; @echo $${BASH_VERSION:-none}; echo $(shell echo $$0; echo $${BASH_VERSION:-none})
END
same "a target's SHELL, exported, and .SHELLFLAGS"
put_project <<'END'
export SHELL
all: ; @echo "$$SHELL" | sed 's,.*/,,'; $(MAKE) -C sub WORD=x
	@env | grep -c ^SHELL=
END
same "export SHELL"
put_project <<'END'
.ONESHELL:
.SHELLFLAGS = -e -c
SHELL = /bin/sh
all:
	@echo a
	x=5
	false && echo no
	cat <<EOF
	here $$x
	EOF
	(exit 3)
	echo no
END
same ".ONESHELL, .SHELLFLAGS = -e -c, SHELL = /bin/sh"
put_project <<'END'
.SHELLFLAGS = -c --
all: ; @echo a; echo b
	-@nosuch x
END
same ".SHELLFLAGS = -c --"
put_project <<'END'
SHELL = /nosuch/sh
all: ; @echo a; echo b
END
MAKESHELL=/bin/bash same "a SHELL that is not there"

# A line of 128 KiB minus execve()'s overhead, and a line that is too long.
put_project <<END
BIG := $(head -c 120000 /dev/zero | tr '\0' x)
all:
	@echo \$(BIG) | wc -c
	@echo \$(BIG) >big; wc -c <big
	@: \$(BIG) \$(BIG)
END
same "long lines"

# ---- closed descriptors ----

put_project <<'END'
all:
	@readlink /proc/self/fd/0 | sed 's/pipe:.*/pipe/'; :
	@echo a | cat
	@echo x >f; cat <f
END
closed()
{
	(cd "$project" && rm -f f && "$@" <&- 2>&1)
}
is "closed stdin: the same" "$(closed "$bin/kfarm" run -q --no-remote -- make)" \
	"$(closed "$bin/kfarm" run -q --no-remote --shell -- make)"

# ---- selection of the recipe shell ----

# shell_of ARG...: print the value of $(SHELL).
shell_of()
{
	(cd "$project" && "$@" 2>&1)
}
put_project <<'END'
all: ; @echo $(SHELL)
END
run=("$bin/kfarm" run -q --no-remote)
is "run: not by itself" /bin/sh "$(shell_of "${run[@]}" -- make)"
check "run --shell: ours" test "$(shell_of "${run[@]}" --shell -- make | grep -c \
	"^$work/run/kfarm/[0-9]*/shell/sh$")" = 1
is "run --shell: SHELL= of the user" /bin/bash \
	"$(shell_of "${run[@]}" --shell -- make SHELL=/bin/bash)"
is "run --shell: CONFIG_SHELL= of the user" /bin/sh \
	"$(shell_of "${run[@]}" --shell -- make CONFIG_SHELL=bash)"
is "run --shell: MAKEFLAGS of the user" /bin/bash \
	"$(MAKEFLAGS='-- SHELL=/bin/bash' shell_of "${run[@]}" --shell -- make)"
is "run --shell: -e SHELL=" /bin/sh \
	"$(shell_of "${run[@]}" --shell -e SHELL=/bin/bash -- make)"
check "run --shell: SHELL in the environment is nobody's" test "$(SHELL=/bin/zsh \
	shell_of "${run[@]}" --shell -- make | grep -c /shell/sh)" = 1
printf 'OWN := own\n' >"$work/own.mk"
put_project <<'END'
all: ; @echo $(OWN) $(notdir $(lastword $(MAKEFILE_LIST))) "$$MAKEFILES"
END
is "the user's MAKEFILES stay" "own Makefile $work/own.mk" \
	"$(MAKEFILES=$work/own.mk shell_of "${run[@]}" --shell -- make)"

# ---- the makefile that selects the recipe shell leaves no trace ----

# Three levels: a recipe, `cd x && make`, a script and $(shell).
put_project <<'END'
$(info $(words $(MAKEFILE_LIST)) [$(MAKEFILE_LIST)] [$(value MAKEFILE_LIST)] $(origin MAKEFILE_LIST) $(flavor MAKEFILE_LIST))
include inc/one.mk
-include inc/none.mk
top := $(dir $(abspath $(firstword $(MAKEFILE_LIST))))
here := $(notdir $(lastword $(MAKEFILE_LIST)))
$(info $(top) $(here) [$(MAKEFILES)] goal [$(.DEFAULT_GOAL)] [$(filter KFARM_SHELL,$(.VARIABLES))] [$(MAKE_RESTARTS)])
out: in $(MAKEFILE_LIST)
	cat in >$@; echo '$^' '$?'
all: out
	@env | grep -E '^(MAKEFILES|MAKELEVEL|MAKE_RESTARTS|KFARM.*SHELL)=' | sort
	@echo '$(MAKEFILE_LIST) $(firstword $(MAKEFILE_LIST))' "[$$MAKEFILES]"
	$(MAKE) -C inc LEVEL=recipe
	+cd inc && make LEVEL=cd
	sh ./run.sh
	(cd inc; make -f - LEVEL=stdin <Makefile)
	@echo '$(shell $(MAKE) -s -C inc LEVEL=shell)'
-include generated.mk
generated.mk: in
	@echo 'generated := yes' >$@
END
mkdir "$project/inc"
echo in >"$project/in"
# shellcheck disable=SC2016 # for make
{
	echo '$(info one: $(MAKEFILE_LIST))' >"$project/inc/one.mk"
	echo 'cd inc && exec make LEVEL=script' >"$project/run.sh"
	cat >"$project/inc/Makefile" <<-'END'
	$(info $(LEVEL) $(MAKELEVEL): [$(MAKEFILE_LIST)] [$(MAKEFILES)])
	all: ; @echo $(LEVEL) $(MAKELEVEL); env | grep -c ^MAKEFILES=; $(MAKE) next
	next: ; @echo third $(MAKELEVEL) '$(MAKEFILE_LIST)' "$${MAKEFILES-unset}"
	END
	echo '$(info user: [$(MAKEFILE_LIST)] [$(MAKEFILES)])' >"$project/user.mk"
	echo '$(info two: [$(MAKEFILE_LIST)])' >"$project/two.mk"
}
for flags in "" -rR -B -e "-n out" "-t out" "-q out" "-C inc" "-W in out" \
	"-f Makefile -f two.mk out" "--trace out" "-I inc -j2" \
	"--warn-undefined-variables out" "MAKEFILES=user.mk out"; do
	# shellcheck disable=SC2086 # several words
	same "MAKEFILE_LIST, make $flags" $flags all
done
for user in "" "$project/user.mk" "$project/user.mk two.mk" "none.mk "; do
	for flags in "" "-e -B" "-n -C inc"; do
		# shellcheck disable=SC2086 # several words
		MAKEFILES=$user same "MAKEFILES='$user', make $flags" $flags
	done
done
is "MAKEFILE_LIST: nothing is made twice" "make: 'out' is up to date." "$(
	cd "$project" && "${run[@]}" --shell -- make out >/dev/null &&
		"${run[@]}" --shell -- make out | tail -1)"
put_project <<'END'
all:
	@echo '$(MAKELEVEL) $(SHELL)'
	@test $(MAKELEVEL) = 2 || $(MAKE)
	+@test $(MAKELEVEL) = 2 || (cd . && f() { make; } && f)
	@echo '$(shell test $(MAKELEVEL) = 2 || make -s MAKELEVEL=2)'
END
is "each of 10 makes has the recipe shell" "0 1 2 2 2 1 2 2 2 2" "$(cd "$project" &&
	"${run[@]}" --shell --no-jobserver -- make |
	sed -n 's|^\([0-9]\) .*/kfarm/[0-9]*/shell/sh$|\1|p' | paste -sd ' ')"

# Rules that match any file and rules for all targets.
put_project <<'END'
all: a.x MAKEFILES
%: force ; @echo '$@: $^'; $(MAKE) -s -f sub/Makefile WORD=$@
force: ;
.DEFAULT: ; @echo default $@
MAKEFILES: ; @echo '$(MAKEFILES) $(MAKEFILE_LIST)'
Makefile: ;
END
for flags in "" -B "b c" -r --trace "-n b" "-k -t b"; do
	# shellcheck disable=SC2086 # several words
	same "a rule for any target, make $flags" $flags
done
put_project <<'END'
.EXTRA_PREREQS = extra
all: ; @echo '$@: $^'
extra: ; @echo made $@ >>made; touch $@
.PHONY: all
export
MAKEFILES ?= own
END
for flags in "" -e -B "MAKEFILES=" "SHELL=/bin/bash"; do
	# shellcheck disable=SC2086 # several words
	same ".EXTRA_PREREQS and export, make $flags" $flags
done
put_project <<'END'
export MAKEFILES = $(CURDIR)/own.mk
SHELL = /bin/bash
all: ; @env | grep ^MAKEFILES; $(MAKE) -C sub WORD='$(MAKEFILES)'; [[ a == a ]]
END
echo 'SHELL = /bin/bash' >"$project/own.mk"
same "export MAKEFILES, SHELL = /bin/bash"
for directive in "" export "export MAKEFILES"; do
	put_project <<-END
	MAKEFILES = \$(CURDIR)/own.mk
	$directive
	all: ; @env | grep ^MAKEFILES; \$(MAKE) -C sub WORD='\$(OWN)\$(MAKEFILES)'
	END
	# shellcheck disable=SC2016 # for make
	printf 'OWN := own\n$(info own.mk)\n' >"$project/own.mk"
	for flags in "" -e -n; do
		same "MAKEFILES = FILE, $directive, make $flags" $flags
		MAKEFILES=none.mk same \
			"MAKEFILES = FILE over none.mk, $directive, make $flags" \
			$flags
	done
done
put_project <<'END'
unexport MAKEFILES
all: ; @env | grep ^MAKEFILES; $(MAKE) -C sub WORD='$(MAKEFILES)'
END
MAKEFILES=none.mk same "unexport MAKEFILES"

# ---- signals ----

put_project <<'END'
all:
	@echo $$$$ >pid; trap 'echo trapped >trapped; exit 1' INT; sleep 60; echo late >late
sleeps:
	@echo $$$$ >pid; sleep 60; echo late >late
END
# sleeps FILE: return true if the process whose id is in the file runs sleep.
sleeps()
{
	test -s "$1" && pgrep -x -P "$(cat "$1")" sleep
}

# interrupt TARGET: send SIGINT to the whole process group, like Ctrl-C.
interrupt()
{
	local group status

	rm -f "$project"/{pid,late,trapped}
	(cd "$project" && exec setsid env --default-signal=INT,QUIT \
		KFARM_BUILD_MARK="$work" "${run[@]}" --shell -- make "$1") \
		>"$work/interrupted" 2>&1 &
	group=$!
	children+=("$group")
	wait_for 30 sleeps "$project/pid"
	kill -INT -- -"$group"
	wait "$group"
	status=$?
	check "interrupt, $1: exit status $status" test $status = 130 -o $status = 2
	gone "interrupt, $1" 5
}
interrupt all
check "interrupt: the trap ran" test -e "$project/trapped"
interrupt sleeps
check "interrupt: no output follows" test ! -e "$project/late"

# ---- a build ----

farm_mini 9 2
farm_reference Image
farm_fresh
kfarm_build --no-remote Image
is "build: ends with" 0 $?
equal "build"
check "build: lines are counted" test "$(meta .farm.shell.lines)" -gt 50
echo "shell: $(meta '.farm.shell | tostring')"
check "build: of 100 lines 99 are not for /bin/sh" test \
	"$(meta '.farm.shell | 100 * .handed <= .lines')" = true
farm_fresh
kfarm_build --no-remote CONFIG_SHELL=/bin/bash Image
is "build with CONFIG_SHELL=: has none of ours" null "$(meta .farm.shell)"
printf '[farm]\n\tshell = system\n' >>"$KFARM_CONFIG"
kfarm_build --no-remote Image
is "build with farm.shell = system: has none of ours" null "$(meta .farm.shell)"
check "no command remembers it" \
	test ! "$(grep -rlE 'KFARM_SHELL|shell/sh' "$build" --include='*.cmd')"

# ---- limited file sizes ----

put_project <<'END'
all:
	@cat big >copy || echo failed
	@echo after
END
head -c 20000 /dev/zero >"$project/big"
same "no ulimit -f" all
limit=8
same "ulimit -f" all
limit=
check "ulimit -f: it was reached" grep -q failed "$work/out.plain"

# ---- Linux ----

# From scratch, so that fixdep is built and its own saved command is written.
# The first build also identifies fixdep, which is started until then.
tree=$(kernel_tree) || exit 1
: >"$KFARM_CONFIG"
for round in first second; do
	rm -rf "$build"
	kfarm_build --no-remote -k tinyconfig prepare
	is "prepare, $round build: ends with" 0 $?
done
echo "shell: $(meta '.farm.shell | tostring')"
check "prepare: of 100 lines 99 are not for /bin/sh" test \
	"$(meta '.farm.shell | .lines > 300 and 100 * .handed <= .lines')" = true
check "prepare: but for the first, fixdep is not started" test \
	"$(meta '.farm.shell | .fixdeps > 40')" = true

# check-local-export with an nm that fails, if the script runs it.
exports=$work/exports
mkdir "$exports"
cp /bin/false "$exports/no-nm"
echo 'List symbols in [file(s)]' >>"$exports/no-nm"
printf '%s\n' .globl\ {a,b} {a,b,__ksymtab_a,__ksymtab_b}': .long 1' |
	as -o "$exports/good.o" -
printf '%s\n' .globl\ a {a,b,__ksymtab_a,__ksymtab_b}': .long 1' |
	as -o "$exports/bad.o" -
# exported SHELL OBJECT NM: print the script's output and exit status.
exported()
{
	(cd "$exports" && NM=$3 AWK=awk "$1" -ec \
		"$tree/scripts/check-local-export $2; echo good" 2>&1; echo $?)
}
for object in good.o bad.o none.o; do
	is "check-local-export: $object" "$(exported /bin/sh $object nm)" \
		"$(exported "$bin/sh" $object nm)"
done
is "check-local-export: nm is not started" $'good\n0' \
	"$(exported "$bin/sh" good.o ./no-nm)"
is "check-local-export: but where it is needed" \
	"$(exported /bin/sh bad.o ./no-nm)" "$(exported "$bin/sh" bad.o ./no-nm)"
farm_end
