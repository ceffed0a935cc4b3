/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/query.h - how a question is put to a compiler, and its answer read.
 */
#ifndef SCAN_QUERY_H
#define SCAN_QUERY_H

#include "scan/deps.h"
#include "scan/line.h"
#include "scan/name.h"

enum scan_query {
	SCAN_QUERY_MACROS, /* -dD -E: macros, what is built in, operators */
	SCAN_QUERY_DIRS, /* -v -E */
	SCAN_QUERY_OPERATORS, /* -P -E */
	SCAN_QUERY_OPTIONS, /* -S -g3; `keys` are pragmas */
};

/*
 * Start the compiler, with the source in a temporary file, and append what it
 * says to `answer`, in lines:
 *
 *	#define X 1, #undef X	its macros
 *	has N			this name is built in, N as in enum scan_word;
 *				0: there are no raw strings
 *	op OP VALUE TEXT	an operator of `keys`, each of which is "OP
 *TEXT" dirs			here begins a list of directories: D PATH, N
 *PATH		one, and one that does not exist
 *	pragmas KEY		what the last of these changes: +define X 1,
 *+undef X
 */
int scan_query(const struct scan_setup *setup, const struct scan_unit *unit,
	       const struct scan_line *line, const struct scan_names *names,
	       enum scan_query what, const struct strv *keys,
	       struct buf *answer, struct err *err);

/* Operators as "OP TEXT", of which those that Linux asks for come first. */
void scan_query_wanted(struct strv *keys);
/* Add the operators that `len` bytes of some header's text mention. */
void scan_query_harvest(struct strv *keys, const char *s, size_t len);

#endif
