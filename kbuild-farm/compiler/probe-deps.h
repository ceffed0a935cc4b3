/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/probe-deps.h - Files that a cached probe result depends on.
 *
 * Each combination of compiler, PATH and LD_LIBRARY_PATH has a list of files.
 * The list contains the programs that a compile without linking executes, and
 * the libraries of these programs.  It also contains the directories in which
 * the compiler or the loader searched for programs, libraries and specs, so
 * that a new file in an earlier directory is detected.  options/probe-stamps.h
 * describes the format of a list; cc/call.c uses the lists.
 */
#ifndef COMPILER_PROBE_DEPS_H
#define COMPILER_PROBE_DEPS_H

#include "base/err.h"

/*
 * Ensure that `dir` contains a current list of the files on which probes of the
 * compiler `driver` (an absolute path) depend.  The list is made for the PATH
 * and LD_LIBRARY_PATH of `env`.  Queries the driver if `dir` has no current
 * list.  Returns 0, or a negative errno with `err` set; then the probe results
 * of this compiler are not cached.
 */
int compiler_probe_deps_update(const char *dir, const char *driver,
			       char *const *env, struct err *err);
/*
 * Update the list of each compiler for which a wrapper has requested a list,
 * and remove the requests.
 */
void compiler_probe_deps_update_requested(const char *dir);
/*
 * Remove the older half of the files in `dir` if `dir` has at least 3/4 of
 * OPTIONS_PROBE_ENTRIES_MAX files.
 */
void compiler_probe_deps_trim(const char *dir);

#endif
