/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/config-stamp.h"

#include "base/fs.h"
#include "kernel/symbol.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STAMP_MAX   (4u << 20)
#define STAMP_DIGIT 24

/* The caller frees it. */
static char *stamp_path(const struct kernel_plan *p)
{
	char hex[DIGEST_HEX], *cache = fs_cache_home(), *path;
	struct digest d;

	digest_of(bytes_str(p->place.dir), &d);
	digest_hex(&d, hex);
	path = xasprintf("%s/config/%.*s", cache, STAMP_DIGIT, hex);
	free(cache);
	return path;
}

/* "REQUEST CONFIG "; NULL: there is no .config. */
static char *request_text(const struct kernel_plan *p)
{
	char request[DIGEST_HEX], config[DIGEST_HEX], *text = NULL;
	char *path = kernel_plan_path(p, ".config");
	struct buf all = { 0 };
	struct err ignored;
	struct digest d;

	kernel_kconfig_digest(&p->kconfig, &d);
	buf_add(&all, d.b, sizeof(d.b));
	for (size_t i = 0; i < p->settings.n; i++)
		buf_put_str(&all, p->settings.v[i]);
	buf_put_str(&all, p->tree);
	buf_put_str(&all, p->compiler.version);
	digest_of(buf_bytes(&all), &d);
	digest_hex(&d, request);
	if (!digest_file(path, &d, &ignored)) {
		digest_hex(&d, config);
		text = xasprintf("%s %s ", request, config);
	}
	buf_release(&all);
	free(path);
	return text;
}

/* ---- inputs ---- */

static void add_input(struct buf *all, const char *tree, const char *name)
{
	char *path = xasprintf("%s/%s", tree, name);
	struct stat st = { 0 };

	if (stat(path, &st))
		st = (struct stat){ 0 };
	buf_put_str(all, name);
	buf_printf(all, "%lld %lld.%09ld %lld.%09ld", (long long)st.st_size,
		   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		   (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	free(path);
}

static void inputs_digest(const struct kernel_plan *p, const struct strv *names,
			  char hex[static DIGEST_HEX])
{
	struct buf all = { 0 };
	struct digest d;

	for (size_t i = 0; i < names->n; i++)
		add_input(&all, p->tree, names->v[i]);
	digest_of(buf_bytes(&all), &d);
	digest_hex(&d, hex);
	buf_release(&all);
}

static void list_configurations(const struct kernel_plan *p, const char *dir,
				struct strv *out)
{
	char *path = xasprintf("%s/%s", p->tree, dir);
	struct strv names = { 0 };

	fs_list(path, &names);
	for (size_t i = 0; i < names.n; i++)
		strv_addf(out, "%s/%s", dir, names.v[i]);
	strv_release(&names);
	free(path);
}

/* What of the tree a configuration is made of; paths relative to it. */
static void list_inputs(const struct kernel_plan *p, struct strv *out)
{
	const char *target = p->kconfig.target;
	char *configs = xasprintf("arch/%s/configs", p->arch.srcarch);
	struct kernel_symbols all;
	struct strv none = { 0 };

	kernel_symbols_read(&all, p->tree, p->arch.srcarch, &none);
	strv_add_all(out, strv_list(&all.files));
	kernel_symbols_release(&all);
	if (target) {
		/* Which of them "defconfig" is the first one says. */
		strv_addf(out, "arch/%s/Makefile", p->arch.srcarch);
		list_configurations(p, configs, out);
		list_configurations(p, "kernel/configs", out);
		strv_addf(out, "configs/%s", target);
	}
	free(configs);
}

/* ---- the file ---- */

static void take_lines(struct kernel_config_stamp *s, struct strv *inputs,
		       struct bytes text)
{
	while (text.len) {
		char *line = bytes_dup(bytes_line(&text));

		if (line[0] == '!')
			strv_add(&s->missed, line + 1);
		else if (*line)
			strv_add(inputs, line);
		free(line);
	}
}

/* The text if it is of this request and of the .config that stands; `first` is
 * then what its first line begins with.  Release both in any case. */
static bool load_text(const struct kernel_plan *p, struct buf *text,
		      char **first)
{
	char *path = stamp_path(p);
	struct err ignored;

	*first = fs_read(path, STAMP_MAX, text, &ignored) ? NULL :
							    request_text(p);
	free(path);
	return *first && str_starts(buf_str(text), *first);
}

/* Of the rest of the first line, "INPUTS TARGET". */
static char *edited_by(const char *rest)
{
	size_t n = strcspn(rest, " \n");
	const char *word = rest + n + (rest[n] == ' ');
	size_t len = strcspn(word, "\n");

	return len ? xstrndup(word, len) : NULL;
}

bool kernel_config_stamp_read(struct kernel_config_stamp *s,
			      const struct kernel_plan *p)
{
	struct strv inputs = { 0 };
	struct buf text = { 0 };
	char *first, hex[DIGEST_HEX];
	bool same;

	*s = (struct kernel_config_stamp){ 0 };
	same = load_text(p, &text, &first);
	if (same) {
		const char *rest = buf_str(&text) + strlen(first);
		struct bytes lines = buf_bytes(&text);

		bytes_line(&lines);
		s->edited = edited_by(rest);
		take_lines(s, &inputs, lines);
		if (!s->edited) {
			inputs_digest(p, &inputs, hex);
			same = str_starts(rest, hex);
		}
	}
	strv_release(&inputs);
	buf_release(&text);
	free(first);
	return same;
}

char *kernel_config_stamp_edited(const struct kernel_plan *p)
{
	struct buf text = { 0 };
	char *first, *edited = NULL;

	if (load_text(p, &text, &first))
		edited = edited_by(buf_str(&text) + strlen(first));
	buf_release(&text);
	free(first);
	return edited;
}

void kernel_config_stamp_write(const struct kernel_config_stamp *s,
			       const struct kernel_plan *p)
{
	char *path = stamp_path(p), *dir = str_dir(path);
	char *first = request_text(p), hex[DIGEST_HEX];
	struct strv inputs = { 0 };
	struct buf text = { 0 };
	struct err ignored;

	if (first && !fs_mkdirs(dir, 0777, &ignored)) {
		list_inputs(p, &inputs);
		inputs_digest(p, &inputs, hex);
		buf_printf(&text, "%s%s %s\n", first, hex,
			   s->edited ? s->edited : "");
		for (size_t i = 0; i < s->missed.n; i++)
			buf_printf(&text, "!%s\n", s->missed.v[i]);
		for (size_t i = 0; i < inputs.n; i++)
			buf_printf(&text, "%s\n", inputs.v[i]);
		fs_write(path, buf_bytes(&text), 0666, &ignored);
	}
	strv_release(&inputs);
	buf_release(&text);
	free(first);
	free(dir);
	free(path);
}

void kernel_config_stamp_release(struct kernel_config_stamp *s)
{
	free(s->edited);
	strv_release(&s->missed);
	*s = (struct kernel_config_stamp){ 0 };
}
