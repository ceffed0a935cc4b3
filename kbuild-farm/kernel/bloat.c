/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/bloat.h"

#include "base/elf-symbols.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* All symbols of one name, as of one number: "x.12" and "x.13" are "x". */
struct symbol {
	struct map_node map;
	char *name;
	uint64_t size[2]; /* in the old file, and in the new one */
	bool there[2];
};

struct bloat {
	struct map by_name;
	struct symbol **v;
	size_t n;
	int side; /* the file that is read */
};

static bool is_counted(const struct elf_symbol *s)
{
	static const char *const made[] = { "__mod_", "__se_sys",
					    "__se_compat_sys",
					    "__addressable_" };

	if (!strchr("tTdDbBrR", s->type))
		return false;
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		if (str_starts(s->name, made[i]))
			return false;
	}
	return strcmp(s->name, "linux_banner") && strcmp(s->name, "vermagic");
}

/* Without ".NUMBER", which the compiler adds to statics and clones. */
static void put_plain_name(struct buf *out, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		buf_add(out, name, n);
		name += n;
		n = name[0] ? strspn(name + 1, "0123456789") : 0;
		if (n)
			name += 1 + n;
		else if (*name)
			buf_add(out, name++, 1);
	}
}

static struct symbol *need_symbol(struct bloat *b, const char *name)
{
	uint64_t hash = map_hash(bytes_str(name));
	struct map_node *at = map_find(&b->by_name, hash);
	struct symbol *s;

	while (at && strcmp(((struct symbol *)at)->name, name))
		at = map_again(at);
	if (at)
		return (struct symbol *)at;
	s = xcalloc(1, sizeof(*s));
	s->name = xstrdup(name);
	map_add(&b->by_name, &s->map, hash);
	*VEC_ADD(b->v, b->n) = s;
	return s;
}

static void count_symbol(void *ctx, const struct elf_symbol *given)
{
	struct buf name = { 0 };
	struct bloat *b = ctx;
	struct symbol *s;

	if (!is_counted(given))
		return;
	put_plain_name(&name, given->name);
	s = need_symbol(b, buf_str(&name));
	s->size[b->side] += given->size;
	s->there[b->side] = true;
	buf_release(&name);
}

static int64_t growth(const struct symbol *s)
{
	return (int64_t)(s->size[1] - s->size[0]);
}

static int by_growth(const void *a, const void *b)
{
	const struct symbol *x = *(struct symbol *const *)a;
	const struct symbol *y = *(struct symbol *const *)b;
	int64_t p = growth(x), q = growth(y);

	return p < q ? 1 : p > q ? -1 : strcmp(y->name, x->name);
}

struct totals {
	unsigned added, removed, grown, shrunk;
	int64_t up, down, all[2];
};

static void add_up(struct totals *t, const struct symbol *s)
{
	int64_t d = growth(s);

	t->all[0] += (int64_t)s->size[0];
	t->all[1] += (int64_t)s->size[1];
	if (!s->there[0])
		t->added++;
	else if (!s->there[1])
		t->removed++;
	else if (d)
		d > 0 ? t->grown++ : t->shrunk++;
	if (d > 0)
		t->up += d;
	else
		t->down -= d;
}

static void put_size(struct buf *out, const struct symbol *s, int side)
{
	if (s->there[side])
		buf_printf(out, " %7" PRIu64, s->size[side]);
	else
		buf_printf(out, " %7s", "-");
}

static void put_table(struct buf *out, const struct bloat *b)
{
	struct totals t = { 0 };

	for (size_t i = 0; i < b->n; i++)
		add_up(&t, b->v[i]);
	buf_printf(out,
		   "add/remove: %u/%u grow/shrink: %u/%u up/down: %" PRId64
		   "/%" PRId64 " (%" PRId64 ")\n%-40s %7s %7s %7s\n",
		   t.added, t.removed, t.grown, t.shrunk, t.up, -t.down,
		   t.up - t.down, "Function", "old", "new", "delta");
	for (size_t i = 0; i < b->n; i++) {
		if (!growth(b->v[i]))
			continue;
		buf_printf(out, "%-40s", b->v[i]->name);
		put_size(out, b->v[i], 0);
		put_size(out, b->v[i], 1);
		buf_printf(out, " %+7" PRId64 "\n", growth(b->v[i]));
	}
	buf_printf(out,
		   "Total: Before=%" PRId64 ", After=%" PRId64
		   ", chg %+.2f%%\n",
		   t.all[0], t.all[1],
		   t.all[0] ? (double)(t.all[1] - t.all[0]) * 100.0 /
				      (double)t.all[0] :
			      0.0);
}

static void bloat_release(struct bloat *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->v[i]->name);
		free(b->v[i]);
	}
	free(b->v);
	map_release(&b->by_name);
}

int kernel_bloat_text(struct buf *out, const char *old, const char *new,
		      struct err *err)
{
	struct bloat b = { 0 };
	int ret = elf_symbols_read(old, count_symbol, &b, err);

	b.side = 1;
	if (!ret)
		ret = elf_symbols_read(new, count_symbol, &b, err);
	if (!ret) {
		if (b.n)
			qsort(b.v, b.n, sizeof(*b.v), by_growth);
		put_table(out, &b);
	}
	bloat_release(&b);
	return ret;
}
