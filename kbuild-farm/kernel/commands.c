/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/commands.h"

#include "base/printable.h"
#include "kernel/config.h"
#include "kernel/goal.h"
#include "kernel/step.h"
#include "kernel/target.h"

#include <stdlib.h>
#include <string.h>

static void put_export(struct buf *out, const char *setting)
{
	size_t n = strcspn(setting, "=");

	buf_printf(out, "export %.*s=", (int)n, setting);
	buf_add_shell_word(out, setting + n + (setting[n] == '='));
	buf_add_str(out, "\n");
}

/* Variables of the caller's environment that kbuild reads. */
static bool is_kbuild_setting(const char *name)
{
	return str_starts(name, "KBUILD_") ||
	       str_list_has("KCFLAGS KAFLAGS KCPPFLAGS KRUSTFLAGS LOCALVERSION "
			    "HOSTCFLAGS HOSTLDFLAGS SOURCE_DATE_EPOCH "
			    "CROSS_COMPILE_COMPAT W LLVM_IAS DTC_FLAGS",
			    ' ', name);
}

static void put_exports(struct buf *out, const struct kernel_plan *p)
{
	const struct strv *dirs = &p->compiler.dirs;

	for (char *const *e = p->env; *e; e++) {
		size_t n = strcspn(*e, "=");
		char *name = xstrndup(*e, n);

		if (is_kbuild_setting(name) &&
		    !str_env(strv_list(&p->exports), name))
			put_export(out, *e);
		free(name);
	}
	for (char *const *e = p->exports.v; e && *e; e++)
		put_export(out, *e);
	if (dirs->n) {
		char *path = strv_join(dirs, ":");

		buf_add_str(out, "export PATH=");
		buf_add_shell_word(out, path);
		buf_add_str(out, ":\"$PATH\"\n");
		free(path);
	}
}

/* `option` goes into the script as it is: $jobs is of the shell. */
static void put_words(struct buf *out, const struct strv *argv,
		      const char *option)
{
	for (size_t i = 0; i < argv->n; i++) {
		buf_add_str(out, i ? " " : "");
		buf_add_shell_word(out, argv->v[i]);
		if (!i && option)
			buf_printf(out, " %s", option);
	}
}

static void put_make(struct buf *out, const struct kernel_plan *p,
		     const char *option, const char *target)
{
	char *const targets[] = { (char *)target, NULL };
	struct strv argv = { 0 };

	kernel_plan_make_argv(p, &argv, NULL, target ? targets : NULL);
	put_words(out, &argv, option);
	strv_release(&argv);
}

/* The line that ends the text must not be in it. */
static void put_here(struct buf *out, const char *file, const char *text)
{
	size_t n = strlen(text);
	struct buf end = { 0 };

	buf_add_str(&end, "END_OF_KFARM_TEXT");
	while (strstr(text, buf_str(&end)))
		buf_add_str(&end, "_");
	buf_printf(out, "cat >%s <<'%s'\n%s%s%s\n", file, buf_str(&end), text,
		   n && text[n - 1] != '\n' ? "\n" : "", buf_str(&end));
	buf_release(&end);
}

/* Names come from the user, and a comment ends with its line. */
static void put_comment(struct buf *out, const char *text)
{
	buf_add_str(out, "# ");
	printable_add(out, bytes_str(text), 0);
	buf_add_str(out, "\n");
}

/*
 * As kernel_kconfig_merge().  The tree's merge_config.sh would leave other
 * lines, in another order, in the .config that Kconfig then keeps as
 * .config.old.
 */
static const char merge_lines[] =
	"awk 'function symbol(line)\n"
	"{\n"
	"\tif (line ~ /^CONFIG_[A-Za-z0-9_]*=/)\n"
	"\t\tsub(/=.*/, \"\", line)\n"
	"\telse if (line ~ /^# CONFIG_[A-Za-z0-9_]* is not set/)\n"
	"\t\tgsub(/^# | is not set.*/, \"\", line)\n"
	"\telse\n"
	"\t\treturn \"\"\n"
	"\treturn line\n"
	"}\n"
	"NR == FNR { asked[symbol($0)] = 1; next }\n"
	"{ name = symbol($0) }\n"
	"name == \"\" || !(name in asked)' \"$scratch/asked\" \"$build/.config\" "
	">\"$scratch/config\"\n"
	"cat \"$scratch/asked\" >>\"$scratch/config\"\n"
	"cat \"$scratch/config\" >\"$build/.config\"\n";

static void put_fragments(struct buf *out, const struct kernel_plan *p)
{
	const struct kernel_kconfig *k = &p->kconfig;
	char *asked = kernel_kconfig_merge(k, "");

	buf_add_str(out, "scratch=$(mktemp -d)\n"
			 "trap 'rm -rf \"$scratch\"' EXIT\n");
	for (size_t i = 0; i < k->n_fragments; i++)
		put_comment(out, k->fragment[i].name);
	put_here(out, "\"$scratch/asked\"", asked);
	buf_add_str(out, merge_lines);
	free(asked);
}

static void put_config(struct buf *out, const struct kernel_plan *p)
{
	const struct kernel_kconfig *k = &p->kconfig;
	char *edited = kernel_config_edited(p);

	if (edited || k->base == KERNEL_CONFIG_KEEP) {
		buf_add_str(out, "test -f \"$build/.config\" || cp "
				 "\"$here/config\" \"$build/.config\"\n");
	} else if (k->base == KERNEL_CONFIG_TARGET) {
		put_make(out, p, NULL, k->target);
		buf_add_str(out, "\n");
	} else {
		put_comment(out, k->file);
		put_here(out, "\"$build/.config\"", k->text);
	}
	if (!edited && k->n_fragments)
		put_fragments(out, p);
	if (!edited && (k->n_fragments || k->base == KERNEL_CONFIG_FILE)) {
		put_make(out, p, NULL, "olddefconfig");
		buf_add_str(out, "\n");
	}
	free(edited);
}

/* Only make knows the image's name, once there is a configuration. */
static void put_kernel_name(struct buf *out, const struct kernel_plan *p)
{
	put_make(out, p, NULL, kernel_target_sync(p->tree));
	buf_add_str(out, "\nkernel=$(");
	put_make(out, p, "-s", "image_name");
	buf_add_str(out, ")\nkernel=${kernel##*/}\n");
}

/* Without that setting the rest of the line is not run. */
static void put_condition(struct buf *out, const struct kernel_recipe *r)
{
	if (r && r->config)
		buf_printf(out, "! grep -qx %s=y \"$build/.config\" || ",
			   r->config);
}

/* What make is to build; some of it only with a configuration that has it. */
static void put_build(struct buf *out, const struct kernel_plan *p,
		      const struct kernel_goals *goals)
{
	if (kernel_goals_has(goals, "kernel"))
		put_kernel_name(out, p);
	buf_add_str(out, "set --\n");
	for (size_t i = 0; i < goals->n; i++) {
		const struct kernel_goal *g = &goals->v[i];

		if (g->status == KERNEL_GOAL_SKIP || !*g->words)
			continue;
		put_condition(out, g->recipe);
		buf_add_str(out, "set -- \"$@\" ");
		if (!strcmp(g->name, "kernel"))
			buf_add_str(out, "\"$kernel\"");
		else if (g->recipe)
			buf_add_str(out, g->words);
		else
			buf_add_shell_word(out, g->words);
		buf_add_str(out, "\n");
	}
	if (goals->n)
		buf_add_str(out, "[ $# = 0 ] || ");
	put_make(out, p, "$jobs", NULL);
	buf_add_str(out, " \"$@\"\n");
}

static void put_tool(struct buf *out, const struct kernel_plan *p,
		     const struct kernel_recipe *r)
{
	char *objects = kernel_plan_path(p, r->dir);
	const char *const targets[] = { r->build, r->install };

	buf_add_str(out, "mkdir -p ");
	buf_add_shell_word(out, objects);
	buf_add_str(out, "\n");
	for (int i = 0; i < 2; i++) {
		struct strv argv = { 0 };

		kernel_step_tool_argv(p, r, NULL, targets[i], NULL, &argv);
		put_words(out, &argv, "$jobs");
		buf_printf(out, " %s=\"$here/%s\"%s\n", r->into, r->name,
			   r->may_fail ? " || :" : "");
		strv_release(&argv);
	}
	free(objects);
}

static void put_steps(struct buf *out, const struct kernel_plan *p,
		      const struct kernel_goals *goals)
{
	for (size_t i = 0; i < goals->n; i++) {
		const struct kernel_goal *g = &goals->v[i];

		if (g->status == KERNEL_GOAL_SKIP || !kernel_goal_is_step(g))
			continue;
		put_condition(out, g->recipe);
		if (g->recipe->step == KERNEL_STEP_TOOL) {
			put_tool(out, p, g->recipe);
		} else if (g->recipe->step == KERNEL_STEP_SCRIPT) {
			buf_add_str(out,
				    "(set -- \"$tree\"; cd \"$build\" && ");
			buf_printf(out, "%s)\n", g->recipe->script);
		} else {
			put_make(out, p, "$jobs", g->name);
			buf_add_str(out, "\n");
		}
	}
}

/* Where it was made, and what of; what differs is worth a word. */
static void put_origin(struct buf *out, const struct kernel_plan *p)
{
	char *compiler = kernel_plan_compiler_text(p);

	put_comment(out, p->version);
	put_comment(out, compiler);
	if (p->rev.commit)
		buf_printf(out,
			   "rev=$(git -C \"$tree\" rev-parse HEAD 2>&1) || :\n"
			   "[ \"$rev\" = %s ] ||\n\techo \"$0: $tree is at "
			   "$rev, not at %s\" >&2\n",
			   p->rev.commit, p->rev.commit);
	free(compiler);
}

/* A make that is told a -j leaves the farm's jobserver. */
static void put_job_count(struct buf *out, unsigned jobs)
{
	buf_printf(out,
		   "jobs=-j%u\n"
		   "case ${1-} in\n"
		   "--kfarm) exec kfarm run -- sh \"$0\" --on-farm ;;\n"
		   "--on-farm) jobs= ;;\n"
		   "esac\n",
		   jobs);
}

void kernel_commands_script(struct buf *out, const struct kernel_plan *p,
			    unsigned jobs)
{
	struct kernel_goals goals;

	kernel_goals_make(&goals, p, NULL, NULL);
	buf_add_str(out, "set -e\n");
	put_job_count(out, jobs);
	buf_add_str(out, "here=$(cd \"$(dirname \"$0\")\" && pwd)\ntree=");
	buf_add_shell_word(out, p->tree);
	buf_add_str(out, "\nbuild=");
	buf_add_shell_word(out, p->place.dir);
	buf_add_str(out, "\n");
	put_origin(out, p);
	put_exports(out, p);
	buf_add_str(out, "mkdir -p \"$build\"\ncd \"$tree\"\n");
	put_config(out, p);
	put_build(out, p, &goals);
	put_steps(out, p, &goals);
	kernel_goals_release(&goals);
}

void kernel_commands_plan(struct buf *out, const struct kernel_plan *p,
			  const char *output_dir)
{
	static const char *const kinds[] = {
		[KERNEL_CHOSEN] = "kfarm's own, lasting",
		[KERNEL_GIVEN] = "as asked",
		[KERNEL_IN_TREE] = "in the source tree",
	};

	struct strv lines = { 0 };

	strv_addf(&lines, "tree      %s (linux-%s%s%s)", p->tree, p->version,
		  p->rev.describe ? ", " : "",
		  p->rev.describe ? p->rev.describe : "");
	strv_addf(&lines, "arch      %s (arch/%s)", p->arch.arch,
		  p->arch.srcarch);
	strv_addf(&lines, "compiler  %s %s (%s)", p->compiler.name,
		  p->compiler.version, p->compiler.path);
	if (p->compiler.unlinked)
		strv_addf(&lines, "          builds locally: %s",
			  p->compiler.unlinked);
	for (size_t i = 0; i < p->compiler.notes.n; i++)
		strv_addf(&lines, "          %s", p->compiler.notes.v[i]);
	strv_addf(&lines, "build in  %s (%s)", p->place.dir,
		  kinds[p->place.kind]);
	strv_addf(&lines, "output    %s", output_dir);
	for (size_t i = 0; i < lines.n; i++)
		put_comment(out, lines.v[i]);
	strv_release(&lines);
}
