/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/host.h - which machines run a program.
 */
#ifndef COMPILER_HOST_H
#define COMPILER_HOST_H

#include "base/elf.h"

/*
 * What a program runs on, named as uname -m names it, but "arm" for all
 * 32-bit ARM and "i686" for all i386, since an ELF header says no more.
 * NULL for a machine that is not known here.
 */
const char *compiler_host_name(const struct elf_program *e);

/*
 * Can a machine (uname -m) run programs made for `host`?
 *
 * True for equal names; for i686 on all of i386 to i686 and on x86_64; for
 * arm on armv7l and armv8l.  arm on aarch64 is false: many of these cores
 * cannot.  A kernel may still lack 32-bit support: a node that wants to be
 * sure runs the driver once.
 */
bool compiler_host_runs(const char *host, const char *machine);

/*
 * Whose programs a machine (uname -m) runs by itself, in the names of those
 * who publish compilers: "arm64" for aarch64, "arm" for all 32-bit ARM, "i686"
 * for all i386; else `machine` itself.
 */
const char *compiler_host_published(const char *machine);

#endif
