/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/recorder.h - Recording of builds in the history.
 *
 * The recorder collects the events of a running build in memory and writes them
 * in one transaction at the end.  The row of the build is inserted at the
 * start, with HISTORY_STATE_RUNNING.  If the process exits before the end,
 * readers get HISTORY_STATE_KILLED.
 *
 * The recorder takes diagnostics only from the EVENTS_KIND_FOUND events, which
 * are sent at the end of the build and include the removed diagnostics.  If a
 * build ends without these events, none of its diagnostics are recorded.
 *
 * No failure of the recorder makes a build fail.  Messages for the user are
 * added to `notes`.
 */
#ifndef HISTORY_RECORDER_H
#define HISTORY_RECORDER_H

#include "base/str.h"
#include "events/hub.h"
#include "history/read.h"

struct history_recorder;

/*
 * Open the history, subscribe to `hub` and request its snapshot.  Call this
 * before the hub distributes EVENTS_KIND_BUILD.
 */
struct history_recorder *history_recorder_new(struct events_hub *hub,
					      struct strv *notes);
/*
 * Return the database, which the caller can read during the build, or NULL if
 * it could not be opened.
 */
struct history *history_recorder_db(const struct history_recorder *r);
/* Return the number of the build, or 0 if it has no row. */
int64_t history_recorder_build_number(const struct history_recorder *r);
/*
 * Write the finished build.  `done` is the EVENTS_KIND_DONE event, which the
 * caller publishes after this call.  If the build cannot be written, its row is
 * deleted unless the history is locked, and history_recorder_build_number()
 * returns 0.
 */
void history_recorder_finish(struct history_recorder *r,
			     const struct events_event *done,
			     struct strv *notes);
/*
 * Unsubscribe and free the recorder, which can be NULL.  A started build is
 * recorded as failed if history_recorder_finish() was not called.
 */
void history_recorder_free(struct history_recorder *r);

/*
 * Record that the output directory of build number `build` is now `output`, or
 * was removed if `output` is NULL.  `h` is open in HISTORY_MODE_WRITE.  Returns
 * 0 or a negative errno with `err` set.
 */
int history_build_set_output(struct history *h, int64_t build,
			     const char *output, struct err *err);

#endif
