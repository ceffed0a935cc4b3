/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/target-outputs.h"

#include "base/fs.h"
#include "base/vec.h"
#include "kernel/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* name of the make target and of its cached output */
#define IMAGE_NAME "image_name"

int kernel_target_outputs_image(struct kernel_build_state *run, char **image,
				struct err *err)
{
	const json_t *known = NULL;
	struct buf out = { 0 };
	struct digest key;
	bool cacheable = kernel_archive_image_digest(run->plan, &key);
	int ret;

	*image = NULL;
	if (cacheable &&
	    kernel_archive_cache_copy(&run->archive_cache, IMAGE_NAME, &key,
				      NULL, &known) &&
	    json_is_string(known)) {
		*image = xstrdup(json_string_value(known));
		return 0;
	}
	ret = kernel_build_capture_make(run, IMAGE_NAME, &out, err);
	if (!ret && out.len) {
		*image = buf_steal(&out);
		(*image)[strcspn(*image, "\n")] = '\0';
	}
	if (*image && cacheable)
		kernel_archive_cache_put(&run->archive_cache, IMAGE_NAME, &key,
					 NULL, json_text(*image));
	buf_release(&out);
	return ret;
}

int kernel_target_outputs_resolve(struct kernel_build_state *run,
				  struct err *err)
{
	struct buf config = { 0 };
	struct err ignored;
	char *image = NULL;
	int ret = 0;

	if (strv_has(&run->plan->request->targets, "kernel")) {
		ret = kernel_config_sync(run, err);
		if (!ret)
			ret = kernel_target_outputs_image(run, &image, err);
		if (!ret && !image)
			ret = err_set(
				err, EINVAL,
				"cannot determine the image of this tree; "
				"specify an image target, such as bzImage, "
				"instead of \"kernel\"");
	}
	kernel_plan_read_config(run->plan, &config, &ignored);
	kernel_goals_init(&run->goals, run->plan,
			  image ? str_base(image) : NULL, buf_str(&config));
	kernel_goals_add_make_words(&run->goals, true, &run->targets);
	for (size_t i = 0; i < run->goals.n; i++) {
		const struct kernel_goal *g = &run->goals.v[i];

		if (g->status == KERNEL_GOAL_SKIP)
			kernel_build_note(run, "skipping %s: %s", g->name,
					  g->skip_reason);
	}
	buf_release(&config);
	free(image);
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

static void add_image(struct kernel_target_outputs *w,
		      const struct kernel_plan *p, const char *name)
{
	char *boot = xasprintf("arch/%s/boot/%s", p->arch.srcarch, name);

	if (is_built(p, boot) && !strv_has(&w->images, boot))
		strv_add(&w->images, boot);
	else if (is_built(p, name) && !strv_has(&w->images, name))
		strv_add(&w->images, name);
	free(boot);
}

bool kernel_target_outputs_is_default(const struct strv *targets)
{
	return !targets->n || strv_has(targets, "all") ||
	       strv_has(targets, "_all");
}

bool kernel_target_is_single_file(const char *target)
{
	static const char *const suffixes[] = { ".o",  ".ko",  ".i",
						".s",  ".dtb", ".lst",
						".ll", ".mod", ".symtypes" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (str_ends(target, suffixes[i]))
			return true;
	}
	return false;
}

/* Return true if `target` can be an image: "bzImage", "vmlinuz.efi". */
static bool is_image_name(const char *target)
{
	return !kernel_target_is_single_file(target) && !strchr(target, '/');
}

bool kernel_targets_are_single_files(const struct strv *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		if (!kernel_target_is_single_file(targets->v[i]))
			return false;
	}
	return targets->n;
}

void kernel_target_outputs_find(struct kernel_target_outputs *out,
				const struct kernel_plan *p,
				const struct strv *targets, const char *image)
{
	char *dts = xasprintf("%s/arch/%s/boot/dts", p->builddir.dir,
			      p->arch.srcarch);
	bool all = kernel_target_outputs_is_default(targets);
	struct buf config = { 0 };
	struct err ignored;

	*out = (struct kernel_target_outputs){ .kernel = all,
					       .dtbs = all,
					       .modules = all };
	if (all && image && is_built(p, image))
		strv_add(&out->images, image);
	for (size_t i = 0; i < targets->n; i++) {
		const char *target = targets->v[i];
		size_t before = out->images.n;

		if (!strcmp(target, "modules"))
			out->modules = true;
		else if (!strcmp(target, "dtbs"))
			out->dtbs = true;
		else if (!strcmp(target, "headers"))
			out->headers = true;
		else if (!strcmp(target, "vmlinux"))
			out->kernel = true;
		else if (is_image_name(target))
			add_image(out, p, target);
		out->kernel |= out->images.n > before;
	}
	out->modules = out->modules &&
		       !kernel_plan_read_config(p, &config, &ignored) &&
		       strstr(buf_str(&config), "\nCONFIG_MODULES=y\n") &&
		       is_built(p, "modules.order");
	out->dtbs = out->dtbs && fs_is_dir(dts);
	out->dtbs_legacy = out->dtbs && !kernel_goal_can_install_dtbs(p);
	out->dtbs = out->dtbs && !out->dtbs_legacy;
	buf_release(&config);
	free(dts);
}

void kernel_target_outputs_release(struct kernel_target_outputs *w)
{
	strv_release(&w->images);
	*w = (struct kernel_target_outputs){ 0 };
}

enum kernel_target_kind kernel_target_kind(const char *target)
{
	/*
	 * A target that is not in this table but ends in "help" has the kind
	 * KERNEL_TARGET_KIND_PRINT_TREE.
	 */
	static const struct {
		const char *names;
		enum kernel_target_kind use;
	} uses[] = {
		{ "config menuconfig nconfig xconfig gconfig oldconfig "
		  "oldaskconfig localmodconfig localyesconfig",
		  KERNEL_TARGET_KIND_INTERACTIVE },
		{ "listnewconfig helpnewconfig checkstack export_report",
		  KERNEL_TARGET_KIND_PRINT_CONFIG },
		{ "kernelversion versioncheck includecheck headerdep",
		  KERNEL_TARGET_KIND_PRINT_TREE },
		{ "kernelrelease image_name", KERNEL_TARGET_KIND_PRINT_SYNCED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		if (str_list_has(uses[i].names, ' ', target))
			return uses[i].use;
	}
	return str_ends(target, "help") ? KERNEL_TARGET_KIND_PRINT_TREE :
					  KERNEL_TARGET_KIND_BUILD;
}

bool kernel_target_is_print_only(const struct strv *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		if (kernel_target_kind(targets->v[i]) <
		    KERNEL_TARGET_KIND_PRINT_TREE)
			return false;
	}
	return targets->n;
}

bool kernel_target_is_clean_only(const struct strv *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		if (!str_list_has("clean mrproper distclean", ' ',
				  targets->v[i]))
			return false;
	}
	return targets->n;
}
