/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
#include "cli/top-text.h"

#include "../lib/test.h"

static struct top top;
static struct top_page page = { .pid = 41 };
static char *text; /* of top_once_print() */

static void set_up(void)
{
	static const struct top_ops ops = { 0 };

	top_init(&top, NULL, &ops, NULL);
	ui_model_init(&page.model);
	TAILQ_INSERT_TAIL(&top.pages, &page, entry);
}

static void tear_down(void)
{
	TAILQ_REMOVE(&top.pages, &page, entry);
	ui_model_release(&page.model);
	top_release(&top);
	free(text);
	text = NULL;
}

static void report_local_job(enum events_job_state state)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.job = 1;
	ev.state = state;
	ev.file = "lib/a.c";
	ev.node = state == EVENTS_JOB_QUEUED ? NULL : EVENTS_LOCAL;
	ev.reason = ev.node ? ".incbin" : NULL;
	ui_model_add_event(&page.model, &ev);
}

/* Print the pages to `text`, and return the "reasons" of the JSON. */
static json_t *print_pages(json_t **pages)
{
	json_t *build;
	size_t size;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	top_once_print(out, &top, false);
	fclose(out);
	*pages = top_once_json(&top);
	build = json_array_get(json_object_get(*pages, "builds"), 0);
	return json_object_get(build, "reasons");
}

FIXTURE(set_up, tear_down);

TEST(a_reason_is_listed_when_its_first_job_is_done)
{
	json_t *pages, *reasons;

	report_local_job(EVENTS_JOB_QUEUED);
	report_local_job(EVENTS_JOB_RUN);
	reasons = print_pages(&pages);
	ck_assert_ptr_null(strstr(text, "  local: "));
	ck_assert_uint_eq(json_object_size(reasons), 0);
	json_decref(pages);

	report_local_job(EVENTS_JOB_DONE);
	reasons = print_pages(&pages);
	ck_assert_ptr_nonnull(strstr(text, "\n  local: 1 .incbin\n"));
	ck_assert_int_eq(
		json_integer_value(json_object_get(reasons, ".incbin")), 1);
	json_decref(pages);
}
