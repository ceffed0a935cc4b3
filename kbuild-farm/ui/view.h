/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/view.h - The full-screen view of a build, with diagnostics and log.
 *
 * The view holds the state of the panes: open, selected, scrolled.  Its inputs
 * are keys and a model; its output is a canvas.  The view does no I/O and reads
 * no clock.
 *
 *	ui_view_init(&v, &setup);
 *	action = ui_view_handle_key(&v, &model, key);	for each key
 *	ui_view_draw(&v, &canvas, &model, now);	after a change
 *
 * Each call can pass another model.  man/kfarm-top.1 and the help (key "?")
 * describe the screen and the keys.
 */
#ifndef UI_VIEW_H
#define UI_VIEW_H

#include "ui/keys.h"
#include "ui/nodes.h"
#include "ui/scroll.h"

/* Actions that the user requests from the caller. */
enum ui_view_action {
	UI_ACTION_NONE,
	UI_ACTION_LEAVE, /* q, F10: close the view; the build continues */
	UI_ACTION_ABORT, /* Q twice: end the build */
	/*
	 * This action and the next three concern ui_view_selected_node().  They
	 * are requested only if setup.actions_enabled is set.
	 */
	UI_ACTION_DRAIN,
	UI_ACTION_RESUME,
	UI_ACTION_MORE_SLOTS, /* + */
	UI_ACTION_FEWER_SLOTS, /* - */
	UI_ACTION_NEXT_BUILD, /* ] */
	UI_ACTION_PREVIOUS_BUILD, /* [ */
};

struct ui_view_setup {
	/* Allow abort and node actions, because this process runs the build. */
	bool actions_enabled;
	const char *title; /* top line, borrowed; or NULL */
};

enum ui_pane {
	UI_PANE_NODES,
	UI_PANE_DIAGS,
	UI_PANE_LOG,

	UI_PANES, /* the number of panes */
};

/* Prompt in the last line. */
enum ui_prompt {
	UI_PROMPT_NONE,
	UI_PROMPT_SEARCH,
	UI_PROMPT_FILTER,
};

#define UI_PROMPT_MAX 64 /* bytes */

/*
 * Pane of the last blocks of diagnostics.
 *
 * Blocks with diagnostics that the baseline (the previous build) lacks are
 * marked with "+".  Other blocks are marked with "*" if they were added since
 * the pane was last closed.  A zeroed struct is valid; the caller sets
 * scroll.following.
 */
struct ui_diags {
	bool open;
	bool errors_only;
	char *search_text; /* or NULL */
	uint64_t viewed; /* number of blocks that the user has seen */
	uint64_t drawn_blocks; /* number of blocks at the last drawing */
	/* Lines keep their numbers when the model drops old blocks. */
	struct ui_scroll scroll;

	/* Cached line counts of the blocks. */
	int64_t pid; /* process of the build whose blocks were counted */
	bool errors_counted; /* `n_lines` counts only errors */
	uint64_t first_block, end_block; /* range of counted blocks */
	uint64_t first_line; /* number of the first line of `first_block` */
	unsigned n_lines[UI_DIAGS];
};

void ui_diags_release(struct ui_diags *v);
/* Draw the pane, and store the number of blocks in v->drawn_blocks. */
void ui_diags_draw(struct ui_diags *v, const struct ui_area *a,
		   const struct ui_model *m);
/* Handle a key.  A key that the pane does not use has no effect. */
void ui_diags_handle_key(struct ui_diags *v, const struct ui_model *m,
			 uint32_t key);
/*
 * Scroll to the next line that contains `text`, or to the previous one if
 * `backwards` is set.  The search wraps around; if `inclusive` is set, it
 * starts at the current line itself.  If `text` is NULL, repeat the last
 * search.  Returns false if no line matches.
 */
bool ui_diags_search(struct ui_diags *v, const struct ui_model *m,
		     const char *text, bool inclusive, bool backwards);

#define UI_LOG_LINES    10000
#define UI_LOG_BYTES    (4u << 20)
#define UI_LOG_LINE_MAX 2000

/*
 * The build's log: at most UI_LOG_LINES lines with UI_LOG_BYTES bytes in total.
 * The oldest lines are dropped first.  A line is cut after UI_LOG_LINE_MAX
 * bytes and then ends in "...".  Control characters are shown as "\xNN"
 * (base/printable.h), tabs as blanks.  A zeroed struct is empty.
 */
struct ui_log {
	char **lines; /* line i is at i % UI_LOG_LINES */
	uint64_t first, end; /* range of stored lines */
	size_t total_bytes; /* size of the stored lines */
	struct buf partial_line; /* raw line without a newline yet */
	bool truncated; /* the partial line exceeds UI_LOG_LINE_MAX */
};

/* Add a piece of the log file, which may begin and end within a line. */
void ui_log_add(struct ui_log *log, struct bytes piece);
/* Return a line by its number, or NULL if it is not stored. */
const char *ui_log_get_line(const struct ui_log *log, uint64_t number);
/* Remove all lines; numbers start at 0 again. */
void ui_log_release(struct ui_log *log);

/* A zeroed struct is valid; the caller sets scroll.following. */
struct ui_log_pane {
	bool open;
	bool has_room; /* the last drawing had room for the log */
	char *search_text; /* or NULL */
	struct ui_log log;
	struct ui_scroll scroll;
};

struct ui_view {
	struct ui_view_setup setup;
	enum ui_pane focus;
	bool help_open, paused;
	struct ui_scroll help_scroll;
	bool abort_pending; /* Q was pressed once */
	enum ui_prompt prompt;
	char typed[UI_PROMPT_MAX + 1];
	/* position of the pane and selected node when the prompt was opened */
	struct ui_scroll origin;
	char *origin_node; /* or NULL */
	char message[120]; /* "" for none */
	bool message_drawn; /* false until the next drawing */
	uint64_t message_ms; /* time of the first drawing of the message */
	struct ui_nodes nodes;
	struct ui_diags diags;
	struct ui_log_pane log_pane;
	unsigned rows, columns; /* size of the canvas drawn last */
	/* false after a key, a message or a new title until the next drawing */
	bool drawn;
};

#define UI_VIEW_MESSAGE_MS 5000

void ui_view_init(struct ui_view *v, const struct ui_view_setup *setup);
void ui_view_release(struct ui_view *v);
/* Change the top line, which is borrowed. */
void ui_view_set_title(struct ui_view *v, const char *title);

/*
 * Handle a key (ui/keys.h) and return the action that it requests.  Unknown
 * keys are ignored.
 */
enum ui_view_action ui_view_handle_key(struct ui_view *v,
				       const struct ui_model *m, uint32_t key);
/* Return the name of the node for a node action; borrowed. */
const char *ui_view_selected_node(const struct ui_view *v);
/*
 * Show a message in the last line until the next key, but for at most
 * UI_VIEW_MESSAGE_MS.
 */
void ui_view_set_message(struct ui_view *v, const char *text);

/* Return true if the log pane is open or the last drawing had room for it. */
bool ui_view_is_log_shown(const struct ui_view *v);
/* Return the log, to which the caller adds text with ui_log_add(). */
struct ui_log *ui_view_log(struct ui_view *v);

/*
 * Draw the view on `c`, at `now` as in ui/model.h.  `c` must be the canvas of
 * the last drawing, because a paused view usually leaves the canvas unchanged.
 * A paused view is drawn again only after a key, a new title, a change of size,
 * or the beginning or end of a message.
 */
void ui_view_draw(struct ui_view *v, struct ui_canvas *c,
		  const struct ui_model *m, uint64_t now);

#endif
