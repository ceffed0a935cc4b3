/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/exact.h - a unit's text, preprocessed in full.
 */
#ifndef SCAN_EXACT_H
#define SCAN_EXACT_H

#include "scan/worker.h"

/* What the preprocessor asks for, and is given; see struct scan_host. */
bool scan_exact_more(void *ctx, bool inside, const struct scan_token **v,
		     size_t *n);
void scan_exact_said(void *ctx, struct scan_token t);
uint32_t scan_exact_file(void *ctx, enum scan_word which);
/* Read the text of the file that was entered, and of all that it includes. */
void scan_exact_read(struct scan_walk *walk);

#endif
