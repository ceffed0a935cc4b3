/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/send.h - a report on its way: to sendmail(8), to a command, or else
 * to stdout, from where cron mails it.
 *
 * It is kept as report.txt in the directories of the results that it tells of,
 * and printed where it could not be sent, so that it is not lost.  An interrupt
 * leaves a mailer or command five seconds to end; else the limits below do.
 */
#ifndef NIGHTLY_SEND_H
#define NIGHTLY_SEND_H

#include "base/err.h"
#include "base/str.h"
#include "nightly/tell.h"

#include <stdatomic.h>
#include <stdio.h>

#define NIGHTLY_REPORT_FILE "report.txt"

struct nightly_send {
	const char *name; /* of the nightly */
	const struct strv *mail; /* addresses; none: no mail */
	const char *mail_from; /* NULL: kfarm <USER@HOST> */
	const char *command; /* for a shell; NULL: none */
	const struct strv *facts; /* NAME=VALUE, for its environment */
	const struct strv *keep; /* directories, at least one */
	const char *path; /* where sendmail is looked for; NULL: our PATH */
	unsigned mail_ms, command_ms; /* killed after that; 0: 1 and 5 min */
	const atomic_bool *stop; /* true after an interrupt; or NULL */
	FILE *out;
};

/*
 * Keep it and send it.  The command has the text on its stdin, and the subject
 * and result in KFARM_NIGHTLY_NAME, _SUBJECT, _RESULT, _REPORT (the file).
 *
 * Returns 0, or a negative errno with `err` saying which ways failed and where
 * the report is; -ECANCELED where the last that failed was interrupted.
 */
int nightly_send(const struct nightly_send *s, const struct nightly_report *r,
		 struct err *err);

#endif
