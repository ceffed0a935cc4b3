/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/archive.h"

#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/vec.h"
#include "base/version.h"
#include "base/which.h"
#include "kernel/environ.h"
#include "kernel/plan.h"

#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INDEX_FILE "record"
#define DIGITS     24

static const struct json_file index_file = {
	.file = { .max_bytes = 64u << 20, .mode = 0666, .is_private = true },
	.dump_flags = JSON_COMPACT,
};

static char *cache_root(void)
{
	char *cache = fs_cache_home(), *out = xasprintf("%s/kept", cache);

	free(cache);
	return out;
}

static char *path_in(const struct kernel_archive_cache *k, const char *name)
{
	return xasprintf("%s/%s", k->dir, name);
}

static json_t *load_cache_index(const char *dir)
{
	char *path = xasprintf("%s/" INDEX_FILE, dir);
	struct err ignored;
	json_t *root;

	json_file_read(&index_file, path, &root, &ignored);
	free(path);
	return root;
}

/* Return the cache directory for `build_dir`.  The caller frees it. */
static char *cache_dir_of(const char *build_dir)
{
	char hex[DIGEST_HEX], *all = cache_root(), *dir;
	struct digest d;

	digest_bytes(bytes_str(build_dir), &d);
	digest_format(&d, hex);
	dir = xasprintf("%s/%.*s", all, DIGITS, hex);
	free(all);
	return dir;
}

void kernel_archive_cache_remove(const char *build_dir)
{
	char *dir = cache_dir_of(build_dir);
	struct err ignored;

	fs_remove(dir, &ignored);
	free(dir);
}

void kernel_archive_cache_open(struct kernel_archive_cache *k,
			       const char *build_dir)
{
	json_t *root;

	*k = (struct kernel_archive_cache){ .build_dir = xstrdup(build_dir) };
	k->dir = cache_dir_of(build_dir);
	root = load_cache_index(k->dir);
	k->files = json_incref(json_object_get(root, "files"));
	if (!json_is_object(k->files)) {
		json_decref(k->files);
		k->files = json_object();
	}
	json_decref(root);
}

/*
 * Read the stamp of the cached copy `path`.  Returns false if the copy is not a
 * regular file.
 */
static bool read_copy_stamp(const char *path, struct file_stamp *out)
{
	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	file_stamp_from_stat(out, &st);
	return true;
}

static bool is_copy_unchanged(const json_t *entry, const char *path)
{
	const char *noted = json_string_value(json_object_get(entry, "stamp"));
	struct file_stamp is;
	char *now = read_copy_stamp(path, &is) ? file_stamp_format(&is) : NULL;
	bool same = noted && str_equal(now, noted);

	free(now);
	return same;
}

bool kernel_archive_cache_copy(const struct kernel_archive_cache *k,
			       const char *name, const struct digest *key,
			       const char *to, const json_t **about)
{
	const json_t *entry = json_object_get(k->files, name);
	const char *was = json_string_value(json_object_get(entry, "key"));
	char hex[DIGEST_HEX], *path = path_in(k, name);
	struct err ignored;
	bool yes;

	digest_format(key, hex);
	yes = was && !strcmp(was, hex);
	/* Check twice: the file may change while it is copied. */
	if (yes && to)
		yes = is_copy_unchanged(entry, path) &&
		      !fs_copy(path, to, &ignored) &&
		      is_copy_unchanged(entry, path);
	if (yes && about)
		*about = json_object_get(entry, "about");
	free(path);
	return yes;
}

/*
 * Wait until the stamp of the file is reliable: the clock tick in which the
 * file was written must have ended, so that any later change alters the stamp.
 * Returns the stamp, or NULL if the file changes during the wait or the wait
 * would take too long.  The caller frees the stamp.
 */
static char *wait_for_stamp(const char *path)
{
	struct file_stamp was, is;

	if (!read_copy_stamp(path, &was) || !file_stamp_wait(&was) ||
	    !read_copy_stamp(path, &is) || !file_stamp_equal(&was, &is))
		return NULL;
	return file_stamp_format(&is);
}

void kernel_archive_cache_put(struct kernel_archive_cache *k, const char *name,
			      const struct digest *key, const char *from,
			      json_t *about)
{
	char hex[DIGEST_HEX], *path = path_in(k, name), *stamp = NULL;
	json_t *entry = json_object();
	struct err ignored;

	json_object_del(k->files, name);
	unlink(path);
	fs_remove_temp_files(k->dir);
	k->changed = true;
	digest_format(key, hex);
	json_object_set_new(entry, "key", json_string(hex));
	json_object_set_new(entry, "about", about);
	if (from) {
		if (!fs_mkdirs(k->dir, 0777, &ignored) &&
		    !fs_copy(from, path, &ignored))
			stamp = wait_for_stamp(path);
		json_object_set_new(entry, "stamp",
				    stamp ? json_string(stamp) : json_null());
	}
	if (!from || stamp)
		json_object_set(k->files, name, entry);
	else
		unlink(path);
	json_decref(entry);
	free(stamp);
	free(path);
}

/* Remove cache directories whose build directory no longer exists. */
static void remove_stale_caches(void)
{
	char *all = cache_root();
	struct strv names = { 0 };
	struct err ignored;

	fs_list(all, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *dir = xasprintf("%s/%s", all, names.v[i]);
		json_t *root = load_cache_index(dir);
		const char *build_dir = json_string_value(
			json_object_get(root, "dir"));

		if (build_dir && !fs_is_dir(build_dir))
			fs_remove(dir, &ignored);
		json_decref(root);
		free(dir);
	}
	strv_release(&names);
	free(all);
}

void kernel_archive_cache_close(struct kernel_archive_cache *k)
{
	struct err ignored;
	json_t *root;
	char *path;

	if (k->changed) {
		remove_stale_caches();
		path = path_in(k, INDEX_FILE);
		root = json_pack("{s:o,s:O}", "dir", json_text(k->build_dir),
				 "files", k->files);
		if (!fs_mkdirs(k->dir, 0777, &ignored) &&
		    json_file_write(&index_file, path, root, &ignored))
			fs_remove(k->dir, &ignored);
		json_decref(root);
		free(path);
	}
	json_decref(k->files);
	free(k->dir);
	free(k->build_dir);
	*k = (struct kernel_archive_cache){ 0 };
}

void kernel_archive_add_text(struct kernel_archive_inputs *s, const char *text)
{
	buf_put_str(&s->text, text);
}

static void add_file_state(struct kernel_archive_inputs *s, const char *path,
			   const struct stat *st)
{
	struct file_stamp stamp = { 0 };

	kernel_archive_add_text(s, path);
	if (st)
		file_stamp_from_stat(&stamp, st);
	buf_add(&s->text, &stamp.dev, sizeof(stamp.dev));
	buf_add(&s->text, &stamp.ino, sizeof(stamp.ino));
	buf_add(&s->text, &stamp.size, sizeof(stamp.size));
	buf_add(&s->text, &stamp.mtime_ns, sizeof(stamp.mtime_ns));
	buf_add(&s->text, &stamp.ctime_ns, sizeof(stamp.ctime_ns));
	buf_add(&s->text, &stamp.in_future, sizeof(stamp.in_future));
	if (stamp.ctime_ns > s->newest.ctime_ns && !stamp.in_future)
		s->newest = stamp;
}

void kernel_archive_add_file(struct kernel_archive_inputs *s, const char *path)
{
	struct stat st;

	add_file_state(s, path, stat(path, &st) ? NULL : &st);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool has_any_suffix(const char *name, const char *const *suffixes)
{
	for (; *suffixes; suffixes++) {
		if (str_ends(name, *suffixes))
			return true;
	}
	return false;
}

void kernel_archive_add_dir(struct kernel_archive_inputs *s, const char *dir,
			    const char *const *suffixes, bool follow)
{
	char *const tops[] = { (char *)dir, NULL };
	FTS *tree = fts_open(
		tops, (follow ? FTS_LOGICAL : FTS_PHYSICAL) | FTS_NOCHDIR,
		by_name);
	FTSENT *at;

	kernel_archive_add_text(s, dir);
	while (tree && (at = fts_read(tree)) != NULL) {
		/* FTS_DC: a link to a directory above it */
		if (at->fts_info == FTS_D || at->fts_info == FTS_DP ||
		    at->fts_info == FTS_DC ||
		    !has_any_suffix(at->fts_name, suffixes))
			continue;
		if (at->fts_info == FTS_F)
			add_file_state(s, at->fts_path, at->fts_statp);
		else
			kernel_archive_add_file(s, at->fts_path);
	}
	if (tree)
		fts_close(tree);
}

bool kernel_archive_finish_inputs(struct kernel_archive_inputs *s, int64_t now,
				  struct digest *out)
{
	bool settled = file_stamp_is_reliable(&s->newest, now);

	digest_bytes(buf_bytes(&s->text), out);
	buf_release(&s->text);
	*s = (struct kernel_archive_inputs){ 0 };
	return settled;
}

#define ORDER_MAX      (4u << 20)
#define STAMP_TRIES    3 /* attempts to get reliable stamps of the inputs */
#define ARCHIVE_FORMAT "1" /* increment if the bytes of archives change */

static const char *const all_files[] = { "", NULL };

static void add_built(struct kernel_archive_inputs *s,
		      const struct kernel_plan *p, const char *name)
{
	char *path = kernel_plan_path(p, name);

	kernel_archive_add_file(s, path);
	free(path);
}

static void add_source(struct kernel_archive_inputs *s,
		       const struct kernel_plan *p, const char *name)
{
	char *path = xasprintf("%s/%s", p->tree, name);

	kernel_archive_add_file(s, path);
	free(path);
}

/* Add the name and the stamp of a program that make may run. */
static void add_tool_stamp(struct kernel_archive_inputs *s,
			   const struct kernel_plan *p, const char *name)
{
	char *path = kernel_environ_path(&p->compiler.path_dirs, p->env);
	char *all = xasprintf("%s:/sbin:/usr/sbin", path);
	char *file = which(name, all);

	kernel_archive_add_text(s, name);
	kernel_archive_add_file(s, file ? file : "");
	free(file);
	free(all);
	free(path);
}

/* ---- modules ---- */

void kernel_archive_list_modules(const struct kernel_plan *p, struct strv *out)
{
	char *path = kernel_plan_path(p, "modules.order");
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err ignored;

	fs_read(path, ORDER_MAX, &text, &ignored);
	strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i];
		size_t n = strlen(line);

		/*
		 * The line of modules.order for fs/x.ko is "kernel/fs/x.ko" up
		 * to Linux 5.3, "fs/x.ko" up to 6.1, and "fs/x.o" since 6.2.
		 * If a file "kernel/..." exists, "kernel/" is a directory, not
		 * a prefix.
		 */
		if (str_starts(line, "kernel/") && !str_ends(line, ".o")) {
			char *as_is = kernel_plan_path(p, line);

			if (!fs_exists(as_is))
				line += strlen("kernel/");
			free(as_is);
			n = strlen(line);
		}
		if (str_ends(line, ".o"))
			strv_addf(out, "%.*s.ko", (int)(n - 2), line);
		else
			strv_add(out, line);
	}
	strv_release(&lines);
	buf_release(&text);
	free(path);
}

/*
 * Add the key that signs modules.  Returns false if the key is in a PKCS #11
 * token, not in a file.
 */
static bool add_signature(struct kernel_archive_inputs *s,
			  const struct kernel_plan *p)
{
	static const char mark[] = "\nCONFIG_MODULE_SIG_KEY=\"";
	struct buf config = { 0 };
	struct err ignored;
	const char *at;
	bool yes = true;
	char *key;

	kernel_plan_read_config(p, &config, &ignored);
	at = strstr(buf_str(&config), mark);
	if (at) {
		at += sizeof(mark) - 1;
		key = xstrndup(at, strcspn(at, "\"\n"));
		yes = !str_starts(key, "pkcs11:");
		kernel_archive_add_file(s, key);
		add_built(s, p, key);
		add_source(s, p, key);
		free(key);
	}
	add_built(s, p, "certs/signing_key.pem");
	add_built(s, p, "certs/signing_key.x509");
	add_built(s, p, "scripts/sign-file");
	buf_release(&config);
	return yes;
}

static bool add_module_inputs(struct kernel_archive_inputs *s,
			      const struct kernel_plan *p)
{
	static const char *const dirs[] = { "/etc/depmod.d", "/run/depmod.d",
					    "/usr/local/lib/depmod.d",
					    "/usr/lib/depmod.d",
					    "/lib/depmod.d" };
	static const char *const programs[] = { "depmod", "llvm-strip", "gzip",
						"pigz",   "xz",         "zstd",
						"kmod" };
	const char *prefix = kernel_plan_find_setting(p, "CROSS_COMPILE");
	struct strv modules = { 0 }, names = { 0 };
	char *firmware = xasprintf("%s/firmware/Makefile", p->tree), *strip;
	bool has_firmware = fs_exists(firmware);

	free(firmware);
	/*
	 * Up to Linux 4.13, modules_install also installs firmware.  The
	 * firmware files are not tracked as inputs, so always pack the archive.
	 */
	if (has_firmware)
		return false;
	kernel_archive_list_modules(p, &modules);
	for (size_t i = 0; i < modules.n; i++)
		add_built(s, p, modules.v[i]);
	fs_list(p->builddir.dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (str_starts(names.v[i], "modules."))
			add_built(s, p, names.v[i]);
	}
	strv_release(&names);
	strv_release(&modules);
	add_built(s, p, "System.map");
	add_source(s, p, "scripts/depmod.sh");
	add_source(s, p, "scripts/Makefile.modinst");

	if (!prefix)
		prefix = kernel_environ_value(p->env, "CROSS_COMPILE");
	strip = xasprintf("%sstrip", prefix ? prefix : "");
	add_tool_stamp(s, p, strip);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		add_tool_stamp(s, p, programs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		kernel_archive_add_dir(s, dirs[i], all_files, false);
	free(strip);
	return add_signature(s, p);
}

/* ---- device trees, headers ---- */

static bool add_dtb_inputs(struct kernel_archive_inputs *s,
			   const struct kernel_plan *p)
{
	static const char *const built[] = { ".dtb", ".dtbo", "dtbs-list",
					     NULL };
	static const char *const listed[] = { "Makefile", NULL };
	char *name = xasprintf("arch/%s/boot/dts", p->arch.srcarch);
	char *from = xasprintf("%s/%s", p->tree, name);
	char *made = kernel_plan_path(p, name);

	kernel_archive_add_dir(s, from, listed, true);
	kernel_archive_add_dir(s, made, built, true);
	add_source(s, p, "scripts/Makefile.dtbinst");
	free(made);
	free(from);
	free(name);
	return true;
}

static bool add_header_inputs(struct kernel_archive_inputs *s,
			      const struct kernel_plan *p)
{
	char *made = kernel_plan_path(p, "usr/include");

	kernel_archive_add_dir(s, made, all_files, false);
	add_source(s, p, "scripts/Makefile.headersinst");
	free(made);
	return true;
}

/* ---- digests ---- */

static const struct kernel_archive archives[] = {
	{ .goal = "modules",
	  .file = "modules.tar.xz",
	  .target = "modules_install",
	  .variable = "INSTALL_MOD_PATH",
	  .install_dir = "",
	  .packed_dir = "lib",
	  .add_inputs = add_module_inputs },
	{ .goal = "dtbs",
	  .file = "dtbs.tar.xz",
	  .target = "dtbs_install",
	  .variable = "INSTALL_DTBS_PATH",
	  .install_dir = "/dtbs",
	  .packed_dir = "dtbs",
	  .add_inputs = add_dtb_inputs },
	{ .goal = "headers",
	  .file = "headers.tar.xz",
	  .target = "headers_install",
	  .variable = "INSTALL_HDR_PATH",
	  .install_dir = "",
	  .packed_dir = ".",
	  .add_inputs = add_header_inputs },
};

const struct kernel_archive *kernel_archive_find(const char *goal)
{
	for (size_t i = 0; i < ARRAY_SIZE(archives); i++) {
		if (!strcmp(archives[i].goal, goal))
			return &archives[i];
	}
	return NULL;
}

/*
 * Add the environment variables that make may read.  Ignore all other
 * variables, because their values can differ between equal builds.
 */
static void add_environment(struct kernel_archive_inputs *s, char *const *env)
{
	static const char *const prefixes[] = {
		"INSTALL_", "KBUILD_", "CONFIG_", "PATH=",        "MAKE",
		"KERNEL",   "KGZIP",   "KBZIP2",  "KLZOP",        "LLVM",
		"XZ",       "ZSTD",    "GZIP",    "LOCALVERSION",
	};

	for (; *env; env++) {
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
			if (str_starts(*env, prefixes[i])) {
				kernel_archive_add_text(s, *env);
				break;
			}
		}
	}
}

static bool add_common(struct kernel_archive_inputs *s,
		       const struct kernel_plan *p)
{
	char *own = xasprintf("arch/%s/Makefile", p->arch.srcarch);
	char *when = xasprintf("%lld", kernel_archive_timestamp(p));

	kernel_archive_add_text(s, ARCHIVE_FORMAT " " KFARM_VERSION);
	kernel_archive_add_text(s, when);
	kernel_archive_add_text(s, p->tree);
	for (size_t i = 0; i < p->settings.n; i++)
		kernel_archive_add_text(s, p->settings.v[i]);
	for (size_t i = 0; i < p->exports.n; i++)
		kernel_archive_add_text(s, p->exports.v[i]);
	add_environment(s, p->env);
	kernel_archive_add_file(s, p->make_path);
	add_source(s, p, "Makefile");
	add_source(s, p, own);
	add_source(s, p, "scripts/Kbuild.include");
	add_built(s, p, ".config");
	add_built(s, p, "include/config/auto.conf");
	add_built(s, p, "include/config/kernel.release");
	free(when);
	free(own);
	/* The inputs of external modules cannot be determined. */
	return !kernel_plan_find_setting(p, "M") &&
	       !kernel_plan_find_setting(p, "KBUILD_EXTMOD") &&
	       !kernel_environ_value(p->env, "KBUILD_EXTMOD");
}

typedef bool add_inputs_fn(struct kernel_archive_inputs *s,
			   const struct kernel_plan *p);

static bool reliable_digest(const struct kernel_plan *p, add_inputs_fn *add,
			    struct digest *out)
{
	struct file_stamp newest;
	int n_tries = 0;

	/*
	 * The stamp of a file is not reliable before the end of the clock tick
	 * in which make wrote the file.  Try again after that tick.
	 */
	do {
		int64_t now = file_stamp_now_ns();
		struct kernel_archive_inputs s = { 0 };
		bool known = add_common(&s, p) && add(&s, p), settled;

		newest = s.newest;
		settled = kernel_archive_finish_inputs(&s, now, out);
		if (!known || settled)
			return known;
	} while (++n_tries < STAMP_TRIES && file_stamp_wait(&newest));
	return false;
}

bool kernel_archive_input_digest(const struct kernel_archive *a,
				 const struct kernel_plan *p,
				 struct digest *out)
{
	return reliable_digest(p, a->add_inputs, out);
}

/* The architecture's Makefiles include each other, so add all of them. */
static bool add_image_inputs(struct kernel_archive_inputs *s,
			     const struct kernel_plan *p)
{
	static const char *const names[] = { "Makefile",   "Platform", "Kbuild",
					     ".platforms", ".mk",      NULL };
	char *dir = xasprintf("%s/arch/%s", p->tree, p->arch.srcarch);

	kernel_archive_add_dir(s, dir, names, false);
	free(dir);
	return true;
}

bool kernel_archive_image_digest(const struct kernel_plan *p,
				 struct digest *out)
{
	return reliable_digest(p, add_image_inputs, out);
}

long long kernel_archive_timestamp(const struct kernel_plan *p)
{
	const char *text = kernel_plan_find_setting(p,
						    "KBUILD_BUILD_TIMESTAMP");
	long seconds;

	if (!text)
		text = kernel_environ_value(strv_list(&p->exports),
					    "KBUILD_BUILD_TIMESTAMP");
	if (!text)
		text = kernel_environ_value(p->env, "KBUILD_BUILD_TIMESTAMP");
	if (text && text[0] == '@' &&
	    !str_parse_number(text + 1, 0, LONG_MAX, &seconds))
		return seconds;
	return p->rev.time_s;
}
