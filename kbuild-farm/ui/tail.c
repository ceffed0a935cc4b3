/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/tail.h"

#include "base/str.h"
#include "ui/width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ui_tail_release(struct ui_tail *v)
{
	ui_log_release(&v->log);
	free(v->sought);
	*v = (struct ui_tail){ 0 };
}

bool ui_tail_key(struct ui_tail *v, uint32_t key)
{
	if (key == 'f') {
		v->scroll.follow = !v->scroll.follow;
		return true;
	}
	return ui_scroll_key(&v->scroll, v->log.first, v->log.end, key);
}

static bool is_sought(const struct ui_tail *v, uint64_t line)
{
	const char *text = ui_log_line(&v->log, line);

	return text && v->sought && strcasestr(text, v->sought);
}

bool ui_tail_seek(struct ui_tail *v, const char *text, bool here,
		  bool backwards)
{
	struct ui_seek seek = ui_seek_begin(&v->scroll, here, backwards);

	if (text) {
		free(v->sought);
		v->sought = xstrdup(text);
	}
	for (uint64_t line = v->log.first; line < v->log.end; line++) {
		if (is_sought(v, line))
			ui_seek_fits(&seek, line);
	}
	return ui_seek_end(&seek, &v->scroll);
}

void ui_tail_draw(struct ui_tail *v, const struct ui_area *a)
{
	char title[120];

	snprintf(title, sizeof(title), "Log, %llu lines%s",
		 (unsigned long long)v->log.end,
		 v->scroll.follow ? ", follows" : "");
	ui_area_title(a, 0, title);
	ui_scroll_fit(&v->scroll, v->log.first, v->log.end,
		      a->rows > 1 ? a->rows - 1 : 0);
	for (unsigned row = 1; row < a->rows; row++) {
		uint64_t line = v->scroll.top + row - 1;
		const char *text = ui_log_line(&v->log, line);

		if (!text)
			break;
		if (is_sought(v, line))
			ui_area_put(a, row, 0, 1, UI_BOLD, ">");
		ui_area_put(a, row, 2, 0,
			    is_sought(v, line) ? UI_SELECTED : UI_NORMAL,
			    text + ui_width_within(text, v->scroll.left));
	}
	if (v->log.first == v->log.end)
		ui_area_put(a, 1, 2, 0, UI_DIM, "nothing yet");
}
