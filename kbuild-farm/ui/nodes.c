/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/nodes.h"

#include "base/str.h"
#include "base/vec.h"
#include "ui/keys.h"

#include <stdlib.h>
#include <string.h>

/*
 * A node or group whose state, expanded or collapsed, differs from the default.
 * The default is `all_expanded` for nodes and `all_open` for groups.
 */
struct toggled_node {
	struct map_entry entry; /* in ui_nodes.toggled */
	char *name;
};

static void free_toggled(struct map_entry *node)
{
	free(((struct toggled_node *)node)->name);
	free(node);
}

static void clear_toggled(struct ui_nodes *v)
{
	map_release_entries(&v->toggled, free_toggled);
	v->toggled = (struct map){ 0 };
	v->n_toggled = 0;
}

void ui_nodes_release(struct ui_nodes *v)
{
	clear_toggled(v);
	free(v->filter);
	free(v->search_text);
	free(v->selected);
	ui_groups_release(&v->groups);
	free(v->order);
	free(v->shown);
	*v = (struct ui_nodes){ 0 };
}

/* ---- expanded nodes ---- */

static struct toggled_node *find_toggled(const struct ui_nodes *v,
					 const struct ui_node *n)
{
	struct map_entry *at = v->n_toggled ?
				       map_find(&v->toggled,
						n->reported->entry.hash) :
				       NULL;

	while (at &&
	       strcmp(((struct toggled_node *)at)->name, n->reported->name))
		at = map_next_match(at);
	return (struct toggled_node *)at;
}

static bool is_expanded(const struct ui_nodes *v, const struct ui_node *n)
{
	bool all = n->group_sums ? v->all_open : v->all_expanded;

	return all != (find_toggled(v, n) != NULL);
}

static size_t node_height(const struct ui_nodes *v, const struct ui_model *m,
			  const struct ui_node *n)
{
	/* An expanded node has lines for its properties and its slots. */
	return !n->group_sums && is_expanded(v, n) ?
		       2 + ui_row_count_jobs(m, n) :
		       1;
}

/* ---- order ---- */

enum ui_column ui_nodes_sort_column(const struct ui_nodes *v)
{
	if (v->sort_chosen)
		return v->sort;
	return v->grouped ? UI_COLUMN_NOTE : UI_COLUMN_NAME;
}

static int64_t sort_value(const struct ui_node *n, enum ui_column column)
{
	switch (column) {
	case UI_COLUMN_DONE:
		return n->reported->n_jobs;
	case UI_COLUMN_FAILED:
		return n->reported->n_failed;
	case UI_COLUMN_RETRIED:
		return n->reported->n_retries;
	case UI_COLUMN_SLOTS:
		return ui_node_count_jobs(n);
	case UI_COLUMN_MEAN:
		return (int64_t)ui_node_mean_ms(n);
	case UI_COLUMN_SENT:
		return n->reported->sent_bytes;
	case UI_COLUMN_RECEIVED:
		return n->reported->received_bytes;
	case UI_COLUMN_LOAD:
		return n->load;
	case UI_COLUMN_TEMPERATURE:
		return n->temperature;
	default:
		return 0;
	}
}

/*
 * Compare two nodes, or two groups, by a column.  Numbers are in descending
 * order, and names and the states of nodes in ascending order.  Notes and the
 * states of groups are ordered by health, worst first.  `reversed` inverts the
 * order.  Digits in a name are compared as a number (n2 before n10).
 */
static int compare_by_column(const struct ui_nodes *v, const struct ui_node *a,
			     const struct ui_node *b)
{
	enum ui_column column = ui_nodes_sort_column(v);
	int64_t m, n;
	int order;

	if (column == UI_COLUMN_NAME) {
		order = strverscmp(a->reported->name, b->reported->name);
	} else if (column == UI_COLUMN_NOTE ||
		   (column == UI_COLUMN_STATE && a->group_sums)) {
		order = ui_node_compare_health(a, b);
	} else if (column == UI_COLUMN_STATE) {
		order = strcmp(a->reported->state, b->reported->state);
	} else {
		m = sort_value(a, column);
		n = sort_value(b, column);
		order = m > n ? -1 : m < n;
	}
	return v->reversed ? -order : order;
}

struct sort_context {
	const struct ui_nodes *v;
	const struct ui_model *m;
	bool has_local; /* EVENTS_LOCAL is the first node */
};

/*
 * Compare two nodes, given by their indices in the model.  The build host
 * (EVENTS_LOCAL) is always the first.
 */
static int compare_model_order(const void *a, const void *b, void *ctx)
{
	const struct sort_context *s = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct ui_node *first = s->m->nodes[x], *second = s->m->nodes[y];
	int order;

	if (s->has_local && (!x || !y))
		return !x ? -1 : 1;
	if (s->v->grouped && first->group != second->group)
		return s->v->groups.v[first->group].rank <
				       s->v->groups.v[second->group].rank ?
			       -1 :
			       1;
	order = compare_by_column(s->v, first, second);
	return order ? order : x < y ? -1 : 1;
}

/*
 * Return true if v->order is still sorted.  Because the order rarely changes
 * between two drawings, this check usually avoids a sort.
 */
static bool is_sorted(const struct ui_nodes *v, struct sort_context *s)
{
	for (size_t i = 1; i < v->n_order; i++) {
		if (compare_model_order(&v->order[i - 1], &v->order[i], s) > 0)
			return false;
	}
	return true;
}

static int compare_groups(const void *a, const void *b, void *ctx)
{
	const struct ui_nodes *v = ctx;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int order = compare_by_column(v, &v->groups.v[x].sums,
				      &v->groups.v[y].sums);

	return order ? order : x < y ? -1 : 1;
}

/* Sum up the groups, and rank them by the sort column. */
static void rank_groups(struct ui_nodes *v, const struct ui_model *m)
{
	size_t *order;

	ui_groups_sum(&v->groups, m, v->filter);
	order = xcalloc(v->groups.n, sizeof(*order));
	for (size_t i = 0; i < v->groups.n; i++)
		order[i] = i;
	qsort_r(order, v->groups.n, sizeof(*order), compare_groups, v);
	for (size_t i = 0; i < v->groups.n; i++)
		v->groups.v[order[i]].rank = i;
	free(order);
}

static bool is_grouped(const struct ui_nodes *v, const struct ui_model *m)
{
	if (v->grouping != UI_GROUPING_AUTO)
		return v->grouping == UI_GROUPING_ON;
	return m->groups.n > 1 && v->screen_rows &&
	       v->n_matching > v->screen_rows;
}

/*
 * List the rows in order: the groups, if the table is grouped, and the nodes
 * that the filter shows.  Nodes of closed groups are listed only if `all` is
 * set.
 */
static void list_rows(struct ui_nodes *v, const struct ui_model *m, bool all)
{
	const struct ui_node *selected = v->selected ? ui_model_find_node(
							       m, v->selected) :
						       NULL;
	const struct ui_node *group = NULL;
	bool open = true;

	v->shown = vec_reserve(v->shown, &v->cap_shown,
			       m->n_nodes + m->groups.n, sizeof(*v->shown));
	v->n_shown = 0;
	for (size_t i = 0; i < v->n_order; i++) {
		const struct ui_node *n = m->nodes[v->order[i]];

		if (!ui_node_matches(n, v->filter))
			continue;
		if (v->grouped && !ui_node_is_local(n) &&
		    group != &v->groups.v[n->group].sums) {
			group = &v->groups.v[n->group].sums;
			v->shown[v->n_shown++] = group;
			open = all || is_expanded(v, group) ||
			       (selected && !ui_node_is_local(selected) &&
				selected->group == n->group);
		}
		if (open)
			v->shown[v->n_shown++] = n;
	}
}

/* Sort the nodes and groups, and list the rows. */
static void select_shown(struct ui_nodes *v, const struct ui_model *m)
{
	struct sort_context s = { v, m,
				  m->n_nodes && ui_node_is_local(*m->nodes) };

	/* If nodes have disappeared, the model has been replaced. */
	if (v->n_order > m->n_nodes)
		v->n_order = 0;
	while (v->n_order < m->n_nodes) {
		uint32_t place = (uint32_t)v->n_order;

		*VEC_ADD(v->order, v->n_order) = place;
	}
	v->n_matching = 0;
	for (size_t i = 0; i < m->n_nodes; i++)
		v->n_matching += ui_node_matches(m->nodes[i], v->filter);
	v->grouped = is_grouped(v, m);
	if (v->grouped)
		rank_groups(v, m);
	if (!is_sorted(v, &s))
		qsort_r(v->order, v->n_order, sizeof(*v->order),
			compare_model_order, &s);
	list_rows(v, m, false);
}

/* ---- selection ---- */

static size_t count_node_lines(const struct ui_nodes *v,
			       const struct ui_model *m)
{
	size_t lines = 0;

	for (size_t i = 0; i < v->n_shown; i++)
		lines += node_height(v, m, v->shown[i]);
	return lines;
}

/*
 * Return the number of the selected line.  If the selected node is no longer
 * shown, return the number that the selected line had at the last drawing.
 */
static size_t selected_line(struct ui_nodes *v, const struct ui_model *m)
{
	size_t line = 0;

	for (size_t i = 0; i < v->n_shown; i++) {
		size_t height = node_height(v, m, v->shown[i]);

		if (v->selected &&
		    !strcmp(v->shown[i]->reported->name, v->selected)) {
			if (v->selected_line >= height)
				v->selected_line = (unsigned)height - 1;
			return line + v->selected_line;
		}
		line += height;
	}
	return v->selected_row < line ? v->selected_row : line ? line - 1 : 0;
}

/*
 * Return the node or group at a line of the table, and convert *line into a
 * line of this node.  Returns NULL after the last line.
 */
static const struct ui_node *node_at_line(const struct ui_nodes *v,
					  const struct ui_model *m,
					  size_t *line)
{
	for (size_t i = 0; i < v->n_shown; i++) {
		size_t height = node_height(v, m, v->shown[i]);

		if (*line < height)
			return v->shown[i];
		*line -= height;
	}
	return NULL;
}

static const struct ui_node *selected_node(struct ui_nodes *v,
					   const struct ui_model *m)
{
	size_t line;

	select_shown(v, m);
	line = selected_line(v, m);
	return node_at_line(v, m, &line);
}

void ui_nodes_select_name(struct ui_nodes *v, const char *name)
{
	free(v->selected);
	v->selected = xstrdup(name);
	v->selected_line = 0;
}

const char *ui_nodes_select(struct ui_nodes *v, const struct ui_model *m)
{
	const struct ui_node *n = selected_node(v, m);

	if (!n)
		return NULL;
	if (!str_equal(v->selected, n->reported->name))
		ui_nodes_select_name(v, n->reported->name);
	return v->selected;
}

void ui_nodes_filter(struct ui_nodes *v, const char *text)
{
	free(v->filter);
	v->filter = text && *text ? xstrdup(text) : NULL;
}

bool ui_nodes_search(struct ui_nodes *v, const struct ui_model *m,
		     const char *text, bool inclusive, bool backwards)
{
	const struct ui_node *from = selected_node(v, m);
	size_t at = 0, step;

	if (text) {
		free(v->search_text);
		v->search_text = xstrdup(text);
	}
	if (!from)
		return false;
	list_rows(v, m, true);
	step = backwards ? v->n_shown - 1 : 1;
	while (at < v->n_shown && v->shown[at] != from)
		at++;
	for (size_t i = 0; v->search_text && i < v->n_shown; i++) {
		size_t next = (at + (i + !inclusive) * step) % v->n_shown;

		if (!strcasestr(v->shown[next]->reported->name, v->search_text))
			continue;
		ui_nodes_select_name(v, v->shown[next]->reported->name);
		return true;
	}
	return false;
}

/* ---- keys ---- */

/* Return the line that a key selects, or SIZE_MAX for any other key. */
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

/*
 * Space and Enter toggle the selected node or group; Right expands it, Left
 * collapses it.  On a collapsed node, Left selects its group.
 */
static void expand_by_key(struct ui_nodes *v, const struct ui_model *m,
			  uint32_t key)
{
	const struct ui_node *n = selected_node(v, m);
	struct toggled_node *t = n ? find_toggled(v, n) : NULL;
	bool now = n && is_expanded(v, n);
	bool wanted = key == ' ' || key == UI_KEY_ENTER || key == '\n' ?
			      !now :
			      key == UI_KEY_RIGHT;

	if (n && !now && !wanted && v->grouped && !n->group_sums &&
	    !ui_node_is_local(n))
		ui_nodes_select_name(v, m->groups.v[n->group]);
	if (!n || now == wanted)
		return;
	if (t) {
		map_remove(&v->toggled, &t->entry);
		free_toggled(&t->entry);
		v->n_toggled--;
	} else if (v->n_toggled < EVENTS_NODES_MAX) {
		t = xcalloc(1, sizeof(*t));
		t->name = xstrdup(n->reported->name);
		map_add(&v->toggled, &t->entry, n->reported->entry.hash);
		v->n_toggled++;
	}
	ui_nodes_select_name(v, n->reported->name);
}

void ui_nodes_handle_key(struct ui_nodes *v, const struct ui_model *m,
			 uint32_t key)
{
	const struct ui_node *n;
	size_t line;

	switch (key) {
	case ' ':
	case '\n':
	case UI_KEY_ENTER:
	case UI_KEY_LEFT:
	case UI_KEY_RIGHT:
	case 'h':
		expand_by_key(v, m, key);
		return;
	case 'a':
		clear_toggled(v);
		v->all_open = v->grouped && !v->all_open;
		v->all_expanded = !v->grouped && !v->all_expanded;
		return;
	case 'g':
		select_shown(v, m);
		v->grouping = v->grouped ? UI_GROUPING_OFF : UI_GROUPING_ON;
		return;
	case 's':
		v->sort = (ui_nodes_sort_column(v) + 1) % UI_COLUMNS;
		v->sort_chosen = true;
		v->reversed = false;
		return;
	case 'r':
		v->reversed = !v->reversed;
		return;
	default:
		break;
	}
	select_shown(v, m);
	line = line_after_key(selected_line(v, m), count_node_lines(v, m),
			      v->scroll.n_shown, key);
	n = node_at_line(v, m, &line);
	if (!n)
		return;
	ui_nodes_select_name(v, n->reported->name);
	v->selected_line = (unsigned)line;
}

/* ---- drawing ---- */

size_t ui_nodes_sort(struct ui_nodes *v, const struct ui_model *m)
{
	select_shown(v, m);
	return count_node_lines(v, m);
}

/* Return the number of columns by which the name of the node is indented. */
static unsigned name_indent(const struct ui_nodes *v, const struct ui_node *n)
{
	return v->grouped && !n->group_sums && !ui_node_is_local(n) ? 2 : 0;
}

static void put_lines(const struct ui_nodes *v, struct ui_row_context *r,
		      unsigned head)
{
	size_t first = (size_t)v->scroll.first_shown, line = 0;
	size_t end = first + v->scroll.n_shown;

	for (size_t i = 0; i < v->n_shown && line < end; i++) {
		const struct ui_node *n = v->shown[i];
		size_t height = node_height(v, r->model, n);

		r->indent = name_indent(v, n);
		for (size_t at = line < first ? first - line : 0;
		     at < height && line + at < end; at++) {
			unsigned row = head + (unsigned)(line + at - first);

			if (at)
				ui_row_put_detail(r, row, n, (unsigned)at - 1);
			else
				ui_row_put(r, row, n);
			if (line + at != v->selected_row)
				continue;
			ui_area_put(r->area, row, 0, 1, UI_STYLE_SELECTED, ">");
			if (r->area->focused)
				ui_area_set_style(r->area, row,
						  UI_STYLE_SELECTED);
		}
		line += height;
	}
}

void ui_nodes_draw(struct ui_nodes *v, const struct ui_area *a,
		   const struct ui_model *m, uint64_t now)
{
	unsigned head = a->rows > 2;
	enum ui_column sort = ui_nodes_sort_column(v);
	struct ui_row_columns columns;
	struct ui_row_context r = { .columns = &columns,
				    .area = a,
				    .model = m,
				    .now = now,
				    .has_work = ui_row_has_work(m, now) };
	size_t name = 0, slots = 0;

	for (size_t i = 0; i < v->n_shown; i++) {
		size_t len = strlen(v->shown[i]->reported->name) +
			     name_indent(v, v->shown[i]);
		size_t n = ui_row_count_jobs(m, v->shown[i]);

		name = len > name ? len : name;
		slots = n > slots ? n : slots;
	}
	ui_row_fit_columns(&columns, a->columns, name, slots);
	v->selected_row = selected_line(v, m);
	ui_scroll_set_range(&v->scroll, 0, count_node_lines(v, m),
			    a->rows - head);
	ui_scroll_to(&v->scroll, v->selected_row);
	if (head)
		ui_row_put_titles(&columns, a, sort,
				  (sort > UI_COLUMN_STATE) != v->reversed);
	put_lines(v, &r, head);
	if (!v->n_shown && v->filter)
		ui_area_printf(a, head, 1, UI_STYLE_WARN,
			       "no node name contains \"%s\"", v->filter);
	else if (!v->n_shown)
		ui_area_put(a, head, 1, 0, UI_STYLE_DIM, "no nodes yet");
}
