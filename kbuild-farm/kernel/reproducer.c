/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/reproducer.h"

#include "base/printable.h"
#include "base/vec.h"
#include "kernel/config.h"
#include "kernel/goal.h"
#include "kernel/module-build.h"
#include "kernel/post-make.h"

#include <stdlib.h>
#include <string.h>

static void put_export(struct buf *out, const char *setting)
{
	size_t n = strcspn(setting, "=");

	buf_printf(out, "export %.*s=", (int)n, setting);
	buf_add_shell_word(out, setting + n + (setting[n] == '='));
	buf_add_str(out, "\n");
}

static void put_exports(struct buf *out, const struct kernel_plan *p)
{
	static const char kbuild_names[] =
		"KCFLAGS KAFLAGS KCPPFLAGS KRUSTFLAGS LOCALVERSION "
		"HOSTCFLAGS HOSTCXXFLAGS HOSTRUSTFLAGS HOSTLDFLAGS HOSTLDLIBS "
		"USERCFLAGS USERLDFLAGS SOURCE_DATE_EPOCH "
		"CROSS_COMPILE_COMPAT CC_COMPAT LD_COMPAT W LLVM_IAS "
		"DTC_FLAGS DPKG_FLAGS RPMOPTS";
	static const char *const prefixes[] = { "KBUILD_", "KCONFIG_", "KDEB_",
						"INSTALL_" };
	const struct strv *dirs = &p->compiler.path_dirs;

	/* kbuild reads these variables of the caller's environment. */
	for (char *const *e = p->env; *e; e++) {
		char *name = xstrndup(*e, strcspn(*e, "="));
		bool reads = str_list_has(kbuild_names, ' ', name);

		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
			reads |= str_starts(name, prefixes[i]);
		if (reads && !str_find_env(strv_list(&p->exports), name))
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

/*
 * Append a command, with `option` (may be NULL) after its first word.  The
 * option is not quoted because the shell must expand $jobs.
 */
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

/* Append a make command for `goal` (may be NULL), with a module's variables. */
static void put_goal_make(struct buf *out, const struct kernel_plan *p,
			  const char *goal)
{
	char *const goals[] = { (char *)goal, NULL };
	struct strv argv = { 0 }, words = { 0 };

	kernel_plan_add_goals(p, &words, goals);
	kernel_plan_make_argv(p, &argv, NULL, strv_list(&words));
	put_words(out, &argv, "$jobs");
	strv_release(&words);
	strv_release(&argv);
}

/* Choose an end line that does not occur in the text. */
static void put_heredoc(struct buf *out, const char *file, const char *text)
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

/* Escape the text: a newline in a name from the user would end the comment. */
static void put_comment(struct buf *out, const char *text)
{
	buf_add_str(out, "# ");
	printable_add_escaped(out, bytes_str(text), 0);
	buf_add_str(out, "\n");
}

/*
 * Shell commands that merge the requested settings into the .config, as
 * kconfig_merge() does.  The tree's merge_config.sh is not used, because it
 * would write other lines, in another order, to the .config.  Kconfig saves
 * this .config as .config.old, which would then differ from that of a build by
 * kfarm.
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

/*
 * Append the commands that run a configuration target.  The results of some
 * targets depend on a random number or on the modules of the machine.  For
 * these targets, the script copies the file `config` of the output directory,
 * if it exists.  A script that `kfarm build -n` prints has no such file next to
 * it, so such a script runs the target.
 */
static void put_config_target(struct buf *out, const struct kernel_plan *p)
{
	const char *target = p->kconfig.target;
	bool varies = str_list_has("randconfig,localmodconfig,localyesconfig",
				   ',', target);

	if (varies)
		buf_add_str(out, "if [ -f \"$here/config\" ]; then\n"
				 "\tcp \"$here/config\" \"$build/.config\"\n"
				 "else\n"
				 "\t");
	put_make(out, p, NULL, target);
	buf_add_str(out, varies ? "\nfi\n" : "\n");
}

static void put_config(struct buf *out, const struct kernel_plan *p)
{
	const struct kconfig_spec *k = &p->kconfig;
	char *edited = kernel_config_edit_target(p), *requested;

	if (edited || k->base == KCONFIG_BASE_EXISTING) {
		buf_add_str(out, "test -f \"$build/.config\" || cp "
				 "\"$here/config\" \"$build/.config\"\n");
	} else if (k->base == KCONFIG_BASE_TARGET) {
		put_config_target(out, p);
	} else {
		put_comment(out, k->file_name);
		put_heredoc(out, "\"$build/.config\"", k->base_text);
	}
	if (!edited && k->n_fragments) {
		requested = kconfig_merge(k, "");
		buf_add_str(out, "scratch=$(mktemp -d)\n"
				 "trap 'rm -rf \"$scratch\"' EXIT\n");
		for (size_t i = 0; i < k->n_fragments; i++)
			put_comment(out, k->fragments[i].name);
		put_heredoc(out, "\"$scratch/asked\"", requested);
		buf_add_str(out, merge_lines);
		free(requested);
	}
	if (!edited && (k->n_fragments || k->base == KCONFIG_BASE_FILE)) {
		put_make(out, p, NULL, "olddefconfig");
		buf_add_str(out, "\n");
	}
	free(edited);
}

/*
 * Begin a line of the script.  The command that follows on the line runs only
 * if the .config has the setting that the recipe requires.
 */
static void put_condition(struct buf *out, const struct kernel_plan *p,
			  const struct kernel_goal_recipe *r)
{
	if (r && r->required_config && !p->module.dir)
		buf_printf(out, "! grep -qx %s=y \"$build/.config\" || ",
			   r->required_config);
}

/*
 * Put the condition of the command that prepares the build directory.  In a
 * directory of the user, this command could change the release of a kernel that
 * was built there, so it runs only if the directory is not prepared.
 */
static void put_preparation_test(struct buf *out, const struct kernel_plan *p)
{
	const char *const *name = kernel_module_prepared_files;

	if (p->builddir.kind == KERNEL_BUILDDIR_DEFAULT)
		return;
	for (; *name; name++)
		buf_printf(out, "[ -e \"$build/%s\" ] %s ", *name,
			   name[1] ? "&&" : "||");
}

/* Append the commands that run make for all goals. */
static void put_build(struct buf *out, const struct kernel_plan *p,
		      const struct kernel_goals *goals)
{
	/* `make image_name` needs an up-to-date include/config/auto.conf. */
	if (kernel_goals_has(goals, "kernel")) {
		put_make(out, p, NULL, kernel_config_sync_target(p->tree));
		buf_add_str(out, "\nkernel=$(");
		put_make(out, p, "-s", "image_name");
		buf_add_str(out, ")\nkernel=${kernel##*/}\n");
	}
	if (kernel_module_can_prepare(p)) {
		put_preparation_test(out, p);
		put_make(out, p, "$jobs", "modules_prepare");
		buf_add_str(out, "\n");
	}
	buf_add_str(out, "set --\n");
	for (size_t i = 0; i < goals->n; i++) {
		const struct kernel_goal *g = &goals->v[i];

		if (g->status == KERNEL_GOAL_SKIP || !*g->make_words)
			continue;
		put_condition(out, p, g->recipe);
		buf_add_str(out, "set -- \"$@\" ");
		if (!strcmp(g->name, "kernel"))
			buf_add_str(out, "\"$kernel\"");
		else if (g->recipe)
			buf_add_str(out, g->make_words);
		else
			buf_add_shell_word(out, g->make_words);
		buf_add_str(out, "\n");
	}
	if (goals->n)
		buf_add_str(out, "[ $# = 0 ] || ");
	put_goal_make(out, p, NULL);
	buf_add_str(out, " \"$@\"\n");
}

static void put_tool(struct buf *out, const struct kernel_plan *p,
		     const struct kernel_goal_recipe *r)
{
	char *objects = kernel_plan_path(p, r->dir);
	const char *const targets[] = { r->build_target, r->install_target };

	buf_add_str(out, "mkdir -p ");
	buf_add_shell_word(out, objects);
	buf_add_str(out, "\n");
	for (int i = 0; i < 2; i++) {
		struct strv argv = { 0 };

		kernel_post_make_tool_argv(p, r, NULL, targets[i], NULL, &argv);
		put_words(out, &argv, "$jobs");
		buf_printf(out, " %s=\"$here/%s\"%s\n", r->install_variable,
			   r->name, r->may_fail ? " || :" : "");
		strv_release(&argv);
	}
	free(objects);
}

static void put_post_make(struct buf *out, const struct kernel_plan *p,
			  const struct kernel_goals *goals)
{
	for (size_t i = 0; i < goals->n; i++) {
		const struct kernel_goal *g = &goals->v[i];

		if (g->status == KERNEL_GOAL_SKIP ||
		    !kernel_goal_is_post_make(g))
			continue;
		put_condition(out, p, g->recipe);
		if (g->recipe->post_make == KERNEL_POST_MAKE_TOOL) {
			put_tool(out, p, g->recipe);
		} else if (g->recipe->post_make == KERNEL_POST_MAKE_SCRIPT) {
			buf_add_str(out,
				    "(set -- \"$tree\"; cd \"$build\" && ");
			buf_printf(out, "%s)\n", g->recipe->script);
		} else {
			put_goal_make(out, p, g->name);
			buf_add_str(out, "\n");
		}
	}
}

void kernel_reproducer_script(struct buf *out, const struct kernel_plan *p,
			      unsigned jobs)
{
	char *compiler = kernel_plan_compiler_name(p);
	struct kernel_goals goals;

	kernel_goals_init(&goals, p, NULL, NULL);
	buf_add_str(out, "set -e\n");
	/* Within `kfarm run`, omit -j: make must use kfarm's jobserver. */
	buf_printf(out,
		   "jobs=-j%u\n"
		   "case ${1-} in\n"
		   "--kfarm) exec kfarm run -- sh \"$0\" --on-farm ;;\n"
		   "--on-farm) jobs= ;;\n"
		   "esac\n",
		   jobs);
	buf_add_str(out, "here=$(cd \"$(dirname \"$0\")\" && pwd)\ntree=");
	buf_add_shell_word(out, p->tree);
	buf_add_str(out, "\nbuild=");
	buf_add_shell_word(out, p->builddir.dir);
	buf_add_str(out, "\n");
	put_comment(out, p->version);
	put_comment(out, compiler);
	if (p->rev.commit)
		buf_printf(out,
			   "rev=$(git -C \"$tree\" rev-parse HEAD 2>&1) || :\n"
			   "[ \"$rev\" = %s ] ||\n\techo \"$0: $tree is at "
			   "$rev, not at %s\" >&2\n",
			   p->rev.commit, p->rev.commit);
	put_exports(out, p);
	buf_add_str(out, "mkdir -p \"$build\"\ncd \"$tree\"\n");
	put_config(out, p);
	put_build(out, p, &goals);
	put_post_make(out, p, &goals);
	kernel_goals_release(&goals);
	free(compiler);
}

void kernel_reproducer_plan(struct buf *out, const struct kernel_plan *p,
			    const char *output_dir)
{
	static const char *const kinds[] = {
		[KERNEL_BUILDDIR_DEFAULT] = "managed by kfarm",
		[KERNEL_BUILDDIR_GIVEN] = "as requested",
		[KERNEL_BUILDDIR_IN_TREE] = "in the source tree",
	};
	struct strv lines = { 0 };

	strv_addf(&lines, "tree      %s (linux-%s%s%s)", p->tree, p->version,
		  p->rev.describe ? ", " : "",
		  p->rev.describe ? p->rev.describe : "");
	strv_addf(&lines, "arch      %s (arch/%s)", p->arch.arch,
		  p->arch.srcarch);
	strv_addf(&lines, "compiler  %s %s (%s)", p->compiler.name,
		  p->compiler.version, p->compiler.path);
	if (p->compiler.no_masquerade_reason)
		strv_addf(&lines, "          compiling locally: %s",
			  p->compiler.no_masquerade_reason);
	for (size_t i = 0; i < p->compiler.notes.n; i++)
		strv_addf(&lines, "          %s", p->compiler.notes.v[i]);
	strv_addf(&lines, "build in  %s (%s)", p->builddir.dir,
		  kinds[p->builddir.kind]);
	strv_addf(&lines, "output    %s", output_dir);
	for (size_t i = 0; i < lines.n; i++)
		put_comment(out, lines.v[i]);
	strv_release(&lines);
}
