/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/*
 * A command line, a word per line, as the build host and then the node see
 * it.  What is sent away is of words that the table knows; each of its flags
 * passes the node's gate; and the node's line says nothing but "compile".
 */
#include "options/rewrite.h"
#include "options/table.h"
#include "options/typed.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void split(struct strv *argv, const char *text)
{
	while (argv->n < WORDS_MAX) {
		size_t n = strcspn(text, "\n");

		strv_own(argv, xstrndup(text, n));
		if (!text[n])
			return;
		text += n + 1;
	}
}

static void table_knows(char *const *argv)
{
	struct options_word w;
	size_t n;

	for (argv++; (n = options_word(&w, argv)); argv += n) {
		must(w.text[0] != '@');
		if (w.text[0] == '-' && w.text[1]) {
			must(w.entry != NULL);
			must(w.entry->use != OPTIONS_LOCAL);
			must(w.entry->use != OPTIONS_QUERY);
		}
	}
}

/* What a node makes of it is one compile, and writes where it was told. */
static void remote(char *const *argv, const struct options_compile *c)
{
	static const struct options_outputs outputs = { .object = "/o/out.o",
							.dep = "/o/dep.d",
							.as = "/o/as.d" };
	struct options_flags flags;
	struct options_compile again;
	struct strv node = { 0 };
	struct err err = { 0 };

	table_knows(argv);
	if (options_typed_from(&flags, argv, c, &err)) {
		must(err.text[0] && !flags.n);
		return;
	}
	strv_add(&node, "gcc");
	for (size_t i = 0; i < flags.n; i++)
		must(!options_typed_allow(&node, flags.v[i].name,
					  flags.v[i].value, &err));
	must(!options_typed_outputs(&node, c->lang, true, "in.c", &outputs,
				    &err));
	options_compile_parse(&again, node.v);
	must(again.verdict == OPTIONS_AWAY && again.lang == c->lang);
	must(!strcmp(again.source, "in.c"));
	must(!strcmp(again.object, "/o/out.o"));
	must(again.dep_len == 8 && !memcmp(again.dep, "/o/dep.d", 8));
	strv_release(&node);
	options_flags_release(&flags);
}

/* The other lines are compiles of the same source to the new places. */
static void rewritten(char *const *argv, const struct options_compile *c)
{
	struct strv out = { 0 };
	struct options_compile again;
	char *object = options_compile_object(c), *dep = options_compile_dep(c);

	options_rewrite_outputs(&out, argv, c, argv[0], "new/.t", "new/.u");
	options_compile_parse(&again, out.v);
	must(again.source && !strcmp(again.source, c->source));
	must(again.object && !strcmp(again.object, "new/.t"));
	strv_release(&out);
	options_rewrite_machine(&out, argv, c);
	strv_release(&out);
	free(object);
	free(dep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct strv argv = { 0 };
	struct options_compile c;

	split(&argv, text);
	options_compile_parse(&c, argv.v);
	must((c.verdict == OPTIONS_HERE) == (c.why != REASON_NONE));
	if (c.verdict == OPTIONS_AWAY) {
		remote(argv.v, &c);
		rewritten(argv.v, &c);
	} else if (c.verdict == OPTIONS_HERE) {
		free(options_compile_object(&c));
		free(options_compile_dep(&c));
	}
	strv_release(&argv);
	free(text);
	return 0;
}
