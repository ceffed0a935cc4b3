/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/view.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/text-width.h"
#include "base/vec.h"
#include "ui/panes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAB            8
#define LINE_MAX_SHOWN 4096 /* bytes of a line of diagnostics */

/* ---- diagnostics ---- */

void ui_diags_release(struct ui_diags *v)
{
	free(v->search_text);
	*v = (struct ui_diags){ 0 };
}

/* Return the number of blocks that the user has not seen. */
static uint64_t count_unseen(const struct ui_diags *v, const struct ui_model *m)
{
	return m->n_diags > v->viewed ? m->n_diags - v->viewed : 0;
}

static const struct ui_diag *block_of(const struct ui_model *m, uint64_t number)
{
	return &m->diags[number % UI_DIAGS];
}

static const char *line_end(const char *line)
{
	return strchrnul(line, '\n');
}

static unsigned count_lines(const struct ui_diags *v, const struct ui_diag *d)
{
	unsigned lines = 0;

	if (!d->text || (v->errors_only && d->severity != EVENTS_SEV_ERROR))
		return 0;
	for (const char *at = d->text; *at; at += *at == '\n') {
		at = line_end(at);
		lines++;
	}
	return lines;
}

/*
 * Update the cached line counts.  Returns the number of the last line plus one.
 */
static uint64_t count_blocks(struct ui_diags *v, const struct ui_model *m)
{
	uint64_t oldest = m->n_diags > UI_DIAGS ? m->n_diags - UI_DIAGS : 0;
	uint64_t end;

	if (v->pid != m->pid || v->end_block > m->n_diags ||
	    v->errors_counted != v->errors_only) {
		v->pid = m->pid;
		v->errors_counted = v->errors_only;
		v->first_block = v->end_block = oldest;
		v->first_line = 0;
	}
	for (; v->first_block < oldest; v->first_block++)
		v->first_line += v->first_block < v->end_block ?
					 v->n_lines[v->first_block % UI_DIAGS] :
					 0;
	if (v->end_block < oldest)
		v->end_block = oldest;
	for (; v->end_block < m->n_diags; v->end_block++)
		v->n_lines[v->end_block % UI_DIAGS] = count_lines(
			v, block_of(m, v->end_block));
	end = v->first_line;
	for (uint64_t i = v->first_block; i < v->end_block; i++)
		end += v->n_lines[i % UI_DIAGS];
	return end;
}

/* The position of a line; `text` is NULL after the last line. */
struct cursor {
	uint64_t line_number, block;
	const char *text;
	size_t len;
	bool first_in_block;
};

static void go_to_block(struct cursor *c, const struct ui_diags *v,
			const struct ui_model *m, uint64_t block)
{
	while (block < v->end_block && !v->n_lines[block % UI_DIAGS])
		block++;
	c->block = block;
	c->first_in_block = true;
	c->text = block < v->end_block ? block_of(m, block)->text : NULL;
	c->len = c->text ? (size_t)(line_end(c->text) - c->text) : 0;
}

static void go_to_next(struct cursor *c, const struct ui_diags *v,
		       const struct ui_model *m)
{
	const char *after = c->text + c->len;

	c->line_number++;
	if (*after && after[1]) {
		c->text = after + 1;
		c->len = (size_t)(line_end(c->text) - c->text);
		c->first_in_block = false;
	} else {
		go_to_block(c, v, m, c->block + 1);
	}
}

static struct cursor go_to_line(const struct ui_diags *v,
				const struct ui_model *m, uint64_t number)
{
	struct cursor c = { .line_number = v->first_line };
	uint64_t block = v->first_block;

	while (block < v->end_block &&
	       c.line_number + v->n_lines[block % UI_DIAGS] <= number)
		c.line_number += v->n_lines[block++ % UI_DIAGS];
	go_to_block(&c, v, m, block);
	while (c.text && c.line_number < number)
		go_to_next(&c, v, m);
	return c;
}

bool ui_diags_search(struct ui_diags *v, const struct ui_model *m,
		     const char *text, bool inclusive, bool backwards)
{
	struct ui_search seek = ui_search_begin(&v->scroll, inclusive,
						backwards);
	struct cursor c;

	if (text) {
		free(v->search_text);
		v->search_text = xstrdup(text);
	}
	count_blocks(v, m);
	for (c = go_to_line(v, m, v->first_line); c.text;
	     go_to_next(&c, v, m)) {
		char *line = xstrndup(c.text, c.len);

		if (v->search_text && strcasestr(line, v->search_text))
			ui_search_add_match(&seek, c.line_number);
		free(line);
	}
	return ui_search_finish(&seek, &v->scroll);
}

void ui_diags_handle_key(struct ui_diags *v, const struct ui_model *m,
			 uint32_t key)
{
	uint64_t end = count_blocks(v, m);

	if (key == 'f')
		v->scroll.following = !v->scroll.following;
	else
		ui_scroll_handle_key(&v->scroll, v->first_line, end, key);
}

static void put_diag_line(const struct ui_diags *v, const struct ui_area *a,
			  unsigned row, const struct ui_model *m,
			  const struct cursor *c)
{
	bool error = block_of(m, c->block)->severity == EVENTS_SEV_ERROR;
	enum ui_style style = !c->first_in_block ? UI_STYLE_NORMAL :
			      error              ? UI_STYLE_BAD :
						   UI_STYLE_WARN;
	size_t len = c->len < LINE_MAX_SHOWN ? c->len : LINE_MAX_SHOWN;
	char *line = xstrndup(c->text, len);

	if (c->first_in_block && block_of(m, c->block)->n_new > 0)
		ui_area_put(a, row, 0, 1, UI_STYLE_BOLD, "+");
	else if (c->first_in_block && c->block >= v->viewed)
		ui_area_put(a, row, 0, 1, UI_STYLE_BOLD, "*");
	if (v->search_text && strcasestr(line, v->search_text))
		ui_area_put(a, row, 1, 1, UI_STYLE_BOLD, ">");
	ui_area_put(a, row, 2, 0, style,
		    line + text_width_fitting_bytes(line,
						    v->scroll.hidden_columns));
	free(line);
}

void ui_diags_draw(struct ui_diags *v, const struct ui_area *a,
		   const struct ui_model *m)
{
	uint64_t end = count_blocks(v, m);
	char title[128], fresh[60] = "";
	struct cursor c;
	unsigned row = 1;

	/* If blocks have disappeared, the model contains another build. */
	if (v->viewed > m->n_diags)
		v->viewed = 0;
	v->drawn_blocks = m->n_diags;
	if (m->totals.has_baseline)
		snprintf(fresh, sizeof(fresh),
			 ", %u new since the previous build (+)",
			 m->totals.n_new_diags);
	snprintf(title, sizeof(title), "Warnings %u, errors %u%s%s%s%s",
		 m->totals.n_warnings, m->totals.n_errors, fresh,
		 v->errors_only ? ", errors only" : "",
		 count_unseen(v, m) ? ", unseen marked *" : "",
		 v->scroll.following ? ", following" : "");
	ui_area_put_title(a, 0, title);
	ui_scroll_set_range(&v->scroll, v->first_line, end,
			    a->rows > 1 ? a->rows - 1 : 0);
	c = go_to_line(v, m, v->scroll.first_shown);
	for (; c.text && row < a->rows; go_to_next(&c, v, m))
		put_diag_line(v, a, row++, m, &c);
	if (row == 1)
		ui_area_put(a, 1, 2, 0, UI_STYLE_DIM,
			    v->errors_only ? "no errors" : "none");
}

/* ---- log ---- */

static char **slot_of_line(const struct ui_log *log, uint64_t number)
{
	return &log->lines[number % UI_LOG_LINES];
}

static void drop_oldest(struct ui_log *log)
{
	char **line = slot_of_line(log, log->first++);

	log->total_bytes -= strlen(*line) + 1;
	free(*line);
	*line = NULL;
}

/*
 * Replace tabs by blanks.  Call this before printable_add_escaped(), because
 * "\xNN" escapes would change the columns.
 */
static void expand_tabs(struct buf *out, struct bytes line)
{
	for (size_t at = 0; at < line.len; at++) {
		const uint8_t *tab = memchr(line.data + at, '\t',
					    line.len - at);
		size_t end = tab ? (size_t)(tab - line.data) : line.len;

		buf_add(out, line.data + at, end - at);
		for (size_t n = tab ? TAB - out->len % TAB : 0; n; n--)
			buf_add_str(out, " ");
		at = end;
	}
}

static void finish_partial_line(struct ui_log *log)
{
	struct bytes raw = buf_bytes(&log->partial_line);
	struct buf flat = { 0 }, clean = { 0 };

	while (raw.len && raw.data[raw.len - 1] == '\r')
		raw.len--;
	expand_tabs(&flat, raw);
	printable_add_escaped(&clean, buf_bytes(&flat), 0);
	if (log->truncated)
		buf_add_str(&clean, "...");
	if (!log->lines)
		log->lines = xcalloc(UI_LOG_LINES, sizeof(*log->lines));
	if (log->end - log->first == UI_LOG_LINES)
		drop_oldest(log);
	log->total_bytes += clean.len + 1;
	*slot_of_line(log, log->end++) = clean.len ? buf_steal(&clean) :
						     xstrdup("");
	while (log->total_bytes > UI_LOG_BYTES)
		drop_oldest(log);
	buf_release(&flat);
	buf_reset(&log->partial_line);
	log->truncated = false;
}

void ui_log_add(struct ui_log *log, struct bytes piece)
{
	while (piece.len) {
		const uint8_t *end = memchr(piece.data, '\n', piece.len);
		size_t n = end ? (size_t)(end - piece.data) : piece.len;
		size_t room = UI_LOG_LINE_MAX - log->partial_line.len;

		log->truncated |= n > room;
		buf_add(&log->partial_line, piece.data, n < room ? n : room);
		if (end)
			finish_partial_line(log);
		n += end != NULL;
		piece = bytes_of(piece.data + n, piece.len - n);
	}
}

const char *ui_log_get_line(const struct ui_log *log, uint64_t number)
{
	if (number < log->first || number >= log->end)
		return NULL;
	return *slot_of_line(log, number);
}

void ui_log_release(struct ui_log *log)
{
	while (log->first < log->end)
		drop_oldest(log);
	free(log->lines);
	buf_release(&log->partial_line);
	*log = (struct ui_log){ 0 };
}

static bool matches_search(const struct ui_log_pane *v, uint64_t line)
{
	const char *text = ui_log_get_line(&v->log, line);

	return text && v->search_text && strcasestr(text, v->search_text);
}

/* Like ui_diags_search(). */
static bool log_pane_search(struct ui_log_pane *v, const char *text,
			    bool inclusive, bool backwards)
{
	struct ui_search seek = ui_search_begin(&v->scroll, inclusive,
						backwards);

	if (text) {
		free(v->search_text);
		v->search_text = xstrdup(text);
	}
	for (uint64_t line = v->log.first; line < v->log.end; line++) {
		if (matches_search(v, line))
			ui_search_add_match(&seek, line);
	}
	return ui_search_finish(&seek, &v->scroll);
}

static void log_pane_draw(struct ui_log_pane *v, const struct ui_area *a)
{
	char title[120];

	snprintf(title, sizeof(title), "Log, %llu lines%s",
		 (unsigned long long)v->log.end,
		 v->scroll.following ? ", following" : "");
	ui_area_put_title(a, 0, title);
	ui_scroll_set_range(&v->scroll, v->log.first, v->log.end,
			    a->rows > 1 ? a->rows - 1 : 0);
	for (unsigned row = 1; row < a->rows; row++) {
		uint64_t line = v->scroll.first_shown + row - 1;
		const char *text = ui_log_get_line(&v->log, line);

		if (!text)
			break;
		if (matches_search(v, line))
			ui_area_put(a, row, 0, 1, UI_STYLE_BOLD, ">");
		ui_area_put(a, row, 2, 0,
			    matches_search(v, line) ? UI_STYLE_SELECTED :
						      UI_STYLE_NORMAL,
			    text + text_width_fitting_bytes(
					   text, v->scroll.hidden_columns));
	}
	if (v->log.first == v->log.end)
		ui_area_put(a, 1, 2, 0, UI_STYLE_DIM, "nothing yet");
}

/* ---- life cycle ---- */

void ui_view_init(struct ui_view *v, const struct ui_view_setup *setup)
{
	*v = (struct ui_view){ .setup = *setup };
	v->diags.scroll.following = true;
	v->log_pane.scroll.following = true;
}

void ui_view_release(struct ui_view *v)
{
	ui_nodes_release(&v->nodes);
	ui_diags_release(&v->diags);
	ui_log_release(&v->log_pane.log);
	free(v->log_pane.search_text);
	free(v->origin_node);
	v->origin_node = NULL;
	v->log_pane = (struct ui_log_pane){ 0 };
}

void ui_view_set_title(struct ui_view *v, const char *title)
{
	v->setup.title = title;
	v->drawn = false;
}

const char *ui_view_selected_node(const struct ui_view *v)
{
	return v->nodes.selected;
}

void ui_view_set_message(struct ui_view *v, const char *text)
{
	snprintf(v->message, sizeof(v->message), "%s", text);
	v->message_drawn = false;
	v->drawn = false;
}

bool ui_view_is_log_shown(const struct ui_view *v)
{
	return v->log_pane.open || v->log_pane.has_room;
}

struct ui_log *ui_view_log(struct ui_view *v)
{
	return &v->log_pane.log;
}

/* ---- panes ---- */

static bool is_open(const struct ui_view *v, enum ui_pane pane)
{
	return pane == UI_PANE_NODES ||
	       (pane == UI_PANE_DIAGS ? v->diags.open : v->log_pane.open);
}

static void focus_pane(struct ui_view *v, unsigned step)
{
	do
		v->focus = (v->focus + step) % UI_PANES;
	while (!is_open(v, v->focus));
}

static void open_pane(struct ui_view *v, enum ui_pane pane, bool open)
{
	struct ui_diags *d = &v->diags;

	/* Closing the pane marks the drawn blocks as viewed. */
	if (pane == UI_PANE_DIAGS && d->open && !open &&
	    d->drawn_blocks > d->viewed)
		d->viewed = d->drawn_blocks;
	if (pane == UI_PANE_DIAGS)
		d->open = open;
	else
		v->log_pane.open = open;
	/* A closed pane shows its end if it is drawn in spare rows. */
	if (!open && pane == UI_PANE_DIAGS)
		d->scroll.following = true;
	else if (!open)
		v->log_pane.scroll.following = true;
	if (open)
		v->focus = pane;
	else if (v->focus == pane)
		v->focus = UI_PANE_NODES;
}

/* ---- search and filter ---- */

static bool search_pane(struct ui_view *v, const struct ui_model *m,
			const char *text, bool inclusive, bool backwards)
{
	switch (v->focus) {
	case UI_PANE_DIAGS:
		return ui_diags_search(&v->diags, m, text, inclusive,
				       backwards);
	case UI_PANE_LOG:
		return log_pane_search(&v->log_pane, text, inclusive,
				       backwards);
	default:
		return ui_nodes_search(&v->nodes, m, text, inclusive,
				       backwards);
	}
}

static struct ui_scroll *focused_scroll(struct ui_view *v)
{
	return v->focus == UI_PANE_DIAGS ? &v->diags.scroll :
	       v->focus == UI_PANE_LOG   ? &v->log_pane.scroll :
					   &v->nodes.scroll;
}

static void open_prompt(struct ui_view *v, const struct ui_model *m,
			enum ui_prompt entry)
{
	const char *node = ui_nodes_select(&v->nodes, m);

	v->prompt = entry;
	v->typed[0] = '\0';
	if (entry == UI_PROMPT_FILTER)
		v->focus = UI_PANE_NODES;
	v->origin = *focused_scroll(v);
	free(v->origin_node);
	v->origin_node = node ? xstrdup(node) : NULL;
}

/*
 * Encode a character in UTF-8 (RFC 3629).  `code` must be below 0x110000.  The
 * caller checks that the result is valid, because `code` can be a surrogate.
 */
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

/*
 * Search or filter while the user types.  A search starts at the position that
 * the pane had when the prompt was opened.  Without a match, the pane returns
 * to this position, and a message, which ends in `hint`, reports that the text
 * was not found.
 */
static void apply_prompt(struct ui_view *v, const struct ui_model *m,
			 const char *hint)
{
	static const char *const panes[] = {
		[UI_PANE_NODES] = "nodes",
		[UI_PANE_DIAGS] = "diagnostics",
		[UI_PANE_LOG] = "log",
	};
	char text[UI_PROMPT_MAX + 56];

	if (v->prompt == UI_PROMPT_FILTER) {
		ui_nodes_filter(&v->nodes, v->typed);
		return;
	}
	*focused_scroll(v) = v->origin;
	if (v->focus == UI_PANE_NODES && v->origin_node)
		ui_nodes_select_name(&v->nodes, v->origin_node);
	if (v->typed[0] && !search_pane(v, m, v->typed, true, false)) {
		snprintf(text, sizeof(text), "\"%s\" not found in the %s%s",
			 v->typed, panes[v->focus], hint);
		ui_view_set_message(v, text);
	}
}

static void handle_prompt_key(struct ui_view *v, const struct ui_model *m,
			      uint32_t key)
{
	bool others = v->diags.open || v->log_pane.open;
	size_t len = strlen(v->typed), n;
	uint8_t text[4];

	switch (key) {
	case UI_KEY_ESCAPE:
		v->typed[0] = '\0';
		apply_prompt(v, m, "");
		v->prompt = UI_PROMPT_NONE;
		break;
	case UI_KEY_ENTER:
	case '\n':
		/* Tab has an effect only after the prompt is closed. */
		apply_prompt(v, m, others ? "; Tab: next pane" : "");
		v->prompt = UI_PROMPT_NONE;
		break;
	case UI_KEY_BACKSPACE:
	case '\b':
	case 0x7f:
		while (len && ((uint8_t)v->typed[len - 1] & 0xc0) == 0x80)
			len--;
		v->typed[len ? len - 1 : 0] = '\0';
		apply_prompt(v, m, "");
		break;
	default:
		n = key < 0x110000 ? encode_utf8(key, text) : 0;
		if (n && len + n <= UI_PROMPT_MAX &&
		    printable_is_safe(bytes_of(text, n), 0)) {
			memcpy(v->typed + len, text, n);
			v->typed[len + n] = '\0';
		}
		apply_prompt(v, m, "");
		break;
	}
}

/* ---- actions ---- */

/*
 * Request an action for the selected node and report the request, because its
 * effect may take a while.  If the action is not possible, explain why.
 */
static enum ui_view_action request_node_action(struct ui_view *v,
					       const struct ui_model *m,
					       uint32_t key)
{
	const char *name = ui_nodes_select(&v->nodes, m);
	const struct ui_node *n = name ? ui_model_find_node(m, name) : NULL;
	const char *obstacle = !v->setup.actions_enabled ?
				       "only the kfarm process that runs the "
				       "build can control its nodes" :
			       !name ? "no nodes" :
			       !n ? "not possible for a group; select a node" :
			       ui_node_is_local(n) ?
				    "not possible for the build host; "
				    "select a node" :
			       m->done ? "the build has ended" :
			       key != 'd' && str_starts(n->reported->state,
							"drain") ?
					 "the node is drained; d resumes it" :
					 NULL;
	bool drained;
	char *text;

	if (obstacle) {
		ui_view_set_message(v, obstacle);
		return UI_ACTION_NONE;
	}
	drained = str_starts(n->reported->state, "drain");
	text = xasprintf("%s: %s", n->reported->name,
			 key == '+' ? "one slot more" :
			 key == '-' ? "one slot fewer" :
			 drained    ? "resumed" :
				      "drained; no new jobs until it is "
				      "resumed");
	ui_view_set_message(v, text);
	free(text);
	if (key == 'd')
		return drained ? UI_ACTION_RESUME : UI_ACTION_DRAIN;
	return key == '+' ? UI_ACTION_MORE_SLOTS : UI_ACTION_FEWER_SLOTS;
}

/* ---- keys ---- */

/* Handle a key that changes only the view.  Returns false for other keys. */
static bool handle_view_key(struct ui_view *v, const struct ui_model *m,
			    uint32_t key)
{
	switch (key) {
	case '?':
		v->help_open = true;
		v->help_scroll.first_shown = 0;
		break;
	case 'p':
		v->paused = !v->paused;
		break;
	case 'w':
		v->diags.errors_only = false;
		open_pane(v, UI_PANE_DIAGS, !v->diags.open);
		break;
	case 'e':
		/* Switch between errors and all diagnostics. */
		v->diags.errors_only = !v->diags.open || !v->diags.errors_only;
		open_pane(v, UI_PANE_DIAGS, true);
		break;
	case 'l':
		open_pane(v, UI_PANE_LOG, !v->log_pane.open);
		break;
	case '/':
		open_prompt(v, m, UI_PROMPT_SEARCH);
		break;
	case '\\':
		open_prompt(v, m, UI_PROMPT_FILTER);
		break;
	case 'n':
	case 'N':
		if (!search_pane(v, m, NULL, false, key == 'N'))
			ui_view_set_message(v, "no match");
		break;
	case UI_KEY_TAB:
		focus_pane(v, 1);
		break;
	case UI_KEY_BACK_TAB:
		focus_pane(v, UI_PANES - 1);
		break;
	case UI_KEY_ESCAPE:
		if (v->focus == UI_PANE_NODES)
			ui_nodes_filter(&v->nodes, NULL);
		else
			open_pane(v, v->focus, false);
		break;
	default:
		return false;
	}
	return true;
}

static enum ui_view_action handle_action_key(struct ui_view *v,
					     const struct ui_model *m,
					     uint32_t key)
{
	struct ui_log_pane *log = &v->log_pane;

	switch (key) {
	case 'q':
	case UI_KEY_F10:
		return UI_ACTION_LEAVE;
	case 'Q':
		if (v->setup.actions_enabled && v->abort_pending)
			return UI_ACTION_ABORT;
		v->abort_pending = v->setup.actions_enabled;
		ui_view_set_message(
			v, v->abort_pending ?
				   "press Q again to abort the build" :
				   "only the kfarm process that runs the build "
				   "can abort it");
		return UI_ACTION_NONE;
	case 'd':
	case '+':
	case '-':
		return request_node_action(v, m, key);
	case ']':
		return UI_ACTION_NEXT_BUILD;
	case '[':
		return UI_ACTION_PREVIOUS_BUILD;
	default:
		break;
	}
	if (handle_view_key(v, m, key))
		return UI_ACTION_NONE;
	if (v->focus == UI_PANE_DIAGS)
		ui_diags_handle_key(&v->diags, m, key);
	else if (v->focus == UI_PANE_LOG && key == 'f')
		log->scroll.following = !log->scroll.following;
	else if (v->focus == UI_PANE_LOG)
		ui_scroll_handle_key(&log->scroll, log->log.first, log->log.end,
				     key);
	else
		ui_nodes_handle_key(&v->nodes, m, key);
	return UI_ACTION_NONE;
}

enum ui_view_action ui_view_handle_key(struct ui_view *v,
				       const struct ui_model *m, uint32_t key)
{
	v->drawn = false;
	v->message[0] = '\0';
	if (key != 'Q')
		v->abort_pending = false;
	if (v->prompt) {
		handle_prompt_key(v, m, key);
		return UI_ACTION_NONE;
	}
	if (v->help_open) {
		if (ui_panes_handle_help_key(&v->help_scroll, key))
			return UI_ACTION_NONE;
		/*
		 * Any other key closes the help.  The keys q, Q and F10 also
		 * have their usual effect.
		 */
		v->help_open = false;
		if (key != 'q' && key != 'Q' && key != UI_KEY_F10)
			return UI_ACTION_NONE;
	}
	return handle_action_key(v, m, key);
}

/* ---- drawing ---- */

static void put_keys(const struct ui_view *v, const struct ui_area *a,
		     unsigned columns)
{
	static const char *const all[] = { "q quit",     "? help", "Tab pane",
					   "w warnings", "l log",  "/ search" };
	const char *const of[UI_PANES][4] = {
		[UI_PANE_NODES] = { "Space slots", "s sort",
				    v->setup.actions_enabled ? "d drain" :
							       "r reverse",
				    "g group" },
		[UI_PANE_DIAGS] = { "e errors", "f follow" },
		[UI_PANE_LOG] = { "f follow", "n next" },
	};
	unsigned at = 0, n = ARRAY_SIZE(all);

	for (unsigned i = 0; i < n + 4; i++) {
		const char *text = i < n ? all[i] : of[v->focus][i - n];

		if (!text || at + strlen(text) > columns)
			break;
		at += ui_area_put(a, 0, at, 0, UI_STYLE_DIM, text) + 2;
	}
}

/*
 * Append the prompt or message that replaces the list of keys, if there is one.
 */
static void put_message(struct buf *out, const struct ui_view *v,
			const struct ui_model *m)
{
	if (v->prompt)
		buf_printf(out, "%s%s_",
			   v->prompt == UI_PROMPT_FILTER ? "filter nodes: " :
							   "search: ",
			   v->typed);
	if (v->message[0])
		buf_printf(out, "%s%s", out->len ? "  " : "", v->message);
	if (out->len)
		return;
	if (v->paused)
		buf_add_str(out, "paused; p continues");
	else if (v->nodes.filter)
		buf_printf(out,
			   "only nodes with \"%s\" in the name; Escape shows "
			   "all",
			   v->nodes.filter);
	else if (m->n_dropped)
		buf_printf(out, "%llu events lost: counts are too low",
			   (unsigned long long)m->n_dropped);
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
			   ui_row_column_name(ui_nodes_sort_column(&v->nodes)),
			   v->nodes.reversed ? ", reversed" : "",
			   v->nodes.n_matching, m->n_nodes);
	width = text_width(buf_str(&where));
	if (width && columns > width + 30) {
		columns -= width + 2;
		ui_area_put_right(a, 0, columns + 2, width, UI_STYLE_DIM,
				  buf_str(&where));
	}
	put_message(&message, v, m);
	if (message.len)
		ui_area_put_elided(a, 0, 0, columns, UI_STYLE_WARN,
				   buf_str(&message));
	else
		put_keys(v, a, columns);
	buf_release(&message);
	buf_release(&where);
}

/*
 * Remove a message that has been shown long enough.  A question ("press Q
 * again") ends with its message.
 */
static void expire_message(struct ui_view *v, uint64_t now)
{
	if (!v->message_drawn)
		v->message_ms = now;
	v->message_drawn = true;
	if (!v->message[0] || now < v->message_ms + UI_VIEW_MESSAGE_MS)
		return;
	v->message[0] = '\0';
	v->abort_pending = false;
	v->drawn = false;
}

void ui_view_draw(struct ui_view *v, struct ui_canvas *c,
		  const struct ui_model *m, uint64_t now)
{
	static const enum ui_pane_area places[UI_PANES] = { UI_PANE_AREA_NODES,
							    UI_PANE_AREA_DIAGS,
							    UI_PANE_AREA_LOG };
	struct ui_panes_setup setup = {
		.has_title = v->setup.title,
		.diags_open = v->diags.open,
		.log_open = v->log_pane.open,
		.has_log = *m->output,
		.has_build = ui_panes_has_build(m),
		.focus = places[v->focus],
	};
	struct ui_area area[UI_PANE_AREAS];
	struct ui_log_pane *log = &v->log_pane;

	expire_message(v, now);
	if (v->paused && v->drawn && v->rows == c->rows &&
	    v->columns == c->columns)
		return;
	/* Times stop at the end of the build. */
	if (m->done)
		now = m->at_ms;
	v->nodes.screen_rows = c->rows;
	setup.n_node_lines = ui_nodes_sort(&v->nodes, m);
	setup.n_diag_lines = count_blocks(&v->diags, m);
	setup.n_diag_lines -= v->diags.first_line;
	ui_panes_arrange(area, c, &setup);
	log->has_room = area[UI_PANE_AREA_LOG].rows;
	/* A log that is empty or cannot be read needs no rows. */
	if (setup.has_log && !log->open && log->log.first == log->log.end) {
		setup.has_log = false;
		ui_panes_arrange(area, c, &setup);
	}
	ui_canvas_clear(c);
	if (v->help_open) {
		ui_panes_draw_help(&v->help_scroll,
				   &(struct ui_area){ c, 0, 0, c->rows,
						      c->columns, true });
		goto out;
	}
	if (area[UI_PANE_AREA_TITLE].rows)
		ui_area_put_elided(&area[UI_PANE_AREA_TITLE], 0, 0,
				   area[UI_PANE_AREA_TITLE].columns,
				   UI_STYLE_BOLD, v->setup.title);
	ui_panes_draw_header(&area[UI_PANE_AREA_HEADER], m, now,
			     count_unseen(&v->diags, m));
	if (area[UI_PANE_AREA_NODES].rows)
		ui_nodes_draw(&v->nodes, &area[UI_PANE_AREA_NODES], m, now);
	if (area[UI_PANE_AREA_DIAGS].rows)
		ui_diags_draw(&v->diags, &area[UI_PANE_AREA_DIAGS], m);
	if (area[UI_PANE_AREA_LOG].rows)
		log_pane_draw(log, &area[UI_PANE_AREA_LOG]);
	if (area[UI_PANE_AREA_RATES].rows)
		ui_rates_draw(&area[UI_PANE_AREA_RATES], m, now);
	if (area[UI_PANE_AREA_LOCAL].rows)
		ui_panes_draw_local(&area[UI_PANE_AREA_LOCAL], m, now);
	draw_last_line(v, &area[UI_PANE_AREA_MESSAGE], m);
out:
	v->rows = c->rows;
	v->columns = c->columns;
	v->drawn = true;
}
