/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "../lib/test.h"

#include "options/command.h"

#define KERNEL                                                                  \
	"-nostdinc -I/src/arch/arm64/include -I./arch/arm64/include/generated " \
	"-I./include -I/src/include/uapi -include "                             \
	"/src/include/linux/compiler-version.h -include "                       \
	"/src/include/linux/kconfig.h -include "                                \
	"/src/include/linux/compiler_types.h -D__KERNEL__ -mlittle-endian "     \
	"-DCC_USING_PATCHABLE_FUNCTION_ENTRY -DKASAN_SHADOW_SCALE_SHIFT= "      \
	"-fmacro-prefix-map=/src/= -Wall -Wundef -Werror=strict-prototypes "    \
	"-Wno-trigraphs -fno-strict-aliasing -fno-common -fshort-wchar "        \
	"-fno-PIE -Werror=implicit-function-declaration -Wno-format-security "  \
	"-std=gnu11 -mgeneral-regs-only -DCONFIG_CC_HAS_K_CONSTRAINT=1 "        \
	"-Wno-psabi -mabi=lp64 -fno-asynchronous-unwind-tables "                \
	"-fno-unwind-tables -mbranch-protection=pac-ret+leaf+bti "              \
	"-Wa,-march=armv8.5-a -DARM64_ASM_ARCH='\"armv8.5-a\"' "                \
	"-ffixed-x18 -fno-delete-null-pointer-checks -O2 "                      \
	"--param=allow-store-data-races=0 -Wframe-larger-than=2048 "            \
	"-fstack-protector-strong -Wimplicit-fallthrough=5 "                    \
	"-fno-omit-frame-pointer -ftrivial-auto-var-init=zero "                 \
	"-fno-stack-clash-protection -fpatchable-function-entry=4,2 "           \
	"-Wdeclaration-after-statement -fno-strict-overflow -fno-stack-check "  \
	"-fconserve-stack -mstack-protector-guard=sysreg "                      \
	"-mstack-protector-guard-reg=sp_el0 "                                   \
	"-mstack-protector-guard-offset=1272 -DKBUILD_MODNAME='\"a\"' "

#define X86                                                                     \
	"-mno-sse -mno-mmx -mno-sse2 -mno-3dnow -mno-avx -fcf-protection=none " \
	"-m64 -falign-jumps=1 -falign-loops=1 -mno-80387 -mno-fp-ret-in-387 "   \
	"-mpreferred-stack-boundary=3 -mskip-rax-setup -mtune=generic "         \
	"-mno-red-zone -mcmodel=kernel -Wno-sign-compare "                      \
	"-mindirect-branch=thunk-extern -mindirect-branch-register "            \
	"-mindirect-branch-cs-prefix -mfunction-return=thunk-extern "           \
	"-fno-jump-tables -mharden-sls=all -fno-allow-store-data-races "        \
	"-pg -mrecord-mcount -mfentry -DCC_USING_FENTRY "

/* A command line, its class, and its details. */
static const struct line {
	const char *line;
	enum options_class verdict;
	const char *local_reason; /* OPTIONS_CLASS_LOCAL */
	const char *object; /* OPTIONS_CLASS_REMOTE */
	const char *dep;
} lines[] = {
	/* Linux */
	{ "gcc -Wp,-MMD,lib/.a.o.d " KERNEL "-c -o lib/a.o /src/lib/a.c",
	  OPTIONS_CLASS_REMOTE, NULL, "lib/a.o", "lib/.a.o.d" },
	{ "aarch64-linux-gnu-gcc-12 -Wp,-MD,lib/.a.o.d " KERNEL
	  "-c -o lib/a.o /src/lib/a.c",
	  OPTIONS_CLASS_REMOTE, NULL, "lib/a.o", "lib/.a.o.d" },
	{ "/x/bin/gcc -Wp,-MMD,a/.b.o.d " X86 "-c -o a/b.o a/b.c",
	  OPTIONS_CLASS_REMOTE, NULL, "a/b.o", "a/.b.o.d" },
	{ "gcc -Wp,-MMD,a/.e.o.d -D__ASSEMBLY__ -Wa,-mx86-used-note=no -m16 "
	  "-Wa,--divide,--fatal-warnings -c -o a/e.o a/e.S",
	  OPTIONS_CLASS_REMOTE, NULL, "a/e.o", "a/.e.o.d" },
	{ "gcc -Wp,-MMD,scripts/.k.o.d -Wall -O2 -std=gnu11 -I ./scripts "
	  "-c -o scripts/k.o /src/scripts/k.c",
	  OPTIONS_CLASS_REMOTE, NULL, "scripts/k.o", "scripts/.k.o.d" },
	{ "gcc -Wp,-MD,/t/.x.o.d -Wp,-MT,/t/x.o -D_GNU_SOURCE -g -c -o /t/x.o "
	  "x.c",
	  OPTIONS_CLASS_REMOTE, NULL, "/t/x.o", "/t/.x.o.d" },
	{ "gcc -g -gdwarf-4 -c a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -g -O2 -g0 -c a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -g -gno-column-info -c a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o",
	  NULL },
	{ "gcc -fzero-init-padding-bits=all -c a.c", OPTIONS_CLASS_REMOTE, NULL,
	  "a.o", NULL },
	{ "gcc -mthin-add-sub -Wa,-mthin-add-sub -c a.S", OPTIONS_CLASS_REMOTE,
	  NULL, "a.o", NULL },
	{ "clang -fsanitize=kcfi "
	  "-fsanitize-cfi-icall-experimental-normalize-integers -c a.c",
	  OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -g -gz=zlib -c a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -g -gz=zstd -c a.S", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -gz -c a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -gz=/x -c a.c", OPTIONS_CLASS_LOCAL, "unknown debug option",
	  NULL, NULL },
	{ "gcc -gno-record-gcc-switches -c a.c", OPTIONS_CLASS_REMOTE, NULL,
	  "a.o", NULL },
	{ "gcc -fplugin=./p.so -c a.c", OPTIONS_CLASS_LOCAL, "gcc plugin", NULL,
	  NULL },
	{ "gcc -fprofile-use -c a.c", OPTIONS_CLASS_LOCAL, "profile options",
	  NULL, NULL },
	{ "gcc -march=native -c a.c", OPTIONS_CLASS_LOCAL,
	  "tuned for this machine (native)", NULL, NULL },
	{ "clang-14 -c a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "clang --target=aarch64-linux-gnu -c -o a.o a.c",
	  OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "clang -fsanitize=kernel-address -mllvm "
	  "-asan-mapping-offset=0xdffffc0000000000 -mllvm -asan-stack=0 "
	  "-c a.c",
	  OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "clang -mllvm -msan-disable-checks=1 -mllvm -hwasan-use-after-scope=0 "
	  "-mllvm -tsan-distinguish-volatile=1 -mllvm -max-store-memset=9 "
	  "-mllvm -hexagon-cext=false -c a.c",
	  OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "clang -mllvm -load=x.so -c a.c", OPTIONS_CLASS_LOCAL,
	  "odd value of an option", NULL, NULL },
	{ "gcc -finline-stringops=memset -c a.c", OPTIONS_CLASS_REMOTE, NULL,
	  "a.o", NULL },
	{ "gcc -mhotpatch=0,3 -mharden-sls=retbr,blr -c a.c",
	  OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "clang -Xclang -load -Xclang x.so -c a.c", OPTIONS_CLASS_LOCAL,
	  "clang option", NULL, NULL },
	{ "g++ -c a.c", OPTIONS_CLASS_LOCAL, "C++", NULL, NULL },
	{ "aarch64-linux-gnu-g++-12 -c a.cc", OPTIONS_CLASS_LOCAL, "C++", NULL,
	  NULL },
	{ "gcc -c a.cpp", OPTIONS_CLASS_LOCAL, "C++", NULL, NULL },
	{ "gcc -x c++ -c a.c", OPTIONS_CLASS_LOCAL, "C++", NULL, NULL },
	{ "gcc -fplugin=p.so -c a.cc", OPTIONS_CLASS_LOCAL, "C++", NULL, NULL },
	{ "gcc -fplugin=p.so -x c++ -c a.c", OPTIONS_CLASS_LOCAL, "C++", NULL,
	  NULL },
	/* probes and other calls that do not compile */
	{ "gcc --version", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -dumpmachine", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -print-file-name=plugin", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL,
	  NULL },
	{ "gcc -v", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -### -c a.c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -Werror -fno-foo -c -x c /dev/null -o /t/tmp",
	  OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c -x assembler-with-cpp -o /t/tmp -", OPTIONS_CLASS_PASSTHROUGH,
	  NULL, NULL, NULL },
	{ "gcc -S -x c /dev/null -o /dev/null", OPTIONS_CLASS_PASSTHROUGH, NULL,
	  NULL, NULL },
	{ "gcc -c a.c -o /dev/null", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL,
	  NULL },
	{ "gcc -c a.c -o -", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c /dev/stdin -o a.o", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL,
	  NULL },
	{ "gcc -E a.c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -E -c a.c -o a.i", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -S -c a.c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -M -c a.c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -MM a.c -c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -fsyntax-only -c a.c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL,
	  NULL },
	{ "gcc a.c -o a", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc a.o b.o -o a -lm", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c a.c b.c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c a.c b.o", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c -o", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c a.c -o", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c a.c -MT", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c a.c -x", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c a.c -Xassembler", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL,
	  NULL },
	{ "gcc @args", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c a.c -E", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -save-temps a.c -o a", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL,
	  NULL },
	{ "clang -c a.c b.c", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	{ "gcc -c noext", OPTIONS_CLASS_PASSTHROUGH, NULL, NULL, NULL },
	/* languages */
	{ "gcc -c a.s", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -MMD -MF a.d -MT x -MP -Wp,-MQ,y -c a.s", OPTIONS_CLASS_REMOTE,
	  NULL, "a.o", NULL },
	{ "gcc -Wp,-MD,.a.d -g -Wa,--noexecstack -c -o b.o a.s",
	  OPTIONS_CLASS_REMOTE, NULL, "b.o", NULL },
	{ "gcc -xassembler -MD -c a.S", OPTIONS_CLASS_REMOTE, NULL, "a.o",
	  NULL },
	{ "gcc -Wa,-I,x -c a.s", OPTIONS_CLASS_LOCAL, "assembler option", NULL,
	  NULL },
	{ "clang -Iinc -g -c a.s", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "clang -MP -c a.s", OPTIONS_CLASS_LOCAL, "odd dependency options",
	  NULL, NULL },
	{ "clang -Wp,-DX -c a.s", OPTIONS_CLASS_LOCAL, "odd dependency options",
	  NULL, NULL },
	{ "gcc -c a.s -x assembler", OPTIONS_CLASS_LOCAL, "-x after the source",
	  NULL, NULL },
	{ "gcc -c a.i", OPTIONS_CLASS_LOCAL, "another language", NULL, NULL },
	{ "gcc -c a.h", OPTIONS_CLASS_LOCAL, "precompiled header", NULL, NULL },
	{ "gcc -c a.sx", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -x c -c noext", OPTIONS_CLASS_REMOTE, NULL, "noext.o", NULL },
	{ "gcc -xassembler-with-cpp -c a.s", OPTIONS_CLASS_REMOTE, NULL, "a.o",
	  NULL },
	{ "gcc -x none -c a.c", OPTIONS_CLASS_LOCAL, "another language", NULL,
	  NULL },
	{ "gcc -x cpp-output -c a.c", OPTIONS_CLASS_LOCAL, "another language",
	  NULL, NULL },
	{ "gcc -c a.c -x c", OPTIONS_CLASS_LOCAL, "-x after the source", NULL,
	  NULL },
	/* outputs */
	{ "gcc -c d/a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -c d/a.b.c", OPTIONS_CLASS_REMOTE, NULL, "a.b.o", NULL },
	{ "gcc -c -od/x.o a.c", OPTIONS_CLASS_REMOTE, NULL, "d/x.o", NULL },
	{ "gcc -c a.c -o x.o -o y.o", OPTIONS_CLASS_LOCAL, "several -o", NULL,
	  NULL },
	{ "gcc -c a.c -o a.c", OPTIONS_CLASS_LOCAL, "odd output name", NULL,
	  NULL },
	{ "gcc -c a.c -o ./a.c", OPTIONS_CLASS_LOCAL, "odd output name", NULL,
	  NULL },
	{ "gcc -c a.c -o d/", OPTIONS_CLASS_LOCAL, "odd output name", NULL,
	  NULL },
	{ "gcc -c .c", OPTIONS_CLASS_LOCAL,
	  "source whose name begins with a dot", NULL, NULL },
	{ "gcc -MD -c d/a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", "a.d" },
	{ "gcc -MD -c a.c -o d/x.y.o", OPTIONS_CLASS_REMOTE, NULL, "d/x.y.o",
	  "d/x.y.d" },
	{ "gcc -MMD -c a.c -o d.e/x", OPTIONS_CLASS_REMOTE, NULL, "d.e/x",
	  "d.e/x.d" },
	{ "gcc -MMD -c a.c -o d/.o", OPTIONS_CLASS_REMOTE, NULL, "d/.o",
	  "d/.d" },
	{ "gcc -MMD -MF f -c a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", "f" },
	{ "gcc -MFf -MD -MP -MT x -MQy -c a.c", OPTIONS_CLASS_REMOTE, NULL,
	  "a.o", "f" },
	{ "gcc -MF f -c a.c", OPTIONS_CLASS_LOCAL, "odd dependency options",
	  NULL, NULL },
	{ "gcc -MD -MF f -MF g -c a.c", OPTIONS_CLASS_LOCAL,
	  "several dependency files", NULL, NULL },
	{ "gcc -MD -MF - -c a.c", OPTIONS_CLASS_LOCAL, "odd output name", NULL,
	  NULL },
	{ "gcc -MD -MF /dev/null -c a.c", OPTIONS_CLASS_LOCAL,
	  "odd output name", NULL, NULL },
	{ "gcc -MD -MF a.o -c a.c", OPTIONS_CLASS_LOCAL, "odd output name",
	  NULL, NULL },
	{ "gcc -MD -c a.c -o a.d", OPTIONS_CLASS_LOCAL, "odd output name", NULL,
	  NULL },
	{ "gcc -MD -MF a.c -c a.c", OPTIONS_CLASS_LOCAL, "odd output name",
	  NULL, NULL },
	{ "gcc -Wp,-MD,f,-MT,x,-MP,-DX=1,-Idir -c a.c", OPTIONS_CLASS_REMOTE,
	  NULL, "a.o", "f" },
	{ "gcc -Wp,-MD,f -Wp,-MD,g -c a.c", OPTIONS_CLASS_LOCAL,
	  "several dependency files", NULL, NULL },
	{ "gcc -Wp,-MMD,f -MD -c a.c", OPTIONS_CLASS_LOCAL,
	  "several dependency files", NULL, NULL },
	{ "gcc -Wp,-MD -c a.c", OPTIONS_CLASS_LOCAL, "odd dependency options",
	  NULL, NULL },
	{ "gcc -Wp,-MD,,x -c a.c", OPTIONS_CLASS_LOCAL,
	  "odd dependency options", NULL, NULL },
	{ "gcc -Wp,-dM -c a.c", OPTIONS_CLASS_LOCAL, "preprocessor option",
	  NULL, NULL },
	{ "gcc -Wp,-D,X -c a.c", OPTIONS_CLASS_LOCAL, "preprocessor option",
	  NULL, NULL },
	/* values and lists */
	{ "gcc -Wa,-al -c a.c", OPTIONS_CLASS_LOCAL, "assembler option", NULL,
	  NULL },
	{ "gcc -Wa,-g -c a.S", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc -Xassembler -march=armv7-a -c a.c", OPTIONS_CLASS_REMOTE, NULL,
	  "a.o", NULL },
	{ "gcc -Xassembler -al -c a.c", OPTIONS_CLASS_LOCAL, "assembler option",
	  NULL, NULL },
	{ "gcc -Ofoo/bar -c a.c", OPTIONS_CLASS_LOCAL, "odd value of an option",
	  NULL, NULL },
	{ "gcc --param x=1 -c a.c", OPTIONS_CLASS_REMOTE, NULL, "a.o", NULL },
	{ "gcc --param -c a.c -c", OPTIONS_CLASS_LOCAL,
	  "odd value of an option", NULL, NULL },
	{ "gcc -c a.c @args", OPTIONS_CLASS_LOCAL, "@file", NULL, NULL },
	{ "gcc -I @args -c a.c", OPTIONS_CLASS_LOCAL, "@file", NULL, NULL },
	{ "gcc -fnonsense -c a.c", OPTIONS_CLASS_LOCAL, "unknown option", NULL,
	  NULL },
	{ "gcc -O2 -lm -L. -Wl,-z,now -nostdlib -c a.c", OPTIONS_CLASS_REMOTE,
	  NULL, "a.o", NULL },
	{ "gcc -wrapper gdb,--args -c a.c", OPTIONS_CLASS_LOCAL, "-wrapper",
	  NULL, NULL },
	{ "gcc -v -c a.c", OPTIONS_CLASS_LOCAL, "compiler reports", NULL,
	  NULL },
};

static void split(struct strv *argv, const char *line)
{
	char *copy = xstrdup(line), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		strv_add(argv, w);
	free(copy);
}

static void check_string(const char *line, char *got, const char *want)
{
	ck_assert_msg(str_equal(got ? got : "-", want ? want : "-"),
		      "%s: %s, not %s", line, got, want);
	free(got);
}

TEST_EACH(a_command_line_has_the_expected_class_and_outputs, lines)
{
	struct options_command c;
	struct strv argv = { 0 };

	split(&argv, row->line);
	options_command_parse(&c, argv.v);
	ck_assert_msg(c.class == row->verdict, "%s: %d %s", row->line, c.class,
		      reason_text(c.reason));
	if (row->verdict == OPTIONS_CLASS_LOCAL)
		ck_assert_str_eq(reason_text(c.reason), row->local_reason);
	if (row->verdict == OPTIONS_CLASS_REMOTE) {
		ck_assert_int_eq(c.reason, REASON_NONE);
		check_string(row->line, options_output_object_path(&c),
			     row->object);
		check_string(row->line, options_output_dep_path(&c), row->dep);
	}
	options_command_release(&c);
	strv_release(&argv);
}

TEST_RANGE(a_source_name_can_contain_any_bytes, 0, 7)
{
	static char *const names[] = { "a b.c",    "smart1,2.c", "\xc3\xa4.c",
				       "a'\"$;.c", "=.c",        "a\nb.c",
				       "1.c" };
	char *argv[] = { "gcc", "-c", "-o", "o ,.o", names[_i], NULL };
	struct options_command c;

	options_command_parse(&c, argv);
	ck_assert_int_eq(c.class, OPTIONS_CLASS_REMOTE);
	ck_assert_str_eq(c.source, names[_i]);
	ck_assert_int_eq(c.lang, OPTIONS_LANG_C);
	options_command_release(&c);
}

TEST(the_language_follows_the_suffix_or_the_x_option)
{
	char *c_file[] = { "gcc", "-c", "a.c", NULL };
	char *s_file[] = { "gcc", "-c", "a.S", NULL };
	char *as_c[] = { "gcc", "-xc", "-c", "a.S", NULL };
	char *plain[] = { "gcc", "-c", "a.s", NULL };
	char *as_plain[] = { "gcc", "-x", "assembler", "-c", "a.c", NULL };
	struct options_command c;

	options_command_parse(&c, c_file);
	ck_assert_int_eq(c.lang, OPTIONS_LANG_C);
	options_command_release(&c);
	options_command_parse(&c, s_file);
	ck_assert_int_eq(c.lang, OPTIONS_LANG_ASM_CPP);
	options_command_release(&c);
	options_command_parse(&c, as_c);
	ck_assert_int_eq(c.lang, OPTIONS_LANG_C);
	options_command_release(&c);
	options_command_parse(&c, plain);
	ck_assert_int_eq(c.lang, OPTIONS_LANG_ASM);
	options_command_release(&c);
	options_command_parse(&c, as_plain);
	ck_assert_int_eq(c.lang, OPTIONS_LANG_ASM);
	options_command_release(&c);
}

TEST(an_empty_command_line_is_passed_through)
{
	char *none[] = { NULL }, *empty[] = { "", "", "-c", "", NULL };
	struct options_command c;

	options_command_parse(&c, none);
	ck_assert_int_eq(c.class, OPTIONS_CLASS_PASSTHROUGH);
	options_command_release(&c);
	options_command_parse(&c, empty);
	ck_assert_int_eq(c.class, OPTIONS_CLASS_PASSTHROUGH);
	options_command_release(&c);
}

/*
 * Return each item as INDEX:TEXT=VALUE, or INDEX?TEXT if the option is unknown.
 * The words of a list are in parentheses.
 */
static char *items_of(char *const *argv)
{
	struct options_command c;
	struct buf out = { 0 };

	options_command_parse(&c, argv);
	for (size_t k = 0; k < c.n_items; k++) {
		const struct options_item *i = &c.items[k];

		buf_printf(&out, "%s%s%u%s%.*s", k ? " " : "",
			   i->in_list ? "(" : "", i->argv_index,
			   i->entry ? ":" : "?", (int)i->len, i->text);
		if (i->value)
			buf_printf(&out, "%s%.*s", i->separate ? " = " : "=",
				   (int)i->value_len, i->value);
		buf_add_str(&out, i->in_list ? ")" : "");
	}
	options_command_release(&c);
	return buf_steal(&out);
}

static const struct {
	const char *line, *items;
} item_lines[] = {
	{ "gcc -I dir x", "1:-I = dir 3?x" },
	{ "gcc -Idir", "1:-Idir=dir" },
	{ "gcc -I", "1:-I" },
	{ "gcc -c x", "1:-c 2?x" },
	{ "gcc x.c", "1?x.c" },
	{ "gcc - x", "1?- 2?x" },
	{ "gcc -fnonsense x", "1?-fnonsense 2?x" },
	{ "gcc", "" },
	{ "gcc -Wp,-MMD,f,-MT,,-MP,-DX=1 y",
	  "1:-Wp,-MMD,f,-MT,,-MP,-DX=1=-MMD,f,-MT,,-MP,-DX=1 (1:-MMD=f) "
	  "(1:-MT=) (1:-MP) (1:-DX=1) 2?y" },
	{ "gcc -Wp,-MT -Wp,", "1:-Wp,-MT=-MT (1:-MT) 2:-Wp,= (2:)" },
	{ "gcc -Wa,-a,,--defsym,X=1 -Xassembler a,b",
	  "1:-Wa,-a,,--defsym,X=1=-a,,--defsym,X=1 (1:-a) (1:) "
	  "(1:--defsym=X=1) 2:-Xassembler = a,b (2:a,b)" },
	{ "gcc -Da,b,c,d", "1:-Da,b,c,d=a,b,c,d" },
};

TEST_EACH(a_command_line_is_parsed_into_items, item_lines)
{
	struct strv argv = { 0 };
	char *got;

	split(&argv, row->line);
	got = items_of(argv.v);
	ck_assert_str_eq(got, row->items);
	free(got);
	strv_release(&argv);
}

/* Commands with -E to stdout: the depfile (NULL: none) and the class. */
static const struct text_line {
	const char *line, *dep;
	enum options_class verdict;
} text_lines[] = {
	{ "gcc -E -D__GENKSYMS__ -Wp,-MMD,lib/.a.o.d " KERNEL "/src/lib/a.c",
	  "lib/.a.o.d", OPTIONS_CLASS_REMOTE },
	{ "gcc -E -D__GENKSYMS__ -Wp,-MMD,a/.b.o.d " X86 "a/b.c", "a/.b.o.d",
	  OPTIONS_CLASS_REMOTE },
	{ "gcc -E a.c", NULL, OPTIONS_CLASS_REMOTE },
	{ "gcc -E -MD a.c", "a.d", OPTIONS_CLASS_REMOTE },
	{ "gcc -E -x c a", NULL, OPTIONS_CLASS_REMOTE },
	{ "gcc -E -P a.c", NULL, OPTIONS_CLASS_LOCAL },
	{ "gcc -E -MD -MF a.c a.c", "a.c", OPTIONS_CLASS_LOCAL },
	{ "g++ -E a.c", NULL, OPTIONS_CLASS_LOCAL },
	{ "gcc -E -o a.i a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -fstack-usage a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E a.S", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -c a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -M a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E a.c b.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -x c /dev/null", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -c a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
};

TEST_EACH(preprocessing_to_stdout_is_parsed_as_a_unit, text_lines)
{
	struct options_command c;
	struct strv argv = { 0 };

	split(&argv, row->line);
	options_command_parse_text(&c, argv.v);
	ck_assert_int_eq(c.class, row->verdict);
	if (c.class != OPTIONS_CLASS_PASSTHROUGH) {
		ck_assert_ptr_null(c.object);
		if (row->dep)
			check_string(row->line, options_output_dep_path(&c),
				     row->dep);
		else
			ck_assert_ptr_null(options_output_dep_path(&c));
	}
	options_command_release(&c);
	options_command_parse(&c, argv.v);
	if (strcmp(row->line, "gcc -c a.c"))
		ck_assert_int_eq(c.class, OPTIONS_CLASS_PASSTHROUGH);
	options_command_release(&c);
	strv_release(&argv);
}

/* Commands with -E on stdin: the depfile (NULL: none) and the class. */
static const struct text_line stdin_lines[] = {
	{ "gcc -E -D__GENKSYMS__ -Wp,-MMD,lib/.a.o.d -Iinclude -xc -",
	  "lib/.a.o.d", OPTIONS_CLASS_REMOTE },
	{ "gcc -E -x c -", NULL, OPTIONS_CLASS_REMOTE },
	{ "gcc -E -MD -xc -", "-.d", OPTIONS_CLASS_LOCAL },
	{ "gcc -E -Wp,-MMD,.a.o.d -MT a.o -xc -", ".a.o.d",
	  OPTIONS_CLASS_LOCAL },
	{ "gcc -E -Wp,-MMD,.a.o.d,-MT,a.o -xc -", ".a.o.d",
	  OPTIONS_CLASS_LOCAL },
	{ "gcc -E -Wp,-MMD,.a.o.d -MP -xc -", ".a.o.d", OPTIONS_CLASS_LOCAL },
	{ "gcc -E -Wp,-MMD,.a.o.d,-MP -xc -", ".a.o.d", OPTIONS_CLASS_LOCAL },
	{ "gcc -E -P -xc -", NULL, OPTIONS_CLASS_LOCAL },
	{ "gcc -E -xassembler-with-cpp -", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E - -xc", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -xc - -", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -xc - a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -xc a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -o a.i -xc -", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -c -xc -", NULL, OPTIONS_CLASS_PASSTHROUGH },
};

TEST_EACH(preprocessing_of_stdin_is_parsed_as_a_unit, stdin_lines)
{
	struct options_command c;
	struct strv argv = { 0 };

	split(&argv, row->line);
	options_command_parse_stdin(&c, argv.v);
	ck_assert_int_eq(c.class, row->verdict);
	if (c.class != OPTIONS_CLASS_PASSTHROUGH) {
		ck_assert(c.from_stdin);
		ck_assert_str_eq(c.source, "-");
		if (row->dep)
			check_string(row->line, options_output_dep_path(&c),
				     row->dep);
		else
			ck_assert_ptr_null(options_output_dep_path(&c));
		options_command_set_text(&c, "/t/1.c");
		ck_assert_str_eq(c.source, "/t/1.c");
		ck_assert_str_eq(c.items[c.n_items - 1].text, "/t/1.c");
		ck_assert_uint_eq(c.items[c.n_items - 1].len, 6);
		ck_assert(strv_has(&argv, "-"));
	}
	options_command_release(&c);
	options_command_parse_text(&c, argv.v);
	ck_assert(!c.from_stdin);
	options_command_release(&c);
	strv_release(&argv);
}

/* Commands with -E into a file: the depfile (NULL: none) and the class. */
static const struct text_line asm_cpp_lines[] = {
	{ "gcc -E -Wp,-MMD,d/.x.dtb.d.pre.tmp -nostdinc -I/s/include -undef "
	  "-D__DTS__ -x assembler-with-cpp -o d/.x.dtb.dts.tmp /s/d/x.dts",
	  "d/.x.dtb.d.pre.tmp", OPTIONS_CLASS_REMOTE },
	{ "gcc -E -o t a.S", NULL, OPTIONS_CLASS_REMOTE },
	{ "gcc -E -P -o t a.S", NULL, OPTIONS_CLASS_LOCAL },
	{ "gcc -E -Wp,-MMD,t -o t a.S", "t", OPTIONS_CLASS_LOCAL },
	{ "gcc -E a.S", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -o t a.c", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -o t a.s", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -o t a.dts", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -o - a.S", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -o t -x assembler-with-cpp -", NULL,
	  OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -E -o t -gsplit-dwarf a.S", NULL, OPTIONS_CLASS_PASSTHROUGH },
	{ "gcc -c -o t a.S", NULL, OPTIONS_CLASS_PASSTHROUGH },
};

TEST_EACH(preprocessing_into_a_file_is_parsed_as_a_unit, asm_cpp_lines)
{
	struct options_command c;
	struct strv argv = { 0 };

	split(&argv, row->line);
	options_command_parse_asm_cpp(&c, argv.v);
	ck_assert_int_eq(c.class, row->verdict);
	if (c.class != OPTIONS_CLASS_PASSTHROUGH) {
		ck_assert_int_eq(c.lang, OPTIONS_LANG_ASM_CPP);
		ck_assert_ptr_nonnull(c.object);
		if (row->dep)
			check_string(row->line, options_output_dep_path(&c),
				     row->dep);
		else
			ck_assert_ptr_null(options_output_dep_path(&c));
	}
	options_command_release(&c);
	strv_release(&argv);
}

TEST(a_temporary_file_is_in_the_directory_of_its_target)
{
	check_string("", options_output_temp_path("d/a.o", 7),
		     "d/.a.o.kfarm.7");
	check_string("", options_output_temp_path("a.o", 7), ".a.o.kfarm.7");
	check_string("", options_output_temp_path("/a.o", 4294967295u),
		     "/.a.o.kfarm.4294967295");
	check_string("", options_output_temp_path("d/.a.o.d", 1),
		     "d/..a.o.d.kfarm.1");
}

/* Commands that compile and link, and their compile; NULL: not divisible. */
static const struct {
	const char *line, *compile;
} link_commands[] = {
	{ "gcc -o prog prog.c", "gcc -c -o prog prog.c" },
	{ "gcc -Wp,-MMD,.prog.d -Wall -O2 -I . -Idir -oprog prog.c -lelf",
	  "gcc -c -Wp,-MMD,.prog.d -Wall -O2 -I . -Idir -oprog prog.c" },
	{ "gcc -g -pthread a.o -o d/prog d/prog.c lib.a -L dir -l m -Wl,-z,now",
	  "gcc -c -g -pthread -o d/prog d/prog.c" },
	{ "aarch64-linux-gnu-gcc-12 -nostdlib -T x.lds -o prog start.S",
	  "aarch64-linux-gnu-gcc-12 -c -o prog start.S" },
	{ "gcc prog.c", NULL },
	{ "gcc -c -o prog.o prog.c", NULL },
	{ "gcc -S -o prog.s prog.c", NULL },
	{ "gcc -E -o prog.i prog.c", NULL },
	{ "gcc -o prog prog.c other.c", NULL },
	{ "gcc -o prog prog.o", NULL },
	{ "gcc -o prog prog.c libx.so", NULL },
	{ "gcc -o prog prog.cc", NULL },
	{ "gcc -o prog -x c prog.c", NULL },
	{ "gcc -o prog -", NULL },
	{ "gcc -o /dev/null prog.c", NULL },
	{ "gcc -o prog -o prog2 prog.c", NULL },
	{ "gcc -o prog prog.c @words", NULL },
	{ "gcc -flto -o prog prog.c", NULL },
	{ "gcc -flto=auto -o prog prog.c", NULL },
	{ "gcc -MMD -o prog prog.c", NULL },
	{ "gcc -MMD -MF prog.d -o prog prog.c", NULL },
	{ "gcc -Wp,-MMD,.prog.d -MT x -o prog prog.c", NULL },
	{ "gcc -static -o prog prog.c", NULL },
	{ "gcc -shared -o prog prog.c", NULL },
	{ "gcc --coverage -o prog prog.c", NULL },
	{ "gcc -fstack-usage -o prog prog.c", NULL },
	{ "gcc -gsplit-dwarf -o prog prog.c", NULL },
	{ "gcc -save-temps -o prog prog.c", NULL },
	{ "gcc -march=native -o prog prog.c", NULL },
	{ "gcc -v -o prog prog.c", NULL },
	{ "gcc -fnosuch-option -o prog prog.c", NULL },
	{ "gcc -o prog .c", NULL },
	{ "gcc -o", NULL },
	{ "clang -o prog prog.c", NULL },
	{ "g++ -o prog prog.c", NULL },
};

TEST_EACH(a_compile_and_link_command_is_divided, link_commands)
{
	struct strv argv = { 0 };
	struct options_command c, compiled;
	unsigned source_at;
	char **words;

	strv_split(&argv, row->line, " ");
	options_command_parse(&c, argv.v);
	words = options_command_divide(&c, &compiled, &source_at);
	ck_assert_int_eq(!words, !row->compile);
	if (words) {
		struct strv compile = { .v = words };

		ck_assert_int_eq(c.class, OPTIONS_CLASS_PASSTHROUGH);
		while (words[compile.n])
			compile.n++;
		check_string(row->line, strv_join(&compile, " "), row->compile);
		ck_assert_str_eq(argv.v[source_at], c.source);
		ck_assert_int_eq(compiled.class, OPTIONS_CLASS_REMOTE);
	}
	options_command_release(&compiled);
	free(words);
	options_command_release(&c);
	strv_release(&argv);
}
