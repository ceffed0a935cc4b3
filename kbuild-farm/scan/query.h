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
	SCAN_QUERY_MACROS, /* -dD -E: macros, what is built in, operators */
	SCAN_QUERY_DIRS, /* -v -E */
	SCAN_QUERY_OPERATORS, /* -P -E */
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

/* Operators as "OP TEXT", of which those that Linux asks for come first. */
void scan_query_wanted(struct strv *keys);
/* Add the operators that `len` bytes of some header's text mention. */
void scan_query_harvest(struct strv *keys, const char *s, size_t len);

/* All that there is to ask at first, with these operators. */
void scan_query_macros(struct scan_query *q, const struct scan_names *names,
		       const struct strv *keys);
/* These operators. */
void scan_query_operators(struct scan_query *q, const struct strv *keys);

/*
 * Take an answer apart: `macros` gets its definitions, then a line "has N"
 * for each name that is built in, N as in enum scan_word, or 0 when there
 * are no raw strings; `values` gets the operators as "OP VALUE TEXT" lines.
 */
void scan_query_take(const struct scan_query *q, const char *answer,
		     struct buf *macros, struct buf *values);
/* Take the "has N" lines off. */
void scan_query_take_builtins(struct buf *macros, bool has[static WORDS]);

/* What -v said as "D path" and "N path" lines; -EPROTO: nothing. */
int scan_query_dirs(const char *said, struct buf *out);
void scan_query_take_dirs(const char *text, struct strv *dirs,
			  struct strv *absent);

#endif
