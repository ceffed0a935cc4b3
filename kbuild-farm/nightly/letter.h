/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/letter.h - a job's night told to whom it is to be told.
 */
#ifndef NIGHTLY_LETTER_H
#define NIGHTLY_LETTER_H

#include "nightly/conf.h"
#include "nightly/store.h"

#include <stdatomic.h>
#include <stdio.h>

struct nightly_letter {
	const struct nightly_job *job;
	const struct nightly_store *store; /* locked */
	const struct nightly_result *const *v; /* this night's, one a build */
	size_t n;
	const atomic_bool *stop; /* as nightly_send's */
	FILE *out; /* for what goes neither to sendmail nor to a command */
};

/*
 * Tell what is news (nightly/news.h), where anything is, and keep it
 * (nightly/send.h); also what was to be told before, and was not
 * (nightly/heard.h).  Returns 0, or a negative errno with `err` saying who was
 * not told and where the report is.
 */
int nightly_letter_send(const struct nightly_letter *l, struct err *err);
/*
 * Nothing of the job could be tried tonight: tell `why` by mail and to its
 * command, unless it was the same the last night.  NULL: it could.  Returns as
 * nightly_letter_send().
 */
int nightly_letter_trouble(const struct nightly_job *job, const char *why,
			   const atomic_bool *stop, FILE *out, struct err *err);

#endif
