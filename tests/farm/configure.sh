#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# configure.sh [PACKAGE...] - run configure scripts by dash and by kfarm's recipe
# shell, and compare output, exit status and all files
#
# PACKAGE is a Debian source package in build/debian/source, unpacked by
# `scripts/packages install configure`.  Without arguments, autoconf makes one
# configure script.
#
# CONFIG_SHELL and SHELL are the same path in both runs.  The makefiles that
# configure writes contain this path as SHELL, so `make distclean` then runs
# recipes of automake by the same shell.  configure itself is a fallback to
# /bin/sh, because kfarm's shell runs only scripts of -c.  The line before the
# last one counts scripts and fallbacks.
. "$(dirname "$0")/lib.sh"

tree=
shell=
n_equal=0

# select_shell HOW: make $shell a link to dash or to kfarm's sh, whose counters
# are in the same directory.
select_shell()
{
	local program=/bin/dash

	[ "$1" = dash ] || program=$bin/sh
	ln -sfn "$program" "$shell"
}

# without_names FILE: print it without times, and without names of temporary
# files, which contain process IDs or random letters.
without_names()
{
	sed -E -e 's/^(.*: autobuild timestamp\.\.\.) .*/\1 TIME/' \
		-e 's/\bconf[0-9]+\b/confPID/g' \
		-e 's/\b(cc|conf)[[:alnum:]]{6}\b/\1NAME/g' "$1"
}

# run_configure HOW: configure $tree at the path $build, and clean up.
run_configure()
{
	local how=$1

	rm -rf "$build"
	cp -a "$tree" "$build"
	# The same times in both copies, so that make remakes the same files.
	find "$build" -exec touch -h -d @1700000000 {} +
	select_shell "$how"
	(
		cd "$build" || exit
		export CONFIG_SHELL=$shell SHELL=$shell
		export FORCE_UNSAFE_CONFIGURE=1
		"$shell" ./configure --cache-file=config.cache
		echo "configure: $?"
	) >"$work/out.raw" 2>&1 </dev/null
	without_names "$work/out.raw" >"$work/out.$how"
	find "$build" -name config.log | while read -r log; do
		without_names "$log" >"$log.new" && mv "$log.new" "$log"
	done
	rm -rf "$work/left.$how"
	cp -a "$build" "$work/left.$how"
	(cd "$build" && make -k distclean; echo "make: $?") \
		>"$work/clean.raw" 2>&1 </dev/null
	without_names "$work/clean.raw" >"$work/clean.$how"
	rm -rf "$work/cleaned.$how"
	mv "$build" "$work/cleaned.$how"
}

# equal_runs NAME: compare the two runs.
equal_runs()
{
	local before=$failed

	check "$1: configure succeeds" grep -qx 'configure: 0' "$work/out.dash"
	check "$1: the same output" diff "$work/out.dash" "$work/out.ours"
	check "$1: the same files" compare_trees "$work/left.dash" \
		"$work/left.ours"
	check "$1: the same output of make distclean" diff "$work/clean.dash" \
		"$work/clean.ours"
	check "$1: the same files after make distclean" compare_trees \
		"$work/cleaned.dash" "$work/cleaned.ours"
	[ "$failed" -ne "$before" ] || n_equal=$((n_equal + 1))
}

# run_both NAME: configure $tree by both shells.
run_both()
{
	run_configure dash
	run_configure ours
	equal_runs "$1"
}

# Write a package with a configure script and recipes in the style of automake.
write_package()
{
	tree=$work/package
	mkdir "$tree"
	cat >"$tree/configure.ac" <<'END'
AC_INIT([package], [1.0])
AC_CONFIG_SRCDIR([main.c])
AC_CONFIG_HEADERS([config.h])
AC_PROG_CC
AC_PROG_CPP
AC_PROG_EGREP
AC_PROG_LN_S
AC_SYS_LARGEFILE
AC_CHECK_HEADERS([stdint.h no/such.h sys/stat.h])
AC_CHECK_FUNCS([memfd_create strlcpy])
AC_CHECK_LIB([m], [cos])
AC_CHECK_SIZEOF([long])
AC_CHECK_TYPES([ssize_t])
AC_C_BIGENDIAN
AC_ARG_ENABLE([x], [AS_HELP_STRING([--enable-x], [x])], [], [enable_x=no])
AS_IF([test "$enable_x" = no], [AC_DEFINE([NO_X], [1], [without x])])
AC_CONFIG_FILES([Makefile])
AC_CONFIG_COMMANDS([stamp], [echo "$ac_cs_version" >stamp], [])
AC_OUTPUT
END
	echo 'int main(void) { return 0; }' >"$tree/main.c"
	cat >"$tree/Makefile.in" <<'END'
SHELL = @SHELL@
am__is_gnu_make = { \
  if test -z '$(MAKELEVEL)'; then \
    false; \
  elif test -n '$(MAKE_HOST)'; then \
    true; \
  fi; \
}
am__make_dryrun = (target_option=n; case $${target_option-} in \
  ?) ;; *) exit 1;; esac; has_opt=no; \
  for flg in $(MAKEFLAGS); do case $$flg in *=*|--*) ;; \
  *n*) has_opt=yes;; esac; done; test $$has_opt = yes)
SUBDIRS = . .
all: config.h Makefile
config.h: config.h.in config.status
	@rm -f stamp-h1
	cd . && $(SHELL) ./config.status config.h
Makefile: Makefile.in config.status
	cd . && $(SHELL) ./config.status $@
distclean:
	@fail=; if $(am__make_dryrun); then echo dry; fi; \
	for dir in $(SUBDIRS); do test -d "$$dir" || fail=yes; done; \
	test -z "$$fail"
	-test -z "*.o a.out" || rm -f *.o a.out
	@list='config.h stamp'; for f in $$list; do \
	  d=`echo "$$f" | sed 's,^\./,,'`; \
	  if test -f "$$d"; then echo " rm -f '$$d'"; rm -f "$$d" || exit $$?; \
	  else :; fi; done
	@$(am__is_gnu_make) && echo GNU make
	-rm -f config.status config.cache
	-rm -f Makefile
END
	(cd "$tree" && autoconf && autoheader) >"$work/autoconf" 2>&1 || {
		bad "autoconf"
		cat "$work/autoconf"
		return 1
	}
	rm -rf "$tree/autom4te.cache"
}

# print_counters: print the number of scripts, and of fallbacks by reason.
print_counters()
{
	echo "shell: $(od -An -tu8 -N8 "$work/shell/counts" | tr -d ' ') scripts;" \
		"fallbacks: $(cut -f1 "$work/shell/handed" | sort | uniq -c |
			sort -rn | sed 's/^ *//' | paste -sd ,)"
}

farm_begin
shell=$work/shell/sh
check "kfarm creates counters" create_counters "$work/shell"
if [ $# -eq 0 ]; then
	write_package && run_both autoconf
	check "kfarm's shell has run recipes" test \
		"$(od -An -tu8 -N8 "$work/shell/counts")" -gt 5
fi
for package; do
	tree=$root/build/debian/source/$package
	if [ -x "$tree/configure" ]; then
		run_both "$package"
	else
		bad "no $tree/configure: run scripts/packages install configure"
	fi
done
echo "$n_equal equal"
print_counters
farm_end
