/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/log.h"

#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- paths ---- */

/* Convert "/a/./b/../c" to "/a/c" in place. */
static void collapse_path(char *path)
{
	char *out = path;

	for (const char *at = path; *at;) {
		size_t n = 1 + strcspn(at + 1, "/");

		if (n == 3 && !memcmp(at, "/..", 3)) {
			while (out > path && *--out != '/')
				;
		} else if (n > 1 && !(n == 2 && at[1] == '.')) {
			memmove(out, at, n);
			out += n;
		}
		at += n;
	}
	*out = '\0';
}

/*
 * Return `path` relative to the tree or to the build directory, or NULL if it
 * is in neither.  If one of these directories contains the other and both
 * contain `path`, the result is relative to the inner directory.
 */
static const char *below_roots(const struct diag_roots *r, const char *path)
{
	const char *in_dir = r->build_dir ? str_skip_dir(path, r->build_dir) :
					    NULL;
	const char *in_tree = r->tree ? str_skip_dir(path, r->tree) : NULL;

	if (in_dir && in_tree)
		return strlen(in_dir) < strlen(in_tree) ? in_dir : in_tree;
	return in_dir ? in_dir : in_tree;
}

/*
 * Return a copy of a file name of `len` bytes.  If the file is in the tree or
 * the build directory, the copy is relative to this directory.  The caller
 * frees the copy.
 */
static char *strip_root(const struct diag_roots *roots, const char *name,
			size_t len)
{
	char *given = xstrndup(name, len), *whole;
	const char *below;
	bool up = str_starts(given, "../") || strstr(given, "/../");

	while (str_starts(given, "./"))
		memmove(given, given + 2, strlen(given + 2) + 1);
	if (given[0] != '/' && (!up || !roots->build_dir))
		return given;
	whole = str_join_path(roots->build_dir ? roots->build_dir : "", given);
	collapse_path(whole);
	below = below_roots(roots, whole);
	if (below && *below) {
		free(given);
		given = xstrdup(below);
	}
	free(whole);
	return given;
}

/* Return true if the character before `at` cannot belong to a file name. */
static bool is_identifier_start(const char *text, const char *at)
{
	return at == text ||
	       !(isalnum((unsigned char)at[-1]) || strchr("_-./", at[-1]));
}

/* Append `text`, and remove the prefix DIR/ from file names in it. */
static void put_without_dir(struct buf *out, const char *text, const char *dir)
{
	const char *at = text;
	size_t len = strlen(dir);

	while (len > 1 && (at = strstr(at, dir)) != NULL) {
		if (at[len] != '/' || !is_identifier_start(text, at)) {
			at += len;
			continue;
		}
		buf_add(out, text, (size_t)(at - text));
		text = at += len + 1;
	}
	buf_add_str(out, text);
}

/*
 * Return a copy of `text` in which the absolute names of files in the build
 * directory and the tree are relative.
 */
static char *shorten_names(const struct diag_roots *roots, const char *text)
{
	struct buf one = { 0 }, two = { 0 };

	put_without_dir(&one, text, roots->build_dir ? roots->build_dir : "");
	put_without_dir(&two, buf_str(&one), roots->tree ? roots->tree : "");
	buf_release(&one);
	return buf_steal(&two);
}

/* ---- programs ---- */

static const struct {
	const char *name;
	enum diag_tool tool;
} programs[] = {
	{ "ld", DIAG_TOOL_LINKER },        { "ld.bfd", DIAG_TOOL_LINKER },
	{ "ld.lld", DIAG_TOOL_LINKER },    { "ld.gold", DIAG_TOOL_LINKER },
	{ "lld", DIAG_TOOL_LINKER },       { "collect2", DIAG_TOOL_LINKER },
	{ "as", DIAG_TOOL_ASSEMBLER },     { "gcc", DIAG_TOOL_COMPILER },
	{ "g++", DIAG_TOOL_COMPILER },     { "cc1", DIAG_TOOL_COMPILER },
	{ "cc1plus", DIAG_TOOL_COMPILER }, { "lto1", DIAG_TOOL_COMPILER },
	{ "clang", DIAG_TOOL_COMPILER },   { "clang++", DIAG_TOOL_COMPILER },
	{ "cc", DIAG_TOOL_COMPILER },      { "cpp", DIAG_TOOL_COMPILER },
	{ "dtc", DIAG_TOOL_DTC },          { "modpost", DIAG_TOOL_MODPOST },
	{ "make", DIAG_TOOL_MAKE },        { "objcopy", DIAG_TOOL_OTHER },
	{ "objdump", DIAG_TOOL_OTHER },    { "strip", DIAG_TOOL_OTHER },
	{ "nm", DIAG_TOOL_OTHER },         { "ar", DIAG_TOOL_OTHER },
	{ "ranlib", DIAG_TOOL_OTHER },     { "readelf", DIAG_TOOL_OTHER },
};

/*
 * Return the tool of a program such as "/usr/bin/aarch64-linux-gnu-ld.bfd" or
 * "clang-14", or DIAG_N_TOOLS.
 */
static enum diag_tool tool_of_program(const char *name, size_t len)
{
	const char *slash = memrchr(name, '/', len);
	const char *base = slash ? slash + 1 : name;
	size_t n = len - (size_t)(base - name), version = n;

	while (version && strchr("0123456789.", base[version - 1]))
		version--;
	if (version && version < n && base[version - 1] == '-')
		n = version - 1;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		size_t size = strlen(programs[i].name);

		if (size <= n &&
		    !memcmp(base + n - size, programs[i].name, size) &&
		    (size == n || base[n - size - 1] == '-'))
			return programs[i].tool;
	}
	return DIAG_N_TOOLS;
}

/* ---- locations ---- */

/* A parsed location, the part of a line in front of the severity. */
struct diag_location {
	const char *file;
	size_t len; /* length of the file name; 0 without a file */
	/* program named in front of the file, or DIAG_N_TOOLS */
	enum diag_tool program;
	unsigned line, column;
	bool dotted; /* the position has dtc's form "3.4-5.6" */
};

static unsigned number_at(const char *at, size_t len)
{
	uint64_t n = 0;

	for (; len && isdigit((unsigned char)*at) && n < UINT32_MAX;
	     at++, len--)
		n = n * 10 + (unsigned)(*at - '0');
	return n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
}

static bool has_only_bytes(const char *at, size_t len, const char *set)
{
	for (size_t i = 0; i < len; i++) {
		if (!strchr(set, at[i]))
			return false;
	}
	return len;
}

/*
 * Remove ":LINE", ":COLUMN", ":3.4-5.6" or ":(.text+0x5)" from the end of a
 * location.  Stores the position of the removed text, without the colon, in
 * *last and its length in *last_len.  Returns false if the location does not
 * end with such a text.
 */
static bool cut_number(struct diag_location *p, const char **last,
		       size_t *last_len)
{
	const char *colon = memrchr(p->file, ':', p->len);
	size_t len = colon ? p->len - (size_t)(colon + 1 - p->file) : 0;

	if (!len || !(has_only_bytes(colon + 1, len, "0123456789.-") ||
		      (colon[1] == '(' && colon[len] == ')')))
		return false;
	*last = colon + 1;
	*last_len = len;
	p->len = (size_t)(colon - p->file);
	return true;
}

static void cut_numbers(struct diag_location *p)
{
	const char *at, *second;
	size_t len, second_len;

	if (!cut_number(p, &at, &len))
		return;
	if (*at == '(')
		return;
	if (memchr(at, '.', len)) {
		const char *dot = memchr(at, '.', len);

		p->dotted = true;
		p->line = number_at(at, len);
		p->column = number_at(dot + 1, len - (size_t)(dot + 1 - at));
		return;
	}
	p->line = number_at(at, len);
	if (!cut_number(p, &second, &second_len) || *second == '(')
		return;
	p->column = p->line;
	p->line = number_at(second, second_len);
}

static struct diag_location parse_location(const char *text, size_t len)
{
	struct diag_location p = { .file = text,
				   .len = len,
				   .program = DIAG_N_TOOLS };
	const char *gap = memmem(text, len, ": ", 2);
	size_t first = gap ? (size_t)(gap - text) : len;

	if (first)
		p.program = tool_of_program(text, first);
	if (p.program != DIAG_N_TOOLS) {
		p.file = text + first + (gap ? 2 : 0);
		p.len = len - (size_t)(p.file - text);
	}
	cut_numbers(&p);
	return p;
}

static bool file_has_suffix(const struct diag_location *p, const char *suffix)
{
	size_t n = strlen(suffix);

	return p->len >= n && !memcmp(p->file + p->len - n, suffix, n);
}

/* Return true if the base name of the file begins with `prefix`. */
static bool base_has_prefix(const struct diag_location *p, const char *prefix)
{
	const char *slash = p->len ? memrchr(p->file, '/', p->len) : NULL;
	const char *base = slash ? slash + 1 : p->file;
	size_t n = strlen(prefix);

	return (size_t)(p->file + p->len - base) >= n &&
	       !memcmp(base, prefix, n);
}

/*
 * Return true for the temporary file or pipe through which gcc passes its
 * output to the assembler.
 */
static bool is_temporary_source(const struct diag_location *p)
{
	return (file_has_suffix(p, ".s") && p->file[0] == '/' &&
		(base_has_prefix(p, "cc") || str_starts(p->file, "/tmp/"))) ||
	       (p->len == 16 && !memcmp(p->file, "{standard input}", 16));
}

/* ---- tools ---- */

static const struct {
	const char *word;
	enum diag_tool tool;
} kbuild_commands[] = {
	{ "MODPOST", DIAG_TOOL_MODPOST }, { "LD", DIAG_TOOL_LINKER },
	{ "HOSTLD", DIAG_TOOL_LINKER },   { "LTO", DIAG_TOOL_LINKER },
	{ "DTC", DIAG_TOOL_DTC },         { "DTCO", DIAG_TOOL_DTC },
	{ "OBJTOOL", DIAG_TOOL_OBJTOOL }, { "CC", DIAG_TOOL_COMPILER },
	{ "HOSTCC", DIAG_TOOL_COMPILER }, { "AS", DIAG_TOOL_COMPILER },
	{ "CPP", DIAG_TOOL_COMPILER },    { "CHECK", DIAG_TOOL_COMPILER },
};

/* Recognize a tool by the text of its messages. */
static enum diag_tool tool_of_text(const char *text)
{
	if (strstr(text, "ection mismatch in reference") ||
	    str_starts(text, "EXPORT symbol ") ||
	    (text[0] == '"' &&
	     (str_ends(text, "undefined!") || str_ends(text, "has no CRC!"))))
		return DIAG_TOOL_MODPOST;
	if (str_starts(text, "unmet direct dependencies detected for ") ||
	    str_starts(text, "recursive dependency detected"))
		return DIAG_TOOL_KCONFIG;
	return DIAG_N_TOOLS;
}

static enum diag_tool tool_of_file(const struct diag_location *p,
				   const char *flag)
{
	if (p->dotted)
		return DIAG_TOOL_DTC;
	if (base_has_prefix(p, "Kconfig") || base_has_prefix(p, ".config") ||
	    file_has_suffix(p, ".config") || file_has_suffix(p, "defconfig"))
		return DIAG_TOOL_KCONFIG;
	if (base_has_prefix(p, "Makefile") || base_has_prefix(p, "Kbuild") ||
	    file_has_suffix(p, ".mk"))
		return DIAG_TOOL_MAKE;
	if (base_has_prefix(p, "<inline asm>") ||
	    base_has_prefix(p, "<instantiation>"))
		return DIAG_TOOL_ASSEMBLER;
	if (p->line && !p->column && !flag &&
	    (file_has_suffix(p, ".c") || file_has_suffix(p, ".h") ||
	     file_has_suffix(p, ".rst")))
		return DIAG_TOOL_KERNEL_DOC;
	if (p->line || file_has_suffix(p, ".c") || file_has_suffix(p, ".h"))
		return DIAG_TOOL_COMPILER;
	if (file_has_suffix(p, ".o") || file_has_suffix(p, ".a"))
		return DIAG_TOOL_LINKER;
	return DIAG_N_TOOLS;
}

static enum diag_tool choose_tool(const struct diag_line *at,
				  const struct diag_location *p,
				  const char *flag, const char *text,
				  const struct diag_target *m)
{
	enum diag_tool tool = at->tool;

	if (tool == DIAG_N_TOOLS)
		tool = p->program;
	if (tool == DIAG_N_TOOLS)
		tool = tool_of_text(text);
	if (tool == DIAG_N_TOOLS && p->len)
		tool = tool_of_file(p, flag);
	if (tool != DIAG_N_TOOLS)
		return tool;
	for (size_t i = 0; m->command && i < ARRAY_SIZE(kbuild_commands); i++) {
		if (!strcmp(kbuild_commands[i].word, m->command))
			return kbuild_commands[i].tool;
	}
	return DIAG_TOOL_OTHER;
}

/* ---- texts ---- */

/*
 * Remove a flag, such as " [-Wunused-variable]", from the end of the text.
 * Returns its name, "-Wunused-variable", or NULL if the text has no flag.
 */
static char *cut_flag(char *text)
{
	size_t len = strlen(text);
	char *open = len && text[len - 1] == ']' ? strrchr(text, '[') : NULL;

	if (!open || open == text || open[-1] != ' ' || open[1] != '-')
		return NULL;
	text[len - 1] = '\0';
	open[-1] = '\0';
	return xstrdup(open + 1);
}

/*
 * Remove the name of a dtc check, such as "(reg_format): ", from the start of
 * the text.  Returns the name, "reg_format", or NULL if the text does not begin
 * with the name of a check.
 */
static char *take_dtc_check(char *text)
{
	size_t n = text[0] == '(' ? strcspn(text, ")") : 0;
	char *name;

	if (!n || text[n] != ')' || memchr(text, ' ', n))
		return NULL;
	name = xstrndup(text + 1, n - 1);
	n += 1 + strspn(text + n + 1, ": ");
	memmove(text, text + n, strlen(text + n) + 1);
	return name;
}

/*
 * Remove a tool's name, such as "modpost: ", from the start of the text.
 * Returns false if the text begins with something else.
 */
static bool cut_name(char *text, const char *name)
{
	size_t n = strlen(name);

	if (!str_starts(text, name))
		return false;
	memmove(text, text + n, strlen(text + n) + 1);
	return true;
}

/* Return the object that a message of modpost names, or NULL. */
static char *file_in_text(const char *text)
{
	const char *open = text[0] == '"' ? strstr(text, " [") : NULL;
	size_t n = strcspn(text, ":( ");

	if (open)
		return xstrndup(open + 2, strcspn(open + 2, "]"));
	if (n > 2 && (!strncmp(text + n - 2, ".o", 2) ||
		      (n > 3 && !strncmp(text + n - 3, ".ko", 3)) ||
		      (n == 7 && !strncmp(text, "vmlinux", 7))))
		return xstrndup(text, n);
	return NULL;
}

/*
 * Parse the target and the location in a text such as
 * "[scripts/Makefile.build:250: a.o] Error 1".
 */
static void parse_recipe(struct diag *out, const struct diag_roots *roots)
{
	char *end = strchr(out->text, ']');
	const char *gap = end ? memmem(out->text, (size_t)(end - out->text),
				       ": ", 2) :
				NULL;
	const char *target = gap ? gap + 2 : out->text + 1;
	struct diag_location p;

	if (!end)
		return;
	free(out->object);
	out->object = strip_root(roots, target, (size_t)(end - target));
	if (!gap)
		return;
	p = parse_location(out->text + 1, (size_t)(gap - out->text) - 1);
	out->line = p.line;
	out->file = strip_root(roots, p.file, p.len);
	/*
	 * Omit the file and line from the text, because the line changes when
	 * the Makefile is edited.
	 */
	end = xasprintf("[%s", target);
	free(out->text);
	out->text = end;
}

void diag_parse(struct diag *out, const char *line, const struct diag_line *at,
		const struct diag_roots *roots,
		const struct diag_target *target)
{
	struct diag_location p = parse_location(line, at->location_len);
	char *words = xstrndup(line + at->text_offset, DIAG_TEXT_MAX + 4),
	     *text;
	size_t len = strnlen(words, DIAG_TEXT_MAX);

	*out = (struct diag){ 0 };
	out->severity = at->kind == DIAG_LINE_WARNING ? DIAG_SEV_WARNING :
							DIAG_SEV_ERROR;
	if (target->object)
		out->object = xstrdup(target->object);
	/* Do not cut a UTF-8 character. */
	while (words[len] && len && ((unsigned char)words[len] & 0xc0) == 0x80)
		len--;
	words[len] = '\0';
	text = words;
	/* Parse a location at the start of the text: "a.dts:3.4-5 syntax". */
	if (!at->location_len && at->kind != DIAG_LINE_MAKE) {
		size_t n = strcspn(text, " "), colon = n && text[n - 1] == ':';
		struct diag_location inner = parse_location(text, n - colon);

		if (text[n] && inner.line && inner.program == DIAG_N_TOOLS) {
			p = inner;
			text += n + 1;
		}
	}
	out->flag = at->tool == DIAG_TOOL_DTC ? take_dtc_check(text) :
						cut_flag(text);
	if (cut_name(text, "objtool: "))
		out->tool = DIAG_TOOL_OBJTOOL;
	else if (cut_name(text, "modpost: "))
		out->tool = DIAG_TOOL_MODPOST;
	else
		out->tool = choose_tool(at, &p, out->flag, text, target);
	/*
	 * A later build carries over only a diagnostic with an object.  make
	 * prints its diagnostics at each run, so they are not carried over
	 * and get no object.  For a failed recipe, parse_recipe() sets the
	 * object.  Kconfig's diagnostics belong to .config.
	 */
	if (out->tool == DIAG_TOOL_MAKE || out->tool == DIAG_TOOL_KCONFIG) {
		free(out->object);
		out->object = out->tool == DIAG_TOOL_KCONFIG ?
				      xstrdup(DIAG_CONFIG_OBJECT) :
				      NULL;
	}
	out->line = p.line;
	out->column = p.column;
	if (is_temporary_source(&p))
		out->file = xstrdup(out->object ? out->object :
						  "{standard input}");
	else if (p.len)
		out->file = strip_root(roots, p.file,
				       p.len < DIAG_TEXT_MAX ? p.len :
							       DIAG_TEXT_MAX);
	if (!out->file && out->tool == DIAG_TOOL_MODPOST)
		out->file = file_in_text(text);
	out->text = shorten_names(roots, text);
	if (at->kind == DIAG_LINE_MAKE)
		parse_recipe(out, roots);
	free(words);
}

#define LINE_MAX_BYTES  (1u << 20)
#define SOURCE_LINE_MAX 400 /* a longer line is not a copy of a source line */
/* maximum number of recorded objects */
#define MADE_OBJECTS_MAX (1u << 20)

void diag_log_init(struct diag_log *log, const struct diag_log_sink *sink)
{
	*log = (struct diag_log){ .sink = *sink };
}

/* ---- blocks ---- */

static void emit_block(struct diag_log *log)
{
	const struct diag_block b = { .text = buf_str(&log->block),
				      .has_new_error = log->block_has_error,
				      .n_new = log->n_block_new };

	if (log->block.len && log->block_new && log->sink.on_block)
		log->sink.on_block(log->sink.ctx, &b);
	log->n_block_new = 0;
	buf_reset(&log->block);
}

static void close_block(struct diag_log *log)
{
	emit_block(log);
	log->block_new = false;
	log->block_has_error = false;
	log->after_diagnostic = false;
	buf_reset(&log->pending_line);
}

static void add_to_block(struct diag_log *log, const char *line)
{
	if (log->block.len + strlen(line) > DIAG_BLOCK_MAX)
		emit_block(log);
	buf_add_str(&log->block, line);
	buf_add_str(&log->block, "\n");
}

/* ---- diagnostics ---- */

/* Store a diagnostic.  Returns true if it is new in this log. */
static bool count_found(struct diag_log *log, const char *line,
			const struct diag_line *at)
{
	const struct diag_target maker = { log->command, log->object };
	struct diag d;

	diag_parse(&d, line, at, &log->roots, &maker);
	if (!diag_set_has(&log->found, &d)) {
		log->n_block_new += log->baseline &&
				    !diag_baseline_match(log->baseline, &d);
		log->block_new = true;
	}
	return diag_set_add(&log->found, &d);
}

static void count_diagnostic(struct diag_log *log, const char *line,
			     const struct diag_line *at)
{
	bool error = at->kind == DIAG_LINE_ERROR;

	if (error)
		log->error_found = true;
	if (!count_found(log, line, at))
		return;
	if (error)
		log->n_errors++;
	else
		log->n_warnings++;
	log->block_has_error |= error;
}

/*
 * make's line "Error 2" usually reports that a recipe failed in a sub-make,
 * which has already printed its own error.  "Error 2" therefore counts only if
 * no error was counted before.  Any other failed recipe counts if no tool
 * printed an error since make's last "***".
 */
static void count_make(struct diag_log *log, const char *line,
		       const struct diag_line *at)
{
	bool cascade = str_ends(line, "] Error 2");

	if (cascade ? !log->n_errors : !log->error_found) {
		log->n_errors++;
		count_found(log, line, at);
		if (log->other_line.len)
			add_to_block(log, buf_str(&log->other_line));
	}
	buf_reset(&log->other_line);
	if (!cascade)
		log->error_found = false;
	log->block_new = true;
	log->block_has_error = true;
}

/* ---- targets ---- */

static void add_made_object(struct diag_log *log, const char *object)
{
	uint64_t hash = map_hash(bytes_str(object));

	if (log->made_objects.n_entries < MADE_OBJECTS_MAX &&
	    !map_find(&log->made_objects, hash))
		map_add(&log->made_objects,
			xcalloc(1, sizeof(struct map_entry)), hash);
}

bool diag_log_has_object(const struct diag_log *log, const char *object,
			 size_t len)
{
	return log->made_objects.n_entries >= MADE_OBJECTS_MAX ||
	       map_find(&log->made_objects, map_hash(bytes_of(object, len)));
}

static void begin_object(struct diag_log *log, const char *line)
{
	const char *word = "", *object = "";

	buf_reset(&log->other_line);
	diag_line_parse_kbuild(line, &word, &object);
	free(log->command);
	free(log->object);
	log->command = xstrndup(word, strcspn(word, " \t"));
	log->object = strip_root(&log->roots, object, strcspn(object, " \t"));
	add_made_object(log, log->object);
}

/* Detect the end of Kconfig, a change of make's directory, and source lines. */
static void handle_other(struct diag_log *log, const char *line)
{
	if (!strcmp(line, "# configuration written to .config") ||
	    !strcmp(line, "# No change to .config")) {
		add_made_object(log, DIAG_CONFIG_OBJECT);
	} else if (str_starts(line, "make") && strstr(line, "ing directory ")) {
		free(log->command);
		free(log->object);
		log->command = log->object = NULL;
	} else if (line[0]) {
		/* A longer line is a command that V=1 shows. */
		buf_reset(&log->other_line);
		if (strlen(line) <= SOURCE_LINE_MAX)
			buf_add_str(&log->other_line, line);
	}
	/*
	 * After a diagnostic, clang prints the source line unchanged and a
	 * caret line below it, so almost any line can be a source line.
	 */
	if (log->after_diagnostic && line[0] && line[0] != ' ' &&
	    strlen(line) <= SOURCE_LINE_MAX && !log->pending_line.len)
		buf_add_str(&log->pending_line, line);
	else
		close_block(log);
}

/* ---- lines ---- */

static void handle_line(struct diag_log *log, const char *line)
{
	struct diag_line at = diag_line_classify(line);

	/* The pending line is a source line if a caret line follows it. */
	if (log->pending_line.len && at.kind == DIAG_LINE_CARET) {
		add_to_block(log, buf_str(&log->pending_line));
		buf_reset(&log->pending_line);
	} else if (log->pending_line.len) {
		close_block(log);
	}
	switch (at.kind) {
	case DIAG_LINE_WARNING:
	case DIAG_LINE_ERROR:
		count_diagnostic(log, line, &at);
		add_to_block(log, line);
		break;
	case DIAG_LINE_MAKE:
		count_make(log, line, &at);
		add_to_block(log, line);
		break;
	case DIAG_LINE_NOTE:
		add_to_block(log, line);
		break;
	case DIAG_LINE_INDENTED:
	case DIAG_LINE_CARET:
		if (log->block.len || log->block_new)
			add_to_block(log, line);
		break;
	case DIAG_LINE_KBUILD:
		close_block(log);
		begin_object(log, line);
		return;
	case DIAG_LINE_OTHER:
		handle_other(log, line);
		return;
	}
	log->after_diagnostic = at.kind == DIAG_LINE_WARNING ||
				at.kind == DIAG_LINE_ERROR ||
				at.kind == DIAG_LINE_NOTE;
}

static void end_line(struct diag_log *log)
{
	log->partial_line.len = diag_line_strip_controls(
		(char *)log->partial_line.data, log->partial_line.len);
	if (log->partial_line.data)
		log->partial_line.data[log->partial_line.len] = '\0';
	if (!log->muted && log->sink.is_disk_full &&
	    diag_line_is_disk_full(buf_str(&log->partial_line)) &&
	    log->sink.is_disk_full(log->sink.ctx)) {
		close_block(log);
		log->muted = true;
	}
	if (!log->muted)
		handle_line(log, buf_str(&log->partial_line));
	if (log->sink.on_line)
		log->sink.on_line(log->sink.ctx, buf_str(&log->partial_line));
	buf_reset(&log->partial_line);
}

void diag_log_feed(struct diag_log *log, struct bytes in)
{
	while (in.len) {
		const uint8_t *end = memchr(in.data, '\n', in.len);
		size_t n = end ? (size_t)(end - in.data) : in.len;

		if (log->partial_line.len + n <= LINE_MAX_BYTES)
			buf_add(&log->partial_line, in.data, n);
		if (!end)
			return;
		end_line(log);
		in.data += n + 1;
		in.len -= n + 1;
	}
}

void diag_log_end(struct diag_log *log)
{
	if (log->partial_line.len)
		end_line(log);
	close_block(log);
}

void diag_log_mute(struct diag_log *log)
{
	diag_log_end(log);
	log->muted = true;
}

void diag_log_release(struct diag_log *log)
{
	buf_release(&log->partial_line);
	buf_release(&log->block);
	buf_release(&log->pending_line);
	buf_release(&log->other_line);
	free(log->command);
	free(log->object);
	map_release_entries(&log->made_objects, NULL);
	diag_set_release(&log->found);
	*log = (struct diag_log){ 0 };
}
