/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/host.h - Architectures of the machines that can run a program.
 */
#ifndef COMPILER_HOST_H
#define COMPILER_HOST_H

#include "base/elf.h"
#include "base/str.h"

/*
 * Return the machine that a program runs on, as uname -m names it, except
 * "arm" for all 32-bit ARM and "i686" for all i386, because an ELF header is
 * not more specific.  Returns NULL for an unknown machine.
 */
const char *compiler_host_from_elf(const struct elf_program *e);

/*
 * Return true if a machine (uname -m) can run programs made for `host`: if both
 * names are equal, if `host` is i686 and `machine` is i386, i486, i586 or
 * x86_64, or if `host` is arm and `machine` is armv7l or armv8l.  The result
 * for arm on aarch64 is false, because many aarch64 cores lack 32-bit mode.
 * A program can fail to run although the result is true, because a kernel can
 * lack 32-bit support.
 */
bool compiler_host_can_run(const char *host, const char *machine);

/*
 * Return the name of a machine (uname -m) in compiler releases: "arm64" for
 * aarch64, "arm" for all 32-bit ARM, "i686" for all i386, or else `machine`.
 */
const char *compiler_host_release_name(const char *machine);
/*
 * Append the names in compiler releases of all machines that
 * compiler_host_from_elf() knows.
 */
void compiler_host_list_release_names(struct strv *out);

/*
 * Return true if this machine, whose uname -m is `machine`, can run the program
 * `e`.  This requires that compiler_host_can_run() is true and, for a program
 * of another architecture, that the program is static or its loader is
 * installed.  For example, a dynamic i686 program on an x86_64 machine needs
 * the 32-bit loader.
 */
bool compiler_host_can_execute(const struct elf_program *e,
			       const char *machine);

#endif
