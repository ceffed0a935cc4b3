/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox/check.h - Self-test of the sandbox. */
#ifndef SANDBOX_CHECK_H
#define SANDBOX_CHECK_H

/*
 * Check every layer from inside a job.  If all layers hold, the last check ends
 * the process by SIGSYS; otherwise the exit status identifies a layer that does
 * not hold.
 */
void sandbox_check_run_selftest(void) __attribute__((noreturn));
/* Return the name of the layer for an exit status, or NULL. */
const char *sandbox_check_layer_name(int status);

#endif
