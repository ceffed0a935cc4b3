/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/text.h - the text of a unit: preprocessed here, once, and packed for
 * whichever node gets it.
 */
#ifndef COORD_TEXT_H
#define COORD_TEXT_H

#include "coord/state.h"
#include "wire/stream.h"

/* `why` is NULL when the text is complete, else a literal. */
typedef void coord_text_done(void *ctx, const char *why);

/*
 * Start the preprocessor for `job`, pieces packed with `codec`.  `done` is
 * called once from the loop unless coord_text_free() comes first.
 */
int coord_text_start(struct coord_text **out, struct coord_job *job,
		     enum wire_codec codec, coord_text_done *done, void *ctx,
		     struct err *err);
/* Ends the preprocessor if it still runs. */
void coord_text_free(struct coord_text *t);

/* Of a complete text: bytes unpacked, digest, and all of it as messages. */
uint32_t coord_text_len(const struct coord_text *t);
const struct digest *coord_text_digest(const struct coord_text *t);
/* Must the node look at its indentation (coord/indent.h)? */
bool coord_text_suspect(const struct coord_text *t);
void coord_text_send(const struct coord_text *t, struct wire_stream *s);
/* The number on the wire that its pieces are for. */
uint32_t coord_text_number(const struct coord_text *t);

/*
 * Why a unit with this piece of text must be compiled here, or NULL: it
 * names what would be another thing on a node (.incbin, .include, also as
 * pasted strings; __DATE__ and its like; __BASE_FILE__).  `text` is followed
 * by a NUL.  A word, or a linemarker, in the last COORD_TEXT_OVERLAP bytes may
 * be missed: begin the next piece with them.
 */
#define COORD_TEXT_OVERLAP 8192
const char *coord_text_forbidden(const char *text, size_t len);

#endif
