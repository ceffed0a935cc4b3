/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kconfig.h"

#include "base/fs.h"
#include "base/vec.h"
#include "kernel/suggest.h"

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

static int read_config_file(const char *path, char **out, struct err *err)
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

/* The architecture's Makefile has rules like "ppc64le_defconfig:". */
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
	bool yes = str_list_has(KERNEL_CONFIG_TARGETS, ' ', name);

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
	char *path, *question;
	int ret;

	if (is_url(word))
		return refuse_url("-k", word, err);
	if (is_target(tree, srcarch, word)) {
		k->base = KERNEL_CONFIG_TARGET;
		k->target = xstrdup(word);
		return 0;
	}
	path = find_file(tree, word);
	if (!path) {
		question = kernel_suggest_config(tree, srcarch, word);
		ret = err_set(err, ENOENT,
			      "-k %s: no such file, and no such configuration "
			      "in %s/arch/%s/configs%s",
			      word, tree, srcarch, question);
		free(question);
		return ret;
	}
	k->base = KERNEL_CONFIG_FILE;
	k->file = xstrdup(word);
	ret = read_config_file(path, &k->text, err);
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
	ret = read_config_file(path, &f->text, err);
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
static struct bytes symbol_value(const char *line, struct bytes symbol)
{
	size_t n = strcspn(line, "\r\n");
	size_t at = line[0] == '#' ? n : symbol.len + 1;

	if (line[0] == '#' || at >= n)
		return bytes_str(line[0] == '#' ? "n" : "");
	return bytes_of(line + at, n - at);
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

/* What the last line that sets `symbol` says; no data: none does. */
static struct bytes last_value(const char *text, struct bytes symbol)
{
	struct bytes found = { 0 };

	for (const char *line = text; *line; line = next_line(line)) {
		if (bytes_equal(symbol_of(line), symbol))
			found = symbol_value(line, symbol);
	}
	return found;
}

struct bytes kernel_kconfig_value(const char *config, const char *symbol)
{
	return last_value(config, bytes_str(symbol));
}

static char *copy_text(struct bytes b)
{
	return xstrndup((const char *)b.data, b.len);
}

static void check_line(const char *line, const char *config,
		       struct kernel_missed **out, size_t *n)
{
	struct bytes symbol = symbol_of(line), asked, got;

	/* What comes later counts, also within a fragment. */
	if (!symbol.len || last_value(next_line(line), symbol).data)
		return;
	asked = symbol_value(line, symbol);
	got = last_value(config, symbol);
	if (!got.data)
		got = bytes_str("n");
	if (bytes_equal(asked, got))
		return;
	*VEC_ADD(*out, *n) = (struct kernel_missed){ copy_text(symbol),
						     copy_text(asked),
						     copy_text(got) };
}

static void add_fragments(struct buf *out, const struct kernel_kconfig *k)
{
	for (size_t i = 0; i < k->n_fragments; i++)
		buf_add_str(out, k->fragment[i].text);
}

void kernel_kconfig_missed(const struct kernel_kconfig *k, const char *config,
			   struct kernel_missed **out, size_t *n)
{
	struct buf all = { 0 };

	*out = NULL;
	*n = 0;
	add_fragments(&all, k);
	for (const char *line = buf_str(&all); *line; line = next_line(line))
		check_line(line, config, out, n);
	buf_release(&all);
}

void kernel_kconfig_missed_free(struct kernel_missed *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].symbol);
		free(list[i].asked);
		free(list[i].is);
	}
	free(list);
}

bool kernel_kconfig_asks(const struct kernel_kconfig *k, const char *config,
			 const char *symbol)
{
	const char *base = k->base == KERNEL_CONFIG_KEEP ? config : k->text;
	struct buf all = { 0 };
	bool yes;

	buf_printf(&all, "%s\n", base ? base : "");
	add_fragments(&all, k);
	yes = bytes_equal(last_value(buf_str(&all), bytes_str(symbol)),
			  bytes_str("y"));
	buf_release(&all);
	return yes;
}
