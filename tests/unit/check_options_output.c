/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/* san: long */
/*
 * The outputs of a compile: options/command.h's prediction for a command line,
 * compared with the files that gcc and clang write.
 */
#include "options/command.h"

#include "../lib/test.h"
#include "base/which.h"
#include "options-proof.h"

#include <dirent.h>

static const struct proof_file files[] = {
	{ "a.c", "int x[9];\nstatic int h(int k) { return x[k] * k; }\n"
		 "int f(int n)\n{\n\tint s = 0;\n"
		 "\tfor (int i = 0; i < n; i++)\n\t\ts += h(i);\n"
		 "\treturn s;\n}\n" },
	{ "s.S", "\t.globl z\nz:\tnop\n" },
};

static void setup(void)
{
	proof_setup(files, sizeof(files) / sizeof(*files));
}

/* Options of gcc and clang, and of only one of them; "%o" is for -o NAME. */
static const char *const both[] = {
	"-c a.c %o",
	"-fstack-usage -c a.c %o",
	"-ftest-coverage -c a.c %o",
	"--coverage -O2 -c %o a.c",
	"-fprofile-arcs -c %o a.c",
	"-g -gsplit-dwarf -c a.c %o",
	"-gsplit-dwarf -c s.S %o",
	"-gsplit-dwarf -g0 -c s.S %o",
	"-gsplit-dwarf -ggdb3 -c a.c %o",
	"-gsplit-dwarf -gdwarf-4 -gno-column-info -c a.c %o",
	"-g1 -gsplit-dwarf -c a.c %o",
	"-fstack-usage --coverage -g -c s.S %o",
	"-fstack-usage --coverage -g -gsplit-dwarf -O2 -c a.c %o",
	"-O2 -fsave-optimization-record -c a.c %o",
	"-O2 -fsave-optimization-record -c s.S %o",
	"-O2 -flto -fstack-usage --coverage -fsave-optimization-record -c a.c "
	"%o",
	"-flto -fno-lto -fstack-usage -c a.c %o",
};

static const char *const gcc_only[] = {
	"-gsplit-dwarf -g0 -c a.c %o",
	"-fcallgraph-info -c a.c %o",
	"-fcallgraph-info=su,da -fstack-usage -c a.c %o",
	"-fcallgraph-info -flto -c a.c %o",
	"-fcallgraph-info -c s.S %o",
	"-O2 -fopt-info -c a.c %o",
	"-O2 -fopt-info-all=info -c a.c %o",
	"-O2 -fopt-info-all=out/info.txt -fopt-info-vec=other -c a.c %o",
	"-O2 -fopt-info-all=info -c s.S %o",
	"-flto -ffat-lto-objects -fstack-usage -g -c a.c %o",
};

static const char *const clang_only[] = {
	"-gsplit-dwarf -c a.c %o",
	"-g -gsplit-dwarf -g0 -c a.c %o",
	"-gline-tables-only -gsplit-dwarf -c a.c %o",
	"-flto=thin -g -gsplit-dwarf -fstack-usage -c a.c %o",
	"-O2 -foptimization-record-file=rec -c a.c %o",
	"-O2 -fsave-optimization-record -foptimization-record-file=out/r "
	"-c a.c %o",
	"-MJ line.json -c a.c -o x.o",
	"-MJ first -MJ second.json -c s.S -o x.o",
};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const char *const objects[] = { "", "-o x.y.o", "-o out/noext",
				       "-o out/.dot.o" };

static bool is_source(const char *name)
{
	return !strcmp(name, "a.c") || !strcmp(name, "s.S") ||
	       !strcmp(name, "said");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_dir(struct strv *out, const char *dir, const char *start)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d))) {
		if (e->d_type == DT_REG && !is_source(e->d_name))
			strv_addf(out, "%s%s", start, e->d_name);
	}
	closedir(d);
}

/* Return the names of all files except the sources, and remove the files. */
static char *take_files(void)
{
	struct strv v = { 0 };
	char *text;

	list_dir(&v, ".", "");
	list_dir(&v, "out", "out/");
	if (v.n)
		qsort(v.v, v.n, sizeof(*v.v), by_name);
	for (size_t i = 0; i < v.n; i++)
		unlink(v.v[i]);
	text = strv_join(&v, " ");
	strv_release(&v);
	return text;
}

static char *predicted_files(const struct options_command *c)
{
	struct options_side_outputs sides;
	struct strv v = { 0 };
	char *text;

	options_output_side_outputs(&sides, c);
	ck_assert(sides.name_in_object || !sides.n);
	for (size_t i = 0; i < sides.n; i++)
		strv_add(&v, sides.path[i]);
	strv_own(&v, options_output_object_path(c));
	if (v.n)
		qsort(v.v, v.n, sizeof(*v.v), by_name);
	text = strv_join(&v, " ");
	options_side_outputs_release(&sides);
	strv_release(&v);
	return text;
}

static void verify(const char *compiler, const char *line, const char *object)
{
	const char *at = strstr(line, "%o");
	char *whole = at ? xasprintf("%.*s%s%s", (int)(at - line), line, object,
				     at + 2) :
			   xstrdup(line);
	struct options_command c;
	struct strv argv = { 0 };
	char *made, *predicted;

	strv_add(&argv, compiler);
	strv_split(&argv, whole, " ");
	options_command_parse(&c, argv.v);
	ck_assert_msg(c.class == OPTIONS_CLASS_REMOTE, "%s: %s", whole,
		      reason_text(c.reason));
	ck_assert_msg(proof_run(&argv, NULL, 2, "said"), "%s %s", compiler,
		      whole);
	made = take_files();
	predicted = predicted_files(&c);
	ck_assert_msg(!strcmp(made, predicted), "%s %s: made %s, told %s",
		      compiler, whole, made, predicted);
	free(made);
	free(predicted);
	options_command_release(&c);
	strv_release(&argv);
	free(whole);
}

static void verify_all(const char *compiler, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < LENGTH(objects); k++)
			verify(compiler, lines[i], objects[k]);
	}
}

FIXTURE(setup, proof_teardown);
TIMEOUT(240);

TEST_RANGE(predicted_outputs_are_the_files_that_the_compiler_writes, 0, 3)
{
	static const char *const compilers[] = { "gcc", "aarch64-linux-gnu-gcc",
						 "clang" };
	const char *name = compilers[_i];
	char *path = find_compiler(name);
	bool clang = strstr(name, "clang");

	if (!path)
		return;
	verify_all(path, both, LENGTH(both));
	verify_all(path, clang ? clang_only : gcc_only,
		   clang ? LENGTH(clang_only) : LENGTH(gcc_only));
	free(path);
}

/* Command lines with ambiguous outputs, which are compiled locally. */
static const char *const ambiguous[] = {
	"gcc -O2 -fopt-info-all=stdout -c a.c",
	"gcc -O2 -fopt-info-all=/dev/null -c a.c",
	"gcc -O2 -fopt-info-all= -c a.c",
	"gcc -O2 -fopt-info-all=x.o -c a.c -o x.o",
	"gcc -O2 -fopt-info-all=d/a.c -c a.c",
	"gcc -fstack-usage -fopt-info-all=x.su -c a.c -o x.o",
	"gcc -fstack-usage -MMD -MF x.su -c a.c -o x.o",
	"gcc -fstack-usage -c a.c -o d/.o",
	"gcc -fstack-usage -c a.c -o x.su",
	"clang -MJ line.json -c a.c",
};

TIMEOUT(0);

TEST_EACH(an_ambiguous_output_name_forces_a_local_compile, ambiguous)
{
	struct options_command c;
	struct strv argv = { 0 };

	strv_split(&argv, *row, " ");
	options_command_parse(&c, argv.v);
	ck_assert_msg(c.class == OPTIONS_CLASS_LOCAL, "%s", *row);
	ck_assert_int_eq(c.reason, REASON_UNSUPPORTED_OUTPUT_NAME);
	options_command_release(&c);
	strv_release(&argv);
}

TEST(fprofile_arcs_names_a_file_in_the_object_without_side_outputs)
{
	char *argv[] = { "gcc", "-fprofile-arcs", "-c", "a.c", NULL };
	struct options_command c;
	struct options_side_outputs sides;

	options_command_parse(&c, argv);
	options_output_side_outputs(&sides, &c);
	ck_assert(sides.name_in_object);
	ck_assert_uint_eq(sides.n, 0);
	options_side_outputs_release(&sides);
	options_command_release(&c);
}
