/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/archive.h"

#include "base/fs.h"
#include "base/stamp.h"
#include "base/version.h"
#include "base/which.h"
#include "kernel/environ.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_MAX  (4u << 20)
#define CONFIG_MAX (16u << 20)
#define LOOKS      3 /* at files that change while they are looked at */
#define FORMAT     "1" /* of archives; changes when their bytes do */

static const char *const all_files[] = { "", NULL };

static void add_built(struct kernel_stamps *s, const struct kernel_plan *p,
		      const char *name)
{
	char *path = kernel_plan_path(p, name);

	kernel_stamps_file(s, path);
	free(path);
}

static void add_source(struct kernel_stamps *s, const struct kernel_plan *p,
		       const char *name)
{
	char *path = xasprintf("%s/%s", p->tree, name);

	kernel_stamps_file(s, path);
	free(path);
}

static void stamp_program(struct kernel_stamps *s, const struct kernel_plan *p,
			  const char *name)
{
	char *path = kernel_environ_path(&p->compiler.dirs, p->env);
	char *all = xasprintf("%s:/sbin:/usr/sbin", path);
	char *file = which(name, all);

	kernel_stamps_text(s, name);
	kernel_stamps_file(s, file ? file : "");
	free(file);
	free(all);
	free(path);
}

/* ---- modules ---- */

void kernel_archive_modules(const struct kernel_plan *p, struct strv *out)
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

		/* "kernel/fs/x.ko" until 5.3, "fs/x.o" since 6.3. */
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

static void add_listings(struct kernel_stamps *s, const struct kernel_plan *p)
{
	struct strv names = { 0 };

	fs_list(p->place.dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (str_starts(names.v[i], "modules."))
			add_built(s, p, names.v[i]);
	}
	strv_release(&names);
}

/* The key that modules are signed with; false: it is not in a file. */
static bool add_signature(struct kernel_stamps *s, const struct kernel_plan *p)
{
	static const char mark[] = "\nCONFIG_MODULE_SIG_KEY=\"";
	char *path = kernel_plan_path(p, ".config"), *key;
	struct buf config = { 0 };
	struct err ignored;
	const char *at;
	bool yes = true;

	fs_read(path, CONFIG_MAX, &config, &ignored);
	at = strstr(buf_str(&config), mark);
	if (at) {
		at += sizeof(mark) - 1;
		key = xstrndup(at, strcspn(at, "\"\n"));
		yes = !str_starts(key, "pkcs11:");
		kernel_stamps_file(s, key);
		add_built(s, p, key);
		add_source(s, p, key);
		free(key);
	}
	add_built(s, p, "certs/signing_key.pem");
	add_built(s, p, "certs/signing_key.x509");
	add_built(s, p, "scripts/sign-file");
	buf_release(&config);
	free(path);
	return yes;
}

static void add_module_programs(struct kernel_stamps *s,
				const struct kernel_plan *p)
{
	static const char *const dirs[] = { "/etc/depmod.d", "/run/depmod.d",
					    "/usr/local/lib/depmod.d",
					    "/usr/lib/depmod.d",
					    "/lib/depmod.d" };
	static const char *const programs[] = { "depmod", "llvm-strip", "gzip",
						"pigz",   "xz",         "zstd",
						"kmod" };
	const char *prefix = kernel_plan_setting(p, "CROSS_COMPILE");
	char *strip;

	if (!prefix)
		prefix = kernel_environ_value(p->env, "CROSS_COMPILE");
	strip = xasprintf("%sstrip", prefix ? prefix : "");
	stamp_program(s, p, strip);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		stamp_program(s, p, programs[i]);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		kernel_stamps_tree(s, dirs[i], all_files);
	free(strip);
}

static bool is_in_tree(const struct kernel_plan *p, const char *name)
{
	char *path = xasprintf("%s/%s", p->tree, name);
	bool yes = fs_exists(path);

	free(path);
	return yes;
}

static bool module_inputs(struct kernel_stamps *s, const struct kernel_plan *p)
{
	struct strv modules = { 0 };

	/* Until 4.13 firmware was installed with them. */
	if (is_in_tree(p, "firmware/Makefile"))
		return false;
	kernel_archive_modules(p, &modules);
	for (size_t i = 0; i < modules.n; i++)
		add_built(s, p, modules.v[i]);
	strv_release(&modules);
	add_listings(s, p);
	add_built(s, p, "System.map");
	add_source(s, p, "scripts/depmod.sh");
	add_source(s, p, "scripts/Makefile.modinst");
	add_module_programs(s, p);
	return add_signature(s, p);
}

/* ---- device trees, headers ---- */

static bool dtb_inputs(struct kernel_stamps *s, const struct kernel_plan *p)
{
	static const char *const built[] = { ".dtb", ".dtbo", "dtbs-list",
					     NULL };
	static const char *const listed[] = { "Makefile", NULL };
	char *name = xasprintf("arch/%s/boot/dts", p->arch.srcarch);
	char *from = xasprintf("%s/%s", p->tree, name);
	char *made = kernel_plan_path(p, name);

	kernel_stamps_tree(s, from, listed);
	kernel_stamps_tree(s, made, built);
	add_source(s, p, "scripts/Makefile.dtbinst");
	free(made);
	free(from);
	free(name);
	return true;
}

static bool header_inputs(struct kernel_stamps *s, const struct kernel_plan *p)
{
	char *made = kernel_plan_path(p, "usr/include");

	kernel_stamps_tree(s, made, all_files);
	add_source(s, p, "scripts/Makefile.headersinst");
	free(made);
	return true;
}

/* ---- all ---- */

static const struct kernel_archive archives[] = {
	{ .goal = "modules",
	  .file = "modules.tar.xz",
	  .target = "modules_install",
	  .variable = "INSTALL_MOD_PATH",
	  .below = "",
	  .top = "lib",
	  .inputs = module_inputs },
	{ .goal = "dtbs",
	  .file = "dtbs.tar.xz",
	  .target = "dtbs_install",
	  .variable = "INSTALL_DTBS_PATH",
	  .below = "/dtbs",
	  .top = "dtbs",
	  .inputs = dtb_inputs },
	{ .goal = "headers",
	  .file = "headers.tar.xz",
	  .target = "headers_install",
	  .variable = "INSTALL_HDR_PATH",
	  .below = "",
	  .top = ".",
	  .inputs = header_inputs },
};

const struct kernel_archive *kernel_archive_find(const char *goal)
{
	for (size_t i = 0; i < sizeof(archives) / sizeof(*archives); i++) {
		if (!strcmp(archives[i].goal, goal))
			return &archives[i];
	}
	return NULL;
}

/* Whatever make may read of its environment; not what is of one run. */
static void stamp_settings(struct kernel_stamps *s, char *const *env)
{
	for (; *env; env++) {
		if (str_starts(*env, "INSTALL_") ||
		    str_starts(*env, "KBUILD_") ||
		    str_starts(*env, "CONFIG_") || str_starts(*env, "PATH=") ||
		    str_starts(*env, "MAKE") || str_starts(*env, "K") ||
		    str_starts(*env, "LLVM") || str_starts(*env, "XZ") ||
		    str_starts(*env, "ZSTD") || str_starts(*env, "GZIP") ||
		    str_starts(*env, "LOCALVERSION"))
			kernel_stamps_text(s, *env);
	}
}

static bool add_common(struct kernel_stamps *s, const struct kernel_plan *p)
{
	char *own = xasprintf("arch/%s/Makefile", p->arch.srcarch);
	char *when = xasprintf("%lld", kernel_archive_time(p));

	kernel_stamps_text(s, FORMAT " " KFARM_VERSION);
	kernel_stamps_text(s, when);
	kernel_stamps_text(s, p->tree);
	for (size_t i = 0; i < p->settings.n; i++)
		kernel_stamps_text(s, p->settings.v[i]);
	for (size_t i = 0; i < p->exports.n; i++)
		kernel_stamps_text(s, p->exports.v[i]);
	stamp_settings(s, p->env);
	kernel_stamps_file(s, p->make);
	add_source(s, p, "Makefile");
	add_source(s, p, own);
	add_source(s, p, "scripts/Kbuild.include");
	add_built(s, p, ".config");
	add_built(s, p, "include/config/auto.conf");
	add_built(s, p, "include/config/kernel.release");
	free(when);
	free(own);
	/* Modules of somebody else's. */
	return !kernel_plan_setting(p, "M") &&
	       !kernel_plan_setting(p, "KBUILD_EXTMOD") &&
	       !kernel_environ_value(p->env, "KBUILD_EXTMOD");
}

typedef bool add_inputs(struct kernel_stamps *s, const struct kernel_plan *p);

static bool settled_key(const struct kernel_plan *p, add_inputs *add,
			struct digest *out)
{
	struct stamp newest;
	int looks = 0;

	/* What make has just made settles soon (base/stamp.h). */
	do {
		int64_t now = stamp_now();
		struct kernel_stamps s = { 0 };
		bool known = add_common(&s, p) && add(&s, p), settled;

		newest = s.newest;
		settled = kernel_stamps_end(&s, now, out);
		if (!known || settled)
			return known;
	} while (++looks < LOOKS && stamp_wait(&newest));
	return false;
}

bool kernel_archive_key(const struct kernel_archive *a,
			const struct kernel_run *run, struct digest *out)
{
	return settled_key(run->plan, a->inputs, out);
}

/* Makefiles of the architecture include each other. */
static bool image_inputs(struct kernel_stamps *s, const struct kernel_plan *p)
{
	static const char *const names[] = { "Makefile",   "Platform", "Kbuild",
					     ".platforms", ".mk",      NULL };
	char *dir = xasprintf("%s/arch/%s", p->tree, p->arch.srcarch);

	kernel_stamps_tree(s, dir, names);
	free(dir);
	return true;
}

bool kernel_archive_image_key(const struct kernel_plan *p, struct digest *out)
{
	return settled_key(p, image_inputs, out);
}

long long kernel_archive_time(const struct kernel_plan *p)
{
	const char *text = kernel_plan_setting(p, "KBUILD_BUILD_TIMESTAMP");
	long seconds;

	if (!text)
		text = kernel_environ_value(strv_list(&p->exports),
					    "KBUILD_BUILD_TIMESTAMP");
	if (!text)
		text = kernel_environ_value(p->env, "KBUILD_BUILD_TIMESTAMP");
	if (text && text[0] == '@' &&
	    !str_number(text + 1, 0, INT64_C(1) << 40, &seconds))
		return seconds;
	return p->rev.time;
}
