/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/builder.h - a word under construction: its text and its parts.
 */
#ifndef SHELL_BUILDER_H
#define SHELL_BUILDER_H

#include "shell/lexer.h"

struct shell_builder {
	struct shell_lexer *lx;
	const char *source; /* where it begins in the script */
	const struct shell_part *parts, **tail;
	char *text; /* all of it, as long as nothing is `live` */
	char *start; /* of what is in no part yet */
	bool start_quoted; /* that text is */
	bool quoted; /* something was */
	bool live; /* something has to be expanded */
	bool bracket; /* there was a [ outside of quotes */
	bool document; /* a here-document, or a word in one */
	bool mark; /* of a here-document: $ and ` are only themselves */
	size_t value; /* what follows NAME=, 0 if it begins otherwise */
};

/* Where bytes are more than themselves: outside of quotes, inside of "". */
#define SHELL_STOP_PLAIN  1
#define SHELL_STOP_QUOTED 2
/* Bytes that dash marks its own words with, and the end of all. */
#define SHELL_STOP_MARK 4

extern const unsigned char shell_stops[256];

/* A word that begins at lx->p, where nothing was taken of it yet. */
void shell_builder_init(struct shell_builder *b, struct shell_lexer *lx,
			bool document);
/* The text so far becomes a part. */
void shell_builder_flush(struct shell_builder *b);
/* One part more, behind the text so far if that was flushed. */
struct shell_part *shell_builder_part(struct shell_builder *b,
				      enum shell_part_kind kind, bool quoted);
/* Here a quote begins or ends, which makes a field even of nothing. */
void shell_builder_quote(struct shell_builder *b);
/* A byte of text. */
void shell_builder_put(struct shell_builder *b, int c, bool quoted);
/* Take the bytes up to the next that may be more than itself. */
void shell_builder_run(struct shell_builder *b, unsigned char stop,
		       bool quoted);
/* Take the next byte as itself, whatever it is. */
void shell_builder_byte(struct shell_builder *b, bool quoted);
/* The word is all there. */
struct shell_word *shell_builder_end(struct shell_builder *b);

#endif
