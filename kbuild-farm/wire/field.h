/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/field.h - fields that many bodies have, beside those of base/buf.h.
 *
 * A line is text for people or a name: a u32 length and bytes that may be
 * shown on a terminal (base/printable), newlines and tabs excepted.
 */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "base/buf.h"
#include "base/digest.h"

/* Cut to `max` bytes, with blanks for what may not be shown; NULL is "". */
void wire_field_put_line(struct buf *out, const char *s, size_t max);
/* As reader_str(); `bad` too where it holds what may not be shown. */
char *wire_field_line(struct reader *r, size_t max);

void wire_field_put_digest(struct buf *out, const struct digest *d);
/* Leaves `d` alone when the reader is or gets bad. */
void wire_field_digest(struct reader *r, struct digest *d);

/* A number that must be at most `max`, else `bad` and 0. */
uint8_t wire_field_u8(struct reader *r, uint8_t max);
uint32_t wire_field_u32(struct reader *r, uint32_t max);

#endif
