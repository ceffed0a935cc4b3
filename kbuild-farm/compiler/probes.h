/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/probes.h - what compilers answered, as kfarm keeps it: see
 * options/probe-list.h for the files, cc/probe.h for who reads them.
 *
 * A list has the programs that the compiler runs without linking, with their
 * libraries, and the directories that it or the loader searched for them and
 * for specs, so that one that would be found first is noticed, too.
 */
#ifndef COMPILER_PROBES_H
#define COMPILER_PROBES_H

#include "base/err.h"

/*
 * See to it that the list of the compiler `driver`, an absolute path, with
 * PATH and LD_LIBRARY_PATH of `env` lies in `dir`.  One that holds stays; else
 * the driver is asked some questions.  0, or a negative errno with `err` set:
 * its answers are not remembered then.
 */
int compiler_probes_list(const char *dir, const char *driver, char *const *env,
			 struct err *err);
/* The same for all whose list a wrapper missed. */
void compiler_probes_wanted(const char *dir);
/* Where there are many files, the older half goes. */
void compiler_probes_trim(const char *dir);

#endif
