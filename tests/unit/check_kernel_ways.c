/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
/*
 * The origin of each variable as make prints it, run by kfarm and by the
 * reproducer script.
 */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/reproducer.h"

static struct kconfig_request r;
static struct kernel_plan p;
static struct err err;

/* The mini tree's Makefile with a target that prints make's variables. */
static const char print_rules[] =
	"names := ARCH CROSS_COMPILE LLVM CC HOSTCC O KBUILD_OUTPUT "
	"KBUILD_BUILD_USER KCFLAGS W\n"
	"tell = $(if $(value $1),$(info $1: $(origin $1) $($1)))\n"
	"ways:\n"
	"\t@:$(foreach name,$(names),$(call tell,$(name)))\n"
	"HOSTCC = gcc\n";

static void put_makefile(const char *first)
{
	char *text = xasprintf("%s%s%s", first, makefile, print_rules);

	put_file("linux/Makefile", text, 0644);
	free(text);
}

static void set_up(void)
{
	tree_set_up();
	put_makefile("");
	put_file("b/.config", "CONFIG_A=y\n", 0644);
	put_file("tools/clang", "#!/bin/sh\necho 14.0.0\n", 0755);
	r = (struct kconfig_request){ .directory = tree };
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	kernel_plan_release(&p);
	strv_release(&r.variables);
	strv_release(&r.environment);
	strv_release(&r.targets);
	tree_tear_down();
}

/* Replace each @ of `text` by the directory of this test. */
static char *filled(const char *text)
{
	struct buf out = { 0 };

	for (; *text; text++) {
		if (*text == '@')
			buf_add_str(&out, top);
		else
			buf_add(&out, text, 1);
	}
	return buf_steal(&out);
}

static void fill(struct strv *sv, const char *text)
{
	char *all = filled(text);

	words(sv, all);
	free(all);
}

/* Return the output of a command with the plan's environment and directory. */
static char *output(const char *command, char *const *environment)
{
	char *to = at("out"), *printed;
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (chdir(p.tree) || !freopen(to, "w", stdout))
			_exit(126);
		dup2(1, 2);
		execle("/bin/sh", "sh", "-c", command, NULL, environment);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	printed = get_file(to);
	ck_assert_msg(!status, "%s: %s", command, printed);
	free(to);
	return printed;
}

static char *output_of_make(void)
{
	char *const targets[] = { (char[]){ "ways" }, NULL };
	struct strv argv = { 0 }, environment = { 0 };
	struct buf command = { 0 };
	char *printed;

	kernel_plan_make_argv(&p, &argv, NULL, targets);
	kernel_plan_env(&p, &environment, NULL, NULL);
	for (size_t i = 0; i < argv.n; i++) {
		buf_add_str(&command, " ");
		buf_add_shell_word(&command, argv.v[i]);
	}
	printed = output(buf_str(&command), environment.v);
	buf_release(&command);
	strv_release(&environment);
	strv_release(&argv);
	return printed;
}

/* Run the script in an environment with only a PATH. */
static char *output_of_script(void)
{
	char *const bare[] = { env.v[0], NULL };
	struct buf script = { 0 };
	char *path = at("script.sh"), *command, *printed;

	kernel_reproducer_script(&script, &p, 3);
	put_file("script.sh", buf_str(&script), 0755);
	command = xasprintf("sh %s", path);
	printed = output(command, bare);
	free(command);
	free(path);
	buf_release(&script);
	return printed;
}

static void expect(const char *want)
{
	char *text = filled(want), *printed;

	must(kernel_plan_init(&p, &r, env.v, &err));
	printed = output_of_make();
	ck_assert_str_eq(printed, text);
	free(printed);
	printed = output_of_script();
	ck_assert_str_eq(printed, text);
	free(printed);
	free(text);
}

/* None of these depends on an x86 machine. */
static const struct {
	const char *arch, *toolchain, *env, *e, *variables, *want;
} origins[] = {
	/* environment variables stay in the environment */
	{ .env = "ARCH=arm64 CROSS_COMPILE=nice- KBUILD_OUTPUT=@/b "
		 "KBUILD_BUILD_USER=me KCFLAGS=-g",
	  .want = "ARCH: environment arm64\n"
		  "CROSS_COMPILE: environment nice-\n"
		  "CC: file nice-gcc\nHOSTCC: file gcc\n"
		  "KBUILD_OUTPUT: environment @/b\n"
		  "KBUILD_BUILD_USER: environment me\n"
		  "KCFLAGS: environment -g\n" },
	/* variables of -e are in the environment, too */
	{ .e = "ARCH=arm64 CROSS_COMPILE=nice- KBUILD_OUTPUT=@/b KCFLAGS=-g",
	  .want = "ARCH: environment arm64\n"
		  "CROSS_COMPILE: environment nice-\n"
		  "CC: file nice-gcc\nHOSTCC: file gcc\n"
		  "KBUILD_OUTPUT: environment @/b\n"
		  "KCFLAGS: environment -g\n" },
	/* command-line variables stay on the command line */
	{ .env = "ARCH=x86 CROSS_COMPILE=other- KBUILD_BUILD_USER=me W=2",
	  .variables = "ARCH=arm64 CROSS_COMPILE=nice- O=@/b "
		       "KBUILD_BUILD_USER=you KCFLAGS=-g W=1",
	  .want = "ARCH: command line arm64\n"
		  "CROSS_COMPILE: command line nice-\n"
		  "CC: file nice-gcc\nHOSTCC: file gcc\n"
		  "O: command line @/b\n"
		  "KBUILD_BUILD_USER: command line you\n"
		  "KCFLAGS: command line -g\nW: command line 1\n" },
	{ .variables = "ARCH=arm64 CC=nice-gcc HOSTCC=gcc KBUILD_OUTPUT=@/b",
	  .want = "ARCH: command line arm64\n"
		  "CROSS_COMPILE: environment aarch64-linux-gnu-\n"
		  "CC: command line nice-gcc\nHOSTCC: command line gcc\n"
		  "KBUILD_OUTPUT: command line @/b\n" },
	/*
	 * kfarm's own variables go into the environment if make respects that
	 */
	{ .arch = "arm64",
	  .toolchain = "nice-",
	  .env = "ARCH=x86 CROSS_COMPILE=other- O=@/b",
	  .want = "ARCH: environment arm64\n"
		  "CROSS_COMPILE: environment nice-\n"
		  "CC: file nice-gcc\nHOSTCC: file gcc\n"
		  "O: command line @/b\n" },
	{ .arch = "arm64",
	  .toolchain = "clang",
	  .env = "KBUILD_OUTPUT=@/b",
	  .want = "ARCH: environment arm64\n"
		  "CROSS_COMPILE: environment aarch64-linux-gnu-\n"
		  "LLVM: environment 1\n"
		  "CC: file aarch64-linux-gnu-gcc\nHOSTCC: file gcc\n"
		  "KBUILD_OUTPUT: environment @/b\n" },
	/* a command-line variable that -t also sets stays there */
	{ .toolchain = "nice-",
	  .variables = "ARCH=arm64 CROSS_COMPILE=nice- O=@/b",
	  .want = "ARCH: command line arm64\n"
		  "CROSS_COMPILE: command line nice-\n"
		  "CC: file nice-gcc\nHOSTCC: file gcc\n"
		  "O: command line @/b\n" },
	/* a variable without a value hides the environment's */
	{ .env = "ARCH=arm64 LLVM=1 KBUILD_OUTPUT=@/b",
	  .variables = "LLVM= CROSS_COMPILE=nice-",
	  .want = "ARCH: environment arm64\n"
		  "CROSS_COMPILE: command line nice-\n"
		  "CC: file nice-gcc\nHOSTCC: file gcc\n"
		  "KBUILD_OUTPUT: environment @/b\n" },
	/* kbuild would interpret the value as clang */
	{ .env = "ARCH=arm64 LLVM=0 CROSS_COMPILE=nice- KBUILD_OUTPUT=@/b",
	  .want = "ARCH: environment arm64\n"
		  "CROSS_COMPILE: environment nice-\n"
		  "CC: file nice-gcc\nHOSTCC: file gcc\n"
		  "KBUILD_OUTPUT: environment @/b\n" },
	/* O precedes KBUILD_OUTPUT */
	{ .env = "ARCH=arm64 CROSS_COMPILE=nice- KBUILD_OUTPUT=@/other",
	  .variables = "O=@/b",
	  .want = "ARCH: environment arm64\n"
		  "CROSS_COMPILE: environment nice-\n"
		  "CC: file nice-gcc\nHOSTCC: file gcc\n"
		  "O: command line @/b\n"
		  "KBUILD_OUTPUT: environment @/other\n" },
};

FIXTURE(set_up, tear_down);

TEST_EACH(variables_keep_their_origin_in_make_and_in_the_script, origins)
{
	char *sources = filled(row->env ? row->env : "");
	char *save = NULL, *want;

	r.arch = row->arch;
	r.toolchain = row->toolchain;
	for (char *w = strtok_r(sources, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		set_env(w);
	fill(&r.environment, row->e ? row->e : "");
	fill(&r.variables, row->variables ? row->variables : "");
	words(&r.targets, "ways");
	want = xstrdup(row->want);
	expect(want);
	free(want);
	free(sources);
}

static const char *const assigning[] = {
	"ARCH = mips\n",
	"ARCH:=mips\n",
	"export ARCH = mips\n",
	"  ARCH := mips\n",
};

TEST_EACH(arch_assigned_by_the_makefile_is_passed_on_the_command_line,
	  assigning)
{
	char *dir = at("b");

	put_makefile(*row);
	r.arch = "arm64";
	r.toolchain = "nice-";
	r.build_dir = dir;
	words(&r.targets, "ways");
	expect("ARCH: command line arm64\n"
	       "CROSS_COMPILE: environment nice-\n"
	       "CC: file nice-gcc\nHOSTCC: file gcc\nO: command line @/b\n");
	free(dir);
}

static const char *const not_assigning[] = {
	"ARCH ?= mips\n",
	"SRCARCH = mips\n",
	"ARCH_X = mips\n",
	"# ARCH = mips\n",
};

TEST_EACH(other_makefile_lines_do_not_put_arch_on_the_command_line,
	  not_assigning)
{
	put_makefile(*row);
	r.arch = "arm64";
	r.toolchain = "nice-";
	set_env("O=/b");
	must(kernel_plan_init(&p, &r, env.v, &err));
	ck_assert_uint_eq(p.vars.n, 0);
}

TEST(an_in_tree_build_passes_o_only_to_override_the_environment)
{
	char *elsewhere = at("b"), *setting;

	put_file("linux/.config", "CONFIG_A=y\n", 0644);
	r.build_dir = tree;
	set_env("ARCH=arm64");
	set_env("CROSS_COMPILE=nice-");
	words(&r.targets, "ways");
	expect("ARCH: environment arm64\nCROSS_COMPILE: environment nice-\n"
	       "CC: file nice-gcc\nHOSTCC: file gcc\n");
	setting = xasprintf("KBUILD_OUTPUT=%s", elsewhere);
	set_env(setting);
	kernel_plan_release(&p);
	must(kernel_plan_init(&p, &r, env.v, &err));
	ck_assert_int_eq(p.builddir.kind, KERNEL_BUILDDIR_IN_TREE);
	ck_assert_str_eq(p.builddir.variable, "O");
	free(setting);
	free(elsewhere);
}
