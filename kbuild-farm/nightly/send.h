/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/send.h - Delivery of a nightly run's report.
 *
 * A report is mailed by sendmail(8), passed to a command, or both.  If neither
 * is configured, the report is printed on stdout, which cron mails.  The report
 * is also stored as report.txt in the directories of its results, and printed
 * if sending fails, so that it is not lost.  The run time of the mailer and
 * of the command is limited (mail_timeout_ms, command_timeout_ms).  After an
 * interrupt, each of them has at most five more seconds.
 */
#ifndef NIGHTLY_SEND_H
#define NIGHTLY_SEND_H

#include "base/err.h"
#include "base/str.h"
#include "nightly/conf.h"
#include "nightly/report-text.h"
#include "nightly/store.h"

#include <stdatomic.h>
#include <stdio.h>

#define NIGHTLY_REPORT_FILE "report.txt"

struct nightly_send {
	const char *name; /* name of the nightly job */
	const struct strv *mail_to; /* addresses; empty: no mail */
	const char *mail_from; /* NULL: kfarm <USER@HOST> */
	const char *command; /* shell command; NULL: none */
	const struct strv *environment; /* NAME=VALUE, for the command */
	const struct strv *report_dirs; /* each gets report.txt; at least one */
	/* search path for sendmail; NULL: PATH, then system directories */
	const char *sendmail_path;
	/* 0: one minute for the mailer, five minutes for the command */
	unsigned mail_timeout_ms, command_timeout_ms;
	const atomic_bool *stop; /* true after an interrupt; can be NULL */
	/*
	 * receives the report if neither mail nor a command is configured, or
	 * if sending fails
	 */
	FILE *out;
};

/*
 * Store and send a report.  The command gets the text on stdin, and the name of
 * the job, the result, the subject and the path of the report in the variables
 * KFARM_NIGHTLY_NAME, _RESULT, _SUBJECT and _REPORT.
 *
 * Returns 0 or -errno with `err` set to the failures and the path of the
 * report; -ECANCELED if the last failure was an interrupt.
 */
int nightly_send(const struct nightly_send *s, const struct nightly_report *r,
		 struct err *err);

/*
 * Check that sendmail exists if there are addresses for mail.  `path` is the
 * search path; NULL: PATH, then system directories.  Returns 0, or -ENOENT with
 * `err` set.
 */
int nightly_send_check_mailer(const struct strv *mail_to, const char *path,
			      struct err *err);

struct nightly_report_request {
	const struct nightly_job *job;
	const struct nightly_store *store; /* locked */
	/* results of this run, one per build */
	const struct nightly_result *const *results;
	size_t n_results;
	const atomic_bool *stop; /* see struct nightly_send */
	/*
	 * receives the report if neither mail nor a command is configured, or
	 * if sending fails
	 */
	FILE *out;
};

/*
 * Report the news of a run (nightly/notify.h), including earlier results that
 * were not reported (nightly/store.h).  Returns 0 or -errno with `err` set to
 * the failures and the path of the report.
 */
int nightly_report_send(const struct nightly_report_request *l,
			struct err *err);
/*
 * Report by mail and to the command that the job could not be built, unless the
 * reason `why` equals the reason that was reported last.  If `why` is NULL, the
 * job could be built, and the recorded reason is removed.  Returns the same
 * values as nightly_report_send().
 */
int nightly_report_send_error(const struct nightly_job *job, const char *why,
			      const atomic_bool *stop, FILE *out,
			      struct err *err);

#endif
