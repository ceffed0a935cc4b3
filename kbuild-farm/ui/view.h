/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/view.h - the full-screen view of a build: what is open, selected and
 * scrolled; keys go in, a canvas comes out.  It does no I/O and knows no clock.
 *
 *	ui_view_init(&v, &setup);
 *	what = ui_view_key(&v, &model, key);	for each key
 *	ui_view_draw(&v, &canvas, &model, now);	when something changed
 *
 * The model may be another one each time.  What its text on the screen means,
 * and all keys, are in man/kfarm.1 and behind the key "?".
 */
#ifndef UI_VIEW_H
#define UI_VIEW_H

#include "ui/diags.h"
#include "ui/keys.h"
#include "ui/nodes.h"
#include "ui/tail.h"

/* What a person asks of others than the view. */
enum ui_view_ask {
	UI_ASK_NOTHING,
	UI_ASK_LEAVE, /* q, F10: the view; the build goes on */
	UI_ASK_ABORT, /* Q twice: end the build */
	/* Of the node ui_view_node(), only where setup.may_ask: */
	UI_ASK_DRAIN,
	UI_ASK_RESUME,
	UI_ASK_MORE, /* one slot more */
	UI_ASK_LESS,
	/* ] and [: */
	UI_ASK_NEXT, /* another build */
	UI_ASK_PREVIOUS,
};

struct ui_view_setup {
	bool may_ask; /* it is our own build: UI_ASK_ABORT and those of nodes */
	const char *title; /* a line above all, borrowed; NULL: none */
};

enum ui_pane {
	UI_PANE_NODES,
	UI_PANE_DIAGS,
	UI_PANE_LOG,

	UI_PANES, /* how many */
};

/* What is being typed in the last line. */
enum ui_entry {
	UI_ENTRY_NONE,
	UI_ENTRY_SEARCH,
	UI_ENTRY_FILTER,
};

#define UI_ENTRY_MAX 64 /* bytes */

struct ui_view {
	struct ui_view_setup setup;
	enum ui_pane focus;
	bool help, paused;
	struct ui_scroll help_lines;
	bool asked_abort; /* Q was pressed once */
	enum ui_entry entry;
	char typed[UI_ENTRY_MAX + 1];
	char message[120]; /* until the next key; "": none */
	struct ui_nodes nodes;
	struct ui_diags diags;
	struct ui_tail tail;
	unsigned rows, columns; /* of the canvas, as drawn last */
	bool drawn; /* and nothing was pressed since */
};

void ui_view_init(struct ui_view *v, const struct ui_view_setup *setup);
void ui_view_release(struct ui_view *v);
/* Another line above all; borrowed. */
void ui_view_set_title(struct ui_view *v, const char *title);

/* A key was pressed (ui/keys.h); one that means nothing does nothing. */
enum ui_view_ask ui_view_key(struct ui_view *v, const struct ui_model *m,
			     uint32_t key);
/* The name of the node that UI_ASK_DRAIN and others are about; borrowed. */
const char *ui_view_node(const struct ui_view *v);
/* Something to be said in the last line, until the next key. */
void ui_view_say(struct ui_view *v, const char *text);

/* Is the log to be seen? */
bool ui_view_wants_log(const struct ui_view *v);
/* Where its pieces are to be added; the view's. */
struct ui_log *ui_view_log(struct ui_view *v);

/*
 * Draw all of `c`, at `now` as in ui/model.h.  While it is paused only what is
 * said in the last line changes, so `c` has to be the one drawn last.
 */
void ui_view_draw(struct ui_view *v, struct ui_canvas *c,
		  const struct ui_model *m, uint64_t now);

#endif
