/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/timer.h - what starts `kfarm nightly run` each night: a service and a
 * timer of systemd, or a line of a crontab, as text.
 */
#ifndef NIGHTLY_TIMER_H
#define NIGHTLY_TIMER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* The first line of files that may be replaced and removed. */
#define NIGHTLY_TIMER_MARK "# Written by kfarm nightly install"

struct nightly_timer {
	const char *program; /* kfarm, an absolute path */
	const char *name; /* of a nightly; NULL: all */
	const char *user; /* of a unit of the system; NULL: a user's unit */
	unsigned hour, minute;
	const struct strv *env; /* NAME=VALUE that it is to see */
};

/*
 * "kfarm-nightly", or "kfarm-nightly-NAME" escaped as systemd-escape(1) does;
 * the caller frees it.
 */
char *nightly_timer_unit(const char *name);
/*
 * Append a .service (systemd.service(5)).  Returns 0, or -EINVAL with `err` set
 * for a program whose path systemd does not take.
 */
int nightly_timer_service(struct buf *out, const struct nightly_timer *t,
			  struct err *err);
/* Append a .timer (systemd.timer(5)). */
void nightly_timer_timer(struct buf *out, const struct nightly_timer *t);
/*
 * Append a line for crontab(5).  Returns 0, or -EINVAL with `err` set: cron
 * cannot have what it would need.
 */
int nightly_timer_cron(struct buf *out, const struct nightly_timer *t,
		       struct err *err);

#endif
