/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/query.h - how a question is put to a compiler, and its answer read.
 */
#ifndef SCAN_QUERY_H
#define SCAN_QUERY_H

#include "scan/deps.h"
#include "scan/line.h"
#include "scan/name.h"

enum scan_query_kind {
	SCAN_QUERY_MACROS, /* -dM -E */
	SCAN_QUERY_DIRS, /* -v -E */
	SCAN_QUERY_OPERATORS, /* -E -P */
};

struct scan_query {
	enum scan_query_kind what;
	struct buf source; /* what the compiler reads */
	struct strv keys; /* operators: "OP TEXT" in order */
};

void scan_query_release(struct scan_query *q);
/* Start the compiler, with the source in a temporary file. */
int scan_query_run(const struct scan_setup *setup, const struct scan_unit *unit,
		   const struct scan_line *line, const struct scan_query *q,
		   struct buf *out, struct buf *err_out, struct err *err);

void scan_query_macros(struct scan_query *q, const struct scan_names *names);
/*
 * Take the lines on built-in names out of the answer.  has[WORD_NONE]: there
 * are no raw strings.
 */
void scan_query_take_builtins(struct buf *answer, bool has[static WORDS]);

/* What -v said as "D path" and "N path" lines; -EPROTO: nothing. */
int scan_query_dirs(const char *said, struct buf *out);
void scan_query_take_dirs(const char *text, struct strv *dirs,
			  struct strv *absent);

/* One operator, with `many` others of its kind that kernels ask for. */
void scan_query_operators(struct scan_query *q, const struct scan_names *names,
			  enum scan_word op, const char *text, bool many);
/* The answer as "OP VALUE TEXT" lines. */
void scan_query_values(const struct scan_query *q, const char *answer,
		       struct buf *out);

#endif
