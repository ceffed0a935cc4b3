/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/tune-result.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int node_tune_result(struct node_tune_result *r, struct bytes said,
		     struct err *err)
{
	struct strv lines = { 0 };
	char *text = xstrndup((const char *)said.data, said.len);
	bool ended = false;

	*r = (struct node_tune_result){ 0 };
	strv_split(&lines, text, "\n");
	free(text);
	for (size_t i = 0; i < lines.n && !ended; i++) {
		char *line = lines.v[i], *path, *value;

		ended = !strcmp(line, "end");
		path = strchr(line, '\t');
		value = path ? strchr(path + 1, '\t') : NULL;
		if (!value)
			continue;
		*path++ = *value++ = '\0';
		printable_clean(path, strlen(path), 0, '?');
		printable_clean(value, strlen(value), 0, ' ');
		if (!strcmp(line, "done"))
			r->done++;
		else if (!strcmp(line, "back"))
			r->back++;
		else if (!strcmp(line, "failed"))
			*VEC_ADD(r->failed,
				 r->n_failed) = (struct node_tune_failure){
				xstrdup(path), xstrdup(value)
			};
	}
	strv_release(&lines);
	if (ended)
		return 0;
	node_tune_result_release(r);
	return err_set(err, EPROTO,
		       "it ended in the middle: what is set is not known; "
		       "--dry-run shows it");
}

void node_tune_result_release(struct node_tune_result *r)
{
	for (size_t i = 0; i < r->n_failed; i++) {
		free(r->failed[i].path);
		free(r->failed[i].why);
	}
	free(r->failed);
	*r = (struct node_tune_result){ 0 };
}

char *node_tune_text(const char *path, const char *value)
{
	bool devfreq = str_starts(path, "/sys/class/devfreq/") &&
		       str_ends(path, "_freq");
	char *end;
	unsigned long long n = strtoull(value, &end, 10);

	if (end == value || *end)
		return xstrdup(value);
	if (devfreq)
		n /= 1000;
	if ((devfreq || str_ends(path, "_freq")) && n % 1000)
		return xasprintf("%.3f MHz", (double)n / 1000);
	if (devfreq || str_ends(path, "_freq"))
		return xasprintf("%llu MHz", n / 1000);
	if (str_ends(path, "_temp"))
		return xasprintf("%llu C", n / 1000);
	return xstrdup(value);
}
