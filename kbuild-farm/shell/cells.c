/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/cells.h"

#include <string.h>

/* Room for `n` elements more of what lies in the arena. */
static void *grow_in_arena(struct arena *a, void *v, size_t n, size_t more,
			   size_t *cap, size_t size)
{
	void *wide;

	if (n + more <= *cap)
		return v;
	*cap = 2 * (n + more) + 32;
	wide = arena_alloc(a, *cap * size);
	if (n)
		memcpy(wide, v, n * size);
	return wide;
}

void shell_cells_put(struct shell_cells *c, uint16_t cell)
{
	c->v = grow_in_arena(c->arena, c->v, c->n, 1, &c->cap, sizeof(*c->v));
	c->v[c->n++] = cell;
}

void shell_cells_add(struct shell_cells *c, const char *text, size_t len,
		     bool quoted)
{
	uint16_t bits = quoted ? SHELL_CELL_QUOTED : 0;

	c->v = grow_in_arena(c->arena, c->v, c->n, len, &c->cap, sizeof(*c->v));
	for (size_t i = 0; i < len; i++)
		c->v[c->n++] = (uint16_t)((unsigned char)text[i] | bits);
}

void shell_cells_region(struct shell_cells *c, size_t begin, bool nul_only)
{
	c->regions = grow_in_arena(c->arena, c->regions, c->n_regions, 1,
				   &c->regions_cap, sizeof(*c->regions));
	c->regions[c->n_regions++] = (struct shell_region){
		.begin = begin,
		.end = c->n,
		.nul_only = nul_only,
	};
}

void shell_cells_cut(struct shell_cells *c, size_t n)
{
	c->n = n;
	/* One that begins here is kept where it is the first. */
	while (c->n_regions && c->regions[c->n_regions - 1].begin >= n &&
	       !(c->n_regions == 1 && c->regions[0].begin == n))
		c->n_regions--;
	if (c->n_regions && c->regions[c->n_regions - 1].end > n)
		c->regions[c->n_regions - 1].end = n;
}

char *shell_cells_text(const struct shell_cells *c, size_t begin, size_t end)
{
	char *text = arena_alloc(c->arena, end - begin + 1), *p = text;

	for (size_t i = begin; i < end; i++) {
		if (!(c->v[i] & SHELL_CELL_MARK))
			*p++ = (char)c->v[i];
	}
	*p = '\0';
	return text;
}

char *shell_cells_pattern(const struct shell_cells *c, size_t begin, size_t end)
{
	char *text = arena_alloc(c->arena, 2 * (end - begin) + 1), *p = text;
	bool escaped = false; /* by a backslash that is not quoted */

	for (size_t i = begin; i < end; i++) {
		uint16_t cell = c->v[i];
		char byte = (char)cell;

		if (cell & SHELL_CELL_MARK) {
			escaped = false;
			continue;
		}
		if (cell & SHELL_CELL_QUOTED && !escaped && byte &&
		    strchr("!*?[=~:/-]\\", byte))
			*p++ = '\\';
		*p++ = byte;
		escaped = cell == '\\';
	}
	*p = '\0';
	return text;
}

bool shell_cells_special(const struct shell_cells *c, size_t begin, size_t end)
{
	for (size_t i = begin; i < end; i++) {
		if (c->v[i] == '*' || c->v[i] == '?' || c->v[i] == '[')
			return true;
	}
	return false;
}

struct splitter {
	const struct shell_cells *cells;
	const char *ifs;
	void (*add)(void *at, size_t begin, size_t end);
	void *at;
	size_t start; /* of the field that is being read */
	bool after_nul; /* the region before was one of "$@" */
};

/* Is it white space that separates fields anyway?  A NUL counts as such. */
static bool is_white_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || !c;
}

static void split_region(struct splitter *s, const struct shell_region *r)
{
	const char *ifs = r->nul_only ? "" : s->ifs;
	bool space = false; /* white space behind a field was seen */

	for (size_t i = r->begin; i < r->end; i++) {
		uint16_t cell = s->cells->v[i];
		/* strchr() finds the NUL, too. */
		bool separates = !(cell & SHELL_CELL_MARK) &&
				 strchr(ifs, (char)cell);
		bool white = separates && is_white_space((char)cell);

		if (space) {
			s->start = separates ? i + 1 : i;
			if (white)
				continue;
			separates = false;
		}
		if (!separates) {
			space = false;
			continue;
		}
		if (!s->after_nul && !r->nul_only)
			space = white;
		if (s->start == i && space)
			space = false;
		else
			s->add(s->at, s->start, i);
		s->start = i + 1;
	}
	s->after_nul = r->nul_only;
}

void shell_cells_split(const struct shell_cells *c, const char *ifs,
		       void (*add)(void *at, size_t begin, size_t end),
		       void *at)
{
	struct splitter s = {
		.cells = c,
		.ifs = ifs ? ifs : " \t\n",
		.add = add,
		.at = at,
	};

	for (size_t i = 0; i < c->n_regions; i++)
		split_region(&s, &c->regions[i]);
	if ((c->n_regions && s.after_nul) ||
	    (s.start < c->n && c->v[s.start] != 0))
		add(at, s.start, c->n);
}
