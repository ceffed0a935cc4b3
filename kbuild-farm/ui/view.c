/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/view.h"

#include "base/printable.h"
#include "base/str.h"
#include "ui/header.h"
#include "ui/help.h"
#include "ui/here.h"
#include "ui/layout.h"
#include "ui/rates.h"
#include "ui/width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ui_view_init(struct ui_view *v, const struct ui_view_setup *setup)
{
	*v = (struct ui_view){ .setup = *setup };
	v->diags.scroll.follow = true;
	v->tail.scroll.follow = true;
}

void ui_view_release(struct ui_view *v)
{
	ui_nodes_release(&v->nodes);
	ui_diags_release(&v->diags);
	ui_tail_release(&v->tail);
}

void ui_view_set_title(struct ui_view *v, const char *title)
{
	v->setup.title = title;
	v->drawn = false;
}

const char *ui_view_node(const struct ui_view *v)
{
	return v->nodes.selected;
}

void ui_view_say(struct ui_view *v, const char *text)
{
	snprintf(v->message, sizeof(v->message), "%s", text);
	v->drawn = false;
}

bool ui_view_wants_log(const struct ui_view *v)
{
	return v->tail.open;
}

struct ui_log *ui_view_log(struct ui_view *v)
{
	return &v->tail.log;
}

/* ---------------------------------------------------------------- panes */

static bool is_open(const struct ui_view *v, enum ui_pane pane)
{
	return pane == UI_PANE_NODES ||
	       (pane == UI_PANE_DIAGS ? v->diags.open : v->tail.open);
}

static void go_to_pane(struct ui_view *v, unsigned step)
{
	do
		v->focus = (v->focus + step) % UI_PANES;
	while (!is_open(v, v->focus));
}

static void open_pane(struct ui_view *v, enum ui_pane pane, bool open)
{
	if (pane == UI_PANE_DIAGS)
		ui_diags_open(&v->diags, open);
	else
		v->tail.open = open;
	if (open)
		v->focus = pane;
	else if (v->focus == pane)
		v->focus = UI_PANE_NODES;
}

/* Errors alone, and again all. */
static void show_errors(struct ui_view *v)
{
	v->diags.errors_only = !v->diags.open || !v->diags.errors_only;
	open_pane(v, UI_PANE_DIAGS, true);
}

/* ------------------------------------------------------- search and filter */

static bool seek(struct ui_view *v, const struct ui_model *m, const char *text,
		 bool here, bool backwards)
{
	switch (v->focus) {
	case UI_PANE_DIAGS:
		return ui_diags_seek(&v->diags, m, text, here, backwards);
	case UI_PANE_LOG:
		return ui_tail_seek(&v->tail, text, here, backwards);
	default:
		return ui_nodes_seek(&v->nodes, m, text, here, backwards);
	}
}

static void seek_again(struct ui_view *v, const struct ui_model *m,
		       bool backwards)
{
	if (!seek(v, m, NULL, false, backwards))
		ui_view_say(v, "there is none");
}

static void begin_entry(struct ui_view *v, enum ui_entry entry)
{
	v->entry = entry;
	v->typed[0] = '\0';
	if (entry == UI_ENTRY_FILTER)
		v->focus = UI_PANE_NODES;
}

/* RFC 3629; printable() says whether it is a character at all. */
static size_t encode_utf8(uint32_t code, uint8_t out[static 4])
{
	size_t more = code < 0x80    ? 0 :
		      code < 0x800   ? 1 :
		      code < 0x10000 ? 2 :
				       3;
	static const uint8_t first[] = { 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = more; i; i--, code >>= 6)
		out[i] = 0x80 | (code & 0x3f);
	out[0] = (uint8_t)(first[more] | code);
	return more + 1;
}

static void type_character(struct ui_view *v, uint32_t code)
{
	size_t len = strlen(v->typed), n;
	uint8_t text[4];

	n = encode_utf8(code, text);
	if (len + n > UI_ENTRY_MAX || !printable(bytes_of(text, n), 0))
		return;
	memcpy(v->typed + len, text, n);
	v->typed[len + n] = '\0';
}

static void remove_character(struct ui_view *v)
{
	size_t len = strlen(v->typed);

	while (len && ((uint8_t)v->typed[len - 1] & 0xc0) == 0x80)
		len--;
	v->typed[len ? len - 1 : 0] = '\0';
}

/* What is typed counts at once. */
static void use_entry(struct ui_view *v, const struct ui_model *m)
{
	char text[UI_ENTRY_MAX + 40];

	if (v->entry == UI_ENTRY_FILTER) {
		ui_nodes_filter(&v->nodes, v->typed);
	} else if (v->typed[0] && !seek(v, m, v->typed, true, false)) {
		snprintf(text, sizeof(text), "\"%s\" is not there", v->typed);
		ui_view_say(v, text);
	}
}

static void entry_key(struct ui_view *v, const struct ui_model *m, uint32_t key)
{
	switch (key) {
	case UI_KEY_ESCAPE:
		v->typed[0] = '\0';
		use_entry(v, m);
		v->entry = UI_ENTRY_NONE;
		break;
	case UI_KEY_ENTER:
	case '\n':
		use_entry(v, m);
		v->entry = UI_ENTRY_NONE;
		break;
	case UI_KEY_BACKSPACE:
	case '\b':
	case 0x7f:
		remove_character(v);
		use_entry(v, m);
		break;
	default:
		if (key < 0x110000)
			type_character(v, key);
		use_entry(v, m);
		break;
	}
}

/* ----------------------------------------------------------------- asking */

static enum ui_view_ask ask_abort(struct ui_view *v)
{
	if (!v->setup.may_ask) {
		ui_view_say(v, "only the kfarm that runs the build can end it");
		return UI_ASK_NOTHING;
	}
	if (v->asked_abort)
		return UI_ASK_ABORT;
	v->asked_abort = true;
	ui_view_say(v, "Q again to end the build");
	return UI_ASK_NOTHING;
}

/* Tell what was asked: its answer may take a while. */
static enum ui_view_ask say_what_is_asked(struct ui_view *v,
					  const struct ui_node *n, uint32_t key)
{
	bool drained = str_starts(n->told->state, "drain");
	const char *what = key == '+' ? "a slot more" :
			   key == '-' ? "a slot less" :
			   drained    ? "resumed" :
					"drained, and no new jobs until it is "
					"resumed";
	char *text = xasprintf("%s: %s", n->told->name, what);

	ui_view_say(v, text);
	free(text);
	if (key == 'd')
		return drained ? UI_ASK_RESUME : UI_ASK_DRAIN;
	return key == '+' ? UI_ASK_MORE : UI_ASK_LESS;
}

/* Something of the selected node; says why not. */
static enum ui_view_ask ask_of_node(struct ui_view *v, const struct ui_model *m,
				    uint32_t key)
{
	const char *name = ui_nodes_select(&v->nodes, m);
	const struct ui_node *n = name ? ui_model_node(m, name) : NULL;

	if (!v->setup.may_ask)
		ui_view_say(v, "only the kfarm that runs the build can ask "
			       "its nodes for that");
	else if (!n)
		ui_view_say(v, "there is no node");
	else if (ui_node_is_local(n))
		ui_view_say(v, "that is the build host: select a node");
	else if (m->done)
		ui_view_say(v, "the build is over");
	else
		return say_what_is_asked(v, n, key);
	return UI_ASK_NOTHING;
}

/* ------------------------------------------------------------------- keys */

/* Those that only change what is shown; false: it is none of them. */
static bool view_key(struct ui_view *v, const struct ui_model *m, uint32_t key)
{
	switch (key) {
	case '?':
		v->help = true;
		v->help_lines.top = 0;
		break;
	case 'p':
		v->paused = !v->paused;
		break;
	case 'w':
		v->diags.errors_only = false;
		open_pane(v, UI_PANE_DIAGS, !v->diags.open);
		break;
	case 'e':
		show_errors(v);
		break;
	case 'l':
		open_pane(v, UI_PANE_LOG, !v->tail.open);
		break;
	case '/':
		begin_entry(v, UI_ENTRY_SEARCH);
		break;
	case '\\':
		begin_entry(v, UI_ENTRY_FILTER);
		break;
	case 'n':
	case 'N':
		seek_again(v, m, key == 'N');
		break;
	case UI_KEY_TAB:
		go_to_pane(v, 1);
		break;
	case UI_KEY_BACK_TAB:
		go_to_pane(v, UI_PANES - 1);
		break;
	case UI_KEY_ESCAPE:
		ui_nodes_filter(&v->nodes, NULL);
		break;
	default:
		return false;
	}
	return true;
}

static void pane_key(struct ui_view *v, const struct ui_model *m, uint32_t key)
{
	if (v->focus == UI_PANE_DIAGS)
		ui_diags_key(&v->diags, m, key);
	else if (v->focus == UI_PANE_LOG)
		ui_tail_key(&v->tail, key);
	else
		ui_nodes_key(&v->nodes, m, key);
}

static enum ui_view_ask asking_key(struct ui_view *v, const struct ui_model *m,
				   uint32_t key)
{
	switch (key) {
	case 'q':
	case UI_KEY_F10:
		return UI_ASK_LEAVE;
	case 'Q':
		return ask_abort(v);
	case 'd':
	case '+':
	case '-':
		return ask_of_node(v, m, key);
	case ']':
		return UI_ASK_NEXT;
	case '[':
		return UI_ASK_PREVIOUS;
	default:
		break;
	}
	if (!view_key(v, m, key))
		pane_key(v, m, key);
	return UI_ASK_NOTHING;
}

enum ui_view_ask ui_view_key(struct ui_view *v, const struct ui_model *m,
			     uint32_t key)
{
	v->drawn = false;
	v->message[0] = '\0';
	if (key != 'Q')
		v->asked_abort = false;
	if (v->entry) {
		entry_key(v, m, key);
		return UI_ASK_NOTHING;
	}
	if (v->help) {
		if (ui_help_key(&v->help_lines, key))
			return UI_ASK_NOTHING;
		/* Any other closes it; those that leave do so as well. */
		v->help = false;
		if (key != 'q' && key != 'Q' && key != UI_KEY_F10)
			return UI_ASK_NOTHING;
	}
	return asking_key(v, m, key);
}

/* ---------------------------------------------------------------- drawing */

static void put_keys(const struct ui_view *v, const struct ui_area *a,
		     unsigned columns)
{
	static const char *const all[] = { "q leave",    "? help", "Tab pane",
					   "w warnings", "l log",  "/ search" };
	const char *const of[UI_PANES][4] = {
		[UI_PANE_NODES] = { "Space slots", "s sort",
				    v->setup.may_ask ? "d drain" :
						       "r reverse" },
		[UI_PANE_DIAGS] = { "e errors", "f follow" },
		[UI_PANE_LOG] = { "f follow", "n next" },
	};
	unsigned at = 0, n = sizeof(all) / sizeof(*all);

	for (unsigned i = 0; i < n + 4; i++) {
		const char *text = i < n ? all[i] : of[v->focus][i - n];

		if (!text || at + strlen(text) > columns)
			break;
		at += ui_area_put(a, 0, at, 0, UI_DIM, text) + 2;
	}
}

/* What is more urgent than the keys; NULL: nothing. */
static void put_message(struct buf *out, const struct ui_view *v,
			const struct ui_model *m)
{
	if (v->entry)
		buf_printf(out, "%s%s_",
			   v->entry == UI_ENTRY_FILTER ? "only nodes with: " :
							 "search: ",
			   v->typed);
	if (v->message[0])
		buf_printf(out, "%s%s", out->len ? "  " : "", v->message);
	if (out->len)
		return;
	if (v->paused)
		buf_add_str(out, "paused: p goes on");
	else if (v->nodes.filter)
		buf_printf(out, "only nodes with \"%s\": Escape shows all",
			   v->nodes.filter);
	else if (m->dropped)
		buf_printf(out, "%llu events did not come: counts are too low",
			   (unsigned long long)m->dropped);
}

static void draw_last_line(const struct ui_view *v, const struct ui_area *a,
			   const struct ui_model *m)
{
	struct buf message = { 0 }, where = { 0 };
	unsigned columns = a->columns, width;

	if (!a->rows)
		return;
	if (v->focus == UI_PANE_NODES)
		buf_printf(&where, "by %s%s  %zu/%zu",
			   ui_column_name(v->nodes.sort),
			   v->nodes.reversed ? ", reversed" : "",
			   v->nodes.n_shown, m->n_nodes);
	width = ui_width(buf_str(&where));
	if (width && columns > width + 30) {
		columns -= width + 2;
		ui_area_put_right(a, 0, columns + 2, width, UI_DIM,
				  buf_str(&where));
	}
	put_message(&message, v, m);
	if (message.len)
		ui_area_put_elided(a, 0, 0, columns, UI_WARN,
				   buf_str(&message));
	else
		put_keys(v, a, columns);
	buf_release(&message);
	buf_release(&where);
}

static void draw_panes(struct ui_view *v, const struct ui_area *area,
		       const struct ui_model *m, uint64_t now)
{
	if (area[UI_PLACE_TITLE].rows)
		ui_area_put_elided(&area[UI_PLACE_TITLE], 0, 0,
				   area[UI_PLACE_TITLE].columns, UI_BOLD,
				   v->setup.title);
	ui_header_draw(&area[UI_PLACE_HEADER], m, now,
		       ui_diags_new(&v->diags, m));
	if (area[UI_PLACE_NODES].rows)
		ui_nodes_draw(&v->nodes, &area[UI_PLACE_NODES], m, now);
	if (area[UI_PLACE_DIAGS].rows)
		ui_diags_draw(&v->diags, &area[UI_PLACE_DIAGS], m);
	if (area[UI_PLACE_LOG].rows)
		ui_tail_draw(&v->tail, &area[UI_PLACE_LOG]);
	if (area[UI_PLACE_RATES].rows)
		ui_rates_draw(&area[UI_PLACE_RATES], m, now);
	if (area[UI_PLACE_HERE].rows)
		ui_here_draw(&area[UI_PLACE_HERE], m, now);
}

void ui_view_draw(struct ui_view *v, struct ui_canvas *c,
		  const struct ui_model *m, uint64_t now)
{
	static const enum ui_place places[UI_PANES] = { UI_PLACE_NODES,
							UI_PLACE_DIAGS,
							UI_PLACE_LOG };
	struct ui_layout_wish wish = {
		.title = v->setup.title,
		.diags = v->diags.open,
		.log = v->tail.open,
		.has_diags = m->n_diags,
		.build = ui_header_has_build(m),
		.focus = places[v->focus],
	};
	struct ui_area area[UI_PLACES];

	if (v->paused && v->drawn && v->rows == c->rows &&
	    v->columns == c->columns)
		return;
	/* What it was at its end stays. */
	if (m->done)
		now = m->at_ms;
	wish.node_lines = ui_nodes_order(&v->nodes, m);
	ui_layout(area, c, &wish);
	ui_canvas_clear(c);
	if (v->help)
		ui_help_draw(&v->help_lines,
			     &(struct ui_area){ c, 0, 0, c->rows, c->columns,
						true });
	else
		draw_panes(v, area, m, now);
	if (!v->help)
		draw_last_line(v, &area[UI_PLACE_LAST], m);
	v->rows = c->rows;
	v->columns = c->columns;
	v->drawn = true;
}
