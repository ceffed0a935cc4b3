/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/printable.h"
#include "cli/complete.h"

void complete_offer(struct complete *c, const char *word, const char *help)
{
	if (!str_starts(word, c->typed) || !printable(bytes_str(word), 0))
		return;
	if (help && !printable(bytes_str(help), 0))
		help = NULL;
	strv_addf(&c->found, "%s%s%s%s", c->kept, word, help ? "\t" : "",
		  help ? help : "");
}
