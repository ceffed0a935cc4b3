/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/sys.h - what the kernel tells of a machine, read from /proc and /sys.
 *
 * `root` stands in front of every path: "" is this machine, and tests give the
 * directory of another one's files (tests/data/boards).  Paths begin with '/'
 * and are printf() formats.
 */
#ifndef NODE_SYS_H
#define NODE_SYS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define NODE_CPUS_MAX 8192

/* A set of CPUs, by number. */
struct node_cpus {
	uint64_t bits[NODE_CPUS_MAX / 64];
};

/*
 * All of a file, without the blanks, newlines and NULs at its end; NULL where
 * it cannot be read or has more than 4 MiB.  The caller frees it.
 */
char *node_sys_text(const char *root, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The number that a file begins with; false: there is none, `out` is as it
 * was. */
bool node_sys_number(const char *root, int64_t *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * What a thermal zone says, in thousandths of a degree: Amlogic's Linux 3.14
 * gives whole degrees, and no machine that runs has less than a fifth of one.
 */
int64_t node_sys_heat(int64_t told);
/* The names in a directory that begin with `prefix`, sorted; none where there
 * is no such directory. */
void node_sys_list(const char *root, const char *dir, const char *prefix,
		   struct strv *out);
bool node_sys_exists(const char *root, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * What uname(2) says, by the names of /proc/sys/kernel: "hostname",
 * "osrelease", "arch" (uname -m; a file only since Linux 6.1).  Never NULL.
 */
char *node_sys_name(const char *root, const char *what);
/*
 * The text behind "NAME:" and blanks, to the end of its line, in a text of
 * such lines, or NULL; borrowed, and not ended by a NUL.
 */
const char *node_sys_line(const char *text, const char *name);

/*
 * Read a list as "0-3,8" (Documentation/admin-guide/cputopology.rst).  False
 * where it is none; numbers that are too large are left out.
 */
bool node_cpus_parse(struct node_cpus *out, const char *list);
/* That there are; CPU 0 alone where nobody says so. */
void node_cpus_present(struct node_cpus *out, const char *root);
/*
 * That the scheduler may use for us: of those that are online the ones which
 * affinity and cpuset leave (Cpus_allowed_list of proc(5)'s status).
 */
void node_cpus_usable(struct node_cpus *out, const char *root);
void node_cpus_add(struct node_cpus *set, unsigned cpu);
/* Leaves those of `set` that are in `other` too. */
void node_cpus_intersect(struct node_cpus *set, const struct node_cpus *other);
bool node_cpus_has(const struct node_cpus *set, unsigned cpu);
unsigned node_cpus_count(const struct node_cpus *set);

#endif
