/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/scroll.h"

#include "ui/keys.h"

/* Return the first visible line of a list that is scrolled to its end. */
static uint64_t last_top(const struct ui_scroll *s, uint64_t first,
			 uint64_t end)
{
	return end - first > s->n_shown ? end - s->n_shown : first;
}

void ui_scroll_set_range(struct ui_scroll *s, uint64_t first, uint64_t end,
			 unsigned page)
{
	uint64_t last;

	s->n_shown = page;
	last = last_top(s, first, end);
	if (s->following || s->first_shown > last)
		s->first_shown = last;
	if (s->first_shown < first)
		s->first_shown = first;
}

void ui_scroll_to(struct ui_scroll *s, uint64_t line)
{
	if (line < s->first_shown)
		s->first_shown = line;
	else if (s->n_shown && line - s->first_shown >= s->n_shown)
		s->first_shown = line - s->n_shown + 1;
}

static void scroll_up(struct ui_scroll *s, uint64_t first, uint64_t lines)
{
	s->first_shown = s->first_shown - first > lines ?
				 s->first_shown - lines :
				 first;
	s->following = false;
}

bool ui_scroll_handle_key(struct ui_scroll *s, uint64_t first, uint64_t end,
			  uint32_t key)
{
	unsigned page = s->n_shown > 1 ? s->n_shown - 1 : 1;

	ui_scroll_set_range(s, first, end, s->n_shown);
	switch (key) {
	case UI_KEY_UP:
	case 'k':
		scroll_up(s, first, 1);
		break;
	case UI_KEY_PAGE_UP:
		scroll_up(s, first, page);
		break;
	case UI_KEY_HOME:
		scroll_up(s, first, UINT64_MAX);
		s->hidden_columns = 0;
		break;
	case UI_KEY_DOWN:
	case 'j':
		s->first_shown++;
		break;
	case UI_KEY_PAGE_DOWN:
		s->first_shown += page;
		break;
	case UI_KEY_END:
		s->first_shown = last_top(s, first, end);
		break;
	case UI_KEY_LEFT:
	case 'h':
		s->hidden_columns -= s->hidden_columns < UI_SCROLL_STEP ?
					     s->hidden_columns :
					     UI_SCROLL_STEP;
		break;
	case UI_KEY_RIGHT:
		s->hidden_columns += s->hidden_columns < 10000 ?
					     UI_SCROLL_STEP :
					     0;
		break;
	default:
		return false;
	}
	ui_scroll_set_range(s, first, end, s->n_shown);
	return true;
}

struct ui_search ui_search_begin(const struct ui_scroll *s, bool inclusive,
				 bool backwards)
{
	bool shown = s->found_line >= s->first_shown &&
		     s->found_line - s->first_shown < s->n_shown;

	return (struct ui_search){ .from = shown ? s->found_line :
						   s->first_shown,
				   .inclusive = inclusive,
				   .backwards = backwards };
}

void ui_search_add_match(struct ui_search *search, uint64_t line)
{
	if (!search->first_match)
		search->first_match = line + 1;
	search->last_match = line + 1;
	if (line < search->from)
		search->match_before = line + 1;
	if (!search->match_after && line + search->inclusive > search->from)
		search->match_after = line + 1;
}

bool ui_search_finish(const struct ui_search *search, struct ui_scroll *s)
{
	uint64_t near = search->backwards ? search->match_before :
					    search->match_after;
	uint64_t far = search->backwards ? search->last_match :
					   search->first_match;

	if (!far)
		return false;
	s->found_line = (near ? near : far) - 1;
	s->first_shown = s->found_line;
	s->following = false;
	return true;
}
