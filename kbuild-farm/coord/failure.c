/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/failure.h"

#include "base/list.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/spawn.h"
#include "base/str.h"
#include "coord/internal.h"
#include "events/hub.h"
#include "events/text.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 300 /* bytes of a quoted message */

/*
 * Return the last line of the messages of a program that failed, or a text
 * about its exit status if it printed no message.  The caller frees the text.
 */
static char *failure_text(const struct peer_job_result *r)
{
	const struct buf *messages = &r->streams[WIRE_OUTPUT_STDERR];
	const char *text = buf_str(messages);
	size_t end = messages->len, start;

	while (end && strchr("\n\t ", text[end - 1]))
		end--;
	for (start = end; start && text[start - 1] != '\n';)
		start--;
	if (start == end)
		return spawn_status_text(
			(int)(r->wire.wait_status & ~WIRE_STATUS_FROM_TOOL));
	return xstrndup(
		text + start,
		printable_prefix_len(text + start, end - start < TEXT_MAX ?
							   end - start :
							   TEXT_MAX));
}

void coord_failure_record(struct coord_unit *u, unsigned program,
			  const char *text)
{
	char *raw = text ? xstrdup(text) : failure_text(&u->result);

	u->failed = program;
	free(u->failure_text);
	u->failure_text = printable_escape(raw);
	free(raw);
}

/* Take the stamp of the unit's object; all zero if there is no object. */
static void stamp_object(const struct coord_unit *u, struct file_stamp *out)
{
	char *path = str_join_path(u->request.cwd, u->object);
	struct stat st;

	*out = (struct file_stamp){ 0 };
	if (!lstat(path, &st) && S_ISREG(st.st_mode))
		file_stamp_from_stat(out, &st);
	free(path);
}

void coord_failure_watch_object(struct coord_unit *u)
{
	if (u->failed == SCHED_COMPILER)
		stamp_object(u, &u->object_before);
}

/*
 * Return true if the wrapper's compile has made another object.  A compiler
 * that fails makes none.  If the command also links, its object has no name.
 */
static bool has_new_object(const struct coord_unit *u)
{
	struct file_stamp now;

	if (u->failed != SCHED_COMPILER || u->request.linked)
		return false;
	stamp_object(u, &now);
	return now.ino && !file_stamp_equal(&now, &u->object_before);
}

/* Return the name of a program of SCHED_STEP_* and SCHED_COMPILER. */
static const char *program_name(const struct coord *c, unsigned program,
				uint32_t toolchain)
{
	static const char *const tools[] = { "genksyms", "objtool", "dtc" };
	const struct inputs_toolchain *tc;

	if (program != SCHED_COMPILER)
		return tools[__builtin_ctz(program)];
	list_for_each(tc, &c->toolchains.toolchains, list_entry) {
		if (tc->user_number == toolchain + 1)
			return str_base(tc->driver);
	}
	return "compiler";
}

bool coord_failure_is_compiled(struct coord_unit *u)
{
	struct coord *c = u->coord;
	char **first;

	if (!u->failed)
		return false;
	u->compiled = u->compiled || has_new_object(u);
	first = &c->steps.failure_texts[__builtin_ctz(u->failed)];
	if (u->compiled && !*first) {
		*first = xstrdup(u->failure_text);
		log_warning("node %s: %s failed for %s, but not on the build "
			    "host: %s",
			    u->node_name,
			    program_name(c, u->failed,
					 u->toolchain->user_number - 1),
			    u->name, *first);
	}
	return u->compiled;
}

void coord_failure_report_disabled(struct coord *c,
				   const struct sched_action *a)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DISABLED);
	struct buf what = { 0 };

	ev.tool = program_name(c, a->program, a->toolchain);
	if (a->node != SCHED_ALL_NODES)
		ev.node = c->nodes.v[a->node]->entry->name;
	ev.n_failed = a->n_failures;
	ev.text = c->steps.failure_texts[__builtin_ctz(a->program)];
	events_hub_publish(c->setup.hub, &ev);
	events_text_add_disabled(&what, ev.tool, ev.node, a->n_failures, NULL);
	log_warning("%s: %s", a->n_failures ? "disabled" : "enabled again",
		    buf_str(&what));
	buf_release(&what);
}
