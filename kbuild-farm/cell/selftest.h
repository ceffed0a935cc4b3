/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/selftest.h - the job of cell_check(): it tries to get out.
 */
#ifndef CELL_SELFTEST_H
#define CELL_SELFTEST_H

/*
 * Look at every layer from inside.  When all hold, the last attempt is the
 * process's end, by SIGSYS; else it exits with the number of the layer that
 * does not.
 */
void cell_selftest_try(void) __attribute__((noreturn));
/* The name of a layer by that number, NULL when there is none. */
const char *cell_selftest_layer(int status);

#endif
