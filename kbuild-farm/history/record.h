/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/record.h - writes a build down: hears its events, keeps them in
 * memory, and puts all into the history in one transaction at its end.  Only
 * the build's own row is there from its beginning, as HISTORY_RUNNING; where
 * its process ends without a word it reads as HISTORY_KILLED.
 *
 * EVENTS_FOUND makes up what stands at the end of the build, and what is gone:
 * what is not told, of an interrupted build too, does not stand.
 *
 * Nothing here makes a build fail.  Lines for people go to `notes`.
 */
#ifndef HISTORY_RECORD_H
#define HISTORY_RECORD_H

#include "base/str.h"
#include "events/hub.h"
#include "history/read.h"

struct history_record;

/*
 * Open the history and hear what `hub` tells from now on, and what it can tell
 * of the state so far; call it before EVENTS_BUILD.
 */
struct history_record *history_record_new(struct events_hub *hub,
					  struct strv *notes);
/* To be read meanwhile; NULL: there is none. */
struct history *history_record_history(const struct history_record *r);
/* The build's number, once EVENTS_BUILD was told; 0: it has none (yet). */
int64_t history_record_number(const struct history_record *r);
/*
 * The build ends: write all of it down.  `done` is the EVENTS_DONE that will
 * be told next.
 */
void history_record_end(struct history_record *r,
			const struct events_event *done, struct strv *notes);
/* Hears no more.  A build that did not end is a failed one.  NULL is fine. */
void history_record_free(struct history_record *r);

#endif
