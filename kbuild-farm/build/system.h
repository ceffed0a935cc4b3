/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/system.h - what the build host is, for metadata.json.
 */
#ifndef BUILD_SYSTEM_H
#define BUILD_SYSTEM_H

#include "build/plan.h"

#include <stdint.h>
#include <sys/utsname.h>

struct build_system {
	unsigned cores;
	uint64_t ram_mib, disk_mib; /* the disk's free space */
	char *os_name, *os_version; /* of os-release(5); NULL: not told */
	struct utsname uname;
};

void build_system_read(struct build_system *s);
void build_system_release(struct build_system *s);

/* The first line of `PROGRAM --version`, or NULL; the caller frees it. */
char *build_system_first_line(const struct build_plan *p, const char *program);
/* The same of the linker that belongs to the compiler. */
char *build_system_linker(const struct build_plan *p);

#endif
