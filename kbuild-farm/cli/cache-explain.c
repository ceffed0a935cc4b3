/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cache-explain.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "cache/action.h"
#include "cli/cmd.h"
#include "cli/scan.h"
#include "options/allowlist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SOURCE_MAX ((size_t)64 << 20) /* bytes of a file that is searched */

/* A compile as it would run now. */
struct current_compile {
	struct cli_scan_line line;
	struct cpp_closure closure;
	struct options_flags flags;
	char *object;
	struct cache_action action;
};

static void release_current(struct current_compile *c)
{
	cache_action_release(&c->action);
	options_flags_release(&c->flags);
	cpp_closure_release(&c->closure);
	cli_scan_line_release(&c->line);
	free(c->object);
}

/* Hash the files of the closure.  Returns 0 or -errno with `err` set. */
static int digest_files(struct current_compile *c, struct err *err)
{
	struct cache_action *a = &c->action;
	int ret = 0;

	for (size_t i = 0; i < a->n_files && !ret; i++) {
		char *path = str_join_path(c->line.cwd,
					   c->closure.files[i].path);

		ret = digest_file(path, &a->files[i].digest, err);
		free(path);
	}
	return ret;
}

static int describe_compile(struct current_compile *c,
			    const struct cli_scan_tool *tool,
			    struct cpp_scanner *scan,
			    const struct cache_roots *roots, struct err *err)
{
	struct options_side_outputs side_outputs;
	struct cache_located_compile located = {
		.roots = roots,
		.is_c = c->line.command.lang == OPTIONS_LANG_C,
		.cwd = c->line.cwd,
		.source = c->line.command.source,
		.flags = &c->flags,
		.closure = &c->closure,
	};
	const struct cpp_unit unit = { .cwd = c->line.cwd,
				       .compiler = tool->path,
				       .toolchain = &tool->id,
				       .command = &c->line.command,
				       .env = environ };
	int ret;

	if (!tool->path)
		return err_set(err, ENOENT, "%s", tool->error_text);
	ret = options_allowlist_make_flags(&c->flags, &c->line.command, err);
	if (ret)
		return ret;
	cpp_closure_find(scan, &unit, &c->closure);
	if (c->closure.reason)
		return err_set(err, ENOTSUP, "not cached: %s%s%s",
			       reason_text(c->closure.reason),
			       c->closure.detail ? ": " : "",
			       c->closure.detail ? c->closure.detail : "");
	located.object = c->object = options_output_object_path(
		&c->line.command);
	options_output_side_outputs(&side_outputs, &c->line.command);
	located.has_side_outputs = side_outputs.name_in_object;
	options_side_outputs_release(&side_outputs);
	cache_action_init(&c->action, &located);
	cache_action_set_toolchain(&c->action, tool->is_clang, tool->version,
				   &tool->id);
	return digest_files(c, err);
}

static bool continues_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '_';
}

/* Return the first byte of `word` in `line` as a whole word, or NULL. */
static const char *find_whole_word(const char *line, const char *end,
				   const char *word)
{
	size_t len = strlen(word);
	const char *at = line;

	while ((at = memmem(at, (size_t)(end - at), word, len))) {
		bool starts = at == line || !continues_word(at[-1]);
		bool ends = at + len == end || !continues_word(at[len]);

		if (starts && ends)
			return at;
		at += len;
	}
	return NULL;
}

/*
 * Return the number of the first line that is a directive and contains the word
 * or, without such a directive, of the first line that contains the word.
 * Returns 0 if no line contains the word.
 */
static unsigned find_line(const char *text, const char *word)
{
	unsigned first = 0;

	for (unsigned number = 1; *text; number++) {
		const char *end = strchrnul(text, '\n');

		if (find_whole_word(text, end, word)) {
			if (text[strspn(text, " \t")] == '#')
				return number;
			first = first ? first : number;
		}
		text = *end ? end + 1 : end;
	}
	return first;
}

/* Print the position of the first use of the macro `name` in the closure. */
static void print_use(const struct current_compile *c, const char *name)
{
	struct err err;

	for (size_t i = 0; i < c->closure.n_files; i++) {
		const struct cpp_file *f = &c->closure.files[i];
		char *path = str_join_path(c->line.cwd, f->path);
		struct buf text = { 0 };
		unsigned line = 0;

		if (!f->definitions && !fs_read(path, SOURCE_MAX, &text, &err))
			line = find_line(buf_str(&text), name);
		buf_release(&text);
		free(path);
		if (line) {
			printf(", looked up by %s:%u", f->path, line);
			return;
		}
	}
	printf(", which ## can form");
}

/* Format the value of a macro.  A CONFIG_ macro with the value 1 is "y". */
static const char *show_value(const char *name, const char *value)
{
	if (!value)
		return "undefined";
	if (!strcmp(value, "1") && str_starts(name, "CONFIG_"))
		return "y";
	return *value ? value : "empty";
}

static void print_change(const struct current_compile *c,
			 const struct cache_change *change)
{
	switch (change->kind) {
	case CACHE_MISS_DEFINITION:
		printf("  %s: %s -> %s", change->name,
		       show_value(change->name, change->before),
		       show_value(change->name, change->after));
		print_use(c, change->name);
		putchar('\n');
		break;
	case CACHE_MISS_FILE:
		printf("  file %s %s\n", change->name,
		       change->before ? "has changed" : "is new");
		break;
	default:
		if (!change->before)
			printf("  %s %s was added\n", change->name,
			       change->after);
		else if (!change->after)
			printf("  %s %s was removed\n", change->name,
			       change->before);
		else
			printf("  %s %s -> %s\n", change->name, change->before,
			       change->after);
	}
}

static void print_time(int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;
	char text[32];

	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s", text);
}

/* Print why builds in other directories cannot use the result. */
static void print_obstacle(const struct cache_obstacle *o)
{
	struct buf text = { 0 };

	cache_obstacle_add_text(&text, o);
	if (o->kind)
		printf("  not shared with other directories: %s\n",
		       buf_str(&text));
	buf_release(&text);
}

static void print_difference(const struct current_compile *c, const char *name,
			     struct cache *cache)
{
	struct cache_difference d;
	bool equal;

	cache_action_compare(cache, &c->action, false, &d);
	equal = d.cause == CACHE_MISS_REMOVED;
	if (equal) {
		printf("%s: a result was stored ", name);
		print_time(d.time_s);
		putchar('\n');
		cache_difference_release(&d);
		cache_action_compare(cache, &c->action, true, &d);
	}
	if (d.cause == CACHE_MISS_NEW) {
		if (!equal)
			printf("%s: no compile is known\n", name);
		else
			printf("  no other compile is known\n");
	} else {
		printf("%s%s compile of ", equal ? "  " : name,
		       equal ? "differs from the" : ": differs from the");
		print_time(d.time_s);
		printf(" in:\n");
	}
	for (size_t i = 0; i < d.n_changes; i++)
		print_change(c, &d.changes[i]);
	if (d.n_files_gone)
		printf("  %u file%s no longer read\n", d.n_files_gone,
		       d.n_files_gone == 1 ? " is" : "s are");
	print_obstacle(&c->action.obstacle);
	cache_difference_release(&d);
}

/*
 * Add the source tree and the build directory.  kbuild creates the link
 * "source" in a build directory outside of the source tree.
 */
static void add_roots(struct strv *roots, const char *build)
{
	char *link = str_join_path(build, "source");
	char *source = realpath(link, NULL);
	struct stat st;

	if (source && !lstat(link, &st) && S_ISLNK(st.st_mode))
		strv_add(roots, source);
	strv_add(roots, build);
	free(source);
	free(link);
}

static int explain_file(const char *build, const char *name,
			struct cli_scan_tools *tools, struct cpp_scanner *scan,
			struct cache *cache, struct err *err)
{
	struct current_compile c = { 0 };
	struct strv roots = { 0 };
	char *file;
	int ret = cli_scan_line_find(&file, build, name, err);

	if (ret)
		return ret;
	ret = cli_scan_line_read(&c.line, build, file, err);
	add_roots(&roots, build);
	if (!ret)
		ret = describe_compile(
			&c,
			cli_scan_tools_get(tools, c.line.cwd, c.line.argv.v[0]),
			scan, &(struct cache_roots){ roots.v, roots.n }, err);
	if (!ret)
		print_difference(&c, name, cache);
	release_current(&c);
	strv_release(&roots);
	free(file);
	return ret;
}

int cli_cache_explain(struct cache *cache, const char *build,
		      char *const *names)
{
	char *home = fs_cache_home(), *dir = xasprintf("%s/scan", home);
	const struct cpp_setup setup = { .query = capture_run,
					 .cache_dir = dir,
					 .selects_definitions = true };
	char *abs = realpath(build, NULL);
	struct cli_scan_tools *tools = cli_scan_tools_new();
	struct cpp_scanner *scan = cpp_scanner_new(&setup);
	int status = EXIT_OK;
	struct err err;

	for (; *names; names++) {
		int ret = abs ? explain_file(abs, *names, tools, scan, cache,
					     &err) :
				err_errno(&err, "%s", build);

		if (ret) {
			log_error("cache explain: %s", err.text);
			status = EXIT_USAGE;
		}
	}
	cpp_scanner_free(scan);
	cli_scan_tools_free(tools);
	free(abs);
	free(dir);
	free(home);
	return status;
}
