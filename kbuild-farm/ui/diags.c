/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/diags.h"

#include "base/str.h"
#include "ui/width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SHOWN 4096

void ui_diags_release(struct ui_diags *v)
{
	free(v->search_text);
	*v = (struct ui_diags){ 0 };
}

uint64_t ui_diags_count_unseen(const struct ui_diags *v,
			       const struct ui_model *m)
{
	return m->n_diags > v->viewed ? m->n_diags - v->viewed : 0;
}

void ui_diags_set_open(struct ui_diags *v, bool open)
{
	if (v->open && !open && v->drawn_blocks > v->viewed)
		v->viewed = v->drawn_blocks;
	v->open = open;
}

/* ---- lines ---- */

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

bool ui_diags_handle_key(struct ui_diags *v, const struct ui_model *m,
			 uint32_t key)
{
	uint64_t end = count_blocks(v, m);

	if (key == 'f') {
		v->scroll.following = !v->scroll.following;
		return true;
	}
	return ui_scroll_handle_key(&v->scroll, v->first_line, end, key);
}

/* ---- drawing ---- */

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
	ui_area_put(
		a, row, 2, 0, style,
		line + ui_width_fitting_bytes(line, v->scroll.hidden_columns));
	free(line);
}

void ui_diags_draw(struct ui_diags *v, const struct ui_area *a,
		   const struct ui_model *m)
{
	uint64_t end = count_blocks(v, m);
	char title[128], fresh[60] = "";
	struct cursor c;
	unsigned row = 1;

	/* The model contains another build than at the last drawing. */
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
		 ui_diags_count_unseen(v, m) ? ", unseen marked *" : "",
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
