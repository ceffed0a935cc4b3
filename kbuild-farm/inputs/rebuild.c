/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/rebuild.h"

#include "base/fs.h"
#include "base/str.h"
#include "base/which.h"
#include "inputs/saved-command.h"
#include "options/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM_BYTES_MAX ((size_t)64 << 20)

struct rebuild {
	const struct inputs_rebuild *request;
	struct strv objects; /* temporary objects */
};

/* Return true for an option that has no effect on the program. */
static bool is_dropped(const struct options_item *item)
{
	return item->use == OPTIONS_USE_OUTPUT ||
	       (item->use >= OPTIONS_USE_MAKE_DEPS &&
		item->use <= OPTIONS_USE_DEP_PHONY) ||
	       (item->use == OPTIONS_USE_WP && !item->in_list);
}

/*
 * Return true for an option that neither writes another file nor loads code
 * into the compiler.
 */
static bool is_supported(const struct options_item *item, const char *word)
{
	if (item->in_list)
		return false;
	switch (item->use) {
	case OPTIONS_USE_MODE:
		return !strcmp(word, "-c");
	case OPTIONS_USE_LINK:
		return !str_starts(word, "-Wl,") && !str_starts(word, "-T") &&
		       strcmp(word, "-Xlinker") != 0;
	case OPTIONS_USE_CODE:
	case OPTIONS_USE_CPP:
	case OPTIONS_USE_DEBUG:
		return item->entry->side == OPTIONS_SIDE_NONE;
	default:
		return false;
	}
}

/* Split a saved command, except its output options, into argv and inputs. */
static int select_words(const struct options_command *c, struct strv *argv,
			struct strv *inputs, struct err *err)
{
	for (size_t i = 0; i < c->n_items; i++) {
		const struct options_item *item = &c->items[i];
		const char *word = c->argv[item->argv_index];

		if (!item->entry && *word != '-' && *word != '@') {
			strv_add(inputs, word);
		} else if (!item->entry || (item->separate && !item->value) ||
			   (!is_dropped(item) && !is_supported(item, word))) {
			return err_set(err, ENOTSUP, "unsupported option %s",
				       word);
		} else if (!is_dropped(item)) {
			strv_add(argv, word);
			if (item->separate)
				strv_add(argv, c->argv[item->argv_index + 1]);
		}
	}
	return 0;
}

/* Append the compiler of a saved command to `argv`. */
static int add_compiler(const struct rebuild *b, const char *name,
			struct strv *argv, struct err *err)
{
	char *compiler = NULL;

	if (name && !which_is_wrapper(name))
		compiler = which_compiler(
			name, str_find_env(b->request->env, "PATH"), NULL);
	if (!compiler)
		return err_set(err, ENOENT, "%s: no such compiler",
			       name ? name : "saved command");
	strv_own(argv, compiler);
	return 0;
}

static int rebuild_file(struct rebuild *b, const char *path, const char *output,
			bool link, struct err *err);

/*
 * Add an input to argv: a source file or, if `link` is true, the result of
 * rebuilding an object.
 */
static int add_input(struct rebuild *b, const char *build_dir,
		     const char *input, bool link, struct strv *argv,
		     struct err *err)
{
	char *object, *temp;
	int ret;

	if (str_ends(input, ".c")) {
		strv_add(argv, input);
		return 0;
	}
	if (!link || !str_ends(input, ".o"))
		return err_set(err, ENOTSUP, "unsupported input %s", input);
	object = str_join_path(build_dir, input);
	temp = xasprintf("%s-%zu.o", b->request->output_path, b->objects.n);
	strv_add(&b->objects, temp);
	strv_add(argv, temp);
	ret = rebuild_file(b, object, temp, false, err);
	free(object);
	free(temp);
	return ret;
}

/*
 * Run the saved command of `path` with the output file `output`.  `link` is
 * true for a link command, which can have objects as inputs.
 */
static int rebuild_file(struct rebuild *b, const char *path, const char *output,
			bool link, struct err *err)
{
	struct inputs_saved_command saved;
	struct options_command c = { 0 };
	struct strv argv = { 0 }, inputs = { 0 };
	int ret = inputs_saved_command_read(&saved, path, err);
	char *const *words = strv_list(&saved.words);

	if (!ret)
		ret = add_compiler(b, *words, &argv, err);
	if (ret)
		goto out;
	options_command_parse(&c, words);
	ret = select_words(&c, &argv, &inputs, err);
	for (size_t i = 0; i < inputs.n && !ret; i++)
		ret = add_input(b, saved.build_dir, inputs.v[i], link, &argv,
				err);
	if (ret)
		goto out;
	strv_add(&argv, "-o");
	strv_add(&argv, output);
	ret = inputs_saved_command_run(&argv, saved.build_dir, b->request->env,
				       b->request->cancelled, err);
out:
	options_command_release(&c);
	strv_release(&argv);
	strv_release(&inputs);
	inputs_saved_command_release(&saved);
	return ret;
}

static int compare_programs(const char *a, const char *b, struct err *err)
{
	struct buf x = { 0 }, y = { 0 };
	int ret = fs_read(a, PROGRAM_BYTES_MAX, &x, err);

	if (!ret)
		ret = fs_read(b, PROGRAM_BYTES_MAX, &y, err);
	if (!ret && !bytes_equal(buf_bytes(&x), buf_bytes(&y)))
		ret = err_set(err, ESTALE, "%s: differs from a rebuild", a);
	buf_release(&x);
	buf_release(&y);
	return ret;
}

int inputs_rebuild_compare(const struct inputs_rebuild *r, struct err *err)
{
	struct rebuild b = { .request = r };
	int ret = rebuild_file(&b, r->program, r->output_path, true, err);

	if (!ret)
		ret = compare_programs(r->program, r->output_path, err);
	else
		err_wrap(err, "%s: cannot rebuild", r->program);
	for (size_t i = 0; i < b.objects.n; i++)
		unlink(b.objects.v[i]);
	unlink(r->output_path);
	strv_release(&b.objects);
	return ret;
}
