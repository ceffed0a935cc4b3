/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/nodes.h"

#include "base/str.h"
#include "base/vec.h"
#include "ui/keys.h"

#include <stdlib.h>
#include <string.h>

/* One that is expanded where the others are not, or not where they are. */
struct turned {
	struct map_node map; /* by its name */
	char *name;
};

static void free_turned(struct map_node *node)
{
	free(((struct turned *)node)->name);
	free(node);
}

static void forget_turned(struct ui_nodes *v)
{
	map_release_all(&v->turned, free_turned);
	v->turned = (struct map){ 0 };
	v->n_turned = 0;
}

void ui_nodes_release(struct ui_nodes *v)
{
	forget_turned(v);
	free(v->filter);
	free(v->sought);
	free(v->selected);
	free(v->order);
	free(v->shown);
	*v = (struct ui_nodes){ 0 };
}

/* ------------------------------------------------------------- expanded */

static struct turned *find_turned(const struct ui_nodes *v,
				  const struct ui_node *n)
{
	struct map_node *at = v->n_turned ?
				      map_find(&v->turned, n->told->map.hash) :
				      NULL;

	while (at && strcmp(((struct turned *)at)->name, n->told->name))
		at = map_again(at);
	return (struct turned *)at;
}

static bool is_expanded(const struct ui_nodes *v, const struct ui_node *n)
{
	return v->all != (find_turned(v, n) != NULL);
}

static void turn_node(struct ui_nodes *v, const struct ui_node *n)
{
	struct turned *t = find_turned(v, n);

	if (t) {
		map_remove(&v->turned, &t->map);
		free_turned(&t->map);
		v->n_turned--;
	} else if (v->n_turned < EVENTS_NODES_MAX) {
		t = xcalloc(1, sizeof(*t));
		t->name = xstrdup(n->told->name);
		map_add(&v->turned, &t->map, n->told->map.hash);
		v->n_turned++;
	}
}

static size_t height_of(const struct ui_nodes *v, const struct ui_model *m,
			const struct ui_node *n)
{
	return is_expanded(v, n) ? 1 + ui_row_below(m, n) : 1;
}

/* ---------------------------------------------------------------- order */

static int64_t figure_of(const struct ui_node *n, enum ui_column column)
{
	unsigned jobs = 0;

	switch (column) {
	case UI_COLUMN_DONE:
		return n->told->jobs;
	case UI_COLUMN_FAILED:
		return n->told->failed;
	case UI_COLUMN_RETRIED:
		return n->told->retries;
	case UI_COLUMN_SLOTS:
		for (unsigned i = 0; i < EVENTS_STATES; i++)
			jobs += n->now[i];
		return jobs;
	case UI_COLUMN_MEAN:
		return (int64_t)ui_node_mean(n);
	case UI_COLUMN_IN:
		return n->told->sent;
	case UI_COLUMN_OUT:
		return n->told->received;
	case UI_COLUMN_LOAD:
		return n->load;
	case UI_COLUMN_HEAT:
		return n->celsius;
	default:
		return 0;
	}
}

/* The largest number first, names as people count: n2 before n10. */
static int compare_nodes(const struct ui_node *a, const struct ui_node *b,
			 enum ui_column column)
{
	int64_t x, y;

	if (column == UI_COLUMN_NAME)
		return strverscmp(a->told->name, b->told->name);
	if (column == UI_COLUMN_STATE)
		return strcmp(a->told->state, b->told->state);
	x = figure_of(a, column);
	y = figure_of(b, column);
	return x > y ? -1 : x < y;
}

struct sorting {
	const struct ui_nodes *v;
	const struct ui_model *m;
	bool local; /* the first of the model, and here */
};

static int compare_places(const void *a, const void *b, void *ctx)
{
	const struct sorting *s = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct ui_node *first = s->m->node[x], *second = s->m->node[y];
	int order;

	if (s->local && (!x || !y))
		return !x ? -1 : 1;
	order = compare_nodes(first, second, s->v->sort);
	if (s->v->reversed)
		order = -order;
	return order ? order : x < y ? -1 : 1;
}

/* From one drawing to the next hardly anything changes its place. */
static bool is_sorted(const struct ui_nodes *v, struct sorting *s)
{
	for (size_t i = 1; i < v->n_order; i++) {
		if (compare_places(&v->order[i - 1], &v->order[i], s) > 0)
			return false;
	}
	return true;
}

static void sort_nodes(struct ui_nodes *v, const struct ui_model *m)
{
	struct sorting s = { v, m, m->n_nodes && ui_node_is_local(*m->node) };

	/* Another model, or one that was made anew. */
	if (v->n_order > m->n_nodes)
		v->n_order = 0;
	while (v->n_order < m->n_nodes) {
		uint32_t place = (uint32_t)v->n_order;

		*VEC_ADD(v->order, v->n_order) = place;
	}
	if (!is_sorted(v, &s))
		qsort_r(v->order, v->n_order, sizeof(*v->order), compare_places,
			&s);
}

static void pick_shown(struct ui_nodes *v, const struct ui_model *m)
{
	sort_nodes(v, m);
	v->shown = vec_reserve(v->shown, &v->shown_room, m->n_nodes,
			       sizeof(*v->shown));
	v->n_shown = 0;
	for (size_t i = 0; i < v->n_order; i++) {
		const struct ui_node *n = m->node[v->order[i]];

		if (!v->filter || strcasestr(n->told->name, v->filter))
			v->shown[v->n_shown++] = n;
	}
}

/* ------------------------------------------------------------- selected */

static size_t lines_of(const struct ui_nodes *v, const struct ui_model *m)
{
	size_t lines = 0;

	for (size_t i = 0; i < v->n_shown; i++)
		lines += height_of(v, m, v->shown[i]);
	return lines;
}

static void select_line(struct ui_nodes *v, const struct ui_model *m,
			size_t line)
{
	for (size_t i = 0; i < v->n_shown; i++) {
		size_t height = height_of(v, m, v->shown[i]);

		if (line < height) {
			free(v->selected);
			v->selected = xstrdup(v->shown[i]->told->name);
			v->below = (unsigned)line;
			return;
		}
		line -= height;
	}
}

/* Where it is now; where it was, if it is no more. */
static size_t selected_line(struct ui_nodes *v, const struct ui_model *m)
{
	size_t line = 0;

	for (size_t i = 0; i < v->n_shown; i++) {
		size_t height = height_of(v, m, v->shown[i]);

		if (v->selected &&
		    !strcmp(v->shown[i]->told->name, v->selected)) {
			if (v->below >= height)
				v->below = (unsigned)height - 1;
			return line + v->below;
		}
		line += height;
	}
	return v->place < line ? v->place : line ? line - 1 : 0;
}

static const struct ui_node *selected_node(struct ui_nodes *v,
					   const struct ui_model *m)
{
	size_t line;

	pick_shown(v, m);
	line = selected_line(v, m);
	for (size_t i = 0; i < v->n_shown; i++) {
		size_t height = height_of(v, m, v->shown[i]);

		if (line < height)
			return v->shown[i];
		line -= height;
	}
	return NULL;
}

static void select_name(struct ui_nodes *v, const char *name)
{
	free(v->selected);
	v->selected = xstrdup(name);
	v->below = 0;
}

const char *ui_nodes_select(struct ui_nodes *v, const struct ui_model *m)
{
	const struct ui_node *n = selected_node(v, m);

	if (!n)
		return NULL;
	if (!str_equal(v->selected, n->told->name))
		select_name(v, n->told->name);
	return v->selected;
}

void ui_nodes_filter(struct ui_nodes *v, const char *text)
{
	free(v->filter);
	v->filter = text && *text ? xstrdup(text) : NULL;
}

bool ui_nodes_seek(struct ui_nodes *v, const struct ui_model *m,
		   const char *text, bool here, bool backwards)
{
	const struct ui_node *from = selected_node(v, m);
	size_t at = 0, step = backwards ? v->n_shown - 1 : 1;

	if (text) {
		free(v->sought);
		v->sought = xstrdup(text);
	}
	if (!from)
		return false;
	while (at < v->n_shown && v->shown[at] != from)
		at++;
	for (size_t i = 0; v->sought && i < v->n_shown; i++) {
		size_t next = (at + (i + !here) * step) % v->n_shown;

		if (!strcasestr(v->shown[next]->told->name, v->sought))
			continue;
		select_name(v, v->shown[next]->told->name);
		return true;
	}
	return false;
}

/* ----------------------------------------------------------------- keys */

static size_t line_after_key(size_t line, size_t lines, unsigned page,
			     uint32_t key)
{
	size_t last = lines ? lines - 1 : 0;
	size_t step = page > 2 ? page - 1 : 1;

	switch (key) {
	case UI_KEY_UP:
	case 'k':
		return line ? line - 1 : 0;
	case UI_KEY_DOWN:
	case 'j':
		return line < last ? line + 1 : last;
	case UI_KEY_PAGE_UP:
		return line > step ? line - step : 0;
	case UI_KEY_PAGE_DOWN:
		return last - line > step ? line + step : last;
	case UI_KEY_HOME:
		return 0;
	case UI_KEY_END:
		return last;
	default:
		return SIZE_MAX;
	}
}

/* Space; Right and Left for one of both. */
static bool expand_by_key(struct ui_nodes *v, const struct ui_model *m,
			  uint32_t key)
{
	const struct ui_node *n = selected_node(v, m);
	bool now = n && is_expanded(v, n);
	bool wanted = key == ' ' || key == UI_KEY_ENTER || key == '\n' ?
			      !now :
			      key == UI_KEY_RIGHT;

	if (n && now != wanted) {
		turn_node(v, n);
		select_name(v, n->told->name);
	}
	return true;
}

static void sort_by_next(struct ui_nodes *v)
{
	v->sort = (v->sort + 1) % UI_COLUMN_NOTE;
	v->reversed = false;
}

bool ui_nodes_key(struct ui_nodes *v, const struct ui_model *m, uint32_t key)
{
	size_t line;

	switch (key) {
	case ' ':
	case '\n':
	case UI_KEY_ENTER:
	case UI_KEY_LEFT:
	case UI_KEY_RIGHT:
	case 'h':
		return expand_by_key(v, m, key);
	case 'a':
		forget_turned(v);
		v->all = !v->all;
		return true;
	case 's':
		sort_by_next(v);
		return true;
	case 'r':
		v->reversed = !v->reversed;
		return true;
	default:
		break;
	}
	pick_shown(v, m);
	line = line_after_key(selected_line(v, m), lines_of(v, m),
			      v->scroll.page, key);
	if (line == SIZE_MAX)
		return false;
	select_line(v, m, line);
	return true;
}

/* -------------------------------------------------------------- drawing */

size_t ui_nodes_order(struct ui_nodes *v, const struct ui_model *m)
{
	pick_shown(v, m);
	return lines_of(v, m);
}

static void fit_columns(const struct ui_nodes *v, const struct ui_area *a,
			const struct ui_model *m, struct ui_columns *out)
{
	size_t name = 0, slots = 0;

	for (size_t i = 0; i < v->n_shown; i++) {
		size_t len = strlen(v->shown[i]->told->name);
		size_t has = ui_row_slots(m, v->shown[i]);

		name = len > name ? len : name;
		slots = has > slots ? has : slots;
	}
	/* In front of the first is where the selected line is marked. */
	ui_columns_fit(out, a->columns, name, slots);
}

static void put_row_or_below(const struct ui_row *r, unsigned row,
			     const struct ui_node *n, size_t below,
			     bool selected)
{
	if (below)
		ui_row_put_below(r, row, n, (unsigned)below - 1);
	else
		ui_row_put(r, row, n);
	if (!selected)
		return;
	ui_area_put(r->area, row, 0, 1, UI_SELECTED, ">");
	if (r->area->focus)
		ui_area_style(r->area, row, UI_SELECTED);
}

static void put_lines(const struct ui_nodes *v, const struct ui_row *r,
		      unsigned head)
{
	size_t first = (size_t)v->scroll.top, line = 0;
	size_t end = first + v->scroll.page;

	for (size_t i = 0; i < v->n_shown && line < end; i++) {
		const struct ui_node *n = v->shown[i];
		size_t height = height_of(v, r->model, n);

		for (size_t at = line < first ? first - line : 0;
		     at < height && line + at < end; at++)
			put_row_or_below(r,
					 head + (unsigned)(line + at - first),
					 n, at, line + at == v->place);
		line += height;
	}
}

static void put_no_node(const struct ui_nodes *v, const struct ui_area *a,
			unsigned row)
{
	if (v->filter)
		ui_area_printf(a, row, 1, UI_WARN, "no node's name has \"%s\"",
			       v->filter);
	else
		ui_area_put(a, row, 1, 0, UI_DIM, "no nodes yet");
}

void ui_nodes_draw(struct ui_nodes *v, const struct ui_area *a,
		   const struct ui_model *m, uint64_t now)
{
	unsigned head = a->rows > 2;
	struct ui_columns columns;
	struct ui_row r = { &columns, a, m, now, ui_row_works(m, now) };
	bool down;

	fit_columns(v, a, m, &columns);
	v->place = selected_line(v, m);
	ui_scroll_fit(&v->scroll, 0, lines_of(v, m), a->rows - head);
	ui_scroll_to(&v->scroll, v->place);
	down = (v->sort > UI_COLUMN_STATE) != v->reversed;
	if (head)
		ui_columns_put(&columns, a, 0, v->sort, down);
	put_lines(v, &r, head);
	if (!v->n_shown)
		put_no_node(v, a, head);
}
