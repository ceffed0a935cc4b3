/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* san: long */
/* Options of a command line that driver queries contain or omit. */
#include "../lib/test.h"
#include "cpp-compare.h"

#include "cpp/cmdline.h"
#include "options/table.h"

/* Return the compiler's macros for these options; NULL if it rejects them. */
static char *macros_of(const char *cc, const char *level, const char *word)
{
	char *argv[] = { (char *)cc,   (char *)level, "-nostdinc", "-dD",
			 "-E",         "-x",          "c",         "unit.c",
			 (char *)word, NULL };
	struct buf out = { 0 }, said = { 0 };
	char *text = NULL;

	if (!compare_run(compare_dir, argv, environ, &out, &said))
		text = buf_steal(&out);
	buf_release(&out);
	buf_release(&said);
	return text;
}

/* Return the option with a value if it requires one. */
static char *with_value(const char *name)
{
	if (!strcmp(name, "-femit-struct-debug-detailed="))
		return xasprintf("%sany", name);
	if (!strcmp(name, "-ftrivial-auto-var-init="))
		return xasprintf("%spattern", name);
	return xasprintf("%s%s", name,
			 name[strlen(name) - 1] == '=' ? "2" : "");
}

static void check_harmless(const char *name, const char *level)
{
	char *cc = compare_compiler(name);
	char *without = cc ? macros_of(cc, level, NULL) : NULL;
	const struct options_entry *e;

	if (cc)
		ck_assert_ptr_nonnull(without);
	for (size_t i = 0; cc && (e = options_entry(i)); i++) {
		char *word, *with;

		if (e->scan != OPTIONS_SCAN_UNASKED)
			continue;
		word = with_value(e->name);
		with = macros_of(cc, level, word);

		/* An option can be unsupported by this compiler. */
		ck_assert_msg(!with || !strcmp(with, without), "%s %s %s", name,
			      level, word);
		free(with);
		free(word);
	}
	free(without);
	free(cc);
}

/* Operators, as far as headers use them. */
static const char operators[] =
	"#ifdef __has_attribute\n"
	"A __has_attribute(__no_stack_protector__)\n"
	"B __has_attribute(no_sanitize) __has_attribute(btf_type_tag)\n"
	"#endif\n"
	"#ifdef __has_builtin\n"
	"C __has_builtin(__builtin_mul_overflow) __has_builtin(memcpy)\n"
	"#endif\n"
	"#ifdef __has_feature\n"
	"D __has_feature(shadow_call_stack) __has_feature(address_sanitizer)\n"
	"#endif\n";

static const char *const compilers[] = {
	"gcc",
	"aarch64-linux-gnu-gcc",
	"arm-linux-gnueabihf-gcc",
	"riscv64-linux-gnu-gcc",
	"clang",
};

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(300);

TEST_EACH(options_omitted_from_driver_queries_change_no_macro, compilers)
{
	compare_file("unit.c", operators);
	check_harmless(*row, "-O2");
	check_harmless(*row, "-O0");
}

struct kept {
	const char *line;
	const char *flags; /* additional options for the compiler */
	enum reason why;
};

static const struct kept kept[] = {
	{ "cc -O2 -fno-common -Wall -c x.c", "-O2", REASON_NONE },
	{ "cc -fno-pic -ffunction-sections -fshort-wchar -c x.c",
	  "-fno-pic -fshort-wchar", REASON_NONE },
	{ "cc -ftrivial-auto-var-init=zero -mcmodel=tiny -c x.c",
	  "-mcmodel=tiny", REASON_NONE },
	{ "cc -Idir -isystem dir -DX -UY -include z.h -c x.c -o x.o", "",
	  REASON_NONE },
	{ "cc -B dir -c x.c", "-B dir", REASON_NONE },
	{ "cc -MD -MF x.d -g -c x.c", "-g", REASON_NONE },
	{ "cc -g -gdwarf-5 -gno-column-info -c x.c", "-g", REASON_NONE },
	{ "cc -g3 -c x.c -g0", "", REASON_NONE },
	{ "cc -ggdb -gstrict-dwarf -ggdb0 -c x.c", "", REASON_NONE },
	{ "cc -g1 -O2 -gtoggle -c x.c", "-O2 -g1 -gtoggle", REASON_NONE },
	{ "cc -g -Qn -fuse-ld=bfd -c x.c", "-g", REASON_NONE },
	{ "cc -imultilib x -c x.c", NULL, REASON_OPTION },
	{ "cc -c x.c y.c", NULL, REASON_NOT_ONE_SOURCE },
};

TEST_EACH(query_flags_contain_only_options_that_affect_macros, kept)
{
	char *copy = xstrdup(row->line), *rest = copy, *word, *flags;
	struct strv argv = { 0 };
	struct options_command c;
	struct cpp_cmdline l;

	while ((word = strsep(&rest, " ")))
		strv_add(&argv, word);
	options_command_parse(&c, argv.v);
	cpp_cmdline_parse(&l, &c, NULL);
	ck_assert_int_eq(l.reason, row->why);
	if (!row->why) {
		flags = l.query_flags.n ? strv_join(&l.query_flags, " ") :
					  xstrdup("");
		ck_assert_str_eq(flags, row->flags);
		ck_assert_str_eq(l.source, "x.c");
		free(flags);
	}
	cpp_cmdline_release(&l);
	options_command_release(&c);
	strv_release(&argv);
	free(copy);
}
