/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/*
 * A command line, one word per line, on the build host and then on the node.  A
 * remote command consists of words that the table has.  Each of its flags
 * passes the node's allowlist, and the node's command line is only a compile.
 */
#include "options/allowlist.h"
#include "options/command.h"
#include "options/rewrite.h"
#include "options/table.h"

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

static void table_knows(const struct options_command *c)
{
	for (size_t k = 0; k < c->n_items; k++) {
		const struct options_item *i = &c->items[k];

		must(i->in_list || i->text[0] != '@');
		if (i->text[0] == '-' && i->text[1]) {
			must(i->entry != NULL);
			must(i->use != OPTIONS_USE_LOCAL);
			must(i->use != OPTIONS_USE_QUERY);
		}
	}
}

/* Items are in the order of the command line and inside its words. */
static void items_hold(char *const *argv, const struct options_command *c)
{
	unsigned at = 0;

	for (size_t k = 0; k < c->n_items; k++) {
		const struct options_item *i = &c->items[k];
		const char *word = argv[i->argv_index];

		must(i->argv_index >= at);
		at = i->argv_index;
		must(i->in_list || (i->text == word && i->len == strlen(word)));
		must(!i->value || i->value_len <= strlen(i->value));
		must(!i->in_list || (k && i->entry));
	}
}

/* The node's command line is one compile that writes only the given outputs. */
static void remote(const struct options_command *c)
{
	static const struct options_node_outputs outputs = {
		.object = "/o/out.o", .dep = "/o/dep.d"
	};
	struct options_flags flags;
	struct options_command again;
	struct strv node = { 0 };
	struct err err = { 0 };

	table_knows(c);
	if (options_allowlist_make_flags(&flags, c, &err)) {
		must(err.text[0] && !flags.n_flags);
		return;
	}
	strv_add(&node, "gcc");
	for (size_t i = 0; i < flags.n_flags; i++)
		must(!options_allowlist_add_flag(&node, flags.flags[i].name,
						 flags.flags[i].value, &err));
	must(!options_allowlist_add_outputs(&node, c->lang, "in.c", &outputs,
					    &err));
	options_command_parse(&again, node.v);
	must(again.class == OPTIONS_CLASS_REMOTE && again.lang == c->lang);
	must(!strcmp(again.source, "in.c"));
	must(!strcmp(again.object, "/o/out.o"));
	must(again.dep_len == 8 && !memcmp(again.dep, "/o/dep.d", 8));
	options_command_release(&again);
	strv_release(&node);
	options_flags_release(&flags);
}

/* Rewritten command lines compile the same source to the new outputs. */
static void rewritten(char *const *argv, const struct options_command *c)
{
	struct strv out = { 0 };
	struct options_command again;
	char *object = options_output_object_path(c),
	     *dep = options_output_dep_path(c);

	options_rewrite_outputs(&out, c, argv[0], "new/.t", "new/.u");
	options_command_parse(&again, out.v);
	must(again.source && !strcmp(again.source, c->source));
	must(again.object && !strcmp(again.object, "new/.t"));
	options_command_release(&again);
	strv_release(&out);
	options_rewrite_object_format(&out, c);
	strv_release(&out);
	free(object);
	free(dep);
}

/* The node receives the text of stdin as a file. */
static void from_stdin(char *const *argv)
{
	struct options_command c;

	options_command_parse_stdin(&c, argv);
	items_hold(argv, &c);
	if (c.class == OPTIONS_CLASS_REMOTE) {
		must(c.from_stdin && !strcmp(c.source, "-"));
		must(!c.object && c.lang == OPTIONS_LANG_C);
		options_command_set_text(&c, "in.c");
		must(!strcmp(c.source, "in.c"));
		remote(&c);
	}
	options_command_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct strv argv = { 0 };
	struct options_command c;

	split(&argv, text);
	options_command_parse(&c, argv.v);
	items_hold(argv.v, &c);
	must((c.class == OPTIONS_CLASS_LOCAL) == (c.reason != REASON_NONE));
	if (c.class == OPTIONS_CLASS_REMOTE) {
		remote(&c);
		rewritten(argv.v, &c);
	} else if (c.class == OPTIONS_CLASS_LOCAL) {
		free(options_output_object_path(&c));
		free(options_output_dep_path(&c));
	}
	options_command_release(&c);
	from_stdin(argv.v);
	strv_release(&argv);
	free(text);
	return 0;
}
