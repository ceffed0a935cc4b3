/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/target.h"

#include "base/fs.h"
#include "kernel/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_MAX (16u << 20)
#define IMAGE_NAME "image_name" /* make's target, and what is kept */

const char *kernel_target_sync(const char *tree)
{
	char *path = xasprintf("%s/scripts/kconfig/Makefile", tree);
	struct buf text = { 0 };
	struct err ignored;
	/* Linux 4.19 gave it its name. */
	bool old = !fs_read(path, 1u << 20, &text, &ignored) &&
		   !strstr(buf_str(&text), "syncconfig");

	buf_release(&text);
	free(path);
	return old ? "silentoldconfig" : "syncconfig";
}

bool kernel_target_is_synced(const struct kernel_plan *p)
{
	char *config = kernel_plan_path(p, ".config");
	char *done = kernel_plan_path(p, "include/config/auto.conf");
	struct stat a, b;
	bool yes = !stat(config, &a) && !stat(done, &b) &&
		   (b.st_mtim.tv_sec > a.st_mtim.tv_sec ||
		    (b.st_mtim.tv_sec == a.st_mtim.tv_sec &&
		     b.st_mtim.tv_nsec >= a.st_mtim.tv_nsec));

	free(done);
	free(config);
	return yes;
}

int kernel_target_run_sync(struct kernel_run *run, struct err *err)
{
	char *sync = (char *)kernel_target_sync(run->plan->tree);
	char *const targets[] = { sync, NULL };

	return kernel_target_is_synced(run->plan) ?
		       0 :
		       kernel_run_make(run, NULL, targets, err);
}

int kernel_target_image(struct kernel_run *run, char **image, struct err *err)
{
	const json_t *known = NULL;
	struct buf out = { 0 };
	struct digest key;
	bool lasting = kernel_archive_image_key(run->plan, &key);
	int ret;

	*image = NULL;
	if (lasting &&
	    kernel_kept_take(&run->kept, IMAGE_NAME, &key, NULL, &known) &&
	    json_is_string(known)) {
		*image = xstrdup(json_string_value(known));
		return 0;
	}
	ret = kernel_run_ask(run, IMAGE_NAME, &out, err);
	if (!ret && out.len) {
		*image = buf_steal(&out);
		(*image)[strcspn(*image, "\n")] = '\0';
	}
	if (*image && lasting)
		kernel_kept_put(&run->kept, IMAGE_NAME, &key, NULL,
				json_text(*image));
	buf_release(&out);
	return ret;
}

static int ask_image(struct kernel_run *run, char **name, struct err *err)
{
	char *image = NULL;
	int ret = kernel_target_run_sync(run, err);

	if (!ret)
		ret = kernel_target_image(run, &image, err);
	if (!ret && !image)
		ret = err_set(err, EINVAL,
			      "this tree does not say what its image is; name "
			      "the target instead of \"kernel\"");
	if (!ret)
		*name = xstrdup(str_base(image));
	free(image);
	return ret;
}

static void tell_skips(struct kernel_run *run)
{
	for (size_t i = 0; i < run->goals.n; i++) {
		const struct kernel_goal *g = &run->goals.v[i];

		if (g->status == KERNEL_GOAL_SKIP)
			kernel_run_note(run, "%s is skipped: %s", g->name,
					g->reason);
	}
}

int kernel_target_resolve(struct kernel_run *run, struct err *err)
{
	char *path = kernel_plan_path(run->plan, ".config"), *image = NULL;
	struct buf config = { 0 };
	struct err ignored;
	int ret = 0;

	if (strv_has(&run->plan->request->targets, "kernel"))
		ret = ask_image(run, &image, err);
	fs_read(path, CONFIG_MAX, &config, &ignored);
	kernel_goals_make(&run->goals, run->plan, image, buf_str(&config));
	kernel_goals_words(&run->goals, true, &run->targets);
	tell_skips(run);
	buf_release(&config);
	free(image);
	free(path);
	return ret;
}

static bool is_built(const struct kernel_plan *p, const char *name)
{
	char *path = kernel_plan_path(p, name);
	struct stat st;
	bool yes = !stat(path, &st) && S_ISREG(st.st_mode);

	free(path);
	return yes;
}

static void add_image(struct kernel_wants *w, const struct kernel_plan *p,
		      const char *name)
{
	char *boot = xasprintf("arch/%s/boot/%s", p->arch.srcarch, name);

	if (is_built(p, boot) && !strv_has(&w->images, boot))
		strv_add(&w->images, boot);
	else if (is_built(p, name) && !strv_has(&w->images, name))
		strv_add(&w->images, name);
	free(boot);
}

bool kernel_target_is_default(const struct strv *targets)
{
	return !targets->n || strv_has(targets, "all") ||
	       strv_has(targets, "_all");
}

/* "Image", "bzImage", "uImage", "vmlinuz.efi", "zImage.dtb": no ".o", no path
 */
static bool is_image_name(const char *target)
{
	static const char *const none[] = { ".o",   ".ko",  ".i", ".s",
					    ".dtb", ".lst", "/",  NULL };

	for (int i = 0; none[i]; i++) {
		if (str_ends(target, none[i]))
			return false;
	}
	return !strchr(target, '/');
}

static void want_target(struct kernel_wants *w, const struct kernel_plan *p,
			const char *target)
{
	size_t before = w->images.n;

	if (!strcmp(target, "modules"))
		w->modules = true;
	else if (!strcmp(target, "dtbs"))
		w->dtbs = true;
	else if (!strcmp(target, "headers"))
		w->headers = true;
	else if (!strcmp(target, "vmlinux"))
		w->kernel = true;
	else if (is_image_name(target))
		add_image(w, p, target);
	w->kernel |= w->images.n > before;
}

static bool has_modules(const struct kernel_plan *p)
{
	char *path = kernel_plan_path(p, ".config");
	struct buf config = { 0 };
	struct err ignored;
	bool yes = !fs_read(path, CONFIG_MAX, &config, &ignored) &&
		   strstr(buf_str(&config), "\nCONFIG_MODULES=y\n") &&
		   is_built(p, "modules.order");

	buf_release(&config);
	free(path);
	return yes;
}

void kernel_target_wants(struct kernel_wants *out, const struct kernel_plan *p,
			 const struct strv *targets, const char *image)
{
	char *dts = xasprintf("%s/arch/%s/boot/dts", p->place.dir,
			      p->arch.srcarch);
	bool all = kernel_target_is_default(targets);

	*out = (struct kernel_wants){ .kernel = all,
				      .dtbs = all,
				      .modules = all };
	if (all && image && is_built(p, image))
		strv_add(&out->images, image);
	for (size_t i = 0; i < targets->n; i++)
		want_target(out, p, targets->v[i]);
	out->modules = out->modules && has_modules(p);
	out->dtbs = out->dtbs && fs_is_dir(dts);
	out->dtbs_legacy = out->dtbs && !kernel_recipe_installs_dtbs(p);
	out->dtbs = out->dtbs && !out->dtbs_legacy;
	free(dts);
}

void kernel_wants_release(struct kernel_wants *w)
{
	strv_release(&w->images);
	*w = (struct kernel_wants){ 0 };
}

enum kernel_target_use kernel_target_use(const char *target)
{
	/* Of the kernel's Makefiles; all that end in "help" print, too. */
	static const struct {
		const char *names;
		enum kernel_target_use use;
	} uses[] = {
		{ "config menuconfig nconfig xconfig gconfig oldconfig "
		  "oldaskconfig localmodconfig localyesconfig",
		  KERNEL_TARGET_ASKS },
		{ "listnewconfig helpnewconfig checkstack export_report",
		  KERNEL_TARGET_TELLS_CONFIG },
		{ "kernelversion versioncheck includecheck headerdep",
		  KERNEL_TARGET_TELLS_TREE },
		{ "kernelrelease image_name", KERNEL_TARGET_TELLS_SYNCED },
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		if (str_list_has(uses[i].names, ' ', target))
			return uses[i].use;
	}
	return str_ends(target, "help") ? KERNEL_TARGET_TELLS_TREE :
					  KERNEL_TARGET_BUILDS;
}

bool kernel_target_only_prints(const struct strv *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		if (kernel_target_use(targets->v[i]) < KERNEL_TARGET_TELLS_TREE)
			return false;
	}
	return targets->n;
}
