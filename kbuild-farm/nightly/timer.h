/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/timer.h - Texts of systemd units and crontab lines for nightly runs.
 */
#ifndef NIGHTLY_TIMER_H
#define NIGHTLY_TIMER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/*
 * First line of the unit files that kfarm writes.  kfarm may replace or remove
 * only files that begin with this line.
 */
#define NIGHTLY_TIMER_MARK "# Written by kfarm nightly install"

struct nightly_timer {
	const char *program; /* absolute path of kfarm */
	const char *name; /* name of a job; NULL: all jobs */
	const char *user; /* User= of a system unit; NULL: a user unit */
	unsigned hour, minute;
	const struct strv *env; /* NAME=VALUE */
};

/*
 * Return "kfarm-nightly" if `name` is NULL, otherwise "kfarm-nightly-NAME".  A
 * character of NAME other than a letter, a digit, "_", "." or "-" becomes
 * "\xHH".  The caller frees the string.
 */
char *nightly_timer_service_name(const char *name);
/*
 * Append a .service file (systemd.service(5)).  Returns 0, or -EINVAL with
 * `err` set if systemd cannot represent the program's path.
 */
int nightly_timer_write_service(struct buf *out, const struct nightly_timer *t,
				struct err *err);
/* Append a .timer file (systemd.timer(5)). */
void nightly_timer_write_timer(struct buf *out, const struct nightly_timer *t);
/*
 * Append a line for crontab(5).  Returns 0, or -EINVAL with `err` set if cron
 * cannot represent the command.
 */
int nightly_timer_write_cron(struct buf *out, const struct nightly_timer *t,
			     struct err *err);

#endif
