/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/heard.h"

#include "base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK "untold"

int nightly_heard_mark(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/" MARK, dir);
	int ret = fs_write(path, bytes_of(NULL, 0), 0666, err);

	free(path);
	return ret;
}

static bool is_untold(const struct nightly_result *r)
{
	char *path = xasprintf("%s/" MARK, r->dir);
	bool marked = fs_exists(path);

	free(path);
	return marked;
}

/* The newest one that is older, of those that were told or of good ones. */
static const struct nightly_result *find_older(const struct nightly_store *s,
					       const struct nightly_result *r,
					       bool told, bool good)
{
	for (size_t i = s->n; i-- > 0;) {
		const struct nightly_result *o = s->v[i];

		if (o->number < r->number && !strcmp(o->build, r->build) &&
		    !(told && is_untold(o)) &&
		    !(good && o->end != NIGHTLY_GOOD))
			return o;
	}
	return NULL;
}

void nightly_heard_see(struct nightly_result *out,
		       const struct nightly_store *s,
		       const struct nightly_result *r)
{
	*out = *r;
	if (r->decision == NIGHTLY_UNCHANGED) {
		if (!r->previous || !is_untold(r->previous))
			return;
		*out = *r->previous;
	}
	out->previous = find_older(s, out, true, false);
	out->last_good = find_older(s, out, false, true);
}

void nightly_heard_told(const struct nightly_store *s,
			const struct nightly_result *r)
{
	for (size_t i = 0; i < s->n; i++) {
		char *path = xasprintf("%s/" MARK, s->v[i]->dir);

		if (!strcmp(s->v[i]->build, r->build))
			unlink(path);
		free(path);
	}
}
