/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/status.h - The status of running kfarmds, for --status.
 *
 * Each kfarmd listens at DIR/live/NAME/status, in the scratch directory of its
 * open store (store/store.h).  A process that connects receives one JSON
 * object, which kfarmd(8) describes, and end of file.  kfarmd collects the
 * status when the process connects.
 */
#ifndef KFARMD_STATUS_H
#define KFARMD_STATUS_H

#include "base/err.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/settings.h"

/*
 * Listen for requests; a->store must be open.  Returns 0, or a negative errno
 * with `err` set.
 */
int kfarmd_status_new(struct kfarmd_status **out, struct kfarmd *a,
		      struct err *err);
/*
 * Close the status socket and free `s`.  Must be called before the store is
 * freed.  NULL is allowed.
 */
void kfarmd_status_free(struct kfarmd_status *s);
/*
 * Query all kfarmds that have the store `dir` open.  Print their status and the
 * installed toolchains in the directory `toolchains_dir` on stdout, in the
 * format of the settings.  Returns the number of kfarmds, or a negative errno
 * with `err` set.
 */
int kfarmd_status_query(const struct kfarmd_settings *settings, const char *dir,
			const char *toolchains_dir, struct err *err);

#endif
