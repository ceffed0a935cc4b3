/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/ui-view.h - A view of the farm of ui-farm.h on an ASCII canvas of
 * 80x24, with key input and checks of its content.
 */
#ifndef UI_VIEW_PLAY_H
#define UI_VIEW_PLAY_H

#include "ui-canvas.h"
#include "ui-farm.h"
#include "ui-golden.h"
#include "ui/view.h"

static struct ui_view v;
static struct ui_canvas c;

static inline void set_up(void)
{
	const struct ui_view_setup setup = { .actions_enabled = true };

	now_ms = 0;
	also = NULL;
	farm_is_known = false;
	job_cost = EVENTS_UNKNOWN;
	ui_model_init(&m);
	ui_view_init(&v, &setup);
	ui_canvas_init(&c, 24, 80, true);
}

static inline void tear_down(void)
{
	ui_canvas_release(&c);
	ui_view_release(&v);
	ui_model_release(&m);
}

static inline enum ui_view_action press(uint32_t key)
{
	return ui_view_handle_key(&v, &m, key);
}

/* Press each character as a key, none of which sends a request. */
static inline void keys(const char *text)
{
	for (; *text; text++)
		ck_assert_int_eq(press((uint8_t)*text), UI_ACTION_NONE);
}

static inline void draw(void)
{
	ui_view_draw(&v, &c, &m, now_ms);
}

static inline char *drawn(void)
{
	struct buf text = { 0 };

	draw();
	dump_text(&text, &c);
	return buf_steal(&text);
}

static inline void screen(const char *golden)
{
	char *text = drawn();

	golden_compare(golden, text);
	free(text);
}

static inline bool shows(const char *what)
{
	char *text = drawn();
	bool has = strstr(text, what);

	free(text);
	return has;
}

static inline void resize(unsigned rows, unsigned columns)
{
	ui_canvas_resize(&c, rows, columns);
}

static inline void add_log(unsigned from, unsigned to)
{
	char line[64];

	for (unsigned i = from; i < to; i++) {
		snprintf(line, sizeof(line), "  CC      kernel/file%u.o\n", i);
		ui_log_add(ui_view_log(&v), bytes_str(line));
	}
}

static inline void many_nodes(int n)
{
	char name[32];

	farm_begin();
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "node%d", i);
		farm_node(name, 8);
		farm_beat(&(struct farm_beat){ name, i * 37 % n, 0, 0, i * 1000,
					       0, 1000, 50000 + i * 10, 0, 0 });
	}
}

#endif
