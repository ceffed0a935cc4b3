/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/smoke-test.h - is an unpacked compiler what it is said to be, and
 * does it work?
 */
#ifndef TOOLCHAIN_SMOKE_TEST_H
#define TOOLCHAIN_SMOKE_TEST_H

#include "toolchain/release.h"
#include "toolchain/tree.h"

/*
 * The driver among `entries`: "BIN/TRIPLET-gcc", or "BIN/clang" without a
 * triplet, where BIN is a directory called bin.  Of several the one that is
 * least deep.  A path, for the caller to free; NULL with `err` set.
 */
char *toolchain_smoke_test_driver(const struct compiler_entries *entries,
				  const char *triplet, struct err *err);

struct toolchain_smoke_test {
	const char *driver; /* absolute */
	const struct toolchain_release *release;
	const char *triplet; /* NULL: clang */
	const char *host; /* that it is said to run on, as data.h has it */
	const char *work; /* a directory for what it compiles */
	const atomic_bool *cancel; /* or NULL */
	/*
	 * Each symbol is looked up when a program of it starts, not when it
	 * is first called.
	 */
	bool bind_now;
};

/*
 * Is it a program for `host`?  Then, where this machine is one: does it say
 * the release and the triplet, does it compile C and assemble?  Returns 0
 * with *ran telling whether this machine can run it; -ENOEXEC with `err`
 * saying what it did instead; -ECANCELED.
 */
int toolchain_smoke_test(const struct toolchain_smoke_test *t, bool *ran,
			 struct err *err);

/*
 * Does `driver` make an object of `text`, called `name`?  `flags`, which end
 * in NULL, go before its own.  0; -ENOEXEC with the first line that it said in
 * `err`; -ECANCELED.  Of `t` only `driver`, and what follows `host`, counts.
 */
int toolchain_smoke_test_compile(const struct toolchain_smoke_test *t,
				 const char *name, const char *text,
				 const char *const *flags, struct err *err);

/*
 * Does what -dumpmachine says fit a triplet?  Equal, or longer in its last
 * word ("aarch64-linux-gnu" for "aarch64-linux"), vendors left out
 * ("arm-unknown-linux-gnueabi").
 */
bool toolchain_smoke_test_fits(const char *machine, const char *triplet);

/*
 * Has `program` all libraries, and they every symbol?  The loader says so
 * and runs nothing of it (as ldd -r does).  0, also for a loader that cannot be
 * asked (not glibc's); -ENOEXEC with what it said in `err`.
 */
int toolchain_smoke_test_loads(const char *program, struct err *err);

#endif
