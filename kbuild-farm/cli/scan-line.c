/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kbuild saves the command of a compile in .NAME.o.cmd next to NAME.o:
 *
 *	savedcmd_NAME.o := COMMAND [; COMMAND]...	(cmd_ before Linux 6.4)
 *	source_NAME.o := SOURCE
 *	deps_NAME.o := \
 *	  FILE \
 *	    $(wildcard include/config/X) \
 *
 * The command is in shell syntax, with "$" written as "$$" and "#" as
 * "$(pound)".
 */
#include "cli/scan.h"

#include "base/depfile.h"
#include "base/fs.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/find.h"
#include "options/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CMD_MAX (16u << 20) /* bytes of a .cmd file */

#define BLANKS            " \t" /* characters that end a word */
#define COMMAND_END_CHARS ";&|\n"
#define UNSUPPORTED_CHARS "`$<>()" /* substitutions and redirections */

/*
 * Append quoted text to `word`.  *s points behind the opening quote and is
 * moved behind the closing quote.  Returns false if the closing quote is
 * missing or a shell would expand the text.
 */
static bool read_quoted(const char **s, struct buf *word, char quote)
{
	for (; **s && **s != quote; ++*s) {
		if (quote == '"' && (**s == '$' || **s == '`'))
			return false;
		if (quote == '"' && **s == '\\' && (*s)[1] &&
		    strchr("\"\\$`", (*s)[1]))
			++*s;
		buf_add(word, *s, 1);
	}
	if (!**s)
		return false;
	++*s;
	return true;
}

/* Read one word.  Returns false if its syntax is not supported. */
static bool read_shell_word(const char **s, struct buf *word)
{
	while (**s && !strchr(BLANKS COMMAND_END_CHARS, **s)) {
		char c = *(*s)++;

		if (strchr(UNSUPPORTED_CHARS, c))
			return false;
		if (c == '\'' || c == '"') {
			if (!read_quoted(s, word, c))
				return false;
			continue;
		}
		if (c == '\\' && **s)
			c = *(*s)++;
		buf_add(word, &c, 1);
	}
	return true;
}

int cli_scan_split_words(struct strv *out, const char *command)
{
	struct buf word = { 0 };
	const char *s = command;
	bool good = true;

	while (good) {
		s += strspn(s, BLANKS);
		if (!*s || strchr(COMMAND_END_CHARS, *s))
			break;
		buf_reset(&word);
		good = read_shell_word(&s, &word);
		if (good)
			strv_add(out, buf_str(&word));
	}
	buf_release(&word);
	return good ? 0 : -EINVAL;
}

/* Undo the quoting of make.  The caller frees the result. */
static char *unquote_make(const char *s, size_t len)
{
	static const char pound[] = "$(pound)";
	char *out = xmalloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (len - i >= sizeof(pound) - 1 &&
		    !memcmp(s + i, pound, sizeof(pound) - 1)) {
			out[n++] = '#';
			i += sizeof(pound) - 2;
			continue;
		}
		if (s[i] == '$' && i + 1 < len && s[i + 1] == '$')
			i++;
		out[n++] = s[i];
	}
	out[n] = '\0';
	return out;
}

/*
 * Return the source tree to which the link `source` of the build directory
 * points, or the build directory if it has no link.  The caller frees it.
 */
static char *source_tree(const char *build)
{
	char *link = xasprintf("%s/source", build);
	char *tree = realpath(link, NULL);

	free(link);
	return tree && fs_is_dir(tree) ? tree : (free(tree), xstrdup(build));
}

/* Return `dir` if it contains the source; otherwise free it and return NULL. */
static char *dir_if_has_source(char *dir, const char *source)
{
	char *path = xasprintf("%s/%s", dir, source);
	bool there = fs_exists(path);

	free(path);
	if (there)
		return dir;
	free(dir);
	return NULL;
}

/*
 * Return the directory in tools/ or tools/lib/ that contains the source, or
 * NULL if no directory or more than one contains it.
 */
static char *find_library(const char *tree, const char *source)
{
	static const char *const parents[] = { "tools", "tools/lib" };
	struct strv found = { 0 };
	char *dir;

	for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
		char *parent = xasprintf("%s/%s", tree, parents[i]);
		struct strv names = { 0 };

		fs_list(parent, &names);
		for (size_t k = 0; k < names.n; k++) {
			dir = dir_if_has_source(
				xasprintf("%s/%s", parent, names.v[k]), source);
			if (dir)
				strv_own(&found, dir);
		}
		strv_release(&names);
		free(parent);
	}
	dir = found.n == 1 ? xstrdup(found.v[0]) : NULL;
	strv_release(&found);
	return dir;
}

/*
 * Find the working directory of a compile; the .cmd file does not contain it.
 * Most compiles run in the build directory, but the programs in tools/ are
 * built in their own directories.  For such a program, search the directory of
 * the .cmd file and then its parents for the source, in the build directory and
 * in the source tree; then search the libraries in tools/.  Return the first
 * directory that contains the source.
 */
static char *find_cwd(const char *build, const char *file, const char *source)
{
	char *cwd = source[0] == '/' ?
			    xstrdup(build) :
			    dir_if_has_source(xstrdup(build), source);
	char *tree = cwd ? NULL : source_tree(build);
	char *below = str_dir(file + strlen(build) + 1);

	while (!cwd) {
		char *slash;

		cwd = dir_if_has_source(xasprintf("%s/%s", build, below),
					source);
		if (!cwd)
			cwd = dir_if_has_source(xasprintf("%s/%s", tree, below),
						source);
		slash = strrchr(below, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	if (!cwd)
		cwd = find_library(tree, source);
	free(below);
	free(tree);
	return cwd;
}

/*
 * Parse the saved command of a .cmd file.  Returns 0, or -ENOMSG if the command
 * is not a compile of one .c, .S or .s file.
 */
static int read_compile(struct cli_scan_line *l, const char *text)
{
	const char *value = depfile_find_command(text, NULL);
	char *command = value ? unquote_make(value, strcspn(value, "\n")) :
				NULL;
	int ret = command ? cli_scan_split_words(&l->argv,
						 which_skip_wrappers(command)) :
			    -EINVAL;
	const char *source;

	free(command);
	if (ret || !l->argv.n ||
	    !compiler_find_is_driver_name(str_base(l->argv.v[0])))
		return -ENOMSG;
	options_command_parse(&l->command, l->argv.v);
	source = l->command.source;
	if (l->command.class == OPTIONS_CLASS_PASSTHROUGH || !source ||
	    (!str_ends(source, ".c") && !str_ends(source, ".S") &&
	     !str_ends(source, ".s")))
		return -ENOMSG;
	return 0;
}

int cli_scan_line_read(struct cli_scan_line *l, const char *build,
		       const char *file, struct err *err)
{
	struct buf text = { 0 };
	int ret = fs_read(file, CMD_MAX, &text, err);

	*l = (struct cli_scan_line){ 0 };
	if (!ret)
		ret = read_compile(l, buf_str(&text));
	if (ret == -ENOMSG)
		err_set(err, ENOMSG,
			"%s: contains no command that compiles a .c, .S or .s file",
			file);
	if (!ret) {
		l->cwd = find_cwd(build, file, l->command.source);
		if (!l->cwd)
			ret = err_set(err, ENOENT,
				      "%s: cannot find its source file %s",
				      file, l->command.source);
	}
	buf_release(&text);
	if (ret)
		cli_scan_line_release(l);
	return ret;
}

void cli_scan_line_release(struct cli_scan_line *l)
{
	free(l->cwd);
	options_command_release(&l->command);
	strv_release(&l->argv);
	*l = (struct cli_scan_line){ 0 };
}

/* Return true if the .cmd file names a source with this base name. */
static bool is_built_from(const char *path, const char *base)
{
	struct buf text = { 0 };
	struct err err;
	const char *source = NULL;
	bool is = false;

	if (!fs_read(path, CMD_MAX, &text, &err))
		source = depfile_find_value(buf_str(&text), "source_");
	if (source) {
		char *line = xstrndup(source, strcspn(source, "\n"));

		is = str_equal(str_base(line), base);
		free(line);
	}
	buf_release(&text);
	return is;
}

/*
 * Return the first .NAME.*.o.cmd in `dir` that is the .cmd file of NAME.c, or
 * NULL.  The file .NAME.o.cmd can be missing, because KVM on arm64 builds only
 * NAME.nvhe.o from some sources NAME.c.
 */
static char *cmd_file_variant(const char *dir, const char *base, size_t stem)
{
	struct strv names = { 0 };
	char *found = NULL;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n && !found; i++) {
		const char *name = names.v[i];

		if (name[0] != '.' || strncmp(name + 1, base, stem) ||
		    name[1 + stem] != '.' || !str_ends(name, ".o.cmd"))
			continue;
		found = xasprintf("%s%s", dir, name);
		if (!is_built_from(found, base)) {
			free(found);
			found = NULL;
		}
	}
	strv_release(&names);
	return found;
}

/*
 * Return the .cmd file of DIR/NAME.c: BUILD/DIR/.NAME.o.cmd if it exists,
 * otherwise the result of cmd_file_variant().
 */
static char *cmd_file(const char *build, const char *name)
{
	const char *base = str_base(name);
	const char *dot = strrchr(base, '.');
	size_t stem = dot ? (size_t)(dot - base) : strlen(base);
	char *dir = xasprintf("%s/%.*s", build, (int)(base - name), name);
	char *path = xasprintf("%s.%.*s.o.cmd", dir, (int)stem, base);

	if (!fs_exists(path)) {
		free(path);
		path = cmd_file_variant(dir, base, stem);
	}
	free(dir);
	return path;
}

/* Like cmd_file(), for a path `name` below `dir`; NULL for any other path. */
static char *cmd_file_below(const char *build, const char *dir,
			    const char *name)
{
	const char *rest = str_skip_dir(name, dir);

	return rest ? cmd_file(build, rest) : NULL;
}

int cli_scan_line_find(char **file, const char *build, const char *name,
		       struct err *err)
{
	char *tree = source_tree(build);
	char *absolute = fs_make_absolute(name);
	char *real = realpath(name, NULL);
	const char *names[] = { absolute, real };
	char *found = name[0] == '/' ? NULL : cmd_file(build, name);

	for (size_t i = 0; i < 2 && !found; i++) {
		if (names[i])
			found = cmd_file_below(build, tree, names[i]);
		if (names[i] && !found)
			found = cmd_file_below(build, build, names[i]);
	}
	free(tree);
	free(absolute);
	free(real);
	*file = found;
	return found ? 0 :
		       err_set(err, ENOENT,
			       "%s: not compiled in %s: no .cmd file; compile "
			       "it first, or specify another build directory "
			       "with -b",
			       name, build);
}
