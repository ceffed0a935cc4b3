/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/system.h - what the build host is, for metadata.json.
 */
#ifndef KERNEL_SYSTEM_H
#define KERNEL_SYSTEM_H

#include "kernel/plan.h"

#include <stdint.h>
#include <sys/utsname.h>

struct kernel_system {
	unsigned cores;
	uint64_t ram_mib, disk_mib; /* the disk's free space */
	char *os_name, *os_version; /* of os-release(5); NULL: not told */
	struct utsname uname;
};

void kernel_system_read(struct kernel_system *s);
void kernel_system_release(struct kernel_system *s);

/* The first line of `PROGRAM --version`, or NULL; the caller frees it. */
char *kernel_system_first_line(const struct kernel_plan *p,
			       const char *program);
/* The same of the linker that belongs to the compiler. */
char *kernel_system_linker(const struct kernel_plan *p);

#endif
