/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/scroll.h"

#include "ui/keys.h"

/* Where `top` is when the last line is shown. */
static uint64_t last_top(const struct ui_scroll *s, uint64_t first,
			 uint64_t end)
{
	return end - first > s->page ? end - s->page : first;
}

void ui_scroll_fit(struct ui_scroll *s, uint64_t first, uint64_t end,
		   unsigned page)
{
	uint64_t last;

	s->page = page;
	last = last_top(s, first, end);
	if (s->follow || s->top > last)
		s->top = last;
	if (s->top < first)
		s->top = first;
}

void ui_scroll_to(struct ui_scroll *s, uint64_t line)
{
	if (line < s->top)
		s->top = line;
	else if (s->page && line - s->top >= s->page)
		s->top = line - s->page + 1;
}

static void scroll_up(struct ui_scroll *s, uint64_t first, uint64_t lines)
{
	s->top = s->top - first > lines ? s->top - lines : first;
	s->follow = false;
}

bool ui_scroll_key(struct ui_scroll *s, uint64_t first, uint64_t end,
		   uint32_t key)
{
	unsigned page = s->page > 1 ? s->page - 1 : 1;

	ui_scroll_fit(s, first, end, s->page);
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
		s->left = 0;
		break;
	case UI_KEY_DOWN:
	case 'j':
		s->top++;
		break;
	case UI_KEY_PAGE_DOWN:
		s->top += page;
		break;
	case UI_KEY_END:
		s->top = last_top(s, first, end);
		break;
	case UI_KEY_LEFT:
	case 'h':
		s->left -= s->left < UI_SCROLL_STEP ? s->left : UI_SCROLL_STEP;
		break;
	case UI_KEY_RIGHT:
		s->left += s->left < 10000 ? UI_SCROLL_STEP : 0;
		break;
	default:
		return false;
	}
	ui_scroll_fit(s, first, end, s->page);
	return true;
}

struct ui_seek ui_seek_begin(const struct ui_scroll *s, bool here,
			     bool backwards)
{
	bool shown = s->found >= s->top && s->found - s->top < s->page;

	return (struct ui_seek){ .from = shown ? s->found : s->top,
				 .here = here,
				 .backwards = backwards };
}

void ui_seek_fits(struct ui_seek *seek, uint64_t line)
{
	if (!seek->first)
		seek->first = line + 1;
	seek->last = line + 1;
	if (line < seek->from)
		seek->before = line + 1;
	if (!seek->after && line + seek->here > seek->from)
		seek->after = line + 1;
}

bool ui_seek_end(const struct ui_seek *seek, struct ui_scroll *s)
{
	uint64_t near = seek->backwards ? seek->before : seek->after;
	uint64_t far = seek->backwards ? seek->last : seek->first;

	if (!far)
		return false;
	s->found = (near ? near : far) - 1;
	s->top = s->found;
	s->follow = false;
	return true;
}
