/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kconfig.h"

#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_MAX (16u << 20)

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISDIR(st.st_mode);
}

static bool is_url(const char *word)
{
	return strstr(word, "://") != NULL;
}

static int refuse_url(const char *option, const char *word, struct err *err)
{
	return err_set(err, EINVAL,
		       "%s %s: this version fetches nothing; download it and "
		       "name the file",
		       option, word);
}

static int read_text(const char *path, char **out, struct err *err)
{
	struct buf text = { 0 };
	int ret = fs_read(path, CONFIG_MAX, &text, err);

	/* A shell's here-document, as in reproducer.sh, ends like this. */
	if (text.len && text.data[text.len - 1] != '\n')
		buf_add_str(&text, "\n");
	if (!ret)
		*out = xstrdup(buf_str(&text));
	buf_release(&text);
	return ret;
}

static bool is_generic_target(const char *name)
{
	static const char *const generic[] = {
		"defconfig",    "allnoconfig",    "allyesconfig",
		"allmodconfig", "alldefconfig",   "randconfig",
		"tinyconfig",   "localmodconfig", "localyesconfig",
	};

	for (size_t i = 0; i < sizeof(generic) / sizeof(*generic); i++) {
		if (!strcmp(generic[i], name))
			return true;
	}
	return false;
}

/* Rules as "ppc64le_defconfig:" stand in the architecture's Makefile. */
static bool makefile_names(const char *tree, const char *srcarch,
			   const char *name)
{
	char *path = xasprintf("%s/arch/%s/Makefile", tree, srcarch);
	struct buf text = { 0 };
	struct err ignored;
	bool yes = !fs_read(path, CONFIG_MAX, &text, &ignored) &&
		   strstr(buf_str(&text), name);

	buf_release(&text);
	free(path);
	return yes;
}

static bool is_target(const char *tree, const char *srcarch, const char *name)
{
	char *path = xasprintf("%s/arch/%s/configs/%s", tree, srcarch, name);
	bool yes = is_generic_target(name);

	if (!yes && !strchr(name, '/') && str_ends(name, "config"))
		yes = is_file(path) || makefile_names(tree, srcarch, name);
	free(path);
	return yes;
}

/* `word` as a path from here or from the tree; the caller frees it. */
static char *find_file(const char *tree, const char *word)
{
	char *path;

	if (is_file(word))
		return xstrdup(word);
	path = xasprintf("%s/%s", tree, word);
	if (word[0] != '/' && strchr(word, '/') && is_file(path))
		return path;
	free(path);
	return NULL;
}

static int read_base(struct kernel_kconfig *k, const char *word,
		     const char *tree, const char *srcarch, struct err *err)
{
	char *path;
	int ret;

	if (is_url(word))
		return refuse_url("-k", word, err);
	if (is_target(tree, srcarch, word)) {
		k->base = KERNEL_CONFIG_TARGET;
		k->target = xstrdup(word);
		return 0;
	}
	path = find_file(tree, word);
	if (!path)
		return err_set(err, ENOENT,
			       "-k %s: no such file, and no such configuration "
			       "in %s/arch/%s/configs",
			       word, tree, srcarch);
	k->base = KERNEL_CONFIG_FILE;
	k->file = xstrdup(word);
	ret = read_text(path, &k->text, err);
	if (ret)
		err_wrap(err, "-k");
	free(path);
	return ret;
}

/* CONFIG_X=v, or "# CONFIG_X is not set". */
static bool is_setting(const char *word)
{
	return (str_starts(word, "CONFIG_") && strchr(word, '=')) ||
	       (str_starts(word, "# CONFIG_") && str_ends(word, " is not set"));
}

static char *find_fragment(const char *tree, const char *srcarch,
			   const char *word)
{
	char *arch_dir = xasprintf("arch/%s/configs", srcarch);
	char *path = find_file(tree, word);

	for (int i = 0; !path && i < 4; i++) {
		const char *dir = i < 2 ? "kernel/configs" : arch_dir;

		path = xasprintf("%s/%s/%s%s", tree, dir, word,
				 i % 2 ? ".config" : "");
		if (!is_file(path)) {
			free(path);
			path = NULL;
		}
	}
	free(arch_dir);
	return path;
}

static int read_fragment(struct kernel_fragment *f, const char *word,
			 const char *tree, const char *srcarch, struct err *err)
{
	char *path;
	int ret;

	f->name = xstrdup(word);
	if (is_setting(word)) {
		f->text = xasprintf("%s\n", word);
		return 0;
	}
	if (is_url(word))
		return refuse_url("-K", word, err);
	path = find_fragment(tree, srcarch, word);
	if (!path)
		return err_set(err, ENOENT,
			       "-K %s: no such file, and no such fragment in "
			       "kernel/configs or arch/%s/configs of %s",
			       word, srcarch, tree);
	ret = read_text(path, &f->text, err);
	if (ret)
		err_wrap(err, "-K");
	free(path);
	return ret;
}

int kernel_kconfig_read(struct kernel_kconfig *k,
			const struct kernel_request *r, const char *tree,
			const char *srcarch, bool have_config, struct err *err)
{
	int ret = 0;

	*k = (struct kernel_kconfig){ .base = KERNEL_CONFIG_KEEP };
	if (r->kconfig || !have_config)
		ret = read_base(k, r->kconfig ? r->kconfig : "defconfig", tree,
				srcarch, err);
	k->fragment = xcalloc(r->kconfig_add.n, sizeof(*k->fragment));
	for (size_t i = 0; !ret && i < r->kconfig_add.n; i++) {
		k->n_fragments++;
		ret = read_fragment(&k->fragment[i], r->kconfig_add.v[i], tree,
				    srcarch, err);
	}
	return ret;
}

void kernel_kconfig_release(struct kernel_kconfig *k)
{
	for (size_t i = 0; i < k->n_fragments; i++) {
		free(k->fragment[i].name);
		free(k->fragment[i].text);
	}
	free(k->fragment);
	free(k->target);
	free(k->file);
	free(k->text);
	*k = (struct kernel_kconfig){ 0 };
}

bool kernel_kconfig_nothing(const struct kernel_kconfig *k)
{
	return k->base == KERNEL_CONFIG_KEEP && !k->n_fragments;
}

void kernel_kconfig_digest(const struct kernel_kconfig *k, struct digest *out)
{
	struct buf all = { 0 };

	buf_put_u8(&all, (uint8_t)k->base);
	buf_put_str(&all, k->target ? k->target : "");
	buf_put_str(&all, k->text ? k->text : "");
	for (size_t i = 0; i < k->n_fragments; i++)
		buf_put_str(&all, k->fragment[i].text);
	digest_of(buf_bytes(&all), out);
	buf_release(&all);
}

/* The symbol of a line as a fragment or a .config has it, else 0 bytes. */
static struct bytes symbol_of(const char *line)
{
	size_t n;

	if (str_starts(line, "# CONFIG_"))
		line += 2;
	else if (!str_starts(line, "CONFIG_"))
		return bytes_of(line, 0);
	n = strcspn(line, "= \n");
	if (line[n] != '=' && strncmp(line + n, " is not set", 11))
		return bytes_of(line, 0);
	return bytes_of(line, n);
}

/* What a line sets its symbol to; "n" where it is not set. */
static struct bytes value_of(const char *line, struct bytes symbol)
{
	size_t n = strcspn(line, "\r\n");
	size_t at = line[0] == '#' ? n : symbol.len + 1;

	if (line[0] == '#' || at >= n)
		return bytes_str(line[0] == '#' ? "n" : "");
	return bytes_of(line + at, n - at);
}

/* The value of `symbol` in a .config; "n" if no line sets it. */
static struct bytes lookup(const char *config, struct bytes symbol)
{
	struct bytes found = bytes_str("n");

	for (const char *line = config; line && *line;) {
		const char *end = strchr(line, '\n');

		if (bytes_equal(symbol_of(line), symbol))
			found = value_of(line, symbol);
		line = end ? end + 1 : NULL;
	}
	return found;
}

/* Does a later line of the same request set `symbol` again? */
static bool set_again(const struct kernel_kconfig *k, size_t i,
		      const char *rest, struct bytes symbol)
{
	for (;;) {
		for (const char *line = rest; line && *line;) {
			const char *end = strchr(line, '\n');

			if (bytes_equal(symbol_of(line), symbol))
				return true;
			line = end ? end + 1 : NULL;
		}
		if (++i >= k->n_fragments)
			return false;
		rest = k->fragment[i].text;
	}
}

static void check_line(const struct kernel_kconfig *k, size_t i,
		       const char *line, const char *config, struct strv *out)
{
	struct bytes symbol = symbol_of(line), asked, got;
	const char *end = strchr(line, '\n');

	if (!symbol.len || set_again(k, i, end ? end + 1 : "", symbol))
		return;
	asked = value_of(line, symbol);
	got = lookup(config, symbol);
	if (bytes_equal(asked, got))
		return;
	strv_addf(out, "%.*s: asked %.*s, is %.*s", (int)symbol.len,
		  (const char *)symbol.data, (int)asked.len,
		  (const char *)asked.data, (int)got.len,
		  (const char *)got.data);
}

void kernel_kconfig_missed(const struct kernel_kconfig *k, const char *config,
			   struct strv *out)
{
	for (size_t i = 0; i < k->n_fragments; i++) {
		for (const char *line = k->fragment[i].text; line && *line;) {
			const char *end = strchr(line, '\n');

			check_line(k, i, line, config, out);
			line = end ? end + 1 : NULL;
		}
	}
}

bool kernel_kconfig_asks(const struct kernel_kconfig *k, const char *config,
			 const char *symbol)
{
	const char *base = k->base == KERNEL_CONFIG_KEEP ? config : k->text;
	struct bytes name = bytes_str(symbol), yes = bytes_str("y");

	for (size_t i = k->n_fragments; i-- > 0;) {
		const char *text = k->fragment[i].text;

		/* What comes later counts, also within a fragment. */
		if (set_again(k, i, text, name))
			return bytes_equal(lookup(text, name), yes);
	}
	return base && bytes_equal(lookup(base, name), yes);
}
