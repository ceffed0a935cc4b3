/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine/sys.h - Access to /proc and /sys, and sets of CPUs.
 *
 * `root` precedes every path.  It is "" for this machine; in tests it is a
 * directory with the files of another machine (tests/data/boards).  Paths begin
 * with '/'; `fmt` is a printf() format of the path.
 */
#ifndef MACHINE_SYS_H
#define MACHINE_SYS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_CPUS_MAX 8192

/* A set of CPUs, by number. */
struct machine_cpus {
	uint64_t bits[MACHINE_CPUS_MAX / 64];
};

/*
 * Read a file, without trailing blanks, newlines and NULs.  Returns NULL if it
 * cannot be read or exceeds 4 MiB.  The caller frees the text.
 */
char *machine_sys_read_text(const char *root, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Read the number at the start of a file.  Returns false, and leaves *out
 * unchanged, if there is no number.
 */
bool machine_sys_read_number(const char *root, int64_t *out, const char *fmt,
			     ...) __attribute__((format(printf, 3, 4)));
/*
 * Convert the value of a thermal zone to thousandths of a degree.  Linux 3.14
 * for Amlogic reports whole degrees, so a value from 1 to 199 is taken as
 * degrees: no running machine is colder than 0.2 degrees.
 */
int64_t machine_sys_to_millicelsius(int64_t raw);
/*
 * Add the names in a directory that begin with `prefix` to `out`, in sorted
 * order.  Adds none if the directory does not exist.
 */
void machine_sys_list_dir(const char *root, const char *dir, const char *prefix,
			  struct strv *out);
/* Return true if the file exists. */
bool machine_sys_exists(const char *root, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Find the line "NAME: VALUE" in `text`.  Returns a pointer to VALUE within
 * `text`, or NULL.  The value is not terminated at the end of its line.
 */
const char *machine_sys_find_value(const char *text, const char *name);

/*
 * Parse a list such as "0-3,8" (Documentation/admin-guide/cputopology.rst).
 * Returns false if the syntax is invalid; numbers that are too large are
 * ignored.
 */
bool machine_cpus_parse(struct machine_cpus *out, const char *list);
/*
 * Read the present CPUs.  If the kernel does not list the present CPUs, read
 * the online CPUs.  If the kernel lists neither, use CPU 0.
 */
void machine_cpus_read_present(struct machine_cpus *out, const char *root);
/*
 * Read the CPUs that the scheduler can use for this process: the online CPUs
 * within its affinity and cpuset (Cpus_allowed_list of /proc/self/status,
 * proc(5)).
 */
void machine_cpus_read_usable(struct machine_cpus *out, const char *root);
/* Add a CPU; a number that is too large is ignored. */
void machine_cpus_add(struct machine_cpus *set, unsigned cpu);
/* Remove from `set` all CPUs that are not in `other`. */
void machine_cpus_intersect(struct machine_cpus *set,
			    const struct machine_cpus *other);
bool machine_cpus_has(const struct machine_cpus *set, unsigned cpu);
unsigned machine_cpus_count(const struct machine_cpus *set);

#endif
