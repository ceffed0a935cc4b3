/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/record.h - what the history knows of a night's build, and what it is
 * told of the night.
 *
 * A night never fails for its history: what cannot be read is not known, what
 * cannot be written is left out.
 */
#ifndef NIGHTLY_RECORD_H
#define NIGHTLY_RECORD_H

#include "nightly/result.h"

/*
 * The build whose output directory `dir` was has ended: its number, what is
 * new in it, and the first of that in r->said, unless it could not be tried.
 */
void nightly_record_read(struct nightly_result *r, const char *dir);
/*
 * `r` has its place: the build's results are there now, and there was this
 * night.
 */
void nightly_record_night(const struct nightly_result *r);
/* A build on the way to what broke it: its results are not kept. */
void nightly_record_gone(const struct nightly_result *r);

#endif
