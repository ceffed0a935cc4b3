/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/asm.h"

#include <stdlib.h>
#include <string.h>

struct symbol {
	struct map_node node;
	char *name;
	bool known;
	int64_t value;
};

void scan_asm_open(struct scan_asm_run *run, const char *words)
{
	if (!run->out->open)
		run->out->open = xstrdup(words);
}

bool scan_asm_perhaps(struct scan_asm_run *run)
{
	run->unsure++;
	return run->d.alternate;
}

void scan_asm_surely(struct scan_asm_run *run, bool alternate)
{
	run->unsure--;
	if (run->d.alternate != alternate)
		scan_asm_open(run, ".altmacro, perhaps");
}

static struct symbol *find_symbol(const struct scan_asm_run *run,
				  const char *name, size_t len)
{
	struct map_node *n;

	n = map_find(&run->symbols, map_hash(bytes_of(name, len)));
	for (; n; n = map_again(n)) {
		struct symbol *s = (struct symbol *)n;

		if (strlen(s->name) == len && !memcmp(s->name, name, len))
			return s;
	}
	return NULL;
}

static bool lookup(void *ctx, const char *name, size_t len, int64_t *value)
{
	struct symbol *s = find_symbol(ctx, name, len);

	if (s)
		*value = s->value;
	return s && s->known;
}

bool scan_asm_value(struct scan_asm_run *run, struct scan_asm_part *in,
		    int64_t *value)
{
	return scan_asm_expr(run->d.syntax, lookup, run, in, value);
}

void scan_asm_assign(struct scan_asm_run *run, struct scan_asm_part name,
		     struct scan_asm_part value, bool later)
{
	size_t len = (size_t)(name.end - name.p);
	int64_t number = 0;
	struct symbol *s;
	bool known;

	/* Who knows which of them was the last. */
	if (run->loose)
		return;
	known = scan_asm_value(run, &value, &number) && !run->unsure && !later;
	scan_asm_blanks(&value);
	if (value.p < value.end)
		known = false;
	s = find_symbol(run, name.p, len);
	if (!s) {
		if (!known)
			return;
		s = xcalloc(1, sizeof(*s));
		s->name = xstrndup(name.p, len);
		map_add(&run->symbols, &s->node,
			map_hash(bytes_of(name.p, len)));
	} else if (s->known == known && (!known || s->value == number)) {
		return;
	}
	s->known = known;
	s->value = number;
	run->changes++;
}

static void free_symbol(struct map_node *n)
{
	free(((struct symbol *)n)->name);
	free(n);
}

void scan_asm_symbols_release(struct scan_asm_run *run)
{
	map_release_all(&run->symbols, free_symbol);
}
