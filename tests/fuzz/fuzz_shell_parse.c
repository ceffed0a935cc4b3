/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/*
 * Scripts and the expansion of their words.  The parser accepts a script or
 * rejects it with a reason, and words expand to strings.
 */
#include "shell/expand.h"

#include "shell/parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *get(void *at, const char *name)
{
	(void)at;
	switch (name[0]) {
	case 'u':
		return NULL;
	case 'I':
		return " :\n";
	case 'e':
		return "";
	default:
		return " a:\\*b 'c' ";
	}
}

static int set(void *at, const char *name, const char *value)
{
	(void)at;
	if (!*name || !value)
		abort();
	return 0;
}

static int commands(void *at, const struct shell_ast_node *list,
		    struct buf *out)
{
	(void)at;
	buf_add(out, list ? "x  y\n\n" : "\0\n", list ? 6 : 2);
	return 0;
}

static void visit(struct shell_expand *e, const struct shell_ast_node *n);

static void visit_word(struct shell_expand *e, const struct shell_word *word)
{
	const struct shell_part *part = word->parts;
	const char *text;

	if (!part && !word->literal)
		abort();
	for (; part; part = part->next) {
		if (part->kind == SHELL_PART_COMMANDS && part->list)
			visit(e, part->list);
		if (part->kind == SHELL_PART_PARAM && part->word)
			visit_word(e, part->word);
	}
	if (!shell_expand_pattern(e, word, &text))
		shell_match_pattern(text, "a*b");
	if (!shell_expand_assignment(e, word, &text) &&
	    strlen(text) > 100000000)
		abort();
}

static void visit_words(struct shell_expand *e, const struct shell_word *words)
{
	struct shell_fields fields = { 0 };

	for (const struct shell_word *w = words; w; w = w->next)
		visit_word(e, w);
	if (!shell_expand_fields(e, words, true, &fields) && fields.n &&
	    fields.v[fields.n])
		abort();
}

static void visit_redirs(struct shell_expand *e, const struct shell_redir *r)
{
	struct bytes text;

	for (; r; r = r->next) {
		if (r->fd < 0 || r->fd > 9 ||
		    (!r->word && r->kind != SHELL_REDIR_DUP))
			abort();
		if (r->word)
			visit_word(e, r->word);
		if (r->kind == SHELL_REDIR_HEREDOC)
			shell_expand_heredoc(e, r->word, &text);
	}
}

static void visit(struct shell_expand *e, const struct shell_ast_node *n)
{
	struct arena_mark mark = arena_mark(e->arena);

	if (!n->line)
		abort();
	for (const struct shell_assign *a = n->assigns; a; a = a->next)
		visit_word(e, a->value);
	visit_words(e, n->words);
	visit_redirs(e, n->redirs);
	arena_rewind(e->arena, mark);
	for (const struct shell_case_item *i = n->items; i; i = i->next) {
		visit_words(e, i->patterns);
		if (i->body)
			visit(e, i->body);
	}
	for (const struct shell_ast_node *m = n->list; m; m = m->next)
		visit(e, m);
	if (n->test)
		visit(e, n->test);
	if (n->left)
		visit(e, n->left);
	if (n->right)
		visit(e, n->right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char one[] = "one", two[] = "*.c x";
	char *args[] = { one, two, NULL };
	struct arena arena = { 0 };
	struct shell_expand e = {
		.arena = &arena,
		.get = get,
		.set = set,
		.substitute = commands,
		.args = args,
		.n_args = size % 3,
		.no_glob = true,
	};
	const struct shell_ast_node *list = NULL;
	enum shell_fallback_reason why = SHELL_FALLBACK_NONE;
	int ret;

	if (size > 4096)
		return 0;
	ret = shell_parse_script(&arena, bytes_of(data, size), &list, &why);
	if (ret ? why == SHELL_FALLBACK_NONE ||
			    why >= SHELL_FALLBACK_N_REASONS :
		  why != SHELL_FALLBACK_NONE)
		abort();
	if (!ret && list)
		visit(&e, list);
	arena_release(&arena);
	return 0;
}
