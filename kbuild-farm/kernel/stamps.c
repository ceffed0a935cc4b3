/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/stamps.h"

#include <fts.h>
#include <stdlib.h>
#include <string.h>

void kernel_stamps_text(struct kernel_stamps *s, const char *text)
{
	buf_put_str(&s->text, text);
}

static void add_stat(struct kernel_stamps *s, const char *path,
		     const struct stat *st)
{
	struct stamp stamp = { 0 };

	kernel_stamps_text(s, path);
	if (st)
		stamp_of(&stamp, st);
	buf_add(&s->text, &stamp.dev, sizeof(stamp.dev));
	buf_add(&s->text, &stamp.ino, sizeof(stamp.ino));
	buf_add(&s->text, &stamp.size, sizeof(stamp.size));
	buf_add(&s->text, &stamp.mtime_ns, sizeof(stamp.mtime_ns));
	buf_add(&s->text, &stamp.ctime_ns, sizeof(stamp.ctime_ns));
	buf_add(&s->text, &stamp.ahead, sizeof(stamp.ahead));
	if (stamp.ctime_ns > s->newest.ctime_ns && !stamp.ahead)
		s->newest = stamp;
}

void kernel_stamps_file(struct kernel_stamps *s, const char *path)
{
	struct stat st;

	add_stat(s, path, stat(path, &st) ? NULL : &st);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool ends_in(const char *name, const char *const *suffixes)
{
	for (; *suffixes; suffixes++) {
		if (str_ends(name, *suffixes))
			return true;
	}
	return false;
}

void kernel_stamps_tree(struct kernel_stamps *s, const char *dir,
			const char *const *suffixes)
{
	char *const tops[] = { (char *)dir, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *at;

	kernel_stamps_text(s, dir);
	while (tree && (at = fts_read(tree)) != NULL) {
		if (at->fts_info == FTS_D || at->fts_info == FTS_DP ||
		    !ends_in(at->fts_name, suffixes))
			continue;
		if (at->fts_info == FTS_F)
			add_stat(s, at->fts_path, at->fts_statp);
		else
			kernel_stamps_file(s, at->fts_path);
	}
	if (tree)
		fts_close(tree);
}

bool kernel_stamps_end(struct kernel_stamps *s, int64_t now, struct digest *out)
{
	bool settled = stamp_settled(&s->newest, now);

	digest_of(buf_bytes(&s->text), out);
	buf_release(&s->text);
	*s = (struct kernel_stamps){ 0 };
	return settled;
}
