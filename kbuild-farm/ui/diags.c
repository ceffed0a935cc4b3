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
	free(v->sought);
	*v = (struct ui_diags){ 0 };
}

uint64_t ui_diags_new(const struct ui_diags *v, const struct ui_model *m)
{
	return m->n_diags > v->seen ? m->n_diags - v->seen : 0;
}

void ui_diags_open(struct ui_diags *v, bool open)
{
	if (v->open && !open && v->shown > v->seen)
		v->seen = v->shown;
	v->open = open;
}

/* ---------------------------------------------------------------- lines */

static const struct ui_diag *block_of(const struct ui_model *m, uint64_t number)
{
	return &m->diag[number % UI_DIAGS];
}

static const char *line_end(const char *line)
{
	return strchrnul(line, '\n');
}

static unsigned count_lines(const struct ui_diags *v, const struct ui_diag *d)
{
	unsigned lines = 0;

	if (!d->text || (v->errors_only && d->severity != EVENTS_ERROR))
		return 0;
	for (const char *at = d->text; *at; at += *at == '\n') {
		at = line_end(at);
		lines++;
	}
	return lines;
}

/* Count what is new, and forget what is gone; returns the end of the lines. */
static uint64_t count_blocks(struct ui_diags *v, const struct ui_model *m)
{
	uint64_t oldest = m->n_diags > UI_DIAGS ? m->n_diags - UI_DIAGS : 0;
	uint64_t end;

	if (v->pid != m->pid || v->counted > m->n_diags ||
	    v->errors_counted != v->errors_only) {
		v->pid = m->pid;
		v->errors_counted = v->errors_only;
		v->block = v->counted = oldest;
		v->first = 0;
	}
	for (; v->block < oldest; v->block++)
		v->first += v->block < v->counted ?
				    v->lines[v->block % UI_DIAGS] :
				    0;
	if (v->counted < oldest)
		v->counted = oldest;
	for (; v->counted < m->n_diags; v->counted++)
		v->lines[v->counted % UI_DIAGS] = count_lines(
			v, block_of(m, v->counted));
	end = v->first;
	for (uint64_t i = v->block; i < v->counted; i++)
		end += v->lines[i % UI_DIAGS];
	return end;
}

/* A line; NULL in `text`: behind the last. */
struct cursor {
	uint64_t number, block;
	const char *text;
	size_t len;
	bool first; /* of its block */
};

static void go_to_block(struct cursor *c, const struct ui_diags *v,
			const struct ui_model *m, uint64_t block)
{
	while (block < v->counted && !v->lines[block % UI_DIAGS])
		block++;
	c->block = block;
	c->first = true;
	c->text = block < v->counted ? block_of(m, block)->text : NULL;
	c->len = c->text ? (size_t)(line_end(c->text) - c->text) : 0;
}

static void go_to_next(struct cursor *c, const struct ui_diags *v,
		       const struct ui_model *m)
{
	const char *after = c->text + c->len;

	c->number++;
	if (*after && after[1]) {
		c->text = after + 1;
		c->len = (size_t)(line_end(c->text) - c->text);
		c->first = false;
	} else {
		go_to_block(c, v, m, c->block + 1);
	}
}

static struct cursor go_to_line(const struct ui_diags *v,
				const struct ui_model *m, uint64_t number)
{
	struct cursor c = { .number = v->first };
	uint64_t block = v->block;

	while (block < v->counted &&
	       c.number + v->lines[block % UI_DIAGS] <= number)
		c.number += v->lines[block++ % UI_DIAGS];
	go_to_block(&c, v, m, block);
	while (c.text && c.number < number)
		go_to_next(&c, v, m);
	return c;
}

static bool line_has(const struct cursor *c, const char *sought)
{
	char *line = xstrndup(c->text, c->len);
	bool found = strcasestr(line, sought);

	free(line);
	return found;
}

bool ui_diags_seek(struct ui_diags *v, const struct ui_model *m,
		   const char *text, bool here, bool backwards)
{
	struct ui_seek seek = ui_seek_begin(&v->scroll, here, backwards);
	struct cursor c;

	if (text) {
		free(v->sought);
		v->sought = xstrdup(text);
	}
	count_blocks(v, m);
	for (c = go_to_line(v, m, v->first); c.text; go_to_next(&c, v, m)) {
		if (v->sought && line_has(&c, v->sought))
			ui_seek_fits(&seek, c.number);
	}
	return ui_seek_end(&seek, &v->scroll);
}

bool ui_diags_key(struct ui_diags *v, const struct ui_model *m, uint32_t key)
{
	uint64_t end = count_blocks(v, m);

	if (key == 'f') {
		v->scroll.follow = !v->scroll.follow;
		return true;
	}
	return ui_scroll_key(&v->scroll, v->first, end, key);
}

/* -------------------------------------------------------------- drawing */

static void put_title(const struct ui_diags *v, const struct ui_area *a,
		      const struct ui_model *m)
{
	char title[120], fresh[60] = "";

	if (m->tally.compares)
		snprintf(fresh, sizeof(fresh),
			 ", %u not in the build before with +",
			 m->tally.new_diags);
	snprintf(title, sizeof(title), "Warnings %u, errors %u%s%s%s%s",
		 m->tally.warnings, m->tally.errors, fresh,
		 v->errors_only ? ", errors only" : "",
		 ui_diags_new(v, m) ? ", new ones with *" : "",
		 v->scroll.follow ? ", follows" : "");
	ui_area_title(a, 0, title);
}

static void put_diag_line(const struct ui_diags *v, const struct ui_area *a,
			  unsigned row, const struct ui_model *m,
			  const struct cursor *c)
{
	bool error = block_of(m, c->block)->severity == EVENTS_ERROR;
	enum ui_style style = !c->first ? UI_NORMAL : error ? UI_BAD : UI_WARN;
	size_t len = c->len < LINE_MAX_SHOWN ? c->len : LINE_MAX_SHOWN;
	char *line = xstrndup(c->text, len);

	if (c->first && block_of(m, c->block)->fresh > 0)
		ui_area_put(a, row, 0, 1, UI_BOLD, "+");
	else if (c->first && c->block >= v->seen)
		ui_area_put(a, row, 0, 1, UI_BOLD, "*");
	if (v->sought && strcasestr(line, v->sought))
		ui_area_put(a, row, 1, 1, UI_BOLD, ">");
	ui_area_put(a, row, 2, 0, style,
		    line + ui_width_within(line, v->scroll.left));
	free(line);
}

void ui_diags_draw(struct ui_diags *v, const struct ui_area *a,
		   const struct ui_model *m)
{
	uint64_t end = count_blocks(v, m);
	struct cursor c;
	unsigned row = 1;

	/* Another build. */
	if (v->seen > m->n_diags)
		v->seen = 0;
	v->shown = m->n_diags;
	put_title(v, a, m);
	ui_scroll_fit(&v->scroll, v->first, end, a->rows > 1 ? a->rows - 1 : 0);
	c = go_to_line(v, m, v->scroll.top);
	for (; c.text && row < a->rows; go_to_next(&c, v, m))
		put_diag_line(v, a, row++, m, &c);
	if (row == 1)
		ui_area_put(a, 1, 2, 0, UI_DIM,
			    v->errors_only ? "no errors" : "none");
}
