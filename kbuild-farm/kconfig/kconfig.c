/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kconfig/kconfig.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/url.h"
#include "base/vec.h"
#include "kconfig/suggest.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define PREFIX       "CONFIG_"
#define UNSET_SUFFIX " is not set"
#define LETTERS                      \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz0123456789_"
#define DIGITS     "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"

/* ---- lines ---- */

struct setting {
	struct map_entry map_entry;
	/* line of the setting; borrowed, like `symbol` and `value` */
	const char *line;
	struct bytes symbol; /* "CONFIG_X" */
	struct bytes value; /* "n" for "is not set" */
	size_t fragment; /* index of the fragment with the line */
};

/* Return the length of "CONFIG_X" at the start of the text, or 0. */
static size_t symbol_length(const char *text)
{
	size_t n = str_starts(text, PREFIX) ? strspn(text, LETTERS) : 0;

	return n > strlen(PREFIX) ? n : 0;
}

static bool ends_line(const char *at)
{
	at += strspn(at, " \t\r");
	return !*at || *at == '\n';
}

/*
 * Return the length of the part of a value that Kconfig reads: y, m or n ends
 * at a blank or "#", and a string ends at its closing quote.
 */
static size_t value_length(const char *value, size_t n)
{
	size_t end = 1;

	if (n > 1 && strchr("ymn", value[0]) && strchr(" \t#", value[1]))
		return 1;
	if (!n || value[0] != '"')
		return n;
	while (end < n && value[end] != '"')
		end += value[end] == '\\' ? 2 : 1;
	return end < n ? end + 1 : n;
}

/*
 * Parse `line`, which ends in a newline or a NUL.  Returns false if the line
 * contains no setting.
 */
static bool parse_setting(struct setting *out, const char *line)
{
	bool unset = str_starts(line, "# " PREFIX);
	const char *symbol = unset ? line + 2 : line, *rest;
	size_t n = symbol_length(symbol), len;

	*out = (struct setting){ .line = line };
	rest = symbol + n;
	if (!n || (unset ? !str_starts(rest, UNSET_SUFFIX) ||
				   !ends_line(rest + strlen(UNSET_SUFFIX)) :
			   *rest != '='))
		return false;
	out->symbol = bytes_of(symbol, n);
	if (unset) {
		out->value = bytes_str("n");
		return true;
	}
	len = strcspn(++rest, "\n");
	while (len && strchr(" \t\r", rest[len - 1]))
		len--;
	out->value = bytes_of(rest, value_length(rest, len));
	return true;
}

/* Return the line after `line`, or "" after the last. */
static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

/* Return true if a line without a setting is blank or a comment. */
static bool is_comment(const char *line)
{
	return ends_line(line) || line[0] == '#';
}

/* Parse a hexadecimal number; `bare` accepts a number without 0x. */
static bool hex_value(struct bytes b, bool bare, unsigned long long *out)
{
	char *text = bytes_dup(b), *end = NULL;
	bool prefixed = str_starts(text, "0x") || str_starts(text, "0X");
	bool yes = (prefixed || bare) && strlen(text) < 20;

	if (yes)
		*out = strtoull(text, &end, 16);
	yes = yes && end > text && !*end;
	free(text);
	return yes;
}

/*
 * Return true if the requested value `asked` equals the actual value `is`.  If
 * `is` is hexadecimal (0x10), `asked` may be 0x10, 0X10 or 10.  "yes" equals y,
 * and "no" equals n.
 */
static bool is_same_value(struct bytes asked, struct bytes is)
{
	unsigned long long a, b;

	/* Kconfig reads only the first letter of "yes" and "no". */
	if (bytes_equal(asked, is) ||
	    (is.len == 1 && asked.len && asked.data[0] == is.data[0] &&
	     (bytes_equal(asked, bytes_str("yes")) ||
	      bytes_equal(asked, bytes_str("no")))))
		return true;
	return hex_value(is, false, &a) && hex_value(asked, true, &b) && a == b;
}

/* ---- tables of the last setting of each symbol ---- */

static struct setting *find_setting(const struct map *all, struct bytes symbol)
{
	struct map_entry *n = map_find(all, map_hash(symbol));

	while (n && !bytes_equal(((struct setting *)n)->symbol, symbol))
		n = map_next_match(n);
	return (struct setting *)n;
}

/* Add a setting, which replaces the previous setting of the same symbol. */
static void set_setting(struct map *all, const struct setting *s)
{
	struct setting *old = find_setting(all, s->symbol);

	if (!old) {
		old = xcalloc(1, sizeof(*old));
		map_add(all, &old->map_entry, map_hash(s->symbol));
	}
	old->line = s->line;
	old->symbol = s->symbol;
	old->value = s->value;
	old->fragment = s->fragment;
}

/* Add all settings of `text`, which must live as long as `all`. */
static void read_settings(struct map *all, const char *text)
{
	struct setting s;

	for (const char *at = text; *at; at = next_line(at)) {
		if (parse_setting(&s, at))
			set_setting(all, &s);
	}
}

struct bytes kconfig_dotconfig_find_value(const char *config,
					  const char *symbol)
{
	struct bytes wanted = bytes_str(symbol), found = { 0 };
	struct setting s;

	for (const char *at = config; *at; at = next_line(at)) {
		if (parse_setting(&s, at) && bytes_equal(s.symbol, wanted))
			found = s.value;
	}
	return found;
}

/* ---- words of a command line ---- */

bool kconfig_dotconfig_is_assignment(const char *word)
{
	return str_starts(word, PREFIX) || str_starts(word, "# " PREFIX);
}

/* Return true for y, m, n and every word that can be a number. */
static bool is_unquoted_value(const char *value)
{
	const char *hex = value + 2, *number = value + (*value == '-');

	if (str_starts(value, "0x") || str_starts(value, "0X"))
		return *hex && !hex[strspn(hex, HEX_DIGITS)];
	if (*number && !number[strspn(number, DIGITS)])
		return true;
	return str_list_has("y m n", ' ', value) ||
	       (!value[strspn(value, HEX_DIGITS)] && strpbrk(value, DIGITS));
}

/*
 * Convert `word`, a setting from the command line, to a line with a newline,
 * which the caller frees.  The user's shell removes quotes, so this function
 * quotes a value that can only be a string, such as that of
 * CONFIG_LOCALVERSION=-x.  Returns 0, or -EINVAL with `err` describing the
 * expected form; the caller adds `word` to `err`.
 */
static int parse_assignment(const char *word, char **line, struct err *err)
{
	size_t n = symbol_length(word), len;
	const char *value = word + n + 1;
	struct setting s;
	struct buf out = { 0 };

	if (n && !word[n])
		return err_set(err, EINVAL,
			       "missing value; use %s=y, %s=n or another value",
			       word, word);
	if (!parse_setting(&s, word))
		return err_set(err, EINVAL,
			       "expected CONFIG_NAME=VALUE or \"# CONFIG_NAME "
			       "is not set\"");
	/* Quote only a single-line string that has no quotes yet. */
	len = n ? strlen(value) : 0;
	if (!n || strchr(word, '\n') ||
	    (len >= 2 && value[0] == '"' && value[len - 1] == '"') ||
	    is_unquoted_value(value)) {
		*line = xasprintf("%s\n", word);
		return 0;
	}
	buf_add(&out, word, (size_t)(value - word));
	buf_add_str(&out, "\"");
	for (; *value; value++)
		buf_printf(&out, strchr("\"\\", *value) ? "\\%c" : "%c",
			   *value);
	buf_add_str(&out, "\"\n");
	*line = buf_steal(&out);
	return 0;
}

#define MAKEFILE_MAX     (1u << 20)
#define INVALID_LINE_MAX 40 /* characters of an invalid line in an error */
#define NOTES_MAX        5 /* maximum number of notes of each kind */
#define IGNORED_LINE_MAX 60 /* characters of an ignored line in a note */

/* Kernel tree in which files and make targets are searched for. */
struct kconfig_tree {
	const char *dir, *srcarch;
};

/* ---- text ---- */

/* Detect the format by its first bytes, because the name can be anything. */
static bool is_compressed(struct bytes b)
{
	static const char *const magic[] = { "\x1f\x8b",
					     "\xfd"
					     "7zXZ",
					     "BZh", "\x28\xb5\x2f\xfd" };

	for (size_t i = 0; i < ARRAY_SIZE(magic); i++) {
		size_t n = strlen(magic[i]);

		if (b.len > n && !memcmp(b.data, magic[i], n))
			return true;
	}
	return false;
}

static int unpack_config(struct bytes raw, struct buf *out, struct err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	char block[1 << 14];
	la_ssize_t n = -1;
	int ret = 0;

	archive_read_support_filter_gzip(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_raw(a);
	if (!archive_read_open_memory(a, raw.data, raw.len) &&
	    !archive_read_next_header(a, &entry)) {
		while ((n = archive_read_data(a, block, sizeof(block))) > 0) {
			buf_add(out, block, (size_t)n);
			if (out->len > KCONFIG_TEXT_MAX)
				break;
		}
	}
	if (n > 0)
		ret = err_set(err, EFBIG,
			      "too large: more than %u bytes uncompressed",
			      KCONFIG_TEXT_MAX);
	else if (n < 0)
		ret = err_set(err, EINVAL, "cannot decompress: %s",
			      archive_error_string(a));
	archive_read_free(a);
	return ret;
}

/*
 * Reject a text, such as a web page, that has no setting but has lines that are
 * neither blank nor comments.  Kconfig would accept the text as a configuration
 * that sets nothing.
 */
static int check_lines(const char *text, struct err *err)
{
	const char *odd = NULL;
	struct setting s;
	struct buf shown = { 0 };
	size_t n;

	for (const char *at = text; *at; at = next_line(at)) {
		if (parse_setting(&s, at))
			return 0;
		if (!odd && !is_comment(at))
			odd = at;
	}
	if (!odd)
		return 0;
	n = strcspn(odd, "\r\n");
	printable_add_escaped(
		&shown,
		bytes_of(odd, n < INVALID_LINE_MAX ? n : INVALID_LINE_MAX), 0);
	err_set(err, EINVAL,
		"not a kernel configuration: expected CONFIG_NAME=VALUE, "
		"got \"%s\"",
		buf_str(&shown));
	buf_release(&shown);
	return -EINVAL;
}

int kconfig_decode_text(struct bytes raw, char **out, struct err *err)
{
	struct buf text = { 0 };
	int ret = 0;

	if (is_compressed(raw))
		ret = unpack_config(raw, &text, err);
	else
		buf_add_bytes(&text, raw);
	if (!ret && text.len && memchr(text.data, '\0', text.len))
		ret = err_set(err, EINVAL,
			      "not a kernel configuration: contains NUL bytes");
	/* The here-document of reproducer.sh needs a final newline. */
	if (!ret && text.len && text.data[text.len - 1] != '\n')
		buf_add_str(&text, "\n");
	if (!ret)
		ret = check_lines(buf_str(&text), err);
	if (!ret)
		*out = buf_steal(&text);
	buf_release(&text);
	return ret;
}

int kconfig_read_text(const char *path, char **out, struct err *err)
{
	struct buf raw = { 0 };
	int ret = fs_read(path, KCONFIG_TEXT_MAX, &raw, err);

	if (!ret) {
		ret = kconfig_decode_text(buf_bytes(&raw), out, err);
		if (ret)
			err_wrap(err, "%s", path);
	}
	buf_release(&raw);
	return ret;
}

/* ---- base and fragments ---- */

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISDIR(st.st_mode);
}

static bool is_target_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_-./", c));
}

/*
 * Return true if the makefile `text` contains the word `name` in a line that is
 * neither a comment nor indented like a recipe.
 */
static bool has_makefile_word(const char *text, const char *name)
{
	const char *at = text, *line;

	for (; (at = strstr(at, name)); at++) {
		for (line = at; line > text && line[-1] != '\n'; line--)
			;
		if (!strchr(" \t#", *line) &&
		    (at == text || !is_target_char(at[-1])) &&
		    !is_target_char(at[strlen(name)]))
			return true;
	}
	return false;
}

/*
 * Return true if the architecture's Makefile contains the word `name`, as in
 * the rule "ppc64le_defconfig:".
 */
static bool has_makefile_target(const struct kconfig_tree *t, const char *name)
{
	char *path = xasprintf("%s/arch/%s/Makefile", t->dir, t->srcarch);
	struct buf text = { 0 };
	struct err ignored;
	bool yes = !fs_read(path, MAKEFILE_MAX, &text, &ignored) &&
		   has_makefile_word(buf_str(&text), name);

	buf_release(&text);
	free(path);
	return yes;
}

/*
 * Return true if the architecture's Makefile generates the configuration `word`
 * by merging fragments for the instruction set and for the byte order.  An
 * example is "64r6el_defconfig" of mips.
 */
static bool is_combined_target(const struct kconfig_tree *t, const char *word)
{
	size_t n;
	char *path;
	bool yes;

	if (!str_ends(word, "_defconfig"))
		return false;
	n = strlen(word) - strlen("_defconfig");
	if (n > 2 && !strncmp(word + n - 2, "el", 2))
		n -= 2;
	path = xasprintf("%s/arch/%s/configs/generic/%.*s.config", t->dir,
			 t->srcarch, (int)n, word);
	yes = is_file(path) && has_makefile_target(t, "gen_generic_defconfigs");
	free(path);
	return yes;
}

/*
 * Return true if `word` is the target of a configuration in a subdirectory,
 * such as "44x/bamboo_defconfig" for powerpc.  A file that exists in the
 * current directory takes precedence.
 */
static bool is_nested_target(const struct kconfig_tree *t, const char *word)
{
	char *path;
	bool yes;

	if (!str_ends(word, "_defconfig") || strchr("./", word[0]) ||
	    is_file(word))
		return false;
	path = xasprintf("%s/arch/%s/configs/%s", t->dir, t->srcarch, word);
	yes = is_file(path);
	free(path);
	return yes;
}

/* Return true if `word` is a configuration target of the tree ("defconfig"). */
static bool is_make_target(const struct kconfig_tree *t, const char *word)
{
	char *of_arch, *of_all;
	bool yes;

	if (str_list_has(KCONFIG_MAKE_TARGETS, ' ', word))
		return true;
	if (strchr(word, '/'))
		return is_nested_target(t, word);
	/* Exclude "x.config", which merges a fragment into the .config. */
	if (!str_ends(word, "config") || str_ends(word, ".config"))
		return false;
	of_arch = xasprintf("%s/arch/%s/configs/%s", t->dir, t->srcarch, word);
	/* U-Boot has its configurations in configs/. */
	of_all = xasprintf("%s/configs/%s", t->dir, word);
	yes = is_file(of_arch) || is_file(of_all) ||
	      has_makefile_target(t, word) || is_combined_target(t, word);
	free(of_all);
	free(of_arch);
	return yes;
}

/*
 * Find the file `word`.  A relative path is relative to the current directory
 * or, if it contains a slash and no such file exists, to the tree.  Returns the
 * path of the file, or NULL if no such file exists.  The caller frees the
 * result.
 */
static char *find_file(const struct kconfig_tree *t, const char *word)
{
	char *path;

	if (is_file(word))
		return xstrdup(word);
	path = xasprintf("%s/%s", t->dir, word);
	if (word[0] != '/' && strchr(word, '/') && is_file(path))
		return path;
	free(path);
	return NULL;
}

static char *find_fragment(const struct kconfig_tree *t, const char *word)
{
	char *of_arch = xasprintf("arch/%s/configs", t->srcarch);
	char *path = find_file(t, word);

	for (int i = 0; !path && i < 4; i++) {
		path = xasprintf("%s/%s/%s%s", t->dir,
				 i < 2 ? "kernel/configs" : of_arch, word,
				 i % 2 ? ".config" : "");
		if (!is_file(path)) {
			free(path);
			path = NULL;
		}
	}
	free(of_arch);
	return path;
}

/*
 * Return true if `word` is the name of a fragment of the tree, or the path of a
 * file in one of the tree's directories for fragments.
 */
static bool is_tree_fragment(const struct kconfig_tree *t, const char *word)
{
	char *file = find_file(t, word), *fragment = find_fragment(t, word);
	char *path = fs_canonical_path(file ? file : word);
	char *tree = fs_canonical_path(t->dir);
	char *configs = xasprintf("arch/%s/configs", t->srcarch);
	const char *within = file ? str_skip_dir(path, tree) : NULL;
	bool yes = within && (str_skip_dir(within, "kernel/configs") ||
			      str_skip_dir(within, configs));

	if (!file)
		yes = fragment;
	free(configs);
	free(tree);
	free(path);
	free(fragment);
	free(file);
	return yes;
}

static int set_unknown_base(const struct kconfig_tree *t,
			    const struct kconfig_request *r, const char *word,
			    struct err *err)
{
	char *fragment = find_fragment(t, word), *question;
	int ret;

	if (fragment && *word && !str_ends(fragment, "_defconfig")) {
		ret = err_set(err, ENOENT,
			      "no such configuration, but a fragment of that "
			      "name exists; add it with -K %s",
			      word);
	} else {
		question = kconfig_suggest_config(t->dir, t->srcarch,
						  r->config_names, word);
		ret = err_set(err, ENOENT,
			      "no such file, and no such configuration in "
			      "%s/arch/%s/configs%s%s",
			      t->dir, t->srcarch,
			      r->config_names && r->config_names->n ?
				      " or the configuration file" :
				      "",
			      question);
		free(question);
	}
	free(fragment);
	return ret;
}

static bool has_scheme(const char *word, const char *scheme)
{
	return !strncasecmp(word, scheme, strlen(scheme));
}

static int read_config_url(const struct kconfig_request *r, const char *url,
			   char **out, struct err *err)
{
	const char *at;
	char *path;
	int ret;

	for (size_t i = 0; r->fetched && i < r->fetched->urls.n; i++) {
		if (strcmp(r->fetched->urls.v[i], url) != 0)
			continue;
		*out = xstrdup(r->fetched->texts.v[i]);
		return 0;
	}
	if (!has_scheme(url, "file://"))
		return err_set(err, EINVAL,
			       "unsupported URL scheme; expected https, http "
			       "or file");
	/* RFC 8089: file:///PATH or file://localhost/PATH */
	at = url + strlen("file://");
	if (has_scheme(at, "localhost/"))
		at += strlen("localhost");
	if (*at != '/')
		return err_set(err, EINVAL,
			       "file URL with a remote host; expected "
			       "file:///PATH");
	path = xstrdup(at);
	if (url_unescape(path))
		ret = kconfig_read_text(path, out, err);
	else
		ret = err_set(err, EINVAL, "invalid percent-encoding");
	free(path);
	return ret;
}

static int set_unknown_fragment(const struct kconfig_tree *t, const char *word,
				struct err *err)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	char *question;
	int ret;

	if (n && word[n] == '=')
		return err_set(err, ENOENT,
			       "no such file; did you mean \"CONFIG_%s\"?",
			       word);
	question = kconfig_suggest_fragment(t->dir, t->srcarch, word);
	ret = err_set(err, ENOENT,
		      "no such file, and no such fragment in kernel/configs or "
		      "arch/%s/configs of %s%s",
		      t->srcarch, t->dir, question);
	free(question);
	return ret;
}

enum word_kind {
	WORD_BASE, /* -k */
	WORD_FRAGMENT, /* -K */
};

/*
 * Load the text that `word` names into *out, which the caller frees.  The error
 * does not name the word.
 *
 * Returns -ENOENT only if another revision of the tree may have the named file.
 * After this error, git bisect skips the revision.  A wrong path results in
 * another error; otherwise git bisect would skip every revision.
 */
static int load_config_word(const struct kconfig_tree *t,
			    const struct kconfig_request *r, const char *word,
			    enum word_kind kind, char **out, struct err *err)
{
	size_t n = strlen(t->dir);
	bool in_tree = !strncmp(word, t->dir, n) && word[n] == '/';
	char *path;
	int ret;

	if (url_has_scheme(word))
		return read_config_url(r, word, out, err);
	if (!*word)
		return err_set(err, EINVAL, "empty name");
	if (strchr(word, '/') && fs_is_dir(word))
		return err_set(err, EISDIR, "is a directory");
	if (word[0] == '/' && !in_tree && !is_file(word))
		return err_set(err, EINVAL, "no such file");
	path = kind == WORD_BASE ? find_file(t, word) : find_fragment(t, word);
	if (path)
		ret = kconfig_read_text(path, out, err);
	else if (kind == WORD_BASE)
		ret = set_unknown_base(t, r, word, err);
	else
		ret = set_unknown_fragment(t, word, err);
	free(path);
	return ret;
}

static int read_base(struct kconfig_spec *k, const struct kconfig_request *r,
		     const struct kconfig_tree *t, struct err *err)
{
	const struct kconfig_named_config *named = r->named_config;
	const char *word = named ? named->base : r->kconfig;
	int ret;

	word = word ? word : "defconfig";
	if (is_make_target(t, word)) {
		k->base = KCONFIG_BASE_TARGET;
		k->target = xstrdup(word);
		return 0;
	}
	k->base = KCONFIG_BASE_FILE;
	k->file_name = url_redact(word);
	ret = load_config_word(t, r, word, WORD_BASE, &k->base_text, err);
	if (ret)
		err_wrap(err, "%s %s", named ? named->location : "-k",
			 k->file_name);
	return ret;
}

/*
 * Add the fragment `word`.  `where` is its location in the configuration file,
 * or NULL for the command line.
 */
static int read_fragment(struct kconfig_spec *k,
			 const struct kconfig_request *r,
			 const struct kconfig_tree *t, const char *word,
			 const char *where, struct err *err)
{
	struct kconfig_fragment *f = VEC_ADD(k->fragments, k->n_fragments);
	int ret;

	*f = (struct kconfig_fragment){
		.name = url_redact(word),
		.location = xstrdup(where ? where : "-K"),
		.literal = kconfig_dotconfig_is_assignment(word),
	};
	ret = f->literal ? parse_assignment(word, &f->text, err) :
			   load_config_word(t, r, word, WORD_FRAGMENT, &f->text,
					    err);
	if (ret) {
		err_wrap(err, "%s %s", f->location, f->name);
		return ret;
	}
	f->of_tree = !f->literal && is_tree_fragment(t, word);
	return 0;
}

/* ---- requested settings ---- */

/*
 * Return "NAME:LINE" of a line of the fragment `f` or, if `f` is a literal
 * setting and not a file, its location.  The caller frees the result.
 */
static char *line_location(const struct kconfig_fragment *f, const char *line)
{
	const char *at = f->text;
	size_t n = 1;

	if (f->literal)
		return xstrdup(f->location);
	for (; at < line; at = next_line(at))
		n++;
	return xasprintf("%s:%zu", f->name, n);
}

/*
 * Add a note about a replaced setting.  *n counts the replaced settings; only
 * the first NOTES_MAX get a note.
 */
static void note_replaced(struct kconfig_spec *k, size_t *n,
			  const struct setting *was, const struct setting *now)
{
	char *from, *by;

	if (++*n > NOTES_MAX)
		return;
	from = line_location(&k->fragments[was->fragment], was->line);
	by = line_location(&k->fragments[now->fragment], now->line);
	strv_addf(&k->notes, "%.*s: %.*s (%s) overrides %.*s (%s)",
		  (int)now->symbol.len, (const char *)now->symbol.data,
		  (int)now->value.len, (const char *)now->value.data, by,
		  (int)was->value.len, (const char *)was->value.data, from);
	free(by);
	free(from);
}

static void collect_requested(struct kconfig_spec *k)
{
	size_t replaced = 0, ignored = 0, len;
	const struct setting *was;
	struct setting s;
	char *where;

	for (size_t i = 0; i < k->n_fragments; i++) {
		const char *at = k->fragments[i].text;

		for (; *at; at = next_line(at)) {
			if (parse_setting(&s, at)) {
				s.fragment = i;
				was = find_setting(&k->requested, s.symbol);
				if (was && !bytes_equal(was->value, s.value))
					note_replaced(k, &replaced, was, &s);
				set_setting(&k->requested, &s);
				continue;
			}
			if (is_comment(at) || ++ignored > NOTES_MAX)
				continue;
			len = strcspn(at, "\r\n");
			where = line_location(&k->fragments[i], at);
			strv_addf(
				&k->notes,
				"%s: Kconfig ignores \"%.*s\", which is not a "
				"valid setting",
				where,
				(int)(len < IGNORED_LINE_MAX ?
					      len :
					      IGNORED_LINE_MAX),
				at);
			free(where);
		}
	}
	if (replaced > NOTES_MAX)
		strv_addf(&k->notes, "%zu more settings override others",
			  replaced - NOTES_MAX);
	if (ignored > NOTES_MAX)
		strv_addf(&k->notes, "Kconfig ignores %zu more lines",
			  ignored - NOTES_MAX);
}

int kconfig_read(struct kconfig_spec *k, const struct kconfig_request *r,
		 const char *tree, const char *srcarch, bool have_config,
		 struct err *err)
{
	const struct kconfig_named_config *named = r->named_config;
	const struct kconfig_tree t = { tree, srcarch };
	int ret = 0;

	*k = (struct kconfig_spec){ .base = KCONFIG_BASE_EXISTING };
	if (r->kconfig || !have_config)
		ret = read_base(k, r, &t, err);
	for (size_t i = 0; !ret && named && i < named->fragments.n; i++)
		ret = read_fragment(k, r, &t, named->fragments.v[i],
				    named->fragment_locations.v[i], err);
	for (size_t i = 0; !ret && i < r->fragments.n; i++)
		ret = read_fragment(k, r, &t, r->fragments.v[i], NULL, err);
	if (ret)
		return ret;
	if (named && is_make_target(&t, r->kconfig))
		strv_addf(
			&k->notes,
			"-k %s: using the configuration defined in %s instead "
			"of the make target of this name",
			r->kconfig, named->location);
	collect_requested(k);
	return 0;
}

void kconfig_release(struct kconfig_spec *k)
{
	for (size_t i = 0; i < k->n_fragments; i++) {
		free(k->fragments[i].name);
		free(k->fragments[i].location);
		free(k->fragments[i].text);
	}
	map_release_entries(&k->requested, NULL);
	strv_release(&k->notes);
	free(k->fragments);
	free(k->target);
	free(k->file_name);
	free(k->base_text);
	*k = (struct kconfig_spec){ 0 };
}

bool kconfig_is_empty(const struct kconfig_spec *k)
{
	return k->base == KCONFIG_BASE_EXISTING && !k->n_fragments;
}

void kconfig_digest(const struct kconfig_spec *k, struct digest *out)
{
	struct buf all = { 0 };

	buf_put_u8(&all, (uint8_t)k->base);
	buf_put_str(&all, k->target ? k->target : "");
	buf_put_str(&all, k->base_text ? k->base_text : "");
	for (size_t i = 0; i < k->n_fragments; i++)
		buf_put_str(&all, k->fragments[i].text);
	digest_bytes(buf_bytes(&all), out);
	buf_release(&all);
}

bool kconfig_is_requested(const struct kconfig_spec *k, const char *config,
			  const char *symbol)
{
	const char *base = k->base == KCONFIG_BASE_EXISTING ? config :
							      k->base_text;
	const struct setting *s = find_setting(&k->requested,
					       bytes_str(symbol));

	return bytes_equal(
		s ? s->value :
		    kconfig_dotconfig_find_value(base ? base : "", symbol),
		bytes_str("y"));
}

bool kconfig_is_requested_later(const struct kconfig_spec *k,
				const char *symbol, const char *other)
{
	const struct setting *a, *b;

	a = find_setting(&k->requested, bytes_str(symbol));
	b = find_setting(&k->requested, bytes_str(other));
	if (!a || !b || !bytes_equal(a->value, bytes_str("y")))
		return false;
	return a->fragment > b->fragment ||
	       (a->fragment == b->fragment && a->line > b->line);
}

/* ---- results ---- */

static void add_config_line(struct buf *out, const char *line)
{
	buf_add(out, line, strcspn(line, "\r\n"));
	buf_add_str(out, "\n");
}

char *kconfig_merge(const struct kconfig_spec *k, const char *base)
{
	const struct setting *last;
	struct setting s;
	struct buf out = { 0 };

	for (const char *at = base; *at; at = next_line(at)) {
		if (!parse_setting(&s, at) ||
		    !find_setting(&k->requested, s.symbol))
			add_config_line(&out, at);
	}
	for (size_t i = 0; i < k->n_fragments; i++) {
		const char *at = k->fragments[i].text;

		for (; *at; at = next_line(at)) {
			if (!parse_setting(&s, at))
				continue;
			last = find_setting(&k->requested, s.symbol);
			if (last->line == at)
				add_config_line(&out, at);
		}
	}
	return buf_steal(&out);
}

void kconfig_find_rejected(const struct kconfig_spec *k, const char *config,
			   struct kconfig_rejected **out, size_t *n)
{
	struct map made = { 0 };

	*out = NULL;
	*n = 0;
	read_settings(&made, config);
	for (size_t i = 0; i < k->n_fragments; i++) {
		const char *at = k->fragments[i].text;

		for (; *at; at = next_line(at)) {
			const struct setting *last, *found;
			struct setting s;
			struct bytes actual;
			char *where;

			if (!parse_setting(&s, at))
				continue;
			last = find_setting(&k->requested, s.symbol);
			found = find_setting(&made, s.symbol);
			actual = found ? found->value : bytes_str("n");
			if (last->line != at || is_same_value(s.value, actual))
				continue;
			where = line_location(&k->fragments[i], s.line);
			if (!strcmp(where, "-K")) {
				free(where);
				where = NULL;
			}
			*VEC_ADD(*out, *n) = (struct kconfig_rejected){
				.symbol = bytes_dup(s.symbol),
				.requested = bytes_dup(s.value),
				.actual = bytes_dup(actual),
				.location = where,
				.of_tree = k->fragments[i].of_tree,
			};
		}
	}
	map_release_entries(&made, NULL);
}

void kconfig_free_rejected(struct kconfig_rejected *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].symbol);
		free(list[i].requested);
		free(list[i].actual);
		free(list[i].location);
	}
	free(list);
}

/* ---- URLs ---- */

bool kconfig_is_remote_url(const char *word)
{
	return has_scheme(word, "http://") || has_scheme(word, "https://");
}
