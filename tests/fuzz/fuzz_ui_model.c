/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * A hostile stream of events.  The model stays consistent, its text is
 * printable on a terminal, and its snapshot gives the same model.  The bytes
 * are also keys of the full-screen view and lines of its log.  The view's
 * output is printable and as wide as the screen, for any size of screen.
 */
#include "base/list.h"
#include "base/printable.h"
#include "base/text-width.h"
#include "ui/model.h"
#include "ui/text.h"
#include "ui/view.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_shown(const char *text, unsigned allow)
{
	check(!text || printable_is_safe(bytes_str(text), allow));
}

static void check_node(const struct ui_node *n)
{
	unsigned now = 0, used = 0;

	check_shown(n->reported->name, 0);
	check_shown(n->reported->state, 0);
	check_shown(n->reported->reason, 0);
	check_shown(n->machine, 0);
	check_shown(n->sandbox, 0);
	for (unsigned i = 0; i < EVENTS_N_JOB_STATES; i++)
		now += n->n_by_state[i];
	for (unsigned i = 0; i < n->n_slots; i++)
		used += n->slots[i] != NULL;
	check(now == used);
}

static void check_model(const struct ui_model *m)
{
	unsigned now[EVENTS_N_JOB_STATES] = { 0 }, n = 0;
	const struct ui_job *j;
	struct buf line = { 0 };

	for (size_t i = 0; i < m->n_nodes; i++)
		check_node(m->nodes[i]);
	list_for_each(j, &m->open_jobs, entry) {
		check_shown(j->file, 0);
		check(!j->node || j->node->slots[j->slot] == j);
		now[j->state]++;
		n++;
	}
	check(n == m->n_jobs && !memcmp(now, m->n_by_state, sizeof(now)));
	for (unsigned i = 0; i < UI_DIAGS; i++)
		check_shown(m->diags[i].text, PRINTABLE_WHITESPACE);
	ui_text_put_line(&line, m, m->at_ms, 80);
	check_shown(buf_str(&line), 0);
	check(text_width(buf_str(&line)) <= 80);
	buf_release(&line);
}

static void put_line(void *out, const struct events_event *ev)
{
	events_encode(out, ev);
}

static void tell_line(struct ui_model *m, struct bytes line, bool ours)
{
	struct events_parsed read;
	struct err err;
	int ret = events_decode(&read, line, &err);

	check(!ours || !ret);
	if (ret)
		return;
	ui_model_add_event(m, &read.ev);
	events_parsed_release(&read);
}

/* ------------------------------------------------------------- the view */

static void check_canvas(const struct ui_canvas *c)
{
	for (unsigned row = 0; row < c->rows; row++) {
		unsigned width = 0;

		for (unsigned i = 0; i < c->columns; i++) {
			const char *text = c->glyphs[row * c->columns + i].text;

			check_shown(text, 0);
			width += text_width(text);
		}
		check(width == c->columns);
	}
}

static uint32_t key_of(uint8_t byte)
{
	if (byte >= 0xe0)
		return 0x10ffffu / (byte - 0xdfu);
	return byte < 0x80 ? byte : UI_KEY_UP + (byte - 0x80u) % 12;
}

/* A view that displays the stream while it arrives. */
struct watcher {
	struct ui_view view;
	struct ui_canvas canvas;
	size_t at; /* offset of the next key */
};

static void watch(struct watcher *w, const struct ui_model *m,
		  struct bytes keys)
{
	uint8_t size = 0;

	for (int i = 0; i < 5 && keys.len; i++) {
		size = keys.data[w->at++ % keys.len];
		ui_view_handle_key(&w->view, m, key_of(size));
	}
	if (w->at % 3 == 0)
		ui_canvas_resize(&w->canvas, size % 41, size % 37 * 4);
	ui_view_draw(&w->view, &w->canvas, m, m->at_ms + size * 100);
	check_canvas(&w->canvas);
}

static void watch_lines(struct ui_model *m, struct bytes in)
{
	static const struct ui_view_setup setup = { .actions_enabled = true };
	const struct bytes keys = in;
	struct watcher w = { 0 };

	ui_view_init(&w.view, &setup);
	ui_canvas_init(&w.canvas, 24, 80, in.len % 2);
	ui_log_add(ui_view_log(&w.view), in);
	for (int i = 0; in.len; i++) {
		tell_line(m, bytes_take_line(&in), false);
		if (i % 4 == 0 && i < 64)
			watch(&w, m, keys);
	}
	for (int i = 0; i < 4; i++)
		watch(&w, m, keys);
	ui_canvas_release(&w.canvas);
	ui_view_release(&w.view);
}

static void tell_our_lines(struct ui_model *m, struct bytes in)
{
	while (in.len)
		tell_line(m, bytes_take_line(&in), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first = { 0 };
	struct ui_model m, other;

	ui_model_init(&m);
	ui_model_init(&other);
	watch_lines(&m, bytes_of(data, size));
	check_model(&m);
	ui_model_snapshot(&m, put_line, &first);
	tell_our_lines(&other, buf_bytes(&first));
	check_model(&other);
	check(other.n_jobs == m.n_jobs && other.n_nodes == m.n_nodes &&
	      other.totals.n_remote == m.totals.n_remote &&
	      other.totals.n_local == m.totals.n_local);
	ui_model_release(&m);
	ui_model_release(&other);
	buf_release(&first);
	return 0;
}
